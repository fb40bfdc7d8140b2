package auth

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"runtime"

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

// prepareHashing hashes nobody's password, finds out whether the hasher works and its
// hashes fit the budget, and makes the gate and the decoys.
func (a *Authenticator) prepareHashing() error {
	nobody := NewPassword(rand.Text())
	live, err := a.hasher.Hash(context.Background(), nobody)
	if err != nil {
		return fmt.Errorf("auth: New: hash a decoy: %w", err)
	}
	info := a.hasher.Inspect(live)
	if match, err := a.hasher.Verify(context.Background(), live, nobody); err != nil || !match || !keepable(live) || info.Scheme == "" {
		return errors.New("auth: New: the hasher cannot verify its own hashes")
	}
	a.testAddresses = info.Scheme == phc.TestID
	if a.hashMemory == 0 {
		a.hashMemory = max(info.MemoryBytes, memlimit.Bytes(os.DirFS("/"))/2)
	}
	slots := min(int64(runtime.GOMAXPROCS(0)), int64(runtime.NumCPU()), a.hashMemory/max(info.MemoryBytes, 1))
	if slots == 0 {
		return fmt.Errorf("auth: Options: HashMemory: one hash needs %d bytes", info.MemoryBytes)
	}
	a.gate = hashgate.New(int(slots), a.hashMemory)
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

// decoy returns what stands in for the hash that nobody has. The same address
// always draws the same class, and only who has the secret knows which.
func (a *Authenticator) decoy(key string) decoy {
	if len(a.decoys) == 1 {
		return a.decoys[0]
	}
	return a.decoys[a.draw(key, a.decoyWeights)]
}
