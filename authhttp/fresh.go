package authhttp

import (
	"net/http"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/internal/bearer"
)

// RequireFreshFunc is like [RequireFunc] for what needs a login of late, such as a
// payment or a new e-mail address: f gets requests whose user was authenticated at most
// maxAge ago, by [auth.Identity]'s AuthTime, and others with a valid token are answered
// 401 as RFC 9470 §3 has it. The client then asks for the password, takes it to
// [Reauthenticate], and tries again with the access token from there.
//
// A token that does not say when the user was authenticated is not fresh. It panics
// where maxAge is below a second, since tokens say so in whole ones.
func RequireFreshFunc(v auth.Verifier, maxAge time.Duration, f func(w http.ResponseWriter, r *http.Request, who auth.Identity)) http.Handler {
	return bearer.RequireFresh(v, maxAge, f, WriteError)
}

// RequireFresh returns middleware that does what [RequireFreshFunc] does for handlers
// that find who is asking by [auth.FromContext]. It needs no [Require] around it.
func RequireFresh(v auth.Verifier, maxAge time.Duration) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return RequireFreshFunc(v, maxAge, bearer.Plain(next))
	}
}
