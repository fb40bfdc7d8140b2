package auth

import (
	"context"
	"encoding/json"
	"time"

	"github.com/seed89488a0c/auth/internal/token"
)

// TokenIssuer makes access tokens and reads them back. Implementations must be
// safe for concurrent use. Errors must not contain a token.
//
// [github.com/seed89488a0c/auth/authtest.TestTokenIssuer] checks an implementation.
type TokenIssuer interface {
	// Issue returns a token that says everything that s does. An [*InputError] of the
	// field audience refuses what s.Audience asks for, or says that nothing is left of
	// s.Granted. Any other error is an outage.
	Issue(ctx context.Context, s Subject) (IssuedToken, error)

	// Parse returns what a valid token of this issuer says. It knows no
	// revocation: services call [Authenticator.Verify]. Errors: ErrInvalidToken;
	// ErrExpiredToken for a token that is valid in everything else;
	// ErrUnavailable where that cannot be told. Any string may be given.
	Parse(ctx context.Context, token string) (Identity, error)
}

// Verifier tells who an access token speaks for. [Authenticator] is one.
type Verifier interface {
	// Verify returns ErrInvalidToken for a token that is not accepted, and
	// ErrUnavailable where that cannot be told. Only the Identity of an Authenticator's
	// own Verify lets a user act on their account there, see
	// [Authenticator.CheckIdentity].
	Verify(ctx context.Context, accessToken string) (Identity, error)
}

// Subject is who a token is issued to.
type Subject struct {
	UserID    string
	SessionID string          // "" = none
	AuthTime  time.Time       // when the user was last authenticated
	AMR       string          // how, in words of RFC 8176 separated by single spaces; "" = not told
	Audience  []string        // whom the token is for, of all for whom the issuer issues, without spaces; empty = all
	Granted   []string        // what Audience may be at most, as the session began; what is not issued for any more is left out; empty = all
	TTL       time.Duration   // of this token, whole seconds; 0 = the issuer's
	Claims    json.RawMessage // a JSON object of more claims, see [Options.Claims]; nil = none
}

// IssuedToken is a new access token. Like [Tokens] it prints as "REDACTED".
type IssuedToken struct {
	hidden

	Token     string
	ExpiresAt time.Time // the token's exp, UTC, whole seconds
}

// Identity is what a valid access token says of who is asking. Times are UTC,
// in whole seconds.
//
//	Issuer    string    // iss: a user is known by Issuer and UserID together
//	UserID    string    // sub
//	SessionID string    // sid; "" = none
//	TokenID   string    // jti, different for every token
//	ClientID  string    // client_id
//	Audience  string    // aud: whom the token is for, in words separated by spaces
//	IssuedAt  time.Time // iat
//	ExpiresAt time.Time // exp
//	AuthTime  time.Time // auth_time: when the user was last authenticated
//	AMR       string    // amr: how, in words separated by spaces, as "pwd" (RFC 8176)
//	ACR       string    // acr: how surely, in the issuer's terms
//
// It has the methods Claims, WithClaims and those by which it prints:
//
//	Claims(v any) error
//
// reads all claims of the token into what v points to, as encoding/json does.
// Claims that do not fit are [ErrInvalidToken], and so are two names that differ only
// in case and are one field of a struct. A map gets all of them, and one of
// [json.RawMessage] gets numbers as they are written. An implementation of
// [TokenIssuer] gives them to the identity that it returns by
//
//	WithClaims(object []byte) Identity
//
// It prints as the user's ID, and in log/slog as the IDs of user, session and
// token: claims may be personal data.
//
// An Identity remembers who verified it, until somebody changes it: see
// [Authenticator.CheckIdentity]. Compare its fields; two of the same token may differ
// by ==.
type Identity = token.Identity

// TokenError says why a token is not accepted. It matches [ErrInvalidToken], and
// [ErrExpiredToken] if nothing but that is wrong. Its field Reason is for logs and
// metrics; a client is better not told. It is stable, and one of:
//
//	too_large         more than 8 KiB, or than a setting allows
//	malformed         not three parts
//	encoding          a part is not canonical base64url
//	header            not the header of an access token
//	crit              demands an extension (RFC 7515 §4.1.11)
//	type              typ is not that of an access token
//	unknown_key       kid names no key
//	algorithm         alg is not that of the key
//	signature         the signature is wrong
//	duplicate_member  a name twice in one object
//	claims            claims are missing or malformed, or contradict one another
//	issuer            iss is somebody else
//	audience          aud is somebody else
//	not_yet_valid     nbf lies in the future
//	issued_in_future  iat lies in the future
//	expired           exp is past, and everything else is right
//	session           the session has ended, or the token has none, see [SessionConfig.Staleness]
//	foreign           of an Identity: not verified here, or changed since, see [Authenticator.CheckIdentity]
//
// Beside "claims" its field Claim names the claim that is missing, malformed or
// contradicts another, never its value; "" where that is no single one, as in a payload
// that is not JSON. It is one of acr, amr, aud, auth_time, client_id, exp, fresh, iat,
// iss, jti, nbf, sid, sub and type; fresh and type are Flask-JWT-Extended's. Or it is one
// that a setting names, see
// [github.com/seed89488a0c/auth/jwks.Config] and [github.com/seed89488a0c/auth/flaskjwt.Config].
type TokenError = token.Error

// NewContext returns a context that carries who is asking: for middleware of a
// service's own, and for tests of handlers. Whoever reads it believes it. Only an
// [Authenticator] does not: it acts for identities that it verified itself, whoever
// put them there.
func NewContext(ctx context.Context, id Identity) context.Context { return token.NewContext(ctx, id) }

// FromContext returns who is asking, and whether anybody is known to. Where nobody is,
// the Identity is the zero one, whose UserID "" is nobody's and may still find rows:
//
//	who, ok := auth.FromContext(r.Context())
//	if !ok {
//		authhttp.WriteError(w, r, auth.ErrInvalidToken)
//		return
//	}
//
// It finds nobody behind middleware that was never asked, and where a framework hands
// out another context than the request's: Fiber's c.Context() and c.UserContext() know
// nothing of net/http's. And a handler can run although middleware has answered 401:
// Gin goes on after gin.WrapH unless it is told to abort. The handlers of
// [github.com/seed89488a0c/auth/authhttp.RequireFunc] are given the Identity, and
// cannot run without one.
//
// Who put it there is not told: behind a verifier of package jwks it may be somebody
// else's user of the same ID, see [Authenticator.CheckIdentity].
func FromContext(ctx context.Context) (Identity, bool) { return token.FromContext(ctx) }
