package token

import "errors"

// Errors of the constructors and of [Sign]. They never contain key material.
var (
	// ErrWeakKey means that a secret is too short, or plainly not random, or
	// that a public key is too short.
	ErrWeakKey = errors.New("weak key")

	// ErrInvalidKey means that a key is no key of its kind, or too long.
	ErrInvalidKey = errors.New("invalid key")

	// ErrCannotSign means that a key only verifies, or is the zero Key.
	ErrCannotSign = errors.New("key cannot sign")
)

// The errors of a token, shared by all packages that verify one.
var (
	ErrInvalid       = errors.New("auth: invalid token")
	ErrExpired error = expired{}

	// ErrUnavailable is here since who verifies without a store has outages too.
	ErrUnavailable = errors.New("auth: unavailable")
)

// expired is ErrExpired, which matches ErrInvalid.
type expired struct{}

func (expired) Error() string { return "auth: expired token" }
func (expired) Unwrap() error { return ErrInvalid }

// Reasons for which [Parser.Parse] refuses a token. They are stable: logs and
// metrics may rely on them.
const (
	ReasonTooLarge        = "too_large"        // longer than MaxSize
	ReasonMalformed       = "malformed"        // not three non-empty parts
	ReasonEncoding        = "encoding"         // a part is not canonical base64url
	ReasonHeader          = "header"           // not a JSON object of the members and types that may be there
	ReasonCrit            = "crit"             // demands an extension (RFC 7515 §4.1.11)
	ReasonType            = "type"             // typ is not that of an access token
	ReasonUnknownKey      = "unknown_key"      // kid names none of our keys
	ReasonAlgorithm       = "algorithm"        // alg is not that of the key
	ReasonSignature       = "signature"        // the signature does not verify
	ReasonDuplicateMember = "duplicate_member" // a name occurs twice in one object of header or payload
	ReasonClaims          = "claims"           // the payload is malformed, lacks a claim, or contradicts itself
	ReasonIssuer          = "issuer"           // iss is another issuer
	ReasonAudience        = "audience"         // aud does not name us
	ReasonNotYetValid     = "not_yet_valid"    // nbf lies in the future
	ReasonIssuedInFuture  = "issued_in_future" // iat lies in the future
	ReasonExpired         = "expired"          // valid in everything but exp

	// ReasonSession is a verifier's own that knows sessions: it has ended.
	ReasonSession = "session"

	// ReasonForeign is for an identity that was not verified here, see [IsOwn].
	ReasonForeign = "foreign"
)

// Error is why a token was refused; see [github.com/seed89488a0c/auth.TokenError].
type Error struct {
	Reason string // one of the Reason constants
}

func (e *Error) Error() string { return ErrInvalid.Error() + ": " + e.Reason }

// Unwrap returns [ErrExpired] for [ReasonExpired], and [ErrInvalid] otherwise.
func (e *Error) Unwrap() error {
	if e.Reason == ReasonExpired {
		return ErrExpired
	}
	return ErrInvalid
}

func reject(reason string) error { return &Error{Reason: reason} }

func errCustom(problem string) error { return errors.New("custom claims: " + problem) }

// Refusal returns what an issuer's error says of a token, and nothing else of it: an
// [*Error], [ErrExpired] or [ErrInvalid]; or nil for an outage, which is never a bad
// token.
func Refusal(err error) error {
	var reasoned *Error
	switch {
	case errors.Is(err, ErrUnavailable):
		return nil
	case errors.As(err, &reasoned):
		return reasoned
	case errors.Is(err, ErrExpired):
		return ErrExpired
	case errors.Is(err, ErrInvalid):
		return ErrInvalid
	}
	return nil
}
