package authhttp_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authhttp"
)

// sessionHandler has every handler of sessions.
func sessionHandler(a *auth.Authenticator) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/register", authhttp.Register(a))
	mux.Handle("/login", authhttp.Login(a))
	mux.Handle("/refresh", authhttp.Refresh(a))
	mux.Handle("/logout", authhttp.Logout(a))
	mux.Handle("/logout-all", authhttp.LogoutAll(a))
	mux.Handle("/logout-others", authhttp.LogoutOthers(a))
	mux.Handle("/sessions", authhttp.Sessions(a))
	mux.Handle("/sessions/{id}", authhttp.EndSession(a, nil))
	mux.Handle("/password", authhttp.ChangePassword(a))
	mux.Handle("/reauthenticate", authhttp.Reauthenticate(a))
	mux.Handle("/me", authhttp.RequireFunc(a, whoIsIt))
	mux.Handle("/pay", authhttp.RequireFreshFunc(a, 5*time.Minute, whoIsIt))
	return mux
}

// sessionAPI serves them.
type sessionAPI struct {
	*httptest.Server
	a *auth.Authenticator
}

func newSessionAPI(t testing.TB, store interface {
	auth.UserStore
	auth.SessionStore
}, c auth.SessionConfig, opts ...auth.Options) sessionAPI {
	var o auth.Options
	if len(opts) > 0 {
		o = opts[0]
	}
	c.Store = store
	o.Sessions = c
	a := newAuthenticator(t, store, o)
	return sessionAPI{newServer(t, sessionHandler(a)), a}
}

// pair is what a client keeps.
type pair struct{ access, refresh string }

func pairOf(t testing.TB, a answer) pair {
	t.Helper()
	access, _ := a.Body["access_token"].(string)
	refresh, _ := a.Body["refresh_token"].(string)
	delete(a.Body, "user") // of whom has just registered
	if a.Status != 200 || access == "" || refresh == "" || len(a.Body) != 5 {
		t.Fatalf("answer %d %.300s, want two tokens", a.Status, a.Text)
	}
	return pair{access, refresh}
}

func (s sessionAPI) login(t testing.TB, path, email string, header ...string) pair {
	t.Helper()
	r := post(t, s.URL+path, `{"email":"`+email+`","password":"`+canaryPassword+`"}`)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return pairOf(t, send(t, r))
}

func (s sessionAPI) refresh(t testing.TB, token string) answer {
	t.Helper()
	return send(t, post(t, s.URL+"/refresh", fmt.Sprintf(`{"refresh_token":%q}`, token)))
}

// as sends a request with an access token.
func (s sessionAPI) as(t testing.TB, access, method, path, body string) answer {
	t.Helper()
	r := post(t, s.URL+path, body)
	r.Method = method
	r.Header.Set("Authorization", "Bearer "+access)
	return send(t, r)
}

// list returns the IDs of the sessions, and which is the current one.
func (s sessionAPI) list(t testing.TB, access string) (ids []string, current string) {
	t.Helper()
	got := s.as(t, access, "GET", "/sessions", "")
	if got.Status != 200 {
		t.Fatalf("answer %d %s", got.Status, got.Text)
	}
	for _, one := range got.Body["sessions"].([]any) {
		one := one.(map[string]any)
		ids = append(ids, one["id"].(string))
		if one["current"] == true {
			current += one["id"].(string)
		}
	}
	return ids, current
}
