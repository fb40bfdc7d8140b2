package auth_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
)

// changingKeys is a KeySource.
type changingKeys struct {
	set   atomic.Pointer[auth.KeySet]
	err   error
	calls atomic.Int64
}

func (c *changingKeys) Keys(context.Context) (*auth.KeySet, error) {
	c.calls.Add(1)
	return c.set.Load(), c.err
}

func TestKeySource(t *testing.T) {
	ctx := t.Context()
	first, second, third := auth.GenerateKey(), auth.GenerateKey(), auth.GenerateKey()
	source := &changingKeys{}
	source.set.Store(&auth.KeySet{Keys: []auth.Key{first, second}})
	issuer := newIssuer(t, auth.JWTConfig{Source: source})
	subject := auth.Subject{UserID: "1", AuthTime: time.Now()}
	issue := func() string {
		t.Helper()
		issued, err := issuer.Issue(ctx, subject)
		if err != nil {
			t.Fatal(err)
		}
		return issued.Token
	}
	check := func(token string, want error) {
		t.Helper()
		for range 2 { // remembered, and not
			if _, err := issuer.Parse(ctx, token); !errors.Is(err, want) {
				t.Errorf("got %v, want %v", err, want)
			}
		}
	}
	a := issue()
	check(a, nil)
	source.set.Store(&auth.KeySet{Keys: []auth.Key{second, third, first}})
	b := issue()
	check(a, nil)
	check(b, nil)
	source.set.Store(&auth.KeySet{Keys: []auth.Key{third, second}})
	check(a, auth.ErrInvalidToken) // although it is remembered
	check(b, nil)

	for name, broken := range map[string]*auth.KeySet{"nil": nil, "empty": {}, "zero key": {Keys: []auth.Key{{}}}, "twice": {Keys: []auth.Key{first, first}}} {
		source.set.Store(broken)
		if _, err := issuer.Issue(ctx, subject); !errors.Is(err, auth.ErrUnavailable) {
			t.Errorf("%s: Issue: %v", name, err)
		}
		if _, err := issuer.Keys(ctx); !errors.Is(err, auth.ErrUnavailable) {
			t.Errorf("%s: Keys: %v", name, err)
		}
		check(b, auth.ErrUnavailable)
	}
	source.set.Store(&auth.KeySet{Keys: []auth.Key{third, second}})
	check(b, nil)
	source.err = errors.New("secret-text")
	_, err := issuer.Parse(ctx, b)
	if !errors.Is(err, auth.ErrUnavailable) || errors.Is(err, auth.ErrInvalidToken) || strings.Contains(err.Error(), "secret-text") {
		t.Errorf("got %v", err)
	}

	// An authenticator answers an outage of the keys as one.
	authenticator, err := auth.New(auth.NewMemoryStore(), issuer, auth.Options{Hasher: authtest.Hasher{}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := authenticator.Verify(ctx, b); !errors.Is(err, auth.ErrUnavailable) || errors.Is(err, auth.ErrInvalidToken) {
		t.Errorf("Verify: %v", err)
	}
	if _, err := authenticator.Register(ctx, auth.Registration{Email: "ada@example.com", Password: auth.NewPassword(password)}); !errors.Is(err, auth.ErrUnavailable) {
		t.Errorf("Register: %v", err)
	}
}

// A set whose first key cannot sign serves verifiers, and issues nothing.
// ASVS 5.0 11.2.5
func TestKeySourceThatCannotSign(t *testing.T) {
	key, public := ed25519Key(t)
	verifyOnly, err := auth.PublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	source := &changingKeys{}
	source.set.Store(&auth.KeySet{Keys: []auth.Key{verifyOnly}})
	issuer := newIssuer(t, auth.JWTConfig{Source: source})
	subject := auth.Subject{UserID: "1", AuthTime: time.Now()}
	issued, err := newIssuer(t, auth.JWTConfig{Keys: []auth.Key{key}}).Issue(t.Context(), subject)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := issuer.Parse(t.Context(), issued.Token); err != nil {
		t.Error(err)
	}
	if issued, err := issuer.Issue(t.Context(), subject); err == nil || issued != (auth.IssuedToken{}) {
		t.Error("issued without a key that signs")
	}
}

// TestAlgorithms issues and reads back with a key of every kind, from every form.
func TestAlgorithms(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	signing := func(curve elliptic.Curve) func() (auth.Key, error) {
		return func() (auth.Key, error) {
			private, err := ecdsa.GenerateKey(curve, rand.Reader)
			if err != nil {
				return auth.Key{}, err
			}
			return auth.SigningKey(private)
		}
	}
	secret := func() (auth.Key, error) {
		return auth.HMACKey([]byte(rand.Text() + rand.Text() + rand.Text() + "\xff"))
	}
	asRSA := func() (auth.Key, error) { return auth.SigningKey(rsaKey) }
	asPEM := func() (auth.Key, error) {
		der, err := x509.MarshalPKCS8PrivateKey(rsaKey)
		if err != nil {
			return auth.Key{}, err
		}
		return auth.ParseKey(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	}
	asEdDSA := func() (auth.Key, error) { key, _ := ed25519Key(t); return key, nil }
	for alg, build := range map[string]func() (auth.Key, error){
		"HS256": secret, "HS384": secret, "HS512": secret, "RS256": asRSA, "RS384": asPEM, "RS512": asRSA, "PS256": asPEM, "PS384": asRSA, "PS512": asRSA,
		"ES256": signing(elliptic.P256()), "ES384": signing(elliptic.P384()), "ES512": signing(elliptic.P521()), "EdDSA": asEdDSA,
	} {
		t.Run(alg, func(t *testing.T) {
			key, err := build()
			if err != nil {
				t.Fatal(err)
			}
			if key, err = key.WithAlgorithm(alg); err != nil || key.Algorithm() != alg || !key.CanSign() {
				t.Fatalf("%v, %v", key.Algorithm(), err)
			}
			issuer := newIssuer(t, auth.JWTConfig{Keys: []auth.Key{key}, Cache: -1})
			issued, err := issuer.Issue(t.Context(), auth.Subject{UserID: "1", AuthTime: time.Now()})
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if id, err := issuer.Parse(t.Context(), issued.Token); err != nil || id.UserID != "1" {
					t.Errorf("%v", err)
				}
			}
			if other, err := key.WithAlgorithm("none"); err == nil || other.CanSign() {
				t.Error("alg none is taken")
			}
			published, err := json.Marshal(auth.KeySet{Keys: []auth.Key{key}})
			if err != nil {
				t.Fatal(err)
			}
			var set struct{ Keys []map[string]string }
			if err := json.Unmarshal(published, &set); err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(alg, "HS") {
				if len(set.Keys) != 0 {
					t.Errorf("a secret is published: %s", published)
				}
				return
			}
			jwk := set.Keys[0]
			if len(set.Keys) != 1 || jwk["kid"] != key.ID() || jwk["alg"] != alg || jwk["use"] != "sig" {
				t.Errorf("published %s", published)
			}
			for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "k"} {
				if jwk[private] != "" {
					t.Errorf("published %s", private)
				}
			}
			one, err := json.Marshal(jwk)
			if err != nil {
				t.Fatal(err)
			}
			public, err := auth.ParseKey(one)
			if err != nil || public.ID() != key.ID() || public.Algorithm() != alg || public.CanSign() {
				t.Errorf("%v, %v", public, err)
			}
		})
	}
}

// A repeated token costs no allocation, any other at most ten.
func TestVerifyAllocations(t *testing.T) {
	for cache, most := range map[int]float64{-1: 10, 0: 0} {
		issuer := newIssuer(t, auth.JWTConfig{Cache: cache})
		issued, err := issuer.Issue(t.Context(), auth.Subject{UserID: "1", SessionID: "2", AuthTime: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(100, func() {
			if _, err := issuer.Parse(t.Context(), issued.Token); err != nil {
				t.Fatal(err)
			}
		}); n > most {
			t.Errorf("Cache %d: %v allocations, want at most %v", cache, n, most)
		}
	}
}

// No token is issued that would outlive its key.
func TestMaxTTL(t *testing.T) {
	source := &changingKeys{}
	source.set.Store(&auth.KeySet{Keys: []auth.Key{auth.GenerateKey()}, MaxTTL: 10 * time.Minute})
	for _, tt := range []struct {
		config, subject, leeway time.Duration
		issued                  bool
	}{
		{10 * time.Minute, 0, 0, true},
		{10*time.Minute + time.Second, 0, 0, false},
		{10*time.Minute + time.Second, time.Minute, 0, true},
		{time.Minute, 10*time.Minute + time.Second, 0, false},
		{9 * time.Minute, 0, time.Minute, true},
		{9*time.Minute + time.Second, 0, time.Minute, false},
	} {
		issuer := newIssuer(t, auth.JWTConfig{Source: source, TTL: tt.config, Leeway: tt.leeway})
		issued, err := issuer.Issue(t.Context(), auth.Subject{UserID: "1", AuthTime: time.Now(), TTL: tt.subject})
		if (err == nil) != tt.issued || (issued.Token != "") != tt.issued {
			t.Errorf("%v, %v, %v: %v", tt.config, tt.subject, tt.leeway, err)
		}
	}
}

// brokenKMS signs once, and then says why it does not.
type brokenKMS struct {
	ed25519.PrivateKey
	broken *bool
}

func (s brokenKMS) Sign(rand io.Reader, message []byte, opts crypto.SignerOpts) ([]byte, error) {
	if *s.broken {
		return nil, fmt.Errorf("kms: account canary: %w", context.DeadlineExceeded)
	}
	return s.PrivateKey.Sign(rand, message, opts)
}

// A signer that fails is an outage, of which only the kind is told, and leaves nobody
// behind.
// ASVS 5.0 11.2.5
func TestSignerFails(t *testing.T) {
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	broken := false
	key, err := auth.SigningKey(brokenKMS{private, &broken})
	if err != nil {
		t.Fatal(err)
	}
	issuer, store := newIssuer(t, auth.JWTConfig{Keys: []auth.Key{key}}), auth.NewMemoryStore()
	a, err := auth.New(store, issuer, auth.Options{Hasher: authtest.Hasher{}})
	if err != nil {
		t.Fatal(err)
	}
	broken = true
	_, issued := issuer.Issue(t.Context(), auth.Subject{UserID: "1", AuthTime: time.Now()})
	_, registered := a.Register(t.Context(), registration())
	for _, err := range []error{issued, registered} {
		wantErr(t, err, auth.ErrUnavailable)
		if want := "auth: issue token: sign: the signer: *fmt.wrapError"; err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if _, err := store.UserByEmail(t.Context(), email); !errors.Is(err, auth.ErrUserNotFound) {
		t.Errorf("the user is there: %v", err)
	}
}

// One function reads a key from a file in any usual form.
func TestReadKeyFile(t *testing.T) {
	random := bytes.Repeat([]byte("\xffsecret\n"), 4)
	want, err := auth.HMACKey(random)
	if err != nil {
		t.Fatal(err)
	}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signing, err := auth.SigningKey(private)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "key")
	for name, tt := range map[string]struct {
		content string
		id      string // "" = refused
	}{
		"random bytes": {string(random), want.ID()},
		"hexadecimal":  {hex.EncodeToString(random) + "\n", want.ID()},
		"base64":       {base64.StdEncoding.EncodeToString(random) + "\r\n", want.ID()},
		"PEM":          {string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), signing.ID()},
		"JWK":          {`{"kty":"oct","k":"` + base64.RawURLEncoding.EncodeToString(random) + `"}`, want.ID()},
		"passphrase":   {"the canary of a tutorial, as a passphrase\n", ""},
		"DER":          {string(der), ""},
		"empty":        {"", ""},
		"too large":    {strings.Repeat("canary", 64<<10), ""},
	} {
		if err := os.WriteFile(file, []byte(tt.content), 0o600); err != nil {
			t.Fatal(err)
		}
		key, err := auth.ReadKeyFile(file)
		if key.ID() != tt.id || (err == nil) != (tt.id != "") {
			t.Errorf("%s: got %v, %v", name, key, err)
		}
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: the error quotes the file: %v", name, err)
		}
	}
	for path, why := range map[string]string{file + "x": "x: ", t.TempDir(): "regular", os.DevNull: "regular"} {
		if key, err := auth.ReadKeyFile(path); err == nil || !strings.Contains(err.Error(), why) || key.ID() != "" {
			t.Errorf("%s: got %v, %v", path, key, err)
		}
	}
}
