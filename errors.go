package auth

import (
	"errors"

	"github.com/seed89488a0c/auth/internal/fault"
	"github.com/seed89488a0c/auth/internal/input"
	"github.com/seed89488a0c/auth/internal/row"
	"github.com/seed89488a0c/auth/internal/token"
)

// The errors that a caller branches on, with [errors.Is]. A specific error
// also matches the general one named in its comment, so that the lazy check
// is still the safe one. Their messages, like those of the typed errors below,
// never contain input, secrets, SQL or a driver's text.
var (
	// ErrInvalidInput is matched by every *[InputError].
	ErrInvalidInput = input.ErrInvalid

	// ErrInvalidCredentials answers a failed login, whatever the reason: an
	// unknown address, a wrong password, a disabled user, a user without
	// password or with a hash that cannot be read (ASVS 5.0 6.3.8).
	ErrInvalidCredentials = fault.ErrInvalidCredentials

	// ErrUserDisabled is returned where the caller is known already, as by
	// [Authenticator.ChangePassword]. It matches ErrInvalidCredentials.
	ErrUserDisabled = fault.New("user_disabled", "auth: user disabled", ErrInvalidCredentials)

	// ErrUserExists says that the e-mail address, or the ID of an import, is taken.
	ErrUserExists = fault.New("user_exists", "auth: user exists", nil)

	// ErrUserNotFound says that there is no such user.
	ErrUserNotFound = fault.New("user_not_found", "auth: user not found", nil)

	// ErrSessionNotFound is what a [SessionStore] answers; from an [Authenticator]
	// it is [ErrInvalidToken], or no error.
	ErrSessionNotFound = errors.New("auth: session not found")

	// ErrSessionReplayed says that a refresh token was used again after it had
	// been replaced: somebody else has it. The session has ended; the user must log
	// in. It matches ErrInvalidToken.
	ErrSessionReplayed = fault.New("session_replayed", "auth: session replayed", ErrInvalidToken)

	// ErrTooManySessions refuses a login of a user who has as many sessions as
	// [SessionConfig.MaxPerUser] allows.
	ErrTooManySessions = fault.ErrTooManySessions

	// ErrTooManyAttempts is matched by every *[ThrottleError].
	ErrTooManyAttempts = fault.ErrTooManyAttempts

	// ErrConflict says that the user was changed by somebody else between
	// reading and writing. Nothing was written; read again and retry.
	ErrConflict = row.ErrConflict

	// ErrInvalidToken answers every token that is not accepted (HTTP 401).
	ErrInvalidToken = token.ErrInvalid

	// ErrExpiredToken says that a token is valid in everything but its expiry,
	// which is checked last. It matches ErrInvalidToken.
	ErrExpiredToken = token.ErrExpired

	// ErrWideAudience says that a token is for several audiences, each of which could
	// replay it, so that nobody may act on the user's account with it (HTTP 403): ask
	// for one that is for the issuer's own alone. It matches ErrInvalidToken.
	ErrWideAudience = fault.New("wide_audience", "auth: token of several audiences", ErrInvalidToken)

	// ErrUnavailable says that something this library depends on did not
	// answer. It says nothing about the password or the token: answer 503,
	// never 401, since clients drop their tokens on 401.
	ErrUnavailable = token.ErrUnavailable

	// ErrOverloaded says that too many wait for a password to be hashed, or to be
	// looked for in breaches, or that
	// the context ended in the queue; then it matches the context's error too.
	// It matches ErrUnavailable.
	ErrOverloaded = fault.ErrOverloaded

	// ErrSchema says that the database has no schema of this library, or an
	// older one: run [MySQLStore.Migrate]. It matches ErrUnavailable.
	ErrSchema = row.ErrSchema

	// ErrUnknownHash says that a [Hasher] does not know the scheme of a stored hash.
	ErrUnknownHash = input.ErrUnknownHash

	// ErrMalformedHash says that a stored hash is of a known scheme, but
	// damaged, or that its parameters are beyond the caps.
	ErrMalformedHash = input.ErrMalformedHash
)

// errNoSessions is for a service that forgot them: no client can do anything about it.
var errNoSessions = fault.ErrNoSessions

// InputError says which rule an input breaks, without repeating the input.
// It matches [ErrInvalidInput]. Where several fields are wrong the first of
// e-mail, username, password is reported.
//
// It has the fields
//
//   - Field string: "id", "email", "username", "password", "password_hash", "time",
//     "token_ttl", "audience" or "amr"
//   - Code string: stable, and one of those below
//   - Min, Max int: the limits that apply; zero where the code has none
//   - Hash *HashError: what is known of the hash, for the codes that begin with "hash_";
//     else nil
//
// The codes are:
//
//	required                   the field is empty
//	too_short                  fewer than Min characters
//	too_long                   more than Max characters of a username or password, or too many bytes
//	invalid_encoding           not UTF-8
//	invalid_character          a control, white-space or invisible character where none may stand; in an amr whatever is not printable ASCII
//	padded                     an imported address with white space or invisible characters at an end
//	out_of_range               a time outside of the years 1000 to 9999, a TTL that is not whole seconds up to ten years
//	password_common            one of the most common passwords
//	password_personal          the user's own e-mail address or name
//	password_context           one of the policy's own words
//	password_breached          known from a breach
//	not_allowed                an audience for which the issuer, or this session, has no tokens
//	hash_unknown               an imported hash of a scheme that the hasher does not know
//	hash_damaged               of a known scheme, but cut, or not as its origin writes it
//	hash_too_costly            of a known scheme, but beyond one of the caps, or [Options.HashMemory]
//	hash_white_space           with white space in it, a zero byte or a byte order mark; readable without
//	hash_no_password           the origin's mark for a user without a password: import the empty hash
//	email_no_at                no @
//	email_display_name         a name or angle brackets around the address
//	email_quoted               a quoted local part
//	email_local_empty          nothing before the @
//	email_local_dot            a dot at an end of the local part, or two together
//	email_local_too_long       a local part of more than 64 bytes
//	email_domain_empty         nothing after the @
//	email_domain_dot           a dot at an end of the domain, or two together
//	email_domain_literal       an address literal, as in user@[192.0.2.1]
//	email_domain_label         a label that is too long, or with hyphens where none may stand
//	email_domain_no_dot        a domain of one label
//	email_domain_invalid       a domain that no registry can hold (IDNA 2008)
//	email_domain_special_use   a domain where no mail is delivered (RFC 6761)
type InputError = input.Error

// HashError says why a [Hasher] cannot verify a stored hash, so that the rows of a
// table can be sorted by it. It repeats nothing of the hash but its costs. It matches
// [ErrUnknownHash] for the codes hash_unknown and hash_no_password, else
// [ErrMalformedHash].
//
//	Code   string // one of those of InputError that begin with "hash_"
//	Scheme string // as in HashInfo; "" = not known
//
// For hash_too_costly, what is over its cap, such as "rounds" or "memory" (in bytes), how
// much of it the hash needs, and the cap:
//
//	Limit      string
//	Value, Max uint64
type HashError = input.HashError

// StoreError says that a store failed, and how, in terms that may be logged.
// It matches [ErrUnavailable], and the context's error where that ended it.
//
//	Op      string // what was asked, such as "create user"
//	Code    string // the store's own code, such as "mysql 1040"; never its text
//	Context error  // context.Canceled or context.DeadlineExceeded, or nil
type StoreError = row.Error

// storeError passes on the sentinels that a store may return, its outages and the errors
// of the service's own function (see [MySQLStore.OnCreateUser]), and hides
// everything else, since a driver's text can hold the address (MySQL's 1062 does).
func storeError(op string, err error, allowed ...error) error { return row.Passed(op, err, allowed...) }

// refusal is an outage that can be told in words of our own.
func refusal(op, kind string) error { return fault.Told(op, kind) }

// unavailable is an outage of which the type alone is told.
func unavailable(op string, err error) error { return fault.Hidden(op, err) }

// serviceError is the outage of a function of the service's own.
func serviceError(op string, err error) error { return fault.Service(op, err) }
