package hashing

import (
	"context"
	"errors"
	"strings"

	"github.com/seed89488a0c/auth/internal/fault"
	"github.com/seed89488a0c/auth/internal/hashgate"
	"github.com/seed89488a0c/auth/internal/input"
)

// Checked is the outcome of checking a password.
type Checked struct {
	Match      bool  // it is the user's
	Outdated   bool  // the stored hash is
	Unlike     error // why it may not be the text that the user means, or nil
	Unreadable error // why the stored hash could not be verified, or nil
}

// Check checks p against a stored hash; "" is nobody's. Whoever it is, one hash is
// inspected and verified. key decides for which decoy the hash of nobody stands.
func (r Room[P]) Check(ctx context.Context, turn hashgate.Turn, key, encoded string, p P) (Checked, error) {
	var check Checked
	stand := r.decoys.Draw(key)
	real := true
	if encoded == "" {
		encoded, real = stand.hash, false
	}
	info := r.hasher.Inspect(encoded)
	if !r.verifiable(info) {
		encoded, real, check.Unreadable = stand.hash, false, input.ErrMalformedHash
		info.MemoryBytes = stand.bytes
	}
	if err := Admit(ctx, r.Gate, "hash password", turn, info.MemoryBytes, r.held(ctx)); err != nil {
		return Checked{}, err
	}
	defer r.Gate.Release(info.MemoryBytes)
	match, err := r.hasher.Verify(ctx, encoded, p)
	if errors.Is(err, input.ErrUnknownHash) || errors.Is(err, input.ErrMalformedHash) {
		// Inspect did not tell: the work is still to be done.
		real, check.Unreadable = false, input.ErrMalformedHash
		_, err = r.hasher.Verify(ctx, r.decoys.First().hash, p)
	}
	if err != nil {
		return Checked{}, fault.Passed("verify password", err)
	}
	check.Match = match && real
	check.Outdated = check.Match && info.Outdated
	check.Unlike = unlike(p.Reveal(), info.CutAt)
	return check, nil
}

// unlike says why another text than the user's may have been verified: one with the
// same beginning, of which the hash read no more, or with a NUL, since to some
// functions one at the end is none. A hash of it could lock the right one out.
func unlike(password string, cutAt int) error {
	if cutAt > 0 && len(password) >= cutAt {
		return &input.Error{Field: input.FieldPassword, Code: input.TooLong}
	}
	if strings.Contains(password, "\x00") {
		return &input.Error{Field: input.FieldPassword, Code: input.InvalidCharacter}
	}
	return nil
}

// Unreadable says why nobody could log in with a stored hash, or nil.
func (r Room[P]) Unreadable(ctx context.Context, encoded string) *input.HashError {
	if encoded == "" {
		return nil // no password
	}
	info := r.hasher.Inspect(encoded)
	if info.Scheme != "" {
		if r.Gate.Holds(info.MemoryBytes) {
			return nil
		}
		return &input.HashError{Code: input.HashTooCostly, Scheme: info.Scheme, Limit: "memory", Value: uint64(info.MemoryBytes), Max: uint64(r.Gate.Budget())}
	}
	if bare := input.WithoutSpace(encoded); bare == "" {
		return &input.HashError{Code: input.HashWhiteSpace}
	} else if scheme := r.hasher.Inspect(bare).Scheme; bare != encoded && scheme != "" {
		return &input.HashError{Code: input.HashWhiteSpace, Scheme: scheme}
	}
	var nobody P
	_, err := r.hasher.Verify(ctx, encoded, nobody) // Inspect is zero: an error before any work
	if why, ok := errors.AsType[*input.HashError](err); ok {
		return why
	}
	if errors.Is(err, input.ErrUnknownHash) {
		return &input.HashError{Code: input.HashUnknown}
	}
	return &input.HashError{Code: input.HashDamaged}
}
