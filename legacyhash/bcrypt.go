package legacyhash

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/bcrypt"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/internal/phc"
)

const (
	minBcryptCost     = 10 // OWASP Password Storage Cheat Sheet
	defaultBcryptCost = 12
	maxBcryptCost     = 15
	maxCostAbove      = 2       // log2 of argon2phc.TooDear
	bcryptMemory      = 4 << 10 // the state of Blowfish
	bcryptReads       = 72      // bytes
	maxBcryptPassword = bcryptReads - 1
)

var (
	errBcryptCost = errors.New("legacyhash: Bcrypt: cost outside of 10 to 15")
)

// Bcrypt hashes passwords with bcrypt into $2b$ strings, and verifies $2a$, $2b$
// and $2y$: those of PHP's password_hash (so of Laravel), of Ruby, Node and
// Python. The zero value hashes with cost 12.
//
// bcrypt reads 72 bytes. Every origin cut longer passwords silently, so stored
// hashes are verified that way; a login with a password of 72 bytes or more does not
// upgrade them, since what comes behind may be a typing error. When hashing, such a
// password is an error: a hash of exactly 72 would verify all its extensions.
type Bcrypt struct {
	Cost int // 10 to 15, 0 = 12; one more doubles the time
}

var _ family = Bcrypt{}

// Hash returns a $2b$ string. A cost outside of 10 to 15 is an error, and so is
// a password with a NUL; one of more than 71 bytes is an *auth.InputError.
func (b Bcrypt) Hash(_ context.Context, p auth.Password) (string, error) {
	if cost := b.cost(); cost < minBcryptCost || cost > maxBcryptCost {
		return "", errBcryptCost
	}
	return b.hash(p)
}

func (b Bcrypt) hash(p auth.Password) (string, error) {
	password := p.Reveal()
	switch {
	case len(password) > maxBcryptPassword:
		return "", &auth.InputError{Field: "password", Code: "too_long"}
	case !noNUL(password):
		return "", errNUL
	}
	encoded, err := bcrypt.GenerateFromPassword([]byte(password), b.cost())
	if err != nil {
		return "", err
	}
	// x/crypto marks it $2a$, which crypt_blowfish computes differently for
	// some passwords that are not UTF-8, on purpose.
	return "$2b$" + string(encoded[len("$2a$"):]), nil
}

// Verify reports whether encoded is a hash of p's first 72 bytes.
func (b Bcrypt) Verify(_ context.Context, encoded string, p auth.Password) (bool, error) {
	return verify(b, encoded, p)
}

// Inspect describes encoded. A cost below b's own or below 10 is outdated, and so is
// one that is more than 2 above b's own, which is four times as dear.
func (b Bcrypt) Inspect(encoded string) auth.HashInfo {
	if encoded == "" {
		return auth.HashInfo{Scheme: "bcrypt", MemoryBytes: bcryptMemory, CutAt: bcryptReads}
	}
	return inspect(b, encoded)
}

func (b Bcrypt) parse(encoded string) (record, error) {
	if !isBcrypt(encoded) {
		return record{}, auth.ErrUnknownHash
	}
	r, cost, err := bcryptRecord(encoded)
	r.info.Outdated = cost < max(b.cost(), minBcryptCost) || cost > b.cost()+maxCostAbove
	return named("bcrypt", r, err)
}

func (b Bcrypt) cost() int {
	if b.Cost == 0 {
		return defaultBcryptCost
	}
	return b.Cost
}

func isBcrypt(encoded string) bool {
	id := phc.ID(encoded)
	return id == "2a" || id == "2b" || id == "2y"
}

var bcrypt64 = alphabet("./" + upper + lower + digits)

// bcryptRecord reads $2b$, the cost in two digits, $, 22 characters of salt and
// 31 of digest. x/crypto would take more than that.
func bcryptRecord(encoded string) (r record, cost int, err error) {
	if !isBcrypt(encoded) || len(encoded) != 60 {
		return record{}, 0, errDamaged
	}
	cost, err = strconv.Atoi(encoded[4:6])
	salt, err2 := bcrypt64.DecodeString(encoded[7:29])
	digest, err3 := bcrypt64.DecodeString(encoded[29:])
	if err != nil || err2 != nil || err3 != nil || len(salt) != 16 || len(digest) != 23 ||
		encoded[4:7] != fmt.Sprintf("%02d$", cost) || cost < bcrypt.MinCost {
		return record{}, 0, errDamaged
	}
	if err := within("cost", uint64(cost), maxBcryptCost); err != nil {
		return record{}, 0, err
	}
	return record{
		info: auth.HashInfo{MemoryBytes: bcryptMemory, Outdated: true, CutAt: bcryptReads},
		match: func(password string) bool {
			return bcrypt.CompareHashAndPassword([]byte(encoded), []byte(password)) == nil
		},
		takes: noNUL,
	}, cost, nil
}

// BcryptSHA256 verifies passlib's $bcrypt-sha256$: version 2, bcrypt of an
// HMAC-SHA256 of the password keyed with the salt, and version 1, of its plain
// SHA-256. It does not hash.
type BcryptSHA256 struct{ verifyOnly }

var _ family = BcryptSHA256{}

// Verify reports whether encoded is a hash of p.
func (b BcryptSHA256) Verify(_ context.Context, encoded string, p auth.Password) (bool, error) {
	return verify(b, encoded, p)
}

// Inspect describes encoded, which is always outdated.
func (b BcryptSHA256) Inspect(encoded string) auth.HashInfo { return inspect(b, encoded) }

func (BcryptSHA256) parse(encoded string) (record, error) {
	rest, ok := strings.CutPrefix(encoded, "$bcrypt-sha256$")
	if !ok {
		return record{}, auth.ErrUnknownHash
	}
	settings, rest, _ := strings.Cut(rest, "$")
	salt, digest, _ := strings.Cut(rest, "$")

	ident, rounds, v2 := "2b", "", false
	if rounds, v2 = strings.CutPrefix(settings, "v=2,t=2b,r="); !v2 {
		ident, rounds, _ = strings.Cut(settings, ",")
	}
	cost, ok := number(rounds)
	if !ok || ident == "2y" || len(salt) != 22 {
		return named("bcrypt-sha256", record{}, errDamaged)
	}
	r, _, err := bcryptRecord(fmt.Sprintf("$%s$%02d$%s%s", ident, cost, salt, digest))
	r.digested(func(password string) string {
		h := sha256.New()
		if v2 {
			h = hmac.New(sha256.New, []byte(salt))
		}
		h.Write([]byte(password))
		return base64.StdEncoding.EncodeToString(h.Sum(nil))
	})
	return named("bcrypt-sha256", r, err)
}

// Devise verifies the hashes of Devise for Rails: bcrypt of the password and
// config.pepper, one after the other. It does not hash. bcrypt reads 72 bytes,
// so a long password pushes the pepper out; that is how Devise computes it.
type Devise struct {
	verifyOnly
	Pepper auth.Password // which does not print; empty = none
}

var _ family = Devise{}

// Verify reports whether encoded is a hash of p.
func (d Devise) Verify(_ context.Context, encoded string, p auth.Password) (bool, error) {
	return verify(d, encoded, p)
}

// Inspect describes encoded, which is always outdated.
func (d Devise) Inspect(encoded string) auth.HashInfo { return inspect(d, encoded) }

func (d Devise) parse(encoded string) (record, error) {
	if !isBcrypt(encoded) {
		return record{}, auth.ErrUnknownHash
	}
	r, _, err := bcryptRecord(encoded)
	r.before(func(password string) string { return password + d.Pepper.Reveal() })
	return named("devise", r, err)
}
