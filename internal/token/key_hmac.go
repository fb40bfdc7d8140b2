package token

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"hash"
	"slices"
	"sync"

	"github.com/golang-jwt/jwt/v5"
)

// Sizes in bytes.
const (
	minSecret = sha256.Size // RFC 7518 §3.2: at least as long as the hash
	maxSecret = 1024        // a longer one is likely some other file
)

// keyIDLabel is what an HMAC key computes its ID from. The spaces keep it apart
// from every input that the key ever signs: those are base64url and a dot.
const keyIDLabel = "access token key id"

// NewHMAC returns a key for HS256 (RFC 7518 §3.2). The secret has 32 to 1024
// bytes from a cryptographic random source; a passphrase is not one (RFC 8725
// §3.5). A shorter secret, or one that repeats a single byte, is [ErrWeakKey], a
// longer one [ErrInvalidKey]. The secret is copied.
func NewHMAC(secret []byte) (Key, error) {
	switch {
	case len(secret) < minSecret:
		return Key{}, fmt.Errorf("%w: fewer than %d bytes", ErrWeakKey, minSecret)
	case len(secret) > maxSecret:
		return Key{}, fmt.Errorf("%w: more than %d bytes", ErrInvalidKey, maxSecret)
	case repeats(secret):
		return Key{}, fmt.Errorf("%w: all bytes are equal", ErrWeakKey)
	}
	const algorithm = "HS256"
	m, err := hmacMaterial(slices.Clone(secret), algorithm)
	if err != nil {
		return Key{}, err
	}

	// Not the thumbprint of RFC 7638: its §7 warns that the plain hash of a
	// secret is something to guess against.
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(keyIDLabel))
	id := base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:16])

	return m.key(id, algorithm), nil
}

// NewShortHMAC is [NewHMAC] for one of HS256, HS384 and HS512, and for a secret of any
// length from one byte: whoever has seen one token can find a short one by trying.
func NewShortHMAC(secret []byte, algorithm string) (Key, error) {
	if len(secret) == 0 || len(secret) > maxSecret {
		return Key{}, fmt.Errorf("%w: not 1 to %d bytes", ErrInvalidKey, maxSecret)
	}
	m, err := anyHMAC(slices.Clone(secret), algorithm)
	if err != nil {
		return Key{}, err
	}
	return m.key("", algorithm), nil
}

// hmacState is what a MAC is computed with. To set up the hash takes as long as
// a token's whole MAC, and more memory, so states are used again and again.
type hmacState struct {
	hash  hash.Hash
	input []byte
	sum   []byte
}

// compute leaves the MAC of the input in sum.
func (s *hmacState) compute(input string) {
	s.input = append(s.input[:0], input...) // into memory of our own: Write makes its argument escape
	s.hash.Reset()
	s.hash.Write(s.input)
	s.sum = s.hash.Sum(s.sum[:0])
}

func hmacMaterial(secret []byte, algorithm string) (*material, error) {
	m, err := anyHMAC(secret, algorithm)
	if err != nil {
		return nil, err
	}
	if size := hmacHash(algorithm)().Size(); len(secret) < size {
		return nil, fmt.Errorf("%w: fewer than %d bytes", ErrWeakKey, size)
	}
	m.with = func(algorithm string) (*material, error) { return hmacMaterial(secret, algorithm) }
	return m, nil
}

// hmacHash returns the hash of an algorithm, nil if it is none.
func hmacHash(algorithm string) func() hash.Hash {
	switch algorithm {
	case "HS256":
		return sha256.New
	case "HS384":
		return sha512.New384
	case "HS512":
		return sha512.New
	}
	return nil
}

// anyHMAC returns the material of a secret of any length.
func anyHMAC(secret []byte, algorithm string) (*material, error) {
	newHash := hmacHash(algorithm)
	if newHash == nil {
		return nil, errAlgorithm()
	}
	states := &sync.Pool{New: func() any { return &hmacState{hash: hmac.New(newHash, secret)} }}
	return &material{
		sign: func(input string) ([]byte, error) {
			s := states.Get().(*hmacState)
			defer states.Put(s)
			s.compute(input)
			return slices.Clone(s.sum), nil
		},
		verify: func(input string, signature []byte) error {
			s := states.Get().(*hmacState)
			defer states.Put(s)
			s.compute(input)
			if !hmac.Equal(s.sum, signature) {
				return jwt.ErrSignatureInvalid
			}
			return nil
		},
	}, nil
}
