package input

import (
	"strings"
	"time"

	"github.com/seed89488a0c/auth/internal/row"
	"github.com/seed89488a0c/auth/internal/token"
)

// Proof returns when somebody was authenticated, as a store keeps it, and no later than
// now; a zero at is now. Or it returns the field that breaks a rule, and the rule's code.
func Proof(amr string, at, now time.Time) (_ time.Time, field, code string) {
	switch {
	case amr == "":
		return time.Time{}, FieldAMR, Required
	case len(amr) > row.MaxAMR:
		return time.Time{}, FieldAMR, TooLong
	case !isAMR(amr):
		return time.Time{}, FieldAMR, InvalidCharacter
	case at.IsZero():
		return now, "", ""
	case at.Unix() < 0, at.After(now.Add(token.MaxSkew)), at.Unix() > now.Add(token.MaxSkew).Unix(): // of which After can be wrong
		return time.Time{}, FieldTime, OutOfRange
	case at.After(now):
		return now, "", ""
	}
	return at.UTC().Truncate(time.Microsecond), "", ""
}

// isAMR reports whether a text has the words of an amr, with single spaces between them
// (RFC 8176 §2: short names, told apart by their case).
func isAMR(text string) bool {
	for word := range strings.SplitSeq(text, " ") {
		if word == "" || strings.ContainsFunc(word, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return false
		}
	}
	return true
}
