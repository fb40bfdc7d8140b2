package auth

import (
	"context"
	"errors"
	"slices"

	"github.com/seed89488a0c/auth/internal/device"
	"github.com/seed89488a0c/auth/internal/recent"
	"github.com/seed89488a0c/auth/internal/secrets"
)

// Options is what [New] builds an [Authenticator] of, beside its store and its issuer.
// The zero value is safe, and so is each field's: what weakens something is spelled
// Insecure. It prints as "REDACTED".
type Options struct {
	hidden

	// Hasher hashes passwords; nil = Argon2id{}.
	Hasher Hasher

	// HashMemory is how many bytes hashing may take, a login storm included:
	// what runs, and what has run and is not collected yet. Fewer hashes run at once
	// where that many would need more; a stored hash that needs more by itself
	// cannot be verified. 0 = half of what the process may use by GOMEMLIMIT, its
	// control group and the machine. More than its control group or the machine has
	// is an error.
	HashMemory int64

	// Decoys is for a table with hashes of several kinds, as after an import,
	// which take different times to verify. An unknown address is checked against
	// one of these classes, by their weights, so that its time is one that a user's
	// could be as well. Without it an address that takes another time than the
	// default hasher's is known to be a user's. It needs Secrets, of which the first
	// decides which address draws which class: it should stay the same.
	Decoys []Decoy

	// Passwords is what new passwords must satisfy.
	Passwords PasswordPolicy

	// Sessions has every login begin a session, which [Authenticator.Refresh] renews
	// and which can be ended before its time. Without a Store there are none.
	Sessions SessionConfig

	// Secrets are 32 random bytes or more each, the same in every replica; text is
	// refused, as [HMACKey] does: decode it first. The first makes, and all are accepted: to replace one, put
	// the new one behind it in every replica, then in front, and drop the old one when what
	// it made is over. Decoys need them, and a first one that stays: with another one
	// addresses draw other classes, and those of users do not change. With them every login
	// gives a [Tokens] Device.
	Secrets [][]byte

	// Throttle limits how often passwords can be guessed.
	Throttle Throttle

	// RevealDisabled has Login answer [ErrUserDisabled] to the right password of a
	// disabled user, in place of [ErrInvalidCredentials], as for a wrong one.
	RevealDisabled bool

	// Claims returns claims of the service's own for every access token, whichever
	// the issuer: what it returns is marshalled by encoding/json and must be an object
	// of at most 4 KiB, or nil for none. [Identity] reads them back by its method
	// Claims. Names that tokens have anyway, or that mean something to others, are
	// refused, however they are cased: those of RFC 7519 §4.1 and acr, act, amr,
	// at_hash, auth_time, azp, c_hash, client_id, cnf, csrf, fresh, may_act, nonce,
	// sid, sub_jwk and type.
	//
	// It is called for every Register, before the user is created and again where the
	// store makes the ID, for every Login, after the password was found right, and for
	// every Refresh, Reauthenticate and ChangePassword. It must be safe for concurrent
	// use. Its error, and claims that are refused, are [ErrUnavailable]: nobody is
	// logged in, and the event alone has the error whole. What the claims say stays
	// true for others until the token expires.
	Claims func(context.Context, User) (any, error)

	// Events is called with every security event (ASVS 5.0 16.3.1), before the call
	// that caused it returns and with its context, which may have ended. It must be
	// safe for concurrent use. The call waits for it: a function that is slow adds to
	// every login, and holds none of the slots in which passwords are hashed. Its
	// panic is the caller's; what was done before the event stays done.
	Events func(context.Context, Event)
}

// apply takes what o says over, and returns everything that is wrong with it.
func (a *Authenticator) apply(o Options) error {
	var wrong []error
	refuse := func(what string) { wrong = append(wrong, errors.New("auth: Options: "+what)) }

	a.hasher, a.claims, a.events, a.revealDisabled = o.Hasher, o.Claims, o.Events, o.RevealDisabled
	if a.hasher == nil {
		a.hasher = Argon2id{}
	}
	if o.HashMemory < 0 {
		refuse("HashMemory is negative")
	}
	for _, what := range secrets.Wrong(o.Secrets) {
		refuse("Secrets: " + what)
	}
	switch {
	case len(o.Decoys) == 0:
	case !slices.ContainsFunc(o.Decoys, func(d Decoy) bool { return d.Weight > 0 }):
		refuse("Decoys: no class has a weight")
	case len(o.Secrets) == 0:
		refuse("Decoys need Secrets")
	}
	var policy, sessions error
	a.policy, policy = o.Passwords.withDefaults()
	a.devices = device.NewKeys(o.Secrets)
	a.sessionConfig, a.life, sessions = o.Sessions.withDefaults()
	a.sessions = o.Sessions.Store
	if a.sessionConfig.Staleness > 0 {
		a.known = recent.New[knownSession](knownPlaces)
	}
	var limits error
	a.throttle, limits = o.Throttle.limiter(a.store, o.Secrets)
	a.suspect = o.Throttle.Suspect
	return errors.Join(append(wrong, policy, sessions, limits)...)
}
