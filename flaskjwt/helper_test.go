package flaskjwt_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/flaskjwt"
)

const (
	secret  = "0123456789abcdef0123456789abcdef"
	written = `{"alg":"HS256","typ":"JWT"}`
)

func newIssuer(t testing.TB, c flaskjwt.Config) *flaskjwt.Issuer {
	t.Helper()
	if c.Secret == nil && c.PrivateKey == nil {
		c.Secret = []byte(secret)
	}
	i, err := flaskjwt.NewIssuer(c)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// sign returns a token with any header and payload.
func sign(key, header, payload string) string {
	encode := base64.RawURLEncoding.EncodeToString
	input := encode([]byte(header)) + "." + encode([]byte(payload))
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(input))
	return input + "." + encode(mac.Sum(nil))
}

// claims are those of a good token, valid for a minute from now, with changes; a
// nil takes one away.
func claims(changes map[string]any) string {
	now := time.Now().Unix()
	c := map[string]any{"fresh": false, "iat": now, "jti": "j", "type": "access", "sub": "42", "nbf": now, "csrf": "c", "exp": now + 60}
	maps.Copy(c, changes)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	data, err := json.Marshal(c)
	if err != nil {
		panic(err)
	}
	return string(data)
}

// payload returns what a token says, unverified.
func payload(t testing.TB, token string) map[string]any {
	t.Helper()
	data, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(strings.NewReader(string(data)))
	d.UseNumber()
	var m map[string]any
	if err := d.Decode(&m); err != nil {
		t.Fatal(err)
	}
	return m
}

func issue(t testing.TB, i auth.TokenIssuer, s auth.Subject) auth.IssuedToken {
	t.Helper()
	issued, err := i.Issue(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return issued
}

// reason returns why a token is refused; "" is accepted.
func reason(t testing.TB, i auth.TokenIssuer, token string) string {
	t.Helper()
	id, err := i.Parse(t.Context(), token)
	if err == nil {
		return ""
	}
	var refused *auth.TokenError
	if !errors.As(err, &refused) || !errors.Is(err, auth.ErrInvalidToken) {
		t.Fatalf("%v is not a TokenError", err)
	}
	if errors.Is(err, auth.ErrExpiredToken) != (refused.Reason == "expired") {
		t.Errorf("%v matches ErrExpiredToken: %t", err, errors.Is(err, auth.ErrExpiredToken))
	}
	if id != (auth.Identity{}) {
		t.Error("an identity beside an error")
	}
	return refused.Reason
}
