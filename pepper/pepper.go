// Package pepper keys passwords with a secret before they are hashed, so that a
// stolen table of hashes without it cannot be guessed at. The secret, a [Pepper],
// is kept where the table is not: in a file, see [HMAC], or in a KMS or HSM that
// computes the MAC and never gives the key away, by a MAC of the service's own.
//
// [New] puts peppers around any [auth.Hasher]. The passwords of a table without
// a pepper get the active one when their users log in; so do the foreign hashes of a
// hasher that package legacyhash combines, which may be inside or outside.
//
// To rotate, give the new pepper to every replica as an old one first, and then
// swap the two: a replica that does not know a pepper cannot verify what the
// others make. The first one is introduced in the same two steps, with the zero
// Pepper as the active one, and the last one taken back so. An old one can go when
// no stored hash begins with its ID. A pepper that is lost locks out whoever is
// under it until a new password is set.
//
// A MAC that another machine computes needs a deadline of its own, of less than a
// second: while it is waited for, a login holds one of the few places for hashing.
// While that machine is down a user who is under no pepper yet is told that the
// password is wrong, and an unknown address gets [auth.ErrUnavailable]; a class of
// hashes without pepper in [auth.Options.Decoys] hides that.
package pepper

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/internal/token"
)

// A Pepper is a secret that passwords are keyed with.
type Pepper struct {
	// ID names the pepper in the stored hashes: 1 to 32 of A-Z a-z 0-9 . _ -
	ID string

	// MAC returns the pepper's MAC of a password, 16 to 64 bytes: the same
	// for the same password, always. It must be safe for concurrent use. An error
	// is an outage, and refuses the login with [auth.ErrUnavailable]; only its
	// type is kept, since its text might hold the password.
	MAC func(ctx context.Context, password []byte) ([]byte, error)
}

// HMAC returns a pepper that is HMAC-SHA256 with a secret of 32 random bytes or more,
// which is copied; text is refused, as [auth.HMACKey] does.
func HMAC(id string, secret []byte) (Pepper, error) {
	if len(secret) < sha256.Size {
		return Pepper{}, errors.New("pepper: HMAC: the secret has fewer than 32 bytes")
	}
	if form := token.TextForm(secret); form != "" {
		return Pepper{}, errors.New("pepper: HMAC: the secret is " + form + ", not random bytes")
	}
	secret = slices.Clone(secret)
	return Pepper{ID: id, MAC: func(_ context.Context, password []byte) ([]byte, error) {
		mac := hmac.New(sha256.New, secret)
		mac.Write(password)
		return mac.Sum(nil), nil
	}}, nil
}

const (
	prefix  = "$pepper$"
	maxID   = 32
	minMAC  = 16
	maxMAC  = 64
	idChars = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
)

type hasher struct {
	inner   auth.Hasher
	active  Pepper
	peppers map[string]Pepper
}

// New returns a hasher that keys passwords with the active pepper before h
// hashes them; a hash is $pepper$, the pepper's ID, $ and what h makes.
//
// It also verifies hashes made with the old peppers, and h's own without one;
// both are outdated, and so made anew at the next login. The zero Pepper as the
// active one is none: passwords are hashed by h alone, and old peppers are left. A
// hash of a pepper that is not given is [auth.ErrUnknownHash].
func New(h auth.Hasher, active Pepper, old ...Pepper) (auth.Hasher, error) {
	if h == nil {
		return nil, errors.New("pepper: New: the hasher is nil")
	}
	s := &hasher{inner: h, active: active, peppers: map[string]Pepper{}}
	peppers := old
	if active.ID != "" || active.MAC != nil {
		peppers = append([]Pepper{active}, old...)
	}
	for _, p := range peppers {
		if p.ID == "" || len(p.ID) > maxID || strings.Trim(p.ID, idChars) != "" || p.MAC == nil {
			return nil, errors.New("pepper: New: a pepper has no MAC, or an ID that is not 1 to 32 of A-Z a-z 0-9 . _ -")
		}
		if _, twice := s.peppers[p.ID]; twice {
			return nil, errors.New("pepper: New: two peppers have one ID")
		}
		s.peppers[p.ID] = p
	}
	return s, nil
}

func (s *hasher) Hash(ctx context.Context, p auth.Password) (string, error) {
	if s.active.MAC == nil {
		return s.inner.Hash(ctx, p)
	}
	keyed, err := s.active.key(ctx, p)
	if err != nil {
		return "", err
	}
	encoded, err := s.inner.Hash(ctx, keyed)
	if err != nil {
		return "", err
	}
	return prefix + s.active.ID + "$" + encoded, nil
}

func (s *hasher) Verify(ctx context.Context, encoded string, p auth.Password) (bool, error) {
	pepper, inner, isPeppered := s.split(encoded)
	if !isPeppered {
		return s.inner.Verify(ctx, encoded, p)
	}
	if pepper.MAC == nil {
		return false, auth.ErrUnknownHash
	}
	if s.inner.Inspect(inner).Scheme == "" {
		return false, auth.ErrMalformedHash // before another machine is asked
	}
	keyed, err := pepper.key(ctx, p)
	if err != nil {
		return false, err
	}
	return s.inner.Verify(ctx, inner, keyed)
}

func (s *hasher) Inspect(encoded string) auth.HashInfo {
	if encoded == "" {
		info := s.inner.Inspect("")
		info.KeyID = s.active.ID
		if s.active.MAC != nil {
			info.CutAt = 0
		}
		return info
	}
	pepper, inner, isPeppered := s.split(encoded)
	if isPeppered && pepper.MAC == nil {
		return auth.HashInfo{}
	}
	info := s.inner.Inspect(inner)
	if info.Scheme == "" {
		return auth.HashInfo{}
	}
	info.KeyID = pepper.ID
	info.Outdated = info.Outdated || pepper.ID != s.active.ID
	if isPeppered {
		info.CutAt = 0 // the MAC is of the whole password
	}
	return info
}

// split returns the pepper of a hash and what is behind it. The pepper is the
// zero one if it is not known, or nothing is behind it, or another pepper.
func (s *hasher) split(encoded string) (pepper Pepper, inner string, isPeppered bool) {
	rest, isPeppered := strings.CutPrefix(encoded, prefix)
	if !isPeppered {
		return Pepper{}, encoded, false
	}
	end := strings.IndexByte(rest[:min(len(rest), maxID+1)], '$')
	if end < 0 || rest[end+1:] == "" || strings.HasPrefix(rest[end+1:], prefix) {
		return Pepper{}, "", true
	}
	return s.peppers[rest[:end]], rest[end+1:], true
}

// key returns the MAC of a password as text, since a hasher may stop at a NUL.
func (p Pepper) key(ctx context.Context, password auth.Password) (auth.Password, error) {
	mac, err := p.MAC(ctx, []byte(password.Reveal()))
	if err != nil {
		return auth.Password{}, &outage{p.ID, fmt.Sprintf("%T", err), ctx.Err()}
	}
	if len(mac) < minMAC || len(mac) > maxMAC {
		return auth.Password{}, &outage{p.ID, "not a MAC of 16 to 64 bytes", nil}
	}
	return auth.NewPassword(base64.RawStdEncoding.EncodeToString(mac)), nil
}

// outage says which pepper gave no MAC, in terms that may be logged. It matches
// [auth.ErrUnavailable], and the context's error where that ended it.
type outage struct {
	id      string
	kind    string // of what went wrong, never a text that is not ours
	context error  // the context's error, or nil
}

func (e *outage) Error() string { return "pepper: " + e.id + ": " + e.kind }

func (e *outage) Unwrap() []error {
	if e.context != nil {
		return []error{auth.ErrUnavailable, e.context}
	}
	return []error{auth.ErrUnavailable}
}
