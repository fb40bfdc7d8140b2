package authhttp_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
)

// Canaries: what no answer may contain.
const (
	canaryPassword = "canary-Passw0rd-5Kq9"
	canaryDriver   = "Error 1062 (23000): Duplicate entry 'canary-driver'"
)

func newAuthenticator(t testing.TB, store auth.UserStore, opts ...auth.Options) *auth.Authenticator {
	t.Helper()
	return authtest.New(t, opts...).WithStore(store)
}

// failingStore is a store that is down, and talks about it.
type failingStore struct {
	auth.UserStore
	err error
}

func (s failingStore) CreateUser(context.Context, auth.UserRecord) (string, error) { return "", s.err }

func (s failingStore) UserByEmail(context.Context, string) (auth.UserRecord, error) {
	return auth.UserRecord{}, s.err
}

// verifierFunc is a verifier for one test.
type verifierFunc func(ctx context.Context, token string) (auth.Identity, error)

func (f verifierFunc) Verify(ctx context.Context, token string) (auth.Identity, error) {
	return f(ctx, token)
}

// identified is a verifier that takes every token for this identity's.
func identified(id auth.Identity) verifierFunc {
	return func(context.Context, string) (auth.Identity, error) { return id, nil }
}

// whoIsIt is whoami for handlers that are given the identity.
func whoIsIt(w http.ResponseWriter, r *http.Request, who auth.Identity) {
	if id, ok := auth.FromContext(r.Context()); !ok || id != who {
		panic("the context knows somebody else")
	}
	whoami(w, r)
}

// wantPanic wants a panic with a text in which these words are.
func wantPanic(t *testing.T, name, words string, mount func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if text, _ := recover().(string); !strings.Contains(text, words) {
			t.Errorf("%s: panic %q, want one with %q", name, text, words)
		}
	}()
	mount()
}

func newServer(t testing.TB, h http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// answer is what came back, the body twice.
type answer struct {
	Status int
	Header http.Header
	Text   string
	Body   map[string]any
}

// send sends a request and checks what holds for every answer of this package:
// it is one JSON object, or a 204, that no cache may keep, and has no canary in it.
func send(t testing.TB, r *http.Request) answer {
	t.Helper()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return check(t, answer{Status: resp.StatusCode, Header: resp.Header, Text: string(body)})
}

func check(t testing.TB, a answer) answer {
	t.Helper()
	if a.Status == http.StatusNoContent {
		if a.Text != "" || a.Header.Get("Content-Type") != "" {
			t.Errorf("a 204 with a body: %q, %v", a.Text, a.Header)
		}
	} else if err := json.Unmarshal([]byte(a.Text), &a.Body); err != nil {
		t.Fatalf("status %d: the body is no JSON object: %v: %.200q", a.Status, err, a.Text)
	}
	if got := a.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control = %q, want no-store", got)
	}
	if got := a.Header.Get("X-Content-Type-Options"); got != "nosniff" {
		t.Errorf("X-Content-Type-Options = %q, want nosniff", got)
	}
	text := a.Text
	if user, registered := a.Body["user"].(map[string]any); registered { // is told their own address
		text = strings.Replace(text, user["email"].(string), "", 1)
	}
	for _, canary := range []string{"canary", "5Kq9", "Duplicate entry"} {
		if strings.Contains(text, canary) {
			t.Errorf("the body holds %q: %s", canary, a.Text)
		}
		for name, values := range a.Header {
			if strings.Contains(strings.Join(values, " "), canary) {
				t.Errorf("header %s holds %q", name, canary)
			}
		}
	}
	if a.Status == http.StatusOK || a.Status == http.StatusNoContent {
		return a
	}
	if got := a.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("Content-Type = %q, want application/problem+json", got)
	}
	if got := a.Body["status"]; got != float64(a.Status) {
		t.Errorf("member status = %v, want %d", got, a.Status)
	}
	if got := a.Body["title"]; got != http.StatusText(a.Status) {
		t.Errorf("member title = %v, want %q", got, http.StatusText(a.Status))
	}
	if got, _ := a.Body["error"].(string); !strings.HasSuffix(got, ".") {
		t.Errorf("member error = %q, want a sentence", got)
	}
	challenge := a.Header.Get("WWW-Authenticate")
	if (a.Status == http.StatusUnauthorized || a.Body["code"] == "wide_audience") != strings.HasPrefix(challenge, "Bearer ") {
		t.Errorf("status %d with WWW-Authenticate %q", a.Status, challenge)
	}
	retry := a.Header.Get("Retry-After")
	if a.Body["code"] == "too_many_attempts" {
		if n, err := strconv.Atoi(retry); err != nil || n < 1 || n > 3600 {
			t.Errorf("status %d with Retry-After %q", a.Status, retry)
		}
	} else if (a.Status == http.StatusServiceUnavailable) != (retry == "1" || retry == "5") {
		t.Errorf("status %d with Retry-After %q", a.Status, retry)
	}
	return a
}

// want fails the test unless the answer is the problem of this status and code.
func (a answer) want(t testing.TB, status int, code string) {
	t.Helper()
	if a.Status != status || a.Body["code"] != code {
		t.Errorf("answer %d %v, want %d %s: %.300s", a.Status, a.Body["code"], status, code, a.Text)
	}
}

func post(t testing.TB, url, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	return r
}

func get(t testing.TB, url string, authorization ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header["Authorization"] = authorization
	return r
}
