package jwks_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/seed89488a0c/auth/jwks"
)

// told keeps the keys that a Config's OnError is told are passed over.
type told struct {
	mu   sync.Mutex
	keys []string
}

func (l *told) onError(_ context.Context, err error) {
	e, ok := errors.AsType[*jwks.KeyError](err)
	if !ok {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.keys = append(l.keys, e.KeyID+" "+e.Code)
}

// take returns what was told since it was asked last.
func (l *told) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	keys := l.keys
	l.keys = nil
	return keys
}

// as returns a signer of the same key for another method.
func (s signer) as(method jwt.SigningMethod) signer {
	s.method = method
	return s
}

// TestAmbiguousKeys: what a token resolves is no ambiguity, and what stays one costs
// nothing but the kid that it is about, and is told.
func TestAmbiguousKeys(t *testing.T) {
	r, other := rs(t, "r"), rs(t, "r")
	rs512, ps256 := r.as(jwt.SigningMethodRS512), r.as(jwt.SigningMethodPS256)
	bubble(t, func(t *testing.T, o *origin, e signer) {
		m := func(alg any) object { return r.members(t, object{"alg": alg}) }
		var l told
		check := func(name string, told []string, good, bad []string, keys ...any) {
			t.Helper()
			t.Log(name)
			o.set(func(o *origin) { o.body = setOf(t, keys...) })
			c := o.config()
			c.OnError = l.onError
			v := newVerifier(t, c)
			for _, text := range good {
				accepted(t, v, text)
			}
			for _, text := range bad {
				if _, err := v.Verify(t.Context(), text); !errors.Is(err, jwks.ErrInvalidToken) {
					t.Errorf("got %v, want it refused", err)
				}
			}
			if got := l.take(); !slices.Equal(got, told) {
				t.Errorf("told of %q, want %q", got, told)
			}
		}
		both := []string{"r ambiguous", "r ambiguous"}
		foreign := other.members(t, object{"alg": "RS256"})
		check("one key twice", nil, []string{r.token(t)}, nil, m("RS256"), m("RS256"))
		check("with and without alg", nil, []string{r.token(t)}, []string{rs512.token(t)}, m("RS256"), m(nil))
		check("for two algorithms", nil, []string{r.token(t), rs512.token(t)}, []string{ps256.token(t)}, m("RS256"), m("RS512"))
		check("the same beside another", nil, []string{r.token(t), rs512.token(t), e.token(t)}, nil, m("RS512"), e.members(t, nil), m("RS256"), m("RS512"))
		check("two kinds of one kid", nil, []string{r.token(t)}, nil, m("RS256"), e.members(t, object{"kid": "r"}))
		check("two keys of one kid", both, []string{e.token(t)}, []string{r.token(t), other.token(t)}, m("RS256"), foreign, e.members(t, nil))
		check("two keys of one kid, and a third alg", both, []string{rs512.token(t), e.token(t)}, []string{r.token(t)}, m("RS256"), foreign, m("RS512"), e.members(t, nil))
	})
}

// TestAmbiguousKeysAppear: keys that serve go on when another one of their set becomes
// ambiguous, however long it stays so.
func TestAmbiguousKeysAppear(t *testing.T) {
	r, other := rs(t, "r"), rs(t, "r")
	bubble(t, func(t *testing.T, o *origin, e signer) {
		var l told
		c := o.config()
		c.OnError, c.StaleLimit = l.onError, time.Hour
		o.body = setOf(t, e.members(t, nil), r.members(t, nil))
		v := newVerifier(t, c)
		accepted(t, v, e.token(t))
		accepted(t, v, r.token(t))
		if got := l.take(); got != nil {
			t.Errorf("told of %q", got)
		}
		for _, header := range []http.Header{{"Etag": {`"1"`}}, nil} { // the issuer answers 304, and then the same again
			o.set(func(o *origin) {
				o.body, o.header = setOf(t, e.members(t, nil), r.members(t, nil), other.members(t, nil)), header
			})
			for range 5 {
				time.Sleep(10 * time.Minute)
				accepted(t, v, e.token(t))
			}
		}
		refused(t, v, r.token(t), "unknown_key")
		if got := l.take(); !slices.Equal(got, []string{"r ambiguous", "r ambiguous"}) {
			t.Errorf("told of %q, want each key once", got) // not at each refresh
		}
		o.set(func(o *origin) { o.body = setOf(t, e.members(t, nil), r.members(t, nil)) })
		time.Sleep(10 * time.Minute)
		accepted(t, v, r.token(t))
	})
}

// TestKeysPassedOver: a key that is of no use is told with its kid and why, beside keys
// that work and where there is none.
func TestKeysPassedOver(t *testing.T) {
	r := rs(t, "r")
	bubble(t, func(t *testing.T, o *origin, e signer) {
		n := r.members(t, nil)["n"].(string)
		bad := map[string]object{
			"encoding":      {"n": n + "="},
			"leading_zeros": {"e": "AAEAAQ"},
			"key_ops":       {"key_ops": []string{"verify", "encrypt"}},
			"too_short":     {"n": n[:300]},
			"use":           {"use": "enc"},
			"alg":           {"alg": "RSA-OAEP"},
			"private":       {"d": n},
			"kty":           {"kty": "AKP"},
		}
		for code, change := range bad {
			var l told
			c := o.config()
			c.OnError = l.onError
			o.set(func(o *origin) { o.body = setOf(t, r.members(t, change), e.members(t, nil)) })
			v := newVerifier(t, c)
			accepted(t, v, e.token(t))
			refused(t, v, r.token(t), "unknown_key")
			if got := l.take(); !slices.Equal(got, []string{"r " + code}) {
				t.Errorf("%s: told of %q", code, got)
			}

			o.set(func(o *origin) { o.body = setOf(t, r.members(t, change)) })
			v = newVerifier(t, c)
			unavailable(t, verify(t, v, r.token(t)), "no_keys")
			if got := l.take(); !slices.Equal(got, []string{"r " + code}) {
				t.Errorf("%s alone: told of %q", code, got)
			}
		}
	})
	err := error(&jwks.KeyError{Issuer: name, KeyID: "a\"\u2028b", Code: "use"})
	if want := `jwks: keys of ` + name + `: "a\"\u2028b" is passed over: use`; err.Error() != want {
		t.Errorf("got %s, want %s", err, want)
	}
	if errors.Is(err, jwks.ErrUnavailable) || errors.Is(err, jwks.ErrInvalidToken) {
		t.Error("a key that is passed over is neither an outage nor a token")
	}
}

// TestPassedCodes holds the documentation of KeyError against the codes that there are.
func TestPassedCodes(t *testing.T) {
	list := func(file, pattern, after string) (codes []string) {
		text, err := os.ReadFile(file)
		_, rest, ok := strings.Cut(string(must(t, text, err)), after)
		if !ok {
			t.Fatalf("no %s in %s", after, file)
		}
		rest, _, _ = strings.Cut(rest, "type KeyError")
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(rest, -1) {
			codes = append(codes, m[1])
		}
		slices.Sort(codes)
		return codes
	}
	documented := list("jwks.go", `(?m)^//\t(\w+)  `, "// KeyError says")
	there := list("../internal/token/jwk.go", `Passed\w+ += "(\w+)"`, "// Reasons to pass over a key")
	if len(there) < 10 || !slices.Equal(documented, there) {
		t.Errorf("documented %q, there are %q", documented, there)
	}
}

// TestRefresh: a key that is taken back in a hurry is refused at once, and so is a key
// known that nobody asked for yet.
func TestRefresh(t *testing.T) {
	bubble(t, func(t *testing.T, o *origin, s signer) {
		v := newVerifier(t, o.config())
		text := s.token(t)
		accepted(t, v, text)
		next := ed(t, "second")
		o.set(func(o *origin) { o.body, o.header = jwkSet(t, next), http.Header{"Etag": {`"2"`}} })
		accepted(t, v, text) // the keys are fresh
		o.count()
		if err := v.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := o.count(); n != 1 {
			t.Errorf("%d requests", n)
		}
		refused(t, v, text, "unknown_key")
		accepted(t, v, next.token(t))
		o.count()
		for range 3 { // each asks, whatever the age
			if err := v.Refresh(t.Context()); err != nil {
				t.Error(err)
			}
		}
		if n := o.count(); n != 3 {
			t.Errorf("%d requests, want 3", n)
		}
		accepted(t, v, next.token(t))

		// An issuer that is down keeps its keys for as long as ever, and is told.
		o.set(func(o *origin) { o.down = errors.New("down") })
		unavailable(t, v.Refresh(t.Context()), "connection")
		accepted(t, v, next.token(t))
	})
}

// TestRefreshDuringFetch: what was asked for before the call is not enough, and calls at
// once share what is asked after.
func TestRefreshDuringFetch(t *testing.T) {
	bubble(t, func(t *testing.T, o *origin, s signer) {
		o.takes = 2 * time.Second
		v := newVerifier(t, o.config())
		done := make(chan error)
		go func() { done <- v.Ready(t.Context()) }()
		time.Sleep(time.Second) // the first fetch is under way
		results := make(chan error)
		for range 5 {
			go func() { results <- v.Refresh(t.Context()) }()
		}
		time.Sleep(500 * time.Millisecond)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		unavailable(t, v.Refresh(ctx), "context")
		for range 5 {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		if n := o.count(); n != 2 {
			t.Errorf("%d requests, want the one before and one after", n)
		}
	})
}

// TestRefreshSeveral: every issuer is asked at once, and each that fails is told.
func TestRefreshSeveral(t *testing.T) {
	bubble(t, func(t *testing.T, o *origin, s signer) {
		down := &origin{status: 502, takes: 3 * time.Second}
		other := down.config()
		other.Issuer = "https://other.example"
		o.takes = 3 * time.Second
		v := newVerifier(t, other, o.config())
		start := time.Now()
		err := v.Refresh(t.Context())
		unavailable(t, err, "http 502")
		if want := "jwks: keys of https://other.example: http 502"; err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("it took %v", took)
		}
		accepted(t, v, s.token(t))
	})
}

// TestLimits: skew, audiences and the size of a token are settings.
func TestLimits(t *testing.T) {
	bubble(t, func(t *testing.T, o *origin, s signer) {
		plain := newVerifier(t, o.config())
		c := o.config()
		c.Skew, c.AcceptAudiences, c.MaxToken = time.Minute, []string{"former"}, 32<<10
		wide := newVerifier(t, c)
		narrow := c
		narrow.Issuer, narrow.MaxToken = "https://other.example", 0
		several := newVerifier(t, narrow, c)
		c.AcceptAudiences[0] = "x" // copied
		now := time.Now().Unix()
		for _, tt := range []struct{ text, reason string }{
			{s.token(t, "iat", now+60), "issued_in_future"},
			{s.token(t, "nbf", now+60), "not_yet_valid"},
			{s.token(t, "aud", "former"), "audience"},
			{s.token(t, "aud", []string{"y", "former"}), "audience"},
			{s.token(t, "groups", strings.Repeat("g", 20<<10)), "too_large"},
		} {
			refused(t, plain, tt.text, tt.reason)
			accepted(t, wide, tt.text)
			accepted(t, several, tt.text)
		}
		refused(t, wide, s.token(t, "iat", now+61), "issued_in_future")
		refused(t, wide, s.token(t, "aud", "x"), "audience")
		refused(t, wide, s.token(t, "groups", strings.Repeat("g", 32<<10)), "too_large")
		refused(t, several, s.token(t, "iss", "https://other.example", "groups", strings.Repeat("g", 20<<10)), "too_large")
	})
}

// TestRefusedClaim: the error names the claim, in its text too.
func TestRefusedClaim(t *testing.T) {
	bubble(t, func(t *testing.T, o *origin, s signer) {
		c := o.config()
		c.Required = []string{"tenant"}
		v := newVerifier(t, c)
		other := c
		other.Issuer = "https://other.example"
		several := newVerifier(t, c, other) // which look for the issuer first
		for value, claim := range map[any]string{7: "iss", "": "iss"} {
			_, err := several.Verify(t.Context(), s.token(t, "tenant", 1, "iss", value))
			if e, ok := errors.AsType[*jwks.TokenError](err); !ok || e.Claim != claim {
				t.Errorf("iss %v: %v", value, err)
			}
		}
		for claim, text := range map[string]string{"tenant": s.token(t), "exp": s.token(t, "tenant", 1, "exp", "soon"), "sub": s.token(t, "tenant", 1, "sub", nil)} {
			_, err := v.Verify(t.Context(), text)
			e, ok := errors.AsType[*jwks.TokenError](err)
			if !ok || e.Reason != "claims" || e.Claim != claim || fmt.Sprint(err) != "auth: invalid token: claims: "+claim {
				t.Errorf("got %v, want %s", err, claim)
			}
		}
	})
}
