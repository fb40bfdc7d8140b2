package email

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/cases"
	"golang.org/x/text/secure/bidirule"
	"golang.org/x/text/unicode/bidi"
	"golang.org/x/text/unicode/norm"

	"github.com/seed89488a0c/auth/internal/nfc"
)

// maxLabel is the longest label in octets of its ASCII form (RFC 1035 §2.3.4).
const maxLabel = 63

// checkHyphensAndLength reports what keeps label, in its ASCII form and not
// empty, from being one of a host name.
func checkHyphensAndLength(label string) error {
	if len(label) > maxLabel || label[0] == '-' || label[len(label)-1] == '-' {
		return DomainLabel
	}
	return nil
}

// convertLabel returns the forms of a label that UTS #46 has mapped and that is
// not empty: the U-label and the A-label of RFC 5890 §2.3.2.1, or the label
// itself twice if it is an ordinary one.
func convertLabel(label string) (ulabel, alabel string, err error) {
	ascii := isASCII(label)
	ulabel = label
	if ascii {
		if err := checkHyphensAndLength(label); err != nil {
			return "", "", err
		}
		switch {
		case !hasReservedHyphens([]rune(label)):
			return label, label, nil
		case !strings.HasPrefix(label, "xn--"):
			return "", "", DomainLabel
		}
		if ulabel, err = idna.Punycode.ToUnicode(label); err != nil {
			return "", "", DomainInvalid
		}
	}
	if err := checkULabel(ulabel); err != nil {
		return "", "", err
	}
	// Two A-labels for one U-label would be two domains to whoever compares
	// them: hence the way back, whatever the decoder lets through.
	if alabel, err = idna.Punycode.ToASCII(ulabel); err != nil || ascii && alabel != label {
		return "", "", DomainInvalid
	}
	return ulabel, alabel, checkHyphensAndLength(alabel)
}

// hasReservedHyphens reports whether hyphens stand in the third and fourth
// position, as in A-labels and in nothing else (RFC 5891 §4.2.3.1).
func hasReservedHyphens(label []rune) bool {
	return len(label) >= 4 && label[2] == '-' && label[3] == '-'
}

// checkULabel reports what keeps s from being a U-label (RFC 5891 §4.2).
func checkULabel(s string) error {
	label := []rune(s)
	// An A-label has at least one octet for each character.
	if len(label) == 0 || len(label) > maxLabel ||
		label[0] == '-' || label[len(label)-1] == '-' || hasReservedHyphens(label) {
		return DomainLabel
	}
	if unicode.IsMark(label[0]) || nfc.String(s) != s {
		return DomainInvalid
	}
	// RFC 5893 §1.4 puts the rule to every label of a domain with right-to-left
	// characters, email_validator only to the labels that have some.
	if bidirule.DirectionString(s) == bidi.RightToLeft && !bidirule.ValidString(s) {
		return DomainInvalid
	}
	for i, r := range label {
		if !isPermitted(r) && !inContext(label, i) {
			return DomainInvalid
		}
	}
	return nil
}

// isPermitted reports whether r is PVALID, by the algorithm of RFC 5892 §3
// instead of a table: what it yields follows the Unicode version of Go.
func isPermitted(r rune) bool {
	switch r {
	// Exceptions (§2.6) that are PVALID …
	case 'ß', 'ς', 0x06FD, 0x06FE, 0x0F0B, 0x3007:
		return true
	// … that are DISALLOWED …
	case 0x0640, 0x07FA, 0x302E, 0x302F, 0x3031, 0x3032, 0x3033, 0x3034, 0x3035, 0x303B:
		return false
	// … and that are CONTEXTO, as far as they are letters and digits.
	case 0x0375, 0x05F3, 0x05F4, 0x30FB:
		return false
	}
	switch {
	case 0x0660 <= r && r <= 0x0669, 0x06F0 <= r && r <= 0x06F9: // CONTEXTO (§2.6)
		return false
	case r < utf8.RuneSelf: // LDH (§2.7)
		return 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '-'
	case !unicode.In(r, unicode.Ll, unicode.Lu, unicode.Lo, unicode.Nd, unicode.Lm, unicode.Mn, unicode.Mc):
		return false // not LetterDigits (§2.1), which also leaves out what is not assigned
	case unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector):
		return false // IgnorableProperties (§2.3): the other such properties hold no LetterDigits
	case 0x20D0 <= r && r <= 0x20FF, 0x1D100 <= r && r <= 0x1D1FF, 0x1D200 <= r && r <= 0x1D24F:
		return false // IgnorableBlocks (§2.4)
	case 0x1100 <= r && r <= 0x11FF, 0xA960 <= r && r <= 0xA97C, 0xD7B0 <= r && r <= 0xD7FB:
		return false // OldHangulJamo (§2.9)
	case unicode.Is(unicode.Cherokee, r):
		return fold(r) == r // Unstable, too: x/text folds these to small letters
	}
	// Unstable (§2.2)
	s := string(r)
	return norm.NFKC.String(cases.Fold().String(norm.NFKC.String(s))) == s
}

// inContext reports whether label[i] is CONTEXTO and stands where RFC 5892
// appendices A.3 to A.9 permit it. The joiners of A.1 and A.2 are permitted
// nowhere, not even within an A-label: email_validator refuses what is not to be
// seen in the U-label, too.
func inContext(label []rune, i int) bool {
	at := func(i int) rune {
		if i < 0 || i >= len(label) {
			return -1
		}
		return label[i]
	}
	within := func(lo, hi rune) func(rune) bool {
		return func(r rune) bool { return lo <= r && r <= hi }
	}
	switch r := label[i]; {
	case r == 0x00B7: // MIDDLE DOT, in Catalan
		return at(i-1) == 'l' && at(i+1) == 'l'
	case r == 0x0375: // GREEK LOWER NUMERAL SIGN
		return unicode.Is(unicode.Greek, at(i+1))
	case r == 0x05F3, r == 0x05F4: // HEBREW PUNCTUATION GERESH, GERSHAYIM
		return unicode.Is(unicode.Hebrew, at(i-1))
	case r == 0x30FB: // KATAKANA MIDDLE DOT
		return slices.ContainsFunc(label, func(r rune) bool {
			return unicode.In(r, unicode.Hiragana, unicode.Katakana, unicode.Han)
		})
	case 0x0660 <= r && r <= 0x0669: // ARABIC-INDIC DIGITS
		return !slices.ContainsFunc(label, within(0x06F0, 0x06F9))
	case 0x06F0 <= r && r <= 0x06F9: // EXTENDED ARABIC-INDIC DIGITS
		return !slices.ContainsFunc(label, within(0x0660, 0x0669))
	}
	return false
}
