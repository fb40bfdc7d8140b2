package legacyhash

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strings"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/internal/argon2phc"
)

// LDAP verifies what OpenLDAP has in userPassword, by RFC 2307, its modules for SHA-2,
// PBKDF2 and Argon2, and passlib; and what Dovecot's doveadm writes in the same form:
//
//	{SSHA} {SSHA256} {SSHA384} {SSHA512} {SMD5}     digest of password and salt, then the salt
//	{SHA} {SHA256} {SHA384} {SHA512} {MD5}          the same without a salt
//	{LDAP-MD5} {PLAIN-MD5}                          Dovecot's, the last in hexadecimal
//	{PBKDF2} {PBKDF2-SHA1} {PBKDF2-SHA256} {PBKDF2-SHA512}    rounds$salt$digest
//	{PBKDF2}$1$salt$rounds$digest                   Dovecot's, in hexadecimal
//	{CRYPT}                                         one of [Crypt] or [Bcrypt]
//	{SHA512-CRYPT} {SHA256-CRYPT} {MD5-CRYPT} {BLF-CRYPT}     the same in Dovecot
//	{ARGON2} {ARGON2ID} {ARGON2I}                   a PHC string
//
// It does not hash. One round of a digest is weak. LDIF has userPassword in base64
// after "::", which is to be decoded once. The schemes of RFC 2307 may be in lower
// case. {SASL} and a {CRYPT} that is locked are the code hash_no_password.
type LDAP struct{ verifyOnly }

var _ family = LDAP{}

// Verify reports whether encoded is a hash of p.
func (l LDAP) Verify(_ context.Context, encoded string, p auth.Password) (bool, error) {
	return verify(l, encoded, p)
}

// Inspect describes encoded, which is always outdated.
func (l LDAP) Inspect(encoded string) auth.HashInfo { return inspect(l, encoded) }

const maxLDAPSalt = 64 // bytes; slappasswd writes 4 or 8

func (LDAP) parse(encoded string) (r record, err error) {
	id, rest, ok := strings.Cut(encoded, "}")
	name, ok2 := strings.CutPrefix(id, "{")
	if !ok || !ok2 {
		return record{}, auth.ErrUnknownHash
	}
	switch name {
	case "sha", "ssha", "md5", "smd5", "crypt":
		name = strings.ToUpper(name)
	}
	scheme := "ldap-" + strings.ToLower(name)
	switch name {
	case "SHA", "SHA256", "SHA384", "SHA512", "MD5", "SSHA", "SSHA256", "SSHA384", "SSHA512", "SMD5", "LDAP-MD5", "PLAIN-MD5":
		r, err = ldapDigest(name, rest)
	case "PBKDF2", "PBKDF2-SHA1", "PBKDF2-SHA256", "PBKDF2-SHA512":
		r, err = ldapPBKDF2(name, rest)
	case "CRYPT", "SHA512-CRYPT", "SHA256-CRYPT", "MD5-CRYPT", "BLF-CRYPT":
		return ldapCrypt(id+"}", rest)
	case "ARGON2", "ARGON2ID", "ARGON2I":
		r, err = argon2Record(rest, argon2phc.Argon2i, argon2phc.Argon2id)
	case "SASL":
		return record{}, noPassword(scheme)
	default:
		return record{}, auth.ErrUnknownHash
	}
	if encode := r.encode; encode != nil {
		r.encode = func(digest []byte) string { return id + "}" + encode(digest) }
	}
	return named(scheme, r, err)
}

// digestOf returns the function of a name, or nil.
func digestOf(name string) func() hash.Hash { return digestFunctions[name] }

func ldapDigest(name, rest string) (record, error) {
	function, _ := strings.CutPrefix(strings.ToLower(name), "s")
	salted := name[0] == 'S' && name[1] != 'H'
	text, encoding := rest, encoding(padded64)
	switch name {
	case "SHA", "SSHA":
		function = "sha1"
	case "PLAIN-MD5":
		function, encoding = "md5", hexadecimal{}
	case "MD5", "LDAP-MD5":
		function = "md5"
	default:
		if !salted {
			function = strings.ToLower(name)
		}
	}
	newHash := digestOf(function)
	b, err := encoding.DecodeString(text)
	size := newHash().Size()
	if err != nil || len(b) < size || salted == (len(b) == size) || len(b) > size+maxLDAPSalt {
		return record{}, errDamaged
	}
	digest, salt := b[:size:size], b[size:]
	return record{
		info:   auth.HashInfo{Outdated: true, Weak: true},
		digest: digest,
		derive: func(password string) ([]byte, error) {
			h := newHash()
			h.Write([]byte(password))
			h.Write(salt)
			return h.Sum(nil), nil
		},
		encode: func(digest []byte) string { return encoding.EncodeToString(append(digest[:size:size], salt...)) },
	}, nil
}

type encoding interface {
	DecodeString(string) ([]byte, error)
	EncodeToString([]byte) string
}

var _ encoding = (*base64.Encoding)(nil)

type hexadecimal struct{}

func (hexadecimal) DecodeString(s string) ([]byte, error) { return hex.DecodeString(s) }
func (hexadecimal) EncodeToString(b []byte) string        { return hex.EncodeToString(b) }

func ldapPBKDF2(name, rest string) (record, error) {
	fields := strings.Split(rest, "$")
	if name == "PBKDF2" && len(fields) == 5 && fields[0] == "" && fields[1] == "1" {
		salt := fields[2] // used as text
		rounds, ok := number(fields[3])
		digest, err := hex.DecodeString(fields[4])
		f, _ := prfOf("sha1")
		if !ok || err != nil || len(digest) != f.size {
			return record{}, errDamaged
		}
		return pbkdf2Record(f, rounds, []byte(salt), digest, func(digest []byte) string {
			return fmt.Sprintf("$1$%s$%d$%x", salt, rounds, digest)
		})
	}
	_, function, ok := strings.Cut(strings.ToLower(name), "-")
	if !ok {
		function = "sha1"
	}
	f, ok := prfOf(function)
	if !ok || len(fields) != 3 {
		return record{}, errDamaged
	}
	rounds, ok := number(fields[0])
	salt, err := ab64.DecodeString(fields[1])
	digest, err2 := ab64.DecodeString(fields[2])
	if !ok || err != nil || err2 != nil || len(digest) != f.size {
		return record{}, errDamaged
	}
	return pbkdf2Record(f, rounds, salt, digest, func(digest []byte) string {
		return fmt.Sprintf("%d$%s$%s", rounds, ab64.EncodeToString(salt), ab64.EncodeToString(digest))
	})
}

func ldapCrypt(prefix, rest string) (record, error) {
	if isLockedOut(rest) {
		return record{}, noPassword("ldap-crypt")
	}
	if isBcrypt(rest) {
		r, _, err := bcryptRecord(rest)
		return named("ldap-bcrypt", r, err)
	}
	r, err := cryptRecord(rest)
	scheme := r.info.Scheme
	if why, ok := errors.AsType[*auth.HashError](err); ok {
		scheme = why.Scheme
	}
	if encode := r.encode; encode != nil {
		r.encode = func(digest []byte) string { return prefix + encode(digest) }
	}
	return named("ldap-"+scheme, r, err)
}
