// Package frameworks_test holds what docs/getting-started.md shows for each
// framework: the handler runs for a verified token and for nothing else.
package frameworks_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
)

// newUser returns an Authenticator, a user's ID and an access token.
func newUser(t *testing.T) (a *auth.Authenticator, id, token string) {
	t.Helper()
	a = authtest.New(t)
	result, err := a.Register(context.Background(), auth.Registration{
		Email:    "ada@example.com",
		Password: auth.NewPassword("correct horse battery"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return a, result.User.ID, result.Tokens.Access
}

// do sends a request to a server in this process.
type do func(*http.Request) (*http.Response, error)

func inProcess(h http.Handler) do {
	return func(r *http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Result(), nil
	}
}

// testGuard demands that GET path answers a token with its user's ID, and all else
// with a 401 that does not have it.
func testGuard(t *testing.T, send do, path, id, token string) {
	t.Helper()
	for authorization, want := range map[string]int{
		"":                    http.StatusUnauthorized,
		"Bearer " + token[1:]: http.StatusUnauthorized,
		"Basic " + token:      http.StatusUnauthorized,
		"Bearer " + token:     http.StatusOK,
	} {
		r := httptest.NewRequest("GET", path, nil)
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		answer, err := send(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		if answer.StatusCode != want || (string(body) == "orders of "+id) != (want == http.StatusOK) {
			t.Errorf("%s with %.20q: %d %s", path, authorization, answer.StatusCode, body)
		}
		if want == http.StatusUnauthorized && answer.Header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s with %.20q: the 401 has no challenge", path, authorization)
		}
	}
}
