package authhttp

import (
	"net/http"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/internal/bearer"
)

// RequireFunc is a stand-in until its own branch is merged.
func RequireFunc(v auth.Verifier, f func(http.ResponseWriter, *http.Request, auth.Identity)) http.Handler {
	return Require(v)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, ok := auth.FromContext(r.Context())
		if !ok {
			WriteError(w, r, bearer.MissingToken())
			return
		}
		f(w, r, id)
	}))
}
