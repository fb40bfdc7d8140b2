package auth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
)

// A Pepper is a secret that passwords are keyed with before they are hashed, so
// that a stolen table without it cannot be guessed at. It is kept where the
// table is not: in a file, or in a KMS.
type Pepper struct {
	// ID names the pepper in the stored hashes: 1 to 32 of A-Z a-z 0-9 . _ -
	ID string

	// MAC returns the pepper's MAC of a password, 16 to 64 bytes: the same
	// for the same password, always. It must be safe for concurrent use. An error
	// is an outage, and refuses the login with [ErrUnavailable].
	MAC func(ctx context.Context, password []byte) ([]byte, error)
}

// HMACPepper returns a pepper that is HMAC-SHA256 with a secret of 32 bytes or
// more, which is copied.
func HMACPepper(id string, secret []byte) (Pepper, error) {
	if len(secret) < sha256.Size {
		return Pepper{}, errors.New("auth: HMACPepper: the secret has fewer than 32 bytes")
	}
	secret = slices.Clone(secret)
	return Pepper{ID: id, MAC: func(_ context.Context, password []byte) ([]byte, error) {
		mac := hmac.New(sha256.New, secret)
		mac.Write(password)
		return mac.Sum(nil), nil
	}}, nil
}

const (
	pepperPrefix  = "$pepper$"
	maxPepperID   = 32
	minPepperMAC  = 16
	maxPepperMAC  = 64
	pepperIDChars = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
)

type peppered struct {
	hasher  Hasher
	active  Pepper
	peppers map[string]Pepper
}

// Peppered returns a hasher that keys passwords with the active pepper before h
// hashes them; a hash is $pepper$, the pepper's ID, $ and what h makes.
//
// It also verifies hashes made with the old peppers, and h's own without one;
// both are outdated, and so made anew at the next login. To rotate, give the new
// pepper to every replica as an old one first, and then swap the two: a replica
// that does not know a pepper cannot verify what the others make. A hash of a pepper that is not given is
// ErrUnknownHash: that user cannot log in until the pepper is back, or a new
// password is set.
func Peppered(h Hasher, active Pepper, old ...Pepper) (Hasher, error) {
	if h == nil {
		return nil, errors.New("auth: Peppered: the hasher is nil")
	}
	s := &peppered{hasher: h, active: active, peppers: map[string]Pepper{}}
	for _, p := range append([]Pepper{active}, old...) {
		if p.ID == "" || len(p.ID) > maxPepperID || strings.Trim(p.ID, pepperIDChars) != "" || p.MAC == nil {
			return nil, errors.New("auth: Peppered: a pepper has no MAC, or an ID that is not 1 to 32 of A-Z a-z 0-9 . _ -")
		}
		if _, twice := s.peppers[p.ID]; twice {
			return nil, errors.New("auth: Peppered: two peppers have one ID")
		}
		s.peppers[p.ID] = p
	}
	return s, nil
}

func (s *peppered) Hash(ctx context.Context, p Password) (string, error) {
	keyed, err := keyedPassword(ctx, s.active, p)
	if err != nil {
		return "", err
	}
	encoded, err := s.hasher.Hash(ctx, keyed)
	if err != nil {
		return "", err
	}
	return pepperPrefix + s.active.ID + "$" + encoded, nil
}

func (s *peppered) Verify(ctx context.Context, encoded string, p Password) (bool, error) {
	pepper, inner, isPeppered := s.split(encoded)
	if !isPeppered {
		return s.hasher.Verify(ctx, encoded, p)
	}
	if pepper.MAC == nil {
		return false, ErrUnknownHash
	}
	if s.hasher.Inspect(inner).Scheme == "" {
		return false, ErrMalformedHash // before another machine is asked
	}
	keyed, err := keyedPassword(ctx, pepper, p)
	if err != nil {
		return false, err
	}
	return s.hasher.Verify(ctx, inner, keyed)
}

func (s *peppered) Inspect(encoded string) HashInfo {
	if encoded == "" {
		info := s.hasher.Inspect("")
		info.KeyID = s.active.ID
		return info
	}
	pepper, inner, isPeppered := s.split(encoded)
	if isPeppered && pepper.MAC == nil {
		return HashInfo{}
	}
	info := s.hasher.Inspect(inner)
	if info.Scheme == "" {
		return HashInfo{}
	}
	info.KeyID = pepper.ID
	info.Outdated = info.Outdated || pepper.ID != s.active.ID
	return info
}

// split returns the pepper of a hash and what is behind it. The pepper is the
// zero one if it is not known, or nothing is behind it, or another pepper.
func (s *peppered) split(encoded string) (pepper Pepper, inner string, isPeppered bool) {
	rest, isPeppered := strings.CutPrefix(encoded, pepperPrefix)
	if !isPeppered {
		return Pepper{}, encoded, false
	}
	end := strings.IndexByte(rest[:min(len(rest), maxPepperID+1)], '$')
	if end < 0 || rest[end+1:] == "" || strings.HasPrefix(rest[end+1:], pepperPrefix) {
		return Pepper{}, "", true
	}
	return s.peppers[rest[:end]], rest[end+1:], true
}

// keyedPassword returns the MAC of p as text, since a hasher may stop at a NUL.
func keyedPassword(ctx context.Context, pepper Pepper, p Password) (Password, error) {
	mac, err := pepper.MAC(ctx, []byte(p.Reveal()))
	if err != nil {
		return Password{}, unavailable("pepper", err)
	}
	if len(mac) < minPepperMAC || len(mac) > maxPepperMAC {
		return Password{}, unavailable("pepper", errors.New("not a MAC of 16 to 64 bytes"))
	}
	return NewPassword(base64.RawStdEncoding.EncodeToString(mac)), nil
}
