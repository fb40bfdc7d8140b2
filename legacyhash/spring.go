package legacyhash

import (
	"context"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/internal/argon2phc"
)

// Spring verifies what Spring Security's DelegatingPasswordEncoder writes with
// the encoders that PasswordEncoderFactories gives it:
//
//	{bcrypt}$2a$…
//	{pbkdf2}hex(salt, digest)         SHA-1, 185,000 rounds, 8 bytes of salt
//	{pbkdf2@SpringSecurity_v5_8}…     SHA-256, 310,000 rounds, 16 bytes of salt
//	{scrypt}$params$salt$digest       params is hexadecimal: log2 N, and r and p in a byte each
//	{scrypt@SpringSecurity_v5_8}…     the same
//	{argon2}$argon2id$v=19$…          a PHC string
//	{argon2@SpringSecurity_v5_8}…     the same
//
// It does not hash. Every other identifier is ErrUnknownHash: {noop} is no hash,
// and {ldap}, {MD4}, {MD5}, {SHA-1}, {SHA-256} and {sha256} are one round of a
// digest. An encoder with a secret or rounds of its own is not recognised.
type Spring struct{ verifyOnly }

var _ family = Spring{}

// Verify reports whether encoded is a hash of p.
func (s Spring) Verify(_ context.Context, encoded string, p auth.Password) (bool, error) {
	return verify(s, encoded, p)
}

// Inspect describes encoded, which is always outdated.
func (s Spring) Inspect(encoded string) auth.HashInfo { return inspect(s, encoded) }

func (Spring) parse(encoded string) (r record, err error) {
	id, rest, _ := strings.Cut(encoded, "}")
	name, version, versioned := strings.Cut(strings.TrimPrefix(id, "{"), "@")
	if !strings.HasPrefix(id, "{") || versioned && version != "SpringSecurity_v5_8" {
		return record{}, auth.ErrUnknownHash
	}
	switch {
	case name == "bcrypt" && !versioned:
		r, _, err = bcryptRecord(rest)
	case name == "pbkdf2" && !versioned:
		r, err = springPBKDF2(rest, "sha1", 185_000, 8)
	case name == "pbkdf2":
		r, err = springPBKDF2(rest, "sha256", 310_000, 16)
	case name == "scrypt":
		r, err = springScrypt(rest)
	case name == "argon2":
		r, err = argon2Record(rest, argon2phc.Argon2i, argon2phc.Argon2id)
	default:
		return record{}, auth.ErrUnknownHash
	}
	if encode := r.encode; encode != nil {
		r.encode = func(digest []byte) string { return id + "}" + encode(digest) }
	}
	return named("spring-"+name, r, err)
}

func springPBKDF2(text, name string, rounds uint64, saltLength int) (record, error) {
	b, err := hex.DecodeString(text)
	f, ok := prfOf(name)
	if err != nil || !ok || len(b) != saltLength+32 {
		return record{}, errDamaged
	}
	salt, digest := b[:saltLength:saltLength], b[saltLength:]
	return pbkdf2Record(f, rounds, salt, digest, func(digest []byte) string {
		return hex.EncodeToString(append(salt, digest...))
	})
}

func springScrypt(text string) (record, error) {
	fields := strings.Split(text, "$") // "", params, salt, digest
	if len(fields) != 4 {
		return record{}, errDamaged
	}
	params, err := strconv.ParseUint(fields[1], 16, 24)
	salt, err2 := padded64.DecodeString(fields[2])
	digest, err3 := padded64.DecodeString(fields[3])
	logN := params >> 16
	if err != nil || err2 != nil || err3 != nil || len(salt) == 0 {
		return record{}, errDamaged
	}
	return scryptRecord(1<<min(logN, 63), params>>8&0xff, params&0xff, salt, digest, 32, func(digest []byte) string {
		return fmt.Sprintf("$%x$%s$%s", params, padded64.EncodeToString(salt), padded64.EncodeToString(digest))
	})
}
