package auth

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/seed89488a0c/auth/internal/hashgate"
	"github.com/seed89488a0c/auth/internal/memlimit"
	"github.com/seed89488a0c/auth/internal/phc"
)

// Decoy is a class of stored hashes, see [Options.Decoys].
type Decoy struct {
	Hash   string // one of the class, of any password; "" = as made today
	Weight uint32 // how many users are in it, or any number in proportion
}

// decoy is a class with what verifying it takes.
type decoy struct {
	hash  string
	bytes int64
}

// prepareHashing makes the gate and the decoys, and finds out whether the hasher works.
// It hashes and verifies the password of nobody, once and through the gate, so that New
// takes no more memory than the budget allows; what cannot fit is an error before that.
func (a *Authenticator) prepareHashing() error {
	next := a.hasher.Inspect("")
	slots, err := a.hashSlots(next.MemoryBytes)
	if err != nil {
		return err
	}
	a.gate = hashgate.New(slots, a.hashMemory)
	a.asking = hashgate.ForCalls(askingPerSlot*slots, hashgate.WaitersPerSlot*slots)
	ctx, nobody := context.Background(), NewPassword(rand.Text())
	live, err := within(a.gate, next.MemoryBytes, func() (string, error) { return a.hasher.Hash(ctx, nobody) })
	if err != nil {
		return fmt.Errorf("auth: New: hash a decoy: %w", err)
	}
	info := a.hasher.Inspect(live)
	if !a.gate.Holds(info.MemoryBytes) {
		return errors.New("auth: New: the hasher's own hash takes more memory than it said, and than HashMemory")
	}
	match, err := within(a.gate, info.MemoryBytes, func() (bool, error) { return a.hasher.Verify(ctx, live, nobody) })
	if err != nil || !match || !keepable(live) || info.Scheme == "" {
		return errors.New("auth: New: the hasher cannot verify its own hashes")
	}
	a.testAddresses = info.Scheme == phc.TestID
	a.decoys, a.decoyWeights = []decoy{{live, info.MemoryBytes}}, []uint64{0}
	for _, class := range a.decoyClasses {
		if class.Hash == "" {
			a.decoyWeights[0] += uint64(class.Weight)
			continue
		}
		info := a.hasher.Inspect(class.Hash)
		if info.Scheme == "" || !a.gate.Holds(info.MemoryBytes) {
			return errors.New("auth: Options: Decoys: a hash that the hasher cannot verify, or not within HashMemory")
		}
		a.decoys, a.decoyWeights = append(a.decoys, decoy{class.Hash, info.MemoryBytes}), append(a.decoyWeights, uint64(class.Weight))
	}
	return nil
}

// within runs f when the gate lets it in.
func within[T any](g *hashgate.Gate, bytes int64, f func() (T, error)) (T, error) {
	if err := g.Acquire(context.Background(), bytes); err != nil { // it never is: nobody else is there
		return *new(T), err
	}
	defer g.Release(bytes)
	return f()
}

// spareMemory is what New leaves of the memory that the process may use, beside a hash:
// the kernel counts more than the process sees of its own.
const spareMemory = 8 << 20

// hashSlots settles the budget, and returns how many hashes of so many bytes may run at
// once.
func (a *Authenticator) hashSlots(bytes int64) (int, error) {
	root := os.DirFS("/")
	limit := memlimit.Hard(root)
	if a.hashMemory > limit {
		return 0, fmt.Errorf("auth: Options: HashMemory: the process may use %d bytes", limit)
	}
	if a.hashMemory == 0 {
		a.hashMemory = max(bytes, memlimit.Bytes(root)/2)
	}
	slots := min(int64(runtime.GOMAXPROCS(0)), int64(runtime.NumCPU()), a.hashMemory/max(bytes, 1))
	if slots == 0 {
		return 0, fmt.Errorf("auth: Options: HashMemory: one hash needs %d bytes", bytes)
	}
	fits := func() bool { return bytes <= limit-spareMemory-memlimit.Resident(root) }
	if bytes > 0 && !fits() {
		debug.FreeOSMemory() // what the service read at its start may be garbage
		if !fits() {
			return 0, fmt.Errorf("auth: New: one hash needs %d bytes; the process may use %d, and has %d", bytes, limit, memlimit.Resident(root))
		}
	}
	return int(slots), nil
}

// decoy returns what stands in for the hash that nobody has. The same address
// always draws the same class, and only who has the secret knows which.
func (a *Authenticator) decoy(key string) decoy {
	if len(a.decoys) == 1 {
		return a.decoys[0]
	}
	return a.decoys[a.draw(key, a.decoyWeights)]
}
