package auth

// The fields and codes of an [InputError]; those of e-mail addresses are in
// internal/email.
const (
	fieldID           = "id"
	fieldEmail        = "email"
	fieldUsername     = "username"
	fieldPassword     = "password"
	fieldPasswordHash = "password_hash"
	fieldTime         = "time"
	fieldEpoch        = "epoch"
	fieldTokenTTL     = "token_ttl"

	codeRequired         = "required"
	codeTooShort         = "too_short"
	codeTooLong          = "too_long"
	codeInvalidEncoding  = "invalid_encoding"
	codeInvalidCharacter = "invalid_character"
	codePasswordCommon   = "password_common"
	codePasswordPersonal = "password_personal"
	codePasswordContext  = "password_context"
	codePasswordBreached = "password_breached"
	codeHashUnreadable   = "hash_unreadable"
	codeOutOfRange       = "out_of_range"
)
