// Package blocklist holds the 10,000 most common passwords.
//
// They are the first 10,000 distinct ones, in lower case, of the list that
// Mark Burnett drew from ten million leaked passwords, as SecLists publishes
// it (10-million-password-list-top-1000000.txt, MIT licence). 3,377 of them
// have eight characters or more, so that the list satisfies ASVS 5.0 6.2.4,
// which asks for the 3,000 most common that the policy would let pass.
package blocklist

import (
	_ "embed"
	"strings"
)

// passwords is sorted by byte, one a line: it is searched as it lies, without
// being decoded into memory first.
//
//go:embed passwords.txt
var passwords string

// Contains reports whether lower, a password in lower case, is on the list.
func Contains(lower string) bool {
	rest := passwords
	for len(rest) > 0 {
		start := strings.LastIndexByte(rest[:len(rest)/2], '\n') + 1
		end := start + strings.IndexByte(rest[start:], '\n')
		switch line := rest[start:end]; {
		case line == lower:
			return true
		case line < lower:
			rest = rest[end+1:]
		default:
			rest = rest[:start]
		}
	}
	return false
}
