package auth

import (
	"context"
	"fmt"
	"slices"

	"github.com/seed89488a0c/auth/internal/hashgate"
	"github.com/seed89488a0c/auth/internal/hashing"
	"github.com/seed89488a0c/auth/internal/input"
	"github.com/seed89488a0c/auth/internal/mysqlstore"
)

// PasswordPolicy is what a new password must satisfy. The zero value is a safe
// policy: 8 to 128 characters, not one of the 10,000 most common passwords and
// not the user's own e-mail address or name; 15 is the advised minimum where
// the password is the only factor (NIST SP 800-63B-4, ASVS 5.0 6.2.1). There
// are no composition rules (ASVS 5.0 6.2.5): any UTF-8 text is accepted but
// one with a NUL, which other software cuts passwords at. Characters are
// Unicode code points. Passwords at login are held against no policy.
//
//	PasswordPolicy{MinLength: 15}
//
// is the rule for passwords that are the only factor. That of the tutorial which this
// library replaces, 4 to 12 characters, whatever they are, is
//
//	PasswordPolicy{InsecureMinLength: 4, InsecureMaxLength: 12, InsecureAllowAny: true}
type PasswordPolicy struct {
	MinLength int // in characters; 0 = 8; less is an error
	MaxLength int // in characters; 0 = 128; less than 64 or more than 1024 is an error

	// Words are refused too, case aside, with nothing but digits, spaces and
	// punctuation before and after: the names of the service and what it is
	// about (ASVS 5.0 6.1.2, 6.2.11).
	Words []string

	// Breached reports whether a password is known from a breach (ASVS 5.0
	// 6.2.12); nil = not asked. It is asked last, before the hash, and by eight
	// at once for each hash that may run at once; up to 128 for each wait in turn,
	// and more are [ErrOverloaded]. An error refuses the password with
	// [ErrUnavailable]; one that matches that is passed on as it is, and must hold
	// no secrets; any other is in the event alone, whole. Package
	// [github.com/seed89488a0c/auth/hibp] has two.
	Breached func(ctx context.Context, p Password) (bool, error)

	InsecureMinLength int  // allows a MinLength below 8
	InsecureMaxLength int  // allows a MaxLength below 64
	InsecureAllowAny  bool // accepts the most common passwords and the user's own e-mail address and name
}

// withDefaults returns p with its limits in MinLength and MaxLength.
func (p PasswordPolicy) withDefaults() (_ PasswordPolicy, err error) {
	p.MinLength, p.MaxLength, err = input.PasswordLengths(p.MinLength, p.InsecureMinLength, p.MaxLength, p.InsecureMaxLength)
	if err != nil {
		return p, fmt.Errorf("auth: PasswordPolicy: %w", err)
	}
	p.Words = slices.Clone(p.Words)
	return p, nil
}

// checkNew returns the first rule that a new password of this user breaks.
func (a *Authenticator) checkNew(ctx context.Context, turn hashgate.Turn, password Password, address, username string) error {
	p := a.policy
	rules := input.PasswordRules{Min: p.MinLength, Max: p.MaxLength, Words: p.Words, Any: p.InsecureAllowAny}
	code := rules.Broken(password.Reveal(), address, username)
	if code == "" {
		breached, err := a.breached(ctx, turn, password)
		if err != nil {
			return err
		}
		if breached {
			code = input.PasswordBreached
		}
	}
	if code != "" {
		return &InputError{Field: input.FieldPassword, Code: code, Min: p.MinLength, Max: p.MaxLength}
	}
	return nil
}

// askingPerSlot is how many ask Breached at once for each hash that may run at once: a
// service that answers within 150 ms keeps up with the hashing. They hold no place of a
// hash meanwhile, so that a service which is slow takes none from the logins.
const askingPerSlot = 8

// breached asks the policy's Breached in turn.
func (a *Authenticator) breached(ctx context.Context, turn hashgate.Turn, password Password) (bool, error) {
	if a.policy.Breached == nil {
		return false, nil
	}
	if err := hashing.Admit(ctx, a.asking, "check password", turn, 0, mysqlstore.Inside(ctx)); err != nil {
		return false, err
	}
	defer a.asking.Release(0)
	breached, err := a.policy.Breached(ctx, password)
	if err != nil {
		return false, serviceError("check password", err)
	}
	return breached, nil
}
