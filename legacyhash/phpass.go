package legacyhash

import (
	"context"
	"crypto/md5"
	"slices"
	"strings"

	"github.com/seed89488a0c/auth"
)

// PHPass verifies the portable hashes of Openwall's phpass, $P$ as WordPress had
// them before 6.8 and $H$ as phpBB 3: iterated MD5. It does not hash. Nothing is
// weaker among these formats: wrap a table of them with a [Wrapper].
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
	phpassChars  = "./" + digits + upper + lower
)

func (PHPass) parse(encoded string) (record, error) {
	if !strings.HasPrefix(encoded, "$P$") && !strings.HasPrefix(encoded, "$H$") {
		return record{}, auth.ErrUnknownHash
	}
	if len(encoded) != 34 { // $P$, log2 of the rounds, 8 of salt, 22 of digest
		return record{}, auth.ErrMalformedHash
	}
	settings, salt := encoded[:12], encoded[4:12] // the salt is used as text
	log := strings.IndexByte(phpassChars, encoded[3])
	digest, ok := phpassDecode(encoded[12:])
	if !ok || log < minPHPassLog || log > maxPHPassLog || strings.Trim(salt, phpassChars) != "" {
		return record{}, auth.ErrMalformedHash
	}
	return record{
		info:   auth.HashInfo{Scheme: "phpass", Outdated: true},
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
		encode: func(digest []byte) string { return settings + phpassEncode(digest) },
	}, nil
}

// phpass writes base64 with the least significant bits first: that is base64 of
// the bytes in reverse, in reverse. Two bytes of zero fill up the 16.
var phpass64 = alphabet(phpassChars)

func phpassEncode(digest []byte) string {
	b := append(slices.Clone(digest), 0, 0)
	slices.Reverse(b)
	text := []byte(phpass64.EncodeToString(b)[2:])
	slices.Reverse(text)
	return string(text)
}

func phpassDecode(text string) ([]byte, bool) {
	b := []byte(text + "..")
	slices.Reverse(b)
	b, err := phpass64.AppendDecode(nil, b)
	if err != nil || len(b) != md5.Size+2 {
		return nil, false
	}
	slices.Reverse(b)
	return b[:md5.Size], true
}
