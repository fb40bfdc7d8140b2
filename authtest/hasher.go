package authtest

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"testing"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/internal/phc"
)

// Hasher is an [auth.Hasher] that takes a microsecond, so that tests do not pay
// for a real one. Its hashes protect nothing: outside of tests every call is an
// error.
type Hasher struct{}

var _ auth.Hasher = Hasher{}

const scheme = phc.TestID

var errOutsideTests = errors.New("authtest: Hasher used outside of tests")

// Hash returns a salted MAC of p.
func (Hasher) Hash(_ context.Context, p auth.Password) (string, error) {
	if !testing.Testing() {
		return "", errOutsideTests
	}
	salt := make([]byte, 16)
	rand.Read(salt) // never fails
	return phc.Hash{ID: scheme, Salt: salt, Digest: digest(salt, p)}.String(), nil
}

// Verify reports whether encoded is a hash of p.
func (Hasher) Verify(_ context.Context, encoded string, p auth.Password) (bool, error) {
	if !testing.Testing() {
		return false, errOutsideTests
	}
	h, err := parse(encoded)
	if err != nil {
		return false, err
	}
	return hmac.Equal(h.Digest, digest(h.Salt, p)), nil
}

// Inspect describes encoded.
func (Hasher) Inspect(encoded string) auth.HashInfo {
	if encoded != "" {
		if _, err := parse(encoded); err != nil {
			return auth.HashInfo{}
		}
	}
	return auth.HashInfo{Scheme: scheme, MemoryBytes: sha256.BlockSize}
}

func parse(encoded string) (phc.Hash, error) {
	if phc.ID(encoded) != scheme {
		return phc.Hash{}, auth.ErrUnknownHash
	}
	h, err := phc.Parse(encoded)
	if err != nil || h.Version != 0 || len(h.Params) > 0 || len(h.Salt) != 16 || len(h.Digest) != sha256.Size {
		return phc.Hash{}, &auth.HashError{Code: "hash_damaged", Scheme: scheme}
	}
	return h, nil
}

func digest(salt []byte, p auth.Password) []byte {
	mac := hmac.New(sha256.New, salt)
	mac.Write([]byte(p.Reveal()))
	return mac.Sum(nil)
}
