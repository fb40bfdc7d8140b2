package token_test

import (
	"strings"
	"testing"

	"github.com/seed89488a0c/auth/internal/token"
)

// TestParseHeader changes the header of a token that is then rightly signed.
// The row's old is replaced in the header of an HS256 token; "" stands for all.
// ASVS 5.0 9.1.3, 9.2.2
func TestParseHeader(t *testing.T) {
	p := newParser(t, ourRules(t))
	checkValid(t, p)
	s := hmacSigner()
	const closing = `at+jwt"}`
	for _, tt := range []struct{ name, old, new, reason string }{
		{"not JSON", "", "header", token.ReasonHeader},
		{"array", "", `["HS256","h","at+jwt"]`, token.ReasonHeader},
		{"string", "", `"HS256"`, token.ReasonHeader},
		{"null", "", `null`, token.ReasonHeader},
		{"array around", "", "[" + s.header + "]", token.ReasonHeader},
		{"cut", closing, `at+jwt"`, token.ReasonHeader},
		{"cut in a string", closing, `at+jwt`, token.ReasonHeader},
		{"second object", closing, closing + "{}", token.ReasonHeader},
		{"trailing comma", closing, `at+jwt",}`, token.ReasonHeader},
		{"trailing NUL", closing, closing + "\x00", token.ReasonHeader},
		{"trailing text", closing, closing + "x", token.ReasonHeader},
		{"byte order mark", `{"alg"`, "\ufeff" + `{"alg"`, token.ReasonHeader},
		{"UTF-16", "", "{\x00\"\x00", token.ReasonHeader},
		{"not UTF-8", `"h"`, "\"h\xff\"", token.ReasonHeader},
		{"surrogate in UTF-8", `"h"`, "\"h\xed\xa0\x80\"", token.ReasonHeader},
		{"line feed in a string", `"h"`, "\"h\n\"", token.ReasonHeader},
		{"half a surrogate pair", `"h"`, `"h\ud800"`, token.ReasonHeader},
		{"single quotes", `"kid"`, `'kid'`, token.ReasonHeader},
		{"comment", `"kid"`, `/**/"kid"`, token.ReasonHeader},
		{"nothing in it", "", "{}", token.ReasonType},

		{"alg none", "HS256", "none", token.ReasonAlgorithm},
		{"alg None", "HS256", "None", token.ReasonAlgorithm},
		{"alg NONE", "HS256", "NONE", token.ReasonAlgorithm},
		{"alg nOnE", "HS256", "nOnE", token.ReasonAlgorithm},
		{"alg hs256", "HS256", "hs256", token.ReasonAlgorithm},
		{"alg HS384", "HS256", "HS384", token.ReasonAlgorithm},
		{"alg HS512", "HS256", "HS512", token.ReasonAlgorithm},
		{"alg RS256", "HS256", "RS256", token.ReasonAlgorithm},
		{"alg EdDSA", "HS256", "EdDSA", token.ReasonAlgorithm},
		{"alg empty", "HS256", "", token.ReasonAlgorithm},
		{"alg with a space", "HS256", "HS256 ", token.ReasonAlgorithm},
		{"alg with a NUL", "HS256", `HS256\u0000`, token.ReasonAlgorithm},
		{"alg absent", `"alg":"HS256",`, "", token.ReasonAlgorithm},
		{"alg null", `"HS256"`, "null", token.ReasonHeader},
		{"alg a number", `"HS256"`, "256", token.ReasonHeader},
		{"alg an array", `"HS256"`, `["HS256"]`, token.ReasonHeader},
		{"ALG", `"alg"`, `"ALG"`, token.ReasonHeader},
		{"ALG beside alg", `{"alg"`, `{"ALG":"none","alg"`, token.ReasonHeader},
		{"alg with a long s", `{"alg"`, `{"ſub":"x","alg"`, token.ReasonHeader},

		{"kid of another key", `"h"`, `"e"`, token.ReasonAlgorithm},
		{"kid unknown", `"h"`, `"x"`, token.ReasonUnknownKey},
		{"kid in another case", `"h"`, `"H"`, token.ReasonUnknownKey},
		{"kid a path", `"h"`, `"../../dev/null"`, token.ReasonUnknownKey},
		{"kid SQL", `"h"`, `"' OR 1=1 --"`, token.ReasonUnknownKey},
		{"kid empty", `"h"`, `""`, token.ReasonUnknownKey},
		{"kid absent", `"kid":"h",`, "", token.ReasonUnknownKey},
		{"kid null", `"h"`, "null", token.ReasonHeader},
		{"kid a number", `"h"`, "1", token.ReasonHeader},
		{"kid an object", `"h"`, "{}", token.ReasonHeader},
		{"Kid", `"kid"`, `"Kid"`, token.ReasonHeader},
		{"kid with a Kelvin sign", `"kid"`, `"\u212aid"`, token.ReasonHeader},

		{"typ JWT", "at+jwt", "JWT", token.ReasonType},
		{"typ of an ID token", "at+jwt", "id+jwt", token.ReasonType},
		{"typ of a logout token", "at+jwt", "logout+jwt", token.ReasonType},
		{"typ another subtype", "at+jwt", "at+jwt2", token.ReasonType},
		{"typ text/", "at+jwt", "text/at+jwt", token.ReasonType},
		{"typ application/ twice", "at+jwt", "application/application/at+jwt", token.ReasonType},
		{"typ with a parameter", "at+jwt", "at+jwt;charset=utf-8", token.ReasonType},
		{"typ with a space", "at+jwt", "at+jwt ", token.ReasonType},
		{"typ empty", "at+jwt", "", token.ReasonType},
		{"typ absent", `,"typ":"at+jwt"`, "", token.ReasonType},
		{"typ null", `"at+jwt"`, "null", token.ReasonHeader},
		{"TYP", `"typ"`, `"TYP"`, token.ReasonHeader},

		{"crit", closing, `at+jwt","crit":["exp"]}`, token.ReasonCrit},
		{"crit empty", closing, `at+jwt","crit":[]}`, token.ReasonCrit},
		{"crit null", closing, `at+jwt","crit":null}`, token.ReasonCrit},
		{"crit escaped", closing, `at+jwt","\u0063rit":["exp"]}`, token.ReasonCrit},
		{"crit b64", closing, `at+jwt","crit":["b64"],"b64":false}`, token.ReasonCrit},
		{"b64", closing, `at+jwt","b64":false}`, token.ReasonHeader},
		{"b64 true", closing, `at+jwt","b64":true}`, token.ReasonHeader},
		{"jku", closing, `at+jwt","jku":"https://evil.example/jwks"}`, token.ReasonHeader},
		{"jwk", closing, `at+jwt","jwk":{"kty":"oct","k":"AAAA"}}`, token.ReasonHeader},
		{"x5u", closing, `at+jwt","x5u":"https://evil.example/x"}`, token.ReasonHeader},
		{"x5c", closing, `at+jwt","x5c":["MIIB"]}`, token.ReasonHeader},
		{"x5t", closing, `at+jwt","x5t":"AAAA"}`, token.ReasonHeader},
		{"x5t#S256", closing, `at+jwt","x5t#S256":"AAAA"}`, token.ReasonHeader},
		{"zip", closing, `at+jwt","zip":"DEF"}`, token.ReasonHeader},
		{"cty", closing, `at+jwt","cty":"JWT"}`, token.ReasonHeader},
		{"enc", closing, `at+jwt","enc":"A256GCM"}`, token.ReasonHeader},
		{"p2c", closing, `at+jwt","p2c":2147483647}`, token.ReasonHeader},
		{"iss", closing, `at+jwt","iss":"https://issuer.example"}`, token.ReasonHeader},
		{"empty name", closing, `at+jwt","":""}`, token.ReasonHeader},

		{"alg twice", closing, `at+jwt","alg":"HS256"}`, token.ReasonDuplicateMember},
		{"alg twice, the first none", `{"alg"`, `{"alg":"none","alg"`, token.ReasonDuplicateMember},
		{"alg twice, the second none", closing, `at+jwt","alg":"none"}`, token.ReasonDuplicateMember},
		{"alg twice, once escaped", closing, `at+jwt","\u0061lg":"none"}`, token.ReasonDuplicateMember},
		{"kid twice", closing, `at+jwt","kid":"h"}`, token.ReasonDuplicateMember},
		{"typ twice", closing, `at+jwt","typ":"at+jwt"}`, token.ReasonDuplicateMember},

		{"depth bomb", "", strings.Repeat("[", 3000), token.ReasonHeader},
		{"depth bomb in a value", `"h"`, strings.Repeat("[", 3000), token.ReasonHeader},
		{"depth bomb of objects", "", strings.Repeat(`{"a":`, 700), token.ReasonHeader},
	} {
		t.Run(tt.name, func(t *testing.T) {
			header := tt.new
			if tt.old != "" {
				header = change(t, s.header, tt.old, tt.new)
			}
			c, err := p.Parse(s.mint(t, header, payload), at(1))
			wantReason(t, c, err, tt.reason)
		})
	}
}

func TestParseHeaderAccepts(t *testing.T) {
	p := newParser(t, ourRules(t))
	for _, s := range signers() {
		for _, tt := range []struct{ name, old, new string }{
			{"upper case", "at+jwt", "AT+JWT"},
			{"media type", "at+jwt", "application/at+jwt"},
			{"media type in upper case", "at+jwt", "APPLICATION/AT+JWT"},
			{"white space", `{"alg":`, "\r\n\t {\n\"alg\" : "},
			{"white space at the end", `at+jwt"}`, "at+jwt\" }\n"},
			{"escaped value", "at+jwt", `\u0061t+jwt`},
			{"escaped name", `"alg"`, `"\u0061lg"`},
		} {
			t.Run(s.method.Alg()+" "+tt.name, func(t *testing.T) {
				c, err := p.Parse(s.mint(t, change(t, s.header, tt.old, tt.new), payload), at(1))
				wantIdentity(t, c, err, claims())
			})
		}
	}
}
