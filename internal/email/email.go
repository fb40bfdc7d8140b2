// Package email accepts, refuses and normalises e-mail addresses, and gives
// each the key under which its mailbox is stored and looked up.
//
// It decides by syntax alone: no DNS, no I/O, no state. Every function is safe
// for concurrent use.
package email

import (
	"strings"
	"unicode/utf8"

	"github.com/seed89488a0c/auth/internal/nfc"
)

const (
	// maxAddress is the longest address in octets of UTF-8; see [TooLong].
	maxAddress = 254

	// maxKey is the longest key in octets. The longest key of a valid address
	// is shorter: folding adds at most one octet to a character of two (Ⱥ
	// becomes ⱥ), so at most 32 to a local part.
	maxKey = 320

	// maxKeyInput is the longest text, in octets, of which a key is computed.
	// It leaves room for the NFD of a key of maxKey, which is up to three times
	// as long (Hangul), and bounds the work that a stranger can ask for.
	maxKeyInput = 1024
)

// Address is a valid e-mail address in its canonical forms.
type Address struct {
	// Address is what to show, to store and to send mail to: the local part
	// in NFC, its case kept (the role names of RFC 2142 lowered), and the domain
	// in lower case with U-labels. At most 254 octets.
	Address string

	// ASCII is Address with A-labels in the domain, for transports without
	// SMTPUTF8. It is "" when the local part is not ASCII. At most 254 octets.
	ASCII string

	// Key identifies the mailbox: it is equal for every spelling of an address,
	// in case, in Unicode normalisation form, and as A-label or U-label. At most
	// 320 octets. Compare it byte for byte. Never send mail to it: it is folded,
	// and so may belong to somebody else than Address does.
	Key string
}

// Parse returns the canonical forms of s, or an error that is a [Code].
//
// It accepts and refuses what version 2.3 of the Python library email_validator
// does with its defaults and without DNS (check_deliverability=False), and gives
// the same canonical forms, except that
//
//   - a local part of more than 64 octets in its canonical form is refused (RFC
//     5321 §4.5.3.1.1). The library enforced that before 2.3, and with
//     strict=True counts characters;
//   - code points newer than the Unicode tables of Go and golang.org/x/text are
//     refused, as they are there under a Python of the same Unicode version:
//     their normalisation is not known yet;
//   - an A-label must be exactly what its U-label encodes to (RFC 5890
//     §2.3.2.1). The library takes a superfluous hyphen, as in
//     xn---80ak6aa92e.com, and so gives one domain several ASCII forms;
//   - whether a local part is ASCII is decided after normalisation, so that
//     parsing is idempotent: a KELVIN SIGN, which NFC turns into K, costs
//     neither the ASCII form nor the lower case of a role name.
//
// Nothing is trimmed. No more than the first 254 octets are looked at.
func Parse(s string) (Address, error) {
	a, err := parse(s, "")
	if err != nil {
		return Address{}, err
	}
	a.Key = foldText(a.Address)
	return a, nil
}

// ParseTest is [Parse] for tests: it takes addresses under .test too (RFC 6761 §6.2).
func ParseTest(s string) (Address, error) {
	a, err := parse(s, ".test")
	if err != nil {
		return Address{}, err
	}
	a.Key, _ = Key(s) // as a login has it, which knows of no tests
	return a, nil
}

// parse is Parse without the key. A domain of special use is taken if it ends with
// allowed, where that is not empty.
func parse(s, allowed string) (Address, error) {
	switch {
	case s == "":
		return Address{}, Required
	case len(s) > maxAddress:
		return Address{}, TooLong
	case !utf8.ValidString(s):
		return Address{}, InvalidEncoding
	case strings.Contains(s, "<"):
		return Address{}, DisplayName
	case s[0] == '"':
		return Address{}, Quoted
	}
	local, domain, found := strings.Cut(s, "@")
	if !found {
		return Address{}, NoAt
	}
	local, err := parseLocal(local)
	if err != nil {
		return Address{}, err
	}
	unicodeDomain, asciiDomain, err := parseDomain(domain)
	if err == DomainSpecialUse && allowed != "" && strings.HasSuffix(asciiDomain, allowed) {
		err = nil
	}
	if err != nil {
		return Address{}, err
	}

	// UTS #46 and the A-labels may have made it longer. As the local part has
	// at least one octet, this also keeps the domain below its 253 (RFC 1035
	// §2.3.4).
	if len(local)+len("@")+max(len(unicodeDomain), len(asciiDomain)) > maxAddress {
		return Address{}, TooLong
	}
	a := Address{Address: local + "@" + unicodeDomain}
	switch {
	case !isASCII(local):
	case asciiDomain == unicodeDomain:
		a.ASCII = a.Address
	default:
		a.ASCII = local + "@" + asciiDomain
	}
	return a, nil
}

// Key returns the key under which the mailbox s is stored and looked up. It is
// total, so that a login never has to say that an address is malformed, and
// imported addresses that are not valid (admin@intranet) can log in: the key of
// a valid address is that of [Parse], of any other text its NFC, case-folded as
// text. ok is false when there is none: s is empty, is not UTF-8, is longer
// than 1024 octets, or its key would be longer than 320. Nothing is trimmed.
//
// Key is idempotent. Folding and normalising may make a valid address of an
// invalid text, by making it shorter for instance; were that text the key, then
// the key of the key would be another one. Hence the second look below, after
// which a key is either no valid address, and a fixed point of foldText, or
// comes from a canonical form, which both parse and foldText leave as it is.
func Key(s string) (key string, ok bool) {
	if s == "" || len(s) > maxKeyInput || !utf8.ValidString(s) {
		return "", false
	}
	if a, err := parse(s, ""); err == nil {
		return foldText(a.Address), true
	}
	key = foldText(nfc.String(s))
	if a, err := parse(key, ""); err == nil {
		key = foldText(a.Address)
	}
	if len(key) > maxKey {
		return "", false
	}
	return key, true
}

// isASCII reports whether s has no octet above 0x7F.
func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
