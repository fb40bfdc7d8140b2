package token_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/seed89488a0c/auth/internal/token"
)

const (
	issuer   = "https://issuer.example"
	audience = "api"
	issuedAt = 1_700_000_000 // seconds
	lifetime = 900           // seconds
)

// payload is that of a valid token. Tests take it as it is or change one thing.
const payload = `{"iss":"https://issuer.example","sub":"user-1","aud":"api","client_id":"app",` +
	`"jti":"token-1","sid":"session-1","iat":1700000000,"nbf":1700000000,"exp":1700000900,"auth_time":1699999000}`

// claims is what payload says.
func claims() token.Claims {
	return token.Claims{
		Issuer:    issuer,
		Audience:  audience,
		Subject:   "user-1",
		ClientID:  "app",
		ID:        "token-1",
		SessionID: "session-1",
		IssuedAt:  at(0),
		NotBefore: at(0),
		ExpiresAt: at(lifetime),
		AuthTime:  at(-1000),
	}
}

// identity is what a token says that has a payload like claims.
func identity(c token.Claims) token.Identity {
	return token.Identity{
		Issuer:    c.Issuer,
		UserID:    c.Subject,
		SessionID: c.SessionID,
		TokenID:   c.ID,
		ClientID:  c.ClientID,
		Audience:  token.JoinAudiences(append([]string{c.Audience}, c.OtherAudiences...)),
		IssuedAt:  c.IssuedAt,
		ExpiresAt: c.ExpiresAt,
		AuthTime:  c.AuthTime,
		AMR:       c.AMR,
		ACR:       c.ACR,
	}
}

// at is so many seconds after the token was issued.
func at(seconds int64) time.Time { return time.Unix(issuedAt+seconds, 0).UTC() }

func secret(name string) []byte {
	sum := sha256.Sum256([]byte(name))
	return sum[:]
}

func edPrivate(name string) ed25519.PrivateKey { return ed25519.NewKeyFromSeed(secret(name)) }

func hmacKey(t testing.TB, name string) token.Key {
	t.Helper()
	k, err := token.NewHMAC(secret(name))
	return must(t, k, err)
}

func edKey(t testing.TB, name string) token.Key {
	t.Helper()
	k, err := token.NewSigner(edPrivate(name))
	return must(t, k, err)
}

func must[T any](t testing.TB, v T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func withID(t testing.TB, k token.Key, id string) token.Key {
	t.Helper()
	k, err := k.WithID(id)
	return must(t, k, err)
}

// rules are those of a parser, with the keys that it is given.
type rules struct {
	token.Rules
	keys []token.Key
}

// ourRules demand what payload has; "h" and "e" are the keys.
func ourRules(t testing.TB) rules {
	t.Helper()
	return rules{
		token.Rules{Issuer: issuer, Audience: audience, Cache: -1},
		[]token.Key{withID(t, hmacKey(t, "h"), "h"), withID(t, edKey(t, "e"), "e")},
	}
}

// parser is one with its keys.
type parser struct {
	*token.Parser
	keys *token.Set
}

func newParser(t testing.TB, r rules) parser {
	t.Helper()
	p, err := token.NewParser(r.Rules)
	must(t, p, err)
	set, err := token.NewSet(r.keys)
	return parser{p, must(t, set, err)}
}

func (p parser) Parse(text string, now time.Time) (token.Identity, error) {
	return p.Parser.Parse(p.keys, text, now)
}

// A signer knows a key as golang-jwt does, independently of token.Key.
type signer struct {
	header string // of a valid token
	method jwt.SigningMethod
	key    any
	public any
}

func hmacSigner() signer {
	return signer{
		header: `{"alg":"HS256","kid":"h","typ":"at+jwt"}`,
		method: jwt.SigningMethodHS256,
		key:    secret("h"),
		public: secret("h"),
	}
}

func edSigner() signer {
	return signer{
		header: `{"alg":"EdDSA","kid":"e","typ":"at+jwt"}`,
		method: jwt.SigningMethodEdDSA,
		key:    edPrivate("e"),
		public: edPrivate("e").Public(),
	}
}

func signers() []signer { return []signer{hmacSigner(), edSigner()} }

func encode[T string | []byte](b T) string { return base64.RawURLEncoding.EncodeToString([]byte(b)) }

func decode(t testing.TB, s string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(s)
	return must(t, b, err)
}

// mint signs any header and payload.
func (s signer) mint(t testing.TB, header, payload string) string {
	t.Helper()
	return s.seal(t, encode(header)+"."+encode(payload))
}

// seal signs any text.
func (s signer) seal(t testing.TB, input string) string {
	t.Helper()
	signature, err := s.method.Sign(input, s.key)
	return input + "." + encode(must(t, signature, err))
}

// change replaces the one occurrence of old.
func change(t testing.TB, s, old, replacement string) string {
	t.Helper()
	if n := strings.Count(s, old); n != 1 {
		t.Fatalf("%q occurs %d times", old, n)
	}
	return strings.Replace(s, old, replacement, 1)
}

func wantReason(t testing.TB, id token.Identity, err error, reason string) {
	t.Helper()
	var e *token.Error
	switch {
	case err == nil:
		t.Errorf("accepted, want %q", reason)
	case !errors.As(err, &e):
		t.Errorf("error is a %T, want *token.Error", err)
	case e.Reason != reason:
		t.Errorf("reason %q, want %q", e.Reason, reason)
	case err.Error() != "auth: invalid token: "+reason:
		t.Errorf("message %q", err)
	case errors.Is(err, token.ErrExpired) != (reason == token.ReasonExpired), !errors.Is(err, token.ErrInvalid):
		t.Errorf("%v matches ErrExpired: %t, ErrInvalid: %t", err, errors.Is(err, token.ErrExpired), errors.Is(err, token.ErrInvalid))
	case id != token.Identity{}:
		t.Errorf("an identity beside an error: %s", show(id))
	}
}

// wantIdentity holds all but the claims that are not read against those that are
// wanted.
func wantIdentity(t testing.TB, id token.Identity, err error, want token.Claims) {
	t.Helper()
	if err != nil {
		t.Fatalf("refused: %v", err)
	}
	if id = id.WithClaims(nil); id != identity(want) {
		t.Errorf("identity %s\nwant     %s", show(id), show(identity(want)))
	}
}

// show prints every field, which an Identity by itself does not.
func show(id token.Identity) string {
	type plain token.Identity
	return fmt.Sprintf("%+v", plain(id))
}

// checkValid makes sure that rows which change one thing start from a valid
// token.
func checkValid(t *testing.T, p parser) {
	t.Helper()
	for _, s := range signers() {
		c, err := p.Parse(s.mint(t, s.header, payload), at(1))
		wantIdentity(t, c, err, claims())
	}
}

func nested(open, closing string, depth int) string {
	return strings.Repeat(open, depth) + strings.Repeat(closing, depth)
}

func wide(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"%x":0,`, i)
	}
	return "{" + strings.TrimSuffix(b.String(), ",") + "}"
}
