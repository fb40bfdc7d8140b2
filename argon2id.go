package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"

	"golang.org/x/crypto/argon2"

	"github.com/seed89488a0c/auth/internal/phc"
)

// Argon2id hashes passwords with Argon2id (RFC 9106) into PHC strings. The zero
// value uses the parameters that OWASP recommends, 19 MiB in two passes on one
// thread, which takes some 20 ms. A field that is zero takes its default.
//
// Parameters below the floors of ASVS 5.0 appendix C are an error when hashing:
// 46 MiB in one pass, 19 MiB in two, 12 MiB in three or more. Stored hashes
// below them are verified, and are outdated.
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

const (
	argon2Scheme = "argon2id"

	saltBytes   = 16 // RFC 9106 §3.1
	digestBytes = 32

	mib            = 1 << 10 // in KiB
	maxOwnMemory   = 4096 * mib
	maxMemory      = 256 * mib
	maxTime        = 16
	maxTotal       = 1024 * mib // memory × passes
	maxThreads     = 16
	minSaltBytes   = 8
	maxSaltBytes   = 64
	minDigestBytes = 16
	maxDigestBytes = 64
)

// argon2Hash is one parsed PHC string.
type argon2Hash struct {
	Argon2id
	salt, digest []byte
}

// Hash returns a PHC string: $argon2id$v=19$m=…,t=…,p=…$salt$digest.
func (a Argon2id) Hash(_ context.Context, p Password) (string, error) {
	a = a.withDefaults()
	if a.MemoryKiB > maxOwnMemory || a.belowFloor() {
		return "", errors.New("auth: Argon2id: parameters below the floors of ASVS 5.0 appendix C, or more than 4 GiB")
	}
	salt := make([]byte, saltBytes)
	rand.Read(salt) // never fails
	return phc.Hash{
		ID:      argon2Scheme,
		Version: argon2.Version,
		Params:  []phc.Param{{Name: "m", Value: a.MemoryKiB}, {Name: "t", Value: a.Time}, {Name: "p", Value: uint32(a.Threads)}},
		Salt:    salt,
		Digest:  a.key(p, salt, digestBytes),
	}.String(), nil
}

// Verify reports whether encoded is a hash of p.
func (a Argon2id) Verify(_ context.Context, encoded string, p Password) (bool, error) {
	h, err := a.parse(encoded)
	if err != nil {
		return false, err
	}
	digest := h.key(p, h.salt, len(h.digest))
	return subtle.ConstantTimeCompare(digest, h.digest) == 1, nil
}

// Inspect describes encoded.
func (a Argon2id) Inspect(encoded string) HashInfo {
	own := a.withDefaults()
	if encoded == "" {
		return HashInfo{Scheme: argon2Scheme, MemoryBytes: own.memoryBytes()}
	}
	h, err := a.parse(encoded)
	if err != nil {
		return HashInfo{}
	}
	return HashInfo{
		Scheme:      argon2Scheme,
		MemoryBytes: h.memoryBytes(),
		// By the total alone two deployments with parameters of their own agree
		// on which is weaker, and do not undo each other's upgrades.
		Outdated: h.total() < own.total() || h.belowFloor() || len(h.salt) < saltBytes || len(h.digest) < digestBytes,
	}
}

// parse returns what can be computed without a panic and within the caps.
func (a Argon2id) parse(encoded string) (argon2Hash, error) {
	if phc.ID(encoded) != argon2Scheme {
		return argon2Hash{}, ErrUnknownHash
	}
	h, err := phc.Parse(encoded)
	if err != nil || h.Version != argon2.Version || len(h.Params) != 3 ||
		h.Params[0].Name != "m" || h.Params[1].Name != "t" || h.Params[2].Name != "p" {
		return argon2Hash{}, ErrMalformedHash
	}
	own := a.withDefaults()
	memory, time, threads := h.Params[0].Value, h.Params[1].Value, h.Params[2].Value
	switch {
	case time < 1 || time > max(maxTime, own.Time),
		threads < 1 || threads > max(maxThreads, uint32(own.Threads)),
		memory < 8*threads || memory > max(maxMemory, own.MemoryKiB), // RFC 9106 §3.1
		uint64(memory)*uint64(time) > max(maxTotal, own.total()),
		len(h.Salt) < minSaltBytes || len(h.Salt) > maxSaltBytes,
		len(h.Digest) < minDigestBytes || len(h.Digest) > maxDigestBytes:
		return argon2Hash{}, ErrMalformedHash
	}
	return argon2Hash{
		Argon2id: Argon2id{Time: time, MemoryKiB: memory, Threads: uint8(threads)},
		salt:     h.Salt,
		digest:   h.Digest,
	}, nil
}

func (a Argon2id) withDefaults() Argon2id {
	if a.Time == 0 {
		a.Time = 2
	}
	if a.MemoryKiB == 0 {
		a.MemoryKiB = 19 * mib
	}
	if a.Threads == 0 {
		a.Threads = 1
	}
	return a
}

func (a Argon2id) belowFloor() bool {
	floors := [...]uint32{46 * mib, 19 * mib, 12 * mib} // for one, two, three passes
	return a.MemoryKiB < floors[min(a.Time, 3)-1]
}

func (a Argon2id) total() uint64 { return uint64(a.MemoryKiB) * uint64(a.Time) }

func (a Argon2id) memoryBytes() int64 { return int64(a.MemoryKiB) << 10 }

func (a Argon2id) key(p Password, salt []byte, n int) []byte {
	return argon2.IDKey([]byte(p.Reveal()), salt, a.Time, a.MemoryKiB, a.Threads, uint32(n))
}
