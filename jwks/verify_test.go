package jwks_test

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authhttp"
	"github.com/seed89488a0c/auth/jwks"
)

var _ auth.Verifier = (*jwks.Verifier)(nil)

// Tokens of the root package's issuer, with all algorithms, over a network.
// ASVS 5.0 6.8.2, 9.1.1
func TestVerify(t *testing.T) {
	for _, s := range []signer{rs(t, "rs"), es(t, "es"), ed(t, "ed")} {
		t.Run(s.method.Alg(), func(t *testing.T) {
			issuer, err := auth.NewJWTIssuer(auth.JWTConfig{
				Issuer: name, Audience: "shop", OtherAudiences: []string{audience}, Keys: []auth.Key{s.key, auth.GenerateKey()},
			})
			must(t, issuer, err)
			server := serve(t, authhttp.JWKS(issuer))
			v := newVerifier(t, jwks.Config{URL: server.URL, Issuer: name, Audience: audience})
			authTime := time.Now().Add(-time.Minute).UTC().Truncate(time.Second)
			issued, err := issuer.Issue(t.Context(), auth.Subject{
				UserID: "u1", SessionID: "s1", AuthTime: authTime, Claims: json.RawMessage(`{"role":"admin"}`),
			})
			must(t, issued, err)
			for range 2 {
				id, err := v.Verify(t.Context(), issued.Token)
				if err != nil {
					t.Fatal(err)
				}
				own, err := issuer.Parse(t.Context(), issued.Token)
				must(t, own, err)
				if id.WithClaims(nil) != own.WithClaims(nil) || own.UserID != "u1" || own.SessionID != "s1" || !own.AuthTime.Equal(authTime) {
					t.Errorf("got %#v, the issuer has %#v", id, own)
				}
				if want := []string{"shop", audience}; !slices.Equal(strings.Fields(id.Audience), want) {
					t.Errorf("audiences %q, want %q", strings.Fields(id.Audience), want)
				}
				var c struct{ Role string }
				if err := id.Claims(&c); err != nil || c.Role != "admin" {
					t.Errorf("claims %+v, %v", c, err)
				}
			}
			refused(t, v, issued.Token[:len(issued.Token)-8]+"AAAAAAAA", "signature")
		})
	}
}

// ASVS 5.0 9.2.3, 10.3.1
func TestRules(t *testing.T) {
	bubble(t, func(t *testing.T, o *origin, s signer) {
		plain := newVerifier(t, o.config())
		c := o.config()
		c.Required, c.InsecureAnyType, c.Leeway = []string{}, true, time.Minute
		lax := newVerifier(t, c)
		c = o.config()
		c.Required = []string{"tenant"}
		tenant := newVerifier(t, c)
		now := time.Now().Unix()
		for _, tt := range []struct {
			name          string
			text          string
			reason        string // of plain; "" = accepted
			laxly, tenant string
		}{
			{"valid", s.token(t), "", "", "claims"},
			{"more claims", s.token(t, "tenant", 7), "", "", ""},
			{"no jti", s.token(t, "jti", nil), "claims", "", "claims"},
			{"no client_id", s.token(t, "client_id", nil, "tenant", ""), "claims", "", ""},
			{"no iat", s.token(t, "iat", nil), "claims", "", "claims"},
			{"no sub", s.token(t, "sub", nil, "tenant", ""), "claims", "claims", "claims"},
			{"no exp", s.token(t, "exp", nil, "tenant", ""), "claims", "claims", "claims"},
			{"no iss", s.token(t, "iss", nil, "tenant", ""), "claims", "claims", "claims"},
			{"no aud", s.token(t, "aud", nil, "tenant", ""), "claims", "claims", "claims"},
			{"other issuer", s.token(t, "iss", name+"/", "tenant", ""), "issuer", "issuer", "issuer"},
			{"other audience", s.token(t, "aud", "payments", "tenant", ""), "audience", "audience", "audience"},
			{"several audiences", s.token(t, "aud", []string{"payments", audience}, "tenant", ""), "", "", ""},
			{"two parts", strings.Replace(s.token(t), ".", "", 1), "malformed", "malformed", "malformed"},
			{"expired within leeway", s.token(t, "exp", now-59, "iat", now-900, "tenant", ""), "expired", "", "expired"},
			{"expired", s.token(t, "exp", now-60, "iat", now-900, "tenant", ""), "expired", "expired", "expired"},
			{"expired and for others", s.token(t, "exp", now-60, "iat", now-900, "aud", "a", "tenant", ""), "audience", "audience", "audience"},
			{"from the future", s.token(t, "iat", now+6, "tenant", ""), "issued_in_future", "issued_in_future", "issued_in_future"},
			{"a clock that is ahead", s.token(t, "iat", now+5, "tenant", ""), "", "", ""},
		} {
			t.Log(tt.name)
			for _, c := range []struct {
				v      *jwks.Verifier
				reason string
			}{{plain, tt.reason}, {lax, tt.laxly}, {tenant, tt.tenant}} {
				if c.reason == "" {
					accepted(t, c.v, tt.text)
				} else {
					refused(t, c.v, tt.text, c.reason)
				}
			}
		}
		idToken := jwt.NewWithClaims(s.method, claims())
		idToken.Header["kid"] = "first"
		text, err := idToken.SignedString(s.private)
		refused(t, plain, must(t, text, err), "type")
		accepted(t, lax, text)
	})
}

// A token that is accepted is expired from exp on, whether or not it is
// remembered.
func TestExpiry(t *testing.T) {
	bubble(t, func(t *testing.T, o *origin, s signer) {
		v := newVerifier(t, o.config())
		text := s.token(t, "exp", time.Now().Unix()+60)
		accepted(t, v, text)
		time.Sleep(time.Minute - 1)
		accepted(t, v, text)
		time.Sleep(time.Nanosecond)
		_, err := v.Verify(t.Context(), text)
		if !errors.Is(err, jwks.ErrExpiredToken) {
			t.Errorf("got %v", err)
		}
		wantReason(t, jwks.Identity{}, err, "expired")
	})
}

// What everybody can read is no secret to sign with (RFC 8725 §2.1).
// ASVS 5.0 9.1.2
func TestAlgorithmConfusion(t *testing.T) {
	for _, s := range []signer{rs(t, "first"), es(t, "first"), ed(t, "first")} {
		t.Run(s.method.Alg(), func(t *testing.T) {
			o := &origin{body: jwkSet(t, s)}
			v := newVerifier(t, o.config())
			accepted(t, v, s.token(t))
			var set struct{ Keys []json.RawMessage }
			if err := json.Unmarshal([]byte(o.body), &set); err != nil {
				t.Fatal(err)
			}
			der, err := x509.MarshalPKIXPublicKey(s.private.Public())
			must(t, der, err)
			for what, secret := range map[string][]byte{
				"nothing": {},
				"DER":     der,
				"PEM":     pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}),
				"JWK":     set.Keys[0],
				"JWK Set": []byte(o.body),
			} {
				j := jwt.NewWithClaims(jwt.SigningMethodHS256, claims())
				j.Header["kid"], j.Header["typ"] = "first", "at+jwt"
				text, err := j.SignedString(secret)
				t.Log(what)
				refused(t, v, must(t, text, err), "algorithm")
			}
			none := jwt.NewWithClaims(jwt.SigningMethodNone, claims())
			none.Header["kid"], none.Header["typ"] = "first", "at+jwt"
			text, err := none.SignedString(jwt.UnsafeAllowNoneSignatureType)
			refused(t, v, must(t, text, err)+"AA", "algorithm")
		})
	}
}

// Secrets and private keys in a set are not used, though the rest of it is.
func TestSecretsInSet(t *testing.T) {
	bubble(t, func(t *testing.T, o *origin, s signer) {
		secret := []byte(strings.Repeat("kX", 16))
		o.body = strings.Replace(o.body, "[", `[{"kty":"oct","alg":"HS256","kid":"hs","k":"`+encode(string(secret))+`"},`, 1)
		leaked := ed(t, "leaked")
		private := strings.TrimSuffix(strings.TrimPrefix(jwkSet(t, leaked), `{"keys":[`), "]}")
		o.body = strings.Replace(o.body, "[", "["+strings.Replace(private, `"kty"`, `"d":"`+encode(string(secret))+`","kty"`, 1)+",", 1)
		if !json.Valid([]byte(o.body)) || strings.Count(o.body, `"kty"`) != 3 {
			t.Fatal(o.body)
		}
		v := newVerifier(t, o.config())
		accepted(t, v, s.token(t))
		j := jwt.NewWithClaims(jwt.SigningMethodHS256, claims())
		j.Header["kid"], j.Header["typ"] = "hs", "at+jwt"
		text, err := j.SignedString(secret)
		refused(t, v, must(t, text, err), "unknown_key")
		refused(t, v, leaked.token(t), "unknown_key")
	})
}

// ASVS 5.0 6.8.1, 10.3.3
func TestSeveralIssuers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const otherName = "https://other.example"
		a, b := ed(t, "same"), ed(t, "same")
		x, y := &origin{body: jwkSet(t, a)}, &origin{body: jwkSet(t, b)}
		other := y.config()
		other.Issuer, other.Audience = otherName, "invoices"
		v := newVerifier(t, x.config(), other)

		ofA, ofB := a.token(t), b.token(t, "iss", otherName, "aud", "invoices")
		accepted(t, v, ofA)
		if y.count() != 0 {
			t.Error("the other issuer was asked")
		}
		accepted(t, v, ofB)
		x.count()
		for _, tt := range []struct {
			name   string
			text   string
			reason string
		}{
			{"of A, with B's key", b.token(t), "signature"},
			{"of B, with A's key", a.token(t, "iss", otherName, "aud", "invoices"), "signature"},
			{"of A, for B's audience", a.token(t, "aud", "invoices"), "audience"},
			{"of B, for A's audience", b.token(t, "iss", otherName), "audience"},
			{"of nobody", a.token(t, "iss", "https://nobody.example"), "issuer"},
			{"of A in other spelling", a.token(t, "iss", strings.ToUpper(name)), "issuer"},
			{"no iss", a.token(t, "iss", nil), "issuer"},
			{"empty iss", a.token(t, "iss", ""), "claims"},
			{"null", a.token(t, "iss", json.RawMessage("null")), "claims"},
			{"both", a.token(t, "iss", []string{name, otherName}), "claims"},
			{"expired", a.token(t, "exp", time.Now().Unix(), "iat", 1), "expired"},
			{"too large, of nobody", a.token(t, "iss", "x", "x", strings.Repeat("x", 8192)), "too_large"},
			{"too large", a.token(t, "x", strings.Repeat("x", 8192)), "too_large"},
		} {
			t.Log(tt.name)
			refused(t, v, tt.text, tt.reason)
		}
		header := `{"alg":"EdDSA","kid":"same","typ":"at+jwt"}`
		sign := func(payload string) string {
			input := encode(header, payload)
			signature, err := a.method.Sign(input, a.private)
			return input + "." + encode(string(must(t, signature, err)))
		}
		rest := strings.TrimPrefix(strings.Replace(payloadOf(t, ofA), `"iss":"`+name+`",`, "", 1), "{")
		accepted(t, v, sign(`{"iss":"`+name+`",`+rest))
		accepted(t, v, sign(`{"iss":"`+name+`","ISS":"`+otherName+`",`+rest))
		for payload, reason := range map[string]string{
			`{"iss":"` + name + `","iss":"` + otherName + `",` + rest:                                     "duplicate_member",
			`{"iss":"` + otherName + `","iss":"` + name + `",` + rest:                                     "duplicate_member",
			`{"iss":"` + name + `","iss":"` + name + `",` + rest:                                          "duplicate_member",
			`{"iss":"` + name + `","\u0069ss":"` + name + `",` + rest:                                     "duplicate_member",
			`{"ISS":"` + name + `",` + rest:                                                               "issuer", // no iss, whoever encoding/json would take for it
			`{"x":{"iss":"` + name + `"},` + rest:                                                         "issuer",
			`{"x":` + strings.Repeat("[", 17) + strings.Repeat("]", 17) + `,"iss":"` + name + `",` + rest: "claims",
			`{"x":` + strings.Repeat("[", 3000) + `,` + rest:                                              "claims",
			`["iss"]`:                            "claims",
			`{"iss":"` + name + `"`:              "claims",
			`{"iss":"` + name + `"} x`:           "claims",
			`{"iss":"` + name + "\xff\"," + rest: "claims",
			``:                                   "malformed",
		} {
			t.Logf("%.60s", payload)
			refused(t, v, sign(payload), reason)
		}
		refused(t, v, strings.Replace(ofA, ".", ".*", 1), "encoding")
		refused(t, v, strings.Replace(ofA, ".", "", 2), "malformed")
		if x.count() != 0 || y.count() != 1 {
			t.Error("more requests than one for each issuer")
		}

		// The outage of one is none of the other.
		y.set(func(o *origin) { o.status = 500 })
		time.Sleep(25 * time.Hour)
		x.set(func(o *origin) { o.body = jwkSet(t, a) })
		accepted(t, v, ofA)
		unavailable(t, verify(t, v, ofB), "http 500")
	})
}

func payloadOf(t testing.TB, text string) string {
	t.Helper()
	payload, err := jwt.NewParser().DecodeSegment(strings.Split(text, ".")[1])
	return string(must(t, payload, err))
}

// Every token that is refused is told to its issuer's hook, those of nobody to
// the first one's; Require tells as Verify does.
func TestOnErrorTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const otherName = "https://other.example"
		a, b := ed(t, "a"), ed(t, "b")
		x, y := &origin{body: jwkSet(t, a)}, &origin{body: jwkSet(t, b)}
		first, other := x.config(), y.config()
		other.Issuer = otherName
		var told, toldOther []string
		hook := func(told *[]string) func(context.Context, error) {
			return func(ctx context.Context, err error) {
				if who, _ := jwks.FromContext(ctx); who.UserID != "caller" {
					t.Error("not the context of the call")
				}
				if e, ok := errors.AsType[*jwks.TokenError](err); ok {
					*told = append(*told, e.Reason)
				} else {
					*told = append(*told, err.Error())
				}
			}
		}
		first.OnError, other.OnError = hook(&told), hook(&toldOther)
		v, single := newVerifier(t, first, other), newVerifier(t, first)
		ctx := jwks.NewContext(t.Context(), jwks.Identity{UserID: "caller"})
		for _, text := range []string{
			a.token(t), "a", a.token(t, "iss", "nobody"), a.token(t, "aud", "else"), b.token(t, "iss", otherName),
			b.token(t, "iss", otherName, "exp", time.Now().Unix(), "iat", 1),
		} {
			v.Verify(ctx, text)
		}
		if _, err := single.Verify(ctx, "a"); err == nil {
			t.Error("accepted")
		}
		w, r := httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, "GET", "/", nil)
		r.Header.Set("Authorization", "Bearer "+a.token(t, "jti", nil))
		v.Require(http.NotFoundHandler()).ServeHTTP(w, r)
		x.set(func(o *origin) { o.status = 500 })
		time.Sleep(25 * time.Hour)
		v.Verify(ctx, a.token(t)) // is not refused
		v.Verify(ctx, a.token(t)) // and made no fetch
		if want := []string{"malformed", "issuer", "audience", "malformed", "claims", "jwks: keys of " + name + ": http 500"}; !slices.Equal(told, want) {
			t.Errorf("told %q, want %q", told, want)
		}
		if want := []string{"expired"}; !slices.Equal(toldOther, want) {
			t.Errorf("the other one was told %q, want %q", toldOther, want)
		}
	})
}

// What Config says of the memory that tokens take.
func TestCacheMemory(t *testing.T) {
	const tokens = 256
	s := ed(t, "first")
	c := (&origin{body: jwkSet(t, s)}).config()
	c.Cache = tokens
	v := newVerifier(t, c)
	live := func() uint64 {
		for range 3 { // pools of earlier tests outlive one
			runtime.GC()
		}
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	size := func(n int) string { // whose claims are as large as may be, and escaped where that makes a copy
		return s.token(t, "sub", "user-1", "jti", `"`+rand.Text()+strings.Repeat("j", n), "sid", `"`+strings.Repeat("s", n), "client_id", `"`+strings.Repeat("c", n))
	}
	n := 500
	for len(size(n)) > 2048 {
		n--
	}
	text := size(n)
	accepted(t, v, text)
	before := live()
	for range 4 * tokens { // to have one in nearly every place
		accepted(t, v, size(n))
	}
	if each := (live() - before) / tokens; each < 2048 || each > 6<<10 {
		t.Errorf("%d bytes each, of tokens of %d", each, len(text))
	} else {
		t.Logf("%d bytes each", each)
	}
	runtime.KeepAlive(v)
}

// An issuer with one key may leave out its ID.
func TestNoKeyID(t *testing.T) {
	bubble(t, func(t *testing.T, o *origin, s signer) {
		v := newVerifier(t, o.config())
		j := jwt.NewWithClaims(s.method, claims())
		j.Header["typ"] = "at+jwt"
		text, err := j.SignedString(s.private)
		accepted(t, v, must(t, text, err))
		o.set(func(o *origin) { o.body = jwkSet(t, s, ed(t, "second")) })
		time.Sleep(5 * time.Minute)
		refused(t, v, text, "unknown_key")
	})
}

// ASVS 5.0 12.3.1
func TestConfig(t *testing.T) {
	good := jwks.Config{URL: "https://issuer.example/keys?p=1", Issuer: name, Audience: audience}
	for _, tt := range []struct {
		want   string // "" = accepted
		change func(*jwks.Config)
	}{
		{"", func(*jwks.Config) {}},
		{"", func(c *jwks.Config) { c.URL = "http://127.0.0.1:8080" }},
		{"", func(c *jwks.Config) { c.URL = "http://[::1]/" }},
		{"", func(c *jwks.Config) { c.URL = "http://localhost/keys" }},
		{"", func(c *jwks.Config) { c.URL, c.InsecureHTTP = "http://auth:8080/keys", true }},

		{"the URL is not absolute, or has a user or a fragment", func(c *jwks.Config) { c.URL = "" }},
		{"the URL is not absolute, or has a user or a fragment", func(c *jwks.Config) { c.URL = "/keys" }},
		{"the URL is not absolute, or has a user or a fragment", func(c *jwks.Config) { c.URL = "https:///keys" }},
		{"the URL is not absolute, or has a user or a fragment", func(c *jwks.Config) { c.URL = "https://u:canary@issuer.example" }},
		{"the URL is not absolute, or has a user or a fragment", func(c *jwks.Config) { c.URL = "https://canary@issuer.example" }},
		{"the URL is not absolute, or has a user or a fragment", func(c *jwks.Config) { c.URL = "https://issuer.example/%zz" }},
		{"the URL is not absolute, or has a user or a fragment", func(c *jwks.Config) { c.URL += "#canary" }},
		{"the URL is neither https nor http of a loopback address", func(c *jwks.Config) { c.URL = "http://issuer.example/keys" }},
		{"the URL is neither https nor http of a loopback address", func(c *jwks.Config) { c.URL = "http://localhost.example/keys" }},
		{"the URL is neither https nor http of a loopback address", func(c *jwks.Config) { c.URL, c.InsecureHTTP = "file://etc/keys", true }},
		{"the issuer is empty, not UTF-8, or has control characters", func(c *jwks.Config) { c.Issuer = "" }},
		{"the audience is empty, not UTF-8, or has control characters", func(c *jwks.Config) { c.Audience = "" }},
		{"more than 60 claims are required", func(c *jwks.Config) { c.Required = numbers(61) }},
		{"the Leeway is negative or above 5 minutes", func(c *jwks.Config) { c.Leeway = -1 }},
		{"the Leeway is negative or above 5 minutes", func(c *jwks.Config) { c.Leeway = 5*time.Minute + 1 }},
		{"the StaleLimit is below 1 minute or above 30 days", func(c *jwks.Config) { c.StaleLimit = time.Minute - 1 }},
		{"the StaleLimit is below 1 minute or above 30 days", func(c *jwks.Config) { c.StaleLimit = 30*24*time.Hour + 1 }},
		{"the Cache is above 1<<20", func(c *jwks.Config) { c.Cache = 1<<20 + 1 }},
	} {
		c := good
		tt.change(&c)
		_, err := jwks.NewVerifier(c)
		if (tt.want == "") != (err == nil) || err != nil && err.Error() != "jwks: Config 1: "+tt.want {
			t.Errorf("%s: got %v, want %q", c.URL, err, tt.want)
		}
	}
	second := good
	second.URL, second.Audience = "https://issuer.example/other", "other"
	if _, err := jwks.NewVerifier(good, second); err == nil || err.Error() != "jwks: Config 2: the Issuer of another one" {
		t.Errorf("twice the same issuer: %v", err)
	}
}

func numbers(n int) (list []string) {
	for i := range n {
		list = append(list, strings.Repeat("x", i+1))
	}
	return list
}

// A Config that the caller changes later changes nothing.
func TestConfigIsCopied(t *testing.T) {
	bubble(t, func(t *testing.T, o *origin, s signer) {
		c := o.config()
		c.Required = []string{"tenant"}
		v := newVerifier(t, c)
		c.Required[0] = "sub"
		c.Client.Transport = http.DefaultTransport
		c.Client.Jar = nil
		refused(t, v, s.token(t), "claims")
	})
}

func TestContext(t *testing.T) {
	ctx := jwks.NewContext(t.Context(), jwks.Identity{UserID: "u1"})
	for _, from := range []func(context.Context) (jwks.Identity, bool){jwks.FromContext, auth.FromContext} {
		if id, ok := from(ctx); !ok || id.UserID != "u1" {
			t.Errorf("got %q, %t", id.UserID, ok)
		}
		if _, ok := from(t.Context()); ok {
			t.Error("somebody in an empty context")
		}
	}
	if id, ok := jwks.FromContext(auth.NewContext(t.Context(), auth.Identity{UserID: "u2"})); !ok || id.UserID != "u2" {
		t.Errorf("got %q, %t", id.UserID, ok)
	}
	if !slices.Equal([]error{jwks.ErrInvalidToken, jwks.ErrExpiredToken, jwks.ErrUnavailable}, []error{auth.ErrInvalidToken, auth.ErrExpiredToken, auth.ErrUnavailable}) {
		t.Error("the errors are not the root package's")
	}
}
