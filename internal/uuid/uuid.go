// Package uuid makes UUIDs (RFC 9562).
package uuid

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"time"
)

// V4 returns a random UUID (§5.4).
func V4() string { return format(random(), 4) }

// V7 returns a UUID of 48 bits of time, in milliseconds, and 74 random bits
// (§5.7): rows that have it as a key go to the end of the index.
func V7(now time.Time) string {
	b := random()
	binary.BigEndian.PutUint16(b[0:], uint16(now.UnixMilli()>>32))
	binary.BigEndian.PutUint32(b[2:], uint32(now.UnixMilli()))
	return format(b, 7)
}

func random() (b [16]byte) {
	rand.Read(b[:]) // never fails
	return b
}

func format(b [16]byte, version byte) string {
	b[6] = version<<4 | b[6]&0x0f
	b[8] = 0x80 | b[8]&0x3f
	text := hex.EncodeToString(b[:])
	return text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
}
