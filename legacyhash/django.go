package legacyhash

import (
	"context"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/internal/argon2phc"
)

// Django verifies what Django's password hashers write into auth_user.password:
//
//	pbkdf2_sha256$rounds$salt$digest    pbkdf2_sha1$rounds$salt$digest
//	scrypt$N$salt$r$p$digest            argon2$argon2id$v=19$…, argon2$argon2i$v=19$…
//	bcrypt$$2b$…                        bcrypt_sha256$$2b$…
//
// It does not hash. Unusable passwords, which begin with "!", are
// ErrUnknownHash, and so are Django's MD5 and SHA-1 hashers.
type Django struct{ verifyOnly }

var _ family = Django{}

// Verify reports whether encoded is a hash of p.
func (d Django) Verify(_ context.Context, encoded string, p auth.Password) (bool, error) {
	return verify(d, encoded, p)
}

// Inspect describes encoded, which is always outdated.
func (d Django) Inspect(encoded string) auth.HashInfo { return inspect(d, encoded) }

func (Django) parse(encoded string) (r record, err error) {
	name, rest, _ := strings.Cut(encoded, "$")
	var ok bool
	switch name {
	case "pbkdf2_sha256", "pbkdf2_sha1":
		r, ok = djangoPBKDF2(name, rest)
	case "scrypt":
		r, ok = djangoScrypt(rest)
	case "argon2":
		if r, ok = argon2Record("$"+rest, argon2phc.Argon2i, argon2phc.Argon2id); ok {
			encode := r.encode
			r.encode = func(digest []byte) string { return name + encode(digest) }
		}
	case "bcrypt":
		r, _, ok = bcryptRecord(rest)
	case "bcrypt_sha256":
		r, _, ok = bcryptRecord(rest)
		r.digested(sha256Hex)
	default:
		return record{}, auth.ErrUnknownHash
	}
	return named("django-"+name, r, ok)
}

func djangoPBKDF2(name, rest string) (record, bool) {
	fields := strings.Split(rest, "$")
	f, ok := prfOf(strings.TrimPrefix(name, "pbkdf2_"))
	if !ok || len(fields) != 3 || fields[1] == "" {
		return record{}, false
	}
	rounds, err := strconv.Atoi(fields[0])
	salt := fields[1] // used as text
	digest, err2 := padded64.DecodeString(fields[2])
	if err != nil || err2 != nil {
		return record{}, false
	}
	return pbkdf2Record(f, rounds, []byte(salt), digest, f.size, func(digest []byte) string {
		return fmt.Sprintf("%s$%d$%s$%s", name, rounds, salt, padded64.EncodeToString(digest))
	})
}

func djangoScrypt(rest string) (record, bool) {
	fields := strings.Split(rest, "$")
	if len(fields) != 5 || fields[1] == "" {
		return record{}, false
	}
	n, err := strconv.Atoi(fields[0])
	salt := fields[1] // used as text
	r, err2 := strconv.Atoi(fields[2])
	p, err3 := strconv.Atoi(fields[3])
	digest, err4 := padded64.DecodeString(fields[4])
	if err != nil || err2 != nil || err3 != nil || err4 != nil {
		return record{}, false
	}
	return scryptRecord(n, r, p, []byte(salt), digest, 64, func(digest []byte) string {
		return fmt.Sprintf("scrypt$%d$%s$%d$%d$%s", n, salt, r, p, padded64.EncodeToString(digest))
	})
}

var padded64 = base64.StdEncoding.Strict()
