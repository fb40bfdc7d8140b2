package email

import (
	"strings"
	"unicode"

	"github.com/seed89488a0c/auth/internal/nfc"
)

// foldText folds the case of s, which is in NFC, one code point at a time, and
// returns the result in NFC. Full folding would make one account of straße@ and
// strasse@, which are two mailboxes.
func foldText(s string) string { return nfc.String(strings.Map(fold, s)) }

// fold returns the simple case folding of r: its mapping of status C or S in
// Unicode's CaseFolding.txt, or r itself. Never one of status T, so that İ and ı
// stay apart from i: by those, one can take the account of another.
func fold(r rune) rune {
	switch {
	case r < 0x80:
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	case unicode.SimpleFold(r) == r:
		return r
	case unicode.Is(unicode.Cherokee, r):
		// Its small letters came later, and fold to the capitals.
		return unicode.ToUpper(r)
	}
	// By way of the capital, as ς, ſ, µ and ϐ are small letters that fold to
	// others: σ, s, μ and β.
	return unicode.ToLower(unicode.ToUpper(r))
}
