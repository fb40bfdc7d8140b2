package auth

import (
	"context"
	"errors"
)

// hash makes a new hash in a hashing slot.
func (a *Authenticator) hash(ctx context.Context, p Password) (string, error) {
	if err := a.acquire(ctx); err != nil {
		return "", err
	}
	return a.hashInSlot(ctx, p)
}

// hashAtOnce does so if a slot is free now.
func (a *Authenticator) hashAtOnce(ctx context.Context, p Password) (string, error) {
	select {
	case a.slots <- struct{}{}:
		return a.hashInSlot(ctx, p)
	default:
		return "", ErrOverloaded
	}
}

func (a *Authenticator) hashInSlot(ctx context.Context, p Password) (string, error) {
	defer a.release()
	encoded, err := a.hasher.Hash(ctx, p)
	if err == nil && !keepable(encoded) {
		err = errors.New("not a hash that a store can keep")
	}
	if err != nil {
		return "", hasherError(err)
	}
	return encoded, nil
}

// keepable reports whether a store can keep a hash. The empty one stands for
// no password.
func keepable(encoded string) bool { return 0 < len(encoded) && len(encoded) <= maxHashBytes }

// passwordCheck is the outcome of checking a password.
type passwordCheck struct {
	match      bool  // and the user may log in
	outdated   bool  // the stored hash is
	unreadable error // why the stored hash could not be verified, or nil
}

// checkPassword checks p against the hash of user; the zero record stands for
// nobody. Whoever it is, one hash is inspected and verified.
func (a *Authenticator) checkPassword(ctx context.Context, user UserRecord, p Password) (passwordCheck, error) {
	var check passwordCheck
	encoded, real := user.PasswordHash, true
	if encoded == "" || !user.DisabledAt.IsZero() {
		encoded, real = a.decoy, false
	}
	info := a.hasher.Inspect(encoded)
	if info.Scheme == "" {
		encoded, real, check.unreadable = a.decoy, false, ErrMalformedHash
	}
	if err := a.acquire(ctx); err != nil {
		return passwordCheck{}, err
	}
	defer a.release()
	match, err := a.hasher.Verify(ctx, encoded, p)
	if errors.Is(err, ErrUnknownHash) || errors.Is(err, ErrMalformedHash) {
		// Inspect did not tell: the work is still to be done.
		real, check.unreadable = false, ErrMalformedHash
		_, err = a.hasher.Verify(ctx, a.decoy, p)
	}
	if err != nil {
		return passwordCheck{}, hasherError(err)
	}
	check.match = match && real
	check.outdated = check.match && info.Outdated
	return check, nil
}

// acquire waits for a hashing slot. The context ends the waiting, never a hash,
// since nobody can stop one half-way.
func (a *Authenticator) acquire(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return unavailable("hash password", err)
	}
	select {
	case a.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return overloaded(ctx.Err())
	}
}

func (a *Authenticator) release() { <-a.slots }

func hasherError(err error) error {
	if errors.Is(err, ErrUnavailable) {
		return err
	}
	return unavailable("hash password", err)
}
