package frameworks_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-chi/chi/v5"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authhttp"
	"github.com/seed89488a0c/auth/authtest"
)

func chiRouter(a *auth.Authenticator) http.Handler {
	r := chi.NewRouter()
	r.Method("POST", "/users/register", authhttp.Register(a))
	r.Method("POST", "/users/login", authhttp.Login(a))
	r.Method("GET", "/orders", authhttp.RequireFunc(a, func(w http.ResponseWriter, r *http.Request, who auth.Identity) {
		io.WriteString(w, "orders of "+who.UserID)
	}))
	return r
}

func TestChi(t *testing.T) {
	a, id, token := newUser(t)
	testGuard(t, inProcess(chiRouter(a)), "/orders", id, token)
}

// chiID finds the ID in a pattern of chi's.
func chiID(r *http.Request) string { return chi.URLParam(r, "id") }

// A session is ended by the ID that chi finds.
func TestChiEndSession(t *testing.T) {
	a := authtest.New(t, auth.Options{Sessions: auth.SessionConfig{Store: auth.NewMemoryStore()}})
	token, id := authtest.Token(t, a, "42"), authtest.Identity(t, a, "42")
	r := chi.NewRouter()
	r.Method("DELETE", "/users/me/sessions/{id}", authhttp.EndSession(a, chiID))
	request := httptest.NewRequestWithContext(t.Context(), http.MethodDelete, "/users/me/sessions/"+id.SessionID, nil)
	request.Header.Set("Authorization", "Bearer "+token)
	answer := httptest.NewRecorder()
	r.ServeHTTP(answer, request)
	left, err := a.Sessions(t.Context(), "42")
	if answer.Code != http.StatusNoContent || err != nil || len(left) == 0 {
		t.Fatal(answer.Code, left, err)
	}
	for _, s := range left {
		if s.ID == id.SessionID {
			t.Error("the session lives on")
		}
	}
}
