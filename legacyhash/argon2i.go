package legacyhash

import (
	"context"
	"errors"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/internal/argon2phc"
	"github.com/seed89488a0c/auth/internal/phc"
)

// Argon2i verifies $argon2i$ hashes in the PHC string format, version 19, as
// argon2-cffi, passlib and PHP (so Laravel's argon driver) wrote them. It does
// not hash: OWASP and RFC 9106 recommend Argon2id, which is [auth.Argon2id].
//
// Version 16, also by its mark of no version at all, is ErrMalformedHash, and
// Argon2d is ErrUnknownHash: x/crypto computes neither.
type Argon2i struct{ verifyOnly }

var _ family = Argon2i{}

// Verify reports whether encoded is a hash of p.
func (a Argon2i) Verify(_ context.Context, encoded string, p auth.Password) (bool, error) {
	return verify(a, encoded, p)
}

// Inspect describes encoded, which is always outdated.
func (a Argon2i) Inspect(encoded string) auth.HashInfo { return inspect(a, encoded) }

func (Argon2i) parse(encoded string) (record, error) {
	if phc.ID(encoded) != argon2phc.Argon2i {
		return record{}, auth.ErrUnknownHash
	}
	r, err := argon2Record(encoded, argon2phc.Argon2i)
	return named(argon2phc.Argon2i, r, err)
}

// argon2Record reads a hash of one of the schemes within the caps of auth.Argon2id.
func argon2Record(encoded string, schemes ...string) (record, error) {
	h, err := argon2phc.Params{}.Parse(encoded, schemes...)
	if cost, ok := errors.AsType[*argon2phc.CostError](err); ok {
		return record{}, within(cost.Limit, cost.Value, cost.Max)
	}
	if err != nil {
		return record{}, errDamaged
	}
	return record{
		info:   auth.HashInfo{MemoryBytes: h.MemoryBytes(), Outdated: true},
		digest: h.Digest(),
		derive: func(password string) ([]byte, error) { return h.Derive(password), nil },
		encode: h.WithDigest,
	}, nil
}
