package legacyhash

import (
	"context"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"hash"
	"math"
	"strconv"
	"strings"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/internal/argon2phc"
	"github.com/seed89488a0c/auth/internal/phc"
)

// PBKDF2 hashes passwords with PBKDF2 (RFC 8018) in passlib's form,
// $pbkdf2-sha256$rounds$salt$digest or $pbkdf2-sha512$…, and verifies those and
// $pbkdf2$, which is SHA-1. The zero value hashes with SHA-256 and the 600,000
// rounds that OWASP recommends. Where it is not required, [auth.Argon2id] is
// better: an attacker's hardware computes PBKDF2 far faster than a server does.
type PBKDF2 struct {
	SHA512 bool // SHA-512 in place of SHA-256
	Rounds int  // 0 = 600,000, or 210,000 with SHA-512, which are the least; at most 5 or 2 million
}

var _ family = PBKDF2{}

// prf is the pseudorandom function in PBKDF2.
type prf struct {
	name             string
	new              func() hash.Hash
	size             int
	floor, maxRounds int
}

// prfOf knows SHA-1, SHA-256 and SHA-512. The floors are those of OWASP's
// Password Storage Cheat Sheet; no number of rounds makes SHA-1 current.
func prfOf(name string) (prf, bool) {
	switch name {
	case "sha1":
		return prf{name, sha1.New, sha1.Size, math.MaxInt, 5_000_000}, true
	case "sha256":
		return prf{name, sha256.New, sha256.Size, 600_000, 5_000_000}, true
	case "sha512":
		return prf{name, sha512.New, sha512.Size, 210_000, 2_000_000}, true
	}
	return prf{}, false
}

// Hash returns a hash in passlib's form. Rounds out of bounds are an error.
func (h PBKDF2) Hash(_ context.Context, p auth.Password) (string, error) {
	if f, rounds := h.own(); rounds < f.floor || rounds > f.maxRounds {
		return "", errors.New("legacyhash: PBKDF2: rounds below OWASP's floor or over the cap")
	}
	return h.hash(p)
}

func (h PBKDF2) hash(p auth.Password) (string, error) {
	f, rounds := h.own()
	r, ok := passlibRecord(f, rounds, newSalt(), make([]byte, f.size))
	if !ok {
		return "", auth.ErrMalformedHash
	}
	return r.hash(p)
}

// Verify reports whether encoded is a hash of p.
func (h PBKDF2) Verify(_ context.Context, encoded string, p auth.Password) (bool, error) {
	return verify(h, encoded, p)
}

// Inspect describes encoded. Outdated are SHA-1, rounds below OWASP's floor or,
// with h's own function, below h's own, those more than four times as dear as h's own,
// of both functions in units of their floors, and salts of less than 16 bytes.
func (h PBKDF2) Inspect(encoded string) auth.HashInfo {
	if encoded == "" {
		f, _ := h.own()
		return auth.HashInfo{Scheme: "pbkdf2-" + f.name}
	}
	return inspect(h, encoded)
}

func (h PBKDF2) own() (f prf, rounds int) {
	name := "sha256"
	if h.SHA512 {
		name = "sha512"
	}
	f, _ = prfOf(name)
	if h.Rounds == 0 {
		return f, f.floor
	}
	return f, h.Rounds
}

func (h PBKDF2) parse(encoded string) (record, error) {
	id := phc.ID(encoded)
	name := strings.TrimPrefix(id, "pbkdf2-")
	if id == "pbkdf2" {
		name = "sha1"
	}
	f, ok := prfOf(name)
	if !ok || id != passlibID(f) {
		return record{}, auth.ErrUnknownHash
	}
	fields := strings.Split(encoded, "$") // "", id, rounds, salt, digest
	if len(fields) != 5 {
		return record{}, auth.ErrMalformedHash
	}
	rounds, err := strconv.Atoi(fields[2])
	salt, err2 := ab64.DecodeString(fields[3])
	digest, err3 := ab64.DecodeString(fields[4])
	if err != nil || err2 != nil || err3 != nil {
		return record{}, auth.ErrMalformedHash
	}
	r, ok := passlibRecord(f, rounds, salt, digest)
	own, ownRounds := h.own()
	r.info.Outdated = rounds < f.floor || f.name == own.name && rounds < ownRounds ||
		int64(rounds)*int64(own.floor) > argon2phc.TooDear*int64(ownRounds)*int64(f.floor) || len(salt) < 16
	return named("pbkdf2-"+f.name, r, ok)
}

// ab64 is passlib's "adapted" base64.
var ab64 = alphabet(upper + lower + digits + "./")

func passlibID(f prf) string {
	if f.name == "sha1" {
		return "pbkdf2"
	}
	return "pbkdf2-" + f.name
}

func passlibRecord(f prf, rounds int, salt, digest []byte) (record, bool) {
	return pbkdf2Record(f, rounds, salt, digest, f.size, func(digest []byte) string {
		return fmt.Sprintf("$%s$%d$%s$%s", passlibID(f), rounds, ab64.EncodeToString(salt), ab64.EncodeToString(digest))
	})
}

func pbkdf2Record(f prf, rounds int, salt, digest []byte, size int, encode func([]byte) string) (record, bool) {
	return record{
		info:   auth.HashInfo{Outdated: true},
		digest: digest,
		derive: func(password string) ([]byte, error) { return pbkdf2.Key(f.new, password, salt, rounds, size) },
		encode: encode,
	}, rounds >= 1 && rounds <= f.maxRounds && len(digest) == size
}
