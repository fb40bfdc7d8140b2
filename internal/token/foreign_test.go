package token_test

import (
	"strings"
	"testing"
	"time"

	"github.com/seed89488a0c/auth/internal/token"
)

// foreignRules demand what RFC 9068 §2.2 does.
func foreignRules(t testing.TB) rules {
	t.Helper()
	r := ourRules(t)
	r.Foreign = &token.Foreign{Required: []string{"client_id", "iat", "jti"}}
	return r
}

// remove takes one claim out of a payload.
func remove(t testing.TB, name string) string {
	t.Helper()
	i := strings.Index(payload, `"`+name+`"`)
	if i < 0 {
		t.Fatalf("no %s", name)
	}
	rest := payload[i:]
	end := strings.IndexByte(rest, ',')
	if end < 0 {
		return payload[:i-1] + "}"
	}
	return payload[:i] + rest[end+1:]
}

func TestForeignRequired(t *testing.T) {
	for name, tt := range map[string]struct {
		foreign  token.Foreign
		required string
	}{
		"RFC 9068":     {token.Foreign{Required: []string{"client_id", "iat", "jti"}}, "iss sub aud exp client_id iat jti"},
		"the least":    {token.Foreign{}, "iss sub aud exp"},
		"one more":     {token.Foreign{Required: []string{"sid"}}, "iss sub aud exp sid"},
		"one twice":    {token.Foreign{Required: []string{"exp", "exp"}}, "iss sub aud exp"},
		"all":          {token.Foreign{Required: strings.Fields("client_id jti sid iat nbf auth_time")}, "iss sub aud exp client_id jti sid iat nbf auth_time"},
		"one of their": {token.Foreign{Required: []string{"scope"}}, "iss sub aud exp scope"},
	} {
		r := foreignRules(t)
		r.Foreign = &tt.foreign
		p := newParser(t, r)
		s := hmacSigner()
		for _, claim := range strings.Fields("iss sub aud client_id jti sid iat nbf exp auth_time") {
			body := remove(t, claim)
			if strings.Contains(tt.required, "scope") {
				body = body[:len(body)-1] + `,"scope":"read"}`
			}
			id, err := p.Parse(s.mint(t, s.header, body), at(1))
			if needed := strings.Contains(" "+tt.required+" ", " "+claim+" "); needed {
				wantReason(t, id, err, token.ReasonClaims)
			} else if err != nil {
				t.Errorf("%s: without %s: %v", name, claim, err)
			}
		}
		if strings.Contains(tt.required, "scope") {
			id, err := p.Parse(s.mint(t, s.header, payload), at(1))
			wantReason(t, id, err, token.ReasonClaims)
		}
	}
}

func TestForeignHeader(t *testing.T) {
	s := hmacSigner()
	for name, tt := range map[string]struct {
		change  func(*rules)
		header  string
		reason  string
		foreign bool // whether foreign rules differ from ours in this
	}{
		"as ours":            {nil, s.header, "", false},
		"x5t":                {nil, `{"alg":"HS256","kid":"h","typ":"at+jwt","x5t":"abc"}`, "", true},
		"jku is not read":    {nil, `{"alg":"HS256","kid":"h","typ":"at+jwt","jku":"https://attacker.example"}`, "", true},
		"jwk is not read":    {nil, `{"alg":"HS256","kid":"h","typ":"at+jwt","jwk":{"kty":"oct","k":"AA"}}`, "", true},
		"jwk names no key":   {nil, `{"alg":"HS256","kid":"x","typ":"at+jwt","jwk":{"kty":"oct","k":"AA"}}`, token.ReasonUnknownKey, false},
		"crit":               {nil, `{"alg":"HS256","kid":"h","typ":"at+jwt","crit":["exp"]}`, token.ReasonCrit, false},
		"b64":                {nil, `{"alg":"HS256","kid":"h","typ":"at+jwt","b64":false}`, token.ReasonHeader, false},
		"zip":                {nil, `{"alg":"HS256","kid":"h","typ":"at+jwt","zip":"DEF"}`, token.ReasonHeader, false},
		"enc":                {nil, `{"alg":"HS256","kid":"h","typ":"at+jwt","enc":"A128GCM"}`, token.ReasonHeader, false},
		"typ JWT":            {nil, `{"alg":"HS256","kid":"h","typ":"JWT"}`, token.ReasonType, false},
		"no typ":             {nil, `{"alg":"HS256","kid":"h"}`, token.ReasonType, false},
		"any type: JWT":      {func(r *rules) { r.Foreign.AnyType = true }, `{"alg":"HS256","kid":"h","typ":"JWT"}`, "", true},
		"any type: none":     {func(r *rules) { r.Foreign.AnyType = true }, `{"alg":"HS256","kid":"h"}`, "", true},
		"any type: a number": {func(r *rules) { r.Foreign.AnyType = true }, `{"alg":"HS256","kid":"h","typ":1}`, token.ReasonHeader, false},
		"no kid, two keys":   {nil, `{"alg":"HS256","typ":"at+jwt"}`, token.ReasonUnknownKey, false},
		"no kid, one key":    {func(r *rules) { r.keys = r.keys[:1] }, `{"alg":"HS256","typ":"at+jwt"}`, "", true},
		"no kid, other alg":  {func(r *rules) { r.keys = r.keys[1:] }, `{"alg":"HS256","typ":"at+jwt"}`, token.ReasonAlgorithm, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := foreignRules(t)
			if tt.change != nil {
				tt.change(&r)
			}
			text := s.mint(t, tt.header, payload)
			id, err := newParser(t, r).Parse(text, at(1))
			if tt.reason == "" {
				wantIdentity(t, id, err, claims())
			} else {
				wantReason(t, id, err, tt.reason)
			}
			r.Foreign = nil
			id, err = newParser(t, r).Parse(text, at(1))
			if tt.reason == "" && !tt.foreign {
				wantIdentity(t, id, err, claims())
			} else if err == nil {
				t.Errorf("our own parser takes it: %s", show(id))
			}
		})
	}
}

// TestForeignTimes reads times as others write them (RFC 7519 §2).
func TestForeignTimes(t *testing.T) {
	p := newParser(t, foreignRules(t))
	s := hmacSigner()
	for text, want := range map[string]int64{
		"1700000900": 1700000900, "1700000900.0": 1700000900, "1700000900.999": 1700000900, "1700000900.9999999999999999": 1700000900, "1.7000009e9": 1700000900, "17000009E2": 1700000900,
		"253402300799": 253402300799, "253402300800": -1, "1e300": -1, "1e999": -1, "-1": -1, "-0.5": -1, `"1700000900"`: -1, "null": -1, "true": -1, "[1700000900]": -1,
	} {
		id, err := p.Parse(s.mint(t, s.header, change(t, payload, `"exp":1700000900`, `"exp":`+text)), at(1))
		if want < 0 {
			wantReason(t, id, err, token.ReasonClaims)
		} else if err != nil || !id.ExpiresAt.Equal(time.Unix(want, 0)) {
			t.Errorf("%s: %v, %v", text, id.ExpiresAt, err)
		}
	}
}

// TestForeignExpired: nothing else may be wrong with an expired token.
func TestForeignExpired(t *testing.T) {
	p := newParser(t, foreignRules(t))
	s := hmacSigner()
	for _, body := range []string{payload, remove(t, "jti"), change(t, payload, `"aud":"api"`, `"aud":"b"`), change(t, payload, `"iss":"`, `"iss":"x`)} {
		id, err := p.Parse(s.mint(t, s.header, body), at(2*lifetime))
		if body == payload {
			wantReason(t, id, err, token.ReasonExpired)
		} else if wantReasonNot(t, err, token.ReasonExpired); id != (token.Identity{}) {
			t.Error("an identity beside an error")
		}
	}
}
