// Package yescrypt verifies the yescrypt hashes of crypt(3), $y$, which Debian, Ubuntu
// and Fedora write into /etc/shadow. It is a module of its own for what computes them,
// github.com/go-crypt/x, which carries Openwall's yescrypt-go.
package yescrypt

import (
	"context"
	"crypto/subtle"
	"errors"
	"strings"

	"github.com/go-crypt/x/yescrypt"

	"github.com/seed89488a0c/auth"
)

// Hasher verifies $y$ hashes with the parameters that libxcrypt writes, for
// legacyhash.Combine. It does not hash. Verifying takes 16 MiB for libxcrypt's default
// ($y$j9T$), and at most 256 MiB; more is the code hash_too_costly. Passwords that have a
// NUL or more than 511 bytes are none, as in libxcrypt. $gy$ and $7$ are ErrUnknownHash.
type Hasher struct{}

var _ auth.Hasher = Hasher{}

const (
	scheme      = "yescrypt"
	prefix      = "$y$"
	chars       = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	maxMemory   = 256 << 20
	maxPassword = 511
	maxSalt     = 86 // characters, of 64 bytes
	digestChars = 43
)

// Hash returns an error: hashes of this form are only verified.
func (Hasher) Hash(context.Context, auth.Password) (string, error) {
	return "", errors.New("yescrypt: this hasher only verifies")
}

// Verify reports whether encoded is a hash of p.
func (Hasher) Verify(_ context.Context, encoded string, p auth.Password) (bool, error) {
	if _, err := parse(encoded); err != nil {
		return false, err
	}
	password := p.Reveal()
	takes := len(password) <= maxPassword && !strings.Contains(password, "\x00")
	// Where it is not taken the work is done all the same.
	computed, err := yescrypt.Hash([]byte(password[:min(len(password), maxPassword)]), []byte(encoded))
	if err != nil {
		return false, &auth.HashError{Code: "hash_damaged", Scheme: scheme}
	}
	return subtle.ConstantTimeCompare(computed, []byte(encoded)) == 1 && takes, nil
}

// Inspect describes encoded, which is always outdated.
func (Hasher) Inspect(encoded string) auth.HashInfo {
	memory, err := parse(encoded)
	if err != nil {
		return auth.HashInfo{}
	}
	return auth.HashInfo{Scheme: scheme, MemoryBytes: int64(memory), Outdated: true}
}

// parse reads $y$j, log2 of N and r in a character each, $, salt, $ and digest, and
// returns the memory that it takes.
func parse(encoded string) (memory uint64, err error) {
	rest, ok := strings.CutPrefix(encoded, prefix)
	if !ok {
		return 0, auth.ErrUnknownHash
	}
	damaged := &auth.HashError{Code: "hash_damaged", Scheme: scheme}
	fields := strings.Split(rest[:min(len(rest), 256)], "$")
	if len(rest) > 256 || len(fields) != 3 || len(fields[0]) != 3 || fields[0][0] != 'j' {
		return 0, damaged
	}
	settings, salt, digest := fields[0], fields[1], fields[2]
	logN, r := strings.IndexByte(chars, settings[1])+1, strings.IndexByte(chars, settings[2])+1
	if logN < 10 || logN > 18 || r < 1 || r > 32 || len(salt) > maxSalt || len(digest) != digestChars ||
		strings.Trim(salt+digest, chars) != "" {
		return 0, damaged
	}
	// One spelling: the bits that no byte uses are zero.
	if decoded := yescrypt.Decode64([]byte(salt)); string(yescrypt.Encode64(decoded)) != salt {
		return 0, damaged
	}
	if decoded := yescrypt.Decode64([]byte(digest)); string(yescrypt.Encode64(decoded)) != digest {
		return 0, damaged
	}
	memory = 128 * uint64(r) << logN
	if memory > maxMemory {
		return 0, &auth.HashError{Code: "hash_too_costly", Scheme: scheme, Limit: "memory", Value: memory, Max: maxMemory}
	}
	return memory, nil
}
