package authhttp

import (
	"net/http"
	"time"

	"github.com/seed89488a0c/auth/internal/bearer"
)

// RequireFresh returns middleware for what needs a login of late, such as a
// payment or a new e-mail address: it lets requests pass whose user was
// authenticated at most maxAge ago, by [auth.Identity]'s AuthTime, and answers all
// others 401 as RFC 9470 §3 has it. The client then asks for the password, takes it
// to [Reauthenticate], and tries again with the access token from there.
//
// It belongs inside [Require]: where nobody is known, which is every request
// without it, the answer is that to a missing token. A token that does not say
// when the user was authenticated is not fresh. Tokens say so in whole seconds: a
// maxAge of a second or less lets hardly anybody pass.
func RequireFresh(maxAge time.Duration) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return bearer.RequireFresh(maxAge, next, WriteError)
	}
}
