package auth

import (
	"github.com/seed89488a0c/auth/internal/hashgate"
	"github.com/seed89488a0c/auth/internal/hashing"
	"github.com/seed89488a0c/auth/internal/mysqlstore"
	"github.com/seed89488a0c/auth/internal/phc"
	"github.com/seed89488a0c/auth/internal/secrets"
)

// Decoy is a class of stored hashes, see [Options.Decoys].
type Decoy struct {
	Hash   string // one of the class, of any password; "" = as made today
	Weight uint32 // how many users are in it, or any number in proportion
}

// prepareHashing makes the gates and the decoys, and finds out whether the hasher works.
func (a *Authenticator) prepareHashing(o Options) (err error) {
	var secret []byte // nobody's, where there is nothing to draw
	if len(o.Decoys) > 0 {
		secret = secrets.Key(o.Secrets[0], "auth decoys")
	}
	a.room, err = hashing.New(inspector{a.hasher}, NewPassword, mysqlstore.Inside, o.HashMemory, secret)
	if err != nil {
		return err
	}
	for _, class := range o.Decoys {
		if err := a.room.AddDecoy(class.Hash, class.Weight); err != nil {
			return err
		}
	}
	a.asking = hashgate.ForCalls(askingPerSlot*a.room.Slots, hashgate.WaitersPerSlot*a.room.Slots)
	a.testAddresses = a.room.Scheme == phc.TestID
	return nil
}
