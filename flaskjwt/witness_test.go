package flaskjwt_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/flaskjwt"
	"github.com/seed89488a0c/auth/internal/ci"
)

// python returns a Python that has Flask-JWT-Extended. Debian's is the one in
// /usr/bin; others may stand before it in PATH.
func python(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(name, "-c", "import flask_jwt_extended").Run() == nil {
			return name
		}
	}
	ci.Missing(t, "no Python has Flask-JWT-Extended: apt-get install python3-python-flask-jwt-extended")
	return ""
}

type settings map[string]any // of Flask

type mintRequest struct {
	Config   settings       `json:"config"`
	Identity any            `json:"identity"`
	Options  map[string]any `json:"options"`
	Refresh  bool           `json:"refresh"`
}

type useRequest struct {
	Config settings `json:"config"`
	Path   string   `json:"path"`
	Token  string   `json:"token"`
}

type answers struct {
	Source   string
	Settings []string
	Minted   []string
	Used     []struct {
		Status int
		Body   struct {
			Error    string
			Identity any
			Claims   map[string]any
		}
	}
}

func ask(t *testing.T, mint []mintRequest, use []useRequest) answers {
	t.Helper()
	data, err := json.Marshal(map[string]any{"mint": mint, "use": use})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), python(t), "testdata/witness.py", "serve")
	cmd.Stdin = bytes.NewReader(data)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.Bytes())
	}
	var a answers
	d := json.NewDecoder(bytes.NewReader(out))
	d.UseNumber()
	if err := d.Decode(&a); err != nil {
		t.Fatal(err)
	}
	if len(a.Minted) != len(mint) || len(a.Used) != len(use) {
		t.Fatalf("%d and %d answers for %d and %d questions", len(a.Minted), len(a.Used), len(mint), len(use))
	}
	t.Log(a.Source)
	return a
}

var named = settings{
	"JWT_ENCODE_ISSUER": "https://a.example", "JWT_DECODE_ISSUER": "https://a.example",
	"JWT_ENCODE_AUDIENCE": "shop", "JWT_DECODE_AUDIENCE": "shop",
}

// TestFlaskAcceptsOurs shows our tokens to routes of a Flask service.
func TestFlaskAcceptsOurs(t *testing.T) {
	// It has no leeway for a clock that is ahead, but both run on this machine.
	anyone, now := auth.Subject{UserID: "42"}, time.Now()
	tutorial := flaskjwt.Config{Secret: []byte("s3cr!"), InsecureShortSecret: true, TTL: 3 * time.Minute, IntegerSubjects: true}
	tutorialSettings := settings{"JWT_SECRET_KEY": "s3cr!", "JWT_VERIFY_SUB": false}
	namedConfig := flaskjwt.Config{Issuer: "https://a.example", Audience: "shop"}
	tests := []struct {
		name     string
		config   flaskjwt.Config
		settings settings
		subject  auth.Subject
		path     string
		status   int
		identity any
	}{
		{"the defaults", flaskjwt.Config{}, settings{}, anyone, "/any", 200, "42"},
		{"other scripts", flaskjwt.Config{}, settings{}, auth.Subject{UserID: "홍길동 🦊 <&>\"\\ \u2028"}, "/any", 200, "홍길동 🦊 <&>\"\\ \u2028"},
		{"the tutorial's secret, an integer", tutorial, tutorialSettings, anyone, "/any", 200, json.Number("42")},
		{"the tutorial's secret, a UUID", tutorial, tutorialSettings, auth.Subject{UserID: "018f-42"}, "/any", 200, "018f-42"},
		{"the largest integer", tutorial, tutorialSettings, auth.Subject{UserID: "18446744073709551615"}, "/any", 200, json.Number("18446744073709551615")},
		{"issuer and audience", namedConfig, named, anyone, "/any", 200, "42"},
		{"fresh", flaskjwt.Config{}, settings{}, auth.Subject{UserID: "42", AuthTime: now}, "/fresh", 200, "42"},
		{"claims", flaskjwt.Config{}, settings{}, auth.Subject{UserID: "42", SessionID: "s", AuthTime: now, Claims: []byte(`{"roles":["a"]}`)}, "/any", 200, "42"},
		{"for 100 hours", flaskjwt.Config{TTL: time.Minute}, settings{}, auth.Subject{UserID: "42", TTL: 100 * time.Hour}, "/any", 200, "42"},

		{"not fresh", flaskjwt.Config{}, settings{}, auth.Subject{UserID: "42", AuthTime: now.Add(-time.Minute)}, "/fresh", 401, nil},
		{"no refresh token", flaskjwt.Config{}, settings{}, anyone, "/refresh", 422, nil},
		{"another secret", flaskjwt.Config{Secret: []byte(secret + "x")}, settings{}, anyone, "/any", 422, nil},
		{"for another audience", flaskjwt.Config{Issuer: "https://a.example", Audience: "x"}, named, anyone, "/any", 422, nil},
	}
	var use []useRequest
	for _, test := range tests {
		use = append(use, useRequest{test.settings, test.path, issue(t, newIssuer(t, test.config), test.subject).Token})
	}
	for n, got := range ask(t, nil, use).Used {
		test := tests[n]
		if got.Status != test.status || fmt.Sprintf("%#v", got.Body.Identity) != fmt.Sprintf("%#v", test.identity) {
			t.Errorf("%s: %d, identity %#v, %s", test.name, got.Status, got.Body.Identity, got.Body.Error)
		}
		if got.Status == 200 && (got.Body.Claims["csrf"] == nil || got.Body.Claims["type"] != "access") {
			t.Errorf("%s: claims %v", test.name, got.Body.Claims)
		}
		if test.name == "claims" && fmt.Sprint(got.Body.Claims["roles"], got.Body.Claims["sid"]) != "[a]s" {
			t.Errorf("claims: %v", got.Body.Claims)
		}
	}
}

// TestWeAcceptFlasks is the other direction, and what Flask refuses we refuse.
func TestWeAcceptFlasks(t *testing.T) {
	tests := []struct {
		name   string
		config flaskjwt.Config
		mint   mintRequest
		user   string
		fresh  bool
		reason string
	}{
		{"the defaults", flaskjwt.Config{}, mintRequest{Identity: "42"}, "42", false, ""},
		{"with cookies", flaskjwt.Config{}, mintRequest{Identity: "42", Config: settings{"JWT_TOKEN_LOCATION": []string{"headers", "cookies"}}}, "42", false, ""},
		{"an integer", flaskjwt.Config{}, mintRequest{Identity: 42}, "42", false, ""},
		{"fresh", flaskjwt.Config{}, mintRequest{Identity: "42", Options: map[string]any{"fresh": true}}, "42", true, ""},
		{"fresh for a minute", flaskjwt.Config{}, mintRequest{Identity: "42", Options: map[string]any{"fresh": 60}}, "42", true, ""},
		{"fresh no more", flaskjwt.Config{}, mintRequest{Identity: "42", Options: map[string]any{"fresh": -60}}, "42", false, ""},
		{"the tutorial", flaskjwt.Config{Secret: []byte("s3cr!"), InsecureShortSecret: true}, mintRequest{Identity: 7, Config: settings{"JWT_SECRET_KEY": "s3cr!", "JWT_ACCESS_TOKEN_EXPIRES": 180}}, "7", false, ""},
		{"issuer and audience", flaskjwt.Config{Issuer: "https://a.example", Audience: "shop"}, mintRequest{Identity: "42", Config: named}, "42", false, ""},
		{"additional claims", flaskjwt.Config{}, mintRequest{Identity: "é", Options: map[string]any{"additional_claims": map[string]any{"é": "é", "n": []any{1, 2.5, nil}}}}, "é", false, ""},
		{"refresh", flaskjwt.Config{}, mintRequest{Identity: "42", Refresh: true}, "", false, "type"},
		{"another secret", flaskjwt.Config{}, mintRequest{Identity: "42", Config: settings{"JWT_SECRET_KEY": secret + "x"}}, "", false, "signature"},
		{"another algorithm", flaskjwt.Config{}, mintRequest{Identity: "42", Config: settings{"JWT_ALGORITHM": "HS384"}}, "", false, "algorithm"},
	}
	var mint []mintRequest
	for _, test := range tests {
		if test.mint.Config == nil {
			test.mint.Config = settings{}
		}
		mint = append(mint, test.mint)
	}
	for n, token := range ask(t, mint, nil).Minted {
		test := tests[n]
		i := newIssuer(t, test.config)
		if got := reason(t, i, token); got != test.reason {
			t.Errorf("%s: %q, want %q", test.name, got, test.reason)
		}
		if test.reason != "" {
			continue
		}
		id, err := i.Parse(t.Context(), token)
		if err != nil || id.UserID != test.user || id.AuthTime.IsZero() == test.fresh || time.Since(id.IssuedAt) > time.Minute {
			t.Errorf("%s: %v, authenticated %v, issued %v: %v", test.name, id, id.AuthTime, id.IssuedAt, err)
		}
	}
}
