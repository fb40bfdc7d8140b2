package flaskjwt_test

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/seed89488a0c/auth/flaskjwt"
)

// FuzzParse: what is accepted, golang-jwt accepts as well, and reads the same
// subject, ID and expiry from it. With a header the token is signed, so that the
// fuzzer gets past the signature; without one, payload is the whole token.
func FuzzParse(f *testing.F) {
	const good = `{"fresh":false,"iat":946684800,"jti":"j","type":"access","sub":"42","nbf":946684800,"csrf":"c","exp":4102444800}`
	f.Add(written, good)
	f.Add(`{"typ":"JWT","alg":"HS256"}`, good)
	f.Add(`{"alg":"none","typ":"JWT"}`, good)
	f.Add(written, `{"fresh":4102444800.5,"iat":946684800,"jti":"j","type":"access","sub":42,"exp":4102444800,"auth_time":946684800,"sid":"s"}`)
	f.Add(`{"alg":"HS256","typ":"JWT","kid":"1","x5c":[{}]}`, `{"fresh":1,"iat":946684800.5,"jti":"j","type":"access","sub":"42","SUB":"43","exp":4.1024448e9,"amr":[{}],"auth_time":null}`)
	f.Add("", sign(secret, written, good))
	data, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		f.Fatal(err)
	}
	var file struct{ Vectors []struct{ Token string } }
	if err := json.Unmarshal(data, &file); err != nil {
		f.Fatal(err)
	}
	for _, v := range file.Vectors {
		f.Add("", v.Token)
	}
	i := newIssuer(f, flaskjwt.Config{})
	reference := jwt.NewParser(jwt.WithValidMethods([]string{"HS256"}), jwt.WithStrictDecoding(), jwt.WithJSONNumber(),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithLeeway(6*time.Second))
	f.Fuzz(func(t *testing.T, header, payload string) {
		token := payload
		if header != "" {
			token = sign(secret, header, payload)
		}
		id, err := i.Parse(t.Context(), token)
		if err != nil {
			return
		}
		c := jwt.MapClaims{}
		if _, err := reference.ParseWithClaims(token, c, func(*jwt.Token) (any, error) { return []byte(secret), nil }); err != nil {
			t.Fatalf("golang-jwt: %v", err)
		}
		expires, err := c.GetExpirationTime()
		if err != nil || fmt.Sprint(c["sub"]) != id.UserID || c["jti"] != id.TokenID || c["type"] != "access" ||
			expires.Sub(id.ExpiresAt) < 0 || expires.Sub(id.ExpiresAt) > time.Second { // a float, which may round up
			t.Errorf("golang-jwt reads %v", c)
		}
		all := map[string]json.RawMessage{}
		if err := id.Claims(&all); err != nil || len(all) != len(c) {
			t.Errorf("claims %s, want %v: %v", all, c, err)
		}
	})
}
