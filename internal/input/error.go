package input

import (
	"errors"

	"github.com/seed89488a0c/auth/internal/email"
)

// ErrInvalid is what every [Error] matches.
var ErrInvalid = errors.New("auth: invalid input")

// Error is auth's InputError: which rule an input breaks, without the input.
type Error struct {
	Field    string
	Code     string
	Min, Max int // the limits that apply; zero where the code has none

	Hash *HashError // what is known of the hash, for the codes that begin with "hash_"; else nil
}

func (e *Error) Error() string { return "auth: invalid input: " + e.Field + ": " + e.Code }

// Unwrap returns [ErrInvalid].
func (e *Error) Unwrap() error { return ErrInvalid }

// Email returns an error of package email as an [*Error].
func Email(err error) error {
	code, _ := errors.AsType[email.Code](err)
	return &Error{Field: FieldEmail, Code: string(code)}
}
