package legacyhash

import (
	"cmp"
	"context"
	"errors"
	"math/bits"

	"golang.org/x/crypto/scrypt"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/internal/argon2phc"
	"github.com/seed89488a0c/auth/internal/phc"
)

// Scrypt hashes passwords with scrypt (RFC 7914) into PHC strings, which are
// passlib's: $scrypt$ln=17,r=8,p=1$salt$digest. The zero value uses the first of
// OWASP's recommendations, N = 2^17, r = 8, p = 1, which takes 128 MiB.
//
// OWASP's floors for r = 8 are p = 1 at LogN 17, 2 at 16, 3 at 15, 5 at 14 and
// 10 at 13. Less is an error when hashing; stored hashes below are verified, and
// are outdated.
type Scrypt struct {
	LogN int // 0 = 17, at least 13; the memory is 128 × 2^LogN × R bytes, at most 256 MiB
	R    int // 0 = 8, at least 8
	P    int // 0 = 1
}

var _ family = Scrypt{}

const (
	maxScryptBlocks = 1 << 21 // N × r, of 128 bytes each
	maxScryptWork   = 1 << 22 // N × r × p
	maxScryptR      = 64
	maxScryptP      = 64
	scryptDigest    = 32
)

// Hash returns a PHC string. Parameters below the floors or over the caps are
// an error.
func (s Scrypt) Hash(_ context.Context, p auth.Password) (string, error) {
	if s.withDefaults().belowFloor() {
		return "", errors.New("legacyhash: Scrypt: parameters below OWASP's floors")
	}
	return s.hash(p)
}

func (s Scrypt) hash(p auth.Password) (string, error) {
	s = s.withDefaults()
	r, err := s.record(newSalt(), make([]byte, scryptDigest))
	if err != nil {
		return "", errors.New("legacyhash: Scrypt: parameters over the caps")
	}
	return r.hash(p)
}

// Verify reports whether encoded is a hash of p.
func (s Scrypt) Verify(_ context.Context, encoded string, p auth.Password) (bool, error) {
	return verify(s, encoded, p)
}

// Inspect describes encoded. Less work in all, N × r × p, than s itself or than
// OWASP's floors is outdated, and so are more than four times as much and a salt of
// less than 16 bytes.
func (s Scrypt) Inspect(encoded string) auth.HashInfo {
	if encoded == "" {
		r, _ := s.withDefaults().record(nil, make([]byte, scryptDigest))
		return auth.HashInfo{Scheme: "scrypt", MemoryBytes: r.info.MemoryBytes}
	}
	return inspect(s, encoded)
}

func (s Scrypt) parse(encoded string) (record, error) {
	if phc.ID(encoded) != "scrypt" {
		return record{}, auth.ErrUnknownHash
	}
	h, err := phc.Parse(encoded)
	if err != nil || h.Version != 0 || len(h.Params) != 3 ||
		h.Params[0].Name != "ln" || h.Params[1].Name != "r" || h.Params[2].Name != "p" {
		return named("scrypt", record{}, errDamaged)
	}
	stored := Scrypt{LogN: int(h.Params[0].Value), R: int(h.Params[1].Value), P: int(h.Params[2].Value)}
	r, err := stored.record(h.Salt, h.Digest)
	work, own := stored.work(), s.withDefaults().work()
	r.info.Outdated = stored.belowFloor() || work < own || work > argon2phc.TooDear*own || len(h.Salt) < 16
	return named("scrypt", r, err)
}

func (s Scrypt) withDefaults() Scrypt {
	if s.LogN == 0 {
		s.LogN = 17
	}
	if s.R == 0 {
		s.R = 8
	}
	if s.P == 0 {
		s.P = 1
	}
	return s
}

func (s Scrypt) work() uint64 { return uint64(s.R) * uint64(s.P) << min(uint(s.LogN), 32) }

func (s Scrypt) belowFloor() bool {
	floors := [...]int{13: 10, 14: 5, 15: 3, 16: 2, 17: 1}
	return s.LogN < 13 || s.R < 8 || s.P < floors[min(s.LogN, 17)]
}

func (s Scrypt) record(salt, digest []byte) (record, error) {
	if s.LogN < 1 || s.R < 1 || s.P < 1 {
		return record{}, errDamaged
	}
	return scryptRecord(1<<min(s.LogN, 63), uint64(s.R), uint64(s.P), salt, digest, scryptDigest, func(digest []byte) string {
		return phc.Hash{
			ID:     "scrypt",
			Params: []phc.Param{{Name: "ln", Value: uint32(s.LogN)}, {Name: "r", Value: uint32(s.R)}, {Name: "p", Value: uint32(s.P)}},
			Salt:   salt,
			Digest: digest,
		}.String()
	})
}

func scryptRecord(n, r, p uint64, salt, digest []byte, size int, encode func([]byte) string) (record, error) {
	if n < 2 || bits.OnesCount64(n) != 1 || r < 1 || p < 1 || len(digest) != size {
		return record{}, errDamaged
	}
	if err := cmp.Or(
		within("memory", product(128, n, r), 128*maxScryptBlocks),
		within("r", r, maxScryptR),
		within("p", p, maxScryptP),
		within("work", product(n, r, p), maxScryptWork),
	); err != nil {
		return record{}, err
	}
	return record{
		info:   auth.HashInfo{MemoryBytes: 128 * int64(r) * int64(n+p), Outdated: true},
		digest: digest,
		derive: func(password string) ([]byte, error) {
			return scrypt.Key([]byte(password), salt, int(n), int(r), int(p), size)
		},
		encode: encode,
	}, nil
}
