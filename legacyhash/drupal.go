package legacyhash

import (
	"context"
	"crypto/sha512"
	"strings"

	"github.com/seed89488a0c/auth"
)

// Drupal verifies what Drupal 7 to 10.0 has in users.pass:
//
//	$S$…     iterated SHA-512, cut at 55 characters
//	U$S$…    the same of an MD5, from the upgrade of Drupal 6
//
// It does not hash. Like Drupal it trims the password, and takes 512 bytes at most.
// Drupal 10.1 and later write plain bcrypt: a [Prepared] with [strings.TrimSpace]
// around [Bcrypt]. Its $P$ and $H$ are [PHPass]'s.
type Drupal struct{ verifyOnly }

var _ family = Drupal{}

// Verify reports whether encoded is a hash of p.
func (d Drupal) Verify(_ context.Context, encoded string, p auth.Password) (bool, error) {
	return verify(d, encoded, p)
}

// Inspect describes encoded, which is always outdated.
func (d Drupal) Inspect(encoded string) auth.HashInfo { return inspect(d, encoded) }

const (
	minDrupalLog      = 7
	maxDrupalLog      = 20  // Drupal's own default is 15 or 16
	drupalDigest      = 33  // bytes, of which the last has two bits
	maxDrupalPassword = 512 // bytes
)

func (Drupal) parse(encoded string) (record, error) {
	rest, isMD5 := strings.CutPrefix(encoded, "U")
	if !strings.HasPrefix(rest, "$S$") {
		return record{}, auth.ErrUnknownHash
	}
	scheme := "drupal"
	if isMD5 {
		scheme = "drupal-md5"
	}
	if len(rest) != 55 { // $S$, log2 of the rounds, 8 of salt, 43 of digest
		return named(scheme, record{}, errDamaged)
	}
	prefix, salt := encoded[:len(encoded)-43], rest[4:12] // the salt is used as text
	log := strings.IndexByte(cryptChars, rest[3])
	digest, ok := cryptDecode(rest[12:]+".", drupalDigest)
	if !ok || log < minDrupalLog || strings.Trim(salt, cryptChars) != "" {
		return named(scheme, record{}, errDamaged)
	}
	if err := within("rounds", 1<<log, 1<<maxDrupalLog); err != nil {
		return named(scheme, record{}, err)
	}
	r := record{
		info:   auth.HashInfo{Outdated: true, Weak: 1<<log < weakRounds},
		digest: digest,
		derive: func(password string) ([]byte, error) {
			password = password[:min(len(password), maxDrupalPassword)]
			sum := sha512.Sum512([]byte(salt + password))
			buf := append(sum[:], password...)
			for range 1 << log {
				sum = sha512.Sum512(buf)
				copy(buf, sum[:])
			}
			sum[drupalDigest-1] &= 3 // what 43 characters of six bits keep of it
			return sum[:drupalDigest], nil
		},
		encode: func(digest []byte) string { return prefix + cryptEncode(digest)[:43] },
		takes:  func(password string) bool { return len(password) <= maxDrupalPassword },
	}
	if isMD5 {
		r.before(MD5Hex)
	}
	r.before(trimmed)
	return named(scheme, r, nil)
}
