// Package secrets is what the service's own secrets must be, and what is made of them.
package secrets

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"slices"

	"github.com/seed89488a0c/auth/internal/token"
)

// MinBytes is how many bytes a secret has at least.
const MinBytes = 32

// Wrong returns all that is wrong with secrets, none of which is in it.
func Wrong(secrets [][]byte) (wrong []string) {
	for i, secret := range secrets {
		if len(secret) < MinBytes {
			wrong = append(wrong, "one has fewer than 32 bytes")
		}
		if form := token.TextForm(secret); form != "" {
			wrong = append(wrong, "one is "+form+", not random bytes")
		}
		if slices.ContainsFunc(secrets[:i], func(s []byte) bool { return bytes.Equal(s, secret) }) {
			wrong = append(wrong, "one is there twice")
		}
	}
	return wrong
}

// Key returns a key of 32 bytes for one purpose, of a secret that serves several
// (HKDF, RFC 5869).
func Key(secret []byte, purpose string) []byte {
	key, _ := hkdf.Key(sha256.New, secret, nil, purpose, sha256.Size) // fails only for lengths that no key has
	return key
}
