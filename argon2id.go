package auth

import (
	"context"
	"errors"

	"github.com/seed89488a0c/auth/internal/argon2phc"
	"github.com/seed89488a0c/auth/internal/input"
)

// Argon2id hashes passwords with Argon2id (RFC 9106) into PHC strings. The zero
// value uses the parameters that OWASP recommends, 19 MiB in two passes on one
// thread, which takes some 20 ms. A field that is zero takes its default.
//
// Parameters below the floors of ASVS 5.0 appendix C are an error when hashing:
// 46 MiB in one pass, 19 MiB in two, 12 MiB in three or more. Stored hashes
// below them are verified, and are outdated, as are those of less work, memory ×
// passes, than the fields ask for and those of more than four times as much.
//
// Stored hashes are verified up to 256 MiB, 16 passes, 1 GiB in all passes
// together and 16 threads, or the fields' own values where those are higher;
// salts of 8 to 64 bytes and digests of 16 to 64. Anything beyond is
// ErrMalformedHash before any work.
type Argon2id struct {
	Time      uint32 // passes; 0 = 2
	MemoryKiB uint32 // 0 = 19456; at most 4 GiB
	Threads   uint8  // 0 = 1
}

var _ Hasher = Argon2id{}

// Hash returns a PHC string: $argon2id$v=19$m=…,t=…,p=…$salt$digest.
func (a Argon2id) Hash(_ context.Context, p Password) (string, error) {
	encoded, err := argon2phc.Params(a).Hash(p.Reveal())
	if err != nil {
		return "", errors.New("auth: Argon2id: parameters below the floors of ASVS 5.0 appendix C, or more than 4 GiB")
	}
	return encoded, nil
}

// Verify reports whether encoded is a hash of p.
func (a Argon2id) Verify(_ context.Context, encoded string, p Password) (bool, error) {
	h, err := argon2phc.Params(a).Parse(encoded, argon2phc.Argon2id)
	if errors.Is(err, argon2phc.ErrUnknown) {
		return false, ErrUnknownHash
	}
	if cost, ok := errors.AsType[*argon2phc.CostError](err); ok {
		return false, &HashError{Code: input.HashTooCostly, Scheme: argon2phc.Argon2id, Limit: cost.Limit, Value: cost.Value, Max: cost.Max}
	}
	if err != nil {
		return false, &HashError{Code: input.HashDamaged, Scheme: argon2phc.Argon2id}
	}
	return h.Matches(p.Reveal()), nil
}

// Inspect describes encoded.
func (a Argon2id) Inspect(encoded string) HashInfo {
	own := argon2phc.Params(a)
	if encoded == "" {
		return HashInfo{Scheme: argon2phc.Argon2id, MemoryBytes: own.MemoryBytes()}
	}
	h, err := own.Parse(encoded, argon2phc.Argon2id)
	if err != nil {
		return HashInfo{}
	}
	return HashInfo{Scheme: argon2phc.Argon2id, MemoryBytes: h.MemoryBytes(), Outdated: own.Outdated(h)}
}
