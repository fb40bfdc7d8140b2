// Package seal seals short texts that a client keeps or carries, so that nobody else
// reads or changes them: for one purpose, bound to what the caller names, until a time.
//
// A sealed text is base64url without padding of
//
//	version (1 byte, 1) | salt (16) | expiry (8) | nonce (12) | ciphertext | tag (16)
//
// The cipher is AES-256-GCM. Each text has a key of its own, made by HKDF-SHA256 of the
// secret, the purpose and the salt: the salt and the nonce together are 28 random bytes, so
// that no number of texts comes near the limit of random nonces under one key. Version,
// expiry (seconds since 1970, big-endian) and what the text is bound to are authenticated.
// Whoever sees a text sees when it expires and how long it is, nothing else.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/seed89488a0c/auth/internal/input"
	"github.com/seed89488a0c/auth/internal/secrets"
)

// Sizes in bytes. A sealed text is of ASCII characters.
const (
	MaxPlain = 2048 // of what is sealed
	MaxBound = 2048 // of all that a text is bound to, and four for each string of it
	MaxText  = ((head+MaxPlain+overhead)*8 + 5) / 6

	version  = 1
	saltSize = 16
	head     = 1 + saltSize + 8
	overhead = 12 + 16 // nonce and tag
)

// What can be wrong. ErrExpired is an ErrInvalid.
var (
	// ErrInvalid is a text that is not authentic: changed, cut, of another purpose, bound
	// to something else, or of a secret that is not listed any more.
	ErrInvalid = errors.New("seal: invalid text")

	// ErrExpired is a text that is authentic and whose time is over.
	ErrExpired = fmt.Errorf("%w: expired", ErrInvalid)

	// ErrSize is of Seal: more than MaxPlain or MaxBound.
	ErrSize = errors.New("seal: too long")

	// ErrExpiry is of Seal: a time before 1970 or after 9999, such as the zero time.
	ErrExpiry = errors.New("seal: no time that a text can expire at")
)

// Box seals and opens texts of one purpose. It is safe for concurrent use, has no clock,
// and prints as REDACTED.
type Box struct {
	input.Hidden
	keys func() [][]byte // of the secrets; printers that walk unexported fields print no closure
}

// New returns a Box. The first secret seals, all of them open: a new one is put in front
// once every replica opens it, and an old one is dropped when its texts have expired.
//
// It panics if the purpose is empty, if there is no secret, or if [secrets.Wrong] finds
// one wrong: the caller has checked what an operator may have configured.
func New(list [][]byte, purpose string) *Box {
	if purpose == "" || len(list) == 0 || len(secrets.Wrong(list)) > 0 {
		panic("seal: New: no purpose, or secrets that cannot be used")
	}
	keys := make([][]byte, len(list))
	for i, secret := range list {
		keys[i] = secrets.Key(secret, "auth seal "+purpose)
	}
	return &Box{keys: func() [][]byte { return keys }}
}

// Seal returns a text that [Box.Open] opens before expires, which is cut to whole seconds,
// for the same bound strings in the same order, and for no others. The text is never the
// same twice. Errors: [ErrSize], [ErrExpiry].
func (b *Box) Seal(plain []byte, expires time.Time, bound ...string) (string, error) {
	if len(plain) > MaxPlain || sizeOf(bound) > MaxBound {
		return "", ErrSize
	}
	if expires.Unix() < 0 || expires.UTC().Year() > 9999 {
		return "", ErrExpiry
	}
	sealed := make([]byte, head, head+len(plain)+overhead)
	sealed[0] = version
	rand.Read(sealed[1 : 1+saltSize]) // never fails
	binary.BigEndian.PutUint64(sealed[1+saltSize:], uint64(expires.Unix()))
	sealed = cipherOf(b.keys()[0], sealed).Seal(sealed, nil, plain, additional(sealed, bound))
	return encoding.EncodeToString(sealed), nil
}

// Open returns what was sealed. Errors: [ErrInvalid], and [ErrExpired] where now is not
// before the time that the text expires. How long it takes tells how many secrets there
// are, and which of them the text is of.
func (b *Box) Open(text string, now time.Time, bound ...string) ([]byte, error) {
	if sizeOf(bound) > MaxBound {
		return nil, ErrInvalid
	}
	sealed, ok := decode(text)
	if !ok {
		return nil, ErrInvalid
	}
	data := additional(sealed[:head], bound)
	for _, key := range b.keys() {
		plain, err := cipherOf(key, sealed).Open(nil, nil, sealed[head:], data)
		if err != nil {
			continue
		}
		if !now.Before(time.Unix(int64(binary.BigEndian.Uint64(sealed[1+saltSize:])), 0)) {
			return nil, ErrExpired
		}
		return plain, nil
	}
	return nil, ErrInvalid
}

// cipherOf returns the cipher of the text that begins so. Nothing fails here but for
// lengths that no key has.
func cipherOf(key, sealed []byte) cipher.AEAD {
	own, _ := hkdf.Key(sha256.New, key, sealed[1:1+saltSize], "", 32)
	block, _ := aes.NewCipher(own)
	aead, _ := cipher.NewGCMWithRandomNonce(block)
	return aead
}

// additional is what a text authenticates beside its content: version, expiry, and each
// bound string behind its length, so that no two lists are the same bytes. The salt is
// authenticated by the key.
func additional(sealed []byte, bound []string) []byte {
	data := make([]byte, 0, 1+8+sizeOf(bound))
	data = append(data, sealed[0])
	data = append(data, sealed[1+saltSize:head]...)
	for _, s := range bound {
		data = binary.BigEndian.AppendUint32(data, uint32(len(s)))
		data = append(data, s...)
	}
	return data
}

func sizeOf(bound []string) (n int) {
	for _, s := range bound {
		n += 4 + len(s)
	}
	return n
}

var encoding = base64.RawURLEncoding.Strict()

// decode reads a text of this version. There is one spelling of each: encoding/base64
// skips line breaks.
func decode(text string) (sealed []byte, ok bool) {
	if len(text) < encoding.EncodedLen(head+overhead) || len(text) > MaxText || strings.ContainsAny(text, "\r\n") {
		return nil, false
	}
	sealed, err := encoding.DecodeString(text)
	return sealed, err == nil && sealed[0] == version
}
