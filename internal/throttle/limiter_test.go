package throttle_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed89488a0c/auth/internal/memory"
	"github.com/seed89488a0c/auth/internal/row"
	"github.com/seed89488a0c/auth/internal/throttle"
)

const (
	ada   = "ada@example.com"
	wrong = "not it"
)

// client is who tries.
type client struct {
	address netip.Addr
	own     string
}

func from(address string) client { return client{address: netip.MustParseAddr(address)} }
func network(n int) client {
	return client{address: netip.AddrFrom4([4]byte{198, 51, byte(n >> 8), byte(n)})}
}
func (c client) known(own string) client { c.own = own; return c }

func newLimiter(t testing.TB, store row.AttemptStore, c throttle.Config) *throttle.Limiter {
	t.Helper()
	c.Store = store
	c.Keys = throttle.NewKeys(nil)
	l, err := throttle.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func begin(l *throttle.Limiter, account string, c client, password string) (*throttle.Pass, error) {
	try := throttle.Try{Account: account, Address: c.address, Own: c.own, OwnUntil: time.Now().UTC().Truncate(time.Microsecond).Add(180 * 24 * time.Hour), Password: password}
	return l.Begin(context.Background(), try, l.Store.Attempts)
}

var serial atomic.Int64 // of passwords

// fails tries a wrong password, each time another one.
func fails(t testing.TB, l *throttle.Limiter, account string, c client) (changes []throttle.Change, refused *throttle.Error) {
	t.Helper()
	pass, err := begin(l, account, c, fmt.Sprint(wrong, serial.Add(1)))
	if errors.As(err, &refused) {
		return nil, refused
	}
	if err != nil {
		t.Fatal(err)
	}
	defer pass.Leave()
	if changes, err = pass.Failed(t.Context()); err != nil {
		t.Fatal(err)
	}
	return changes, nil
}

// succeeds tries the right password.
func succeeds(t testing.TB, l *throttle.Limiter, account string, c client) *throttle.Error {
	t.Helper()
	pass, err := begin(l, account, c, "right")
	var refused *throttle.Error
	if errors.As(err, &refused) {
		return refused
	}
	if err != nil {
		t.Fatal(err)
	}
	pass.Leave()
	if err := pass.Succeeded(t.Context()); err != nil {
		t.Fatal(err)
	}
	return nil
}

func mustFail(t testing.TB, l *throttle.Limiter, account string, c client, times int) {
	t.Helper()
	for n := range times {
		if _, refused := fails(t, l, account, c); refused != nil {
			t.Fatalf("failure %d is refused: %+v", n+1, refused)
		}
	}
}

// The strangers of a network wait from the fifth failure on, exactly as long as they are
// told, and are stopped at the tenth. Then one is let in a day, until forty.
func TestStrangersOfANetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &memory.Store{}
		l, other := newLimiter(t, store, throttle.Config{}), newLimiter(t, store, throttle.Config{})
		mallory, owner := from("203.0.113.9"), from("192.0.2.1")
		mustFail(t, l, ada, mallory, 4)
		changes, _ := fails(t, l, ada, mallory)
		if len(changes) != 1 || changes[0] != throttle.PairSlowed {
			t.Errorf("the fifth failure brings about %v", changes)
		}
		for n := 5; n < 10; n++ {
			want := 30 * time.Second << (n - 5)
			for _, l := range []*throttle.Limiter{l, other} {
				if _, refused := fails(t, l, ada, mallory); refused == nil || refused.Stopped || refused.After != want {
					t.Fatalf("after %d failures: %+v, want %v", n, refused, want)
				}
			}
			time.Sleep(want - time.Second)
			if _, refused := fails(t, other, ada, mallory); refused == nil || refused.After != time.Second {
				t.Fatalf("a second too early: %+v", refused)
			}
			time.Sleep(time.Second)
			mustFail(t, l, ada, mallory, 1)
		}
		for day := 10; day < 40; day++ {
			if _, refused := fails(t, other, ada, mallory); refused == nil || !refused.Stopped || refused.After != 0 {
				t.Fatalf("after %d failures: %+v, want a stop", day, refused)
			}
			if refused := succeeds(t, l, ada, owner.known("laptop")); refused != nil {
				t.Fatalf("the owner is refused: %+v", refused)
			}
			time.Sleep(24 * time.Hour)
			mustFail(t, l, ada, mallory, 1)
		}
		for range 29 {
			time.Sleep(24 * time.Hour)
			if _, refused := fails(t, l, ada, mallory); refused == nil || !refused.Stopped {
				t.Fatalf("after 40 failures: %+v, want a stop", refused)
			}
		}
		time.Sleep(24 * time.Hour)
		mustFail(t, l, ada, mallory, 5)
		if refused := succeeds(t, l, ada, from("192.0.2.77")); refused != nil {
			t.Errorf("another network is refused: %+v", refused)
		}
	})
}

// However long the owner is away, one network alone slows no other one.
func TestOneNetworkSlowsNoOther(t *testing.T) {
	for _, attacker := range []struct {
		name string
		of   func(n int) client
	}{
		{"an address", func(int) client { return from("203.0.113.9") }},
		{"an IPv6 /64", func(n int) client { return from(fmt.Sprintf("2001:db8:1:2::%x", n%60000)) }},
		{"an IPv6 /48", func(n int) client { return from(fmt.Sprintf("2001:db8:1:%x::1", n%60000)) }},
		{"mapped", func(int) client { return from("::ffff:203.0.113.9") }},
	} {
		t.Run(attacker.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLimiter(t, &memory.Store{}, throttle.Config{})
				checked := 0
				for n := range 120 * 24 { // each hour of 120 days, many times
					for range 3 {
						if _, refused := fails(t, l, ada, attacker.of(n)); refused == nil {
							checked++
						}
						time.Sleep(time.Minute)
					}
					time.Sleep(57 * time.Minute)
					if n%24 != 0 {
						continue
					}
					if state, err := l.State(t.Context(), ada); err != nil || state.Wait > 0 || state.Stopped || state.Failures >= 50 {
						t.Fatalf("on day %d: %+v, %v", n/24, state, err)
					}
				}
				if checked < 40 || checked > 160 {
					t.Errorf("%d failures were checked in 120 days", checked)
				}
			})
		})
	}
}

// Strangers of many networks together are slowed from 50 and stopped at 80 failures; known
// clients go on until 100.
func TestAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(t, &memory.Store{}, throttle.Config{})
		for n := range 49 {
			mustFail(t, l, ada, network(n), 1)
		}
		if changes, _ := fails(t, l, ada, network(49)); len(changes) != 1 || changes[0] != throttle.AccountSlowed {
			t.Errorf("the fiftieth failure brings about %v", changes)
		}
		var last []throttle.Change
		for n := 50; n < 80; n++ {
			want := min(time.Hour, 30*time.Second<<min(n-50, 10))
			_, refused := fails(t, l, ada, network(n))
			if refused == nil || refused.After != want {
				t.Fatalf("after %d failures: %+v, want %v", n, refused, want)
			}
			time.Sleep(want)
			if last, refused = fails(t, l, ada, network(n)); refused != nil {
				t.Fatalf("after %d failures and the wait: %+v", n, refused)
			}
		}
		if len(last) != 1 || last[0] != throttle.AccountStopped {
			t.Errorf("the eightieth failure brings about %v", last)
		}
		time.Sleep(29 * 24 * time.Hour)
		if _, refused := fails(t, l, ada, network(1000)); refused == nil || !refused.Stopped {
			t.Errorf("a stranger after 80 failures: %+v", refused)
		}
		for _, own := range []string{"laptop", "phone"} {
			mustFail(t, l, ada, network(0).known(own), 10)
		}
		if refused := succeeds(t, l, ada, network(0).known("tablet")); refused == nil || !refused.Stopped {
			t.Errorf("a known client after 100 failures: %+v", refused)
		}
		if err := l.Clear(t.Context(), ada); err != nil {
			t.Fatal(err)
		}
		if state, err := l.State(t.Context(), ada); err != nil || state != (throttle.State{}) {
			t.Errorf("after Clear: %+v, %v", state, err)
		}
		if refused := succeeds(t, l, ada, network(0)); refused != nil {
			t.Errorf("a stranger after Clear: %+v", refused)
		}
	})
}

// Thirty days after the last failure of an account it has none.
func TestAccountExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(t, &memory.Store{}, throttle.Config{})
		for n := range 49 {
			mustFail(t, l, ada, network(n), 1)
		}
		time.Sleep(30*24*time.Hour - time.Microsecond)
		if state, err := l.State(t.Context(), ada); err != nil || state.Failures != 49 {
			t.Errorf("before 30 days: %+v, %v", state, err)
		}
		time.Sleep(time.Microsecond)
		if state, err := l.State(t.Context(), ada); err != nil || state.Failures != 0 {
			t.Errorf("after 30 days: %+v, %v", state, err)
		}
	})
}
