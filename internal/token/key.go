// Package token signs and parses access tokens: JSON Web Tokens in the profile
// of RFC 9068, with the care that RFC 8725 asks for.
//
// The signatures are golang-jwt's. Everything else about a token is decided
// here, since the tokens are only ever our own: what [Sign] would not have
// written, in form or in content, [Parser.Parse] does not accept. The
// exceptions are spelled out at Parse.
package token

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

// Sizes in bytes.
const (
	minSecret = sha256.Size // RFC 7518 §3.2: at least as long as the hash
	maxSecret = 1024        // a longer one is likely some other file
	maxKeyID  = 64
)

// keyIDLabel is what an HMAC key computes its ID from. The spaces keep it apart
// from every input that the key ever signs: those are base64url and a dot.
const keyIDLabel = "access token key id"

// Key signs and verifies with exactly one algorithm. The algorithm belongs to
// the key and is never taken from a token (RFC 8725 §3.1). A Key is immutable
// and safe for concurrent use; the zero Key does neither.
//
// However it is printed, a Key shows its ID and algorithm only: the material is
// held by the functions, where neither fmt nor other printers that use
// reflection can reach it, even if the Key is a field that they may not call
// methods on.
type Key struct {
	id        string
	algorithm string
	sign      func(input string) ([]byte, error)         // nil: verifies only
	verify    func(input string, signature []byte) error // nil: the zero Key
}

// newKey binds a signing method to its key material, in the types that the
// method expects. With a nil private half the key verifies only.
func newKey(id string, method jwt.SigningMethod, private, public any) Key {
	k := Key{
		id:        id,
		algorithm: method.Alg(),
		verify: func(input string, signature []byte) error {
			return method.Verify(input, signature, public)
		},
	}
	if private != nil {
		k.sign = func(input string) ([]byte, error) { return method.Sign(input, private) }
	}
	return k
}

// NewHMAC returns a key for HS256 (RFC 7518 §3.2). The secret has 32 to 1024
// bytes from a cryptographic random source; a passphrase is not one (RFC 8725
// §3.5). A shorter secret, or one that repeats a single byte, is ErrWeakKey.
// The secret is copied.
func NewHMAC(secret []byte) (Key, error) {
	switch {
	case len(secret) < minSecret:
		return Key{}, fmt.Errorf("%w: fewer than %d bytes", ErrWeakKey, minSecret)
	case len(secret) > maxSecret:
		return Key{}, fmt.Errorf("%w: more than %d bytes", ErrInvalidKey, maxSecret)
	case repeats(secret):
		return Key{}, fmt.Errorf("%w: all bytes are equal", ErrWeakKey)
	}
	secret = slices.Clone(secret)

	// Not the thumbprint of RFC 7638: its §7 warns that the plain hash of a
	// secret is something to guess against.
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(keyIDLabel))
	id := base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:16])

	return newKey(id, jwt.SigningMethodHS256, secret, secret), nil
}

// NewEd25519 returns a key for EdDSA with Ed25519 (RFC 8037 §3.1). The public
// half must be that of the seed: signing with another one can give the private
// key away. A seed that repeats a single byte is ErrWeakKey. The key is copied.
func NewEd25519(private ed25519.PrivateKey) (Key, error) {
	if len(private) != ed25519.PrivateKeySize {
		return Key{}, fmt.Errorf("%w: not %d bytes", ErrInvalidKey, ed25519.PrivateKeySize)
	}
	seed := private.Seed()
	if repeats(seed) {
		return Key{}, fmt.Errorf("%w: all bytes are equal", ErrWeakKey)
	}
	derived := ed25519.NewKeyFromSeed(seed)
	if !derived.Equal(private) {
		return Key{}, fmt.Errorf("%w: the public half is not the seed's", ErrInvalidKey)
	}
	public := ed25519.PublicKey(derived[ed25519.SeedSize:])
	return newKey(ed25519Thumbprint(public), jwt.SigningMethodEdDSA, derived, public), nil
}

// NewEd25519Public returns a key that verifies what the private key belonging
// to public signed. Encodings that are not canonical and points that are off
// the curve or of small order are ErrInvalidKey. The key is copied.
func NewEd25519Public(public ed25519.PublicKey) (Key, error) {
	if err := checkEd25519Public(public); err != nil {
		return Key{}, err
	}
	public = slices.Clone(public)
	return newKey(ed25519Thumbprint(public), jwt.SigningMethodEdDSA, nil, public), nil
}

// repeats reports whether b is one byte over and over, as memory is that nobody
// filled. It does not estimate randomness.
func repeats(b []byte) bool {
	for _, c := range b {
		if c != b[0] {
			return false
		}
	}
	return true
}

// ID is the key's identifier, the kid of its tokens. Unless [Key.WithID] set
// another, it follows from the key: for Ed25519 the thumbprint of RFC 7638, the
// same for both halves; for HMAC 22 characters that only who has the secret
// can compute.
func (k Key) ID() string { return k.id }

// WithID returns the same key under another identifier: 1 to 64 characters out
// of A-Z a-z 0-9 . _ ~ and -.
func (k Key) WithID(id string) (Key, error) {
	if k.verify == nil {
		return Key{}, fmt.Errorf("%w: the zero key", ErrInvalidKey)
	}
	if !validKeyID(id) {
		return Key{}, fmt.Errorf("%w: the identifier is not 1 to %d characters of A-Z a-z 0-9 . _ ~ -", ErrInvalidKey, maxKeyID)
	}
	k.id = id
	return k, nil
}

// validKeyID admits nothing that JSON, URLs or logs would have to escape.
func validKeyID(id string) bool {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~-"
	return 1 <= len(id) && len(id) <= maxKeyID && strings.Trim(id, alphabet) == ""
}

// Algorithm is the alg of the key's tokens: "HS256", "EdDSA", or "" for the
// zero Key.
func (k Key) Algorithm() string { return k.algorithm }

// CanSign reports whether the key signs; every key but the zero Key verifies.
func (k Key) CanSign() bool { return k.sign != nil }

// String names the key by algorithm and ID.
func (k Key) String() string {
	if k.verify == nil {
		return "no key"
	}
	return k.algorithm + " key " + k.id
}

// Format prints what String returns, whatever the verb.
func (k Key) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, k.String()) }

// MarshalText gives what String returns to JSON, XML and log/slog. There is no
// way back.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }
