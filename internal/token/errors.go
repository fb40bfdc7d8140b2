package token

import "errors"

// Errors of the constructors and of [Sign]. They never contain key material.
var (
	// ErrWeakKey means that a secret is too short, or plainly not random.
	ErrWeakKey = errors.New("token: weak key")

	// ErrInvalidKey means that a key is no key of its kind, or too long.
	ErrInvalidKey = errors.New("token: invalid key")

	// ErrCannotSign means that a key only verifies, or is the zero Key.
	ErrCannotSign = errors.New("token: key cannot sign")
)

// Reasons for which [Parser.Parse] refuses a token. They are stable: logs and
// metrics may rely on them.
const (
	ReasonTooLarge        = "too_large"        // longer than MaxSize
	ReasonMalformed       = "malformed"        // not three non-empty parts
	ReasonEncoding        = "encoding"         // a part is not canonical base64url
	ReasonHeader          = "header"           // not a JSON object of the members and types we write
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
)

// Error is why a token was refused. It tells nothing of the token's content,
// so it may be logged; whether to tell it to the client is the caller's choice.
type Error struct {
	Reason string // one of the Reason constants
}

func (e *Error) Error() string { return "token: " + e.Reason }

func reject(reason string) error { return &Error{Reason: reason} }
