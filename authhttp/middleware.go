// Package authhttp puts package auth behind net/http: middleware that verifies
// bearer tokens, one mapping of errors to answers, and handlers for
// registration, login, sessions and the public keys for those who want them. It works with every router
// that takes an [http.Handler]; each part can be used without the others.
//
//	mux.Handle("POST /users/register", authhttp.Register(a))
//	mux.Handle("POST /users/login", authhttp.Login(a))
//	mux.Handle("GET /orders", authhttp.RequireFunc(a, func(w http.ResponseWriter, r *http.Request, who auth.Identity) {
//		fmt.Fprintln(w, "orders of", who.UserID)
//	}))
//	mux.Handle("GET /.well-known/jwks.json", authhttp.JWKS(issuer))
//
// With [auth.Options.Sessions]:
//
//	mux.Handle("POST /users/refresh", authhttp.Refresh(a))
//	mux.Handle("POST /users/logout", authhttp.Logout(a))
//	mux.Handle("POST /users/logout-all", authhttp.LogoutAll(a))
//	mux.Handle("POST /users/me/logout-others", authhttp.LogoutOthers(a))
//	mux.Handle("GET /users/me/sessions", authhttp.Sessions(a))
//	mux.Handle("DELETE /users/me/sessions/{id}", authhttp.EndSession(a, nil))
//	mux.Handle("POST /users/me/password", authhttp.ChangePassword(a))
//	mux.Handle("POST /users/me/reauthenticate", authhttp.Reauthenticate(a))
//	mux.Handle("POST /payments", authhttp.RequireFreshFunc(a, 5*time.Minute, pay))
//
// Behind a proxy [ClientAddress] goes around all of them.
//
// What a client is told:
//
//	200  registered, logged in, refreshed, password given again or changed:
//	     {"result":"success","access_token":…,"token_type":"Bearer","expires_in":…,"refresh_token":…,
//	     "device_token":…}, the refresh token with sessions, the device token when registered or
//	     logged in and with secrets; when registered with
//	     "user":{"id":…,"email":…,"username":…};
//	     sessions: {"sessions":[{"id":…,"created_at":…,"last_used_at":…,"expires_at":…,"current":…,
//	     "client":{"address":…,"user_agent":…,"label":…}}]}; the public keys: {"keys":[…]}
//	204  logged out, or there was nothing to log out of
//	304  the public keys are as they were
//	400  invalid input; the code of an [auth.InputError], or malformed_json,
//	     invalid_type, unknown_member, duplicate_member, incomplete_body, invalid_input
//	401  invalid_credentials, missing_token, invalid_token, expired_token,
//	     insufficient_user_authentication; with WWW-Authenticate
//	403  invalid_credentials: a wrong password of somebody whose token is right;
//	     wide_audience: a token for other services too, where it would act on the
//	     account; with WWW-Authenticate
//	404  user_not_found, session_not_found
//	405  method_not_allowed; with Allow
//	409  user_exists, conflict, too_many_sessions
//	413  body_too_large
//	415  content_type_missing, content_type_malformed, unsupported_media_type,
//	     unsupported_charset, with Accept; unsupported_encoding, with Accept-Encoding
//	429  too_many_attempts, with Retry-After; attempts_stopped, where waiting does not help;
//	     captcha_required, by [auth.Throttle]'s Suspect
//	500  internal; no_session_id: the route of EndSession does not say which
//	503  unavailable, overloaded; with Retry-After
//
// From 400 on it is a problem of RFC 9457, which [WriteError] writes. An outage
// is never a 401, since clients drop their tokens on one, and so is a wrong
// password behind [Require]. On expired_token at a resource a client refreshes, on
// insufficient_user_authentication it asks for the password and authenticates
// again. On too_many_attempts it waits for as long as it is told before it tries again, and
// keeps its tokens; on attempts_stopped it offers help, and on captcha_required what the
// service demands. On any other 401, and each from [Refresh], a client compares the token that it
// sent with the one that it holds now: another tab may have replaced it meanwhile, and
// then the client tries again with that; else it drops it, and the user logs in. On
// wide_audience it refreshes with a member "audience" that names this service alone, and
// uses that token here. Nothing of this may be cached but the public keys, and every
// answer has X-Content-Type-Options: nosniff.
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

// RequireFunc returns a handler that gives requests with a valid access token to f, with
// who is asking, and answers all others: 401 for a token that is missing or not
// accepted, 503 where that cannot be told. As f is given the Identity, no mistake in
// how it is mounted can have it run for nobody.
//
// The token is read from the Authorization header alone, as RFC 6750 §2.1 has
// it: one such field with one credential, the scheme in any case (RFC 9110
// §11.1). Whatever else is there is not accepted, with 401 where RFC 6750 would
// allow 400, since what helps is the same: a new token.
func RequireFunc(v auth.Verifier, f func(w http.ResponseWriter, r *http.Request, who auth.Identity)) http.Handler {
	return bearer.Require(v, f, WriteError)
}

// Require returns middleware that does what [RequireFunc] does for handlers that find
// who is asking by [auth.FromContext], which names what can go wrong there.
func Require(v auth.Verifier) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return RequireFunc(v, bearer.Plain(next))
	}
}

// OptionalFunc is like [RequireFunc], but gives f requests without a token too, with a
// nil who: those without an Authorization header, and those with one of another scheme,
// as where the site is behind Basic authentication. A header that is there and not
// accepted is answered 401, also an empty one or a token without its scheme: whoever
// sends it does not mean to be nobody.
func OptionalFunc(v auth.Verifier, f func(w http.ResponseWriter, r *http.Request, who *auth.Identity)) http.Handler {
	if f == nil {
		panic("authhttp: OptionalFunc: the handler is nil")
	}
	anonymous := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { f(w, r, nil) })
	return bearer.Optional(v, anonymous, func(w http.ResponseWriter, r *http.Request, who auth.Identity) { f(w, r, &who) }, WriteError)
}

// Optional returns middleware that does what [OptionalFunc] does for handlers that ask
// [auth.FromContext]. The context of a request without a token is left as it is:
// anonymous, unless middleware before this one knows better.
func Optional(v auth.Verifier) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return bearer.Optional(v, next, bearer.Plain(next), WriteError)
	}
}
