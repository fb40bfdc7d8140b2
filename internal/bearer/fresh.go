package bearer

import (
	"fmt"
	"net/http"
	"time"

	"github.com/seed89488a0c/auth/internal/token"
)

// RequireFresh is like [Require], but gives requests to next only if the token says
// that the user was authenticated at most maxAge ago. It panics where that is below a
// second, since tokens say so in whole ones: hardly anybody would ever pass.
func RequireFresh(v Verifier, maxAge time.Duration, next Handler, fail func(http.ResponseWriter, *http.Request, error)) http.Handler {
	if maxAge < time.Second || next == nil {
		panic("auth: RequireFresh: maxAge is below a second, or the handler is nil")
	}
	return Require(v, func(w http.ResponseWriter, r *http.Request, id token.Identity) {
		if !isFresh(id.AuthTime, maxAge) {
			fail(w, r, notFresh(maxAge))
			return
		}
		next(w, r, id)
	}, fail)
}

func isFresh(at time.Time, maxAge time.Duration) bool {
	age := time.Since(at)
	return !at.IsZero() && -token.ClockSkew <= age && age <= maxAge // later than the skew it has not happened
}

// notFresh is the answer of RFC 9470 §3.
func notFresh(maxAge time.Duration) *Problem {
	const code, description = "insufficient_user_authentication", "A more recent login is needed"
	return &Problem{
		Status:   http.StatusUnauthorized,
		Code:     code,
		Sentence: description + ".",
		Header: map[string]string{"WWW-Authenticate": fmt.Sprintf(`%s, error="%s", error_description="%s", max_age="%d"`,
			Challenge, code, description, maxAge/time.Second)},
	}
}
