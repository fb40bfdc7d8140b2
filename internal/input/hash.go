package input

import (
	"strings"
	"unicode"
)

// WithoutSpace returns a stored hash without what columns, exports and editors leave
// in one: white space anywhere, zero bytes of a padded column, a byte order mark.
func WithoutSpace(encoded string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsSpace(c) || c == 0 || c == '\ufeff' {
			return -1
		}
		return c
	}, encoded)
}
