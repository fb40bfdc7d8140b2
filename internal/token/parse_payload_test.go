package token_test

import (
	"strings"
	"testing"
	"time"

	"github.com/seed89488a0c/auth/internal/token"
)

// TestParsePayload changes the payload of a token that is then rightly signed.
func TestParsePayload(t *testing.T) {
	p := newParser(t, ourRules(t))
	checkValid(t, p)
	const closing = "1699999000}"
	type row struct{ name, old, new, reason string }
	rows := []row{
		{"not JSON", "", "payload", token.ReasonClaims},
		{"array", "", "[]", token.ReasonClaims},
		{"array around", "", "[" + payload + "]", token.ReasonClaims},
		{"string", "", `"a"`, token.ReasonClaims},
		{"null", "", "null", token.ReasonClaims},
		{"nothing in it", "", "{}", token.ReasonClaims},
		{"nested token", "", hmacSigner().mint(t, hmacSigner().header, payload), token.ReasonClaims},
		{"nested token, quoted", "", `"` + hmacSigner().mint(t, hmacSigner().header, payload) + `"`, token.ReasonClaims},
		{"cut", closing, "1699999000", token.ReasonClaims},
		{"second object", closing, closing + "{}", token.ReasonClaims},
		{"second payload", closing, closing + payload, token.ReasonClaims},
		{"trailing comma", closing, "1699999000,}", token.ReasonClaims},
		{"trailing NUL", closing, closing + "\x00", token.ReasonClaims},
		{"trailing text", closing, closing + "x", token.ReasonClaims},
		{"no comma", `,"sub"`, `"sub"`, token.ReasonClaims},
		{"no colon", `"sub":`, `"sub"`, token.ReasonClaims},
		{"byte order mark", `{"iss"`, "\ufeff" + `{"iss"`, token.ReasonClaims},
		{"vertical tab", `{"iss"`, "\v" + `{"iss"`, token.ReasonClaims},
		{"no-break space", `{"iss"`, "\u00a0" + `{"iss"`, token.ReasonClaims},
		{"deflated", "", "\x78\x9c\xab\x56", token.ReasonClaims},

		{"iss another", "issuer.example", "evil.example", token.ReasonIssuer},
		{"iss with a slash", "issuer.example", "issuer.example/", token.ReasonIssuer},
		{"iss in upper case", "issuer.example", "ISSUER.example", token.ReasonIssuer},
		{"iss with a space", "issuer.example", "issuer.example ", token.ReasonIssuer},
		{"iss an array", `"https://issuer.example"`, `["https://issuer.example"]`, token.ReasonClaims},
		{"iss in upper case beside none", `"iss"`, `"ISS"`, token.ReasonClaims},
		{"sub with a long s beside none", `"sub"`, `"ſub"`, token.ReasonClaims},

		{"aud another", `"api"`, `"app"`, token.ReasonAudience},
		{"aud in upper case", `"api"`, `"API"`, token.ReasonAudience},
		{"aud a prefix", `"api"`, `"api2"`, token.ReasonAudience},
		{"aud a list in a string", `"api"`, `"api other"`, token.ReasonAudience},
		{"aud an array of others", `"api"`, `["a","b"]`, token.ReasonAudience},
		{"aud an array in an array", `"api"`, `[["api"]]`, token.ReasonClaims},
		{"aud an array with a number", `"api"`, `["api",1]`, token.ReasonClaims},
		{"aud an array with null", `"api"`, `["api",null]`, token.ReasonClaims},
		{"aud an array with an empty string", `"api"`, `["api",""]`, token.ReasonClaims},
		{"aud an array with a control character", `"api"`, `["api","\u0000"]`, token.ReasonClaims},
		{"aud an empty array", `"api"`, `[]`, token.ReasonClaims},
		{"aud an array with a comma", `"api"`, `["api",]`, token.ReasonClaims},
		{"aud an array not closed", `"api"`, `["api"`, token.ReasonClaims},
		{"aud an object", `"api"`, `{"api":true}`, token.ReasonClaims},

		{"exp at iat", "1700000900", "1700000000", token.ReasonClaims},
		{"exp before iat", "1700000900", "1699999999", token.ReasonClaims},
		{"exp at nbf", `"nbf":1700000000`, `"nbf":1700000900`, token.ReasonClaims},
		{"auth_time after iat", "1699999000", "1700000001", token.ReasonClaims},
		{"exp past", "1700000900", "1700000001", token.ReasonExpired},
		{"nbf in the future", `"nbf":1700000000`, `"nbf":1700000002`, token.ReasonNotYetValid},
		{"iat in the future", `"iat":1700000000`, `"iat":1700000002`, token.ReasonIssuedInFuture},

		// exp comes last: a token with any other fault is not "expired".
		{"expired, iss another", "", expired(t, "issuer.example", "evil.example"), token.ReasonIssuer},
		{"expired, aud another", "", expired(t, `"api"`, `"app"`), token.ReasonAudience},
		{"expired, sub absent", "", expired(t, `"sub":"user-1",`, ""), token.ReasonClaims},
		{"expired, sub twice", "", expired(t, `"sub"`, `"sub":"user-1","sub"`), token.ReasonDuplicateMember},
		{"expired and nothing else", "", expired(t, `"app"`, `"app"`), token.ReasonExpired},

		{"iss twice", closing, `1699999000,"iss":"https://issuer.example"}`, token.ReasonDuplicateMember},
		{"sub twice", `"sub"`, `"sub":"admin","sub"`, token.ReasonDuplicateMember},
		{"sub twice, once escaped", `"sub"`, `"\u0073ub":"admin","sub"`, token.ReasonDuplicateMember},
		{"sub twice, once escaped in upper case", `"sub"`, `"s\u0075\u0062":"admin","sub"`, token.ReasonDuplicateMember},
		{"exp twice", closing, `1699999000,"exp":1700000900}`, token.ReasonDuplicateMember},
		{"aud twice", closing, `1699999000,"aud":"other"}`, token.ReasonDuplicateMember},
		{"unknown claim twice", closing, `1699999000,"x":1,"x":1}`, token.ReasonDuplicateMember},
		{"unknown claim twice, with a solidus", closing, `1699999000,"x/y":1,"x\/y":1}`, token.ReasonDuplicateMember},
		{"unknown claim twice, by a pair", closing, `1699999000,"🦊":1,"\ud83e\udd8a":1}`, token.ReasonDuplicateMember},
		{"empty name twice", closing, `1699999000,"":1,"":1}`, token.ReasonDuplicateMember},
		{"twice within", closing, `1699999000,"x":{"a":1,"b":2,"a":3}}`, token.ReasonDuplicateMember},
		{"twice deep within", closing, `1699999000,"x":[{"y":[{"a":1,"a":1}]}]}`, token.ReasonDuplicateMember},

		{"unknown claim of depth 16", closing, `1699999000,"x":` + nested("[", "]", 16) + "}", token.ReasonClaims},
		{"unknown claim of depth 16 in objects", closing, `1699999000,"x":` + nested(`{"x":`, "}", 15) + "}", token.ReasonClaims},
		{"depth bomb", "", strings.Repeat("[", 5000), token.ReasonClaims},
		{"depth bomb in a claim", `"api"`, strings.Repeat("[", 5000), token.ReasonClaims},
		{"depth bomb in an unknown claim", closing, `1699999000,"x":` + nested("[", "]", 2500) + "}", token.ReasonClaims},
		{"depth bomb of objects", closing, `1699999000,"x":` + strings.Repeat(`{"a":`, 1000), token.ReasonClaims},

		{"unknown claim not UTF-8", closing, "1699999000,\"x\":\"\xff\"}", token.ReasonClaims},
		{"unknown name not UTF-8", closing, "1699999000,\"x\xc0\x80\":1}", token.ReasonClaims},
		{"unknown claim with half a pair", closing, `1699999000,"x":"\ud800"}`, token.ReasonClaims},
		{"unknown claim bad", closing, `1699999000,"x":bad}`, token.ReasonClaims},
		{"unknown claim NaN", closing, `1699999000,"x":NaN}`, token.ReasonClaims},
		{"unknown claim with a leading zero", closing, `1699999000,"x":01}`, token.ReasonClaims},
	}
	for _, claim := range []struct{ name, value string }{
		{"iss", "https://issuer.example"}, {"sub", "user-1"}, {"aud", "api"}, {"client_id", "app"}, {"jti", "token-1"}, {"sid", "session-1"},
	} {
		old := `"` + claim.name + `":"` + claim.value + `"`
		if claim.name != "sid" {
			rows = append(rows,
				row{claim.name + " absent", old + ",", "", token.ReasonClaims},
				row{claim.name + " in upper case", `"` + claim.name + `"`, `"` + strings.ToUpper(claim.name) + `"`, token.ReasonClaims})
		}
		for _, v := range []string{
			`""`, `null`, `true`, `1`, `{}`, `{"a":"b"}`, `[null]`, `[1]`, `'a'`, `a`,
			`"a\u0000"`, `"a\n"`, `"\u007f"`, `"\u0085"`, `"\u001b[2J"`,
			"\"a\x00\"", "\"a\n\"", "\"a\x7f\"", "\"\u0085\"", "\"a\xff\"", "\"a\xed\xa0\x80\"", "\"a\xc0\xaf\"", "\"\xf4\x90\x80\x80\"",
			`"\ud800"`, `"\udc00"`, `"\ud800\ud800"`, `"\udc00\ud800"`, `"\ud800x"`, `"\ud800\n"`, `"\ud800\u0041"`, `"\ud83e \udd8a"`,
			`"\x41"`, `"\u00g1"`, `"\u 041"`, `"\u+041"`, `"\u12"`, `"\U0041"`, `"\0"`, `"\'"`, `"a`, `"a\"`,
		} {
			rows = append(rows, row{claim.name + " " + v, old, `"` + claim.name + `":` + v, token.ReasonClaims})
		}
	}
	for _, claim := range []struct{ name, value string }{
		{"iat", "1700000000"}, {"nbf", "1700000000"}, {"exp", "1700000900"}, {"auth_time", "1699999000"},
	} {
		old := `"` + claim.name + `":` + claim.value
		absent := row{claim.name + " absent", "," + old, "", token.ReasonClaims}
		rows = append(rows, absent, row{claim.name + " in upper case", `"` + claim.name + `"`, `"` + strings.ToUpper(claim.name) + `"`, token.ReasonClaims})
		for _, v := range []string{
			`"` + claim.value + `"`, `null`, `true`, `[` + claim.value + `]`, `{}`, `""`,
			claim.value + ".0", claim.value + ".5", claim.value + "e0", claim.value + "E+0", "17e8", "1.7e9", "0" + claim.value, "00", "+" + claim.value, "-" + claim.value,
			"-1", "-0", "0x6553f100", "1_700_000_000", ".5", "1.", "- 1", claim.value + " 0", "Infinity", "NaN", "-",
			"253402300800", "9223372036854775807", "9223372036854775808", "18446744073709551616", "18446744075409551616", "1e300", "1e999", "1e-1",
			strings.Repeat("9", 400), strings.Repeat("0", 400) + claim.value,
		} {
			rows = append(rows, row{claim.name + " " + v, old, `"` + claim.name + `":` + v, token.ReasonClaims})
		}
	}
	for _, s := range signers() {
		for _, tt := range rows {
			t.Run(s.method.Alg()+" "+tt.name, func(t *testing.T) {
				body := tt.new
				if tt.old != "" {
					body = change(t, payload, tt.old, tt.new)
				}
				c, err := p.Parse(s.mint(t, s.header, body), at(1))
				wantReason(t, c, err, tt.reason)
			})
		}
	}
}

// expired is a payload that expires at at(1), and has one other change.
func expired(t *testing.T, old, replacement string) string {
	t.Helper()
	return change(t, change(t, payload, "1700000900", "1700000001"), old, replacement)
}

func TestParsePayloadAccepts(t *testing.T) {
	p := newParser(t, ourRules(t))
	const closing = "1699999000}"
	for _, tt := range []struct {
		name, old, new string
		want           func(*token.Claims)
	}{
		{"no sid", `"sid":"session-1",`, "", func(c *token.Claims) { c.SessionID = "" }},
		{"aud an array of one", `"api"`, `["api"]`, nil},
		{"aud first of an array", `"api"`, `["api","other"]`, func(c *token.Claims) { c.Audience, c.OtherAudiences = "api", []string{"other"} }},
		{"aud within an array", `"api"`, `["a","api","b"]`, func(c *token.Claims) { c.Audience, c.OtherAudiences = "a", []string{"api", "b"} }},
		{"aud last of an array", `"api"`, `[ "other" , "api" ]`, func(c *token.Claims) { c.Audience, c.OtherAudiences = "other", []string{"api"} }},
		{"aud with a space within an array", `"api"`, `["api","a b"]`, func(c *token.Claims) { c.OtherAudiences = []string{"a%20b"} }},
		{"aud twice in an array", `"api"`, `["api","api"]`, func(c *token.Claims) { c.Audience, c.OtherAudiences = "api", []string{"api"} }},
		{"white space", `{"iss":`, "\r\n\t {\n\"iss\" :\t", nil},
		{"white space at the end", closing, "1699999000 }\r\n", nil},
		{"escapes", "user-1", `\u0075\u0073ER\/\\\"🦊\ud83e\udd8A`, func(c *token.Claims) { c.Subject = `usER/\"🦊🦊` }},
		{"escaped name", `"sub"`, `"\u0073u\u0062"`, nil},
		{"replacement character", "user-1", "\ufffd", func(c *token.Claims) { c.Subject = "\ufffd" }},
		{"replacement character, escaped", "user-1", `\ufffd`, func(c *token.Claims) { c.Subject = "\ufffd" }},
		{"noncharacter", "user-1", `\uffff`, func(c *token.Claims) { c.Subject = "\uffff" }},
		{"auth_time at iat", "1699999000", "1700000000", func(c *token.Claims) { c.AuthTime = at(0) }},
		{"auth_time 0", "1699999000", "0", func(c *token.Claims) { c.AuthTime = time.Unix(0, 0).UTC() }},
		{"exp at the end of time", "1700000900", "253402300799", func(c *token.Claims) {
			c.ExpiresAt = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
		}},
		{"unknown claims", closing, `1699999000,"a":null,"b":[1,-0.5e-7,"",[],{}],"c":{"a":true,"b":false},"d":1e999}`, nil},
		{"case variants of claims", `{"iss"`, `{"ISS":"evil","Sub":"evil","ſub":"evil","Exp":1,"iss"`, nil},
		{"same name in different objects", closing, `1699999000,"x":{"sub":1,"x":{"sub":2}}}`, nil},
		{"names that differ in case", closing, `1699999000,"x":1,"X":2}`, nil},
		{"control character in an unknown claim", closing, `1699999000,"x":"a\u0000\b\f\n\r\t"}`, nil},
		{"unknown claim of depth 15", closing, `1699999000,"x":` + nested("[", "]", 15) + "}", nil},
		{"many unknown claims side by side", closing, `1699999000,"x":[` + strings.Repeat("[{}],", 20) + "[]]}", nil},
		{"many unknown claims", closing, `1699999000,"x":` + wide(500) + "}", nil},
	} {
		for _, s := range signers() {
			t.Run(s.method.Alg()+" "+tt.name, func(t *testing.T) {
				want := claims()
				if tt.want != nil {
					tt.want(&want)
				}
				c, err := p.Parse(s.mint(t, s.header, change(t, payload, tt.old, tt.new)), at(1))
				wantIdentity(t, c, err, want)
			})
		}
	}
}

// TestParseTime goes to the nanosecond on both sides of every limit.
// ASVS 5.0 9.2.1
func TestParseTime(t *testing.T) {
	exact := func(r rules) rules { return r }
	tolerant := func(r rules) rules {
		r.Leeway, r.Skew = 30*time.Second, 5*time.Second
		return r
	}
	later := func(name string) string { return change(t, payload, `"`+name+`":1700000000`, `"`+name+`":1700000010`) }
	s := hmacSigner()
	for _, tt := range []struct {
		name    string
		rules   func(rules) rules
		payload string
		now     time.Time
		reason  string
	}{
		{"before exp", exact, payload, at(lifetime).Add(-1), ""},
		{"at exp", exact, payload, at(lifetime), token.ReasonExpired},
		{"after exp", exact, payload, at(lifetime).Add(1), token.ReasonExpired},
		{"before exp + leeway", tolerant, payload, at(lifetime + 30).Add(-1), ""},
		{"at exp + leeway", tolerant, payload, at(lifetime + 30), token.ReasonExpired},
		{"long after exp", exact, payload, time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), token.ReasonExpired},
		{"before exp, in another location", exact, payload, at(lifetime).Add(-1).In(time.FixedZone("", 7200)), ""},
		{"at exp, in another location", exact, payload, at(lifetime).In(time.FixedZone("", 7200)), token.ReasonExpired},

		{"before iat and nbf", exact, payload, at(0).Add(-1), token.ReasonNotYetValid},
		{"before nbf", exact, later("nbf"), at(10).Add(-1), token.ReasonNotYetValid},
		{"at nbf", exact, later("nbf"), at(10), ""},
		{"after nbf", exact, later("nbf"), at(10).Add(1), ""},
		{"before nbf - skew", tolerant, later("nbf"), at(5).Add(-1), token.ReasonNotYetValid},
		{"at nbf - skew", tolerant, later("nbf"), at(5), ""},
		{"before iat", exact, later("iat"), at(10).Add(-1), token.ReasonIssuedInFuture},
		{"at iat", exact, later("iat"), at(10), ""},
		{"after iat", exact, later("iat"), at(10).Add(1), ""},
		{"before iat - skew", tolerant, later("iat"), at(5).Add(-1), token.ReasonIssuedInFuture},
		{"at iat - skew", tolerant, later("iat"), at(5), ""},
		{"long before", exact, payload, time.Time{}, token.ReasonNotYetValid},

		{"auth_time at iat + skew", tolerant, change(t, payload, "1699999000", "1700000005"), at(1), ""},
		{"auth_time after iat + skew", tolerant, change(t, payload, "1699999000", "1700000006"), at(1), token.ReasonClaims},
		{"leeway does not widen exp after iat", tolerant, change(t, payload, "1700000900", "1700000000"), at(1), token.ReasonClaims},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := newParser(t, tt.rules(ourRules(t))).Parse(s.mint(t, s.header, tt.payload), tt.now)
			if tt.reason != "" {
				wantReason(t, c, err, tt.reason)
			} else if err != nil {
				t.Errorf("refused: %v", err)
			}
		})
	}
}
