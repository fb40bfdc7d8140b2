package auth

import (
	"context"

	"github.com/seed89488a0c/auth/internal/input"
)

// hidden has what embeds it print as "REDACTED".
type hidden = input.Hidden

// Password holds the text of a password so that it cannot be printed by
// accident: fmt with any verb, slog, encoding/json, encoding/xml and reflection
// give "REDACTED" or an address, also from inside other values. [Password.Reveal]
// is the one way out.
//
// A field of this type reads itself from JSON and other text formats. The zero
// value is the empty password. Passwords cannot be compared with ==.
//
// MarshalText gives what no [Authenticator] accepts as a new password: one that took
// a round trip through JSON is not set by mistake.
type Password struct {
	hidden

	// A closure, since printers that walk unexported fields by reflection see
	// through everything else.
	reveal func() string
}

// NewPassword wraps text, byte for byte: nothing is trimmed, normalised or
// cut (ASVS 5.0 6.2.8).
func NewPassword(text string) Password {
	return Password{reveal: func() string { return text }}
}

// Reveal returns the text. Only a [Hasher] needs it.
func (p Password) Reveal() string {
	if p.reveal == nil {
		return ""
	}
	return p.reveal()
}

// UnmarshalText reads the password.
func (p *Password) UnmarshalText(text []byte) error {
	*p = NewPassword(string(text))
	return nil
}

// Hasher turns passwords into self-describing strings and checks them.
// Implementations must be safe for concurrent use and must not limit how many
// of their calls run at once: the [Authenticator] does. An implementation that
// computes by itself ignores ctx; one that asks another machine, such as a KMS,
// honours it.
//
// An error that is none of those named here is an outage. One that matches
// [ErrUnavailable] is passed on as it is, and must hold no secrets; of any other
// only the type is kept. None may contain the password.
//
// [github.com/seed89488a0c/auth/authtest.TestHasher] checks an implementation.
type Hasher interface {
	// Hash returns p's hash under a fresh random salt, at most 1024 bytes. A
	// password that it cannot hash whole is an *InputError.
	Hash(ctx context.Context, p Password) (encoded string, err error)

	// Verify reports whether encoded is a hash of p. A mismatch is not an
	// error. It returns ErrUnknownHash or ErrMalformedHash, before any work,
	// for an encoded that it cannot verify within its caps; any string at all
	// may be given. A *HashError says more, and matches one of the two.
	Verify(ctx context.Context, encoded string, p Password) (bool, error)

	// Inspect describes encoded without computing anything; the empty string
	// stands for what Hash would make now. The zero HashInfo means that Verify
	// would return an error.
	Inspect(encoded string) HashInfo
}

// HashInfo describes an encoded hash.
type HashInfo struct {
	Scheme      string // such as "argon2id"; "" = cannot be verified; "authtest" is for tests alone
	KeyID       string // of the pepper, "" = none
	MemoryBytes int64  // that verifying it takes
	Outdated    bool   // weaker than what Hash would make now, or more than four times as dear: made anew at the next login
	Weak        bool   // guessing costs next to nothing, and a stolen table is an open one; also Outdated

	// CutAt is how many bytes of a password are read, as bcrypt does 72; 0 = all. One
	// with as many bytes or more may be another than the user's, with the same
	// beginning: Login takes it, as the origin of the hash did, and does not make the
	// hash anew with it, nor with one that has a NUL. What Hash makes is never of a
	// password that it cuts.
	CutAt int
}
