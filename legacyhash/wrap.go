package legacyhash

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/internal/input"
)

const wrapPrefix = "$wrapped$"

// Wrapper makes a table of weak hashes strong without knowing the passwords:
// each becomes an outer hash of its digest, of the form
//
//	$wrapped$settings$outer
//
// where settings is base64url of the inner hash with zeros for its digest, and
// outer the outer hasher's own string. The digest itself is nowhere, so that a
// stolen row costs the outer hash for every guess. Verifying computes both
// hashes. Wrapped rows are outdated: at the next login they become plain hashes
// of the primary. The system they came from cannot verify them any more.
//
// Until then a login takes the time of both hashes, which tells that the user is
// of the old table, unless [auth.Options.Decoys] has a wrapped hash as a class.
//
// A Wrapper is an [auth.Hasher] that only verifies, to be given to [Combine]. Its
// inner hashers are those of this package, and a service's own if they are [Digester]s.
type Wrapper struct {
	verifyOnly
	outer auth.Hasher
	inner set
}

var _ auth.Hasher = (*Wrapper)(nil)

// Digester is a hasher whose stored hashes can be taken apart, so that a [Wrapper]
// can wrap them: a service's own.
type Digester interface {
	auth.Hasher

	// Split returns the digest of a stored hash that Inspect describes, and the same
	// hash with zeros in its place, or any other constant of the same length. Inspect
	// describes that too, and Split of it returns it again.
	Split(encoded string) (settings string, digest []byte, err error)

	// Derive returns the digest that a hash with these settings has for p.
	Derive(settings string, p auth.Password) (digest []byte, err error)
}

// NewWrapper returns a Wrapper of the hashes of inner, which are types of this
// package or [Digester]s. Hashes that end in bcrypt cannot be wrapped: x/crypto does
// not compute it for a given salt, and they are not weak. Errors: an outer that does
// not hash, any other inner or a Wrapper, no inner, and two that claim the same form.
func NewWrapper(outer auth.Hasher, inner ...auth.Hasher) (*Wrapper, error) {
	if outer == nil || outer.Inspect("").Scheme == "" {
		return nil, errors.New("legacyhash: a Wrapper needs an outer hasher that hashes")
	}
	if len(inner) == 0 {
		return nil, errors.New("legacyhash: a Wrapper needs inner hashers")
	}
	for _, h := range inner {
		_, ok := h.(family)
		if _, digester := h.(Digester); !ok && !digester {
			return nil, errors.New("legacyhash: the inner hashers of a Wrapper are those of this package, and no Wrapper, or are Digesters")
		}
	}
	w := &Wrapper{outer: outer, inner: append(set(nil), inner...)}
	if err := w.inner.check(); err != nil {
		return nil, err
	}
	return w, nil
}

// Wrap returns the wrapped form of encoded, at most 1024 bytes. It computes one
// outer hash and needs no password. Write it with a compare-and-swap on the old
// hash, so that a login in between is not undone.
//
// Errors: auth.ErrUnknownHash for a hash that ends in bcrypt, one that is wrapped
// already, and any other that is none of the inner hashers'; auth.ErrMalformedHash
// for one that they cannot verify; those of the outer hasher.
func (w *Wrapper) Wrap(ctx context.Context, encoded string) (string, error) {
	r, err := w.read(ctx, encoded)
	if err != nil {
		return "", err
	}
	outer, err := w.outer.Hash(ctx, digestPassword(r.digest))
	if err != nil {
		return "", err
	}
	wrapped := wrapPrefix + base64.RawURLEncoding.EncodeToString([]byte(r.blank())) + "$" + outer
	if len(wrapped) > maxLength {
		return "", errors.New("legacyhash: the wrapped hash is longer than 1024 bytes")
	}
	return wrapped, nil
}

// Verify reports whether encoded is the wrapped hash of p.
func (w *Wrapper) Verify(ctx context.Context, encoded string, p auth.Password) (bool, error) {
	r, outer, err := w.parse(ctx, encoded)
	if err != nil {
		return false, err
	}
	digest, err := r.derive(p.Reveal())
	if err != nil {
		return false, err
	}
	match, err := w.outer.Verify(ctx, outer, digestPassword(digest))
	return match && (r.takes == nil || r.takes(p.Reveal())), err
}

// Inspect describes encoded, which is always outdated. The memory is that of
// both hashes: the first one's is garbage, but not yet free, beside the second.
func (w *Wrapper) Inspect(encoded string) auth.HashInfo {
	r, outer, err := w.parse(context.Background(), encoded)
	if err != nil {
		return auth.HashInfo{}
	}
	info := w.outer.Inspect(outer)
	return auth.HashInfo{
		Scheme:      r.info.Scheme + "+" + info.Scheme,
		KeyID:       info.KeyID,
		MemoryBytes: r.info.MemoryBytes + info.MemoryBytes,
		Outdated:    true,
	}
}

func (w *Wrapper) parse(ctx context.Context, encoded string) (r record, outer string, err error) {
	rest, ok := strings.CutPrefix(encoded, wrapPrefix)
	if !ok {
		return record{}, "", auth.ErrUnknownHash
	}
	if len(encoded) > maxLength {
		return record{}, "", &auth.HashError{Code: input.HashDamaged, Scheme: "wrapped"}
	}
	text, outer, _ := strings.Cut(rest, "$")
	settings, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || base64.RawURLEncoding.EncodeToString(settings) != text {
		return record{}, "", &auth.HashError{Code: input.HashDamaged, Scheme: "wrapped"}
	}
	r, err = w.read(ctx, string(settings))
	if err != nil {
		return record{}, "", err
	}
	if r.blank() != string(settings) || outer == "" || w.outer.Inspect(outer).Scheme == "" {
		return record{}, "", &auth.HashError{Code: input.HashDamaged, Scheme: "wrapped"}
	}
	return r, outer, nil
}

func (w *Wrapper) read(ctx context.Context, encoded string) (record, error) {
	i, err := w.inner.claim(ctx, encoded)
	if err != nil {
		return record{}, err
	}
	r, err := recordOf(w.inner[i], encoded)
	if err == nil && r.derive == nil {
		err = auth.ErrUnknownHash
	}
	if err != nil {
		return record{}, err
	}
	return r, nil
}

// recordOf reads a hash of a type of this package or of a Digester.
func recordOf(h auth.Hasher, encoded string) (record, error) {
	if f, ok := h.(family); ok {
		return read(f, encoded)
	}
	d, ok := h.(Digester)
	if !ok {
		return record{}, auth.ErrUnknownHash
	}
	info := d.Inspect(encoded)
	settings, digest, err := d.Split(encoded)
	if encoded == "" || info.Scheme == "" || err != nil {
		return record{}, auth.ErrUnknownHash
	}
	return record{
		info:     info,
		digest:   digest,
		derive:   func(password string) ([]byte, error) { return d.Derive(settings, auth.NewPassword(password)) },
		settings: settings,
	}, nil
}

// digestPassword is the inner digest as the outer hash's password: text, since
// some outer hashes stop at a NUL, and the digest alone, since some cut.
func digestPassword(digest []byte) auth.Password {
	return auth.NewPassword(base64.RawStdEncoding.EncodeToString(digest))
}
