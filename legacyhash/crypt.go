package legacyhash

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"hash"
	"strings"

	"github.com/seed89488a0c/auth"
)

// Crypt verifies what crypt(3) writes with its MD5 and SHA-2 methods, and passlib,
// PHP's crypt, OpenSSL, Dovecot and Moodle with it:
//
//	$6$salt$digest, $6$rounds=n$salt$digest    SHA-512, 5,000 rounds unless n says so
//	$5$salt$digest, $5$rounds=n$salt$digest    SHA-256
//	$1$salt$digest                             MD5, 1,000 rounds
//	$apr1$salt$digest                          the same in Apache's htpasswd
//
// It does not hash. Those of MD5 are weak, and so are fewer than 10,000 rounds of
// the others. crypt(3)'s bcrypt is [Bcrypt], its yescrypt ($y$) the nested module
// legacyhash/yescrypt; DES, which begins with no "$", is ErrUnknownHash.
//
// Passwords that end at a NUL or have more than 511 bytes are none, as in libxcrypt:
// each round hashes the password anew, so that long ones would take seconds.
//
// What begins with "!" or "*", as in /etc/shadow for users who are locked out, is the
// code hash_no_password.
type Crypt struct{ verifyOnly }

var _ family = Crypt{}

// Verify reports whether encoded is a hash of p.
func (c Crypt) Verify(_ context.Context, encoded string, p auth.Password) (bool, error) {
	return verify(c, encoded, p)
}

// Inspect describes encoded, which is always outdated.
func (c Crypt) Inspect(encoded string) auth.HashInfo { return inspect(c, encoded) }

const (
	minCryptRounds     = 1000
	defaultCryptRounds = 5000
	maxCryptRounds     = 1_000_000 // passlib writes 535,000 and 656,000
	maxCryptPassword   = 511       // CRYPT_MAX_PASSPHRASE_SIZE of libxcrypt counts the NUL
	maxSHACryptSalt    = 16
	maxMD5CryptSalt    = 8
)

func (Crypt) parse(encoded string) (record, error) {
	if isLockedOut(encoded) {
		return record{}, noPassword("crypt")
	}
	return cryptRecord(encoded)
}

// isLockedOut tells shadow(5)'s marks from MySQL's own hashes, which begin with * too.
func isLockedOut(encoded string) bool {
	return strings.HasPrefix(encoded, "!") ||
		strings.HasPrefix(encoded, "*") && (len(encoded) != 41 || strings.Trim(encoded[1:], digits+"ABCDEF") != "")
}

func cryptRecord(encoded string) (record, error) {
	for _, method := range []struct {
		prefix, scheme string
		read           func(prefix, rest string) (record, error)
	}{
		{"$6$", "sha512-crypt", sha512Crypt.read},
		{"$5$", "sha256-crypt", sha256Crypt.read},
		{"$1$", "md5-crypt", readMD5Crypt},
		{"$apr1$", "apr1-crypt", readMD5Crypt},
	} {
		if rest, ok := strings.CutPrefix(encoded, method.prefix); ok {
			r, err := method.read(method.prefix, rest)
			r.takes = takenByCrypt
			return named(method.scheme, r, err)
		}
	}
	return record{}, auth.ErrUnknownHash
}

func takenByCrypt(password string) bool {
	return noNUL(password) && len(password) <= maxCryptPassword
}

// shaCrypt is the scheme of Ulrich Drepper, "Unix crypt using SHA-256 and SHA-512"
// (version 0.6, 2008), over one of the two functions.
type shaCrypt struct {
	new  func() hash.Hash
	size int

	// The digest is written in groups of three bytes. The first are those at first;
	// each next one has the group's bytes plus one, moved by so many places.
	first [3]int
	move  int
}

var (
	sha256Crypt = shaCrypt{sha256.New, sha256.Size, [3]int{0, 10, 20}, 2}
	sha512Crypt = shaCrypt{sha512.New, sha512.Size, [3]int{0, 21, 42}, 1}
)

func (c shaCrypt) read(prefix, rest string) (record, error) {
	settings, rounds := prefix, uint64(defaultCryptRounds)
	if text, ok := strings.CutPrefix(rest, "rounds="); ok {
		text, rest, _ = strings.Cut(text, "$")
		if rounds, ok = number(text); !ok || rounds < minCryptRounds {
			return record{}, errDamaged
		}
		settings += fmt.Sprintf("rounds=%d$", rounds)
	}
	salt, text, _ := strings.Cut(rest, "$") // used as text
	digest, ok := cryptDecode(text, c.size)
	if !ok || !isCryptSalt(salt, maxSHACryptSalt) {
		return record{}, errDamaged
	}
	if err := within("rounds", rounds, maxCryptRounds); err != nil {
		return record{}, err
	}
	order := c.order()
	plain := make([]byte, c.size)
	for i, at := range order {
		plain[at] = digest[i]
	}
	return record{
		info:   auth.HashInfo{Outdated: true, Weak: rounds < weakRounds},
		digest: plain,
		derive: func(password string) ([]byte, error) {
			return c.derive([]byte(password[:min(len(password), maxCryptPassword)]), []byte(salt), int(rounds)), nil
		},
		encode: func(digest []byte) string {
			moved := make([]byte, c.size)
			for i, at := range order {
				moved[i] = digest[at]
			}
			return settings + salt + "$" + cryptEncode(moved)
		},
	}, nil
}

// order returns which byte of the digest is written at each place. A group is
// written from its last byte on.
func (c shaCrypt) order() []int {
	order := make([]int, 0, c.size)
	for group := c.first; len(order)+3 <= c.size; {
		order = append(order, group[2], group[1], group[0])
		for i := range group {
			group[i]++
		}
		if c.move == 1 {
			group = [3]int{group[1], group[2], group[0]}
		} else {
			group = [3]int{group[2], group[0], group[1]}
		}
	}
	for at := 3 * (c.size / 3); at < c.size; at++ { // SHA-256: 30, 31; SHA-512: 63
		order = append(order, at)
	}
	return order
}

func (c shaCrypt) derive(password, salt []byte, rounds int) []byte {
	h := c.new()
	sum := func() []byte { return h.Sum(nil) }

	h.Write(password)
	h.Write(salt)
	h.Write(password)
	b := sum()

	h.Reset()
	h.Write(password)
	h.Write(salt)
	h.Write(repeated(b, len(password)))
	for n := len(password); n > 0; n >>= 1 {
		if n&1 == 1 {
			h.Write(b)
		} else {
			h.Write(password)
		}
	}
	a := sum()

	h.Reset()
	for range password {
		h.Write(password)
	}
	p := repeated(sum(), len(password))

	h.Reset()
	for range 16 + int(a[0]) {
		h.Write(salt)
	}
	s := repeated(sum(), len(salt))

	return cryptRounds(h, a, p, s, rounds)
}

// cryptRounds are the rounds that the SHA-2 methods have from the MD5 one.
func cryptRounds(h hash.Hash, digest, password, salt []byte, rounds int) []byte {
	for i := range rounds {
		h.Reset()
		if i%2 == 1 {
			h.Write(password)
		} else {
			h.Write(digest)
		}
		if i%3 != 0 {
			h.Write(salt)
		}
		if i%7 != 0 {
			h.Write(password)
		}
		if i%2 == 1 {
			h.Write(digest)
		} else {
			h.Write(password)
		}
		digest = h.Sum(digest[:0])
	}
	return digest
}

// repeated returns n bytes of block after block.
func repeated(block []byte, n int) []byte {
	b := make([]byte, 0, n+len(block))
	for len(b) < n {
		b = append(b, block...)
	}
	return b[:n]
}

// isCryptSalt takes what crypt(5) says may be in a hash: printable ASCII without what
// separates fields, in it or in /etc/shadow.
func isCryptSalt(salt string, most int) bool {
	for _, c := range []byte(salt) {
		if c <= ' ' || c > '~' || strings.IndexByte("$:!*;\\", c) >= 0 {
			return false
		}
	}
	return len(salt) <= most
}

func readMD5Crypt(prefix, rest string) (record, error) {
	salt, text, _ := strings.Cut(rest, "$") // used as text
	digest, ok := cryptDecode(text, md5.Size)
	if !ok || !isCryptSalt(salt, maxMD5CryptSalt) {
		return record{}, errDamaged
	}
	order := [md5.Size]int{12, 6, 0, 13, 7, 1, 14, 8, 2, 15, 9, 3, 5, 10, 4, 11}
	plain := make([]byte, md5.Size)
	for i, at := range order {
		plain[at] = digest[i]
	}
	return record{
		info:   auth.HashInfo{Outdated: true, Weak: true},
		digest: plain,
		derive: func(password string) ([]byte, error) {
			return deriveMD5Crypt([]byte(password[:min(len(password), maxCryptPassword)]), []byte(salt), prefix), nil
		},
		encode: func(digest []byte) string {
			moved := make([]byte, md5.Size)
			for i, at := range order {
				moved[i] = digest[at]
			}
			return prefix + salt + "$" + cryptEncode(moved)
		},
	}, nil
}

// deriveMD5Crypt is Poul-Henning Kamp's scheme of 1994, by FreeBSD's crypt(3).
func deriveMD5Crypt(password, salt []byte, prefix string) []byte {
	h := md5.New()
	h.Write(password)
	h.Write(salt)
	h.Write(password)
	b := h.Sum(nil)

	h.Reset()
	h.Write(password)
	h.Write([]byte(prefix))
	h.Write(salt)
	h.Write(repeated(b, len(password)))
	for n := len(password); n > 0; n >>= 1 {
		if n&1 == 1 {
			h.Write([]byte{0})
		} else {
			h.Write(password[:1])
		}
	}
	return cryptRounds(h, h.Sum(nil), password, salt, 1000)
}
