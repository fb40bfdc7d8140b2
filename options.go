package auth

import (
	"context"
	"errors"
)

// Option changes what [New] builds. No option is needed to be safe.
type Option func(*Authenticator) error

// WithHasher replaces the default [Hasher], Argon2id{}.
func WithHasher(h Hasher) Option {
	return func(a *Authenticator) error {
		if h == nil {
			return errors.New("auth: WithHasher: the hasher is nil")
		}
		a.hasher = h
		return nil
	}
}

// WithPasswordPolicy replaces the default policy, PasswordPolicy{}, for new passwords.
func WithPasswordPolicy(p PasswordPolicy) Option {
	return func(a *Authenticator) (err error) {
		a.policy, err = p.withDefaults()
		return err
	}
}

// WithEvents has f called with every security event (ASVS 5.0 16.3.1), before
// the call that caused it returns and with its context, which may have ended.
// f must be safe for concurrent use; what it does adds to every login.
func WithEvents(f func(context.Context, Event)) Option {
	return func(a *Authenticator) error {
		if f == nil {
			return errors.New("auth: WithEvents: the function is nil")
		}
		a.events = f
		return nil
	}
}
