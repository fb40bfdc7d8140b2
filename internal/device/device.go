// Package device makes the tokens by which a client is known again that has logged in
// before. A token says nothing of who somebody is: it is worth a place in a queue.
package device

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/seed89488a0c/auth/internal/secrets"
)

// TTL is how long a client stays known.
const TTL = 180 * day

const (
	day      = 24 * time.Hour
	idSize   = 8
	daySize  = 3
	macSize  = 16
	size     = idSize + daySize + macSize
	textSize = size / 3 * 4
)

// Keys make and check tokens. The zero Keys knows nobody. It is safe for concurrent use.
type Keys struct {
	keys func() [][]byte // in a closure, which printers do not print
}

// NewKeys returns the keys of a service's secrets, of which the first makes tokens, and all
// check them. Without secrets there are no devices.
func NewKeys(list [][]byte) Keys {
	if len(list) == 0 {
		return Keys{}
	}
	keys := make([][]byte, len(list))
	for i, secret := range list {
		keys[i] = secrets.Key(secret, "auth device")
	}
	return Keys{func() [][]byte { return keys }}
}

// Make returns a token of 36 characters for a client that has just logged in to an
// account; "" without secrets, and for none. Its random ID tells clients of an account apart.
func (k Keys) Make(account string, now time.Time) string {
	if k.keys == nil || account == "" {
		return ""
	}
	token := make([]byte, idSize+daySize, size)
	rand.Read(token[:idSize]) // never fails
	putDay(token[idSize:], now)
	return encoding.EncodeToString(append(token, mac(k.keys()[0], account, token)...))
}

// Find returns the random ID of a token that was made for an account at most [TTL] ago,
// whole days counted, and until when it is known; "" is none. Any text may be given. It
// does no I/O, and as much work for every account.
func (k Keys) Find(token, account string, now time.Time) (id string, until time.Time) {
	if k.keys == nil || account == "" || len(token) != textSize {
		return "", time.Time{}
	}
	sealed, err := encoding.DecodeString(token)
	if err != nil || len(sealed) != size { // a line break is skipped
		return "", time.Time{}
	}
	head := sealed[:idSize+daySize]
	known := false
	for _, key := range k.keys() {
		known = hmac.Equal(mac(key, account, head), sealed[idSize+daySize:]) || known
	}
	made := int64(head[idSize])<<16 + int64(binary.BigEndian.Uint16(head[idSize+1:]))
	age := dayOf(now) - made
	if !known || age < -1 || age > int64(TTL/day) { // another replica may have had tomorrow
		return "", time.Time{}
	}
	return string(head[:idSize]), time.Unix(0, 0).UTC().Add(time.Duration(made+1)*day + TTL)
}

func putDay(b []byte, t time.Time) {
	n := dayOf(t)
	b[0], b[1], b[2] = byte(n>>16), byte(n>>8), byte(n)
}

// dayOf is exact from 1970 on; before that no token is known.
func dayOf(t time.Time) int64 { return t.Unix() / int64(day/time.Second) }

// mac is over the token's own bytes, which are of one length, and then the account.
func mac(key []byte, account string, head []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(head)
	h.Write([]byte(account))
	return h.Sum(nil)[:macSize]
}

var encoding = base64.RawURLEncoding.Strict()
