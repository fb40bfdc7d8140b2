package token

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
)

// MaxKeyText is the longest text of a key.
const MaxKeyText = 64 << 10 // bytes; a JWK of 8192 bits has 7 KiB

// ParseKey returns the key that a text is: one JWK (RFC 7517), or else one PEM
// block (RFC 7468) of these types, in which the key is as [NewSigner] or
// [NewPublic] wants it:
//
//   - PRIVATE KEY: PKCS #8 (RFC 5958);
//   - RSA PRIVATE KEY, RSA PUBLIC KEY: PKCS #1 (RFC 8017);
//   - EC PRIVATE KEY: SEC 1 (RFC 5915), after an EC PARAMETERS block or without;
//   - PUBLIC KEY: PKIX (RFC 5280);
//   - CERTIFICATE: of which nothing but the public key counts.
//
// Or else it is the secret of an HMAC key in hexadecimal or base64, as [NewSecret]
// wants it.
//
// A JWK is a private, a public or an HMAC key. Its base64url is canonical, its
// numbers are as long as RFC 7518 §6 wants them, and the private half belongs to
// the public one. An RSA key comes with both primes. Its use is "sig"; its
// key_ops are "sign", "verify" or both, with "sign" if the key signs and
// "verify" if it does not; its alg is one for [Key.WithAlgorithm], where
// "Ed25519" (RFC 9864) says the same as "EdDSA"; its kid is an ID for
// [Key.WithID]. All four may be absent. Other members are passed over, and none
// is ever followed to somewhere else.
//
// Everything else is [ErrInvalidKey] or [ErrWeakKey]: more than 64 KiB, an
// encrypted key, and anything but white space before or after the key.
func ParseKey(text []byte) (Key, error) {
	if len(text) > MaxKeyText {
		return Key{}, fmt.Errorf("%w: more than %d bytes", ErrInvalidKey, MaxKeyText)
	}
	text = bytes.Trim(text, " \t\r\n")
	if bytes.HasPrefix(text, []byte("{")) {
		return parseJWK(string(text))
	}
	if secret, form := decodeSecret(text); form != "" {
		return NewSecret(secret)
	}
	return parsePEM(text)
}

// parsePEM reads a text without white space around it.
func parsePEM(text []byte) (Key, error) {
	block, rest := nextBlock(text)
	if block != nil && block.Type == "EC PARAMETERS" { // they name the curve, as the key does
		block, rest = nextBlock(rest)
		if block != nil && block.Type != "EC PRIVATE KEY" {
			block = nil
		}
	}
	if block == nil || len(rest) > 0 {
		return Key{}, fmt.Errorf("%w: neither a JWK, hexadecimal or base64 nor exactly one PEM block", ErrInvalidKey)
	}
	if block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "" {
		return Key{}, fmt.Errorf("%w: encrypted", ErrInvalidKey)
	}
	if len(block.Headers) > 0 { // RFC 7468 §2 has none
		return Key{}, fmt.Errorf("%w: a PEM block with headers", ErrInvalidKey)
	}

	var key any
	var err error
	switch block.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	case "PUBLIC KEY":
		key, err = x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		key, err = x509.ParsePKCS1PublicKey(block.Bytes)
	case "CERTIFICATE":
		var c *x509.Certificate
		if c, err = x509.ParseCertificate(block.Bytes); err == nil {
			key = c.PublicKey
		}
	default:
		return Key{}, fmt.Errorf("%w: a PEM block that is no key", ErrInvalidKey)
	}
	// Not every parser refuses what follows the key.
	if after, e := asn1.Unmarshal(block.Bytes, new(asn1.RawValue)); err != nil || e != nil || len(after) > 0 {
		return Key{}, fmt.Errorf("%w: a malformed or unsupported %s", ErrInvalidKey, block.Type)
	}
	if s, ok := key.(crypto.Signer); ok {
		return NewSigner(s)
	}
	return NewPublic(key)
}

// nextBlock returns the block that a text begins with, and what follows it
// but for white space. [pem.Decode] alone would look for a block further on.
func nextBlock(text []byte) (*pem.Block, []byte) {
	begin := []byte("-----BEGIN ")
	if !bytes.HasPrefix(text, begin) {
		return nil, nil
	}
	block, rest := pem.Decode(text)
	if bytes.Count(text[:len(text)-len(rest)], begin) != 1 {
		return nil, nil
	}
	return block, bytes.TrimLeft(rest, " \t\r\n")
}
