package legacyhash

import (
	"context"
	"crypto/hmac"
	"encoding/hex"
	"strings"

	"github.com/seed89488a0c/auth"
)

// Werkzeug verifies what werkzeug.security.generate_password_hash, so Flask's
// usual helper, writes:
//
//	pbkdf2:sha256:rounds$salt$digest    (sha1 and sha512 as well)
//	scrypt:N:r:p$salt$digest
//	sha256$salt$digest    and md5, sha1, sha224, sha384, sha512: before 2.3
//
// It does not hash. The last are one HMAC of the password under the salt, and weak;
// Django writes others as md5$ and sha1$.
type Werkzeug struct{ verifyOnly }

var _ family = Werkzeug{}

// Verify reports whether encoded is a hash of p.
func (w Werkzeug) Verify(_ context.Context, encoded string, p auth.Password) (bool, error) {
	return verify(w, encoded, p)
}

// Inspect describes encoded, which is always outdated.
func (w Werkzeug) Inspect(encoded string) auth.HashInfo { return inspect(w, encoded) }

func (Werkzeug) parse(encoded string) (record, error) {
	method, rest, _ := strings.Cut(encoded, "$")
	name, settings, hasSettings := strings.Cut(method, ":")
	function := digestOf(name)
	if hasSettings && name != "pbkdf2" && name != "scrypt" || !hasSettings && function == nil {
		return record{}, auth.ErrUnknownHash
	}
	scheme := "werkzeug-" + name
	salt, text, _ := strings.Cut(rest, "$") // the salt is used as text
	digest, err := hex.DecodeString(text)
	if err != nil || salt == "" {
		return named(scheme, record{}, errDamaged)
	}
	encode := func(digest []byte) string { return method + "$" + salt + "$" + hex.EncodeToString(digest) }

	switch name {
	case "pbkdf2":
		name, text, _ := strings.Cut(settings, ":")
		f, known := prfOf(name)
		rounds, ok := number(text)
		if !known || !ok || len(digest) != f.size {
			return named(scheme, record{}, errDamaged)
		}
		r, err := pbkdf2Record(f, rounds, []byte(salt), digest, encode)
		return named(scheme+"-"+name, r, err)
	case "scrypt":
		fields := strings.Split(settings, ":")
		if len(fields) != 3 {
			return named(scheme, record{}, errDamaged)
		}
		n, ok := number(fields[0])
		block, ok2 := number(fields[1])
		parallel, ok3 := number(fields[2])
		if !ok || !ok2 || !ok3 {
			return named(scheme, record{}, errDamaged)
		}
		r, err := scryptRecord(n, block, parallel, []byte(salt), digest, 64, encode)
		return named(scheme, r, err)
	}
	if len(digest) != function().Size() {
		return named(scheme, record{}, errDamaged)
	}
	return named(scheme, record{
		info:   auth.HashInfo{Outdated: true, Weak: true},
		digest: digest,
		derive: func(password string) ([]byte, error) {
			mac := hmac.New(function, []byte(salt))
			mac.Write([]byte(password))
			return mac.Sum(nil), nil
		},
		encode: encode,
	}, nil)
}
