package input

import (
	"strings"
	"time"

	"github.com/seed89488a0c/auth/internal/row"
	"github.com/seed89488a0c/auth/internal/token"
)

// Token returns the code of what is wrong with what is asked of a token: its TTL, where
// 0 is the issuer's, and its audiences; the field that is wrong, and the limit that
// applies, 0 where there is none. Which audiences are allowed the issuer says.
func Token(ttl time.Duration, audience []string) (field, code string, most int) {
	if ttl != 0 && !token.ValidTTL(ttl) {
		return FieldTokenTTL, OutOfRange, 0
	}
	for _, one := range audience {
		if !token.ValidText(one) || strings.Contains(one, " ") {
			return FieldAudience, NotAllowed, 0
		}
	}
	if len(strings.Join(audience, " ")) > row.MaxAudience { // what a session keeps
		return FieldAudience, TooLong, row.MaxAudience
	}
	return "", "", 0
}
