package auth_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/seed89488a0c/auth"
)

const canary = "canary-secret"

// prints returns v as everything that services print with writes it.
func prints(v any) map[string]string {
	out := map[string]string{}
	for _, verb := range strings.Split("v +v #v s q x X d t e c U b o p T", " ") {
		out["%"+verb] = fmt.Sprintf("%"+verb, v)
	}
	j, err := json.Marshal(v)
	out["json"] = fmt.Sprint(string(j), err)
	x, err := xml.Marshal(v)
	out["xml"] = fmt.Sprint(string(x), err)
	var buf bytes.Buffer
	err = gob.NewEncoder(&buf).Encode(v)
	out["gob"] = fmt.Sprint(buf.String(), err)
	var text, lines bytes.Buffer
	slog.New(slog.NewTextHandler(&text, nil)).Info("m", "v", v)
	slog.New(slog.NewJSONHandler(&lines, nil)).Info("m", "v", v)
	out["slog text"], out["slog json"] = text.String(), lines.String()
	return out
}

// ASVS 5.0 14.2.4, 16.2.5
func TestSecretsDoNotPrint(t *testing.T) {
	secret := auth.NewPassword(canary)
	key, err := auth.HMACKey([]byte(strings.Repeat(canary, 3) + "\xff"))
	if err != nil {
		t.Fatal(err)
	}
	tokens := auth.Tokens{Access: canary}
	values := map[string]any{
		"password":           secret,
		"pointer":            &secret,
		"in a struct":        struct{ P auth.Password }{secret},
		"in unexported":      struct{ p auth.Password }{secret},
		"deep in unexported": struct{ q *struct{ p []auth.Password } }{&struct{ p []auth.Password }{[]auth.Password{secret}}},
		"in a map":           map[string]auth.Password{"p": secret},
		"in a slice":         []auth.Password{secret},
		"in an interface":    []any{secret},
		"credentials":        auth.Credentials{Email: "a", Password: secret},
		"registration":       &auth.Registration{Password: secret},
		"change":             auth.PasswordChange{Current: secret, New: secret},
		"tokens":             tokens,
		"result":             auth.Result{Tokens: tokens},
		"result pointer":     &auth.Result{Tokens: tokens},
		"issued token":       auth.IssuedToken{Token: canary},
		"key":                key,
		"key in unexported":  struct{ k auth.Key }{key},
		"config":             auth.JWTConfig{Keys: []auth.Key{key}},
		"issuer":             newIssuer(t, auth.JWTConfig{Keys: []auth.Key{key}}),
		"authenticator":      newAuth(t, auth.NewMemoryStore(), auth.Options{Secrets: [][]byte{[]byte(strings.Repeat(canary, 4) + "\xff")}, Decoys: []auth.Decoy{{Weight: 1}}}),
		"record":             auth.UserRecord{User: auth.User{Email: canary, Username: canary}, EmailKey: canary, PasswordHash: canary},
		"records":            []*auth.UserRecord{{PasswordHash: canary}},
	}
	// The fields of these are plain: gob and xml move them as data, JSON does
	// so with the user of a record, and no method is asked for %p.
	plain := map[string][]string{
		"tokens": {"gob", "%p"}, "result": {"gob", "%p"}, "result pointer": {"gob"}, "issued token": {"gob", "%p"},
		"record": {"gob", "xml", "json", "%p"}, "records": {"gob", "xml"},
	}
	for name, v := range values {
		for printer, text := range prints(v) {
			shows := strings.Contains(text, canary) || strings.Contains(text, fmt.Sprintf("%x", canary))
			if shows && !slices.Contains(plain[name], printer) {
				t.Errorf("%s by %s: %s", name, printer, text)
			}
		}
	}
	for printer, text := range prints(secret) {
		if strings.HasPrefix(printer, "%") && text != "REDACTED" && printer != "%T" && printer != "%p" {
			t.Errorf("%s gives %s, want REDACTED", printer, text)
		}
	}
	if j, err := json.Marshal(auth.UserRecord{User: auth.User{ID: "1"}, EmailKey: "k-key", PasswordHash: "h-hash"}); err != nil || strings.Contains(string(j), "h-hash") || strings.Contains(string(j), "k-key") {
		t.Errorf("a record marshals with its hash or key: %s, %v", j, err)
	}
}

func TestUserPrintsItsID(t *testing.T) {
	user := auth.User{ID: "id-1", Email: canary, Username: canary}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d"} {
		if got := fmt.Sprintf(verb, user); got != "id-1" {
			t.Errorf("%s gives %s", verb, got)
		}
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "user", user)
	if !strings.Contains(log.String(), `"user":"id-1"`) {
		t.Errorf("slog gives %s", log.String())
	}
	j, err := json.Marshal(user)
	var back auth.User
	if err != nil || json.Unmarshal(j, &back) != nil || back != user {
		t.Errorf("JSON does not hold the user: %s, %v", j, err)
	}
}

func TestPasswordReadsItself(t *testing.T) {
	var body struct{ Password auth.Password }
	if err := json.Unmarshal([]byte(`{"password":" pass\u0000word\n"}`), &body); err != nil {
		t.Fatal(err)
	}
	if got := body.Password.Reveal(); got != " pass\x00word\n" {
		t.Errorf("got %q", got)
	}
	for _, other := range []string{`{"password":1}`, `{"password":{}}`, `{"password":["x"]}`} {
		if err := json.Unmarshal([]byte(other), &body); err == nil {
			t.Errorf("%s was read", other)
		}
	}
	if got := (auth.Password{}).Reveal(); got != "" {
		t.Errorf("the zero value is %q", got)
	}
}
