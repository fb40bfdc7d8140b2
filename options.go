package auth

import (
	"context"
	"errors"
	"slices"

	"github.com/seed89488a0c/auth/internal/draw"
	"github.com/seed89488a0c/auth/internal/recent"
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

// WithHashMemory sets how many bytes hashing may take, a login storm included:
// what runs, and what has run and is not collected yet. Fewer hashes run at once
// where that many would need more; a stored hash that needs more by itself
// cannot be verified. The default is half of what the process may use by
// GOMEMLIMIT, its control group and the machine.
func WithHashMemory(bytes int64) Option {
	return func(a *Authenticator) error {
		if bytes <= 0 {
			return errors.New("auth: WithHashMemory: not a positive number of bytes")
		}
		a.hashMemory = bytes
		return nil
	}
}

// WithDecoys is for a table with hashes of several kinds, as after an import,
// which take different times to verify. An unknown address is checked against
// one of these classes, by their weights, so that its time is one that a user's
// could be as well. Without it an address that takes another time than the
// default hasher's is known to be a user's.
//
// The secret, of 32 bytes or more, decides which address draws which class; it
// must be the same in every replica and stay the same.
func WithDecoys(secret []byte, classes ...Decoy) Option {
	return func(a *Authenticator) error {
		var total uint64
		for _, d := range classes {
			total += uint64(d.Weight)
		}
		if len(secret) < 32 || total == 0 {
			return errors.New("auth: WithDecoys: the secret has fewer than 32 bytes, or no class has a weight")
		}
		a.draw, a.decoyClasses = draw.By(secret), slices.Clone(classes)
		return nil
	}
}

// WithDisabledRevealed has Login answer [ErrUserDisabled] to the right password
// of a disabled user. By default it is [ErrInvalidCredentials], as for a wrong one.
func WithDisabledRevealed() Option {
	return func(a *Authenticator) error {
		a.revealDisabled = true
		return nil
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

// WithClaims puts claims of the service's own into every access token, whichever
// the issuer: what f returns is marshalled by encoding/json and must be an object
// of at most 4 KiB, or nil for none. [Identity] reads them back by its method
// Claims. Names that tokens have anyway, or that mean something to others, are
// refused, however they are cased: those of RFC 7519 §4.1 and acr, act, amr,
// at_hash, auth_time, azp, c_hash, client_id, cnf, csrf, fresh, may_act, nonce,
// sid, sub_jwk and type.
//
// f is called for every Register, before the user is created and again where the
// store makes the ID, for every Login, after the password was found right, and for
// every Refresh and Reauthenticate. It must be safe for concurrent use. Its
// error, of which only the type is kept, and claims that are refused, are
// [ErrUnavailable]: nobody is logged in.
// What the claims say stays true for others until the token expires.
func WithClaims(f func(ctx context.Context, u User) (any, error)) Option {
	return func(a *Authenticator) error {
		if f == nil {
			return errors.New("auth: WithClaims: the function is nil")
		}
		a.claims = f
		return nil
	}
}

// WithSessions gives every login a session, which [Authenticator.Refresh] renews and
// which can be ended before its time. [MemoryStore] and [MySQLStore] keep users and
// sessions alike.
func WithSessions(store SessionStore, c SessionConfig) Option {
	return func(a *Authenticator) (err error) {
		if isZero(store) {
			return errors.New("auth: WithSessions: the store is nil or a zero value")
		}
		a.sessions = store
		if a.sessionConfig, err = c.withDefaults(); a.sessionConfig.Staleness > 0 {
			a.known = recent.New[knownSession](knownPlaces)
		}
		return err
	}
}
