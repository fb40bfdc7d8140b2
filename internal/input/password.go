package input

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/seed89488a0c/auth/internal/blocklist"
	"github.com/seed89488a0c/auth/internal/email"
	"github.com/seed89488a0c/auth/internal/nfc"
)

// MaxPasswordBytes is the size of the largest password, whatever its rules are.
const MaxPasswordBytes = 4096

// Limits of the shortest and the longest password.
const (
	minLength    = 8  // NIST SP 800-63B-4 §3.1.1.2, ASVS 5.0 6.2.1
	minMaxLength = 64 // ibid., ASVS 5.0 6.2.9
	maxLength    = 128
)

// PasswordLengths returns how many characters a password has at least and at
// most: 0 is the default, and what goes past a limit is given as insecure instead.
func PasswordLengths(least, insecureLeast, most, insecureMost int) (int, int, error) {
	least, ok := choose(least, insecureLeast, minLength, minLength)
	if !ok {
		return 0, 0, errors.New("MinLength is below 8 or given twice")
	}
	most, ok = choose(most, insecureMost, maxLength, minMaxLength)
	if !ok || most > MaxPasswordBytes/utf8.UTFMax {
		return 0, 0, errors.New("MaxLength is below 64, above 1024 or given twice")
	}
	if least > most {
		return 0, 0, errors.New("the shortest password is longer than the longest")
	}
	return least, most, nil
}

func choose(safe, insecure, standard, floor int) (int, bool) {
	switch {
	case safe == 0 && insecure == 0:
		return standard, true
	case insecure == 0 && safe >= floor:
		return safe, true
	case safe == 0 && insecure > 0:
		return insecure, true
	}
	return 0, false
}

// PasswordRules are those of a new password.
type PasswordRules struct {
	Min, Max int      // in characters, which are code points
	Words    []string // that are refused, as the user's own name is
	Any      bool     // common passwords, the user's own address and name, and Words pass
}

// Broken returns the code of the first rule that the password breaks, of a user
// with this address and name.
func (r PasswordRules) Broken(password, address, username string) string {
	if len(password) > MaxPasswordBytes { // before anything walks over it
		return TooLong
	}
	n := utf8.RuneCountInString(password)
	switch {
	case password == "":
		return Required
	case !utf8.ValidString(password):
		return InvalidEncoding
	case n < r.Min:
		return TooShort
	case n > r.Max:
		return TooLong
	case strings.ContainsRune(password, 0):
		return InvalidCharacter
	case password == Redacted:
		return PasswordCommon
	case r.Any:
		return ""
	case blocklist.Contains(strings.ToLower(password)):
		return PasswordCommon
	case isPersonal(password, address, username):
		return PasswordPersonal
	case isOneOf(r.Words, password):
		return PasswordContext
	}
	return ""
}

// isPersonal reports whether a password is the e-mail address in any spelling,
// holds it in its canonical form or that with A-labels, or is the local part or
// the username, with nothing but digits, spaces and punctuation before and
// after. Neither case nor normalisation form counts.
func isPersonal(password, address, username string) bool {
	key, _ := email.Key(address)
	if same, ok := email.Key(password); ok && same == key {
		return true
	}
	forms := []string{address}
	if a, err := email.Parse(address); err == nil {
		forms = append(forms, a.Address, a.ASCII)
	}
	for _, form := range forms {
		if form != "" && strings.Contains(plain(password), plain(form)) {
			return true
		}
	}
	local, _, _ := strings.Cut(address, "@")
	return isOneOf([]string{local, username}, password)
}

// isOneOf reports whether a password is one of words but for case,
// normalisation form and what stands around it.
func isOneOf(words []string, password string) bool {
	password = plain(password)
	for _, word := range words {
		if word = plain(word); word != "" && core(password, word) == core(word, word) {
			return true
		}
	}
	return false
}

func plain(s string) string { return strings.ToLower(nfc.String(s)) }

// core returns what is left of s without anything but letters at its ends, or,
// if own is a name without letters, without spaces and punctuation.
func core(s, own string) string {
	keep := unicode.IsLetter
	if !strings.ContainsFunc(own, keep) {
		keep = func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	}
	if trimmed := strings.TrimFunc(s, func(r rune) bool { return !keep(r) && !unicode.IsMark(r) }); trimmed != "" {
		return trimmed
	}
	return s
}
