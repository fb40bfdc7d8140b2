package auth

import (
	"github.com/seed89488a0c/auth/internal/email"
	"github.com/seed89488a0c/auth/internal/input"
)

// Email is a valid e-mail address in its canonical forms.
type Email struct {
	Address string // to store, show and send to: NFC, the domain in lower-case Unicode
	ASCII   string // with the domain's A-labels; "" where the local part is not ASCII
	Key     string // the same for every spelling of one mailbox; compare keys, never addresses
}

// ParseEmail validates s as [Authenticator.Register] does: it accepts what can
// be an address on the internet by RFC 5322, 6531 and 5891, and refuses quoted
// local parts, comments, display names, address literals, special-use domains
// (RFC 6761), white space, controls and zero-width and bidirectional marks. Some
// letters that look like others, or like nothing, are left: an address that is shown
// is no proof of who it is. It asks no DNS: only a mail that arrives proves that a
// mailbox exists. The error is an [*InputError].
func ParseEmail(s string) (Email, error) {
	address, err := email.Parse(s)
	if err != nil {
		return Email{}, input.Email(err)
	}
	return Email(address), nil
}
