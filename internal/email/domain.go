package email

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"

	"github.com/seed89488a0c/auth/internal/nfc"
)

// parseDomain returns the forms of what stands after the @, in lower case, with
// U-labels and with A-labels.
func parseDomain(s string) (unicodeForm, asciiForm string, err error) {
	switch {
	case s == "":
		return "", "", DomainEmpty
	case s[0] == '[':
		return "", "", DomainLiteral
	case isASCII(s):
		s = strings.ToLower(s)
	default:
		if s, err = mapDomain(s); err != nil {
			return "", "", err
		}
	}
	switch {
	case s == "": // all of it was ignored
		return "", "", DomainEmpty
	case !isHostname(s):
		return "", "", InvalidCharacter
	case s[0] == '.', s[len(s)-1] == '.', strings.Contains(s, ".."):
		return "", "", DomainDot
	}

	if isASCII(s) && !strings.Contains(s, "--") {
		// Nothing to encode or to decode: by far the most common case.
		for label := range strings.SplitSeq(s, ".") {
			if err := checkHyphensAndLength(label); err != nil {
				return "", "", err
			}
		}
		return s, s, checkTopLevel(s)
	}
	var u, a []string
	for label := range strings.SplitSeq(s, ".") {
		ulabel, alabel, err := convertLabel(label)
		if err != nil {
			return "", "", err
		}
		u, a = append(u, ulabel), append(a, alabel)
	}
	asciiForm = strings.Join(a, ".")
	return strings.Join(u, "."), asciiForm, checkTopLevel(asciiForm)
}

// isHostname reports whether the ASCII characters of s are letters, digits,
// hyphens and full stops only.
func isHostname(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '.', c >= utf8.RuneSelf:
		default:
			return false
		}
	}
	return true
}

// mapDomain maps s as UTS #46 §4 does for lookups (non-transitional, without the
// STD3 rules, which isHostname stands for), with three refusals of its own:
// what is not safe to show, a combining mark that would join the @, and
// characters that contain a full stop (⒈), other than the four full stops.
//
// The mapping is asked for one code point at a time, since x/net/idna would
// otherwise decode A-labels on the way, and differently from convertLabel.
//
// Where the tables of Unicode 15.0 that x/net has and those of 16.0 and later
// differ for a character that both know, the later ones, which email_validator
// uses, are followed: ẞ is ß and not ss; the Hangul fillers and two Khmer vowel
// signs, all invisible, are ignored; 46 characters that were refused (capitals,
// such as the Georgian Asomtavruli, and five compatibility ideographs) are
// mapped like others of their kind.
func mapDomain(s string) (string, error) {
	if r, _ := utf8.DecodeRuneInString(s); unicode.IsMark(r) {
		return "", InvalidCharacter
	}
	mapper := idna.New(idna.MapForLookup(), idna.ValidateLabels(false), idna.StrictDomainName(false))
	var b strings.Builder
	for _, r := range s {
		// One character may become eighteen: no more is made than can be in NFC
		// what an address may be.
		if b.Len() > 4*maxAddress {
			return "", TooLong
		}
		switch {
		case r < utf8.RuneSelf:
			b.WriteRune(unicode.ToLower(r))
		case r == 'ẞ':
			b.WriteRune('ß')
		case r == 0x115F, r == 0x1160, r == 0x3164, r == 0xFFA0, r == 0x17B4, r == 0x17B5:
		case !isSafe(r), r != '．' && strings.Contains(norm.NFKD.String(string(r)), "."):
			return "", InvalidCharacter
		default:
			mapped, err := mapper.ToUnicode(string(r))
			if err != nil {
				if mapped = nfc.String(string(fold(r))); mapped == string(r) {
					return "", InvalidCharacter
				}
			}
			b.WriteString(mapped)
		}
	}
	return nfc.String(b.String()), nil
}

// checkTopLevel reports whether mail can be delivered to the domain s, in its
// ASCII form, as far as its top-level domain tells.
func checkTopLevel(s string) error {
	dot := strings.LastIndexByte(s, '.')
	if dot < 0 {
		return DomainNoDot
	}
	if c := s[len(s)-1]; c < 'a' || c > 'z' {
		return DomainInvalid
	}
	switch s[dot+1:] {
	case "arpa", "invalid", "local", "localhost", "onion", "test":
		return DomainSpecialUse
	}
	return nil
}
