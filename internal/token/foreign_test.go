package token_test

import (
	"errors"
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
		"no kid, two keys":   {func(r *rules) { r.keys[1] = withID(t, hmacKey(t, "e"), "e") }, `{"alg":"HS256","typ":"at+jwt"}`, token.ReasonUnknownKey, false},
		"no kid, one by alg": {nil, `{"alg":"HS256","typ":"at+jwt"}`, "", true},
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

// TestUnaskedClaims: what others mean by a claim that nobody asked for refuses no
// token. It does where it is asked for, and in our own.
func TestUnaskedClaims(t *testing.T) {
	s := hmacSigner()
	values := map[string][]string{
		"client_id": {"null", "1", `""`, `["app"]`, `{"a":{}}`, `"a\u0000"`},
		"jti":       {"null", "1", `""`, "[]", "true"},
		"sid":       {"null", "7", `""`, `{"id":[{}]}`},
		"acr":       {"null", "0", `""`, `["1"]`, "1.5"},
		"amr":       {"null", `"pwd"`, `"pwd otp"`, "1", "{}", `[{"method":"password","timestamp":1700000000}]`, `["pwd",null]`, `["pwd",{"a":[]},"otp"]`, `["pwd otp"]`, `[""]`, `[["pwd"]]`},
		"auth_time": {"null", `"1699999000"`, "-1", "1e300", "[]", "{}", "1700000001", "9999999999"},
	}
	for claim, list := range values {
		for _, value := range list {
			body := strings.TrimSuffix(payload, "}") + "}"
			if strings.Contains(payload, `"`+claim+`"`) {
				body = remove(t, claim)
			}
			body = strings.TrimSuffix(body, "}") + `,"` + claim + `":` + value + `,"last":[1]}`
			text := s.mint(t, s.header, body)

			r := foreignRules(t)
			r.Foreign.Required = []string{}
			id, err := newParser(t, r).Parse(text, at(1))
			want := claims()
			switch claim {
			case "client_id":
				want.ClientID = ""
			case "jti":
				want.ID = ""
			case "sid":
				want.SessionID = ""
			case "auth_time":
				want.AuthTime = time.Time{}
			}
			if err != nil {
				t.Errorf("%s %s: %v", claim, value, err)
				continue
			}
			wantIdentity(t, id, err, want)

			r.Foreign.Required = []string{claim}
			id, err = newParser(t, r).Parse(text, at(1))
			wantClaim(t, id, err, claim)
			r.Foreign = nil
			id, err = newParser(t, r).Parse(text, at(1))
			wantClaim(t, id, err, claim)
		}
	}
	// What is not JSON, or ambiguous, is wrong wherever it is.
	for value, reason := range map[string]string{
		`[{"a":1,"a":2}]`: token.ReasonDuplicateMember, `[{"a":1]`: token.ReasonClaims, `["\ud800"]`: token.ReasonClaims, `tru`: token.ReasonClaims,
		nested("[", "]", 16): token.ReasonClaims, nested("[", "]", 15): "",
	} {
		id, err := newParser(t, foreignRules(t)).Parse(s.mint(t, s.header, with(payload, `"amr":`+value)), at(1))
		if reason != "" {
			wantReason(t, id, err, reason)
		} else {
			wantIdentity(t, id, err, claims())
		}
	}
}

// wantClaim is wantReason for ReasonClaims, with the claim that it names.
func wantClaim(t testing.TB, id token.Identity, err error, claim string) {
	t.Helper()
	wantReason(t, id, err, token.ReasonClaims)
	if e, ok := errors.AsType[*token.Error](err); ok && e.Claim != claim {
		t.Errorf("the claim is %q, want %q", e.Claim, claim)
	}
}

// TestErrorsNameTheClaim: the faults that were all "claims" are told apart, by a name
// that the rules have and never one that only the token has.
func TestErrorsNameTheClaim(t *testing.T) {
	s := hmacSigner()
	own, foreign := newParser(t, ourRules(t)), foreignRules(t)
	foreign.Foreign.Required = append(foreign.Foreign.Required, "tenant")
	tenant := newParser(t, foreign)
	for _, name := range strings.Fields("iss sub aud client_id jti iat nbf exp auth_time") {
		id, err := own.Parse(s.mint(t, s.header, remove(t, name)), at(1))
		wantClaim(t, id, err, name)
	}
	for _, name := range strings.Fields("iss sub aud client_id jti sid iat nbf exp auth_time") {
		id, err := own.Parse(s.mint(t, s.header, with(remove(t, name), `"`+name+`":{}`)), at(1))
		wantClaim(t, id, err, name)
		if strings.Contains("iss sub aud iat nbf exp client_id jti", name) { // the last two are required
			id, err = tenant.Parse(s.mint(t, s.header, with(remove(t, name), `"`+name+`":{},"tenant":1`)), at(1))
			wantClaim(t, id, err, name)
		}
	}
	for body, claim := range map[string]string{
		with(payload, `"amr":1`):                         "amr",
		with(payload, `"acr":1`):                         "acr",
		change(t, payload, "1700000900", "1700000000"):   "exp",
		change(t, payload, "1699999000", "1700000001"):   "auth_time",
		with(payload, `"secret-name":tru`):               "",
		with(payload, `"secret-name":"\ud800"`):          "",
		"[]":                                             "",
		payload + payload:                                "",
		change(t, payload, `"exp":1700000900`, `"exp":`): "exp",
	} {
		id, err := own.Parse(s.mint(t, s.header, body), at(1))
		wantClaim(t, id, err, claim)
	}
	id, err := tenant.Parse(s.mint(t, s.header, payload), at(1))
	wantClaim(t, id, err, "tenant")
	if err.Error() != "auth: invalid token: claims: tenant" {
		t.Errorf("the text is %q", err)
	}
	for _, r := range []rules{ourRules(t), foreignRules(t)} { // no other reason has a claim
		id, err := newParser(t, r).Parse(s.mint(t, s.header, change(t, payload, `"api"`, `"b"`)), at(1))
		wantReason(t, id, err, token.ReasonAudience)
		if err.Error() != "auth: invalid token: audience" {
			t.Errorf("the text is %q", err)
		}
	}
}

// TestForeignKeys chooses a key by kid and alg, and by each name of an algorithm.
func TestForeignKeys(t *testing.T) {
	e, h := edSigner(), hmacSigner()
	one, other := withID(t, edKey(t, "e"), "k"), withID(t, edKey(t, "other"), "o")
	hs := withID(t, hmacKey(t, "h"), "k")
	twin := withID(t, edKey(t, "e"), "twin")
	for _, tt := range []struct {
		name   string
		keys   []token.Key
		signer signer
		header string
		reason string
	}{
		{"one kid, first alg", []token.Key{one, hs}, e, `{"alg":"EdDSA","kid":"k"}`, ""},
		{"one kid, second alg", []token.Key{one, hs}, h, `{"alg":"HS256","kid":"k"}`, ""},
		{"one kid, no such alg", []token.Key{one, hs}, h, `{"alg":"HS384","kid":"k"}`, token.ReasonAlgorithm},
		{"one kid, signed by the other", []token.Key{one, hs}, h, `{"alg":"EdDSA","kid":"k"}`, token.ReasonSignature},
		{"RFC 9864", []token.Key{one, hs}, e, `{"alg":"Ed25519","kid":"k"}`, ""},
		{"RFC 9864 in another case", []token.Key{one, hs}, e, `{"alg":"ed25519","kid":"k"}`, token.ReasonAlgorithm},
		{"RFC 9864 for another kind", []token.Key{hs}, h, `{"alg":"Ed25519","kid":"k"}`, token.ReasonAlgorithm},
		{"no kid, one by alg", []token.Key{other, hs}, h, `{"alg":"HS256"}`, ""},
		{"no kid, one by the other name", []token.Key{one, hs}, e, `{"alg":"Ed25519"}`, ""},
		{"no kid, two by alg", []token.Key{one, other, hs}, e, `{"alg":"EdDSA"}`, token.ReasonUnknownKey},
		{"no kid, one key of two names", []token.Key{one, twin, hs}, e, `{"alg":"EdDSA"}`, ""},
		{"no kid, one key of two names and another", []token.Key{one, other, twin}, e, `{"alg":"EdDSA"}`, token.ReasonUnknownKey},
		{"no kid, another first", []token.Key{other, one, twin}, e, `{"alg":"EdDSA"}`, token.ReasonUnknownKey},
		{"no kid, none by alg", []token.Key{one, other}, h, `{"alg":"HS256"}`, token.ReasonAlgorithm},
		{"no kid, alg none", []token.Key{one}, e, `{"alg":"none"}`, token.ReasonAlgorithm},
		{"no kid, no alg", []token.Key{one}, e, `{}`, token.ReasonAlgorithm},
		{"another kid", []token.Key{one}, e, `{"alg":"EdDSA","kid":"x"}`, token.ReasonUnknownKey},
		{"no keys", nil, e, `{"alg":"EdDSA","kid":"x"}`, token.ReasonUnknownKey},
		{"no keys, no kid", nil, e, `{"alg":"EdDSA"}`, token.ReasonUnknownKey},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := foreignRules(t)
			r.Foreign.AnyType, r.Cache = true, 8
			p, err := token.NewParser(r.Rules)
			must(t, p, err)
			keys, text := token.NewForeignSet(tt.keys), tt.signer.mint(t, tt.header, payload)
			for range 2 { // the second is remembered
				id, err := p.Parse(keys, text, at(1))
				if tt.reason == "" {
					wantIdentity(t, id, err, claims())
				} else {
					wantReason(t, id, err, tt.reason)
				}
			}
			if tt.reason == "" { // what is remembered needs its key
				id, err := p.Parse(token.NewForeignSet([]token.Key{withID(t, other, "k"), withID(t, hmacKey(t, "x"), "k")}), text, at(1))
				wantReasonNot(t, err, "")
				if id != (token.Identity{}) {
					t.Error("an identity beside an error")
				}
			}
		})
	}
}

// TestForeignClients: tokens without aud or sub are for the clients that are named.
func TestForeignClients(t *testing.T) {
	s := hmacSigner()
	bare := change(t, remove(t, "aud"), `"client_id":"app"`, `"client_id":"cognito"`)
	service := change(t, remove(t, "sub"), `"client_id":"app"`, `"client_id":"worker"`)
	for _, tt := range []struct {
		name     string
		audience string
		foreign  token.Foreign
		body     string
		reason   string
		user     string
	}{
		{"no aud, its client", audience, token.Foreign{NoAudience: []string{"x", "cognito"}}, bare, "", "user-1"},
		{"no aud, its client, no audience of ours", "", token.Foreign{NoAudience: []string{"cognito"}}, bare, "", "user-1"},
		{"no aud, another client", audience, token.Foreign{NoAudience: []string{"cognit"}}, bare, token.ReasonAudience, ""},
		{"no aud, no client", audience, token.Foreign{NoAudience: []string{"cognito"}}, change(t, bare, `"client_id":"cognito",`, ""), token.ReasonAudience, ""},
		{"no aud, a client that is none", audience, token.Foreign{NoAudience: []string{"cognito"}}, change(t, bare, `"cognito"`, `["cognito"]`), token.ReasonAudience, ""},
		{"no aud, nobody named", audience, token.Foreign{}, bare, token.ReasonClaims, ""},
		{"no aud, but required", audience, token.Foreign{NoAudience: []string{"cognito"}, Required: []string{"aud"}}, bare, token.ReasonClaims, ""},
		{"our aud", audience, token.Foreign{NoAudience: []string{"cognito"}}, payload, "", "user-1"},
		{"another aud, its client", audience, token.Foreign{NoAudience: []string{"app"}}, change(t, payload, `"api"`, `"b"`), token.ReasonAudience, ""},
		{"any aud, no audience of ours", "", token.Foreign{NoAudience: []string{"app"}}, payload, token.ReasonAudience, ""},
		{"empty aud, its client", "", token.Foreign{NoAudience: []string{"cognito"}}, with(bare, `"aud":""`), token.ReasonClaims, ""},
		{"null aud, its client", "", token.Foreign{NoAudience: []string{"cognito"}}, with(bare, `"aud":null`), token.ReasonClaims, ""},

		{"no sub, its client", audience, token.Foreign{NoSubject: []string{"worker"}}, service, "", "worker"},
		{"no sub, another client", audience, token.Foreign{NoSubject: []string{"w"}}, service, token.ReasonClaims, ""},
		{"no sub, no client", audience, token.Foreign{NoSubject: []string{"worker"}}, change(t, service, `"client_id":"worker",`, ""), token.ReasonClaims, ""},
		{"no sub, nobody named", audience, token.Foreign{}, service, token.ReasonClaims, ""},
		{"empty sub, its client", audience, token.Foreign{NoSubject: []string{"worker"}}, with(service, `"sub":""`), token.ReasonClaims, ""},
		{"null sub, its client", audience, token.Foreign{NoSubject: []string{"worker"}}, with(service, `"sub":null`), token.ReasonClaims, ""},
		{"a sub, its client", audience, token.Foreign{NoSubject: []string{"app"}}, payload, "", "user-1"},
		{"no sub, but required", audience, token.Foreign{NoSubject: []string{"worker"}, Required: []string{"sub"}}, service, token.ReasonClaims, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := foreignRules(t)
			r.Audience, r.Foreign = tt.audience, &tt.foreign
			p := newParser(t, r)
			clear(tt.foreign.NoAudience) // the parser has its own
			clear(tt.foreign.NoSubject)
			id, err := p.Parse(s.mint(t, s.header, tt.body), at(1))
			if tt.reason != "" {
				wantReason(t, id, err, tt.reason)
			} else if err != nil || id.UserID != tt.user || (id.Audience == "") == strings.Contains(tt.body, `"aud"`) {
				t.Errorf("user %q, want %q, of the audience %q: %v", id.UserID, tt.user, id.Audience, err)
			}
		})
	}
}

// TestForeignLimits: skew, audiences and size that are configured.
func TestForeignLimits(t *testing.T) {
	s := hmacSigner()
	parse := func(change func(*token.Rules), body string) (token.Identity, error) {
		r := foreignRules(t)
		change(&r.Rules)
		return newParser(t, r).Parse(s.mint(t, s.header, body), at(-60))
	}
	minute := func(r *token.Rules) { r.Skew = time.Minute }
	id, err := parse(minute, payload)
	wantIdentity(t, id, err, claims())
	id, err = parse(func(r *token.Rules) { r.Skew = time.Minute - 1 }, payload)
	wantReason(t, id, err, token.ReasonNotYetValid)
	id, err = parse(minute, change(t, payload, `"iat":1700000000`, `"iat":1700000001`))
	wantReason(t, id, err, token.ReasonIssuedInFuture)

	accept := func(r *token.Rules) {
		r.Skew, r.Audience, r.AcceptAudiences = time.Minute, "new", []string{"old", "api"}
	}
	id, err = parse(accept, payload)
	wantIdentity(t, id, err, claims())
	for aud, want := range map[string]bool{`"new"`: true, `"old"`: true, `"ne"`: false, `["x","old"]`: true, `["x","y"]`: false, `[]`: false, `[""]`: false} {
		if _, err := parse(accept, change(t, payload, `"api"`, aud)); (err == nil) != want {
			t.Errorf("%s: %v", aud, err)
		}
	}

	long := with(payload, `"x":"`+strings.Repeat("x", 40<<10)+`"`)
	id, err = parse(minute, long)
	wantReason(t, id, err, token.ReasonTooLarge)
	id, err = parse(func(r *token.Rules) { r.Skew, r.MaxSize = time.Minute, token.MaxForeignSize }, long)
	wantIdentity(t, id, err, claims())
	size := len(s.mint(t, s.header, payload))
	id, err = parse(func(r *token.Rules) { r.Skew, r.MaxSize = time.Minute, size }, payload)
	wantIdentity(t, id, err, claims())
	id, err = parse(func(r *token.Rules) { r.Skew, r.MaxSize = time.Minute, size-1 }, payload)
	wantReason(t, id, err, token.ReasonTooLarge)
}
