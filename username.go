package auth

import (
	"unicode"
	"unicode/utf8"

	"github.com/seed89488a0c/auth/internal/input"
	"github.com/seed89488a0c/auth/internal/nfc"
)

const (
	maxUsernameCharacters = 100
	maxUsernameBytes      = maxUsernameCharacters * utf8.UTFMax
)

// parseUsername returns a display name in NFC. Nothing is trimmed.
func parseUsername(s string) (string, error) {
	broken := func(code string) (string, error) {
		return "", &InputError{Field: fieldUsername, Code: code, Max: maxUsernameCharacters}
	}
	// Before anything walks over it; NFC makes text shorter by less than four times.
	if len(s) > 4*maxUsernameBytes {
		return broken(input.TooLong)
	}
	if !utf8.ValidString(s) {
		return broken(input.InvalidEncoding)
	}
	s = nfc.String(s)
	if utf8.RuneCountInString(s) > maxUsernameCharacters {
		return broken(input.TooLong)
	}
	for _, r := range s {
		if unicode.In(r, unicode.Cc, unicode.Bidi_Control, unicode.Zl, unicode.Zp) {
			return broken(input.InvalidCharacter)
		}
	}
	return s, nil
}
