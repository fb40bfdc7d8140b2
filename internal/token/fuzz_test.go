package token_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"

	"github.com/seed89488a0c/auth/internal/token"
)

// stricter reports whether a text that encoding/json takes has something that
// we refuse: a bad encoding, a name twice, half a surrogate pair, or depth.
func stricter(src string) bool {
	if !utf8.ValidString(src) || loneSurrogate(src) {
		return true
	}
	d := json.NewDecoder(strings.NewReader(src))
	d.UseNumber()
	var names []map[string]bool // of the objects and arrays around; nil: an array
	var key []bool              // whether a name is next
	for {
		tok, err := d.Token()
		if err != nil {
			return false
		}
		top := len(names) - 1
		if top >= 0 && names[top] != nil && key[top] && tok != json.Delim('}') {
			name := tok.(string)
			if names[top][name] {
				return true
			}
			names[top][name], key[top] = true, false
			continue
		}
		switch tok {
		case json.Delim('{'):
			names, key = append(names, map[string]bool{}), append(key, true)
			if len(names) > 16 {
				return true
			}
			continue
		case json.Delim('['):
			names, key = append(names, nil), append(key, false)
			if len(names) > 16 {
				return true
			}
			continue
		case json.Delim('}'), json.Delim(']'):
			names, key = names[:top], key[:top]
			top--
		}
		if top >= 0 {
			key[top] = true
		}
	}
}

// loneSurrogate looks for \uD800 to \uDFFF that are not in pairs, in a valid
// text, by what encoding/json makes of each such escape.
func loneSurrogate(src string) bool {
	for i := 0; i < len(src); i++ {
		if src[i] != '\\' {
			continue
		}
		if i+6 > len(src) || src[i+1] != 'u' {
			i++
			continue
		}
		for _, size := range []int{6, 12} {
			var s string
			if i+size > len(src) || json.Unmarshal([]byte(`"`+src[i:i+size]+`"`), &s) != nil {
				if size == 12 {
					return true
				}
				return false // not valid anyway
			}
			if s != "\ufffd" && (size == 6 || utf8.RuneCountInString(s) == 1) {
				i += size - 1
				break
			}
			if strings.EqualFold(src[i:i+6], `\ufffd`) {
				i += 5
				break
			}
			if size == 12 {
				return true
			}
		}
	}
	return false
}

// checkReference holds an accepted token against golang-jwt, with all that it
// can demand, and against its own parts written anew.
func checkReference(t *testing.T, text string, got token.Identity, now time.Time) {
	t.Helper()
	m := jwt.MapClaims{}
	parsed, err := jwt.NewParser(
		jwt.WithStrictDecoding(), jwt.WithJSONNumber(), jwt.WithIssuer(issuer), jwt.WithAudience(audience),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithTimeFunc(func() time.Time { return now }),
		jwt.WithValidMethods([]string{"HS256", "EdDSA"}),
	).ParseWithClaims(text, m, func(p *jwt.Token) (any, error) {
		for _, s := range signers() {
			if p.Header["kid"] == s.keyID() && p.Method == s.method {
				return s.public, nil
			}
		}
		return nil, errors.New("no key")
	})
	if err != nil {
		t.Fatalf("golang-jwt refuses what we accept: %v\n%s", err, text)
	}
	number := func(name string) time.Time {
		n, err := m[name].(json.Number).Int64()
		return time.Unix(must(t, n, err), 0).UTC()
	}
	str := func(name string) string { s, _ := m[name].(string); return s }
	aud, err := m.GetAudience()
	if err != nil || !slices.Contains(aud, audience) {
		t.Fatalf("aud %v, %v", aud, err)
	}
	want := token.Claims{
		Issuer: str("iss"), Audience: aud[0], OtherAudiences: aud[1:], Subject: str("sub"), ClientID: str("client_id"), ID: str("jti"), SessionID: str("sid"),
		IssuedAt: number("iat"), NotBefore: number("nbf"), ExpiresAt: number("exp"), AuthTime: number("auth_time"),
	}
	wantIdentity(t, got, nil, want)
	all := map[string]any{}
	if err := got.Claims(&all); err == nil && len(all) != len(m) { // an error: names that differ only in case
		t.Errorf("Claims gives %v, want %v", all, m)
	}

	parts := strings.Split(text, ".")
	for i := range parts {
		parts[i] = encode(decode(t, parts[i]))
	}
	if again := strings.Join(parts, "."); again != text {
		t.Errorf("another spelling: %q, %q", text, again)
	}
	for _, s := range signers() {
		if parsed.Method == s.method && s.seal(t, parts[0]+"."+parts[1]) != text {
			t.Errorf("another signature: %q", text)
		}
	}
}

func checkReason(t *testing.T, id token.Identity, err error) {
	t.Helper()
	var e *token.Error
	if !errors.As(err, &e) || !slices.Contains([]string{
		token.ReasonTooLarge, token.ReasonMalformed, token.ReasonEncoding, token.ReasonHeader, token.ReasonCrit, token.ReasonType,
		token.ReasonUnknownKey, token.ReasonAlgorithm, token.ReasonSignature, token.ReasonDuplicateMember, token.ReasonClaims,
		token.ReasonIssuer, token.ReasonAudience, token.ReasonNotYetValid, token.ReasonIssuedInFuture, token.ReasonExpired,
	}, e.Reason) {
		t.Errorf("error %v", err)
	}
	if id != (token.Identity{}) {
		t.Errorf("an identity beside an error: %s", show(id))
	}
}

// FuzzParse parses any text.
func FuzzParse(f *testing.F) {
	p := newParser(f, ourRules(f))
	remembering := ourRules(f)
	remembering.Cache = 8
	q := newParser(f, remembering)
	for _, s := range signers() {
		text := s.mint(f, s.header, payload)
		for _, seed := range []string{
			text, text + "\n", text + "=", text[:len(text)-1], strings.ToUpper(text), "." + text, text + ".", text + ".a.b",
			text[:strings.LastIndex(text, ".")+1], s.mint(f, s.header, payload+" "), s.mint(f, strings.Replace(s.header, "at+jwt", "JWT", 1), payload),
			s.mint(f, `{"alg":"none"}`, payload), s.mint(f, s.header, "{}"),
		} {
			f.Add(seed)
		}
	}
	for _, seed := range []string{"", "..", "a.b.c", "e30.e30.e30", `{"payload":"e30"}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := p.Parse(text, at(1))
		for range 2 {
			if again, err2 := q.Parse(text, at(1)); c.Said() != again.Said() || !reflect.DeepEqual(err, err2) {
				t.Errorf("without a cache %s, %v, with one %s, %v", show(c), err, show(again), err2)
			}
		}
		if err != nil {
			checkReason(t, c, err)
			return
		}
		checkReference(t, text, c, at(1))
	})
}

// FuzzPayload parses any header and payload that are rightly signed, so that
// nothing but their content decides.
func FuzzPayload(f *testing.F) {
	p := newParser(f, ourRules(f))
	for i, s := range signers() {
		for _, seed := range []string{
			payload, "", "{}", "[]", payload + " ", payload + "{}", "\ufeff" + payload,
			strings.Replace(payload, `"api"`, `["api","b"]`, 1),
			strings.Replace(payload, `"sub"`, `"\u0073ub":"a","sub"`, 1),
			strings.Replace(payload, `user-1`, `\ud83e\udd8a\/\"\\\n`, 1),
			strings.Replace(payload, `user-1`, `\ud83e`, 1),
			strings.Replace(payload, `1699999000`, `1699999000,"x":{"a":[1,-0.5e-7,true,null,"b"]}`, 1),
			strings.Replace(payload, `"iss"`, `"ISS":1,"iss"`, 1),
			strings.Replace(payload, `1700000900`, `1e300`, 1),
		} {
			f.Add(s.header, seed, i == 0)
		}
		f.Add(strings.Replace(s.header, `{`, `{"crit":["b64"],"b64":false,`, 1), payload, i == 0)
		f.Add(strings.Replace(s.header, `at+jwt`, `\u0061t+JWT`, 1), payload, i == 0)
		f.Add(strings.Replace(s.header, `{`, `{"alg":"none",`, 1), payload, i == 0)
	}
	f.Fuzz(func(t *testing.T, header, payload string, hmac bool) {
		s := edSigner()
		if hmac {
			s = hmacSigner()
		}
		text := s.mint(t, header, payload)
		c, err := p.Parse(text, at(1))
		if err != nil {
			checkReason(t, c, err)
			return
		}
		checkReference(t, text, c, at(1))
	})
}

// FuzzJSON holds the scanner against encoding/json, in both directions.
// ASVS 5.0 1.5.3
func FuzzJSON(f *testing.F) {
	for _, src := range jsonTexts() {
		f.Add(src)
	}
	f.Add(payload)
	f.Fuzz(func(t *testing.T, src string) { checkJSON(t, src) })
}
