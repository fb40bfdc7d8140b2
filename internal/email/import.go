package email

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/seed89488a0c/auth/internal/nfc"
)

// ParseImport returns the canonical forms of what another system has as the address of a
// user. What [Parse] refuses is kept in NFC, without an ASCII form, with the key under
// which a login finds it. The error is a [Code], for a text that no login finds: it has
// no key, is longer than 320 octets, or is not what people [Typed].
func ParseImport(s string) (Address, error) {
	a, err := Parse(s)
	if err == nil {
		return a, nil
	}
	key, ok := Key(s)
	if !ok {
		return Address{}, err
	}
	a = Address{Address: nfc.String(s), Key: key}
	switch typed := Typed(s); {
	case len(a.Address) > maxKey:
		return Address{}, TooLong
	case typed == s:
		return a, nil
	case typed == "":
		return Address{}, Required
	case strings.Contains(s, typed):
		return Address{}, Padded
	}
	return Address{}, InvalidCharacter
}

// Typed returns s as people type it who see it: without white space and invisible
// characters at its ends, such as the padding of a column, without invisible ones inside,
// and with plain spaces. Joiners stay between letters that need them, as in Persian.
func Typed(s string) string {
	var b strings.Builder
	before := rune(0) // of those that stay
	for _, r := range s {
		if unicode.Is(unicode.Zs, r) {
			r = ' '
		}
		if unicode.IsPrint(r) || unicode.Is(unicode.Join_Control, r) && before >= utf8.RuneSelf {
			b.WriteRune(r)
			before = r
		}
	}
	return strings.TrimFunc(b.String(), func(r rune) bool { return !unicode.IsGraphic(r) || r == ' ' })
}
