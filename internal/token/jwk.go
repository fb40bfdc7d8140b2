package token

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
)

const (
	maxSetText   = 256 << 10 // bytes
	maxSetKeys   = 64
	maxPassed    = 64
	maxForeignID = 256 // bytes
)

// Passed is a key of a set that cannot be used.
type Passed struct {
	ID   string // its kid; "" if it has none that is valid
	Code string // why, one of the Passed constants
}

// Reasons to pass over a key. They are stable.
const (
	PassedMalformed = "malformed"     // not an object
	PassedPrivate   = "private"       // a secret, or a key with its private half
	PassedUse       = "use"           // use is not sig
	PassedKeyOps    = "key_ops"       // key_ops are not verify, or more than that
	PassedType      = "kty"           // kty or crv is unknown
	PassedAlgorithm = "alg"           // alg is not one for this kind of key
	PassedEncoding  = "encoding"      // a member is absent or not base64url without padding
	PassedZeros     = "leading_zeros" // n or e has leading zeros
	PassedShort     = "too_short"     // an RSA key of fewer than 2048 bits, or with an exponent below 65537
	PassedInvalid   = "invalid"       // not a key of its kind, or longer than 8192 bits
	PassedID        = "kid"           // kid is no text, empty, too long or has control characters
	PassedAmbiguous = "ambiguous"     // another key has the same kid and alg
)

// jwk is what is read of a JWK (RFC 7517 §4).
type jwk struct {
	members map[string]string // strings; "", which none may be, is any other type
	ops     []string          // key_ops; nil: there are none
}

// parseJWK reads a text that is one JWK.
func parseJWK(text string) (Key, error) {
	malformed := fmt.Errorf("%w: not a JWK, or a member twice", ErrInvalidKey)
	s, err := newScanner(text, "")
	if err != nil {
		return Key{}, malformed
	}
	j, err := s.jwk()
	if err != nil || s.end() != nil {
		return Key{}, malformed
	}
	k, err := j.key()
	if err != nil {
		return Key{}, err
	}
	if id, ok := j.members["kid"]; ok {
		return k.WithID(id)
	}
	return k, nil
}

// ParseSet returns the keys of a JWK Set (RFC 7517 §5) that somebody else
// publishes: those that verify signatures. No two have the same ID and algorithm. A
// key that is there several times, under one ID and for one algorithm, is one key.
// Without kid, the ID is the thumbprint. A kid has at most 256 bytes and no control
// characters. An RSA key without alg is for RS256.
//
// As §5 asks, it passes over keys that it does not know or cannot use: those for
// other ends by kty, crv, use, key_ops or alg, and those that [ParseKey] would
// refuse. So it does with
//
//   - secrets, and keys that come with their private half: who can read them
//     can sign;
//   - different keys of the same kid and alg, all of them: which one is meant is a
//     guess, and the first one would be whichever somebody managed to put first.
//
// It says which it has passed over, the first 64 of them. There may be no key left.
//
// It is [ErrInvalidKey] if the text is larger than 256 KiB, is no JSON object in
// UTF-8 with an array of keys, has a name twice in one object, or if more than
// 64 keys can be used.
func ParseSet(text []byte) ([]Key, []Passed, error) {
	if len(text) > maxSetText {
		return nil, nil, fmt.Errorf("%w: a key set of more than %d bytes", ErrInvalidKey, maxSetText)
	}
	malformed := fmt.Errorf("%w: not a JWK Set, or a member twice", ErrInvalidKey)
	s, err := newScanner(string(text), "")
	if err != nil {
		return nil, nil, malformed
	}
	var keys []Key
	var passed []Passed
	found := false
	err = s.object(func(name string) error {
		if name != "keys" {
			return s.skip()
		}
		found = true
		return s.array(func() error {
			if s.next() != '{' {
				passed = pass(passed, "", PassedMalformed)
				return s.skip()
			}
			j, err := s.jwk()
			if err != nil {
				return err
			}
			k, code := j.foreign()
			if code != "" {
				id, _ := j.foreignID()
				passed = pass(passed, id, code)
				return nil
			}
			if !slices.ContainsFunc(keys, k.sameAs) {
				keys = append(keys, k)
			}
			if len(keys) > 2*maxSetKeys { // before one is compared with very many
				return malformed
			}
			return nil
		})
	})
	if err != nil || s.end() != nil || !found {
		return nil, nil, malformed
	}
	type name struct{ id, algorithm string }
	count := map[name]int{}
	for _, k := range keys {
		count[name{k.id, k.algorithm}]++
	}
	usable := keys[:0:0]
	for _, k := range keys {
		if count[name{k.id, k.algorithm}] > 1 {
			passed = pass(passed, k.id, PassedAmbiguous)
		} else {
			usable = append(usable, k)
		}
	}
	if len(usable) > maxSetKeys {
		return nil, nil, fmt.Errorf("%w: a set of more than %d keys", ErrInvalidKey, maxSetKeys)
	}
	return usable, passed, nil
}

func pass(list []Passed, id, code string) []Passed {
	if len(list) == maxPassed {
		return list
	}
	return append(list, Passed{id, code})
}

// sameAs reports whether two public keys are one: what they verify, under which ID
// and by which algorithm.
func (k Key) sameAs(other Key) bool {
	return k.id == other.id && k.algorithm == other.algorithm && k.members == other.members
}

// foreign returns a key that somebody else publishes, or why we cannot use it.
func (j *jwk) foreign() (k Key, code string) {
	if j.has("d", "p", "q", "dp", "dq", "qi", "oth", "k") {
		return Key{}, PassedPrivate
	}
	k, err := j.key()
	if err != nil {
		return Key{}, codeOf(err)
	}
	if _, ok := j.members["kid"]; !ok {
		return k, ""
	}
	id, ok := j.foreignID()
	if !ok {
		return Key{}, PassedID
	}
	return k.material.key(id, k.algorithm), ""
}

// foreignID returns the kid of a key that somebody else publishes, if it is valid.
func (j *jwk) foreignID() (string, bool) {
	if id := j.members["kid"]; len(id) <= maxForeignID && ValidText(id) {
		return id, true
	}
	return "", false
}

// codeOf returns which of the Passed constants an error of [jwk.key] is.
func codeOf(err error) string {
	if e, ok := errors.AsType[*jwkError](err); ok {
		return e.code
	}
	if errors.Is(err, ErrWeakKey) {
		return PassedShort
	}
	return PassedInvalid
}

// jwk reads a JWK of any kind. What is wrong with it but well-formed is left to
// others, so that the rest of a set can be read.
func (s *scanner) jwk() (*jwk, error) {
	j := &jwk{members: map[string]string{}}
	err := s.object(func(name string) (err error) {
		switch name {
		case "kty", "crv", "use", "alg", "kid", "n", "e", "x", "y", "d", "p", "q", "dp", "dq", "qi", "k":
			j.members[name], err = s.textOrSkip()
			return err
		case "key_ops":
			j.ops = []string{}
			if s.next() == '[' {
				return s.array(func() error {
					op, err := s.textOrSkip()
					j.ops = append(j.ops, op)
					return err
				})
			}
		case "oth": // the primes beyond two, an array
			j.members[name] = ""
		}
		return s.skip()
	})
	return j, err
}

// textOrSkip reads a string, or returns "" for a value of another type.
func (s *scanner) textOrSkip() (string, error) {
	if s.next() != '"' {
		return "", s.skip()
	}
	return s.text()
}

// key returns the key under its own ID.
func (j *jwk) key() (Key, error) {
	if use, ok := j.members["use"]; ok && use != "sig" {
		return Key{}, errJWK(PassedUse, "use is not sig")
	}
	var k Key
	var err error
	switch j.members["kty"] {
	case "oct":
		k, err = j.oct()
	case "RSA":
		k, err = j.rsa()
	case "EC":
		k, err = j.ec()
	case "OKP":
		k, err = j.okp()
	default:
		err = errJWK(PassedType, "kty is unknown")
	}
	if err != nil {
		return Key{}, err
	}
	if !j.allows(k.CanSign()) {
		return Key{}, errJWK(PassedKeyOps, "key_ops are for something else")
	}
	algorithm, ok := j.members["alg"]
	if !ok || algorithm == "Ed25519" && k.algorithm == "EdDSA" {
		return k, nil
	}
	other, err := k.WithAlgorithm(algorithm)
	if errors.Is(err, ErrInvalidKey) {
		return Key{}, errJWK(PassedAlgorithm, "alg is not one for this kind of key")
	}
	return other, err
}

// allows reports whether key_ops, if there are any, are for signatures alone
// and for the one operation that the key is there for.
func (j *jwk) allows(sign bool) bool {
	if j.ops == nil {
		return true
	}
	ops := map[string]bool{} // RFC 7517 §4.3: none may occur twice
	for _, op := range j.ops {
		if op != "sign" && op != "verify" || ops[op] {
			return false
		}
		ops[op] = true
	}
	return sign && ops["sign"] || !sign && ops["verify"]
}

// oct reads a secret (RFC 7518 §6.4).
func (j *jwk) oct() (Key, error) {
	secret, err := j.bytes("k")
	if err != nil {
		return Key{}, err
	}
	return NewHMAC(secret)
}

// rsa reads an RSA key (RFC 7518 §6.3). What speeds up its use (dp, dq, qi) is
// computed anew.
func (j *jwk) rsa() (Key, error) {
	n, err := j.number("n")
	if err != nil {
		return Key{}, err
	}
	e, err := j.number("e")
	if err != nil {
		return Key{}, err
	}
	if e.BitLen() > 31 {
		return Key{}, errJWK(PassedInvalid, "e has more than 31 bits")
	}
	public := rsa.PublicKey{N: n, E: int(e.Int64())}
	if !j.has("d", "p", "q", "dp", "dq", "qi", "oth") {
		return NewPublic(&public)
	}
	if j.has("oth") {
		return Key{}, errJWK(PassedInvalid, "more than two primes")
	}
	var private [3]*big.Int
	for i, name := range []string{"d", "p", "q"} {
		if private[i], err = j.number(name); err != nil {
			return Key{}, err
		}
	}
	return NewSigner(&rsa.PrivateKey{PublicKey: public, D: private[0], Primes: private[1:]})
}

// ec reads an ECDSA key (RFC 7518 §6.2).
func (j *jwk) ec() (Key, error) {
	var curve elliptic.Curve
	switch j.members["crv"] {
	case "P-256":
		curve = elliptic.P256()
	case "P-384":
		curve = elliptic.P384()
	case "P-521":
		curve = elliptic.P521()
	default:
		return Key{}, errJWK(PassedType, "crv is unknown")
	}
	size := (curve.Params().BitSize + 7) / 8
	x, err := j.bytes("x")
	if err != nil {
		return Key{}, err
	}
	y, err := j.bytes("y")
	if err != nil {
		return Key{}, err
	}
	if len(x) != size || len(y) != size {
		return Key{}, errJWK(PassedInvalid, "x or y is not of the curve's size")
	}
	public, err := ecdsa.ParseUncompressedPublicKey(curve, slices.Concat([]byte{4}, x, y))
	if err != nil {
		return Key{}, errJWK(PassedInvalid, "not a point of its curve")
	}
	if !j.has("d") {
		return NewPublic(public)
	}
	d, err := j.bytes("d")
	if err != nil {
		return Key{}, err
	}
	private, err := ecdsa.ParseRawPrivateKey(curve, d)
	if len(d) != size || err != nil || !private.PublicKey.Equal(public) {
		return Key{}, errJWK(PassedInvalid, "d does not belong to x and y, or is not of the curve's size")
	}
	return NewSigner(private)
}

// okp reads an Ed25519 key (RFC 8037 §2).
func (j *jwk) okp() (Key, error) {
	if j.members["crv"] != "Ed25519" {
		return Key{}, errJWK(PassedType, "crv is unknown")
	}
	x, err := j.bytes("x")
	if err != nil {
		return Key{}, err
	}
	if !j.has("d") {
		return NewPublic(ed25519.PublicKey(x))
	}
	d, err := j.bytes("d")
	if err != nil {
		return Key{}, err
	}
	if len(d) != ed25519.SeedSize {
		return Key{}, errJWK(PassedInvalid, "d is not of the curve's size")
	}
	return NewSigner(ed25519.PrivateKey(append(d, x...)))
}

// has reports whether one of the members is there.
func (j *jwk) has(names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		_, ok := j.members[name]
		return ok
	})
}

// bytes decodes a member from base64url. It must be the one spelling of what it
// says: there is no padding, no line break, and unused bits are zero.
func (j *jwk) bytes(name string) ([]byte, error) {
	text := j.members[name]
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || text == "" || strings.ContainsAny(text, "\r\n") {
		return nil, errJWK(PassedEncoding, name+" is absent or not base64url")
	}
	return b, nil
}

// number decodes a positive number in as few bytes as it takes (RFC 7518 §2,
// Base64urlUInt).
func (j *jwk) number(name string) (*big.Int, error) {
	b, err := j.bytes(name)
	if err != nil {
		return nil, err
	}
	if b[0] == 0 {
		return nil, errJWK(PassedZeros, name+" is zero or has leading zeros")
	}
	return new(big.Int).SetBytes(b), nil
}

// jwkError is an [ErrInvalidKey].
type jwkError struct{ code, problem string }

func (e *jwkError) Error() string { return ErrInvalidKey.Error() + ": JWK: " + e.problem }
func (e *jwkError) Unwrap() error { return ErrInvalidKey }

func errJWK(code, problem string) error { return &jwkError{code, problem} }
