package auth

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"

	"github.com/seed89488a0c/auth/internal/draw"
	"github.com/seed89488a0c/auth/internal/hashgate"
	"github.com/seed89488a0c/auth/internal/phc"
	"github.com/seed89488a0c/auth/internal/secrets"
)

// Decoy is a class of stored hashes, see [Options.Decoys].
type Decoy struct {
	Hash   string // one of the class, of any password; "" = as made today
	Weight uint32 // how many users are in it, or any number in proportion
}

// decoy stands in for the hash that nobody has: one of a class, with what verifying it
// takes. The same address always draws the same class, and only who has the secret knows
// which.
type decoy struct {
	hash  string
	bytes int64
}

// prepareHashing makes the gate and the decoys, and finds out whether the hasher works.
// It hashes and verifies the password of nobody, once and through the gate, so that New
// takes no more memory than the budget allows; what cannot fit is an error before that.
func (a *Authenticator) prepareHashing(o Options) error {
	next := a.hasher.Inspect("")
	slots, budget, err := hashgate.Fit(os.DirFS("/"), next.MemoryBytes, o.HashMemory)
	if err != nil {
		return err
	}
	a.gate = hashgate.New(slots, budget)
	a.asking = hashgate.ForCalls(askingPerSlot*slots, hashgate.WaitersPerSlot*slots)
	ctx, nobody := context.Background(), NewPassword(rand.Text())
	live, err := hashgate.Do(a.gate, next.MemoryBytes, func() (string, error) { return a.hasher.Hash(ctx, nobody) })
	if err != nil {
		return fmt.Errorf("auth: New: hash a decoy: %w", err)
	}
	info := a.hasher.Inspect(live)
	if !a.gate.Holds(info.MemoryBytes) {
		return errors.New("auth: New: the hasher's own hash takes more memory than it said, and than HashMemory")
	}
	match, err := hashgate.Do(a.gate, info.MemoryBytes, func() (bool, error) { return a.hasher.Verify(ctx, live, nobody) })
	if err != nil || !match || !keepable(live) || info.Scheme == "" {
		return errors.New("auth: New: the hasher cannot verify its own hashes")
	}
	a.testAddresses = info.Scheme == phc.TestID
	var secret []byte // nobody's, where there is nothing to draw
	if len(o.Decoys) > 0 {
		secret = secrets.Key(o.Secrets[0], "auth decoys")
	}
	a.decoys = draw.New(secret, decoy{live, info.MemoryBytes})
	for _, class := range o.Decoys {
		if class.Hash == "" {
			a.decoys.Weigh(class.Weight)
			continue
		}
		info := a.hasher.Inspect(class.Hash)
		if info.Scheme == "" || !a.gate.Holds(info.MemoryBytes) {
			return errors.New("auth: Options: Decoys: a hash that the hasher cannot verify, or not within HashMemory")
		}
		a.decoys.Add(decoy{class.Hash, info.MemoryBytes}, class.Weight)
	}
	return nil
}
