package auth

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/seed89488a0c/auth/internal/hashgate"
	"github.com/seed89488a0c/auth/internal/input"
	"github.com/seed89488a0c/auth/internal/mysqlstore"
	"github.com/seed89488a0c/auth/internal/row"
)

// admit waits until a gate lets in what takes so many bytes, which it holds.
func admit(ctx context.Context, gate *hashgate.Gate, op string, turn hashgate.Turn, bytes int64) error {
	if err := ctx.Err(); err != nil {
		return unavailable(op, err)
	}
	if mysqlstore.Inside(ctx) { // a connection is held
		return refusal(op, "inside transaction")
	}
	switch err := gate.Acquire(ctx, turn, bytes); {
	case err == nil:
		return nil
	case errors.Is(err, hashgate.ErrFull):
		return ErrOverloaded
	default: // the context ended in the queue
		return fmt.Errorf("%w: %w", ErrOverloaded, err)
	}
}

// hash makes a new hash when it is admitted.
func (a *Authenticator) hash(ctx context.Context, turn hashgate.Turn, p Password) (string, error) {
	if err := admit(ctx, a.gate, "hash password", turn, a.decoys.First().bytes); err != nil {
		return "", err
	}
	return a.hashAdmitted(ctx, p)
}

// hashAdmitted makes a new hash that the gate has let in.
func (a *Authenticator) hashAdmitted(ctx context.Context, p Password) (string, error) {
	defer a.gate.Release(a.decoys.First().bytes)
	encoded, err := a.hasher.Hash(ctx, p)
	if err == nil && !keepable(encoded) {
		err = errors.New("not a hash that a store can keep")
	}
	if wrong, ok := errors.AsType[*InputError](err); ok {
		return "", wrong
	}
	if err != nil {
		return "", outage("hash password", err)
	}
	return encoded, nil
}

// keepable reports whether a store can keep a hash; the empty one is no password.
func keepable(encoded string) bool { return 0 < len(encoded) && len(encoded) <= row.MaxPasswordHash }

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
	var check passwordCheck
	stand := a.decoys.Draw(key)
	encoded, real := user.PasswordHash, true
	if encoded == "" {
		encoded, real = stand.hash, false
	}
	info := a.hasher.Inspect(encoded)
	if info.Scheme == "" || !a.gate.Holds(info.MemoryBytes) {
		encoded, real, check.unreadable = stand.hash, false, ErrMalformedHash
		info.MemoryBytes = stand.bytes
	}
	if err := admit(ctx, a.gate, "hash password", turn, info.MemoryBytes); err != nil {
		return passwordCheck{}, err
	}
	defer a.gate.Release(info.MemoryBytes)
	match, err := a.hasher.Verify(ctx, encoded, p)
	if errors.Is(err, ErrUnknownHash) || errors.Is(err, ErrMalformedHash) {
		// Inspect did not tell: the work is still to be done.
		real, check.unreadable = false, ErrMalformedHash
		_, err = a.hasher.Verify(ctx, a.decoys.First().hash, p)
	}
	if err != nil {
		return passwordCheck{}, outage("verify password", err)
	}
	check.match = match && real
	check.outdated = check.match && info.Outdated
	check.unlike = unlike(p.Reveal(), info.CutAt)
	return check, nil
}

// unlike says why another text than the user's may have been verified: one with the
// same beginning, of which the hash read no more, or with a NUL, since to some
// functions one at the end is none. A hash of it could lock the right one out.
func unlike(password string, cutAt int) error {
	if cutAt > 0 && len(password) >= cutAt {
		return &InputError{Field: input.FieldPassword, Code: input.TooLong}
	}
	if strings.Contains(password, "\x00") {
		return &InputError{Field: input.FieldPassword, Code: input.InvalidCharacter}
	}
	return nil
}
