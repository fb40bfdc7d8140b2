package auth

// The fields and codes of an [InputError]; the codes of e-mail addresses are in
// internal/email, those of what else users enter in internal/input.
const (
	fieldID           = "id"
	fieldEmail        = "email"
	fieldUsername     = "username"
	fieldPassword     = "password"
	fieldPasswordHash = "password_hash"
	fieldTime         = "time"
	fieldEpoch        = "epoch"
	fieldTokenTTL     = "token_ttl"

	codeHashUnreadable = "hash_unreadable"
	codeOutOfRange     = "out_of_range"
)
