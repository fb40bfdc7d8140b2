package input

import (
	"unicode"
	"unicode/utf8"

	"github.com/seed89488a0c/auth/internal/row"
)

// ID returns the code of the rule that an imported ID breaks.
func ID(id string) string {
	switch {
	case len(id) > row.MaxID:
		return TooLong
	case !utf8.ValidString(id):
		return InvalidEncoding
	}
	for _, r := range id {
		if !unicode.IsPrint(r) {
			return InvalidCharacter
		}
	}
	return ""
}
