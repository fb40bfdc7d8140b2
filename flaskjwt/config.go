package flaskjwt

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/seed89488a0c/auth/internal/token"
)

// Limits of a Config.
const (
	maxOld       = 8 // secrets or keys, each of which costs a verification for a forged token
	maxAudiences = 16
	maxIDBytes   = 64
)

// Config says what an [Issuer] issues and accepts. Secret or PrivateKey is required;
// for a [Verifier], one key of PublicKeys is enough. Named behind each field is the
// setting of the Flask services that it must agree with. It prints as "REDACTED".
type Config struct {
	// Algorithm is JWT_ALGORITHM. With Secret it is HS256, HS384 or HS512; "" = HS256.
	// With keys it is what they are for: RS256, RS384, RS512, PS256, PS384, PS512,
	// ES256, ES384, ES512 or EdDSA; "" = RS256 for an RSA key, and for the others the
	// one that they have. The algorithm is never taken from a token.
	Algorithm string

	// Secret is JWT_SECRET_KEY, as UTF-8: at least as many bytes as the algorithm's hash
	// has (32, 48 or 64), at most 1024. It signs and verifies.
	Secret []byte

	// OldSecrets verify as well: at most 8, each as Secret. Flask-JWT-Extended
	// knows one secret only, so they are of use after its services are gone.
	OldSecrets [][]byte

	// InsecureShortSecret takes secrets from one byte. Whoever has seen one token
	// can find a short secret by trying, and then be anybody.
	InsecureShortSecret bool

	// PrivateKey is JWT_PRIVATE_KEY, in place of Secret: PEM, or a JWK, as
	// [github.com/seed89488a0c/auth.ParseKey] takes them. It signs and verifies.
	PrivateKey []byte

	// PublicKeys is JWT_PUBLIC_KEY: they verify as well, at most 8, each as PrivateKey.
	// PrivateKey has its own public half.
	PublicKeys [][]byte

	Issuer string // JWT_ENCODE_ISSUER and JWT_DECODE_ISSUER; "" = iss is neither written nor read

	// Audience is JWT_ENCODE_AUDIENCE and JWT_DECODE_AUDIENCE, or one of each; "" = aud
	// is not written, and a token with one refused. For an Issuer, what is written has no
	// spaces, and is not there twice.
	Audience        string
	OtherAudiences  []string // the rest of a JWT_ENCODE_AUDIENCE that is a list: written, not accepted; at most 16
	AcceptAudiences []string // the rest of a JWT_DECODE_AUDIENCE that is a list: accepted, not written; at most 16

	TTL time.Duration // JWT_ACCESS_TOKEN_EXPIRES: whole seconds, up to ten years; 0 = 15 minutes

	// Leeway is JWT_DECODE_LEEWAY for exp: for how long an expired token is still
	// accepted, at most 5 minutes; 0 = none.
	Leeway time.Duration

	// Skew is JWT_DECODE_LEEWAY for nbf and iat: how far they may lie in the future,
	// since two machines' clocks differ, at most 1 minute; 0 = 5 seconds. So far may
	// auth_time lie after iat.
	Skew time.Duration

	// ACR says how surely an amr proves who somebody is, as [auth.JWTConfig]'s. Flask
	// leaves the claim alone; nil = there is none.
	ACR func(amr string) string

	IdentityClaim string // JWT_IDENTITY_CLAIM; "" = sub

	// IntegerSubjects writes user IDs that are decimal integers of at most 20
	// digits as JSON numbers, for services that call create_access_token with an
	// integer and compare with one. Both are read either way.
	IntegerSubjects bool

	// ReadUserID returns the user's ID of an identity that is neither text nor an
	// integer, or not the ID as it is: of {"id":42,"org":7}, say. It is given the value
	// as JSON, of every token whose signature is right, also of those that an Issuer has
	// written; so it goes with WriteUserID, its inverse. Two identities of one ID are one
	// user. An error, and an ID that is empty, not UTF-8 or has control characters,
	// refuse the token. Both must be safe for concurrent use. nil = text is the ID, and
	// so is an integer of at most 20 digits.
	ReadUserID func(identity json.RawMessage) (userID string, err error)

	// WriteUserID returns the identity of a user as JSON, at most 1024 bytes, for Flask
	// services that expect something else than text. Its error fails Issue. nil = the
	// ID as text, or see IntegerSubjects.
	WriteUserID func(userID string) (identity json.RawMessage, err error)

	// InsecureOldTokens takes tokens without the claims type, fresh and jti, as early
	// versions wrote them and as Flask-JWT-Extended 4 still does: they are access
	// tokens, not fresh, with an empty Identity.TokenID. Whatever else the fleet signs
	// with the same secret, such as a link to reset a password, is then an access token
	// if it has a subject and an expiry, unless it has a type of its own.
	InsecureOldTokens bool
}

// Format writes "REDACTED" for every verb. In an unexported field of another
// struct fmt does not call it, and prints the secrets.
func (Config) Format(f fmt.State, _ rune) { io.WriteString(f, "REDACTED") }

// LogValue returns "REDACTED".
func (Config) LogValue() slog.Value { return slog.StringValue("REDACTED") }

// MarshalText returns "REDACTED".
func (Config) MarshalText() ([]byte, error) { return []byte("REDACTED"), nil }

// format is a Config that was found good. It has no secrets: the keys hold them where
// no printer reaches them.
type format struct {
	config    Config
	keys      []token.Key // all of one algorithm; the first signs, if it can
	audiences []string    // that are accepted
}

func newFormat(c Config) (*format, error) {
	c.TTL, c.Skew = cmp.Or(c.TTL, token.DefaultTTL), cmp.Or(c.Skew, token.ClockSkew)
	c.IdentityClaim = cmp.Or(c.IdentityClaim, "sub")
	c.OtherAudiences, c.AcceptAudiences = slices.Clone(c.OtherAudiences), slices.Clone(c.AcceptAudiences)
	invalid := func(s string) bool { return !token.ValidText(s) }
	switch {
	case c.Leeway < 0 || c.Leeway > token.MaxLeeway:
		return nil, errors.New("the leeway is negative or above 5 minutes")
	case c.Skew < 0 || c.Skew > token.MaxSkew:
		return nil, errors.New("the Skew is negative or above 1 minute")
	case c.Issuer != "" && invalid(c.Issuer):
		return nil, errors.New("the issuer is not UTF-8 or has control characters")
	case c.Audience != "" && invalid(c.Audience):
		return nil, errors.New("the audience is not UTF-8 or has control characters")
	case c.Audience == "" && len(c.OtherAudiences)+len(c.AcceptAudiences) > 0:
		return nil, errors.New("there are OtherAudiences or AcceptAudiences, but no Audience")
	case max(len(c.OtherAudiences), len(c.AcceptAudiences)) > maxAudiences || slices.ContainsFunc(slices.Concat(c.OtherAudiences, c.AcceptAudiences), invalid):
		return nil, errors.New("one of OtherAudiences or AcceptAudiences is empty, not UTF-8, or has control characters, or there are more than 16")
	case invalid(c.IdentityClaim) || slices.ContainsFunc(reserved[:], func(name string) bool { return strings.EqualFold(name, c.IdentityClaim) }):
		return nil, errors.New("the IdentityClaim is no name, or that of another claim")
	}
	f := &format{}
	if c.Audience != "" {
		f.audiences = slices.Concat([]string{c.Audience}, c.AcceptAudiences)
	}
	var err error
	if f.keys, err = keys(&c); err != nil {
		return nil, err
	}
	c.Secret, c.OldSecrets, c.PrivateKey, c.PublicKeys = nil, nil, nil, nil
	f.config = c
	return f, nil
}

// written returns the audiences of a token that nobody wants for fewer.
func (f *format) written() []string {
	if f.config.Audience == "" {
		return nil
	}
	return slices.Concat([]string{f.config.Audience}, f.config.OtherAudiences)
}

// reserved are the claims that have another meaning than who somebody is.
var reserved = [...]string{"fresh", "iat", "jti", "type", "nbf", "csrf", "aud", "iss", "exp", "auth_time", "sid", "amr", "acr"}

// keys returns the keys of a Config, the one that signs first. Its Algorithm is that of
// all of them.
func keys(c *Config) (list []token.Key, err error) {
	secret := len(c.Secret) > 0 || len(c.OldSecrets) > 0
	public := len(c.PrivateKey) > 0 || len(c.PublicKeys) > 0
	switch {
	case secret && public:
		return nil, errors.New("there are both secrets and keys")
	case len(c.OldSecrets) > maxOld:
		return nil, fmt.Errorf("more than %d old secrets", maxOld)
	case len(c.PublicKeys) > maxOld:
		return nil, fmt.Errorf("more than %d public keys", maxOld)
	}
	add := func(what string, k token.Key, err error) error {
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		list = append(list, k)
		return nil
	}
	if !public {
		algorithm := cmp.Or(c.Algorithm, "HS256")
		for n, secret := range slices.Concat([][]byte{c.Secret}, c.OldSecrets) {
			what := "the secret"
			if n > 0 {
				what = fmt.Sprintf("old secret %d", n)
			}
			k, err := newSecret(secret, algorithm, c.InsecureShortSecret)
			if err := add(what, k, err); err != nil {
				return nil, err
			}
		}
		return list, nil
	}
	if len(c.PrivateKey) > 0 {
		k, err := newKey(c.PrivateKey, c.Algorithm)
		if err == nil && !k.CanSign() {
			err = token.ErrCannotSign
		}
		if err := add("the private key", k, err); err != nil {
			return nil, err
		}
	}
	for n, text := range c.PublicKeys {
		k, err := newKey(text, c.Algorithm)
		if err == nil && len(list) > 0 && k.Algorithm() != list[0].Algorithm() {
			err = fmt.Errorf("%w: for another algorithm than the first key", token.ErrInvalidKey)
		}
		if err := add(fmt.Sprintf("public key %d", n+1), k, err); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func newSecret(secret []byte, algorithm string, short bool) (token.Key, error) {
	if short {
		return token.NewShortHMAC(secret, algorithm)
	}
	k, err := token.NewHMAC(secret)
	if err != nil {
		return token.Key{}, err
	}
	return k.WithAlgorithm(algorithm)
}

// newKey reads a key that is no secret: what others can read must never be one.
func newKey(text []byte, algorithm string) (token.Key, error) {
	k, err := token.ParseKey(bytes.Clone(text))
	if err != nil {
		return token.Key{}, err
	}
	if _, ok := k.Public(); !ok {
		return token.Key{}, fmt.Errorf("%w: a secret", token.ErrInvalidKey)
	}
	if algorithm == "" {
		return k, nil
	}
	return k.WithAlgorithm(algorithm)
}
