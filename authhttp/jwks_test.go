package authhttp_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authhttp"
)

// keySourceFunc is a source of keys for one test.
type keySourceFunc func(context.Context) (*auth.KeySet, error)

func (f keySourceFunc) Keys(ctx context.Context) (*auth.KeySet, error) { return f(ctx) }

func signingKey(t testing.TB) (auth.Key, ed25519.PrivateKey) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := auth.SigningKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return key, private
}

func TestJWKS(t *testing.T) {
	key, private := signingKey(t)
	secret := []byte(strings.Repeat("canary-5Kq9", 3) + "\xff")
	hmac, err := auth.HMACKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	set := &auth.KeySet{Keys: []auth.Key{hmac, key}}
	next := &auth.KeySet{Keys: []auth.Key{hmac}, MaxAge: 90 * time.Second}
	current := set
	server := newServer(t, authhttp.JWKS(keySourceFunc(func(context.Context) (*auth.KeySet, error) { return current, nil })))

	ask := func(method, ifNoneMatch string) (*http.Response, []byte) {
		t.Helper()
		r, err := http.NewRequest(method, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		if ifNoneMatch != "" {
			r.Header.Set("If-None-Match", ifNoneMatch)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		if got := resp.Header.Get("X-Content-Type-Options"); got != "nosniff" {
			t.Errorf("X-Content-Type-Options = %q, want nosniff", got)
		}
		return resp, body
	}

	got, body := ask("GET", "")
	etag := got.Header.Get("ETag")
	if got.StatusCode != 200 || got.Header.Get("Content-Type") != "application/jwk-set+json" || got.Header.Get("Cache-Control") != "public, max-age=300" {
		t.Errorf("status %d, header %v", got.StatusCode, got.Header)
	}
	if len(etag) < 40 || etag[0] != '"' {
		t.Errorf("ETag = %s, want a strong one", etag)
	}
	var document struct{ Keys []map[string]any }
	if err := json.Unmarshal(body, &document); err != nil || len(document.Keys) != 1 || document.Keys[0]["kid"] != key.ID() {
		t.Fatalf("body %s: %v", body, err)
	}
	for name := range document.Keys[0] {
		if strings.Contains(" d p q dp dq qi oth k ", " "+name+" ") {
			t.Errorf("a private member: %s", name)
		}
	}
	for _, material := range [][]byte{secret, private.Seed()} {
		text, _ := json.Marshal(material)
		if bytes.Contains(body, material) || bytes.Contains(body, text[1:20]) {
			t.Errorf("secrets in %s", body)
		}
	}

	for _, tt := range []struct {
		method, ifNoneMatch string
		status              int
	}{
		{"HEAD", "", 200},
		{"GET", etag, 304},
		{"HEAD", etag, 304},
		{"GET", "W/" + etag, 304},
		{"GET", `"a", W/"b",` + etag + ` , "c"`, 304},
		{"GET", "*", 304},
		{"GET", `"a"`, 200},
		{"GET", etag[1 : len(etag)-1], 200},
	} {
		got, answer := ask(tt.method, tt.ifNoneMatch)
		if got.StatusCode != tt.status || got.Header.Get("ETag") != etag || got.Header.Get("Cache-Control") != "public, max-age=300" {
			t.Errorf("%s %s: status %d, want %d; header %v", tt.method, tt.ifNoneMatch, got.StatusCode, tt.status, got.Header)
		}
		if want := string(body); (tt.method == "GET" && tt.status == 200) != (string(answer) == want) {
			t.Errorf("%s %s: body %s", tt.method, tt.ifNoneMatch, answer)
		}
		if tt.method == "HEAD" && tt.status == 200 && got.ContentLength != int64(len(body)) {
			t.Errorf("HEAD: Content-Length %d, want %d", got.ContentLength, len(body))
		}
	}

	// Secrets alone make an empty set.
	current = next
	got, body = ask("GET", etag)
	if got.StatusCode != 200 || string(body) != `{"keys":[]}` || got.Header.Get("Cache-Control") != "public, max-age=90" || got.Header.Get("ETag") == etag {
		t.Errorf("after a change: status %d, header %v, body %s", got.StatusCode, got.Header, body)
	}

	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS", "PATCH"} {
		r, err := http.NewRequest(method, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		got := send(t, r)
		got.want(t, 405, "method_not_allowed")
		if allow := got.Header.Get("Allow"); allow != "GET, HEAD" {
			t.Errorf("Allow = %q", allow)
		}
	}
}

// Whatever goes wrong is an outage, which no cache may keep.
func TestJWKSFails(t *testing.T) {
	for name, source := range map[string]keySourceFunc{
		"error":       func(context.Context) (*auth.KeySet, error) { return nil, errors.New("canary") },
		"other error": func(context.Context) (*auth.KeySet, error) { return nil, auth.ErrUserNotFound },
		"nothing":     func(context.Context) (*auth.KeySet, error) { return nil, nil },
		"both": func(context.Context) (*auth.KeySet, error) {
			key, _ := signingKey(t)
			return &auth.KeySet{Keys: []auth.Key{key}}, errors.New("canary")
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := send(t, get(t, newServer(t, authhttp.JWKS(source)).URL))
			got.want(t, 503, "unavailable")
			if etag := got.Header.Get("ETag"); etag != "" {
				t.Errorf("ETag = %q", etag)
			}
		})
	}
}

// The document is made once for each set.
func TestJWKSOnce(t *testing.T) {
	key, _ := signingKey(t)
	set := &auth.KeySet{Keys: []auth.Key{key}}
	h := authhttp.JWKS(keySourceFunc(func(context.Context) (*auth.KeySet, error) { return set, nil }))
	ask := func() string {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, get(t, "/"))
		return w.Body.String()
	}
	first := ask()
	set.Keys = nil // which nobody may do: it shows what is not read again
	if second := ask(); second != first {
		t.Errorf("made again: %s", second)
	}
	set = &auth.KeySet{Keys: []auth.Key{key}, MaxAge: time.Minute}
	if third := ask(); third != first {
		t.Errorf("another set of the same keys: %s, want %s", third, first)
	}
}

func TestJWKSMaxAge(t *testing.T) {
	key, _ := signingKey(t)
	for maxAge, want := range map[time.Duration]string{
		0:                       "public, max-age=300",
		time.Second:             "public, max-age=1",
		1999 * time.Millisecond: "public, max-age=1",
		24 * time.Hour:          "public, max-age=86400",
		-time.Second:            "public, max-age=0",
	} {
		w := httptest.NewRecorder()
		authhttp.JWKS(keySourceFunc(func(context.Context) (*auth.KeySet, error) {
			return &auth.KeySet{Keys: []auth.Key{key}, MaxAge: maxAge}, nil
		})).ServeHTTP(w, get(t, "/"))
		if got := w.Header().Get("Cache-Control"); got != want {
			t.Errorf("%v: %s, want %s", maxAge, got, want)
		}
	}
}
