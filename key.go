package auth

import (
	"context"
	"crypto"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/seed89488a0c/auth/internal/token"
)

// Key signs or verifies tokens with exactly one algorithm, which belongs to the
// key and is never taken from a token (RFC 8725 §3.1). It prints and marshals as
// its ID. It is immutable and safe for concurrent use; the zero Key is refused
// wherever one is needed.
type Key struct{ key token.Key }

// GenerateKey returns a random HMAC key, for first steps and tests: tokens
// signed with it become invalid when the process ends, and no other process
// accepts them.
func GenerateKey() Key { return Key{token.Generate()} }

// HMACKey returns a key for HS256. The secret is 32 to 1024 random bytes (RFC
// 7518 §3.2); a passphrase is not. Whoever verifies with it can sign too.
//
// What is text is refused: a PEM file, a JWK, and bytes in hexadecimal or base64, which
// [ParseKey] and [ReadKeyFile] read. A passphrase that others sign with already can be
// given as a JWK of kty oct. Random bytes are taken for text, or for DER, less than once
// in ten million times.
func HMACKey(secret []byte) (Key, error) { return newKey(token.NewSecret(secret)) }

// SigningKey returns a key that signs and verifies: an [crypto/rsa.PrivateKey] of
// 2048 to 8192 bits for RS256, an [crypto/ecdsa.PrivateKey] on P-256, P-384 or
// P-521 for ES256, ES384 or ES512, an [crypto/ed25519.PrivateKey] for EdDSA, or
// anything that signs like one of them, as a key in a KMS or an HSM does: that is
// asked for every signature, each is verified, and it must be safe for concurrent use.
func SigningKey(private crypto.Signer) (Key, error) { return newKey(token.NewSigner(private)) }

// PublicKey returns a key that only verifies: the public half of what
// [SigningKey] takes.
func PublicKey(public crypto.PublicKey) (Key, error) { return newKey(token.NewPublic(public)) }

// ParseKey reads a key: one JWK (RFC 7517) or one PEM block, of PKCS #8, PKCS #1,
// SEC 1, PKIX or a certificate, of which only the key counts. A JWK's alg and kid
// are kept; otherwise the algorithm is as [SigningKey] says. Or it reads the secret of an
// [HMACKey] in hexadecimal or base64, of either alphabet, as openssl rand -hex 32 and
// -base64 32 write it. The text has at most 64 KiB, and nothing beside the key but white
// space around it.
func ParseKey(text []byte) (Key, error) { return newKey(token.ParseKey(text)) }

// ReadKeyFile reads the key that a file holds: a text as of [ParseKey], or 32 to 1024
// random bytes as of [HMACKey], byte for byte. The file is a regular one of at most 64
// KiB. The error may name the file, and never holds what is in it.
func ReadKeyFile(path string) (Key, error) { return newKey(token.ReadFile(path)) }

// WithID returns the key under another ID: 1 to 64 of the characters
// A-Z a-z 0-9 . _ ~ -
func (k Key) WithID(id string) (Key, error) { return newKey(k.key.WithID(id)) }

// WithAlgorithm returns the key for another algorithm of its kind: HS384 or HS512
// for a secret of at least 48 or 64 bytes, RS384, RS512, PS256, PS384 or PS512
// for RSA. Its ID stays the same: two keys of one issuer cannot differ in nothing
// but the algorithm.
func (k Key) WithAlgorithm(alg string) (Key, error) { return newKey(k.key.WithAlgorithm(alg)) }

// ID returns the key ID (kid): by default the thumbprint of a public key (RFC
// 7638), and a MAC of a constant under an HMAC secret, whose thumbprint would
// help to guess it.
func (k Key) ID() string { return k.key.ID() }

// Algorithm returns the algorithm (alg), such as "HS256"; "" for the zero Key.
func (k Key) Algorithm() string { return k.key.Algorithm() }

// CanSign reports whether the key signs. All but the zero Key verify.
func (k Key) CanSign() bool { return k.key.CanSign() }

// Format writes the ID for every verb.
func (k Key) Format(f fmt.State, _ rune) { io.WriteString(f, k.ID()) }

// LogValue returns the ID.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.ID()) }

// MarshalText returns the ID.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.ID()), nil }

func newKey(k token.Key, err error) (Key, error) {
	if err != nil {
		return Key{}, fmt.Errorf("auth: %w", err)
	}
	return Key{k}, nil
}

// KeySource gives the keys of the moment, where they change while a service runs.
// Implementations must be safe for concurrent use. Package
// [github.com/seed89488a0c/auth/keyring] has one that reads a directory.
type KeySource interface {
	// Keys is called for every token: it answers from memory as a rule, with the
	// same pointer as long as nothing changes. Its error makes tokens
	// [ErrUnavailable], never invalid.
	Keys(ctx context.Context) (*KeySet, error)
}

// KeySet is keys at a moment. It must not be changed once it was returned by a
// [KeySource].
type KeySet struct {
	// Keys holds at least one key. The first signs, if it can, and all verify:
	// those to come, so that others know them before they sign, and those that
	// have signed tokens which have not expired. Their IDs differ.
	Keys []Key

	// MaxAge is for how long others may keep a copy of the public keys, whole
	// seconds; 0 = 5 minutes. A key must be in the set for as long before it signs.
	MaxAge time.Duration

	// MaxTTL is the longest life of a token, the issuer's leeway included, for which
	// keys stay here after they have signed; Issue refuses a longer one. 0 = any.
	MaxTTL time.Duration
}

// MarshalJSON returns the public keys as a JWK Set (RFC 7517). Secrets are not
// among them.
func (s KeySet) MarshalJSON() ([]byte, error) { return token.PublicSet(s.keys()), nil }

// keys returns the keys, none of a nil set.
func (s *KeySet) keys() []token.Key {
	if s == nil {
		return nil
	}
	keys := make([]token.Key, len(s.Keys))
	for i, k := range s.Keys {
		keys[i] = k.key
	}
	return keys
}
