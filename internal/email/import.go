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
// no key, is longer than 320 octets, or has another key than what people [Typed].
func ParseImport(s string) (Address, error) {
	switch {
	case len(s) > maxKeyInput:
		return Address{}, TooLong
	case !utf8.ValidString(s):
		return Address{}, InvalidEncoding
	}
	typed := Typed(s)
	if typed == "" {
		return Address{}, Required
	}
	key, ok := Key(typed)
	if own, _ := Key(s); own != key {
		if strings.Contains(s, typed) {
			return Address{}, Padded
		}
		return Address{}, InvalidCharacter
	}
	if a, err := Parse(s); err == nil {
		return a, nil
	}
	a := Address{Address: nfc.String(s), Key: key}
	if !ok || len(a.Address) > maxKey {
		return Address{}, TooLong
	}
	return a, nil
}

// Typed returns s as people type it who see it: without white space at its ends, such as
// the padding of a column, without what cannot be seen, and with plain spaces.
// Joiners, variation selectors and tags stay where scripts and emoji need them.
func Typed(s string) string {
	var b strings.Builder
	before := rune(0) // the last that can be seen by itself
	for _, r := range s {
		switch {
		case unicode.Is(unicode.Join_Control, r):
			if !joins(before) {
				continue
			}
		case unicode.Is(unicode.Variation_Selector, r):
			if !unicode.In(before, unicode.S, unicode.Han, unicode.Mongolian) {
				continue
			}
		case '\U000E0020' <= r && r <= '\U000E007F': // of a flag
			if !unicode.Is(unicode.S, before) {
				continue
			}
		case unicode.IsSpace(r) && r != '\u3000': // which East Asian keyboards have
			r, before = ' ', ' '
		case isInvisible(r):
			continue
		default:
			before = r
		}
		b.WriteRune(r)
	}
	return strings.TrimSpace(b.String())
}

// joins reports whether a joiner behind r can change what is seen.
func joins(r rune) bool {
	return r >= utf8.RuneSelf && unicode.Is(unicode.S, r) ||
		unicode.In(r, unicode.Arabic, unicode.Syriac, unicode.Mongolian, unicode.Nko, unicode.Devanagari, unicode.Bengali,
			unicode.Gurmukhi, unicode.Gujarati, unicode.Oriya, unicode.Tamil, unicode.Telugu, unicode.Kannada,
			unicode.Malayalam, unicode.Sinhala, unicode.Khmer, unicode.Myanmar, unicode.Tibetan)
}

// isInvisible reports whether r shows nothing, or what no keyboard has. The two last are
// the empty Braille pattern and the object replacement character.
func isInvisible(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Other_Default_Ignorable_Code_Point) ||
		r == '\u2800' || r == '\uFFFC'
}
