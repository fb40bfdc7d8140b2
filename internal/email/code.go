package email

// Code names the one rule that an address breaks. It is an error, it is stable
// across releases, and it never contains any part of the address, so that it
// can be logged and sent to a client.
type Code string

// Error returns the code with the name of the package before it.
func (c Code) Error() string { return "email: " + string(c) }

// The rules. An address that breaks several is reported for one of them.
const (
	// Required: the text is empty.
	Required Code = "required"

	// TooLong: the text, its canonical form or its form with an A-label domain
	// is longer than 254 octets of UTF-8 (RFC 5321 §4.5.3.1.3 less the angle
	// brackets; RFC 3696 erratum 1690).
	TooLong Code = "too_long"

	// InvalidEncoding: the text is not UTF-8.
	InvalidEncoding Code = "invalid_encoding"

	// InvalidCharacter: a character that has no place where it stands. Before
	// the @, whatever is neither in an atom (RFC 5322 §3.2.3, RFC 6531 §3.3) nor
	// a full stop; after it, whatever UTS #46 does not map to letters, digits,
	// hyphens and full stops; on either side white space, controls, zero-width
	// and bidirectional controls, private use, unassigned code points, and a
	// combining mark in front.
	InvalidCharacter Code = "invalid_character"

	// Padded: white space or invisible characters at an end of an address that
	// another system has; see [ParseImport].
	Padded Code = "padded"

	// NoAt: there is no @ (RFC 5322 §3.4.1).
	NoAt Code = "email_no_at"

	// DisplayName: an address in angle brackets, with or without a name before
	// it (RFC 5322 §3.4): a mailbox of a header, not an address.
	DisplayName Code = "email_display_name"

	// Quoted: a quoted local part (RFC 5321 §4.1.2). It is legal and nobody
	// has one; email_validator refuses it by default.
	Quoted Code = "email_quoted"

	// LocalEmpty: there is nothing before the @.
	LocalEmpty Code = "email_local_empty"

	// LocalDot: a full stop begins or ends the local part, or two stand
	// together (the dot-atom of RFC 5322 §3.2.3).
	LocalDot Code = "email_local_dot"

	// LocalTooLong: the local part has more than 64 octets of UTF-8 in NFC
	// (RFC 5321 §4.5.3.1.1).
	LocalTooLong Code = "email_local_too_long"

	// DomainEmpty: there is nothing after the @.
	DomainEmpty Code = "email_domain_empty"

	// DomainDot: a full stop, in any of the four forms of RFC 3490 §3.1, begins
	// or ends the domain, or two stand together.
	DomainDot Code = "email_domain_dot"

	// DomainLiteral: an address literal, as in user@[192.0.2.1]
	// (RFC 5321 §4.1.3).
	DomainLiteral Code = "email_domain_literal"

	// DomainLabel: a label is longer than 63 octets in its ASCII form (RFC 1035
	// §2.3.4), begins or ends with a hyphen (RFC 1123 §2.1), or has hyphens in
	// its third and fourth position and is no A-label (RFC 5891 §4.2.3.1).
	DomainLabel Code = "email_domain_label"

	// DomainNoDot: the domain is a single label, as in admin@intranet.
	DomainNoDot Code = "email_domain_no_dot"

	// DomainInvalid: no registry can hold the name. A label is not one of
	// IDNA 2008 (RFC 5891 §4.2 with RFC 5892 and 5893: emoji, symbols, mixed
	// directions, an A-label that encodes nothing valid), or the last label does
	// not end with a letter (RFC 3696 §2), as in a bare IPv4 address.
	DomainInvalid Code = "email_domain_invalid"

	// DomainSpecialUse: a name under arpa, invalid, local, localhost, onion or
	// test (RFC 6761, 6762, 7686), where no mail is delivered.
	DomainSpecialUse Code = "email_domain_special_use"
)
