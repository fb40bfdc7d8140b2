// Package hibp finds out whether a password is known from a data breach, as
// ASVS 5.0 6.2.12 and NIST SP 800-63B-4 §3.1.1.2 ask for new passwords, by
// Pwned Passwords of Have I Been Pwned (haveibeenpwned.com/API/v3#PwnedPasswords).
//
// A [Checker] asks the service, by k-anonymity: only the first five of the 40
// hexadecimal digits of the password's SHA-1 hash leave the process, which a
// thousand known passwords and more share, and the response is padded, so that
// its size does not tell which five. A [File] looks into a copy on disk: nothing
// leaves.
//
// The method Breached of both is meant for the policy on new passwords. It does
// not run in constant time and need not: whoever gave the password learns the
// answer anyway. A Checker reads each response to its end, whatever it finds.
package hibp

import (
	"context"
	"crypto/fips140"
	"crypto/sha1" //nolint:gosec // the format of Pwned Passwords; nothing is protected by it
	"fmt"
	"strconv"
	"strings"

	"github.com/seed89488a0c/auth"
)

// The lengths of hashes, in hexadecimal digits.
const (
	hashDigits   = 2 * sha1.Size
	prefixDigits = 5 // all that is ever sent
)

// The decimal digits of a uint64.
const maxCountDigits = 20

// Error says that a check gave no answer, and why, in terms that may be logged:
// there is nothing of the password, a URL or another error's text in it. It
// matches [auth.ErrUnavailable], and the context's error where that ended it.
//
// Code is stable, and one of:
//
//	context      the caller's context ended
//	timeout      the service did not answer in time
//	connection   the service could not be reached, or the connection broke
//	http 429     the service answered with this status, or another that is not 200
//	read         the file could not be read, or is closed
//	malformed    the response, or a line of the file, is not of the format
type Error struct {
	Op      string // what was asked: "range" of a [Checker], "file" of a [File]
	Code    string
	Context error // context.Canceled or context.DeadlineExceeded, or nil
}

func (e *Error) Error() string { return "hibp: " + e.Op + ": " + e.Code }

// Unwrap returns what the error matches.
func (e *Error) Unwrap() []error {
	if e.Context != nil {
		return []error{auth.ErrUnavailable, e.Context}
	}
	return []error{auth.ErrUnavailable}
}

// failure describes a check that ended with code, given the caller's context.
func failure(ctx context.Context, op, code string) error {
	if err := ctx.Err(); err != nil {
		return &Error{Op: op, Code: "context", Context: err}
	}
	return &Error{Op: op, Code: code}
}

// hash returns the SHA-1 hash of p's bytes, as the service writes it. SHA-1 is
// what the list is sorted by: it protects nothing here, so that the strict mode
// of FIPS 140, which panics at it, is not concerned.
func hash(p auth.Password) string {
	var sum [sha1.Size]byte
	fips140.WithoutEnforcement(func() {
		sum = sha1.Sum([]byte(p.Reveal())) //nolint:gosec // as above
	})
	return fmt.Sprintf("%X", sum)
}

// parseRow reads a line "HEX:COUNT", with CRLF, LF or neither at its end: so many
// upper-case hexadecimal digits, and how often the password was seen in breaches.
func parseRow(line string, digits int) (hex string, count uint64, ok bool) {
	line = strings.TrimSuffix(strings.TrimSuffix(line, "\r\n"), "\n")
	hex, decimal, _ := strings.Cut(line, ":")
	count, err := strconv.ParseUint(decimal, 10, 64)
	ok = err == nil && len(decimal) <= maxCountDigits && len(hex) == digits && strings.Trim(hex, "0123456789ABCDEF") == ""
	return hex, count, ok
}
