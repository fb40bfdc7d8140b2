package legacyhash

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"fmt"
	"io"
	"slices"
	"strings"

	"golang.org/x/crypto/scrypt"

	"github.com/seed89488a0c/auth"
)

// FirebaseScrypt verifies the hashes of Firebase Authentication: the project's
// signer key, encrypted (AES-256-CTR) under what scrypt makes of the password.
// The export names the project's settings once and salt and hash for each user;
// a stored hash here is those two, as they are there:
//
//	$firebase-scrypt$salt$passwordHash
//
// Both are base64 in the standard alphabet with padding; Firebase's Admin SDK
// gives the URL-safe one, which has to be translated. It does not hash. Without
// a signer key nothing can be verified: every hash is ErrMalformedHash.
type FirebaseScrypt struct {
	verifyOnly
	SignerKey     []byte // base64_signer_key, decoded; 64 bytes
	SaltSeparator []byte // base64_salt_separator, decoded
	Rounds        int    // rounds, scrypt's r; 0 = 8
	MemCost       int    // mem_cost, scrypt's log2 N; 0 = 14
}

var _ family = FirebaseScrypt{}

// Format writes the type's name for every verb: the signer key is a secret.
func (FirebaseScrypt) Format(s fmt.State, _ rune) { io.WriteString(s, "FirebaseScrypt") }

// MarshalText returns the type's name.
func (FirebaseScrypt) MarshalText() ([]byte, error) { return []byte("FirebaseScrypt"), nil }

// Verify reports whether encoded is a hash of p.
func (f FirebaseScrypt) Verify(_ context.Context, encoded string, p auth.Password) (bool, error) {
	return verify(f, encoded, p)
}

// Inspect describes encoded, which is always outdated.
func (f FirebaseScrypt) Inspect(encoded string) auth.HashInfo { return inspect(f, encoded) }

func (f FirebaseScrypt) parse(encoded string) (record, error) {
	const prefix = "$firebase-scrypt$"
	rest, ok := strings.CutPrefix(encoded, prefix)
	if !ok {
		return record{}, auth.ErrUnknownHash
	}
	saltText, digestText, _ := strings.Cut(rest, "$")
	salt, err := padded64.DecodeString(saltText)
	digest, err2 := padded64.DecodeString(digestText)
	rounds, memCost := f.Rounds, f.MemCost
	if rounds == 0 {
		rounds = 8
	}
	if memCost == 0 {
		memCost = 14
	}
	// A short signer key would make a short digest, which many passwords have.
	if err != nil || err2 != nil || len(f.SignerKey) < 16 || memCost < 1 || memCost > 30 {
		return named("firebase-scrypt", record{}, errDamaged)
	}
	r, err := scryptRecord(1<<memCost, uint64(max(rounds, 0)), 1, slices.Concat(salt, f.SaltSeparator), digest, len(f.SignerKey), func(digest []byte) string {
		return prefix + padded64.EncodeToString(salt) + "$" + padded64.EncodeToString(digest)
	})
	r.derive = func(password string) ([]byte, error) {
		key, err := scrypt.Key([]byte(password), slices.Concat(salt, f.SaltSeparator), 1<<memCost, rounds, 1, 32)
		if err != nil {
			return nil, err
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, err
		}
		out := make([]byte, len(f.SignerKey))
		cipher.NewCTR(block, make([]byte, aes.BlockSize)).XORKeyStream(out, f.SignerKey)
		return out, nil
	}
	return named("firebase-scrypt", r, err)
}
