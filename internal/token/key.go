// Package token signs and parses access tokens: JSON Web Tokens in the profile
// of RFC 9068, with the care that RFC 8725 asks for.
//
// The signatures are the standard library's, checked by golang-jwt but for
// HMAC. Everything else about a token is decided here: of our own tokens, what
// [Sign] would not have written, in form or in content, [Parser.Parse] does not
// accept. The exceptions are spelled out at Parse.
package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

const maxKeyID = 64 // bytes

// Key signs and verifies with exactly one algorithm. The algorithm belongs to
// the key and is never taken from a token (RFC 8725 §3.1). A Key is immutable
// and safe for concurrent use; the zero Key does neither.
//
// However it is printed, a Key shows nothing that is secret: the material is
// held by the functions, where neither fmt nor other printers that use
// reflection can reach it, even if the Key is a field that they may not call
// methods on.
type Key struct {
	id        string
	algorithm string
	head      string // what the tokens that Sign makes with it begin with
	jwk       string // the public half; "": there is none
	*material        // nil: the zero Key
}

// material is what a key does.
type material struct {
	sign    func(input string) ([]byte, error)         // nil: verifies only
	verify  func(input string, signature []byte) error // never nil
	with    func(algorithm string) (*material, error)  // nil: there is no other
	members string                                     // the public half, see thumbprint; "": there is none
}

// newMaterial returns what verifies by a method of golang-jwt, with the public
// half in the type that the method expects, and signs by s unless that is nil.
// The encoding turns what s returns into what a token has; nil leaves it.
func newMaterial(public any, s crypto.Signer, method jwt.SigningMethod, opts crypto.SignerOpts, encode func([]byte) ([]byte, error)) *material {
	m := &material{verify: func(input string, signature []byte) error {
		return method.Verify(input, signature, public)
	}}
	if s == nil {
		return m
	}
	m.sign = func(input string) ([]byte, error) {
		signature, err := crypto.SignMessage(s, rand.Reader, []byte(input), opts)
		if err != nil {
			return nil, &signerError{err}
		}
		if encode != nil {
			return encode(signature)
		}
		return signature, nil
	}
	switch s.(type) {
	case *rsa.PrivateKey, *ecdsa.PrivateKey, ed25519.PrivateKey:
	default:
		// A KMS may by now sign with another version of the key, and a faulty
		// signature can give a key away: nothing leaves that does not verify.
		sign := m.sign
		m.sign = func(input string) ([]byte, error) {
			signature, err := sign(input)
			if err == nil {
				err = m.verify(input, signature)
			}
			if err != nil {
				return nil, err
			}
			return signature, nil
		}
	}
	return m
}

// signerError hides the text of a signer's error, which is not ours: a KMS's can
// name accounts and keys.
type signerError struct{ err error }

func (e *signerError) Error() string { return fmt.Sprintf("the signer: %T", e.err) }
func (e *signerError) Unwrap() error { return e.err }

// thumbprint is that of RFC 7638, with SHA-256. The members are those that it
// takes, in its order, as the beginning of an object.
func (m *material) thumbprint() string {
	sum := sha256.Sum256([]byte(m.members + "}"))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// key returns the material as a key.
func (m *material) key(id, algorithm string) Key {
	b := appendMember(appendMember(nil, '{', "alg", algorithm), ',', "kid", id)
	k := Key{id: id, algorithm: algorithm, material: m}
	if m.members != "" {
		k.jwk = m.members + "," + string(b[1:]) + `,"use":"sig"}`
	}
	b = append(appendMember(b, ',', "typ", accessTokenType), '}')
	k.head = base64.RawURLEncoding.EncodeToString(b)
	return k
}

// NewSigner returns a key that signs and verifies, of the kind of s.Public():
//
//   - [*rsa.PublicKey]: RS256 (RFC 7518 §3.3);
//   - [*ecdsa.PublicKey] on P-256, P-384 or P-521: ES256, ES384 or ES512 (§3.4);
//   - [ed25519.PublicKey]: EdDSA (RFC 8037 §3.1).
//
// What the public halves must be like says [NewPublic]. The private keys of
// those packages are copied and must belong to their public halves: signing
// with another one can give an Ed25519 key away. An Ed25519 seed that repeats a
// single byte is [ErrWeakKey]; an RSA key has two primes and must sign.
//
// Any other signer, such as that of a KMS, is asked for each signature, from
// several goroutines at once, and what does not verify is an error. Its Public
// is called once. An s that is nil, or a nil pointer, is [ErrInvalidKey].
func NewSigner(s crypto.Signer) (Key, error) {
	if v := reflect.ValueOf(s); !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil() {
		return Key{}, fmt.Errorf("%w: nil", ErrInvalidKey)
	}
	var err error
	switch private := s.(type) {
	case *rsa.PrivateKey:
		s, err = copyRSA(private)
	case *ecdsa.PrivateKey:
		s, err = copyECDSA(private)
	case ed25519.PrivateKey:
		s, err = copyEd25519(private)
	case *ed25519.PrivateKey:
		s, err = copyEd25519(*private)
	}
	if err != nil {
		return Key{}, err
	}
	return newKey(s.Public(), s)
}

// NewPublic returns a key that verifies what the private key belonging to p
// signed, with the algorithms of [NewSigner]. p is one of the types named there
// or a pointer to it, or what such a pointer points to, and it is copied.
//
// An RSA modulus has 2048 to 8192 bits and is odd; the exponent is odd, at least
// 65537, and has 31 bits at most. An ECDSA point lies on its curve and is not
// the point at infinity. An Ed25519 point is spelled in the canonical way, lies
// on the curve, and is not of small order. What is too short, or an exponent
// that is too small, is [ErrWeakKey], and all else [ErrInvalidKey].
func NewPublic(p crypto.PublicKey) (Key, error) { return newKey(p, nil) }

// newKey returns the key of a public half. If s is not nil, it signs.
func newKey(p crypto.PublicKey, s crypto.Signer) (Key, error) {
	switch p := p.(type) {
	case *rsa.PublicKey:
		return newRSA(p, s)
	case rsa.PublicKey:
		return newRSA(&p, s)
	case *ecdsa.PublicKey:
		return newECDSA(p, s)
	case ecdsa.PublicKey:
		return newECDSA(&p, s)
	case ed25519.PublicKey:
		return newEd25519(p, s)
	case *ed25519.PublicKey:
		if p != nil {
			return newEd25519(*p, s)
		}
	}
	return Key{}, fmt.Errorf("%w: neither RSA nor ECDSA nor Ed25519", ErrInvalidKey)
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

// ID is the key's identifier, the kid of its tokens. Unless [Key.WithID] or a
// JWK set another, it follows from the key: the thumbprint of RFC 7638, the
// same for both halves; for HMAC 22 characters that only who has the secret can
// compute. It does not depend on the algorithm.
func (k Key) ID() string { return k.id }

// WithID returns the same key under another identifier: 1 to 64 characters out
// of A-Z a-z 0-9 . _ ~ and -. Anything else is [ErrInvalidKey].
func (k Key) WithID(id string) (Key, error) {
	if k.material == nil {
		return Key{}, fmt.Errorf("%w: the zero key", ErrInvalidKey)
	}
	if !validKeyID(id) {
		return Key{}, fmt.Errorf("%w: the identifier is not 1 to %d characters of A-Z a-z 0-9 . _ ~ -", ErrInvalidKey, maxKeyID)
	}
	return k.material.key(id, k.algorithm), nil
}

// validKeyID admits nothing that JSON, URLs or logs would have to escape.
func validKeyID(id string) bool {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~-"
	return 1 <= len(id) && len(id) <= maxKeyID && strings.Trim(id, alphabet) == ""
}

// Algorithm is the alg of the key's tokens, such as "HS256" or "EdDSA"; "" for
// the zero Key.
func (k Key) Algorithm() string { return k.algorithm }

// Is reports whether alg is a registered name of the key's algorithm.
func (k Key) Is(alg string) bool { return canonical(alg) == k.algorithm }

// WithAlgorithm returns the same key, under the same ID, for another algorithm
// of its kind (RFC 7518 §3.1):
//
//   - HMAC: HS256, HS384 or HS512, with a secret of at least 32, 48 or 64 bytes;
//     a shorter one is [ErrWeakKey];
//   - RSA: RS256, RS384, RS512, PS256, PS384 or PS512;
//   - ECDSA and Ed25519: only the one that it has.
//
// Anything else is [ErrInvalidKey].
func (k Key) WithAlgorithm(algorithm string) (Key, error) {
	if k.material == nil {
		return Key{}, fmt.Errorf("%w: the zero key", ErrInvalidKey)
	}
	if algorithm == k.algorithm {
		return k, nil
	}
	if k.with == nil {
		return Key{}, errAlgorithm()
	}
	m, err := k.with(algorithm)
	if err != nil {
		return Key{}, err
	}
	return m.key(k.id, algorithm), nil
}

func errAlgorithm() error {
	return fmt.Errorf("%w: not an algorithm for this kind of key", ErrInvalidKey)
}

// CanSign reports whether the key signs; every key but the zero Key verifies.
func (k Key) CanSign() bool { return k.material != nil && k.sign != nil }

// SignInput returns the signature of a text, for a key that signs.
func (k Key) SignInput(input string) ([]byte, error) {
	if !k.CanSign() {
		return nil, ErrCannotSign
	}
	return k.sign(input)
}

// VerifyInput returns nil for a text that the key has signed. The key is not zero.
func (k Key) VerifyInput(input string, signature []byte) error { return k.verify(input, signature) }

// Public returns the public half as a JWK (RFC 7517 §4, RFC 7518 §6, RFC 8037
// §2) with its kid, alg and use. An HMAC key and the zero Key have none.
func (k Key) Public() (jwk []byte, ok bool) {
	if k.jwk == "" {
		return nil, false
	}
	return []byte(k.jwk), true
}

// String names the key by algorithm and ID.
func (k Key) String() string {
	if k.material == nil {
		return "no key"
	}
	return k.algorithm + " key " + k.id
}

// Format prints what String returns, whatever the verb.
func (k Key) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, k.String()) }

// MarshalText gives what String returns to JSON, XML and log/slog. There is no
// way back.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }
