package hashgate_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/seed89488a0c/auth/internal/fault"
	"github.com/seed89488a0c/auth/internal/hashgate"
)

func stranger(address string) hashgate.Turn { return trying(address, "") }

func trying(address, account string) hashgate.Turn {
	return hashgate.Stranger(netip.MustParseAddr(address), account)
}

func known(account string) hashgate.Turn {
	return hashgate.Known(netip.MustParseAddr("192.0.2.1"), account)
}

func TestTurns(t *testing.T) {
	for name, tt := range map[string]struct {
		a, b hashgate.Turn
		same bool
	}{
		"another address":              {stranger("192.0.2.1"), stranger("192.0.2.2"), false},
		"the same, mapped":             {stranger("192.0.2.1"), stranger("::ffff:192.0.2.1"), true},
		"the same, by NAT64":           {stranger("192.0.2.1"), stranger("64:ff9b::192.0.2.1"), true},
		"another account":              {trying("192.0.2.1", "ada"), trying("192.0.2.1", "grace"), false},
		"one /48":                      {stranger("2001:db8:1::1"), stranger("2001:db8:1:ffff::2"), true},
		"another /48":                  {stranger("2001:db8:1::1"), stranger("2001:db8:2::1"), false},
		"no address":                   {hashgate.Stranger(netip.Addr{}, "ada"), hashgate.Stranger(netip.Addr{}, "grace"), false},
		"somebody who is known":        {trying("192.0.2.1", "ada"), known("ada"), false},
		"somebody who is known, again": {known("ada"), known("ada"), true},
	} {
		if (tt.a == tt.b) != tt.same {
			t.Errorf("%s: the same turn is %t", name, !tt.same)
		}
	}
}

// line is a gate of one slot, in which names are written down as they are let in.
type line struct {
	gate  *hashgate.Gate
	wait  sync.WaitGroup
	mu    sync.Mutex
	order []string
	full  []string
}

func (l *line) join(ctx context.Context, name string, turn hashgate.Turn) {
	l.wait.Go(func() {
		err := l.gate.Acquire(ctx, turn, 0)
		l.mu.Lock()
		defer l.mu.Unlock()
		switch {
		case err == nil:
			l.order = append(l.order, name)
			l.gate.Release(0)
		case err == fault.ErrOverloaded:
			l.full = append(l.full, name)
		}
	})
	synctest.Wait()
}

// queued has the queue fill while the slot is taken, and returns in which order it was
// served, and who found no room or had to go.
func queued(t *testing.T, waiters int, fill func(l *line)) (order, full string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := &line{gate: hashgate.ForCalls(1, waiters)}
		if err := l.gate.Acquire(t.Context(), hashgate.Turn{}, 0); err != nil {
			t.Fatal(err)
		}
		fill(l)
		l.gate.Release(0)
		l.wait.Wait()
		order, full = strings.Join(l.order, " "), strings.Join(l.full, " ")
		if !l.gate.TryAcquire(0) {
			t.Error("the gate is still held")
		}
	})
	return order, full
}

func TestQueueServesInTurn(t *testing.T) {
	a, b, c := stranger("192.0.2.1"), stranger("198.51.100.2"), stranger("2001:db8::1")
	join := func(l *line, turn hashgate.Turn, names ...string) {
		for _, name := range names {
			l.join(context.Background(), name, turn)
		}
	}
	for name, tt := range map[string]struct {
		fill        func(l *line)
		order, full string
	}{
		"those of one turn as they came": {func(l *line) { join(l, a, "a1", "a2", "a3") }, "a1 a2 a3", ""},
		"one behind the first of many": {func(l *line) {
			join(l, a, "a1", "a2", "a3")
			join(l, b, "b1")
		}, "a1 b1 a2 a3", ""},
		"three in turn, and no more than four": {func(l *line) {
			join(l, a, "a1", "a2", "a3")
			join(l, b, "b1", "b2")
			join(l, c, "c1", "c2", "c3")
		}, "a1 b1 c1 a2", "a3 b2 c2 c3"},
		"who is known beside strangers": {func(l *line) {
			join(l, a, "a1", "a2")
			join(l, b, "b1")
			join(l, known("ada"), "ada1", "ada2")
			join(l, known("grace"), "grace1")
		}, "a1 ada1 b1 grace1 ada2 a2", ""}, // ada2 is a stranger of 192.0.2.0/24
		"neighbours share a turn, and take turns in it": {func(l *line) {
			join(l, stranger("192.0.2.1"), "x1", "x2")
			join(l, stranger("192.0.2.2"), "y1")
			join(l, b, "b1")
		}, "x1 b1 y1 x2", ""},
		"accounts of one address, too": {func(l *line) {
			join(l, trying("192.0.2.1", "ada"), "ada1", "ada2")
			join(l, trying("192.0.2.1", "grace"), "grace1")
			join(l, b, "b1")
		}, "ada1 b1 grace1 ada2", ""},
		"one without an address for each account is one network": {func(l *line) {
			for _, account := range []string{"n1", "n2", "n3", "n4", "n5"} {
				join(l, hashgate.Stranger(netip.Addr{}, account), account)
			}
			join(l, b, "b1", "b2")
		}, "n1 b1 n2 b2", "n5 n4 n3"},
		"each of a network's addresses": {func(l *line) {
			for n := range 6 {
				join(l, stranger(fmt.Sprintf("2001:db8:%d::1", n)), fmt.Sprint("v", n))
			}
			join(l, b, "b1")
		}, "v0 b1 v1 v2", "v4 v5 v3"},
		"within one network the longest goes": {func(l *line) {
			join(l, stranger("192.0.2.1"), "x1", "x2", "x3", "x4")
			join(l, stranger("192.0.2.2"), "y1")
		}, "x1 y1 x2 x3", "x4"},
		"strangers fill their own lane alone": {func(l *line) {
			join(l, a, "a1", "a2", "a3", "a4", "a5")
			join(l, known("ada"), "ada1")
			join(l, known("grace"), "grace1")
		}, "a1 ada1 a2 grace1 a3 a4", "a5"},
		"one of an account is known, from any number of networks": {func(l *line) {
			for n := range 6 {
				join(l, hashgate.Known(netip.AddrFrom4([4]byte{203, 0, byte(n), 1}), "eve"), fmt.Sprint("e", n))
			}
			join(l, known("ada"), "ada1")
			join(l, known("grace"), "grace1")
		}, "e1 e0 e2 ada1 e3 grace1 e4", "e5"},
		"the last of the longest makes room": {func(l *line) {
			join(l, a, "a1", "a2", "a3", "a4")
			join(l, b, "b1", "b2", "b3")
		}, "a1 b1 a2 b2", "a4 a3 b3"},
		"nobody goes for somebody of a turn as long": {func(l *line) {
			join(l, a, "a1", "a2")
			join(l, b, "b1", "b2")
			join(l, a, "a3")
			join(l, c, "c1")
		}, "a1 b1 c1 a2", "a3 b2"},
	} {
		t.Run(name, func(t *testing.T) {
			order, full := queued(t, 4, tt.fill)
			if order != tt.order || full != tt.full {
				t.Errorf("served %q, refused %q; want %q and %q", order, full, tt.order, tt.full)
			}
		})
	}
}

// A thousand of one client delay another's by one.
func TestManyOfOneDelayAnotherByOne(t *testing.T) {
	order, full := queued(t, 128, func(l *line) {
		for n := range 1000 {
			l.join(context.Background(), fmt.Sprint("a", n), stranger("192.0.2.1"))
		}
		l.join(context.Background(), "b", stranger("198.51.100.2"))
		l.join(context.Background(), "known", known("ada"))
	})
	served := strings.Fields(order)
	if len(served) != 129 || slices.Index(served, "b") > 2 || slices.Index(served, "known") > 1 {
		t.Errorf("served %q", served[:min(5, len(served))])
	}
	if n := len(strings.Fields(full)); n != 1000-127 {
		t.Errorf("%d were refused", n)
	}
}

// Who hangs up makes room, and takes no turn.
func TestQueueForgetsWhoHangsUp(t *testing.T) {
	order, full := queued(t, 4, func(l *line) {
		ctx, cancel := context.WithCancel(context.Background())
		a, b := stranger("192.0.2.1"), stranger("198.51.100.2")
		l.join(ctx, "a1", a)
		l.join(context.Background(), "b1", b)
		l.join(ctx, "a2", a)
		l.join(context.Background(), "a3", a)
		cancel()
		synctest.Wait()
		l.join(context.Background(), "b2", b)
		l.join(context.Background(), "a4", a)
	})
	if order != "a3 b1 a4 b2" && order != "b1 a3 b2 a4" || full != "" {
		t.Errorf("served %q, refused %q", order, full)
	}
}

// Whatever comes and goes, everybody is served or refused once, those of one turn in
// their order, and the lanes are empty at the end.
func TestQueueAtRandom(t *testing.T) {
	for seed := range uint64(60) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			gate := hashgate.ForCalls(1+r.IntN(3), 1+r.IntN(8))
			var mu sync.Mutex
			var wait sync.WaitGroup
			running, over := 0, 0
			var release []chan struct{}
			total := 60
			for n := range total {
				address := netip.AddrFrom4([4]byte{192, 0, byte(r.IntN(2)), byte(r.IntN(2))})
				turn := hashgate.Known(address, fmt.Sprint(r.IntN(2)))
				if r.IntN(2) == 0 {
					turn = hashgate.Stranger(address, fmt.Sprint(r.IntN(2)))
				}
				ctx, cancel := context.WithCancel(t.Context())
				end := make(chan struct{})
				release = append(release, end)
				wait.Go(func() {
					err := gate.Acquire(ctx, turn, 0)
					mu.Lock()
					if err == nil {
						running++
					}
					mu.Unlock()
					if err == nil {
						<-end
						mu.Lock()
						running--
						mu.Unlock()
						gate.Release(0)
					}
					mu.Lock()
					over++
					mu.Unlock()
				})
				if r.IntN(4) == 0 {
					cancel()
				}
				if k := r.IntN(n + 1); r.IntN(2) == 0 {
					select {
					case <-release[k]:
					default:
						close(release[k])
					}
				}
				synctest.Wait()
				defer cancel()
			}
			for _, end := range release {
				select {
				case <-end:
				default:
					close(end)
				}
			}
			wait.Wait()
			if running != 0 || over != total || !gate.TryAcquire(0) {
				t.Errorf("seed %d: %d run, %d of %d are over", seed, running, over, total)
			}
		})
	}
}
