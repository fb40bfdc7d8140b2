package input

import (
	"strings"
	"time"

	"github.com/seed89488a0c/auth/internal/row"
	"github.com/seed89488a0c/auth/internal/token"
)

// Token returns the [*Error] of what is asked of a token: its TTL, where 0 is the
// issuer's, and its audiences. Which of these are allowed the issuer says.
func Token(ttl time.Duration, audience []string) error {
	if ttl != 0 && !token.ValidTTL(ttl) {
		return &Error{Field: FieldTokenTTL, Code: OutOfRange}
	}
	for _, one := range audience {
		if !token.ValidText(one) || strings.Contains(one, " ") {
			return &Error{Field: FieldAudience, Code: NotAllowed}
		}
	}
	if len(strings.Join(audience, " ")) > row.MaxAudience { // what a session keeps
		return &Error{Field: FieldAudience, Code: TooLong, Max: row.MaxAudience}
	}
	return nil
}
