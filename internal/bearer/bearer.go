// Package bearer is what every middleware of this module that verifies bearer
// tokens has in common: where the token is read from, and what a client is told.
package bearer

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/seed89488a0c/auth/internal/token"
)

// Verifier tells who an access token speaks for; it is
// [github.com/seed89488a0c/auth.Verifier].
type Verifier interface {
	Verify(ctx context.Context, accessToken string) (token.Identity, error)
}

// Handler answers requests of somebody who is known.
type Handler = func(w http.ResponseWriter, r *http.Request, who token.Identity)

// Plain returns a handler that finds who is asking in the context.
func Plain(h http.Handler) Handler {
	if h == nil {
		return nil
	}
	return func(w http.ResponseWriter, r *http.Request, _ token.Identity) { h.ServeHTTP(w, r) }
}

// Require returns a handler that gives requests with a valid access token to
// next, with who is asking in their context too, and all others to fail, with a
// [Problem] or an error that matches [token.ErrInvalid] or [token.ErrUnavailable].
// [WriteError] can be fail. It panics where the verifier or next is nil, as everything
// here that returns a handler does.
func Require(v Verifier, next Handler, fail func(http.ResponseWriter, *http.Request, error)) http.Handler {
	if v == nil || next == nil {
		panic("auth: Require: the verifier or the handler is nil")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, err := identify(v, r)
		if err != nil {
			fail(w, r, err)
			return
		}
		next(w, r.WithContext(token.NewContext(r.Context(), id)), id)
	})
}

// Optional is like [Require], but gives requests that bring no token to anonymous as
// they are: those without an Authorization header, and those with credentials of
// another scheme, as behind Basic authentication.
func Optional(v Verifier, anonymous http.Handler, next Handler, fail func(http.ResponseWriter, *http.Request, error)) http.Handler {
	required := Require(v, next, fail)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// No cache may give one's answer to the other (RFC 9110 §12.5.5).
		w.Header().Add("Vary", "Authorization")
		if fields := r.Header.Values("Authorization"); len(fields) == 0 || len(fields) == 1 && isOther(fields[0]) {
			anonymous.ServeHTTP(w, r)
			return
		}
		required.ServeHTTP(w, r)
	})
}

// isOther reports whether a field has credentials of another scheme (RFC 9110 §11.4)
// and none of ours. A token without a scheme is none, and neither is an empty field:
// whoever sends them does not mean to be nobody.
func isOther(field string) bool {
	scheme, credentials, _ := strings.Cut(field, " ")
	return strings.Trim(credentials, " ") != "" && isToken(scheme) && !strings.EqualFold(scheme, "Bearer") &&
		!strings.Contains(strings.ToLower(credentials), "bearer ") // two fields that somebody has joined
}

// isToken reports whether s has the form of a scheme's name (RFC 9110 §5.6.2).
func isToken(s string) bool { return isMadeOf(s, "!#$%&'*+-.^_`|~") }

// isMadeOf reports whether s has letters, digits and these marks alone, and any at all.
func isMadeOf(s, marks string) bool {
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte(marks, c) >= 0:
		default:
			return false
		}
	}
	return s != ""
}

// identify returns who sent a request. What is neither an invalid token nor an
// outage breaks the verifier's contract, and is taken for an outage.
func identify(v Verifier, r *http.Request) (token.Identity, error) {
	text, err := read(r.Header)
	if err != nil {
		return token.Identity{}, err
	}
	id, err := v.Verify(r.Context(), text)
	switch {
	case err == nil && id.UserID == "":
		return token.Identity{}, token.ErrInvalid
	case err == nil, errors.Is(err, token.ErrInvalid), errors.Is(err, token.ErrUnavailable):
		return id, err
	}
	return token.Identity{}, token.ErrUnavailable
}

// read returns the one bearer token of a request.
func read(h http.Header) (string, error) {
	fields := h.Values("Authorization")
	if len(fields) > 1 {
		return "", token.ErrInvalid
	}
	// Another scheme counts as no token (RFC 6750 §3.1).
	scheme, text, _ := strings.Cut(strings.Join(fields, ""), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", MissingToken()
	}
	if text = strings.TrimLeft(text, " "); !isToken68(text) {
		return "", token.ErrInvalid
	}
	return text, nil
}

// isToken68 reports whether s has the form of a credential (RFC 9110 §11.2).
func isToken68(s string) bool { return isMadeOf(strings.TrimRight(s, "="), "-._~+/") }
