package legacyhash

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"math"
	"math/bits"
	"strconv"
	"strings"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/internal/input"
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
	// returns auth.ErrUnknownHash or an *auth.HashError.
	parse(encoded string) (record, error)
}

// record is one stored hash.
type record struct {
	info   auth.HashInfo // Outdated unless a family that hashes says otherwise
	digest []byte
	derive func(password string) ([]byte, error) // what digest is for its password
	encode func(digest []byte) string            // the stored form with this digest

	settings string // of a Digester, which has no encode: the stored form without its digest

	// match stands in for the three above where only a comparison is to be
	// had: x/crypto computes no bcrypt for a given salt.
	match func(password string) bool

	// takes says whether the origin takes a password at all; nil = any. What it
	// does not take is hashed all the same, so that the answer takes as long.
	takes func(password string) bool
}

// digested puts f in front of the hash, which reads all of what f makes of a password.
func (r *record) digested(f func(password string) string) {
	r.before(f)
	r.info.CutAt = 0
}

// before puts f in front of the hash.
func (r *record) before(f func(password string) string) {
	if takes := r.takes; takes != nil {
		r.takes = func(password string) bool { return takes(f(password)) }
	}
	if match := r.match; match != nil {
		r.match = func(password string) bool { return match(f(password)) }
		return
	}
	derive := r.derive
	r.derive = func(password string) ([]byte, error) { return derive(f(password)) }
}

// hash returns the stored form for another password.
func (r record) hash(p auth.Password) (string, error) {
	if !noNUL(p.Reveal()) {
		return "", errNUL
	}
	digest, err := r.derive(p.Reveal())
	if err != nil {
		return "", err
	}
	return r.encode(digest), nil
}

// blank returns the stored form without the digest.
func (r record) blank() string {
	if r.encode == nil {
		return r.settings
	}
	return r.encode(make([]byte, len(r.digest)))
}

// read parses encoded and demands the one spelling that the origin writes: what
// is accepted is written back byte for byte.
func read(f family, encoded string) (record, error) {
	r, err := f.parse(encoded[:min(len(encoded), maxLength)])
	if err != nil {
		return record{}, err
	}
	if len(encoded) > maxLength || r.encode != nil && r.encode(r.digest) != encoded {
		return record{}, &auth.HashError{Code: input.HashDamaged, Scheme: r.info.Scheme}
	}
	return r, nil
}

func verify(f family, encoded string, p auth.Password) (bool, error) {
	r, err := read(f, encoded)
	if err != nil {
		return false, err
	}
	return r.verify(p.Reveal())
}

func (r record) verify(password string) (bool, error) {
	takes := r.takes == nil || r.takes(password)
	if r.match != nil {
		return r.match(password) && takes, nil
	}
	digest, err := r.derive(password)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(digest, r.digest) == 1 && takes, nil
}

// noNUL is what takes of origins whose passwords end at a NUL: to x/crypto's
// bcrypt "a\x00a" is "a", and crypt(3) stops there. Others have it as any byte; in
// PBKDF2 and scrypt, whose HMAC fills up its key with zeros, one at the end changes
// nothing, there as here.
func noNUL(password string) bool { return !strings.Contains(password, "\x00") }

func inspect(f family, encoded string) auth.HashInfo {
	r, err := read(f, encoded)
	if err != nil {
		return auth.HashInfo{}
	}
	return r.info
}

// named ends a parse: the scheme is known, also where r could not be read.
func named(scheme string, r record, err error) (record, error) {
	if why, ok := errors.AsType[*auth.HashError](err); ok {
		return record{}, &auth.HashError{Code: why.Code, Scheme: scheme, Limit: why.Limit, Value: why.Value, Max: why.Max}
	}
	if err != nil {
		return record{}, err
	}
	r.info.Scheme = scheme
	return r, nil
}

// errDamaged is what a parse returns where it need not say more.
var errDamaged error = &auth.HashError{Code: input.HashDamaged}

// within returns an error if value is beyond its cap.
func within(limit string, value, most uint64) error {
	if value <= most {
		return nil
	}
	return &auth.HashError{Code: input.HashTooCostly, Limit: limit, Value: value, Max: most}
}

// noPassword is the error for an origin's mark that a user has none.
func noPassword(scheme string) error {
	return &auth.HashError{Code: input.HashNoPassword, Scheme: scheme}
}

// number reads a decimal number of the one spelling. What is beyond 64 bits is their
// maximum, so that it is told as too costly, not as damaged.
func number(text string) (n uint64, ok bool) {
	if text == "" || strings.Trim(text, digits) != "" || text[0] == '0' && len(text) > 1 {
		return 0, false
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		n = math.MaxUint64
	}
	return n, true
}

// product returns the product, or the largest number if it is beyond 64 bits.
func product(factors ...uint64) uint64 {
	n := uint64(1)
	for _, f := range factors {
		high, low := bits.Mul64(n, f)
		if n = low; high > 0 {
			return math.MaxUint64
		}
	}
	return n
}

// weakRounds is how often a fast digest is iterated at least, by NIST SP 800-63B-3
// §5.1.1.2, for a hash not to be weak.
const weakRounds = 10_000

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
