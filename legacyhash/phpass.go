package legacyhash

import (
	"context"
	"crypto/md5"
	"strings"

	"github.com/seed89488a0c/auth"
)

// PHPass verifies the portable hashes of Openwall's phpass, $P$ and $H$: iterated
// MD5. It does not hash. They are weak: wrap a table of them with a [Wrapper].
//
// It takes passwords byte for byte, as phpass itself does. WordPress and phpBB change
// a password before they hash it: [WordPress] is for its tables, and a [Prepared] with
// [PHPBBInput] around this type for phpBB's.
type PHPass struct{ verifyOnly }

var _ family = PHPass{}

// Verify reports whether encoded is a hash of p.
func (h PHPass) Verify(_ context.Context, encoded string, p auth.Password) (bool, error) {
	return verify(h, encoded, p)
}

// Inspect describes encoded, which is always outdated.
func (h PHPass) Inspect(encoded string) auth.HashInfo { return inspect(h, encoded) }

const (
	minPHPassLog = 7
	maxPHPassLog = 19 // passlib's default; phpass's own is 13 at most
)

func (PHPass) parse(encoded string) (record, error) {
	if !strings.HasPrefix(encoded, "$P$") && !strings.HasPrefix(encoded, "$H$") {
		return record{}, auth.ErrUnknownHash
	}
	r, err := phpassRecord(encoded)
	return named("phpass", r, err)
}

// phpassRecord reads the identifier of three characters, the log2 of the rounds,
// eight characters of salt and 22 of digest.
func phpassRecord(encoded string) (record, error) {
	if len(encoded) != 34 {
		return record{}, errDamaged
	}
	settings, salt := encoded[:12], encoded[4:12] // the salt is used as text
	log := strings.IndexByte(cryptChars, encoded[3])
	digest, ok := cryptDecode(encoded[12:], md5.Size)
	if !ok || log < minPHPassLog || strings.Trim(salt, cryptChars) != "" {
		return record{}, errDamaged
	}
	if err := within("rounds", 1<<log, 1<<maxPHPassLog); err != nil {
		return record{}, err
	}
	return record{
		info:   auth.HashInfo{Outdated: true, Weak: 1<<log < weakRounds},
		digest: digest,
		derive: func(password string) ([]byte, error) {
			sum := md5.Sum([]byte(salt + password))
			buf := append(sum[:], password...)
			for range 1 << log {
				sum = md5.Sum(buf)
				copy(buf, sum[:])
			}
			return sum[:], nil
		},
		encode: func(digest []byte) string { return settings + cryptEncode(digest) },
	}, nil
}
