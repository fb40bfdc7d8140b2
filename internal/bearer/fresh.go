package bearer

import (
	"fmt"
	"net/http"
	"time"

	"github.com/seed89488a0c/auth/internal/token"
)

// RequireFresh returns a handler that gives requests whose token says that the
// user was authenticated at most maxAge ago to next, and all others to fail, with
// a [Problem]. Without [Require] before it that is every request.
func RequireFresh(maxAge time.Duration, next http.Handler, fail func(http.ResponseWriter, *http.Request, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, known := token.FromContext(r.Context())
		switch {
		case !known || id.UserID == "":
			fail(w, r, MissingToken())
		case !isFresh(id.AuthTime, maxAge):
			fail(w, r, notFresh(maxAge))
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func isFresh(at time.Time, maxAge time.Duration) bool {
	age := time.Since(at)
	return !at.IsZero() && -token.MaxSkew <= age && age <= maxAge // later than any skew it has not happened
}

// notFresh is the answer of RFC 9470 §3.
func notFresh(maxAge time.Duration) *Problem {
	const code, description = "insufficient_user_authentication", "A more recent login is needed"
	return &Problem{
		Status:   http.StatusUnauthorized,
		Code:     code,
		Sentence: description + ".",
		Header: map[string]string{"WWW-Authenticate": fmt.Sprintf(`%s, error="%s", error_description="%s", max_age="%d"`,
			Challenge, code, description, max(0, maxAge)/time.Second)},
	}
}
