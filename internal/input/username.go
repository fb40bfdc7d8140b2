package input

import (
	"unicode"
	"unicode/utf8"

	"github.com/seed89488a0c/auth/internal/nfc"
	"github.com/seed89488a0c/auth/internal/row"
)

// Username returns a display name in NFC, or the [*Error] of the rule that it breaks.
// Nothing is trimmed; the empty name is one.
func Username(s string) (string, error) {
	name, code := username(s)
	if code != "" {
		return "", &Error{Field: FieldUsername, Code: code, Max: row.MaxUsername}
	}
	return name, nil
}

func username(s string) (name, code string) {
	// Before anything walks over it; NFC makes text shorter by less than four times.
	if len(s) > 4*row.MaxUsername*utf8.UTFMax {
		return "", TooLong
	}
	if !utf8.ValidString(s) {
		return "", InvalidEncoding
	}
	s = nfc.String(s)
	if utf8.RuneCountInString(s) > row.MaxUsername {
		return "", TooLong
	}
	for _, r := range s {
		if unicode.In(r, unicode.Cc, unicode.Bidi_Control, unicode.Zl, unicode.Zp) {
			return "", InvalidCharacter
		}
	}
	return s, ""
}
