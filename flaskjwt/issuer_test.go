package flaskjwt_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
	"github.com/seed89488a0c/auth/flaskjwt"
)

func TestIssuer(t *testing.T) {
	for name, c := range map[string]flaskjwt.Config{
		"default":     {},
		"integers":    {IntegerSubjects: true},
		"all options": {Issuer: "https://a.example", Audience: "shop", Secret: []byte("s3cr!"), InsecureShortSecret: true, OldSecrets: [][]byte{[]byte("x")}, TTL: 3 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			authtest.TestTokenIssuer(t, func(t *testing.T) auth.TokenIssuer { return newIssuer(t, c) })
		})
	}
}

func TestConfig(t *testing.T) {
	good := []byte(secret)
	for name, test := range map[string]struct {
		config flaskjwt.Config
		want   string // of the error; "" is none
	}{
		"a good secret":         {flaskjwt.Config{Secret: good}, ""},
		"the longest secret":    {flaskjwt.Config{Secret: []byte(strings.Repeat("ab", 512))}, ""},
		"no secret":             {flaskjwt.Config{}, "the secret: "},
		"31 bytes":              {flaskjwt.Config{Secret: good[:31]}, "the secret: "},
		"one byte 32 times":     {flaskjwt.Config{Secret: make([]byte, 32)}, "the secret: "},
		"1025 bytes":            {flaskjwt.Config{Secret: make([]byte, 1025), InsecureShortSecret: true}, "the secret: "},
		"none, insecurely":      {flaskjwt.Config{InsecureShortSecret: true}, "the secret: "},
		"one byte, insecurely":  {flaskjwt.Config{Secret: []byte("a"), InsecureShortSecret: true}, ""},
		"an old one too short":  {flaskjwt.Config{Secret: good, OldSecrets: [][]byte{good, []byte("s3cr!")}}, "old secret 2: "},
		"an old one, insecure":  {flaskjwt.Config{Secret: good, OldSecrets: [][]byte{[]byte("s3cr!")}, InsecureShortSecret: true}, ""},
		"an old one is none":    {flaskjwt.Config{Secret: good, OldSecrets: [][]byte{nil}, InsecureShortSecret: true}, "old secret 1: "},
		"9 old ones":            {flaskjwt.Config{Secret: good, OldSecrets: slices.Repeat([][]byte{good}, 9)}, "old secrets"},
		"8 old ones":            {flaskjwt.Config{Secret: good, OldSecrets: slices.Repeat([][]byte{good}, 8)}, ""},
		"half a second":         {flaskjwt.Config{Secret: good, TTL: time.Second / 2}, "the TTL"},
		"negative TTL":          {flaskjwt.Config{Secret: good, TTL: -time.Second}, "the TTL"},
		"ten years and more":    {flaskjwt.Config{Secret: good, TTL: 10*365*24*time.Hour + time.Second}, "the TTL"},
		"negative leeway":       {flaskjwt.Config{Secret: good, Leeway: -1}, "leeway"},
		"leeway over 5 minutes": {flaskjwt.Config{Secret: good, Leeway: 5*time.Minute + 1}, "leeway"},
		"a line as issuer":      {flaskjwt.Config{Secret: good, Issuer: "a\n"}, "issuer"},
		"bytes as audience":     {flaskjwt.Config{Secret: good, Audience: "\xff"}, "audience"},
		"an issuer of 8 KiB":    {flaskjwt.Config{Secret: good, Issuer: strings.Repeat("a", 8192)}, "larger"},
	} {
		i, err := flaskjwt.NewIssuer(test.config)
		switch {
		case (err == nil) != (i != nil) || (err == nil) != (test.want == ""):
			t.Errorf("%s: %v", name, err)
		case err != nil && (!strings.HasPrefix(err.Error(), "flaskjwt: Config: ") || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: %v, want %s", name, err, test.want)
		case err != nil && strings.Contains(err.Error(), "s3cr"):
			t.Errorf("%s: the error has the secret", name)
		}
	}
}

func TestSecretsAreCopied(t *testing.T) {
	first, old := []byte(secret), []byte(strings.ToUpper(secret))
	i := newIssuer(t, flaskjwt.Config{Secret: first, OldSecrets: [][]byte{old}})
	clear(first)
	clear(old)
	for _, key := range []string{secret, strings.ToUpper(secret)} {
		if got := reason(t, i, sign(key, written, claims(nil))); got != "" {
			t.Error(got)
		}
	}
}

func TestNothingPrintsASecret(t *testing.T) {
	c := flaskjwt.Config{Secret: []byte("canary-canary-canary-canary-canary"), OldSecrets: [][]byte{[]byte("canary-canary-canary-canary-cellar")}}
	i := newIssuer(t, c)
	var out strings.Builder
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "c", c, "i", i)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "c", c, "i", i)
	data, err := json.Marshal(map[string]any{"c": c, "i": i})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(data)
	out.WriteString(c.LogValue().String())
	if c.LogValue().Kind() != slog.KindString {
		t.Error("LogValue has more than a text")
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+verb+verb+verb, c, &c, i, *i)
	}
	for _, canary := range []string{"canary", "63616e617279", "99 97 110", "Y2FuYXJ5", "0x63"} {
		if strings.Contains(out.String(), canary) {
			t.Errorf("%q is in %s", canary, out.String())
		}
	}
}

// TestClaimSet is what create_access_token writes, name for name.
func TestClaimSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		i := newIssuer(t, flaskjwt.Config{})
		issued := issue(t, i, auth.Subject{UserID: "42"})
		if !strings.HasPrefix(issued.Token, "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.") {
			t.Error("another header than PyJWT's")
		}
		got := payload(t, issued.Token)
		uuid4 := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
		for _, name := range []string{"jti", "csrf"} {
			if s, _ := got[name].(string); !uuid4.MatchString(s) {
				t.Errorf("%s is %v", name, got[name])
			}
		}
		if got["jti"] == got["csrf"] {
			t.Error("jti and csrf are the same")
		}
		delete(got, "jti")
		delete(got, "csrf")
		number := func(at time.Time) json.Number { return json.Number(fmt.Sprint(at.Unix())) }
		want := map[string]any{"fresh": false, "iat": number(now), "nbf": number(now), "exp": number(now.Add(15 * time.Minute)), "type": "access", "sub": "42"}
		if !maps.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}

		i = newIssuer(t, flaskjwt.Config{Issuer: "https://a.example", Audience: "shop", TTL: 3 * time.Minute})
		got = payload(t, issue(t, i, auth.Subject{UserID: "42", SessionID: "s", AuthTime: now, Claims: []byte(`{"role":"admin"}`)}).Token)
		delete(got, "jti")
		delete(got, "csrf")
		maps.Copy(want, map[string]any{"fresh": true, "exp": number(now.Add(3 * time.Minute)), "iss": "https://a.example", "aud": "shop", "auth_time": number(now), "sid": "s", "role": "admin"})
		if !maps.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

// A login that somebody else has made is as fresh as it is, and no refresh makes it
// fresher; its acr is made of its amr.
func TestFreshOfALoginByOtherMeans(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(t, flaskjwt.Config{ACR: func(amr string) string {
			if amr == "ext" {
				return ""
			}
			return "acr of " + amr
		}})
		store := auth.NewMemoryStore()
		a, err := auth.New(store, i, auth.Options{Hasher: authtest.Hasher{}, Sessions: auth.SessionConfig{Store: store}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.Import(t.Context(), auth.UserRecord{User: auth.User{ID: "42", Email: "ada@example.com"}}); err != nil {
			t.Fatal(err)
		}
		check := func(what string, result auth.Result, err error, fresh bool, acr any) {
			t.Helper()
			if err != nil {
				t.Fatal(what, err)
			}
			if got := payload(t, result.Tokens.Access); got["fresh"] != fresh || got["acr"] != acr {
				t.Errorf("%s: fresh is %v, acr %v", what, got["fresh"], got["acr"])
			}
		}
		result, err := a.LoginWith(t.Context(), auth.Proof{UserID: "42", AMR: "hwk mfa"})
		check("now", result, err, true, "acr of hwk mfa")
		time.Sleep(time.Minute)
		result, err = a.Refresh(t.Context(), auth.Renewal{Token: result.Tokens.Refresh})
		check("a refresh", result, err, false, "acr of hwk mfa")
		result, err = a.LoginWith(t.Context(), auth.Proof{UserID: "42", AMR: "ext", At: time.Now().Add(-10 * time.Minute)})
		check("ten minutes ago", result, err, false, nil)
		if _, err := a.LoginWith(t.Context(), auth.Proof{UserID: "42", AMR: "ext", At: time.Unix(math.MaxInt64, 0)}); !errors.Is(err, auth.ErrInvalidInput) {
			t.Errorf("a login at the end of time: %v", err)
		}
		result, err = a.LoginWith(t.Context(), auth.Proof{UserID: "42", AMR: "ext", At: time.Now().Add(30 * time.Second)})
		check("by a clock that is ahead", result, err, true, nil)
		time.Sleep(10 * time.Second)
		result, err = a.Refresh(t.Context(), auth.Renewal{Token: result.Tokens.Refresh})
		check("a refresh of that", result, err, false, nil)
	})
}

func TestFreshIsWrittenWithin5SecondsOfAuthentication(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(100 * time.Millisecond)
		i := newIssuer(t, flaskjwt.Config{})
		for ago, want := range map[time.Duration]bool{
			0: true, 200 * time.Millisecond: true, 5 * time.Second: true, 5*time.Second + 1: false, time.Hour: false, -time.Hour: true,
		} {
			issued := issue(t, i, auth.Subject{UserID: "42", AuthTime: time.Now().Add(-ago)})
			if got := payload(t, issued.Token)["fresh"]; got != want {
				t.Errorf("authenticated %v ago: fresh is %v", ago, got)
			}
			id, err := i.Parse(t.Context(), issued.Token)
			if at := time.Now().Add(-max(ago, 0)).Truncate(time.Second); err != nil || !id.AuthTime.Equal(at) {
				t.Errorf("authenticated %v ago: AuthTime is %v, %v", ago, id.AuthTime, err)
			}
		}
		issued := issue(t, i, auth.Subject{UserID: "42"})
		if id, err := i.Parse(t.Context(), issued.Token); err != nil || !id.AuthTime.IsZero() {
			t.Errorf("never authenticated: AuthTime is %v, %v", id.AuthTime, err)
		}
		if _, err := i.Issue(t.Context(), auth.Subject{UserID: "42", AuthTime: time.Unix(-1, 0)}); err == nil {
			t.Error("a time before 1970 is written")
		}
	})
}

func TestIntegerSubjects(t *testing.T) {
	for id, number := range map[string]bool{
		"0": true, "1": true, "-1": true, "18446744073709551615": true, "100000000000000000000": false,
		"01": false, "-0": false, "-": false, "+1": false, "1.0": false, "1e3": false, " 1": false, "0x1": false, "१": false, "null": false, "true": false,
	} {
		for _, asked := range []bool{false, true} {
			i := newIssuer(t, flaskjwt.Config{IntegerSubjects: asked})
			issued := issue(t, i, auth.Subject{UserID: id})
			want := any(id)
			if asked && number {
				want = json.Number(id)
			}
			if got := payload(t, issued.Token)["sub"]; got != want {
				t.Errorf("sub of %q with %t is %#v", id, asked, got)
			}
			if got, err := i.Parse(t.Context(), issued.Token); err != nil || got.UserID != id {
				t.Errorf("%q came back as %q, %v", id, got.UserID, err)
			}
		}
	}
}
