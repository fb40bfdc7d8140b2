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

// RequireACRFunc is like [RequireFunc] for what not every login is good enough for: f gets
// requests whose token has one of these acr, see [auth.JWTConfig], and others with a valid
// token are answered 401 as RFC 9470 §3 has it, with acr in acr_values. The client then
// has the user log in as one of them demands, such as with a second factor, which ends in
// [auth.Authenticator.LoginWith], and tries again with the access token from there.
//
// An acr means what its issuer says, and none is more than another: name all that will
// do, the preferred one first. It panics where there is none, or one that is empty or has
// a space, a quote, a backslash or what is not ASCII. To demand a recent login as well,
// put it into [RequireFresh].
func RequireACRFunc(v auth.Verifier, acr []string, f func(w http.ResponseWriter, r *http.Request, who auth.Identity)) http.Handler {
	return bearer.RequireACR(v, acr, f, WriteError)
}

// RequireACR returns middleware that does what [RequireACRFunc] does for handlers that
// find who is asking by [auth.FromContext]. It needs no [Require] around it.
func RequireACR(v auth.Verifier, acr ...string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return RequireACRFunc(v, acr, bearer.Plain(next))
	}
}

// RequireFresh returns middleware that does what [RequireFreshFunc] does for handlers
// that find who is asking by [auth.FromContext]. It needs no [Require] around it.
func RequireFresh(v auth.Verifier, maxAge time.Duration) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return RequireFreshFunc(v, maxAge, bearer.Plain(next))
	}
}
