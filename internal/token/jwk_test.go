package token_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/seed89488a0c/auth/internal/token"
)

// with adds members to an object.
func with(object, members string) string {
	return strings.TrimSuffix(object, "}") + "," + members + "}"
}

func TestParseJWK(t *testing.T) {
	edID := parseKey(t, edPublicJWK).ID()
	for _, tt := range []struct {
		name, text, algorithm, id string
		signs                     bool
	}{
		{"Ed25519", edPublicJWK, "EdDSA", edID, false},
		{"Ed25519 private", edPrivateJWK, "EdDSA", edID, true},
		{"alg EdDSA", withAlg(edPrivateJWK, "EdDSA"), "EdDSA", edID, true},
		{"alg of RFC 9864", withAlg(edPublicJWK, "Ed25519"), "EdDSA", edID, false},
		{"kid", with(edPublicJWK, `"kid":"2026-a"`), "EdDSA", "2026-a", false},
		{"escapes", strings.Replace(with(edPublicJWK, `"k\u0069d":"\u0061"`), "OKP", `\u004fKP`, 1), "EdDSA", "a", false},
		{"use", with(edPublicJWK, `"use":"sig"`), "EdDSA", edID, false},
		{"key_ops", with(edPublicJWK, `"key_ops":["verify"]`), "EdDSA", edID, false},
		{"key_ops of a private key", with(edPrivateJWK, `"key_ops":["sign"]`), "EdDSA", edID, true},
		{"both key_ops", with(edPrivateJWK, `"use":"sig","key_ops":["verify","sign"]`), "EdDSA", edID, true},
		{"unknown members", with(edPublicJWK, `"x5u":"https://a.example","x5c":["AA=="],"x5t":1,"ext":true,"iat":1e3,"":{"a":[null]}`), "EdDSA", edID, false},
		{"members of other kinds", with(edPublicJWK, `"n":"AQAB","y":1,"p":"AQ"`), "EdDSA", edID, false},
		{"white space", "\r\n\t {" + strings.ReplaceAll(edPublicJWK[1:], ":", " :\n") + " \n", "EdDSA", edID, false},
		{"RSA", rsaPublicJWK, "RS256", parseKey(t, rsaPrivateJWK).ID(), false},
		{"RSA PS512", withAlg(rsaPrivateJWK, "PS512"), "PS512", parseKey(t, rsaPublicJWK).ID(), true},
		{"RSA with factors that count for nothing", with(rsaPrivateJWK, `"dp":"AA","dq":"!","qi":""`), "RS256", parseKey(t, rsaPublicJWK).ID(), true},
		{"P-256", withAlg(p256PrivateJWK, "ES256"), "ES256", parseKey(t, p256PublicJWK).ID(), true},
		{"P-521", withAlg(p521PrivateJWK, "ES512"), "ES512", parseKey(t, p521PublicJWK).ID(), true},
		{"oct", octJWK, "HS256", parseKey(t, octJWK).ID(), true},
		{"oct HS512", withAlg(octJWK, "HS512"), "HS512", parseKey(t, octJWK).ID(), true},
		{"oct key_ops", with(octJWK, `"key_ops":["sign","verify"]`), "HS256", parseKey(t, octJWK).ID(), true},

		// RFC 7517 appendix A.2, but for the use, which is "enc" there.
		{"RFC 7517 A.2", `{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE","kid":"1"}`, "ES256", "1", true},
		{"RFC 7520 §3.4", bilboPrivateJWK, "RS256", parseKey(t, bilboPrivateJWK).ID(), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k, err := token.ParseKey([]byte(tt.text))
			if checkKey(t, k, err, nil, tt.algorithm, tt.signs); k.ID() != tt.id {
				t.Errorf("ID %q, want %q", k.ID(), tt.id)
			}
		})
	}
}

// unusable are JWKs that are no keys of ours, or not for signatures.
func unusable(t *testing.T) map[string]string {
	t.Helper()
	edit := func(jwk, old, replacement string) string { return change(t, jwk, old, replacement) }
	longer := func(number string) string { return encode(append([]byte{0}, decode(t, number)...)) }
	xy := slices.Concat(decode(t, "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"), decode(t, "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"))
	x := `"x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"`
	return map[string]string{
		"empty":                    `{}`,
		"kty unknown":              edit(edPublicJWK, "OKP", "AKP"),
		"kty in lower case":        edit(rsaPublicJWK, "RSA", "rsa"),
		"kty missing":              edit(edPublicJWK, `"kty":"OKP",`, ""),
		"kty a number":             edit(edPublicJWK, `"OKP"`, "1"),
		"kty of another kind":      edit(edPublicJWK, "OKP", "EC"),
		"crv missing":              edit(edPublicJWK, `"crv":"Ed25519",`, ""),
		"crv X25519":               edit(edPublicJWK, "Ed25519", "X25519"),
		"crv Ed448":                edit(edPublicJWK, "Ed25519", "Ed448"),
		"crv P-224":                edit(p256PublicJWK, "P-256", "P-224"),
		"crv secp256k1":            edit(p256PublicJWK, "P-256", "secp256k1"),
		"crv of another size":      edit(p256PublicJWK, "P-256", "P-384"),
		"use enc":                  with(edPublicJWK, `"use":"enc"`),
		"use empty":                with(edPublicJWK, `"use":""`),
		"use null":                 with(edPublicJWK, `"use":null`),
		"key_ops empty":            with(edPublicJWK, `"key_ops":[]`),
		"key_ops encrypt":          with(edPublicJWK, `"key_ops":["encrypt"]`),
		"key_ops verify, wrapKey":  with(edPublicJWK, `"key_ops":["verify","wrapKey"]`),
		"key_ops twice the same":   with(edPublicJWK, `"key_ops":["verify","verify"]`),
		"key_ops sign, but public": with(edPublicJWK, `"key_ops":["sign"]`),
		"key_ops a string":         with(edPublicJWK, `"key_ops":"verify"`),
		"key_ops of numbers":       with(edPublicJWK, `"key_ops":["verify",1]`),
		"key_ops null":             with(edPublicJWK, `"key_ops":null`),
		"alg of another kind":      withAlg(edPublicJWK, "ES256"),
		"alg of another curve":     withAlg(p256PublicJWK, "ES384"),
		"alg Ed25519 for ECDSA":    withAlg(p256PublicJWK, "Ed25519"),
		"alg for encryption":       withAlg(rsaPublicJWK, "RSA-OAEP"),
		"alg HS256 for RSA":        withAlg(rsaPublicJWK, "HS256"),
		"alg none":                 withAlg(rsaPublicJWK, "none"),
		"alg empty":                withAlg(edPublicJWK, ""),
		"alg null":                 with(edPublicJWK, `"alg":null`),
		"kid empty":                with(edPublicJWK, `"kid":""`),
		"kid a number":             with(edPublicJWK, `"kid":1`),
		"kid with a line break":    with(edPublicJWK, `"kid":"a\nb"`),
		"kid of 257 bytes":         with(edPublicJWK, `"kid":"`+strings.Repeat("a", 257)+`"`),
		"x missing":                edit(edPublicJWK, ","+x, ""),
		"x empty":                  edit(edPublicJWK, "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", ""),
		"x a number":               edit(edPublicJWK, x, `"x":1`),
		"x short":                  edit(edPublicJWK, "cHURo", "c"),
		"x padded":                 edit(edPublicJWK, "cHURo", "cHURo="),
		"x in the other base64":    edit(edPublicJWK, "S_7T", "S/7T"),
		"x with a line break":      edit(edPublicJWK, "S_7T", `S_\n7T`),
		"x with unused bits":       edit(edPublicJWK, "cHURo", "cHURp"),
		"x of small order":         edit(edPublicJWK, "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", encode(make([]byte, 32))),
		"x, y off the curve":       edit(p256PublicJWK, "WI5a0", "WI5a4"),
		"y missing":                edit(p256PublicJWK, `,"y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"`, ""),
		"x longer by a zero":       edit(p256PublicJWK, "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", longer("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU")),
		"y without its leading zero": edit(p521PublicJWK, "ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2",
			encode(decode(t, "ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2")[1:])),
		// Together they are the same bytes as before.
		"x shorter and y longer": `{"kty":"EC","crv":"P-256","x":"` + encode(xy[:31]) + `","y":"` + encode(xy[31:]) + `"}`,
		"x longer and y shorter": `{"kty":"EC","crv":"P-256","x":"` + encode(xy[:33]) + `","y":"` + encode(xy[33:]) + `"}`,
		"x, y zero":              `{"kty":"EC","crv":"P-256","x":"` + encode(make([]byte, 32)) + `","y":"` + encode(make([]byte, 32)) + `"}`,
		"n missing":              `{"kty":"RSA","e":"AQAB"}`,
		"n short":                `{"kty":"RSA","n":"` + encode(slices.Repeat([]byte{0xff}, 255)) + `","e":"AQAB"}`,
		"n even":                 `{"kty":"RSA","n":"` + encode(append(slices.Repeat([]byte{0xff}, 255), 0xfe)) + `","e":"AQAB"}`,
		"n with a zero": `{"kty":"RSA","n":"` + encode(append([]byte{0}, slices.Repeat([]byte{0xff}, 256)...)) +
			`","e":"AQAB"}`,
		"n large":       `{"kty":"RSA","n":"` + encode(slices.Repeat([]byte{0xff}, 1025)) + `","e":"AQAB"}`,
		"e missing":     edit(rsaPublicJWK, `,"e":"AQAB"`, ""),
		"e with a zero": edit(rsaPublicJWK, `"AQAB"`, `"AAEAAQ"`),
		"e zero":        edit(rsaPublicJWK, `"AQAB"`, `"AA"`),
		"e three":       edit(rsaPublicJWK, `"AQAB"`, `"Aw"`),
		"e even":        edit(rsaPublicJWK, `"AQAB"`, `"AQAC"`),
		"e of 32 bits":  edit(rsaPublicJWK, `"AQAB"`, `"gAAAAQ"`),
		"e of 65 bits":  edit(rsaPublicJWK, `"AQAB"`, `"AQAAAAAAAQAB"`),
	}
}

func TestParseJWKRefuses(t *testing.T) {
	edit := func(jwk, old, replacement string) string { return change(t, jwk, old, replacement) }
	longer := func(number string) string { return encode(append([]byte{0}, decode(t, number)...)) }
	dx := slices.Concat(decode(t, "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"), decode(t, "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"))
	tests := map[string]string{
		"only open":                      `{`,
		"not closed":                     strings.TrimSuffix(edPublicJWK, "}"),
		"a set":                          `{"keys":[` + edPublicJWK + `]}`,
		"an array":                       `[` + edPublicJWK + `]`,
		"two":                            edPublicJWK + edPublicJWK,
		"text after":                     edPublicJWK + "a",
		"a NUL after":                    edPublicJWK + "\x00",
		"not UTF-8":                      with(edPublicJWK, "\"a\":\"\xff\""),
		"a member twice":                 with(edPublicJWK, `"kty":"OKP"`),
		"unknown member twice":           with(edPublicJWK, `"a":1,"a":1`),
		"twice in a member":              with(edPublicJWK, `"a":{"b":1,"b":1}`),
		"deep":                           with(edPublicJWK, `"a":`+nested("[", "]", 16)),
		"kid of RFC 7520":                with(bilboPrivateJWK, `"kid":"bilbo.baggins@hobbiton.example"`),
		"kid with a space":               with(edPublicJWK, `"kid":"a b"`),
		"kid of 65 bytes":                with(edPublicJWK, `"kid":"`+strings.Repeat("a", 65)+`"`),
		"oct missing k":                  `{"kty":"oct"}`,
		"oct with verify alone":          with(octJWK, `"key_ops":["verify"]`),
		"oct with alg RS256":             withAlg(octJWK, "RS256"),
		"oct too long":                   `{"kty":"oct","k":"` + encode(make([]byte, 1025)) + `"}`,
		"oct padded":                     edit(octJWK, `CAow"`, `CAow=="`),
		"Ed25519 other d":                edit(edPrivateJWK, "nWGx", "nWGy"),
		"Ed25519 short d":                edit(edPrivateJWK, "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A", "nWGxne_9"),
		"Ed25519 empty d":                edit(edPrivateJWK, "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A", ""),
		"Ed25519 without x":              edit(edPrivateJWK, `,"x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"`, ""),
		"Ed25519 with verify":            with(edPrivateJWK, `"key_ops":["verify"]`),
		"Ed25519 d shorter and x longer": `{"kty":"OKP","crv":"Ed25519","d":"` + encode(dx[:31]) + `","x":"` + encode(dx[31:]) + `"}`,
		"Ed25519 d longer and x shorter": `{"kty":"OKP","crv":"Ed25519","d":"` + encode(dx[:33]) + `","x":"` + encode(dx[33:]) + `"}`,
		"Ed25519 d a number":             edit(edPrivateJWK, `"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"`, "1"),
		"P-256 other d":                  edit(p256PrivateJWK, "jpsQ", "jpsR"),
		"P-256 d zero":                   edit(p256PrivateJWK, "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI", encode(make([]byte, 32))),
		"P-256 d longer":                 edit(p256PrivateJWK, "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI", longer("jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI")),
		"P-256 without y":                edit(p256PrivateJWK, `,"y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"`, ""),
		"RSA d alone":                    `{` + rsaPublicMembers + rsaD + `}`,
		"RSA without d":                  `{` + rsaPublicMembers + rsaP + rsaQ + `}`,
		"RSA without p":                  `{` + rsaPublicMembers + rsaD + rsaQ + `}`,
		"RSA without q":                  `{` + rsaPublicMembers + rsaD + rsaP + `}`,
		"RSA dp alone":                   with(rsaPublicJWK, `"dp":"AQ"`),
		"RSA with oth":                   with(rsaPrivateJWK, `"oth":[]`),
		"RSA public with oth":            with(rsaPublicJWK, `"oth":[]`),
		"RSA other d":                    edit(rsaPrivateJWK, "Eq5x", "Eq5y"),
		"RSA other p":                    edit(rsaPrivateJWK, "4BzE", "4BzF"),
		"RSA p for q":                    edit(rsaPrivateJWK, rsaQ, strings.Replace(rsaP, `"p"`, `"q"`, 1)),
		"RSA d with a zero":              edit(rsaPrivateJWK, rsaD, `,"d":"`+longer(strings.Split(rsaD, `"`)[3])+`"`),
		"RSA of another modulus":         `{` + thumbprintMembers + rsaD + rsaP + rsaQ + `}`,
	}
	for name, text := range unusable(t) {
		tests[name] = text
	}
	weak := map[string]bool{"n short": true, "e three": true}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			want := token.ErrInvalidKey
			if weak[name] {
				want = token.ErrWeakKey
			}
			k, err := token.ParseKey([]byte(text))
			checkKey(t, k, err, want, "", false)
		})
	}
	for name, text := range map[string]string{
		"oct of 31 bytes":           `{"kty":"oct","k":"` + encode(secret("h")[:31]) + `"}`,
		"oct of zeros":              `{"kty":"oct","k":"` + encode(make([]byte, 32)) + `"}`,
		"oct of 32 bytes for HS384": withAlg(`{"kty":"oct","k":"`+encode(secret("h"))+`"}`, "HS384"),
	} {
		t.Run(name, func(t *testing.T) {
			k, err := token.ParseKey([]byte(text))
			checkKey(t, k, err, token.ErrWeakKey, "", false)
		})
	}
}

func set(jwks ...string) string { return `{"keys":[` + strings.Join(jwks, ",") + `]}` }

func checkSet(t *testing.T, text string, want ...string) {
	t.Helper()
	keys, _, err := token.ParseSet([]byte(text))
	if err != nil {
		t.Errorf("%v", err)
	}
	var got []string
	for _, k := range keys {
		got = append(got, k.String())
		if k.CanSign() {
			t.Errorf("%v signs", k)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("keys %q\nwant %q", got, want)
	}
}

func TestParseSet(t *testing.T) {
	a := with(edPublicJWK, `"kid":"a"`)
	for name, tt := range map[string]struct {
		text string
		want []string
	}{
		"none":          {set(), nil},
		"one":           {set(a), []string{"EdDSA key a"}},
		"without kid":   {set(edPublicJWK), []string{"EdDSA key kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"}},
		"white space":   {" \n" + set(a) + "\n", []string{"EdDSA key a"}},
		"other members": {`{"a":[{}],"keys":[` + a + `],"b":1}`, []string{"EdDSA key a"}},
		"four kinds": {set(a, with(p256PublicJWK, `"kid":"b"`), with(rsaPublicJWK, `"kid":"c"`), with(withAlg(rsaPublicJWK, "PS384"), `"kid":"d"`)),
			[]string{"EdDSA key a", "ES256 key b", "RS256 key c", "PS384 key d"}},
		"any kid": {set(with(edPublicJWK, `"kid":"a/b c+é=\"<"`), with(edPublicJWK, `"kid":"`+strings.Repeat("k", 256)+`"`)),
			[]string{`EdDSA key a/b c+é="<`, "EdDSA key " + strings.Repeat("k", 256)}},
		"no objects": {`{"keys":[1,"a",null,[],` + a + `,true]}`, []string{"EdDSA key a"}},
		"one kid twice": {set(a, with(p256PublicJWK, `"kid":"b"`), with(rsaPublicJWK, `"kid":"a"`)),
			[]string{"EdDSA key a", "ES256 key b", "RS256 key a"}},
		"one key thrice": {set(a, a, a), []string{"EdDSA key a"}},
		"one key for two algorithms": {set(withAlg(with(rsaPublicJWK, `"kid":"a"`), "RS256"), withAlg(with(rsaPublicJWK, `"kid":"a"`), "RS512"), with(rsaPublicJWK, `"kid":"a"`)),
			[]string{"RS256 key a", "RS512 key a"}},
		"two keys of one kid and alg": {set(with(rsaPublicJWK, `"kid":"a"`), with(bilboPublicJWK(t), `"kid":"a"`), a, with(p256PublicJWK, `"kid":"b"`)),
			[]string{"EdDSA key a", "ES256 key b"}},
		"Ed25519 and EdDSA":          {set(withAlg(a, "Ed25519"), withAlg(a, "EdDSA"), a), []string{"EdDSA key a"}},
		"one kid twice, one unknown": {set(a, `{"kty":"new","kid":"a"}`), []string{"EdDSA key a"}},
		"a thumbprint as kid":        {set(edPublicJWK, with(rsaPublicJWK, `"kid":"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"`)), []string{"EdDSA key kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", "RS256 key kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"}},
		"secrets":                    {set(octJWK, rsaPrivateJWK, p256PrivateJWK, edPrivateJWK, a), []string{"EdDSA key a"}},

		// RFC 7517 appendix A.1: the first is for encryption.
		"RFC 7517 A.1": {set(`{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","use":"enc","kid":"1"}`,
			`{`+thumbprintMembers+`,"alg":"RS256","kid":"2011-04-29"}`), []string{"RS256 key 2011-04-29"}},
	} {
		t.Run(name, func(t *testing.T) { checkSet(t, tt.text, tt.want...) })
	}
	// Whatever else is in such a key: somebody published too much of it.
	for _, jwk := range []string{rsaPublicJWK, p256PublicJWK, edPublicJWK} {
		for _, name := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
			for _, value := range []string{`"AQ"`, `""`, `1`, `null`, `[]`} {
				checkSet(t, set(with(jwk, `"`+name+`":`+value), a), "EdDSA key a")
			}
		}
	}
	for name, text := range unusable(t) {
		t.Run(name, func(t *testing.T) { checkSet(t, set(text, a), "EdDSA key a") })
	}
}

func TestParseSetRefuses(t *testing.T) {
	a := with(edPublicJWK, `"kid":"a"`)
	for name, text := range map[string]string{
		"nothing":               "",
		"no keys":               "{}",
		"another name":          `{"Keys":[]}`,
		"keys an object":        `{"keys":{}}`,
		"keys null":             `{"keys":null}`,
		"keys twice":            `{"keys":[],"keys":[` + a + `]}`,
		"an array":              "[" + a + "]",
		"a key":                 a,
		"a name twice":          set(with(a, `"kid":"a"`)),
		"a name twice, unknown": set(a, `{"kty":"new","a":1,"a":2}`),
		"not closed":            strings.TrimSuffix(set(a), "}"),
		"text after":            set(a) + "a",
		"not UTF-8":             set(a, "{\"a\":\"\xff\"}"),
		"PEM":                   block("PUBLIC KEY", pkix(t, edPrivate("e").Public())),
	} {
		t.Run(name, func(t *testing.T) {
			if keys, passed, err := token.ParseSet([]byte(text)); err == nil || keys != nil || passed != nil {
				t.Errorf("%v, %v", keys, err)
			}
		})
	}
}

func TestParseSetLimits(t *testing.T) {
	numbered := func(n int) string {
		var list []string
		for i := range n {
			list = append(list, with(edPublicJWK, fmt.Sprintf(`"kid":"%d"`, i)))
		}
		return set(append(list, `{"kty":"new"}`, octJWK)...)
	}
	if keys, _, err := token.ParseSet([]byte(numbered(64))); err != nil || len(keys) != 64 {
		t.Errorf("64: %d, %v", len(keys), err)
	}
	for _, n := range []int{65, 200} {
		if keys, _, err := token.ParseSet([]byte(numbered(n))); err == nil || keys != nil {
			t.Errorf("%d: %v", n, keys)
		}
	}
	fill := func(size int) []byte { return []byte(set() + strings.Repeat(" ", size-len(set()))) }
	if _, _, err := token.ParseSet(fill(256 << 10)); err != nil {
		t.Error(err)
	}
	if _, _, err := token.ParseSet(fill(256<<10 + 1)); err == nil {
		t.Error("accepted a set that is too large")
	}
}

// bilboPublicJWK is another RSA key than rsaPublicJWK.
func bilboPublicJWK(t *testing.T) string {
	t.Helper()
	public, _ := parseKey(t, bilboPrivateJWK).Public()
	var m map[string]any
	if err := json.Unmarshal(public, &m); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(`{"kty":"RSA","n":%q,"e":%q}`, m["n"], m["e"])
}

// TestParseSetTells: each key that is passed over is told, with its kid and why, also
// beside one that works.
func TestParseSetTells(t *testing.T) {
	a := with(edPublicJWK, `"kid":"a"`)
	codes := map[string]string{
		"empty": "kty", "kty unknown": "kty", "kty in lower case": "kty", "kty missing": "kty", "kty a number": "kty",
		"kty of another kind": "kty", "crv missing": "kty", "crv X25519": "kty", "crv Ed448": "kty", "crv P-224": "kty", "crv secp256k1": "kty",
		"use enc": "use", "use empty": "use", "use null": "use",
		"key_ops empty": "key_ops", "key_ops encrypt": "key_ops", "key_ops verify, wrapKey": "key_ops", "key_ops twice the same": "key_ops",
		"key_ops sign, but public": "key_ops", "key_ops a string": "key_ops", "key_ops of numbers": "key_ops", "key_ops null": "key_ops",
		"alg of another kind": "alg", "alg of another curve": "alg", "alg Ed25519 for ECDSA": "alg", "alg for encryption": "alg", "alg HS256 for RSA": "alg",
		"alg none": "alg", "alg empty": "alg", "alg null": "alg",
		"kid empty": "kid", "kid a number": "kid", "kid with a line break": "kid", "kid of 257 bytes": "kid",
		"x missing": "encoding", "x empty": "encoding", "x a number": "encoding", "x padded": "encoding", "x in the other base64": "encoding",
		"x with a line break": "encoding", "x with unused bits": "encoding", "y missing": "encoding", "n missing": "encoding", "e missing": "encoding",
		"n with a zero": "leading_zeros", "e with a zero": "leading_zeros", "e zero": "leading_zeros",
		"n short": "too_short", "e three": "too_short",
	}
	for name, text := range unusable(t) {
		t.Run(name, func(t *testing.T) {
			want := token.Passed{ID: "named", Code: cmp.Or(codes[name], "invalid")}
			if strings.HasPrefix(name, "kid") {
				want.ID = ""
			} else if text == "{}" {
				text = `{"kid":"named"}`
			} else {
				text = with(text, `"kid":"named"`)
			}
			keys, passed, err := token.ParseSet([]byte(set(a, text)))
			if err != nil || len(keys) != 1 || !slices.Equal(passed, []token.Passed{want}) {
				t.Errorf("%v, passed over %+v, want %+v: %v", keys, passed, want, err)
			}
		})
	}
	for text, want := range map[string][]token.Passed{
		set(a, a):                               nil,
		`{"keys":[1,null,` + a + `]}`:           {{"", "malformed"}, {"", "malformed"}},
		set(with(edPrivateJWK, `"kid":"p"`), a): {{"p", "private"}},
		set(with(octJWK, `"kid":"s"`), a):       {{"s", "private"}},
		set(with(rsaPublicJWK, `"kid":"b"`), a, with(bilboPublicJWK(t), `"kid":"b"`)): {{"b", "ambiguous"}, {"b", "ambiguous"}},
		`{"keys":[` + strings.Repeat("0,", 1000) + a + `]}`:                           slices.Repeat([]token.Passed{{"", "malformed"}}, 64),
	} {
		keys, passed, err := token.ParseSet([]byte(text))
		if err != nil || len(keys) != 1 || !slices.Equal(passed, want) {
			t.Errorf("%.100s: %v, passed over %+v, want %+v: %v", text, keys, passed, want, err)
		}
	}
}
