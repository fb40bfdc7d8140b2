package auth

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/seed89488a0c/auth/internal/token"
)

// TokenIssuer makes access tokens and reads them back. Implementations must be
// safe for concurrent use. Errors must not contain a token.
//
// [github.com/seed89488a0c/auth/authtest.TestTokenIssuer] checks an implementation.
type TokenIssuer interface {
	// Issue returns a token that says everything that s does.
	Issue(ctx context.Context, s Subject) (IssuedToken, error)

	// Parse returns what a valid token of this issuer says. It knows no
	// revocation: services call [Authenticator.Verify]. Errors: ErrInvalidToken;
	// ErrExpiredToken for a token that is valid in everything else;
	// ErrUnavailable where that cannot be told. Any string may be given.
	Parse(ctx context.Context, token string) (Identity, error)
}

// Verifier tells who an access token speaks for. [Authenticator] is one.
type Verifier interface {
	// Verify returns ErrInvalidToken for a token that is not accepted, and
	// ErrUnavailable where that cannot be told.
	Verify(ctx context.Context, accessToken string) (Identity, error)
}

// Subject is who a token is issued to.
type Subject struct {
	UserID    string
	SessionID string    // "" = none
	AuthTime  time.Time // when the user was last authenticated
}

// IssuedToken is a new access token. Like [Tokens] it prints as "REDACTED".
type IssuedToken struct {
	Token     string
	ExpiresAt time.Time // the token's exp, UTC, whole seconds
}

// Format writes "REDACTED" for every verb.
func (IssuedToken) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// LogValue returns "REDACTED".
func (IssuedToken) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns "REDACTED".
func (IssuedToken) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Identity is what a valid access token says of who is asking. Times are UTC,
// in whole seconds.
type Identity struct {
	UserID    string    // sub
	SessionID string    // sid; "" = none
	TokenID   string    // jti, different for every token
	ClientID  string    // client_id
	IssuedAt  time.Time // iat
	ExpiresAt time.Time // exp
	AuthTime  time.Time // auth_time: when the user was last authenticated
}

// Key signs or verifies tokens with exactly one algorithm, which belongs to the
// key and is never taken from a token (RFC 8725 §3.1). It prints and marshals as
// its ID. The zero Key is refused wherever one is needed.
type Key struct{ key token.Key }

// GenerateKey returns a random HMAC key, for first steps and tests: tokens
// signed with it become invalid when the process ends, and no other process
// accepts them.
func GenerateKey() Key {
	secret := make([]byte, 32)
	rand.Read(secret) // never fails
	key, _ := token.NewHMAC(secret)
	return Key{key}
}

// HMACKey returns a key for HS256. The secret is 32 to 1024 random bytes (RFC
// 7518 §3.2); a passphrase is not.
func HMACKey(secret []byte) (Key, error) { return newKey(token.NewHMAC(secret)) }

// Ed25519Key returns a key that signs and verifies with EdDSA (RFC 8037).
func Ed25519Key(private ed25519.PrivateKey) (Key, error) { return newKey(token.NewEd25519(private)) }

// Ed25519PublicKey returns a key that only verifies.
func Ed25519PublicKey(public ed25519.PublicKey) (Key, error) {
	return newKey(token.NewEd25519Public(public))
}

// WithID returns the key under another ID: 1 to 64 of the characters
// A-Z a-z 0-9 . _ ~ -
func (k Key) WithID(id string) (Key, error) { return newKey(k.key.WithID(id)) }

// ID returns the key ID (kid): by default the thumbprint of a public key (RFC
// 7638), and a MAC of a constant under an HMAC secret, whose thumbprint would
// help to guess it.
func (k Key) ID() string { return k.key.ID() }

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

// Limits of a JWTIssuer.
const (
	defaultTTL = 15 * time.Minute
	maxTTL     = 10 * 365 * 24 * time.Hour
	maxLeeway  = 5 * time.Minute
	// clockSkew is how far two machines' clocks may differ: with none, a
	// verifier that is 200 ms behind refuses tokens that are used at once.
	clockSkew = 5 * time.Second
)

// JWTConfig says what a [JWTIssuer] issues and accepts. Issuer, Audience and
// Keys are required: there is no safe default for them.
type JWTConfig struct {
	Issuer   string // iss: who issues, usually the service's URL
	Audience string // aud: whom the tokens are for
	ClientID string // client_id; "" = Audience

	// Keys holds the keys that verify; the first of them signs. Key IDs must differ.
	Keys []Key

	TTL    time.Duration // from issue to expiry, whole seconds; 0 = 15 minutes
	Leeway time.Duration // for which an expired token is still accepted, at most 5 minutes; 0 = none
}

// JWTIssuer issues and parses access tokens as JWTs in the profile of RFC 9068,
// by the rules of RFC 8725. It is safe for concurrent use.
//
// A token expires exactly TTL after the second it was issued in; nbf and iat
// may lie up to 5 seconds in the future, since two machines' clocks differ.
type JWTIssuer struct {
	config JWTConfig
	parser *token.Parser
}

// NewJWTIssuer returns an issuer, or says what is wrong with c.
func NewJWTIssuer(c JWTConfig) (*JWTIssuer, error) {
	if c.ClientID == "" {
		c.ClientID = c.Audience
	}
	if c.TTL == 0 {
		c.TTL = defaultTTL
	}
	switch {
	case c.TTL < time.Second || c.TTL%time.Second != 0 || c.TTL > maxTTL:
		return nil, errors.New("auth: JWTConfig: TTL is not a whole number of seconds up to ten years")
	case c.Leeway < 0 || c.Leeway > maxLeeway:
		return nil, errors.New("auth: JWTConfig: Leeway is negative or above 5 minutes")
	}
	rules := token.Rules{Issuer: c.Issuer, Audience: c.Audience, Leeway: c.Leeway, Skew: clockSkew}
	for _, k := range c.Keys {
		rules.Keys = append(rules.Keys, k.key)
	}
	parser, err := token.NewParser(rules)
	if err != nil {
		return nil, fmt.Errorf("auth: JWTConfig: %w", err)
	}
	if !rules.Keys[0].CanSign() {
		return nil, errors.New("auth: JWTConfig: the first key cannot sign")
	}
	c.Keys = append([]Key(nil), c.Keys...)
	j := &JWTIssuer{config: c, parser: parser}
	// What no token can carry is found now, not at a login: JSON writes < in six bytes.
	longest := strings.Repeat("<", maxIDBytes)
	if _, err := j.Issue(context.Background(), Subject{UserID: longest, SessionID: longest, AuthTime: time.Now()}); err != nil {
		return nil, fmt.Errorf("auth: JWTConfig: %w", err)
	}
	return j, nil
}

// Issue returns a token. It fails for a subject that no token can carry: an
// empty user ID, text that is not UTF-8 or has control characters, more than
// 8 KiB. An AuthTime in the future, by another machine's clock, becomes now.
func (j *JWTIssuer) Issue(_ context.Context, s Subject) (IssuedToken, error) {
	now := time.Now().UTC().Truncate(time.Second)
	expires := now.Add(j.config.TTL)
	authTime := s.AuthTime.UTC().Truncate(time.Second)
	if authTime.After(now) {
		authTime = now
	}
	signed, err := token.Sign(j.config.Keys[0].key, token.Claims{
		Issuer:    j.config.Issuer,
		Audience:  j.config.Audience,
		Subject:   s.UserID,
		ClientID:  j.config.ClientID,
		ID:        rand.Text(),
		SessionID: s.SessionID,
		IssuedAt:  now,
		NotBefore: now,
		ExpiresAt: expires,
		AuthTime:  authTime,
	})
	if err != nil {
		return IssuedToken{}, fmt.Errorf("auth: %w", err)
	}
	return IssuedToken{Token: signed, ExpiresAt: expires}, nil
}

// Parse returns what a token says. A token of more than 8 KiB, with members
// twice, a header it does not know, or anything else that this issuer would not
// have written is [ErrInvalidToken]. The error's text names the reason, for logs.
func (j *JWTIssuer) Parse(_ context.Context, accessToken string) (Identity, error) {
	c, err := j.parser.Parse(accessToken, time.Now())
	if err != nil {
		return Identity{}, newTokenError(err)
	}
	return Identity{
		UserID:    c.Subject,
		SessionID: c.SessionID,
		TokenID:   c.ID,
		ClientID:  c.ClientID,
		IssuedAt:  c.IssuedAt,
		ExpiresAt: c.ExpiresAt,
		AuthTime:  c.AuthTime,
	}, nil
}

// tokenError is ErrInvalidToken or ErrExpiredToken with its reason.
type tokenError struct {
	matches error
	reason  string
}

func (e *tokenError) Error() string { return ErrInvalidToken.Error() + ": " + e.reason }
func (e *tokenError) Unwrap() error { return e.matches }

func newTokenError(err error) error {
	var rejected *token.Error
	switch {
	case !errors.As(err, &rejected):
		return ErrInvalidToken
	case rejected.Reason == token.ReasonExpired:
		return &tokenError{ErrExpiredToken, rejected.Reason}
	}
	return &tokenError{ErrInvalidToken, rejected.Reason}
}
