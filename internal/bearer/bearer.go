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

// Require returns a handler that gives requests with a valid access token to
// next, with who is asking in their context, and all others to fail, with a
// [Problem] or an error that matches [token.ErrInvalid] or [token.ErrUnavailable].
// [WriteError] can be fail.
func Require(v Verifier, next http.Handler, fail func(http.ResponseWriter, *http.Request, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, err := identify(v, r)
		if err != nil {
			fail(w, r, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(token.NewContext(r.Context(), id)))
	})
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
func isToken68(s string) bool {
	s = strings.TrimRight(s, "=")
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-._~+/", c) >= 0:
		default:
			return false
		}
	}
	return s != ""
}
