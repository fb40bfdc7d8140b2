package auth

import (
	"context"

	"github.com/seed89488a0c/auth/internal/hashgate"
	"github.com/seed89488a0c/auth/internal/hashing"
)

// inspector is a [Hasher] as package hashing has it, which cannot name [HashInfo].
type inspector struct{ Hasher }

func (i inspector) Inspect(encoded string) hashing.Info {
	return hashing.Info(i.Hasher.Inspect(encoded))
}

// hash makes a new hash when it is admitted.
func (a *Authenticator) hash(ctx context.Context, turn hashgate.Turn, p Password) (string, error) {
	return a.room.Hash(ctx, turn, p)
}

// passwordCheck is the outcome of checking a password.
type passwordCheck struct {
	match      bool  // it is the user's
	outdated   bool  // the stored hash is
	unlike     error // why it may not be the text that the user means, or nil
	unreadable error // why the stored hash could not be verified, or nil
}

// checkPassword checks p against the hash of user; a record without one stands
// for nobody. Whoever it is, one hash is inspected and verified. key is the
// e-mail key that was asked for.
func (a *Authenticator) checkPassword(ctx context.Context, turn hashgate.Turn, key string, user UserRecord, p Password) (passwordCheck, error) {
	c, err := a.room.Check(ctx, turn, key, user.PasswordHash, p)
	return passwordCheck{c.Match, c.Outdated, c.Unlike, c.Unreadable}, err
}
