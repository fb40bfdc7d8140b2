package token

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"math/big"
	"slices"
	"strings"
)

const (
	maxSetText   = 256 << 10 // bytes
	maxSetKeys   = 64
	maxForeignID = 256 // bytes
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
// publishes: those that verify signatures. As §5 asks, it passes over keys that
// it does not know or cannot use: those for other ends by kty, crv, use, key_ops
// or alg, and those that [ParseKey] would refuse. So it does with
//
//   - secrets, and keys that come with their private half: who can read them
//     can sign;
//   - keys of the same kid, all of them: which one is meant is a guess, and the
//     first one would be whichever somebody managed to put first;
//   - a kid that is empty, longer than 256 bytes, or has control characters. It
//     may have any others. Without kid, the ID is the thumbprint.
//
// An RSA key without alg is for RS256. There may be no key left.
//
// It is [ErrInvalidKey] if the text is larger than 256 KiB, is no JSON object in
// UTF-8 with an array of keys, has a name twice in one object, or if more than
// 64 keys can be used.
func ParseSet(text []byte) ([]Key, error) {
	if len(text) > maxSetText {
		return nil, fmt.Errorf("%w: a key set of more than %d bytes", ErrInvalidKey, maxSetText)
	}
	malformed := fmt.Errorf("%w: not a JWK Set, or a member twice", ErrInvalidKey)
	s, err := newScanner(string(text), "")
	if err != nil {
		return nil, malformed
	}
	var keys []Key
	found, count := false, map[string]int{} // of each ID
	err = s.object(func(name string) error {
		if name != "keys" {
			return s.skip()
		}
		found = true
		return s.array(func() error {
			if s.next() != '{' {
				return s.skip()
			}
			j, err := s.jwk()
			if err != nil {
				return err
			}
			if k, ok := j.foreign(); ok {
				keys = append(keys, k)
				count[k.id]++
			}
			return nil
		})
	})
	if err != nil || s.end() != nil || !found {
		return nil, malformed
	}
	if len(keys) > maxSetKeys {
		return nil, fmt.Errorf("%w: a set of more than %d keys", ErrInvalidKey, maxSetKeys)
	}
	return slices.DeleteFunc(keys, func(k Key) bool { return count[k.id] > 1 }), nil
}

// foreign returns a key that somebody else publishes, if we can use it.
func (j *jwk) foreign() (Key, bool) {
	if j.has("d", "p", "q", "dp", "dq", "qi", "oth", "k") {
		return Key{}, false
	}
	k, err := j.key()
	if err != nil {
		return Key{}, false
	}
	id, ok := j.members["kid"]
	if !ok {
		return k, true
	}
	if len(id) > maxForeignID || !ValidText(id) {
		return Key{}, false
	}
	return k.material.key(id, k.algorithm), true
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
		return Key{}, errJWK("use is not sig")
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
		err = errJWK("kty is unknown")
	}
	if err != nil {
		return Key{}, err
	}
	if !j.allows(k.CanSign()) {
		return Key{}, errJWK("key_ops are for something else")
	}
	algorithm, ok := j.members["alg"]
	if !ok || algorithm == "Ed25519" && k.algorithm == "EdDSA" {
		return k, nil
	}
	return k.WithAlgorithm(algorithm)
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
		return Key{}, errJWK("e has more than 31 bits")
	}
	public := rsa.PublicKey{N: n, E: int(e.Int64())}
	if !j.has("d", "p", "q", "dp", "dq", "qi", "oth") {
		return NewPublic(&public)
	}
	if j.has("oth") {
		return Key{}, errJWK("more than two primes")
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
		return Key{}, errJWK("crv is unknown")
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
		return Key{}, errJWK("x or y is not of the curve's size")
	}
	public, err := ecdsa.ParseUncompressedPublicKey(curve, slices.Concat([]byte{4}, x, y))
	if err != nil {
		return Key{}, errJWK("not a point of its curve")
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
		return Key{}, errJWK("d does not belong to x and y, or is not of the curve's size")
	}
	return NewSigner(private)
}

// okp reads an Ed25519 key (RFC 8037 §2).
func (j *jwk) okp() (Key, error) {
	if j.members["crv"] != "Ed25519" {
		return Key{}, errJWK("crv is unknown")
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
		return Key{}, errJWK("d is not of the curve's size")
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
		return nil, errJWK(name + " is absent or not base64url")
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
		return nil, errJWK(name + " is zero or has leading zeros")
	}
	return new(big.Int).SetBytes(b), nil
}

func errJWK(problem string) error { return fmt.Errorf("%w: JWK: %s", ErrInvalidKey, problem) }
