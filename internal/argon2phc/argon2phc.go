// Package argon2phc makes hashes of Argon2id, and reads those of Argon2id and
// Argon2i (RFC 9106), as PHC strings:
//
//	$argon2id$v=19$m=KiB,t=passes,p=threads$salt$digest
//
// A stored hash may be hostile: what is beyond the caps is refused before any
// work.
package argon2phc

import (
	"cmp"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"slices"

	"golang.org/x/crypto/argon2"

	"github.com/seed89488a0c/auth/internal/phc"
)

// The identifiers of the schemes.
const (
	Argon2id = "argon2id"
	Argon2i  = "argon2i"
)

const (
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

var (
	// ErrParams says that parameters are below the floors or above the cap.
	ErrParams = errors.New("argon2phc: parameters below the floors or above the cap")

	// ErrUnknown says that a string is a hash of another scheme, or none.
	ErrUnknown = errors.New("argon2phc: unknown scheme")

	// ErrMalformed says that a hash is damaged or beyond the caps.
	ErrMalformed = errors.New("argon2phc: malformed hash")
)

// CostError says which cost of a hash is beyond its cap. It matches [ErrMalformed].
type CostError struct {
	Limit      string // "memory" in bytes, "passes", "work" in bytes of all passes, "threads"
	Value, Max uint64
}

func (e *CostError) Error() string { return ErrMalformed.Error() + ": " + e.Limit + " above the cap" }

// Unwrap returns [ErrMalformed].
func (e *CostError) Unwrap() error { return ErrMalformed }

// Params are what hashes are made with. A field that is zero takes its default,
// by OWASP's recommendation.
type Params struct {
	Time      uint32 // passes; 0 = 2
	MemoryKiB uint32 // 0 = 19456; at most 4 GiB
	Threads   uint8  // 0 = 1
}

// Hash is a parsed hash.
type Hash struct {
	params Params
	phc    phc.Hash
}

// Hash hashes a password under a fresh random salt. The error is [ErrParams].
func (p Params) Hash(password string) (string, error) {
	p = p.withDefaults()
	if p.MemoryKiB > maxOwnMemory || p.belowFloor() {
		return "", ErrParams
	}
	salt := make([]byte, saltBytes)
	rand.Read(salt) // never fails
	return phc.Hash{
		ID:      Argon2id,
		Version: argon2.Version,
		Params:  []phc.Param{{Name: "m", Value: p.MemoryKiB}, {Name: "t", Value: p.Time}, {Name: "p", Value: uint32(p.Threads)}},
		Salt:    salt,
		Digest:  argon2.IDKey([]byte(password), salt, p.Time, p.MemoryKiB, p.Threads, digestBytes),
	}.String(), nil
}

// Parse reads what can be computed without a panic and within the caps, which
// rise with the parameters. The error is [ErrUnknown], for what is not of one of
// the schemes, [ErrMalformed], or a [*CostError].
func (p Params) Parse(encoded string, schemes ...string) (Hash, error) {
	if !slices.Contains(schemes, phc.ID(encoded)) {
		return Hash{}, ErrUnknown
	}
	h, err := phc.Parse(encoded)
	if err != nil || h.Version != argon2.Version || len(h.Params) != 3 ||
		h.Params[0].Name != "m" || h.Params[1].Name != "t" || h.Params[2].Name != "p" {
		return Hash{}, ErrMalformed
	}
	p = p.withDefaults()
	memory, time, threads := h.Params[0].Value, h.Params[1].Value, h.Params[2].Value
	if time < 1 || threads < 1 || uint64(memory) < 8*uint64(threads) || // RFC 9106 §3.1
		len(h.Salt) < minSaltBytes || len(h.Salt) > maxSaltBytes ||
		len(h.Digest) < minDigestBytes || len(h.Digest) > maxDigestBytes {
		return Hash{}, ErrMalformed
	}
	for _, cost := range []CostError{
		{"passes", uint64(time), uint64(max(maxTime, p.Time))},
		{"threads", uint64(threads), uint64(max(maxThreads, p.Threads))},
		{"memory", uint64(memory) << 10, uint64(max(maxMemory, p.MemoryKiB)) << 10},
		{"work", uint64(memory) * uint64(time) << 10, max(maxTotal, p.total()) << 10},
	} {
		if cost.Value > cost.Max {
			return Hash{}, &cost
		}
	}
	return Hash{Params{Time: time, MemoryKiB: memory, Threads: uint8(threads)}, h}, nil
}

// MemoryBytes returns what making a hash takes.
func (p Params) MemoryBytes() int64 { return int64(p.withDefaults().MemoryKiB) << 10 }

// TooDear is how many times as much work as today's hash takes a stored one may take
// before it is made anew, cheaper. Two deployments whose parameters lie within this
// factor of each other agree on which hash is to go, and do not undo each other's
// upgrades.
const TooDear = 4

// Outdated reports whether a hash is weaker than what the parameters make, or more
// than [TooDear] times as dear: whoever can write a row could make each login cost
// many. Work is memory × passes.
func (p Params) Outdated(h Hash) bool {
	own := p.withDefaults().total()
	return h.params.total() < own || h.params.total() > TooDear*own || h.params.belowFloor() ||
		len(h.phc.Salt) < saltBytes || len(h.phc.Digest) < digestBytes
}

// Matches reports, in constant time, whether h is a hash of a password.
func (h Hash) Matches(password string) bool {
	return subtle.ConstantTimeCompare(h.Derive(password), h.phc.Digest) == 1
}

// Derive returns the digest that h would have, were it of this password.
func (h Hash) Derive(password string) []byte {
	key := argon2.IDKey
	if h.phc.ID == Argon2i {
		key = argon2.Key
	}
	return key([]byte(password), h.phc.Salt, h.params.Time, h.params.MemoryKiB, h.params.Threads, uint32(len(h.phc.Digest)))
}

// Digest returns the digest of h.
func (h Hash) Digest() []byte { return h.phc.Digest }

// WithDigest returns the PHC string of h with another digest.
func (h Hash) WithDigest(digest []byte) string {
	h.phc.Digest = digest
	return h.phc.String()
}

// MemoryBytes returns what verifying h takes.
func (h Hash) MemoryBytes() int64 { return h.params.MemoryBytes() }

func (p Params) withDefaults() Params {
	return Params{cmp.Or(p.Time, 2), cmp.Or(p.MemoryKiB, 19*mib), cmp.Or(p.Threads, 1)}
}

// belowFloor holds parameters against ASVS 5.0 appendix C.
func (p Params) belowFloor() bool {
	floors := [...]uint32{46 * mib, 19 * mib, 12 * mib} // for one, two, three passes
	return p.MemoryKiB < floors[min(p.Time, 3)-1]
}

func (p Params) total() uint64 { return uint64(p.MemoryKiB) * uint64(p.Time) }
