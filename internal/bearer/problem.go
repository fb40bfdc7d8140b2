package bearer

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/seed89488a0c/auth/internal/token"
)

// Challenge is that of every 401 (RFC 9110 §15.5.2). RFC 6750 §3 demands a
// parameter, and §3.1 that nothing is said of an error where no token was sent.
const Challenge = `Bearer realm="api"`

// Problem is an answer that is no success: the problem details of RFC 9457
// with extension members. There is no type, which means that the title is the
// status's own.
type Problem struct {
	Title    string `json:"title"` // set by Write
	Status   int    `json:"status"`
	Sentence string `json:"error"` // for people
	Code     string `json:"code"`  // for programs: stable
	Field    string `json:"field,omitempty"`
	Min      int    `json:"min,omitempty"`
	Max      int    `json:"max,omitempty"`

	// What would do, beside insufficient_user_authentication (RFC 9470 §3).
	MaxAge    int64  `json:"max_age,omitempty"` // in seconds
	ACRValues string `json:"acr_values,omitempty"`

	Header map[string]string `json:"-"`
}

// Error makes a problem of a request an error like any other.
func (p *Problem) Error() string { return "auth: problem: " + p.Code }

// Write answers a request.
func (p Problem) Write(w http.ResponseWriter) {
	p.Title = http.StatusText(p.Status)
	h := w.Header()
	// What a handler said of an answer that it could not give.
	for _, name := range []string{"Content-Encoding", "Content-Length", "Etag", "Last-Modified"} {
		h.Del(name)
	}
	for name, value := range p.Header {
		h.Set(name, value)
	}
	WriteJSON(w, p.Status, "application/problem+json", p)
}

// WriteJSON writes an answer that no cache may keep (RFC 9111 §5.2.2.5, ASVS
// 5.0 14.3.2). A client that has gone is no error of ours.
func WriteJSON(w http.ResponseWriter, status int, contentType string, body any) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-store")
	NoSniff(w)
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}

// NoSniff has a browser take an answer for what it says that it is (ASVS 5.0 3.4.4).
func NoSniff(w http.ResponseWriter) { w.Header().Set("X-Content-Type-Options", "nosniff") }

// Outage is a 503 that asks to try again after so many seconds.
func Outage(code, sentence, retryAfter string) Problem {
	return Problem{
		Status:   http.StatusServiceUnavailable,
		Code:     code,
		Sentence: sentence,
		Header:   map[string]string{"Retry-After": retryAfter},
	}
}

// Unavailable is the outage of something that takes seconds to come back: a
// database that restarts or fails over, an issuer that is deployed anew. The
// time is fixed, so that it says nothing about the inside.
func Unavailable() Problem {
	return Outage("unavailable", "The service cannot answer now; try again in a moment.", "5")
}

// MissingToken is the answer to a request without a token.
func MissingToken() *Problem {
	return &Problem{
		Status:   http.StatusUnauthorized,
		Code:     "missing_token",
		Sentence: "An access token is needed.",
		Header:   map[string]string{"WWW-Authenticate": Challenge},
	}
}

// BadToken is the answer to [token.ErrInvalid]. It says no more than whether the
// token expired: the reason that an error's text names is for logs.
func BadToken(err error) Problem {
	code, description := "invalid_token", "The access token is not valid"
	if errors.Is(err, token.ErrExpired) {
		code, description = "expired_token", "The access token expired"
	}
	return Problem{
		Status:   http.StatusUnauthorized,
		Code:     code,
		Sentence: description + ".",
		Header: map[string]string{
			"WWW-Authenticate": Challenge + `, error="invalid_token", error_description="` + description + `"`,
		},
	}
}

// WriteError answers a request with an error of [Require]: 503 for an outage
// whatever else is in its chain, 401 for all others.
func WriteError(w http.ResponseWriter, _ *http.Request, err error) {
	own, missing := errors.AsType[*Problem](err)
	switch {
	case errors.Is(err, token.ErrUnavailable):
		Unavailable().Write(w)
	case missing:
		own.Write(w)
	default:
		BadToken(err).Write(w)
	}
}
