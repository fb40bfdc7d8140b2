package throttle_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed89488a0c/auth/internal/memory"
	"github.com/seed89488a0c/auth/internal/throttle"
)

// A known client has ten failures, and is a stranger then: of its own network, of which
// nothing has been counted yet.
func TestDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(t, &memory.Store{}, throttle.Config{})
		laptop := from("192.0.2.1").known("laptop")
		mustFail(t, l, ada, laptop, 9)
		if refused := succeeds(t, l, ada, laptop); refused != nil {
			t.Fatal("refused after 9 failures")
		}
		mustFail(t, l, ada, laptop, 9)
		if changes, _ := fails(t, l, ada, laptop); !slices.Contains(changes, throttle.OwnSpent) {
			t.Errorf("the tenth failure brings about %v", changes)
		}
		pass, err := begin(l, ada, laptop, "right")
		if err != nil || pass.Known() {
			t.Fatalf("after ten failures: known, or %v", err)
		}
		pass.Leave()
		pass, err = begin(l, ada, laptop.known("phone"), "right")
		if err != nil || !pass.Known() {
			t.Fatalf("another device: unknown, or %v", err)
		}
		pass.Leave()
		time.Sleep(179 * 24 * time.Hour)
		mustFail(t, l, ada, laptop, 5)
		if _, refused := fails(t, l, ada, laptop); refused == nil {
			t.Error("a device that is spent fails as it likes")
		}
	})
}

// A session that is spent is not let in as a stranger either.
func TestSessionIsSpent(t *testing.T) {
	l := newLimiter(t, &memory.Store{}, throttle.Config{})
	try := throttle.Try{Account: ada, Own: "session", OwnUntil: time.Now().Add(time.Hour), Ends: true}
	for n := range throttle.MostOwn {
		try.Password = fmt.Sprint(n)
		pass, err := l.Begin(t.Context(), try, l.Store.Attempts)
		if err != nil {
			t.Fatal(err)
		}
		pass.Failed(t.Context())
		pass.Leave()
	}
	if _, err := l.Begin(t.Context(), try, l.Store.Attempts); err != throttle.ErrSpent {
		t.Errorf("got %v", err)
	}
}

// A client that sends an old password again and again, as an app that has kept it, fails
// once.
func TestSamePasswordAgain(t *testing.T) {
	l := newLimiter(t, &memory.Store{}, throttle.Config{})
	laptop := from("192.0.2.1").known("laptop")
	again := func(c client, password string) error {
		pass, err := begin(l, ada, c, password)
		if err != nil {
			return err
		}
		defer pass.Leave()
		_, err = pass.Failed(t.Context())
		return err
	}
	for range 50 {
		if err := again(laptop, "old"); err != nil {
			t.Fatal(err)
		}
	}
	failures := func() int {
		state, err := l.State(t.Context(), ada)
		if err != nil {
			t.Fatal(err)
		}
		return state.Failures
	}
	if got := failures(); got != 1 {
		t.Errorf("one password 50 times counts %d", got)
	}
	for _, password := range []string{"other", "old", "other"} {
		again(laptop, password)
	}
	if got := failures(); got != 4 {
		t.Errorf("others count %d, want 4", got)
	}
	for range 3 {
		again(from("192.0.2.1"), "old") // a stranger
	}
	if got := failures(); got != 7 {
		t.Errorf("a stranger's count %d, want 7", got)
	}
}

// However many strangers try, known clients are let in, and at an account that nobody has
// tried everything is as it was.
func TestStrangersHoldNoKnownClientOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(t, &memory.Store{}, throttle.Config{})
		for hour := range 24 * 14 {
			for n := range 200 {
				fails(t, l, ada, network(200*hour+n))
			}
			if refused := succeeds(t, l, ada, from("192.0.2.1").known("laptop")); refused != nil {
				t.Fatalf("in hour %d the owner is refused: %+v", hour, refused)
			}
			time.Sleep(time.Hour)
		}
		if refused := succeeds(t, l, "grace@example.com", from("192.0.2.2")); refused != nil {
			t.Errorf("another account: %+v", refused)
		}
	})
}

// Of a network's strangers a hundred fail within ten minutes, at whatever accounts, and then
// one every six seconds. Their own logins do not reset that, and nobody else waits.
func TestSpraying(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(t, &memory.Store{}, throttle.Config{})
		mallory := from("203.0.113.9")
		accounts := 0
		spray := func() ([]throttle.Change, *throttle.Error) {
			accounts++
			return fails(t, l, fmt.Sprint("user", accounts), mallory)
		}
		for n := range 100 {
			changes, refused := spray()
			if refused != nil || slices.Contains(changes, throttle.NetworkSlowed) != (n == 99) {
				t.Fatalf("failure %d: %+v, %v", n+1, refused, changes)
			}
		}
		for range 5 {
			if _, refused := spray(); refused == nil || refused.After != 6*time.Second {
				t.Fatalf("got %+v, want 6 seconds", refused)
			}
			if refused := succeeds(t, l, "mallory@example.com", mallory.known("own")); refused != nil {
				t.Fatalf("a known client of the network: %+v", refused)
			}
			if refused := succeeds(t, l, fmt.Sprint("new", accounts), from("203.0.113.10")); refused != nil {
				t.Fatalf("a neighbour: %+v", refused)
			}
			time.Sleep(5 * time.Second)
			if _, refused := spray(); refused == nil {
				t.Fatal("let in a second too early")
			}
			time.Sleep(time.Second)
			if _, refused := spray(); refused != nil {
				t.Fatalf("refused after the wait: %+v", refused)
			}
		}
		time.Sleep(10 * time.Minute)
		for range 100 {
			if _, refused := spray(); refused != nil {
				t.Fatalf("ten minutes later: %+v", refused)
			}
		}
	})
}

// An office whose people mistype now and then never waits.
func TestOffice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(t, &memory.Store{}, throttle.Config{})
		for n := range 2000 {
			account := fmt.Sprint("user", n)
			mustFail(t, l, account, from("192.0.2.1"), 2)
			if refused := succeeds(t, l, account, from("192.0.2.1")); refused != nil {
				t.Fatalf("user %d: %+v", n, refused)
			}
			time.Sleep(13 * time.Second)
		}
	})
}

// Whoever has no address is of no network, and shares no counter with others.
func TestNoAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(t, &memory.Store{}, throttle.Config{})
		mustFail(t, l, ada, client{}, 50)
		if _, refused := fails(t, l, ada, client{}); refused == nil || refused.After != 30*time.Second {
			t.Errorf("after 50 failures: %+v", refused)
		}
		for n := range 2000 {
			mustFail(t, l, fmt.Sprint("user", n), client{}, 1)
		}
		for range 1000 {
			if _, err := l.Register(t.Context(), client{}.address); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// Registrations of a network are 300 an hour, and then one every 12 seconds.
func TestRegistrations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(t, &memory.Store{}, throttle.Config{})
		register := func(address string) *throttle.Error {
			_, err := l.Register(t.Context(), from(address).address)
			var refused *throttle.Error
			if err != nil && !errors.As(err, &refused) {
				t.Fatal(err)
			}
			return refused
		}
		for n := range 300 {
			if refused := register("203.0.113.9"); refused != nil {
				t.Fatalf("registration %d: %+v", n+1, refused)
			}
		}
		for range 3 {
			if refused := register("203.0.113.9"); refused == nil || refused.After != 12*time.Second {
				t.Fatalf("got %+v, want 12 seconds", refused)
			}
			if refused := register("203.0.113.10"); refused != nil {
				t.Fatalf("a neighbour: %+v", refused)
			}
			time.Sleep(11 * time.Second)
			if refused := register("203.0.113.9"); refused == nil {
				t.Fatal("let in a second too early")
			}
			time.Sleep(time.Second)
			if refused := register("203.0.113.9"); refused != nil {
				t.Fatalf("refused after the wait: %+v", refused)
			}
		}
		time.Sleep(12 * time.Second)
		back, err := l.Register(t.Context(), from("203.0.113.9").address)
		if err != nil {
			t.Fatal(err)
		}
		back(t.Context())
		if refused := register("203.0.113.9"); refused != nil {
			t.Errorf("after one that came to nothing: %+v", refused)
		}
	})
}
