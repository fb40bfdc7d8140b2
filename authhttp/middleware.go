// Package authhttp puts package auth behind net/http: middleware that verifies
// bearer tokens, one mapping of errors to answers, and handlers for
// registration, login, sessions and the public keys for those who want them. It works with every router
// that takes an [http.Handler]; each part can be used without the others.
//
//	mux.Handle("POST /users/register", authhttp.Register(a))
//	mux.Handle("POST /users/login", authhttp.Login(a))
//	mux.Handle("GET /orders", authhttp.Require(a)(orders))
//	mux.Handle("GET /.well-known/jwks.json", authhttp.JWKS(issuer))
//
// With [auth.Options.Sessions], and where known is authhttp.Require(a):
//
//	mux.Handle("POST /users/refresh", authhttp.Refresh(a))
//	mux.Handle("POST /users/logout", authhttp.Logout(a))
//	mux.Handle("POST /users/logout-all", known(authhttp.LogoutAll(a)))
//	mux.Handle("POST /users/logout-others", known(authhttp.LogoutOthers(a)))
//	mux.Handle("GET /users/me/sessions", known(authhttp.Sessions(a)))
//	mux.Handle("DELETE /users/me/sessions/{id}", known(authhttp.EndSession(a)))
//	mux.Handle("POST /users/me/reauthenticate", known(authhttp.Reauthenticate(a)))
//	mux.Handle("POST /payments", known(authhttp.RequireFresh(5*time.Minute)(pay)))
//
// What a client is told:
//
//	200  registered, logged in, refreshed, password given again or changed:
//	     {"result":"success","access_token":…,"token_type":"Bearer","expires_in":…,"refresh_token":…},
//	     the last one with sessions;
//	     sessions: {"sessions":[{"id":…,"created_at":…,"last_used_at":…,"expires_at":…,"current":…,
//	     "client":{"address":…,"user_agent":…,"label":…}}]}; the public keys: {"keys":[…]}
//	204  logged out, or there was nothing to log out of
//	304  the public keys are as they were
//	400  invalid input; the code of an [auth.InputError], or malformed_json,
//	     invalid_type, unknown_member, duplicate_member, incomplete_body, invalid_input
//	401  invalid_credentials, missing_token, invalid_token, expired_token,
//	     insufficient_user_authentication; with WWW-Authenticate
//	403  invalid_credentials: a wrong password of somebody whose token is right
//	404  user_not_found, session_not_found
//	405  method_not_allowed; with Allow
//	409  user_exists, conflict, too_many_sessions
//	413  body_too_large
//	415  unsupported_media_type
//	500  internal
//	503  unavailable, overloaded; with Retry-After
//
// From 400 on it is a problem of RFC 9457, which [WriteError] writes. An outage
// is never a 401, since clients drop their tokens on one, and so is a wrong
// password behind [Require]. On expired_token at a resource a client refreshes, on
// insufficient_user_authentication it asks for the password and authenticates
// again. On any other 401, and each from [Refresh], a client compares the token that it
// sent with the one that it holds now: another tab may have replaced it meanwhile, and
// then the client tries again with that; else it drops it, and the user logs in. Nothing
// of this may be cached but the public keys.
//
// Access tokens travel in the Authorization header and refresh tokens in a JSON
// body, never in a cookie, so that no other site can make a browser send one:
// there is nothing to protect against cross-site request forgery.
package authhttp

import (
	"net/http"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/internal/bearer"
)

// Require returns middleware that lets requests with a valid access token pass
// and answers all others: 401 for a token that is missing or not accepted, 503
// where that cannot be told. Handlers behind it find who is asking by
// [auth.FromContext].
//
// The token is read from the Authorization header alone, as RFC 6750 §2.1 has
// it: one such field with one credential, the scheme in any case (RFC 9110
// §11.1). Whatever else is there is not accepted, with 401 where RFC 6750 would
// allow 400, since what helps is the same: a new token.
func Require(v auth.Verifier) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return bearer.Require(v, next, WriteError)
	}
}

// Optional is like [Require], but lets a request without an Authorization
// header pass with its context as it is: anonymous, unless middleware before
// this one knows better. A header that is there and not accepted, also one of
// another scheme, is answered 401: whoever sends it does not mean to be nobody.
func Optional(v auth.Verifier) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		required := Require(v)(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			// No cache may give one's answer to the other (RFC 9110 §12.5.5).
			w.Header().Add("Vary", "Authorization")
			if len(r.Header.Values("Authorization")) == 0 {
				next.ServeHTTP(w, r)
				return
			}
			required.ServeHTTP(w, r)
		})
	}
}
