package legacyhash

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/internal/argon2phc"
)

// Django verifies what Django's password hashers write into auth_user.password:
//
//	pbkdf2_sha256$rounds$salt$digest    pbkdf2_sha1$rounds$salt$digest
//	scrypt$N$salt$r$p$digest            argon2$argon2id$v=19$…, argon2$argon2i$v=19$…
//	bcrypt$$2b$…                        bcrypt_sha256$$2b$…
//	md5$salt$digest                     sha1$salt$digest
//	md5$$digest, and the digest alone   sha1$$digest
//
// It does not hash. The last four are weak; Werkzeug wrote others in the same form,
// so that a table of both is refused row by row ([ErrAmbiguousHash]). Unusable
// passwords, which begin with "!", are the code hash_no_password; crypt$ is not known.
type Django struct{ verifyOnly }

var _ family = Django{}

// Verify reports whether encoded is a hash of p.
func (d Django) Verify(_ context.Context, encoded string, p auth.Password) (bool, error) {
	return verify(d, encoded, p)
}

// Inspect describes encoded, which is always outdated.
func (d Django) Inspect(encoded string) auth.HashInfo { return inspect(d, encoded) }

func (Django) parse(encoded string) (r record, err error) {
	if strings.HasPrefix(encoded, "!") {
		return record{}, noPassword("django")
	}
	name, rest, _ := strings.Cut(encoded, "$")
	switch name {
	case "pbkdf2_sha256", "pbkdf2_sha1":
		r, err = djangoPBKDF2(name, rest)
	case "scrypt":
		r, err = djangoScrypt(rest)
	case "argon2":
		if r, err = argon2Record("$"+rest, argon2phc.Argon2i, argon2phc.Argon2id); err == nil {
			encode := r.encode
			r.encode = func(digest []byte) string { return name + encode(digest) }
		}
	case "bcrypt":
		r, _, err = bcryptRecord(rest)
	case "bcrypt_sha256":
		r, _, err = bcryptRecord(rest)
		r.digested(SHA256Hex)
	case "md5", "sha1":
		r, err = djangoDigest(name, rest)
	default:
		if r, err = md5Record(encoded); err == nil {
			return named("django-md5", r, err)
		}
		return record{}, auth.ErrUnknownHash
	}
	return named("django-"+name, r, err)
}

// djangoDigest reads the salt, which may be empty and is used as text, and the digest.
func djangoDigest(name, rest string) (record, error) {
	salt, text, _ := strings.Cut(rest, "$")
	digest, err := hex.DecodeString(text)
	sum := func(text string) []byte { b := md5.Sum([]byte(text)); return b[:] }
	if name == "sha1" {
		sum = func(text string) []byte { b := sha1.Sum([]byte(text)); return b[:] }
	}
	if err != nil || len(digest) != len(sum("")) {
		return record{}, errDamaged
	}
	return record{
		info:   auth.HashInfo{Outdated: true, Weak: true},
		digest: digest,
		derive: func(password string) ([]byte, error) { return sum(salt + password), nil },
		encode: func(digest []byte) string { return name + "$" + salt + "$" + hex.EncodeToString(digest) },
	}, nil
}

// md5Record reads an MD5 with nothing beside it.
func md5Record(encoded string) (record, error) {
	digest, err := hex.DecodeString(encoded)
	if err != nil || len(digest) != md5.Size {
		return record{}, auth.ErrUnknownHash
	}
	return record{
		info:   auth.HashInfo{Outdated: true, Weak: true},
		digest: digest,
		derive: func(password string) ([]byte, error) { b := md5.Sum([]byte(password)); return b[:], nil },
		encode: hex.EncodeToString,
	}, nil
}

func djangoPBKDF2(name, rest string) (record, error) {
	fields := strings.Split(rest, "$")
	f, ok := prfOf(strings.TrimPrefix(name, "pbkdf2_"))
	if !ok || len(fields) != 3 || fields[1] == "" {
		return record{}, errDamaged
	}
	rounds, ok := number(fields[0])
	salt := fields[1] // used as text
	digest, err := padded64.DecodeString(fields[2])
	if !ok || err != nil || len(digest) != f.size {
		return record{}, errDamaged
	}
	return pbkdf2Record(f, rounds, []byte(salt), digest, func(digest []byte) string {
		return fmt.Sprintf("%s$%d$%s$%s", name, rounds, salt, padded64.EncodeToString(digest))
	})
}

func djangoScrypt(rest string) (record, error) {
	fields := strings.Split(rest, "$")
	if len(fields) != 5 || fields[1] == "" {
		return record{}, errDamaged
	}
	n, ok := number(fields[0])
	salt := fields[1] // used as text
	r, ok2 := number(fields[2])
	p, ok3 := number(fields[3])
	digest, err := padded64.DecodeString(fields[4])
	if !ok || !ok2 || !ok3 || err != nil {
		return record{}, errDamaged
	}
	return scryptRecord(n, r, p, []byte(salt), digest, 64, func(digest []byte) string {
		return fmt.Sprintf("scrypt$%d$%s$%d$%d$%s", n, salt, r, p, padded64.EncodeToString(digest))
	})
}

var padded64 = base64.StdEncoding.Strict()
