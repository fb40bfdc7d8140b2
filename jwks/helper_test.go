package jwks_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/jwks"
)

const (
	name     = "https://issuer.example"
	audience = "orders"
)

func must[T any](t testing.TB, v T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// signer is a key as golang-jwt knows it, so that any token can be made.
type signer struct {
	method  jwt.SigningMethod
	private crypto.Signer
	key     auth.Key
}

func newSigner(t testing.TB, id string, method jwt.SigningMethod, private crypto.Signer, err error) signer {
	t.Helper()
	must(t, private, err)
	key, err := auth.SigningKey(private)
	key, err = must(t, key, err).WithID(id)
	return signer{method, private, must(t, key, err)}
}

func ed(t testing.TB, id string) signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	return newSigner(t, id, jwt.SigningMethodEdDSA, private, err)
}

func es(t testing.TB, id string) signer {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	return newSigner(t, id, jwt.SigningMethodES256, private, err)
}

func rs(t testing.TB, id string) signer {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	return newSigner(t, id, jwt.SigningMethodRS256, private, err)
}

// claims are those of a valid token; tests change them.
func claims() jwt.MapClaims {
	now := time.Now().Unix()
	return jwt.MapClaims{
		"iss": name, "aud": audience, "sub": "user-1", "client_id": "app", "jti": rand.Text(),
		"iat": now, "exp": now + 365*24*3600,
	}
}

// token signs; changes are pairs of a claim and its value, nil to leave it out.
func (s signer) token(t testing.TB, changes ...any) string {
	t.Helper()
	c := claims()
	for i := 0; i < len(changes); i += 2 {
		c[changes[i].(string)] = changes[i+1]
		if changes[i+1] == nil {
			delete(c, changes[i].(string))
		}
	}
	j := jwt.NewWithClaims(s.method, c)
	j.Header["kid"], j.Header["typ"] = s.key.ID(), "at+jwt"
	text, err := j.SignedString(s.private)
	return must(t, text, err)
}

// encode joins a token's parts, whatever they are.
func encode(parts ...string) string {
	for i := range parts {
		parts[i] = base64.RawURLEncoding.EncodeToString([]byte(parts[i]))
	}
	return strings.Join(parts, ".")
}

// jwkSet is the JWK Set of some keys.
func jwkSet(t testing.TB, signers ...signer) string {
	t.Helper()
	var set auth.KeySet
	for _, s := range signers {
		set.Keys = append(set.Keys, s.key)
	}
	text, err := json.Marshal(set)
	return string(must(t, text, err))
}

// origin is an issuer's server without a network, for time in a bubble.
type origin struct {
	mu       sync.Mutex
	body     string
	status   int           // 0 = 200
	header   http.Header   // of the response
	takes    time.Duration // to answer
	down     error
	requests []http.Header
}

func (o *origin) RoundTrip(r *http.Request) (*http.Response, error) {
	o.mu.Lock()
	o.requests = append(o.requests, r.Header)
	takes := o.takes
	o.mu.Unlock()
	select {
	case <-time.After(takes):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.down != nil {
		return nil, o.down
	}
	header, status, body := o.header.Clone(), o.status, o.body
	if header == nil {
		header = http.Header{}
	}
	if status == 0 {
		status = http.StatusOK
	}
	if etag := header.Get("ETag"); etag != "" && r.Header.Get("If-None-Match") == etag {
		status, body = http.StatusNotModified, ""
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

// set changes what is served.
func (o *origin) set(change func(*origin)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	change(o)
}

// count returns how many requests there were since it was asked last.
func (o *origin) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := len(o.requests)
	o.requests = nil
	return n
}

func (o *origin) config() jwks.Config {
	return jwks.Config{URL: name + "/keys", Issuer: name, Audience: audience, Client: &http.Client{Transport: o}}
}

func newVerifier(t testing.TB, c jwks.Config, more ...jwks.Config) *jwks.Verifier {
	t.Helper()
	v, err := jwks.NewVerifier(c, more...)
	return must(t, v, err)
}

// bubble runs a test with an issuer that publishes one key.
func bubble(t *testing.T, f func(t *testing.T, o *origin, s signer)) {
	synctest.Test(t, func(t *testing.T) {
		s := ed(t, "first")
		f(t, &origin{body: jwkSet(t, s)}, s)
		time.Sleep(5 * time.Second) // in which every fetch ends, or synctest fails the test
	})
}

// accepted fails the test unless the token is accepted.
func accepted(t testing.TB, v *jwks.Verifier, text string) {
	t.Helper()
	if id, err := v.Verify(t.Context(), text); err != nil || id.UserID != "user-1" {
		t.Errorf("got %q, %v, want the user", id.UserID, err)
	}
}

// refused fails the test unless the token is refused for that reason.
func refused(t testing.TB, v *jwks.Verifier, text, reason string) {
	t.Helper()
	id, err := v.Verify(t.Context(), text)
	wantReason(t, id, err, reason)
}

func wantReason(t testing.TB, id jwks.Identity, err error, reason string) {
	t.Helper()
	e, ok := errors.AsType[*jwks.TokenError](err)
	if !ok || e.Reason != reason || !errors.Is(err, jwks.ErrInvalidToken) || errors.Is(err, jwks.ErrUnavailable) {
		t.Errorf("got %v, want %s", err, reason)
	}
	if (id != jwks.Identity{}) {
		t.Error("an identity beside an error")
	}
}

// unavailable fails the test unless the error is an outage of that code.
func unavailable(t testing.TB, err error, code string) {
	t.Helper()
	e, ok := errors.AsType[*jwks.FetchError](err)
	if !ok || e.Code != code || !errors.Is(err, jwks.ErrUnavailable) || errors.Is(err, jwks.ErrInvalidToken) {
		t.Errorf("got %v, want %s", err, code)
		return
	}
	if (code == "context") != (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
		t.Errorf("%v matches %v", err, e.Context)
	}
}

// verify returns the error alone.
func verify(t testing.TB, v *jwks.Verifier, text string) error {
	t.Helper()
	_, err := v.Verify(t.Context(), text)
	return err
}
