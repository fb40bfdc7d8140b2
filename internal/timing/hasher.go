package main

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/internal/phc"
)

// burner is an [auth.Hasher] that takes little and always the same: it is so
// many times SHA-256. It is for measuring and protects no password.
type burner int

const scheme = "burner"

// newBurner returns a burner that takes this long here.
func newBurner(d time.Duration) burner {
	const trial = 1000
	var took []float64
	for range 500 {
		start := time.Now()
		burner(trial).digest(nil, auth.Password{})
		took = append(took, float64(time.Since(start)))
	}
	return burner(max(1, float64(d)*trial/median(took)))
}

func (b burner) Hash(_ context.Context, p auth.Password) (string, error) {
	salt := make([]byte, 16)
	rand.Read(salt) // never fails
	return phc.Hash{ID: scheme, Salt: salt, Digest: b.digest(salt, p)}.String(), nil
}

func (b burner) Verify(_ context.Context, encoded string, p auth.Password) (bool, error) {
	h, err := parse(encoded)
	if err != nil {
		return false, err
	}
	return hmac.Equal(h.Digest, b.digest(h.Salt, p)), nil
}

func (b burner) Inspect(encoded string) auth.HashInfo {
	if _, err := parse(encoded); encoded != "" && err != nil {
		return auth.HashInfo{}
	}
	return auth.HashInfo{Scheme: scheme, MemoryBytes: sha256.BlockSize}
}

func parse(encoded string) (phc.Hash, error) {
	if phc.ID(encoded) != scheme {
		return phc.Hash{}, auth.ErrUnknownHash
	}
	h, err := phc.Parse(encoded)
	if err != nil || h.Version != 0 || len(h.Params) > 0 || len(h.Salt) != 16 || len(h.Digest) != sha256.Size {
		return phc.Hash{}, auth.ErrMalformedHash
	}
	return h, nil
}

func (b burner) digest(salt []byte, p auth.Password) []byte {
	sum := sha256.Sum256(append(salt[:len(salt):len(salt)], p.Reveal()...))
	for range b {
		sum = sha256.Sum256(sum[:])
	}
	return sum[:]
}
