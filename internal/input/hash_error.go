package input

import (
	"errors"
	"fmt"

	"github.com/seed89488a0c/auth/internal/fault"
)

// What a [HashError] matches.
var (
	ErrUnknownHash   = errors.New("auth: unknown hash scheme")
	ErrMalformedHash = fault.New("malformed_hash", "auth: malformed hash", nil)
)

// HashError is auth's: why a stored hash cannot be verified.
type HashError struct {
	Code, Scheme string
	Limit        string
	Value, Max   uint64
}

func (e *HashError) Error() string {
	text := "auth: stored hash: " + e.Code
	if e.Scheme != "" {
		text += ": " + e.Scheme
	}
	if e.Limit != "" {
		text += fmt.Sprintf(": %s %d of at most %d", e.Limit, e.Value, e.Max)
	}
	return text
}

// Unwrap returns [ErrUnknownHash] or [ErrMalformedHash].
func (e *HashError) Unwrap() error {
	if e.Code == HashUnknown || e.Code == HashNoPassword {
		return ErrUnknownHash
	}
	return ErrMalformedHash
}
