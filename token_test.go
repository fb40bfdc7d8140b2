package auth_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
	"github.com/seed89488a0c/auth/flaskjwt"
)

func ed25519Key(t testing.TB) (auth.Key, ed25519.PublicKey) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	key, err := auth.SigningKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return key, public
}

func TestJWTIssuer(t *testing.T) {
	key, _ := ed25519Key(t)
	for name, config := range map[string]auth.JWTConfig{
		"HS256": {},
		"EdDSA": {Keys: []auth.Key{key}},
	} {
		t.Run(name, func(t *testing.T) {
			authtest.TestTokenIssuer(t, func(t *testing.T) auth.TokenIssuer { return newIssuer(t, config) })
		})
	}
}

// A verifier's clock may be behind by five seconds, and a token may outlive its
// expiry by the leeway and no longer.
// ASVS 5.0 9.2.1
func TestClocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys := []auth.Key{auth.GenerateKey()}
		strict := newIssuer(t, auth.JWTConfig{Keys: keys, TTL: 180 * time.Second})
		lenient := newIssuer(t, auth.JWTConfig{Keys: keys, Leeway: time.Minute})
		issued, err := strict.Issue(t.Context(), auth.Subject{UserID: "1", AuthTime: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		if want := time.Now().UTC().Add(3 * time.Minute); !issued.ExpiresAt.Equal(want) {
			t.Errorf("expires at %v, want %v", issued.ExpiresAt, want)
		}
		parse := func(issuer *auth.JWTIssuer, want error) {
			t.Helper()
			if _, err := issuer.Parse(t.Context(), issued.Token); !errors.Is(err, want) {
				t.Errorf("at %v: got %v, want %v", time.Now(), err, want)
			}
		}
		time.Sleep(3*time.Minute - 1)
		parse(strict, nil)
		time.Sleep(time.Nanosecond)
		parse(strict, auth.ErrExpiredToken)
		parse(lenient, nil)
		time.Sleep(time.Minute - 1)
		parse(lenient, nil)
		time.Sleep(time.Nanosecond)
		parse(lenient, auth.ErrExpiredToken)
	})
}

// ASVS 5.0 11.2.2
func TestKeyRotation(t *testing.T) {
	old, public := ed25519Key(t)
	verifyOnly, err := auth.PublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	next := auth.GenerateKey()
	before := newIssuer(t, auth.JWTConfig{Keys: []auth.Key{old}})
	during := newIssuer(t, auth.JWTConfig{Keys: []auth.Key{next, verifyOnly}})
	after := newIssuer(t, auth.JWTConfig{Keys: []auth.Key{next}})
	subject := auth.Subject{UserID: "1", AuthTime: time.Now()}
	oldToken, err := before.Issue(t.Context(), subject)
	if err != nil {
		t.Fatal(err)
	}
	newToken, err := during.Issue(t.Context(), subject)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		issuer *auth.JWTIssuer
		token  string
		want   error
	}{
		{before, newToken.Token, auth.ErrInvalidToken},
		{during, oldToken.Token, nil},
		{during, newToken.Token, nil},
		{after, oldToken.Token, auth.ErrInvalidToken},
		{after, newToken.Token, nil},
	} {
		if _, err := test.issuer.Parse(t.Context(), test.token); !errors.Is(err, test.want) {
			t.Errorf("got %v, want %v", err, test.want)
		}
	}
}

// ASVS 5.0 9.2.3
func TestOtherIssuersAndAudiencesAreRefused(t *testing.T) {
	keys := []auth.Key{auth.GenerateKey()}
	ours := newIssuer(t, auth.JWTConfig{Issuer: "a", Audience: "b", Keys: keys})
	for _, config := range []auth.JWTConfig{
		{Issuer: "A", Audience: "b", Keys: keys},
		{Issuer: "a/", Audience: "b", Keys: keys},
		{Issuer: "a", Audience: "c", Keys: keys},
		{Issuer: "a", Audience: "b"},
	} {
		issued, err := newIssuer(t, config).Issue(t.Context(), auth.Subject{UserID: "1", AuthTime: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		_, err = ours.Parse(t.Context(), issued.Token)
		wantErr(t, err, auth.ErrInvalidToken)
	}
}

func TestJWTConfigRefuses(t *testing.T) {
	key := auth.GenerateKey()
	_, public := ed25519Key(t)
	verifyOnly, err := auth.PublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	good := auth.JWTConfig{Issuer: "i", Audience: "a", Keys: []auth.Key{key}}
	for name, change := range map[string]func(c *auth.JWTConfig){
		"nothing set":                            func(c *auth.JWTConfig) { *c = auth.JWTConfig{} },
		"no issuer":                              func(c *auth.JWTConfig) { c.Issuer = "" },
		"no audience":                            func(c *auth.JWTConfig) { c.Audience = "" },
		"issuer not UTF-8":                       func(c *auth.JWTConfig) { c.Issuer = "\xff" },
		"audience that leaves no room for an ID": func(c *auth.JWTConfig) { c.Audience = strings.Repeat("x", 5900) },
		"huge audience":                          func(c *auth.JWTConfig) { c.Audience = strings.Repeat("x", 8192) },
		"no keys":                                func(c *auth.JWTConfig) { c.Keys = nil },
		"zero key":                               func(c *auth.JWTConfig) { c.Keys = []auth.Key{{}} },
		"zero key behind":                        func(c *auth.JWTConfig) { c.Keys = []auth.Key{key, {}} },
		"one key twice":                          func(c *auth.JWTConfig) { c.Keys = []auth.Key{key, key} },
		"first cannot sign":                      func(c *auth.JWTConfig) { c.Keys = []auth.Key{verifyOnly, key} },
		"negative TTL":                           func(c *auth.JWTConfig) { c.TTL = -time.Second },
		"TTL with a fraction":                    func(c *auth.JWTConfig) { c.TTL = 1500 * time.Millisecond },
		"TTL of 180":                             func(c *auth.JWTConfig) { c.TTL = 180 }, // nanoseconds: the unit was forgotten
		"TTL of a lifetime":                      func(c *auth.JWTConfig) { c.TTL = 100 * 365 * 24 * time.Hour },
		"negative leeway":                        func(c *auth.JWTConfig) { c.Leeway = -1 },
		"keys and a source":                      func(c *auth.JWTConfig) { c.Source = &changingKeys{} },
		"other audience not UTF-8":               func(c *auth.JWTConfig) { c.OtherAudiences = []string{"\xff"} },
		"ACR with a control character":           func(c *auth.JWTConfig) { c.ACR = func(string) string { return "password\n" } },
		"ACR that leaves no room for an ID":      func(c *auth.JWTConfig) { c.ACR = func(string) string { return strings.Repeat("x", 5900) } },
		"a cache of billions":                    func(c *auth.JWTConfig) { c.Cache = 1 << 30 },
		"leeway of an hour":                      func(c *auth.JWTConfig) { c.Leeway = time.Hour },
	} {
		config := good
		change(&config)
		if issuer, err := auth.NewJWTIssuer(config); err == nil || issuer != nil {
			t.Errorf("%s: got %v, %v", name, issuer, err)
		}
	}
	keys := []auth.Key{key}
	good.Keys = keys
	issuer, err := auth.NewJWTIssuer(good)
	if err != nil {
		t.Fatal(err)
	}
	keys[0] = auth.Key{} // the caller's slice is the caller's
	if _, err := issuer.Issue(t.Context(), auth.Subject{UserID: "1", AuthTime: time.Now()}); err != nil {
		t.Error(err)
	}
}

func TestKeys(t *testing.T) {
	secret := []byte("0123456789abcdef0123456789abcde\xff")
	for name, build := range map[string]func() (auth.Key, error){
		"secret of 31 bytes":  func() (auth.Key, error) { return auth.HMACKey(secret[:31]) },
		"secret that is text": func() (auth.Key, error) { return auth.HMACKey([]byte("0123456789abcdef0123456789abcdef\n")) },
		"no secret":           func() (auth.Key, error) { return auth.HMACKey(nil) },
		"secret of zeros":     func() (auth.Key, error) { return auth.HMACKey(make([]byte, 32)) },
		"short private key":   func() (auth.Key, error) { return auth.SigningKey(make(ed25519.PrivateKey, 32)) },
		"no private key":      func() (auth.Key, error) { return auth.SigningKey(nil) },
		"no public key":       func() (auth.Key, error) { return auth.PublicKey(nil) },
		"small-order point":   func() (auth.Key, error) { return auth.PublicKey(make(ed25519.PublicKey, 32)) },
		"ID with a space":     func() (auth.Key, error) { return auth.GenerateKey().WithID("a b") },
		"empty ID":            func() (auth.Key, error) { return auth.GenerateKey().WithID("") },
	} {
		if key, err := build(); err == nil || key.ID() != "" {
			t.Errorf("%s: got %v, %v", name, key, err)
		}
	}
	a, err := auth.HMACKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	b, err := auth.HMACKey([]byte(string(secret)))
	if err != nil || a.ID() != b.ID() || a.ID() == "" || a.ID() == auth.GenerateKey().ID() {
		t.Errorf("key IDs %q and %q; %v", a.ID(), b.ID(), err)
	}
	named, err := a.WithID("2026-11")
	if err != nil || named.ID() != "2026-11" || a.ID() == "2026-11" || fmt.Sprintf("%v %+v %#v", named, named, named) != "2026-11 2026-11 2026-11" {
		t.Errorf("got %v, %v", named, err)
	}
}

// Another machine, whose clock is ahead, may have authenticated the user.
func TestAuthTimeIsNotInTheFuture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := newIssuer(t, auth.JWTConfig{})
		issued, err := issuer.Issue(t.Context(), auth.Subject{UserID: "1", AuthTime: time.Now().Add(time.Minute)})
		if err != nil {
			t.Fatal(err)
		}
		if id, err := issuer.Parse(t.Context(), issued.Token); err != nil || !id.AuthTime.Equal(time.Now()) {
			t.Errorf("got %v, %v", id.AuthTime, err)
		}
	})
}

// The reason is for logs; a token never is.
func TestTokenErrorsNameTheReason(t *testing.T) {
	issuer := newIssuer(t, auth.JWTConfig{})
	a, err := auth.New(auth.NewMemoryStore(), issuer, auth.Options{Hasher: authtest.Hasher{}})
	if err != nil {
		t.Fatal(err)
	}
	_, parsed := issuer.Parse(t.Context(), "a.b")
	_, verified := a.Verify(t.Context(), "a.b")
	for _, err := range []error{parsed, verified} {
		if err == nil || err.Error() != "auth: invalid token: malformed" {
			t.Errorf("got %v", err)
		}
	}
}

// The claims that an error names are those that the documentation of TokenError has,
// and the text says which. Two are Flask-JWT-Extended's.
func TestTokenErrorsNameTheClaim(t *testing.T) {
	source, err := os.ReadFile("token.go")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(source), "not JSON. It is one of ")
	list, _, _ := strings.Cut(rest, ";")
	documented := strings.Fields(strings.NewReplacer("\n//", "", ",", "", " and ", " ").Replace(list))

	secret := []byte("\x00123456789abcdef0123456789abcdef")
	key, err := auth.HMACKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	ours := newIssuer(t, auth.JWTConfig{Issuer: "https://a.example", Audience: "shop", Keys: []auth.Key{key}})
	flask, err := flaskjwt.NewIssuer(flaskjwt.Config{Secret: secret})
	if err != nil {
		t.Fatal(err)
	}
	sign := func(header, payload map[string]any) string {
		token := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims(payload))
		maps.Copy(token.Header, header)
		text, err := token.SignedString(secret)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	now := time.Now().Unix()
	good := map[string]any{
		"iss": "https://a.example", "sub": "u", "aud": "shop", "client_id": "shop", "jti": "j", "sid": "s", "iat": now, "nbf": now, "exp": now + 60, "auth_time": now,
		"amr": []string{"pwd"}, "acr": "1", "type": "access", "fresh": false,
	}
	var named []string
	check := func(name string, parse func(context.Context, string) (auth.Identity, error), text string) {
		_, err := parse(t.Context(), text)
		e, ok := errors.AsType[*auth.TokenError](err)
		if !ok || e.Reason != "claims" || e.Claim != name || err.Error() != "auth: invalid token: claims: "+name || !errors.Is(err, auth.ErrInvalidToken) {
			t.Errorf("%s: %v", name, err)
		}
		named = append(named, name)
	}
	for name := range good {
		payload := maps.Clone(good)
		payload[name] = map[string]any{"secret": "value"}
		switch name {
		case "type", "fresh":
			delete(payload, "aud")
			check(name, flask.Parse, sign(nil, payload))
		default:
			check(name, ours.Parse, sign(map[string]any{"typ": "at+jwt", "kid": key.ID()}, payload))
		}
	}
	slices.Sort(named)
	if !slices.Equal(named, documented) {
		t.Errorf("named %q, documented %q", named, documented)
	}
}

// TestSkew: nbf and iat may lie in the future by the Skew, 5 seconds unless set, in every
// reader: package jwks has its own test.
func TestSkew(t *testing.T) {
	secret := []byte("\x00123456789abcdef0123456789abcdef")
	key, err := auth.HMACKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	for skew, ahead := range map[time.Duration]int64{0: 5, time.Second: 1, time.Minute: 60} {
		synctest.Test(t, func(t *testing.T) {
			flask, err := flaskjwt.NewIssuer(flaskjwt.Config{Secret: secret, Skew: skew})
			if err != nil {
				t.Fatal(err)
			}
			ours := newIssuer(t, auth.JWTConfig{Issuer: "a", Audience: "shop", Keys: []auth.Key{key}, Skew: skew})
			for _, claim := range []string{"nbf", "iat", "auth_time"} {
				for _, more := range []int64{0, 1} {
					now := time.Now().Unix()
					claims := jwt.MapClaims{"sub": "u", "jti": "j", "iat": now, "nbf": now, "exp": now + 900, "auth_time": now, "fresh": false, "type": "access"}
					claims[claim] = now + ahead + more
					forFlask := jwt.NewWithClaims(jwt.SigningMethodHS256, claims)
					forUs := jwt.NewWithClaims(jwt.SigningMethodHS256, maps.Clone(claims))
					maps.Copy(forUs.Claims.(jwt.MapClaims), jwt.MapClaims{"iss": "a", "aud": "shop", "client_id": "shop"})
					maps.Copy(forUs.Header, map[string]any{"typ": "at+jwt", "kid": key.ID()})
					for reader, parse := range map[*jwt.Token]func(context.Context, string) (auth.Identity, error){forFlask: flask.Parse, forUs: ours.Parse} {
						text, err := reader.SignedString(secret)
						if err != nil {
							t.Fatal(err)
						}
						id, err := parse(t.Context(), text)
						ignored := reader == forFlask && claim == "auth_time" && id.AuthTime.IsZero() // one that cannot be is nobody's
						if (err == nil) != (more == 0 || ignored) {
							t.Errorf("skew %v, %s %d s ahead: %v", skew, claim, ahead+more, err)
						}
					}
				}
			}
		})
	}
	for _, skew := range []time.Duration{-1, time.Minute + 1} {
		const want = "the Skew is negative or above 1 minute"
		_, err := auth.NewJWTIssuer(auth.JWTConfig{Issuer: "a", Audience: "b", Keys: []auth.Key{key}, Skew: skew})
		_, flaskErr := flaskjwt.NewIssuer(flaskjwt.Config{Secret: secret, Skew: skew})
		if err == nil || err.Error() != "auth: JWTConfig: "+want || flaskErr == nil || flaskErr.Error() != "flaskjwt: Config: "+want {
			t.Errorf("%v: %v, %v", skew, err, flaskErr)
		}
	}
}
