package legacyhash

import (
	"context"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"math"
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
//
// It also verifies PHC's own form, $pbkdf2-sha256$i=rounds,l=length$salt$digest,
// which names the length of its digest: 16 to 512 bytes. In passlib's form a digest
// has that of the function or, where the origin lets one choose, more, up to 512
// bytes; rounds times blocks of the digest have the cap of the rounds.
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
	r, err := passlibRecord(f, uint64(rounds), newSalt(), make([]byte, f.size))
	if err != nil {
		return "", err
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
		return named("pbkdf2-"+f.name, record{}, errDamaged)
	}
	var r record
	var rounds uint64
	var salt, digest []byte
	var err, err2 error
	if settings, isPHC := strings.CutPrefix(fields[2], "i="); isPHC {
		salt, err = phc64.DecodeString(fields[3])
		digest, err2 = phc64.DecodeString(fields[4])
		text, _, _ := strings.Cut(settings, ",l=") // that l is the digest's, read checks
		if rounds, ok = number(text); !ok || err != nil || err2 != nil {
			return named("pbkdf2-"+f.name, record{}, errDamaged)
		}
		r, err = pbkdf2Record(f, rounds, salt, digest, func(digest []byte) string {
			return fmt.Sprintf("$%s$i=%d,l=%d$%s$%s", id, rounds, len(digest), phc64.EncodeToString(salt), phc64.EncodeToString(digest))
		})
	} else {
		salt, err = ab64.DecodeString(fields[3])
		digest, err2 = ab64.DecodeString(fields[4])
		if rounds, ok = number(fields[2]); !ok || err != nil || err2 != nil || len(digest) < f.size {
			return named("pbkdf2-"+f.name, record{}, errDamaged)
		}
		r, err = passlibRecord(f, rounds, salt, digest)
	}
	own, ownRounds := h.own()
	blocks := (len(digest) + f.size - 1) / f.size
	dear := product(rounds, uint64(blocks), uint64(own.floor)) > product(argon2phc.TooDear, uint64(max(ownRounds, 0)), uint64(f.floor))
	r.info.Outdated = rounds < uint64(f.floor) || f.name == own.name && rounds < uint64(max(ownRounds, 0)) || dear || len(salt) < 16 || len(digest) < f.size
	return named("pbkdf2-"+f.name, r, err)
}

var (
	ab64  = alphabet(upper + lower + digits + "./") // passlib's "adapted" base64
	phc64 = base64.RawStdEncoding.Strict()
)

func passlibID(f prf) string {
	if f.name == "sha1" {
		return "pbkdf2"
	}
	return "pbkdf2-" + f.name
}

func passlibRecord(f prf, rounds uint64, salt, digest []byte) (record, error) {
	return pbkdf2Record(f, rounds, salt, digest, func(digest []byte) string {
		return fmt.Sprintf("$%s$%d$%s$%s", passlibID(f), rounds, ab64.EncodeToString(salt), ab64.EncodeToString(digest))
	})
}

const (
	minPBKDF2Digest = 16 // or many passwords would have one digest
	maxPBKDF2Digest = 512
)

// pbkdf2Record takes a digest of any length within the limits: that it has the
// length its origin gives it, the caller checks. Each block of one costs all rounds.
func pbkdf2Record(f prf, rounds uint64, salt, digest []byte, encode func([]byte) string) (record, error) {
	if rounds < 1 || len(digest) < minPBKDF2Digest || len(digest) > maxPBKDF2Digest {
		return record{}, errDamaged
	}
	blocks := uint64(len(digest)+f.size-1) / uint64(f.size)
	if err := within("rounds", product(rounds, blocks), uint64(f.maxRounds)); err != nil {
		return record{}, err
	}
	return record{
		info:   auth.HashInfo{Outdated: true, Weak: rounds < weakRounds},
		digest: digest,
		derive: func(password string) ([]byte, error) {
			return pbkdf2.Key(f.new, password, salt, int(rounds), len(digest))
		},
		encode: encode,
	}, nil
}
