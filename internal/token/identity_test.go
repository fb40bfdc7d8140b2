package token_test

import (
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"github.com/seed89488a0c/auth/internal/token"
)

func wantReasonNot(t testing.TB, err error, reason string) {
	t.Helper()
	var e *token.Error
	if !errors.As(err, &e) || e.Reason == reason {
		t.Errorf("error %v, want a reason other than %q", err, reason)
	}
}

func TestCheckCustom(t *testing.T) {
	for object, valid := range map[string]bool{
		"{}": true, ` {"a":1} `: true, `{"a":1,"b":{"a":1}}`: true, `{"scope":"read write"}`: true, `{"subject":"a"}`: true, `{"a":{"sub":"a"}}`: true, `{"":1}`: true,
		`{"a":"` + strings.Repeat("a", token.MaxCustom-8) + `"}`: true, `{"a":"` + strings.Repeat("a", token.MaxCustom-7) + `"}`: false,
		"": false, "null": false, "[]": false, `"a"`: false, "1": false, "{": false, "{}{}": false, "{}x": false, "\xff{}": false,
		`{"sub":1}`: false, `{"SUB":1}`: false, `{"Sub":1}`: false, "{\"\u017fub\":1}": false, `{"\u0073ub":1}`: false, `{"a":1,"sub":1}`: false, `{"client_ID":1}`: false, `{"toKen":1}`: true,
		`{"a":1,"a":1}`: false, `{"a":1,"A":1}`: false, "{\"\u212a\":1,\"k\":1}": false, `{"K":1,"k":1}`: false, `{"a":{"b":1,"b":2}}`: false, `{"a":{"b":1,"B":2}}`: false, `{"a":[{"b":1},{"B":2}]}`: true, `{"a":1e999}`: false, `{"a":1e308}`: true,
	} {
		if err := token.CheckCustom(object); (err == nil) != valid {
			t.Errorf("%.60s: %v, want valid: %t", object, err, valid)
		}
	}
}

func TestSignCustom(t *testing.T) {
	p := newParser(t, ourRules(t))
	k := ourRules(t).keys[0]
	for custom, want := range map[string]map[string]any{
		"": {}, "{}": {}, " { } ": {}, ` {"role":"admin","n":1} `: {"role": "admin", "n": 1.0}, "{\n\t\"a\": [1, {\"b\": null}]\n}": {"a": []any{1.0, map[string]any{"b": nil}}},
	} {
		c := claims()
		c.Custom = custom
		text, err := token.Sign(k, c)
		id, err2 := p.Parse(must(t, text, err), at(1))
		wantIdentity(t, id, err2, c)
		got := map[string]any{}
		if err := id.Claims(&got); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"iss", "sub", "aud", "client_id", "jti", "sid", "iat", "nbf", "exp", "auth_time"} {
			if _, ok := got[name]; !ok {
				t.Errorf("no %s", name)
			}
			delete(got, name)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %v, want %v", custom, got, want)
		}
	}
	for _, custom := range []string{`{"sub":"admin"}`, `{"a":1`, `[1]`} {
		c := claims()
		c.Custom = custom
		if text, err := token.Sign(k, c); err == nil || text != "" || strings.Contains(err.Error(), "admin") {
			t.Errorf("%s: %q, %v", custom, text, err)
		}
	}
}

// ASVS 5.0 9.2.4
func TestSignAudiences(t *testing.T) {
	k := ourRules(t).keys[0]
	c := claims()
	c.OtherAudiences = []string{"b", `c"<`}
	text, err := token.Sign(k, c)
	must(t, text, err)
	for _, aud := range []string{audience, "b", `c"<`, "d", ""} {
		r := ourRules(t)
		if aud != "" {
			r.Audience = aud
		}
		id, err := newParser(t, r).Parse(text, at(1))
		if aud == "d" {
			wantReason(t, id, err, token.ReasonAudience)
		} else {
			wantIdentity(t, id, err, c)
		}
	}
	for _, bad := range []string{"", "\xff", "a\n"} {
		c.OtherAudiences = []string{"b", bad}
		if text, err := token.Sign(k, c); err == nil || text != "" {
			t.Errorf("%q: %q, %v", bad, text, err)
		}
	}
}

func TestIdentityClaims(t *testing.T) {
	var v struct {
		Role string
		Sub  string
	}
	if err := (token.Identity{}).Claims(&v); err != nil || v.Role != "" {
		t.Errorf("without claims: %v", err)
	}
	id := token.Identity{UserID: "u", SessionID: "s", TokenID: "t"}.WithClaims([]byte(`{"role":"secret-role","sub":"u"}`))
	if err := id.Claims(&v); err != nil || v.Role != "secret-role" || v.Sub != "u" {
		t.Errorf("%+v, %v", v, err)
	}
	for object, target := range map[string]any{
		`{"role":"secret-role"}`:       &struct{ Role int }{},
		`{"role":1,"Role":2}`:          &struct{ Role int }{},
		`{"role":1,"role":2}`:          &struct{ Role int }{},
		`{"role":"secret-role"`:        &v,
		`{"big":99999999999999999999}`: &struct{ Big int64 }{},
		`[]`:                           &v,
	} {
		err := id.WithClaims([]byte(object)).Claims(target)
		if !errors.Is(err, token.ErrInvalid) || strings.Contains(err.Error(), "secret-role") {
			t.Errorf("%s: %v", object, err)
		}
	}
	for _, target := range []any{nil, v, (*struct{})(nil), 1} {
		if err := id.Claims(target); err == nil || errors.Is(err, token.ErrInvalid) {
			t.Errorf("into %T: %v", target, err)
		}
	}
}

// Claims may be personal data: an identity does not print them.
func TestIdentityPrints(t *testing.T) {
	id := token.Identity{UserID: "u", SessionID: "s", TokenID: "t"}.WithClaims([]byte(`{"role":"secret-role"}`))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		if got := fmt.Sprintf(verb, id); got != "u" {
			t.Errorf("%s: %s", verb, got)
		}
	}
	var b strings.Builder
	slog.New(slog.NewTextHandler(&b, nil)).Info("", "id", id)
	if got := b.String(); !strings.Contains(got, "id.user=u id.session=s id.token=t") || strings.Contains(got, "secret") {
		t.Error(got)
	}
}
