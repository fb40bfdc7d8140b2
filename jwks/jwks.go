// Package jwks verifies access tokens that others issue, by the public keys that
// they publish (RFC 7517): for services without users, sessions, a private key or
// a database. It links no SQL. What it demands of a token is what package auth
// demands of its own (RFC 9068, RFC 8725), but for what other issuers may do
// differently; see [Config].
//
//	verifier, err := jwks.NewVerifier(jwks.Config{
//		URL:      "https://auth.example/.well-known/jwks.json",
//		Issuer:   "https://auth.example",
//		Audience: "https://orders.example",
//	})
//	…
//	mux.Handle("GET /orders", verifier.RequireFunc(func(w http.ResponseWriter, r *http.Request, who jwks.Identity) {
//		fmt.Fprintln(w, "orders of", who.UserID, "of", who.Issuer)
//	}))
//
// Keys are fetched by the calls that need them, at most one at a time for each
// issuer; nothing runs in between. They are fetched at first use, and again when
// they are older than the issuer's Cache-Control says, between 1 second and 24
// hours; 5 minutes if it says nothing or zero. One call waits for that, at most 2
// seconds, and all others go on with the keys there are. They do so while the
// issuer is down, up to [Config.StaleLimit].
//
// A fetch takes at most 5 seconds, and goes on without the call that began it if
// that one's context ends: otherwise clients that hang up could keep the keys of
// a service from being refreshed. It has the values of that context.
//
// A key ID that is not known makes one fetch more, at most every 10 seconds, or
// as often as the keys are refreshed where that is more. It is a second net: an
// issuer that publishes a key for as long as its answers may be kept before it
// signs with it, as package auth's do, does not need it. After a fetch that
// failed the next one waits for 1 second, and twice as long each time, up to a
// minute, while there are keys that serve. [Verifier.Refresh] does not wait: it is for
// a key that was revoked in a hurry.
//
// # Issuers
//
// What public providers write differs from RFC 9068, and so does what a Config needs.
// Required is as long as their tokens let it be:
//
//	Auth0            InsecureAnyType, Required: {"iat"}; with its RFC 9068 profile nothing
//	Okta             InsecureAnyType, Required: {"iat", "jti"}; the client is the claim cid
//	Google           InsecureAnyType, Required: {"iat"}: ID tokens; the audience is the client ID
//	Microsoft Entra  InsecureAnyType, Required: {"iat"}; the client is the claim azp or appid
//	Amazon Cognito   InsecureAnyType and InsecureNoAudience: access tokens have no aud
//	Keycloak         InsecureAnyType, Required: {"iat", "jti"}; InsecureNoSubject for clients
//	                 without the scope basic
//	Supabase         InsecureAnyType, Required: {"iat"}; the audience is "authenticated"
//
// TestProviders has a key set and tokens of each.
package jwks

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/seed89488a0c/auth/internal/bearer"
	"github.com/seed89488a0c/auth/internal/token"
)

// Limits of a Config.
const (
	defaultStaleLimit = 24 * time.Hour
	minStaleLimit     = time.Minute
	maxStaleLimit     = 30 * 24 * time.Hour
)

// Config is one issuer and what its tokens must be like. URL, Issuer and
// Audience are required.
type Config struct {
	// URL is where the issuer's JWK Set is: https, or http on a loopback address,
	// without user and fragment.
	URL string

	// InsecureHTTP allows http everywhere. Whoever is between here and the issuer
	// can then sign tokens.
	InsecureHTTP bool

	Issuer string // iss, byte for byte

	// Audience is aud, or one of them: this service. An issuer of package auth must
	// have it as its Audience, or among its OtherAudiences. It may be "" where
	// InsecureNoAudience has clients; then a token with an aud is refused.
	Audience string

	// AcceptAudiences are as good as Audience, at most 16: other names of this service,
	// such as the former one while it is renamed.
	AcceptAudiences []string

	// InsecureNoAudience names clients (client_id), at most 256, whose tokens are
	// accepted without aud, as Amazon Cognito's access tokens are. Nothing in such a
	// token says whom it is for: whatever service one of these clients gives it to can
	// use it here as that user. Name only clients all of whose services trust each other.
	// Where there is an aud, it counts.
	InsecureNoAudience []string

	// InsecureNoSubject names clients (client_id), at most 256, whose tokens are
	// accepted without sub: clients that act for themselves, at issuers that do not
	// write their ID as sub (RFC 9068 §2.2), as Keycloak. Identity.UserID is then the
	// client's ID. Whoever registers a user whose ID is that of the client is taken for
	// it, and the client for them: name only IDs that no user can have.
	InsecureNoSubject []string

	// Client fetches the keys; cookies are not kept, and redirects are followed
	// to the same scheme and host only. nil = one of its own, by the proxy of the
	// environment. It has to end requests with their context, as net/http's do.
	Client *http.Client

	// Required names the claims that must be there beside iss, aud, exp and sub,
	// at most 60. nil = client_id, iat and jti (RFC 9068 §2.2); empty = none.
	//
	// Of the claims that an Identity has, those that are not required may mean anything
	// to the issuer: client_id, jti, sid, auth_time, amr and acr are left empty where
	// they are not what RFC 9068 has, such as an amr that is a list of objects. A
	// required one must be. iat and nbf must be times where they are there at all.
	Required []string

	// InsecureAnyType accepts every typ, and none, for issuers that do not write
	// at+jwt (RFC 9068 §2.1). Then an ID token, or whatever else the issuer signs
	// for this audience, is as good as an access token.
	InsecureAnyType bool

	// Leeway is for how long an expired token is still accepted, at most 5
	// minutes; 0 = none.
	Leeway time.Duration

	// Skew is how far nbf and iat may lie in the future, since two machines' clocks
	// differ, at most 1 minute; 0 = 5 seconds. So far may auth_time lie after iat.
	Skew time.Duration

	// MaxToken is how many bytes the largest token has, at most 65,536; 0 = 8,192.
	// Tokens with many groups or roles can have more. Servers and proxies have limits
	// of their own for headers.
	MaxToken int

	// StaleLimit is for how long keys serve after the issuer last confirmed them,
	// from 1 minute to 30 days; 0 = 24 hours. They are refreshed after half of it
	// at the latest. It is also how long a revoked key can live for somebody who
	// can keep this service from reaching the issuer, and while the issuer
	// publishes nothing that can be used. An empty JWK Set revokes all keys.
	StaleLimit time.Duration

	// Cache is how many accepted tokens to remember, so that their signature is
	// not checked again while the issuer's keys stay as they are; everything else
	// is, each time. They are held in memory with their claims, at most 6 KiB each;
	// tokens above 2 KiB are not. 0 = 1024, negative = none, at most 1<<20.
	Cache int

	// OnError is told of every fetch that failed, a [*FetchError], of the keys that are
	// passed over in a JWK Set, up to 64 of it, each time that it has changed and while
	// none of it can be used, a [*KeyError], and of every token that [Verifier.Verify] refuses, a [*TokenError]:
	// there is nothing secret in any of them. It must be fast: anybody can have it
	// called, as often as requests come in, and they wait for it. The context is that
	// of the call; of a fetch, of the call that began it, and does not end with that. With
	// several issuers, a token that names none of them is told to the first Config's.
	// It may call the Verifier. nil = nobody.
	OnError func(ctx context.Context, err error)
}

// Verifier verifies the access tokens of the issuers it was made for. It is an
// auth.Verifier, and safe for concurrent use.
type Verifier struct {
	issuers  []*issuer
	maxToken int // of all of them
}

// NewVerifier returns a verifier that trusts these issuers, each for the tokens
// that name it alone, or says what is wrong with a Config. It does no I/O.
func NewVerifier(c Config, more ...Config) (*Verifier, error) {
	v := &Verifier{}
	for n, c := range append([]Config{c}, more...) {
		i, err := newIssuer(c)
		if err == nil && v.issuer(c.Issuer) != nil {
			err = errors.New("the Issuer of another one")
		}
		if err != nil {
			return nil, fmt.Errorf("jwks: Config %d: %w", n+1, err)
		}
		v.issuers = append(v.issuers, i)
		v.maxToken = max(v.maxToken, cmp.Or(c.MaxToken, token.MaxSize))
	}
	return v, nil
}

func newIssuer(c Config) (*issuer, error) {
	c.StaleLimit = cmp.Or(c.StaleLimit, defaultStaleLimit)
	if c.Required == nil {
		c.Required = []string{"client_id", "iat", "jti"}
	}
	if c.StaleLimit < minStaleLimit || c.StaleLimit > maxStaleLimit {
		return nil, errors.New("the StaleLimit is below 1 minute or above 30 days")
	}
	if c.OnError == nil {
		c.OnError = func(context.Context, error) {}
	}
	parser, err := token.NewParser(token.Rules{
		Issuer:          c.Issuer,
		Audience:        c.Audience,
		AcceptAudiences: c.AcceptAudiences,
		Leeway:          c.Leeway,
		Skew:            cmp.Or(c.Skew, token.ClockSkew),
		MaxSize:         c.MaxToken,
		Cache:           c.Cache,
		Foreign: &token.Foreign{
			Required:   c.Required,
			AnyType:    c.InsecureAnyType,
			NoAudience: c.InsecureNoAudience,
			NoSubject:  c.InsecureNoSubject,
		},
	})
	if err != nil {
		return nil, err
	}
	origin, err := newOrigin(c)
	if err != nil {
		return nil, err
	}
	i := &issuer{config: c, origin: origin, parser: parser, turn: make(chan struct{}, 1)}
	i.state.Store(&state{})
	return i, nil
}

// issuer returns the one of this name, or nil.
func (v *Verifier) issuer(name string) *issuer {
	n := slices.IndexFunc(v.issuers, func(i *issuer) bool { return i.config.Issuer == name })
	if n < 0 {
		return nil
	}
	return v.issuers[n]
}

// Verify returns who an access token speaks for. Errors: [*TokenError], which
// matches [ErrInvalidToken]; [*FetchError], which matches [ErrUnavailable], where
// the keys that it takes cannot be had. With several issuers the token's iss
// chooses the one whose keys and rules alone then count.
func (v *Verifier) Verify(ctx context.Context, accessToken string) (Identity, error) {
	i, err := v.choose(accessToken)
	var id Identity
	if err == nil {
		id, err = i.verify(ctx, accessToken)
	}
	if _, refused := errors.AsType[*TokenError](err); refused {
		i.config.OnError(ctx, err)
	}
	return id, err
}

// choose returns the issuer whose rules count for a token. Beside an error it is
// the first one.
func (v *Verifier) choose(accessToken string) (*issuer, error) {
	first := v.issuers[0]
	if len(v.issuers) == 1 {
		return first, nil
	}
	name, err := token.IssuerOf(accessToken, v.maxToken)
	if err != nil {
		return first, err
	}
	if i := v.issuer(name); i != nil {
		return i, nil
	}
	return first, &TokenError{Reason: token.ReasonIssuer}
}

// Ready makes sure that there are keys of every issuer, and fetches those that
// are not there: for a readiness probe, or to find a wrong URL at the start. Its
// error is a [*FetchError] for each issuer that has none.
func (v *Verifier) Ready(ctx context.Context) error {
	var errs []error
	for _, i := range v.issuers {
		if s := i.state.Load(); i.usable(s) == nil {
			if s, err := i.newer(ctx, s); i.usable(s) == nil {
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}

// Refresh fetches the keys of every issuer, however young those there are: after a key
// was revoked, or to know a new one before its first token. Until then a key that is
// published no more serves on for as long as the issuer's Cache-Control says. The
// errors are [*FetchError]s, one for each issuer that could not be asked: its old keys
// then serve on, as they do in any outage.
func (v *Verifier) Refresh(ctx context.Context) error {
	errs := make([]error, len(v.issuers))
	var group sync.WaitGroup
	for n, i := range v.issuers {
		group.Go(func() { errs[n] = i.renew(ctx) })
	}
	group.Wait()
	return errors.Join(errs...)
}

// RequireFunc returns a handler that gives requests with a valid access token to f,
// with who is asking, and answers all others, as package authhttp's RequireFunc does:
// 401 for a token that is missing or not accepted, 503 where that cannot be told, with
// a problem of RFC 9457. Why a token was refused [Config.OnError] is told.
//
// The token is read from the Authorization header alone (RFC 6750 §2.1).
func (v *Verifier) RequireFunc(f func(w http.ResponseWriter, r *http.Request, who Identity)) http.Handler {
	return bearer.Require(v, f, bearer.WriteError)
}

// Require is like [Verifier.RequireFunc] for a handler that finds who is asking by
// [FromContext].
func (v *Verifier) Require(next http.Handler) http.Handler {
	return v.RequireFunc(bearer.Plain(next))
}

// RequireFreshFunc is like [Verifier.RequireFunc] for what needs a login of late: it
// also answers requests 401 as RFC 9470 §3 has it whose user was authenticated more
// than maxAge ago, or nobody knows when. The client then logs in again at the issuer.
// It panics where maxAge is below a second.
func (v *Verifier) RequireFreshFunc(maxAge time.Duration, f func(w http.ResponseWriter, r *http.Request, who Identity)) http.Handler {
	return bearer.RequireFresh(v, maxAge, f, bearer.WriteError)
}

// RequireFresh is like [Verifier.RequireFreshFunc] for a handler that finds who is
// asking by [FromContext].
func (v *Verifier) RequireFresh(maxAge time.Duration, next http.Handler) http.Handler {
	return v.RequireFreshFunc(maxAge, bearer.Plain(next))
}

// NewContext returns a context that carries who is asking, as [Verifier.Require]
// does: for other ways in than HTTP, and for tests of handlers.
func NewContext(ctx context.Context, id Identity) context.Context { return token.NewContext(ctx, id) }

// FromContext returns who is asking, and whether anybody is known to: see
// [github.com/seed89488a0c/auth.FromContext] for where nobody is, although there should
// be. It finds what middleware of package authhttp has put there, too.
func FromContext(ctx context.Context) (Identity, bool) { return token.FromContext(ctx) }

// Identity is what a valid access token says of who is asking: see
// [github.com/seed89488a0c/auth.Identity] for its fields. Those are zero whose
// claims the token does not have; Issuer, UserID and ExpiresAt never are, and Audience
// only is for the clients of Config.InsecureNoAudience. An audience that has a space
// itself is in Audience with %20 in its place.
//
// A user is known by Issuer and UserID together: another issuer's may have the same
// UserID. No Authenticator of package auth acts for an Identity of this package, even
// if it has issued the token: its account routes verify tokens by the Authenticator.
type Identity = token.Identity

// TokenError says why a token is not accepted, by its fields Reason and Claim: see
// [github.com/seed89488a0c/auth.TokenError] for what those may be. Claim can also be
// any name of [Config].Required.
type TokenError = token.Error

// The errors that a caller branches on, with [errors.Is]. They are the same
// values as the root package's.
var (
	// ErrInvalidToken answers every token that is not accepted (HTTP 401).
	ErrInvalidToken = token.ErrInvalid

	// ErrExpiredToken says that a token is valid in everything but its expiry,
	// which is checked last. It matches ErrInvalidToken.
	ErrExpiredToken = token.ErrExpired

	// ErrUnavailable says that the issuer's keys cannot be had. It says nothing
	// about the token: answer 503, never 401, since clients drop their tokens on 401.
	ErrUnavailable = token.ErrUnavailable
)

// FetchError says why the keys of an issuer could not be had, in terms that may be
// logged: there is nothing of the response or another error's text in it. It
// matches [ErrUnavailable], and the context's error where that ended it.
//
// Code is stable, and one of:
//
//	context      the caller's context ended; the fetch may still go on
//	timeout      the issuer did not answer in time
//	certificate  the issuer's certificate is not trusted
//	connection   the issuer could not be reached, or the connection broke
//	http 404     the issuer answered with this status, or another that is not 200;
//	             http 302 is a redirect elsewhere
//	too_large    the response is larger than 256 KiB
//	malformed    the response is no JWK Set
//	empty        the JWK Set has no keys, and those there were serve no longer
//	no_keys      the JWK Set has keys, but none that can be used
type FetchError struct {
	Issuer  string // as in the Config
	Code    string
	Context error // context.Canceled or context.DeadlineExceeded, or nil
}

func (e *FetchError) Error() string { return "jwks: keys of " + e.Issuer + ": " + e.Code }

// Unwrap returns what the error matches.
func (e *FetchError) Unwrap() []error {
	if e.Context != nil {
		return []error{ErrUnavailable, e.Context}
	}
	return []error{ErrUnavailable}
}

// KeyError says that a key of an issuer is passed over, while others serve. It is no
// error of any call: only [Config].OnError is told, and it matches neither
// [ErrUnavailable] nor [ErrInvalidToken].
//
// Code is stable, and one of:
//
//	use            its use is another one than signatures, which is as it should be
//	key_ops        its key_ops are not verify, or more than that
//	kty            its kty or crv is unknown here
//	alg            its alg is unknown here, or not one for such a key
//	private        it is a secret, or has its private half beside it
//	too_short      it is an RSA key of fewer than 2048 bits, or its exponent is below 65537
//	encoding       a member is missing, or not base64url without padding
//	leading_zeros  n or e has leading zeros (RFC 7518 §6.3.1)
//	invalid        it is no key of its kind, or has more than 8192 bits
//	kid            its kid is no text, empty, longer than 256 bytes, or has control characters
//	ambiguous      another key has the same kid and alg: neither is used
//	malformed      it is no JSON object
type KeyError struct {
	Issuer string // as in the Config
	KeyID  string // kid; "" = it has none, or none that may be logged
	Code   string
}

func (e *KeyError) Error() string {
	return "jwks: keys of " + e.Issuer + ": " + strconv.Quote(e.KeyID) + " is passed over: " + e.Code
}

// RequireACRFunc is like [Verifier.RequireFunc] for what not every login is good enough
// for: it also answers requests 401 as RFC 9470 §3 has it whose token has none of these
// acr. The client then logs in again at the issuer, with acr_values. An acr means what its
// issuer says, and every issuer of v can write every one: with several, look at
// who.Issuer too, or have a Verifier of one issuer for such routes. It panics where there
// is none, or one that is empty or has a space, a quote, a backslash or what is not ASCII.
func (v *Verifier) RequireACRFunc(acr []string, f func(w http.ResponseWriter, r *http.Request, who Identity)) http.Handler {
	return bearer.RequireACR(v, acr, f, bearer.WriteError)
}

// RequireACR is like [Verifier.RequireACRFunc] for a handler that finds who is asking by
// [FromContext].
func (v *Verifier) RequireACR(acr []string, next http.Handler) http.Handler {
	return v.RequireACRFunc(acr, bearer.Plain(next))
}
