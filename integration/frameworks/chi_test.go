package frameworks_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/go-chi/chi/v5"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authhttp"
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
