package legacyhash

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/internal/argon2phc"
)

// MediaWiki verifies what MediaWiki has in user.user_password:
//
//	:pbkdf2:sha512:rounds:length:salt:digest    since 1.24; other functions and lengths too
//	:argon2:$argon2id$…                         where it was chosen
//	:B:salt:digest                              before: two MD5
//	:A:digest                                   before 1.13: an MD5
//
// It does not hash. The last two are weak. Like MediaWiki it brings passwords into
// NFC. Layers (:pbkdf2-legacyB:), encrypted hashes and :bcrypt: are ErrUnknownHash.
type MediaWiki struct{ verifyOnly }

var _ family = MediaWiki{}

// Verify reports whether encoded is a hash of p.
func (m MediaWiki) Verify(_ context.Context, encoded string, p auth.Password) (bool, error) {
	return verify(m, encoded, p)
}

// Inspect describes encoded, which is always outdated.
func (m MediaWiki) Inspect(encoded string) auth.HashInfo { return inspect(m, encoded) }

func (MediaWiki) parse(encoded string) (r record, err error) {
	rest, ok := strings.CutPrefix(encoded, ":")
	name, rest, ok2 := strings.Cut(rest, ":")
	if !ok || !ok2 {
		return record{}, auth.ErrUnknownHash
	}
	switch name {
	case "pbkdf2":
		r, err = mediawikiPBKDF2(rest)
	case "argon2":
		if r, err = argon2Record(rest, argon2phc.Argon2i, argon2phc.Argon2id); err == nil {
			encode := r.encode
			r.encode = func(digest []byte) string { return ":argon2:" + encode(digest) }
		}
	case "A", "B":
		r, err = mediawikiMD5(name, rest)
	default:
		return record{}, auth.ErrUnknownHash
	}
	if err == nil {
		r.before(norm.NFC.String)
	}
	return named("mediawiki-"+strings.ToLower(name), r, err)
}

func mediawikiPBKDF2(rest string) (record, error) {
	fields := strings.Split(rest, ":") // function, rounds, length, salt, digest
	if len(fields) != 5 {
		return record{}, errDamaged
	}
	f, ok := prfOf(fields[0])
	rounds, ok2 := number(fields[1])
	salt, err := padded64.DecodeString(fields[3])
	digest, err2 := padded64.DecodeString(fields[4])
	if !ok || !ok2 || err != nil || err2 != nil { // that the length is the digest's, read checks
		return record{}, errDamaged
	}
	return pbkdf2Record(f, rounds, salt, digest, func(digest []byte) string {
		return fmt.Sprintf(":pbkdf2:%s:%d:%d:%s:%s", f.name, rounds, len(digest), padded64.EncodeToString(salt), padded64.EncodeToString(digest))
	})
}

// mediawikiMD5 reads both forms by whether there is a salt, as MediaWiki does: some
// salted ones were written as A.
func mediawikiMD5(name, rest string) (record, error) {
	text, before := rest, ":"+name+":"
	salt, after, salted := strings.Cut(rest, ":")
	if salted {
		text, before = after, before+salt+":"
	}
	digest, err := hex.DecodeString(text)
	if err != nil || len(digest) != md5.Size || name == "B" && !salted {
		return record{}, errDamaged
	}
	return record{
		info:   auth.HashInfo{Outdated: true, Weak: true},
		digest: digest,
		derive: func(password string) ([]byte, error) {
			sum := md5.Sum([]byte(password))
			if salted {
				sum = md5.Sum([]byte(salt + "-" + hex.EncodeToString(sum[:])))
			}
			return sum[:], nil
		},
		encode: func(digest []byte) string { return before + hex.EncodeToString(digest) },
	}, nil
}
