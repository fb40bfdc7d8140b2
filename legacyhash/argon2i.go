package legacyhash

import (
	"context"

	"golang.org/x/crypto/argon2"

	"github.com/seed89488a0c/auth"
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
	if phc.ID(encoded) != "argon2i" {
		return record{}, auth.ErrUnknownHash
	}
	r, ok := argon2Record(encoded)
	return named("argon2i", r, ok)
}

const (
	maxArgon2MemoryKiB = 256 << 10
	maxArgon2Time      = 16
	maxArgon2Total     = 1024 << 10 // memory × passes
	maxArgon2Threads   = 16
)

// argon2Record reads $argon2i$ or $argon2id$ within the caps of auth.Argon2id.
func argon2Record(encoded string) (record, bool) {
	h, err := phc.Parse(encoded)
	if err != nil || h.Version != argon2.Version || len(h.Params) != 3 ||
		h.Params[0].Name != "m" || h.Params[1].Name != "t" || h.Params[2].Name != "p" {
		return record{}, false
	}
	memory, time, threads := h.Params[0].Value, h.Params[1].Value, h.Params[2].Value
	switch {
	case time < 1 || time > maxArgon2Time,
		threads < 1 || threads > maxArgon2Threads,
		memory < 8*threads || memory > maxArgon2MemoryKiB, // RFC 9106 §3.1
		memory*time > maxArgon2Total,
		len(h.Salt) < 8 || len(h.Salt) > 64,
		len(h.Digest) < 16 || len(h.Digest) > 64:
		return record{}, false
	}
	var key func(password, salt []byte, time, memory uint32, threads uint8, size uint32) []byte
	switch h.ID {
	case "argon2i":
		key = argon2.Key
	case "argon2id":
		key = argon2.IDKey
	default:
		return record{}, false
	}
	return record{
		info:   auth.HashInfo{MemoryBytes: int64(memory) << 10, Outdated: true},
		digest: h.Digest,
		derive: func(password string) ([]byte, error) {
			return key([]byte(password), h.Salt, time, memory, uint8(threads), uint32(len(h.Digest))), nil
		},
		encode: func(digest []byte) string {
			again := h
			again.Digest = digest
			return again.String()
		},
	}, true
}
