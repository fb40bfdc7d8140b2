package legacyhash

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"hash"
	"strings"

	"github.com/seed89488a0c/auth"
)

// Digest verifies what services make up themselves of one digest or a few. Such
// hashes have no form of their own, so a row is written as
//
//	$digest$expression$salt$digest
//
// where salt is in hexadecimal, or empty, digest in hexadecimal in lower case, and
// expression says how it was made: p is the password, s the salt, a dot joins, and md5,
// sha1, sha224, sha256, sha384 and sha512 are a digest in hexadecimal:
//
//	$digest$md5(p)$$5f4dcc3b5aa765d61d8327deb882cf99
//	$digest$sha256(s.p)$73616c74$…                      Magento 2
//	$digest$md5(md5(p).s)$…                             vBulletin
//	$digest$md5(md5(s).md5(p))$…                        MyBB, Invision
//	$digest$sha1(s.sha1(s.sha1(p)))$…                   OpenCart, WoltLab 3
//
// An expression has p at least once, at most 16 names and four levels. It does not
// hash, and all of its hashes are weak: wrap them with a [Wrapper].
type Digest struct{ verifyOnly }

var _ family = Digest{}

// Verify reports whether encoded is a hash of p.
func (d Digest) Verify(_ context.Context, encoded string, p auth.Password) (bool, error) {
	return verify(d, encoded, p)
}

// Inspect describes encoded, which is always outdated and weak.
func (d Digest) Inspect(encoded string) auth.HashInfo { return inspect(d, encoded) }

const (
	digestPrefix     = "$digest$"
	maxDigestTerms   = 16
	maxDigestLevels  = 4
	maxDigestSalt    = 128 // bytes
	digestSchemeName = "digest"
)

var digestFunctions = map[string]func() hash.Hash{
	"md5": md5.New, "sha1": sha1.New, "sha224": sha256.New224, "sha256": sha256.New, "sha384": sha512.New384, "sha512": sha512.New,
}

func (Digest) parse(encoded string) (record, error) {
	rest, ok := strings.CutPrefix(encoded, digestPrefix)
	if !ok {
		return record{}, auth.ErrUnknownHash
	}
	fields := strings.Split(rest, "$")
	if len(fields) != 3 {
		return named(digestSchemeName, record{}, errDamaged)
	}
	reader := digestReader{rest: fields[0], terms: maxDigestTerms}
	outer, ok := reader.term(maxDigestLevels)
	salt, err := hex.DecodeString(fields[1])
	digest, err2 := hex.DecodeString(fields[2])
	if !ok || reader.rest != "" || outer.function == nil || !reader.password || reader.salt != (len(salt) > 0) ||
		err != nil || err2 != nil || len(salt) > maxDigestSalt || len(digest) != outer.function().Size() {
		return named(digestSchemeName, record{}, errDamaged)
	}
	return named(digestSchemeName, record{
		info:   auth.HashInfo{Outdated: true, Weak: true},
		digest: digest,
		derive: func(password string) ([]byte, error) { return outer.sum(password, string(salt)), nil },
		encode: func(digest []byte) string {
			return digestPrefix + fields[0] + "$" + hex.EncodeToString(salt) + "$" + hex.EncodeToString(digest)
		},
	}, nil)
}

// digestTerm is a function of the terms in its brackets, or p or s.
type digestTerm struct {
	function func() hash.Hash // nil for p and s
	isSalt   bool
	inner    []digestTerm
}

func (t digestTerm) sum(password, salt string) []byte {
	h := t.function()
	for _, inner := range t.inner {
		switch {
		case inner.function != nil:
			h.Write([]byte(hex.EncodeToString(inner.sum(password, salt))))
		case inner.isSalt:
			h.Write([]byte(salt))
		default:
			h.Write([]byte(password))
		}
	}
	return h.Sum(nil)
}

// digestReader reads an expression from its front.
type digestReader struct {
	rest           string
	terms          int // that may still come
	password, salt bool
}

func (r *digestReader) term(levels int) (t digestTerm, ok bool) {
	end := strings.IndexAny(r.rest, "().")
	if end < 0 {
		end = len(r.rest)
	}
	name := r.rest[:end]
	r.rest = r.rest[end:]
	if r.terms--; r.terms < 0 || levels < 0 {
		return digestTerm{}, false
	}
	switch name {
	case "p":
		r.password = true
		return digestTerm{}, true
	case "s":
		r.salt = true
		return digestTerm{isSalt: true}, true
	}
	t.function = digestOf(name)
	if t.function == nil || !r.skip("(") {
		return digestTerm{}, false
	}
	for {
		inner, ok := r.term(levels - 1)
		if !ok {
			return digestTerm{}, false
		}
		t.inner = append(t.inner, inner)
		if r.skip(")") {
			return t, true
		}
		if !r.skip(".") {
			return digestTerm{}, false
		}
	}
}

func (r *digestReader) skip(text string) (ok bool) {
	r.rest, ok = strings.CutPrefix(r.rest, text)
	return ok
}
