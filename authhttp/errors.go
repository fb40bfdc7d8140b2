package authhttp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/internal/bearer"
)

// retryOverloaded is after how many seconds a client may try again: a queue of
// hashes that was too long moves on within one.
const retryOverloaded = "1"

// problem is an answer that is no success.
type problem = bearer.Problem

// WriteError answers a request with an error of package auth, as the handlers
// of this package do; a service's own handlers may call it too. The answer is
// application/problem+json (RFC 9457) with the extension members
//
//	error     a sentence for people
//	code      for programs: stable, see the package's documentation
//	field     the member that is wrong, of an [auth.InputError]
//	min, max  the limits that apply to it
//
// It is chosen from err's chain: [auth.ErrUnavailable] gives 503 whatever else
// is there, and an ended context if nothing else is; [auth.ErrInvalidInput] 400;
// [auth.ErrTooManyAttempts] 429, with a Retry-After where waiting helps;
// [auth.ErrWideAudience] 403;
// [auth.ErrInvalidToken] and [auth.ErrInvalidCredentials] 401;
// [auth.ErrUserNotFound] and [auth.ErrSessionNotFound] 404; [auth.ErrUserExists],
// [auth.ErrConflict] and [auth.ErrTooManySessions] 409;
// an [http.MaxBytesError] 413; what encoding/json says of a body that it was given
// to decode, 400. Everything else is a 500. The text of err never
// reaches the client; a service that wants to know it logs it.
//
// Behind [Require], where r's context knows who asks, [auth.ErrInvalidCredentials]
// is 403: that [auth.Authenticator.ChangePassword] found the current password wrong
// should not make a client drop its token. That the user of a valid token is not
// found any more should: a handler gives that as [auth.ErrInvalidToken].
//
// Every 401 has a challenge, as RFC 9110 §15.5.2 demands: that of a failed
// login only names the scheme.
func WriteError(w http.ResponseWriter, r *http.Request, err error) {
	p := problemOf(err)
	if p.Code == codeCredentials && r != nil {
		if _, known := auth.FromContext(r.Context()); known {
			p = problem{Status: http.StatusForbidden, Code: codeCredentials, Sentence: "The password is wrong."}
		}
	}
	p.Write(w)
}

const codeCredentials = "invalid_credentials"

// WriteTokens answers a request with new tokens: the body of RFC 6749 §5.1 and
// "result":"success". The rest of a token's life is rounded down to seconds. There
// are a refresh_token and a device_token where t has them.
func WriteTokens(w http.ResponseWriter, t auth.Tokens) { writeTokens(w, t, nil) }

// WriteResult is like [WriteTokens] and says whose they are, as [Register] does:
// "user":{"id":…,"email":…,"username":…}, without a username where there is none.
func WriteResult(w http.ResponseWriter, r auth.Result) {
	writeTokens(w, r.Tokens, &user{r.User.ID, r.User.Email, r.User.Username})
}

type user struct {
	ID       string `json:"id"`
	Email    string `json:"email"`
	Username string `json:"username,omitempty"`
}

func writeTokens(w http.ResponseWriter, t auth.Tokens, u *user) {
	bearer.WriteJSON(w, http.StatusOK, "application/json", struct {
		Result       string `json:"result"`
		AccessToken  string `json:"access_token"`
		TokenType    string `json:"token_type"`
		ExpiresIn    int64  `json:"expires_in"`
		RefreshToken string `json:"refresh_token,omitempty"`
		DeviceToken  string `json:"device_token,omitempty"`
		User         *user  `json:"user,omitempty"`
	}{"success", t.Access, "Bearer", int64(max(0, time.Until(t.AccessExpiresAt)) / time.Second), t.Refresh, t.Device, u})
}

// problemOf returns the answer to an error.
func problemOf(err error) problem {
	var (
		own      *problem
		throttle *auth.ThrottleError
		input    *auth.InputError
		tooLarge *http.MaxBytesError
		syntax   *json.SyntaxError
		kind     *json.UnmarshalTypeError
	)
	switch {
	case errors.Is(err, auth.ErrOverloaded):
		return bearer.Outage("overloaded", "Too many people are logging in; try again in a moment.", retryOverloaded)
	case errors.Is(err, auth.ErrUnavailable):
		return bearer.Unavailable()
	case errors.As(err, &own):
		return *own
	case errors.As(err, &throttle):
		return throttled(throttle)
	case errors.Is(err, auth.ErrTooManyAttempts):
		return throttled(&auth.ThrottleError{After: time.Second})
	case errors.As(err, &input):
		return problem{
			Status:   http.StatusBadRequest,
			Code:     input.Code,
			Sentence: inputSentence(input),
			Field:    input.Field,
			Min:      input.Min,
			Max:      input.Max,
		}
	case errors.Is(err, auth.ErrInvalidInput):
		return problem{Status: http.StatusBadRequest, Code: "invalid_input", Sentence: "The request is not valid."}
	case errors.As(err, &tooLarge):
		return problem{Status: http.StatusRequestEntityTooLarge, Code: "body_too_large", Sentence: "The request is too large."}
	case errors.As(err, &syntax), err == io.EOF, err == io.ErrUnexpectedEOF: // as a json.Decoder has them
		return *badRequest("malformed_json", "The request is not valid JSON.")
	case errors.As(err, &kind):
		return *badRequest("invalid_type", "A member of the request is of the wrong type.")
	case errors.Is(err, auth.ErrWideAudience): // before ErrInvalidToken, which it matches
		return wideAudience()
	case errors.Is(err, auth.ErrInvalidToken):
		return bearer.BadToken(err)
	case errors.Is(err, auth.ErrInvalidCredentials):
		return problem{
			Status:   http.StatusUnauthorized,
			Code:     codeCredentials,
			Sentence: "The e-mail address or the password is wrong.",
			Header:   map[string]string{"WWW-Authenticate": bearer.Challenge},
		}
	case errors.Is(err, auth.ErrUserNotFound):
		return problem{Status: http.StatusNotFound, Code: "user_not_found", Sentence: "There is no such user."}
	case errors.Is(err, auth.ErrSessionNotFound):
		return problem{Status: http.StatusNotFound, Code: "session_not_found", Sentence: "There is no such session."}
	case errors.Is(err, auth.ErrTooManySessions):
		return problem{
			Status:   http.StatusConflict,
			Code:     "too_many_sessions",
			Sentence: "You are logged in too often; log out somewhere else first.",
		}
	case errors.Is(err, auth.ErrUserExists):
		return problem{Status: http.StatusConflict, Code: "user_exists", Sentence: "The e-mail address is taken."}
	case errors.Is(err, auth.ErrConflict):
		return problem{Status: http.StatusConflict, Code: "conflict", Sentence: "Somebody else changed this meanwhile; try again."}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return bearer.Unavailable()
	}
	return problem{Status: http.StatusInternalServerError, Code: "internal", Sentence: "Something went wrong."}
}

// throttled is the answer to a try that was not let in.
func throttled(e *auth.ThrottleError) problem {
	p := problem{Status: http.StatusTooManyRequests, Code: "too_many_attempts", Sentence: "Too many attempts; try again later."}
	switch {
	case e.Suspect != nil:
		p.Code, p.Sentence = "captcha_required", "Show first that you are no robot."
	case e.Stopped:
		p.Code, p.Sentence = "attempts_stopped", "Too many attempts have failed; use a device on which you have logged in before, or ask for help."
	default:
		p.Header = map[string]string{"Retry-After": strconv.FormatInt(int64((e.After+time.Second-1)/time.Second), 10)}
	}
	return p
}

// wideAudience is the answer of RFC 6750 §3.1 to a token that is right and may not do
// this.
func wideAudience() problem {
	return problem{
		Status:   http.StatusForbidden,
		Code:     "wide_audience",
		Sentence: "This access token is good at other services too; refresh with this service alone as the audience, and use that one here.",
		Header: map[string]string{
			"WWW-Authenticate": bearer.Challenge + `, error="insufficient_scope", error_description="The access token is for several audiences"`,
		},
	}
}

// inputSentence says in words what an InputError says.
func inputSentence(e *auth.InputError) string {
	name := "The " + e.Field
	if e.Field == "email" {
		name = "The e-mail address"
	}
	switch e.Code {
	case "required":
		return name + " is missing."
	case "too_short", "too_long":
		switch {
		case e.Min > 0 && e.Max > 0:
			return fmt.Sprintf("%s must have %d to %d characters.", name, e.Min, e.Max)
		case e.Code == "too_short":
			return name + " is too short."
		}
		return name + " is too long."
	case "not_allowed":
		return name + " is not one that there are tokens for."
	case "password_common":
		return name + " is one of the most common ones."
	case "password_personal":
		return name + " is made of the e-mail address or the name."
	case "password_context":
		return name + " is made of a word that is easy to guess here."
	case "password_breached":
		return name + " is known from a breach of another service."
	}
	return name + " is not valid."
}
