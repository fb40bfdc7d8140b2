// Package input holds what users enter, but for their e-mail addresses, against
// its rules. It names the one rule that is broken by a code, and repeats nothing
// of the input.
package input

// The codes of the rules. They are stable; "" stands for no rule broken.
const (
	Required         = "required"
	TooShort         = "too_short"
	TooLong          = "too_long"
	InvalidEncoding  = "invalid_encoding"
	InvalidCharacter = "invalid_character"
	PasswordCommon   = "password_common"
	PasswordPersonal = "password_personal"
	PasswordContext  = "password_context"
	PasswordBreached = "password_breached"
	HashUnknown      = "hash_unknown"
	HashDamaged      = "hash_damaged"
	HashTooCostly    = "hash_too_costly"
	HashWhiteSpace   = "hash_white_space"
	HashNoPassword   = "hash_no_password"
	OutOfRange       = "out_of_range"
	NotAllowed       = "not_allowed"
)

// The fields that break them.
const (
	FieldID           = "id"
	FieldEmail        = "email"
	FieldUsername     = "username"
	FieldPassword     = "password"
	FieldPasswordHash = "password_hash"
	FieldTime         = "time"
	FieldTokenTTL     = "token_ttl"
	FieldAudience     = "audience"
	FieldAMR          = "amr"
)
