package auth

import (
	"context"
	"errors"
)

// hash makes a new hash in a hashing slot.
func (a *Authenticator) hash(ctx context.Context, p Password) (encoded string, err error) {
	err = a.inSlot(ctx, func() error {
		encoded, err = a.hasher.Hash(ctx, p)
		return err
	})
	return encoded, err
}

// checkPassword reports whether p is the password of user, who may log in, and
// whether the stored hash is outdated. The zero record stands for nobody.
// Whoever it is, one hash is inspected and verified.
func (a *Authenticator) checkPassword(ctx context.Context, user UserRecord, p Password) (match, outdated bool, err error) {
	encoded, real := user.PasswordHash, true
	if encoded == "" || !user.DisabledAt.IsZero() {
		encoded, real = a.decoy, false
	}
	info := a.hasher.Inspect(encoded)
	if info.Scheme == "" {
		a.emit(ctx, EventHashUnreadable, user.ID, nil)
		encoded, real = a.decoy, false
	}
	err = a.inSlot(ctx, func() (err error) {
		match, err = a.hasher.Verify(ctx, encoded, p)
		return err
	})
	if err != nil || !real {
		return false, false, err
	}
	return match, info.Outdated, nil
}

// inSlot runs f when one of the slots is free. The context ends the waiting,
// never f, since nobody can stop a hash half-way.
func (a *Authenticator) inSlot(ctx context.Context, f func() error) error {
	select {
	case a.slots <- struct{}{}:
	case <-ctx.Done():
		return overloaded(ctx.Err())
	}
	defer func() { <-a.slots }()
	if err := ctx.Err(); err != nil { // select takes either case where both are ready
		return overloaded(err)
	}
	switch err := f(); {
	case err == nil:
		return nil
	case errors.Is(err, ErrUnavailable):
		return err
	default:
		return unavailable("hash password", err)
	}
}
