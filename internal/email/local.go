package email

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/seed89488a0c/auth/internal/nfc"
)

// maxLocal is the longest canonical local part in octets; see [LocalTooLong].
const maxLocal = 64

// parseLocal returns the canonical form of what stands before the @.
func parseLocal(s string) (string, error) {
	if s == "" {
		return "", LocalEmpty
	}
	if err := checkLocal(s); err != nil {
		return "", err
	}
	if isASCII(s) {
		return limitLocal(lowerRole(s))
	}
	// RFC 6532 §3.1 asks for NFC. It can make characters longer (U+0958) and
	// turn some into others that no atom has (the GREEK QUESTION MARK into a
	// semicolon), so its result must stand the same checks.
	n := nfc.String(s)
	if n == s {
		return limitLocal(s)
	}
	if err := checkLocal(n); err != nil {
		return "", err
	}
	return limitLocal(lowerRole(n))
}

// limitLocal returns a canonical local part if it is not too long. Other
// spellings may be longer: all of one mailbox are accepted, or none.
func limitLocal(s string) (string, error) {
	if len(s) > maxLocal {
		return "", LocalTooLong
	}
	return s, nil
}

// checkLocal reports what keeps s, which is not empty, from being a dot-atom of
// RFC 5322 §3.2.3 as extended by RFC 6531 §3.3.
func checkLocal(s string) error {
	for i, r := range s {
		if r < utf8.RuneSelf {
			if !isAtext(byte(r)) && r != '.' {
				return InvalidCharacter
			}
		} else if !isSafe(r) || i == 0 && unicode.IsMark(r) {
			return InvalidCharacter
		}
	}
	if s[0] == '.' || s[len(s)-1] == '.' || strings.Contains(s, "..") {
		return LocalDot
	}
	return nil
}

// isAtext reports whether c is in the atext of RFC 5322 §3.2.3.
func isAtext(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		strings.IndexByte("!#$%&'*+-/=?^_`{|}~", c) >= 0
}

// isSafe reports whether r, which is not ASCII, is a letter, mark, number,
// punctuation or symbol: RFC 6531 admits every code point, but white space,
// controls, zero-width and bidirectional controls, private use and unassigned
// code points make an address look like another one, or like nothing.
func isSafe(r rune) bool { return unicode.IsPrint(r) }

// lowerRole lowers s if it is one of the role names of RFC 2142 §3 to §5, which
// are the same mailbox in any case.
func lowerRole(s string) string {
	const longest = len("postmaster")
	if len(s) > longest {
		return s
	}
	switch lower := strings.ToLower(s); lower {
	case "info", "marketing", "sales", "support",
		"abuse", "noc", "security",
		"postmaster", "hostmaster", "usenet", "news", "webmaster", "www", "uucp", "ftp":
		return lower
	}
	return s
}
