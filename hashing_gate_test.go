package auth_test

import (
	"context"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
)

// heavyHasher says of its hashes that they take a MiB.
type heavyHasher struct{ auth.Hasher }

func (h heavyHasher) Inspect(encoded string) auth.HashInfo {
	info := h.Hasher.Inspect(encoded)
	if info.Scheme != "" {
		info.MemoryBytes = mib
	}
	return info
}

// Collections that end by themselves at any moment, and hashes that do not wait,
// leave nobody behind in the queue.
func TestNobodyIsForgottenInTheQueue(t *testing.T) {
	gate := auth.NewHashGate(1, 100)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	stop := make(chan struct{})
	var noise, hashes sync.WaitGroup
	for _, f := range []func(){
		runtime.GC,
		func() { gate.TryAcquire(1000) },
		func() { gate.TryAcquire(1000) },
		func() { gate.TryAcquire(1000) },
	} {
		noise.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					f()
				}
			}
		})
	}
	for range 40 {
		hashes.Go(func() {
			for range 25 {
				if err := gate.Acquire(ctx, 60); err != nil {
					t.Error(err)
					return
				}
				gate.Release(60)
			}
		})
	}
	hashes.Wait()
	close(stop)
	noise.Wait()
}

// With a budget of a single hash every login still upgrades: what it has just
// verified is collected first.
func TestUpgradeWithinTheBudgetOfOneHash(t *testing.T) {
	store := auth.NewMemoryStore()
	hasher := &recordingHasher{Hasher: heavyHasher{authtest.Hasher{}}, trace: &trace{}}
	a := newAuth(t, store, auth.WithHasher(hasher), auth.WithHashMemory(mib))
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
