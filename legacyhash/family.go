package legacyhash

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"strings"

	"github.com/seed89488a0c/auth"
)

// maxLength is what a store keeps of a hash, in bytes.
const maxLength = 1024

var (
	errVerifyOnly = errors.New("legacyhash: this hasher only verifies")
	errNUL        = errors.New("legacyhash: password with a NUL")
)

// family is what the types of this package have in common.
type family interface {
	auth.Hasher

	// parse reads encoded, at most maxLength bytes. It checks every length and
	// every cap; whether the spelling is the origin's own, read checks. It
	// returns ErrUnknownHash or ErrMalformedHash.
	parse(encoded string) (record, error)
}

// record is one stored hash.
type record struct {
	info   auth.HashInfo // Outdated unless a family that hashes says otherwise
	digest []byte
	derive func(password string) ([]byte, error) // what digest is for its password
	encode func(digest []byte) string            // the stored form with this digest

	// match stands in for the three above where only a comparison is to be
	// had: x/crypto computes no bcrypt for a given salt.
	match func(password string) bool
}

// digested puts f in front of the hash, which reads all of what f makes of a password.
func (r *record) digested(f func(password string) string) {
	r.before(f)
	r.info.CutAt = 0
}

// before puts f in front of the hash.
func (r *record) before(f func(password string) string) {
	if match := r.match; match != nil {
		r.match = func(password string) bool { return match(f(password)) }
		return
	}
	derive := r.derive
	r.derive = func(password string) ([]byte, error) { return derive(f(password)) }
}

// hash returns the stored form for another password.
func (r record) hash(p auth.Password) (string, error) {
	if hasNUL(p) {
		return "", errNUL
	}
	digest, err := r.derive(p.Reveal())
	if err != nil {
		return "", err
	}
	return r.encode(digest), nil
}

// blank returns the stored form without the digest.
func (r record) blank() string { return r.encode(make([]byte, len(r.digest))) }

// read parses encoded and demands the one spelling that the origin writes: what
// is accepted is written back byte for byte.
func read(f family, encoded string) (record, error) {
	r, err := f.parse(encoded[:min(len(encoded), maxLength)])
	if err != nil {
		return record{}, err
	}
	if r.encode != nil && r.encode(r.digest) != encoded {
		return record{}, auth.ErrMalformedHash
	}
	return r, nil
}

func verify(f family, encoded string, p auth.Password) (bool, error) {
	r, err := read(f, encoded)
	if err != nil {
		return false, err
	}
	if r.match != nil {
		return r.match(p.Reveal()) && !hasNUL(p), nil
	}
	digest, err := r.derive(p.Reveal())
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(digest, r.digest) == 1 && !hasNUL(p), nil
}

// hasNUL says that no hash is p's. HMAC fills up its key with zeros, so that to
// PBKDF2 and scrypt "a\x00" is "a"; to x/crypto's bcrypt "a\x00a" is "a", and
// other implementations stop at a NUL. It is asked after the work, so that the
// answer takes as long as any.
func hasNUL(p auth.Password) bool { return strings.Contains(p.Reveal(), "\x00") }

func inspect(f family, encoded string) auth.HashInfo {
	r, err := read(f, encoded)
	if err != nil {
		return auth.HashInfo{}
	}
	return r.info
}

// named ends a parse: ok says whether r could be read.
func named(scheme string, r record, ok bool) (record, error) {
	if !ok {
		return record{}, auth.ErrMalformedHash
	}
	r.info.Scheme = scheme
	return r, nil
}

// verifyOnly is the Hash of families that no new password should use.
type verifyOnly struct{}

// Hash returns an error: hashes of this form are only verified.
func (verifyOnly) Hash(context.Context, auth.Password) (string, error) { return "", errVerifyOnly }

func newSalt() []byte {
	salt := make([]byte, 16)
	rand.Read(salt) // never fails
	return salt
}

// alphabet returns an unpadded encoding of one spelling.
func alphabet(chars string) *base64.Encoding {
	return base64.NewEncoding(chars).WithPadding(base64.NoPadding).Strict()
}

const (
	upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	lower  = "abcdefghijklmnopqrstuvwxyz"
	digits = "0123456789"
)
