// Package nfc normalises text to Unicode Normalization Form C.
package nfc

import (
	"slices"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// String returns s, which is UTF-8, in Normalization Form C (UAX #15).
//
// x/text's own function puts a COMBINING GRAPHEME JOINER after every 30 combining
// marks (Stream-Safe Text, UAX #15 §13), which is not NFC: the outcome is
// another address, and texts that are canonically equivalent would stay
// different. It is used here for what is NFC already and for single characters
// and pairs. Callers bound the length of s first: it takes time in proportion,
// a microsecond a character.
func String(s string) string {
	if norm.NFC.IsNormalString(s) {
		return s
	}
	// Decompose each character, then put each run of marks in canonical order.
	var text []rune
	for _, r := range s {
		text = append(text, []rune(norm.NFD.String(string(r)))...)
	}
	for i := 0; i < len(text); {
		j := i + 1
		for j < len(text) && combiningClass(text[j]) != 0 {
			j++
		}
		if combiningClass(text[i]) == 0 {
			i++
		}
		slices.SortStableFunc(text[i:j], func(a, b rune) int {
			return int(combiningClass(a)) - int(combiningClass(b))
		})
		i = j
	}

	// Compose each character with the last starter, unless one between them
	// that stayed blocks it (The Unicode Standard, D115 to D117).
	out := make([]rune, 0, len(text))
	starter := -1
	for _, r := range text {
		class := combiningClass(r)
		if starter >= 0 {
			last := len(out) - 1
			if starter == last || combiningClass(out[last]) < class {
				if c, ok := compose(out[starter], r); ok {
					out[starter] = c
					continue
				}
			}
		}
		if class == 0 {
			starter = len(out)
		}
		out = append(out, r)
	}
	return string(out)
}

// compose returns the primary composite of a pair, if there is one.
func compose(a, b rune) (rune, bool) {
	s := norm.NFC.String(string([]rune{a, b}))
	r, size := utf8.DecodeRuneInString(s)
	return r, size == len(s)
}

// combiningClass returns the Canonical_Combining_Class of r, 0 for starters.
func combiningClass(r rune) uint8 {
	return norm.NFC.PropertiesString(string(r)).CCC()
}
