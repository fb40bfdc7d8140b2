package bearer

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
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
	return !at.IsZero() && -token.MaxSkew <= age && age <= maxAge // later than any skew it has not happened
}

// RequireACR is like [Require], but gives requests to next only if the token has one of
// these acr. It panics where there is none, or one that no challenge can name.
func RequireACR(v Verifier, acr []string, next Handler, fail func(http.ResponseWriter, *http.Request, error)) http.Handler {
	acr = slices.Clone(acr)
	unfit := func(value string) bool {
		return value == "" || strings.ContainsFunc(value, func(c rune) bool { return c <= ' ' || c > '~' || c == '"' || c == '\\' })
	}
	if len(acr) == 0 || slices.ContainsFunc(acr, unfit) || next == nil {
		panic("auth: RequireACR: there is no acr, one is empty, has a space, a quote or what is not ASCII, or the handler is nil")
	}
	refused := insufficient("Another way of logging in is needed")
	refused.ACRValues = strings.Join(acr, " ")
	refused.Header["WWW-Authenticate"] += fmt.Sprintf(`, acr_values="%s"`, refused.ACRValues)
	return Require(v, func(w http.ResponseWriter, r *http.Request, id token.Identity) {
		if !slices.Contains(acr, id.ACR) {
			fail(w, r, refused)
			return
		}
		next(w, r, id)
	}, fail)
}

// notFresh is the answer to a login that is too long ago.
func notFresh(maxAge time.Duration) *Problem {
	p := insufficient("A more recent login is needed")
	p.MaxAge = int64(maxAge / time.Second)
	p.Header["WWW-Authenticate"] += fmt.Sprintf(`, max_age="%d"`, p.MaxAge)
	return p
}

// insufficient is the answer of RFC 9470 §3, which goes on to say what would do.
func insufficient(description string) *Problem {
	const code = "insufficient_user_authentication"
	return &Problem{
		Status:   http.StatusUnauthorized,
		Code:     code,
		Sentence: description + ".",
		Header: map[string]string{
			"WWW-Authenticate": fmt.Sprintf(`%s, error="%s", error_description="%s"`, Challenge, code, description),
		},
	}
}
