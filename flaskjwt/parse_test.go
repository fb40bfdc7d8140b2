package flaskjwt_test

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/flaskjwt"
)

// TestVectors holds Parse against tokens of Flask-JWT-Extended itself, kept in
// testdata with the command that made them.
func TestVectors(t *testing.T) {
	data, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		At      int64 `json:"at"`
		Vectors []struct {
			Name, Secret, Issuer, Audience, Token, Reason, User string

			IdentityIssuer string `json:"identity_issuer"`
			AuthTime       *int64 `json:"auth_time"`
			Expires        int64
		}
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Vectors) < 40 {
		t.Fatalf("only %d vectors", len(file.Vectors))
	}
	at := time.Unix(file.At, 0).UTC()
	for _, v := range file.Vectors {
		t.Run(v.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(at))
				i := newIssuer(t, flaskjwt.Config{Secret: []byte(v.Secret), InsecureShortSecret: true, Issuer: v.Issuer, Audience: v.Audience})
				if got := reason(t, i, v.Token); got != v.Reason {
					t.Fatalf("got reason %q, want %q", got, v.Reason)
				}
				if v.Reason != "" {
					return
				}
				id, err := i.Parse(t.Context(), v.Token)
				if err != nil {
					t.Fatal(err)
				}
				var authTime time.Time
				if v.AuthTime != nil {
					authTime = time.Unix(*v.AuthTime, 0)
				}
				switch {
				case id.UserID != v.User, id.Issuer != v.IdentityIssuer, id.SessionID != "", id.ClientID != "", len(id.TokenID) != 36:
					t.Errorf("got %+v: issuer %q, token %q", id, id.Issuer, id.TokenID)
				case !id.IssuedAt.Equal(at), !id.ExpiresAt.Equal(time.Unix(v.Expires, 0)), !id.AuthTime.Equal(authTime):
					t.Errorf("got times %v, %v, %v", id.IssuedAt, id.ExpiresAt, id.AuthTime)
				}
				var claims struct{ Type string }
				if err := id.Claims(&claims); err != nil || claims.Type != "access" {
					t.Errorf("claims: %+v, %v", claims, err)
				}
				time.Sleep(time.Until(id.ExpiresAt) - 1)
				if got := reason(t, i, v.Token); got != "" {
					t.Errorf("just before its expiry: %s", got)
				}
				time.Sleep(time.Nanosecond)
				if got := reason(t, i, v.Token); got != "expired" {
					t.Errorf("at its expiry: %q", got)
				}
			})
		})
	}
}

func TestParse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(1000 * time.Hour)
		now := time.Now().Unix()
		with := func(name string, value any) string { return claims(map[string]any{name: value}) }
		raw := func(member string) string { return claims(nil)[:len(claims(nil))-1] + "," + member + "}" }
		plain := newIssuer(t, flaskjwt.Config{})
		named := newIssuer(t, flaskjwt.Config{Issuer: "a", Audience: "shop"})
		of := func(iss, aud any) string { return claims(map[string]any{"iss": iss, "aud": aud}) }
		for _, test := range []struct {
			name            string
			issuer          auth.TokenIssuer
			header, payload string
			want            string
		}{
			{"good", plain, written, claims(nil), ""},
			{"the other order", plain, `{"typ":"JWT","alg":"HS256"}`, claims(nil), ""},

			{"no alg", plain, `{"typ":"JWT"}`, claims(nil), "algorithm"},
			{"none", plain, `{"alg":"none","typ":"JWT"}`, claims(nil), "algorithm"},
			{"lower case", plain, `{"alg":"hs256","typ":"JWT"}`, claims(nil), "algorithm"},
			{"HS384", plain, `{"alg":"HS384","typ":"JWT"}`, claims(nil), "algorithm"},
			{"a list", plain, `{"alg":["HS256"],"typ":"JWT"}`, claims(nil), "algorithm"},
			{"no typ", plain, `{"alg":"HS256"}`, claims(nil), "type"},
			{"typ in lower case", plain, `{"alg":"HS256","typ":"jwt"}`, claims(nil), "type"},
			{"at+jwt", plain, `{"alg":"HS256","kid":"1","typ":"at+jwt"}`, claims(nil), "type"},
			{"crit", plain, `{"alg":"HS256","typ":"JWT","crit":["exp"]}`, claims(nil), "crit"},
			{"kid", plain, `{"alg":"HS256","typ":"JWT","kid":"1"}`, claims(nil), "header"},
			{"jwk", plain, `{"alg":"HS256","typ":"JWT","jwk":{}}`, claims(nil), "header"},
			{"alg twice", plain, `{"alg":"none","alg":"HS256","typ":"JWT"}`, claims(nil), "duplicate_member"},
			{"alg in two cases", plain, `{"ALG":"none","alg":"HS256","typ":"JWT"}`, claims(nil), "duplicate_member"},
			{"ALG", plain, `{"ALG":"HS256","typ":"JWT"}`, claims(nil), "algorithm"},
			{"no object", plain, `[]`, claims(nil), "header"},
			{"null", plain, `null`, claims(nil), "header"},
			{"two objects", plain, written + written, claims(nil), "header"},

			{"not JSON", plain, written, "x", "claims"},
			{"no object", plain, written, "[]", "claims"},
			{"null", plain, written, "null", "claims"},
			{"nothing", plain, written, "{}", "claims"},
			{"something behind", plain, written, claims(nil) + "{}", "claims"},
			{"not UTF-8", plain, written, raw("\"x\":\"\xff\""), "claims"},
			{"half a surrogate pair", plain, written, raw(`"x":"\ud800"`), "claims"},
			{"sub twice", plain, written, raw(`"sub":"43"`), "duplicate_member"},
			{"sub twice, escaped", plain, written, raw(`"\u0073ub":"43"`), "duplicate_member"},
			{"twice further down", plain, written, raw(`"x":[{},{"y":{"a":1,"a":2}}]`), "duplicate_member"},
			{"the same in two objects", plain, written, raw(`"x":[{"a":1},{"a":1}],"y":{"a":["a","a"]}`), ""},
			{"sub and Sub", plain, written, raw(`"Sub":"43"`), "duplicate_member"},
			{"deep", plain, written, raw(`"x":` + strings.Repeat("[", 16) + strings.Repeat("]", 16)), "claims"},

			{"no sub", plain, written, with("sub", nil), "claims"},
			{"Sub", plain, written, strings.Replace(claims(nil), `"sub"`, `"Sub"`, 1), "claims"},
			{"empty sub", plain, written, with("sub", ""), "claims"},
			{"a line in sub", plain, written, with("sub", "a\n"), "claims"},
			{"integer sub", plain, written, with("sub", 42), ""},
			{"float sub", plain, written, with("sub", json.RawMessage("42.0")), "claims"},
			{"exponent sub", plain, written, with("sub", json.RawMessage("1e3")), "claims"},
			{"minus zero sub", plain, written, with("sub", json.RawMessage("-0")), "claims"},
			{"bool sub", plain, written, with("sub", true), "claims"},
			{"null sub", plain, written, with("sub", json.RawMessage("null")), "claims"},
			{"object sub", plain, written, with("sub", json.RawMessage(`{"id":1}`)), "claims"},
			{"list sub", plain, written, with("sub", json.RawMessage(`[1]`)), "claims"},

			{"no jti", plain, written, with("jti", nil), "claims"},
			{"null jti", plain, written, with("jti", json.RawMessage("null")), "claims"},
			{"no iat", plain, written, with("iat", nil), "claims"},
			{"no nbf", plain, written, with("nbf", nil), ""},
			{"null nbf", plain, written, with("nbf", json.RawMessage("null")), "claims"},
			{"no csrf", plain, written, with("csrf", nil), ""},
			{"no exp", plain, written, with("exp", nil), "claims"},
			{"null exp", plain, written, with("exp", json.RawMessage("null")), "claims"},
			{"text exp", plain, written, with("exp", "9999999999"), "claims"},
			{"fraction exp", plain, written, with("exp", float64(now)+0.5), "claims"},
			{"exponent exp", plain, written, with("exp", json.RawMessage("9e9")), "claims"},
			{"the last exp", plain, written, with("exp", 253402300799), ""},
			{"exp after 9999", plain, written, with("exp", 253402300800), "claims"},
			{"exp of 20 digits", plain, written, with("exp", json.RawMessage("18446744073709551616")), "claims"},
			{"negative iat", plain, written, with("iat", -1), "claims"},
			{"exp at iat", plain, written, claims(map[string]any{"iat": now - 9, "exp": now - 9, "nbf": nil}), "claims"},
			{"exp at nbf", plain, written, claims(map[string]any{"iat": now - 99, "exp": now - 9, "nbf": now - 9}), "claims"},

			{"no type", plain, written, with("type", nil), "claims"},
			{"null type", plain, written, with("type", json.RawMessage("null")), "claims"},
			{"refresh", plain, written, with("type", "refresh"), "type"},
			{"Access", plain, written, with("type", "Access"), "type"},
			{"no fresh", plain, written, with("fresh", nil), "claims"},
			{"null fresh", plain, written, with("fresh", json.RawMessage("null")), "claims"},
			{"text fresh", plain, written, with("fresh", "true"), "claims"},
			{"negative fresh", plain, written, with("fresh", -1), "claims"},
			{"huge fresh", plain, written, with("fresh", json.RawMessage("1e400")), "claims"},
			{"auth_time", plain, written, with("auth_time", now-9), ""},
			{"text auth_time", plain, written, with("auth_time", "9"), "claims"},
			{"auth_time 5 s after iat", plain, written, with("auth_time", now+5), ""},
			{"auth_time 6 s after iat", plain, written, with("auth_time", now+6), "claims"},
			{"integer sid", plain, written, with("sid", 1), "claims"},
			{"null sid", plain, written, with("sid", json.RawMessage("null")), "claims"},
			{"empty sid", plain, written, with("sid", ""), "claims"},

			{"iss, nobody asks", plain, written, with("iss", "b"), ""},
			{"aud, nobody asked for", plain, written, with("aud", "shop"), "audience"},
			{"null aud, nobody asked for", plain, written, with("aud", json.RawMessage("null")), "claims"},
			{"empty list of aud, nobody asked for", plain, written, with("aud", []string{}), "audience"},
			{"ours", named, written, of("a", "shop"), ""},
			{"ours among others", named, written, of("a", []string{"x", "shop"}), ""},
			{"another iss", named, written, of("A", "shop"), "issuer"},
			{"no iss", named, written, of(nil, "shop"), "claims"},
			{"another aud", named, written, of("a", "shop2"), "audience"},
			{"a part of aud", named, written, of("a", "sho"), "audience"},
			{"no aud", named, written, of("a", nil), "audience"},
			{"other auds", named, written, of("a", []string{"x"}), "audience"},
			{"no auds", named, written, of("a", []string{}), "audience"},
			{"a number among aud", named, written, of("a", []any{"shop", 1}), "claims"},
			{"null among aud", named, written, of("a", []any{"shop", nil}), "claims"},
			{"an object as aud", named, written, of("a", map[string]string{"shop": "shop"}), "claims"},

			{"nbf 5 s ahead", plain, written, with("nbf", now+5), ""},
			{"nbf 6 s ahead", plain, written, with("nbf", now+6), "not_yet_valid"},
			{"iat 5 s ahead", plain, written, with("iat", now+5), ""},
			{"iat 6 s ahead", plain, written, with("iat", now+6), "issued_in_future"},
			{"expired", plain, written, claims(map[string]any{"iat": now - 9, "nbf": now - 9, "exp": now}), "expired"},
			{"expired, and of another type", plain, written, claims(map[string]any{"iat": now - 9, "nbf": now - 9, "exp": now, "type": "refresh"}), "type"},
			{"expired, and for others", named, written, claims(map[string]any{"iat": now - 9, "nbf": now - 9, "exp": now, "iss": "a", "aud": "x"}), "audience"},
		} {
			if got := reason(t, test.issuer, sign(secret, test.header, test.payload)); got != test.want {
				t.Errorf("%s: got %q, want %q", test.name, got, test.want)
			}
			if got := reason(t, test.issuer, sign(secret+"x", test.header, test.payload)); got == "" || got == "expired" || got == "claims" {
				t.Errorf("%s, forged: %q", test.name, got)
			}
		}

		good := sign(secret, written, claims(nil))
		for token, want := range map[string]string{
			good + strings.Repeat("A", 8193-len(good)): "too_large",
			good + strings.Repeat("A", 8192-len(good)): "signature",
			good + ".":                            "malformed",
			"." + good:                            "malformed",
			good[:strings.LastIndex(good, ".")+1]: "malformed",
			good[:len(good)-5] + "\n" + good[len(good)-5:]: "encoding",
			good + "=":                             "encoding",
			strings.Replace(good, "eyJ", "eyK", 1): "header",
		} {
			if got := reason(t, plain, token); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
	})
}

// TestOneSpelling: the last character of a signature has two bits to spare.
func TestOneSpelling(t *testing.T) {
	i := newIssuer(t, flaskjwt.Config{})
	good := sign(secret, written, claims(nil))
	accepted := 0
	for _, last := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" {
		if reason(t, i, good[:len(good)-1]+string(last)) == "" {
			accepted++
		}
	}
	if accepted != 1 {
		t.Errorf("%d spellings of one token are accepted", accepted)
	}
}

func TestLeewayIsForExpiryAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(t, flaskjwt.Config{Leeway: time.Minute})
		issued := issue(t, i, auth.Subject{UserID: "42"})
		time.Sleep(time.Until(issued.ExpiresAt.Add(time.Minute)) - 1)
		if got := reason(t, i, issued.Token); got != "" {
			t.Errorf("within the leeway: %s", got)
		}
		time.Sleep(time.Nanosecond)
		if got := reason(t, i, issued.Token); got != "expired" {
			t.Errorf("after the leeway: %q", got)
		}
		if got := reason(t, i, sign(secret, written, claims(map[string]any{"nbf": time.Now().Unix() + 6}))); got != "not_yet_valid" {
			t.Errorf("ahead: %q", got)
		}
	})
}

// TestAuthTime is what stands in for jwt_required(fresh=True).
func TestAuthTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Hour)
		now := time.Now().UTC()
		iat := now.Add(-30 * time.Second)
		i := newIssuer(t, flaskjwt.Config{})
		for name, test := range map[string]struct {
			fresh, authTime any
			want            time.Time
		}{
			"fresh":                             {true, nil, iat},
			"not fresh":                         {false, nil, time.Time{}},
			"fresh from now on":                 {now.Unix() + 1, nil, iat},
			"fresh until now":                   {now.Unix(), nil, iat},
			"fresh until a second ago":          {now.Unix() - 1, nil, time.Time{}},
			"fresh until a moment ago":          {float64(now.Unix()) - 0.5, nil, time.Time{}},
			"fresh for half a second more":      {float64(now.Unix()) + 0.5, nil, iat},
			"never fresh":                       {0, nil, time.Time{}},
			"authenticated before, fresh":       {true, now.Unix() - 600, now.Add(-10 * time.Minute)},
			"authenticated before, not fresh":   {false, now.Unix() - 600, now.Add(-10 * time.Minute)},
			"authenticated before, fresh still": {now.Unix() + 9, now.Unix() - 600, now.Add(-10 * time.Minute)},
		} {
			token := sign(secret, written, claims(map[string]any{"iat": iat.Unix(), "nbf": iat.Unix(), "fresh": test.fresh, "auth_time": test.authTime}))
			if id, err := i.Parse(t.Context(), token); err != nil || !id.AuthTime.Equal(test.want) {
				t.Errorf("%s: got %v, %v, want %v", name, id.AuthTime, err, test.want)
			}
		}
	})
}

func TestRotation(t *testing.T) {
	short, long := []byte("s3cr!"), []byte(secret)
	before := newIssuer(t, flaskjwt.Config{Secret: short, InsecureShortSecret: true})
	during := newIssuer(t, flaskjwt.Config{Secret: long, OldSecrets: [][]byte{short}, InsecureShortSecret: true})
	after := newIssuer(t, flaskjwt.Config{Secret: long})
	old, renewed := issue(t, before, auth.Subject{UserID: "42"}).Token, issue(t, during, auth.Subject{UserID: "42"}).Token
	for _, test := range []struct {
		name   string
		issuer auth.TokenIssuer
		token  string
		want   string
	}{
		{"old before", before, old, ""},
		{"old during", during, old, ""},
		{"new during", during, renewed, ""},
		{"new after", after, renewed, ""},
		{"new before", before, renewed, "signature"},
		{"old after", after, old, "signature"},
	} {
		if got := reason(t, test.issuer, test.token); got != test.want {
			t.Errorf("%s: %q", test.name, got)
		}
	}
}

// TestNotAJWTIssuer: with the same secret, neither takes the tokens of the other.
func TestNotAJWTIssuer(t *testing.T) {
	// As a JWK, since a secret that is text is none for auth.HMACKey.
	key, err := auth.ParseKey([]byte(`{"kty":"oct","k":"` + base64.RawURLEncoding.EncodeToString([]byte(secret)) + `"}`))
	if err != nil {
		t.Fatal(err)
	}
	other, err := auth.NewJWTIssuer(auth.JWTConfig{Issuer: "a", Audience: "shop", Keys: []auth.Key{key}})
	if err != nil {
		t.Fatal(err)
	}
	ours := newIssuer(t, flaskjwt.Config{Issuer: "a", Audience: "shop"})
	s := auth.Subject{UserID: "42", AuthTime: time.Now()}
	if got := reason(t, ours, issue(t, other, s).Token); got != "type" {
		t.Errorf("an RFC 9068 token: %q", got)
	}
	if got := reason(t, other, issue(t, ours, s).Token); got != "type" {
		t.Errorf("in a JWTIssuer: %q", got)
	}
}
