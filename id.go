package auth

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/seed89488a0c/auth/internal/input"
	"github.com/seed89488a0c/auth/internal/row"
)

// newID returns a UUIDv7 (RFC 9562 §5.7): 48 bits of time in milliseconds,
// so that inserts go to the end of the index, and 74 random bits.
func newID(now time.Time) string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	binary.BigEndian.PutUint16(b[0:], uint16(now.UnixMilli()>>32))
	binary.BigEndian.PutUint32(b[2:], uint32(now.UnixMilli()))
	b[6] = 0x70 | b[6]&0x0f
	b[8] = 0x80 | b[8]&0x3f
	text := hex.EncodeToString(b[:])
	return text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
}

// newEpoch returns where a user's epochs begin: at random, so that sessions that
// were left behind by a user of the same ID are not those of the next one.
func newEpoch() uint64 {
	var b [8]byte
	rand.Read(b[:])                           // never fails
	return binary.BigEndian.Uint64(b[:]) >> 3 // below maxEpoch
}

// checkID holds an imported ID against what a token and a column can carry.
func checkID(id string) error {
	broken := func(code string) error {
		return &InputError{Field: fieldID, Code: code, Max: row.MaxID}
	}
	switch {
	case len(id) > row.MaxID:
		return broken(input.TooLong)
	case !utf8.ValidString(id):
		return broken(input.InvalidEncoding)
	}
	for _, r := range id {
		if !unicode.IsPrint(r) {
			return broken(input.InvalidCharacter)
		}
	}
	return nil
}
