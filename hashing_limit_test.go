package auth_test

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
)

func hashSlots() int { return min(runtime.GOMAXPROCS(0), runtime.NumCPU()) }

// gatedHasher counts how many hashes run at once, and holds them at a gate.
type gatedHasher struct {
	auth.Hasher
	armed         atomic.Bool // New verifies too
	running, most atomic.Int32
	gate          chan struct{}
}

func (g *gatedHasher) Verify(ctx context.Context, encoded string, p auth.Password) (bool, error) {
	if !g.armed.Load() {
		return g.Hasher.Verify(ctx, encoded, p)
	}
	n := g.running.Add(1)
	defer g.running.Add(-1)
	for most := g.most.Load(); n > most && !g.most.CompareAndSwap(most, n); most = g.most.Load() {
	}
	<-g.gate
	return g.Hasher.Verify(ctx, encoded, p)
}

// Hash is held at the same gate.
func (g *gatedHasher) Hash(ctx context.Context, p auth.Password) (string, error) {
	if g.armed.Load() {
		g.Verify(ctx, "", p)
	}
	return g.Hasher.Hash(ctx, p)
}

// Whatever hashes is limited, and by one limit.
func TestEverythingThatHashesIsLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hasher := &gatedHasher{Hasher: authtest.Hasher{}, gate: make(chan struct{})}
		a := newAuth(t, auth.NewMemoryStore(), auth.Options{Throttle: auth.Throttle{InsecureOff: true}, Hasher: hasher})
		user := register(t, a).User
		hasher.armed.Store(true)
		for range 2 * hashSlots() {
			go a.Login(t.Context(), credentials(email, password))
			go a.Register(t.Context(), auth.Registration{Email: "other@example.com", Password: auth.NewPassword(password)})
			go a.SetPassword(t.Context(), user.ID, auth.NewPassword(password))
			go a.ChangePassword(t.Context(), change(a, user.ID, password, password+"2"))
		}
		synctest.Wait()
		close(hasher.gate)
		synctest.Wait()
		if got := int(hasher.most.Load()); got != hashSlots() {
			t.Errorf("%d hashes ran at once, want %d", got, hashSlots())
		}
	})
}

// ASVS 5.0 15.2.2
func TestHashingIsLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const logins = 100
		slots := hashSlots()
		hasher := &gatedHasher{Hasher: authtest.Hasher{}, gate: make(chan struct{})}
		a := newAuth(t, auth.NewMemoryStore(), auth.Options{Throttle: auth.Throttle{InsecureOff: true}, Hasher: hasher})
		hasher.armed.Store(true)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		errs := make(chan error, logins)
		for range logins {
			go func() {
				_, err := a.WithStore(auth.NewMemoryStore()).Login(ctx, credentials(email, password))
				errs <- err
			}()
		}
		synctest.Wait()
		if got := int(hasher.running.Load()); got != slots {
			t.Errorf("%d hashes run at once, want %d", got, slots)
		}
		hasher.gate <- struct{}{} // one is done: one of the waiting takes its place
		synctest.Wait()
		if got := int(hasher.running.Load()); got != slots {
			t.Errorf("%d hashes run after one was done, want %d", got, slots)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if got := len(errs); got != logins-slots {
			t.Errorf("%d logins were answered at their deadline, want %d", got, logins-slots)
		}
		close(hasher.gate)
		synctest.Wait()
		var done, refused int
		for range logins {
			switch err := <-errs; {
			case errors.Is(err, auth.ErrInvalidCredentials):
				done++
			case errors.Is(err, auth.ErrOverloaded) && errors.Is(err, auth.ErrUnavailable) && errors.Is(err, context.DeadlineExceeded):
				refused++
			default:
				t.Errorf("got %v", err)
			}
		}
		if done != slots+1 || refused != logins-slots-1 || int(hasher.most.Load()) != slots {
			t.Errorf("%d done, %d refused, %d at once", done, refused, hasher.most.Load())
		}
	})
}

type panickingHasher struct {
	auth.Hasher
	armed bool
}

func (h *panickingHasher) Verify(ctx context.Context, encoded string, p auth.Password) (bool, error) {
	if h.armed {
		panic("bug")
	}
	return h.Hasher.Verify(ctx, encoded, p)
}

func TestPanicFreesItsSlot(t *testing.T) {
	hasher := &panickingHasher{Hasher: authtest.Hasher{}}
	a := newAuth(t, auth.NewMemoryStore(), auth.Options{Throttle: auth.Throttle{InsecureOff: true}, Hasher: hasher})
	hasher.armed = true
	for range hashSlots() + 1 {
		func() {
			defer func() { recover() }()
			a.Login(t.Context(), credentials(email, password))
		}()
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := a.Register(ctx, registration()); err != nil {
		t.Errorf("no slot is left: %v", err)
	}
}

// heavyHasher says of its hashes that they take a MiB.
type heavyHasher struct{ auth.Hasher }

func (h heavyHasher) Inspect(encoded string) auth.HashInfo {
	info := h.Hasher.Inspect(encoded)
	if info.Scheme != "" {
		info.MemoryBytes = mib
	}
	return info
}

// With a budget of a single hash every login still upgrades: what it has just
// verified is collected first.
func TestUpgradeWithinTheBudgetOfOneHash(t *testing.T) {
	store := auth.NewMemoryStore()
	hasher := &recordingHasher{Hasher: heavyHasher{authtest.Hasher{}}, trace: &trace{}}
	a := newAuth(t, store, auth.Options{Throttle: auth.Throttle{InsecureOff: true}, Hasher: hasher, HashMemory: mib})
	register(t, a)
	for range 10 {
		before, err := store.UserByEmail(t.Context(), email)
		if err != nil {
			t.Fatal(err)
		}
		hasher.age(before.PasswordHash)
		if err := login(t, a, password); err != nil {
			t.Fatal(err)
		}
		if after, err := store.UserByEmail(t.Context(), email); err != nil || after.PasswordHash == before.PasswordHash {
			t.Fatalf("the hash was not made anew: %v", err)
		}
	}
}
