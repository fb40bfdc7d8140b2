package token

import (
	"crypto"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"math"
	"math/big"

	"github.com/golang-jwt/jwt/v5"
)

const (
	minModulus  = 2048 // bits, RFC 7518 §3.3 and §3.5
	maxModulus  = 8192 // bits; beyond, a signature takes longer to check than a request may
	minExponent = 65537
)

func newRSA(public *rsa.PublicKey, s crypto.Signer) (Key, error) {
	if err := checkRSA(public); err != nil {
		return Key{}, err
	}
	const algorithm = "RS256"
	m, err := rsaMaterial(&rsa.PublicKey{N: new(big.Int).Set(public.N), E: public.E}, s, algorithm)
	if err != nil {
		return Key{}, err
	}
	return m.key(m.thumbprint(), algorithm), nil
}

func rsaMaterial(public *rsa.PublicKey, s crypto.Signer, algorithm string) (*material, error) {
	var method jwt.SigningMethod
	var opts crypto.SignerOpts
	switch algorithm {
	case "RS256":
		method, opts = jwt.SigningMethodRS256, crypto.SHA256
	case "RS384":
		method, opts = jwt.SigningMethodRS384, crypto.SHA384
	case "RS512":
		method, opts = jwt.SigningMethodRS512, crypto.SHA512
	case "PS256":
		method, opts = pss(jwt.SigningMethodPS256)
	case "PS384":
		method, opts = pss(jwt.SigningMethodPS384)
	case "PS512":
		method, opts = pss(jwt.SigningMethodPS512)
	default:
		return nil, errAlgorithm()
	}
	m := newMaterial(public, s, method, opts, nil)
	m.with = func(algorithm string) (*material, error) { return rsaMaterial(public, s, algorithm) }
	encode := base64.RawURLEncoding.EncodeToString
	m.members = `{"e":"` + encode(big.NewInt(int64(public.E)).Bytes()) + `","kty":"RSA","n":"` + encode(public.N.Bytes()) + `"`
	return m, nil
}

// pss returns the method with a salt exactly as long as the hash (RFC 7518
// §3.5): golang-jwt's own takes a salt of any length.
func pss(m *jwt.SigningMethodRSAPSS) (jwt.SigningMethod, crypto.SignerOpts) {
	opts := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: m.Hash}
	return &jwt.SigningMethodRSAPSS{SigningMethodRSA: m.SigningMethodRSA, Options: opts, VerifyOptions: opts}, opts
}

func checkRSA(public *rsa.PublicKey) error {
	switch {
	case public == nil || public.N == nil || public.N.Sign() <= 0:
		return fmt.Errorf("%w: no modulus", ErrInvalidKey)
	case public.N.BitLen() < minModulus:
		return fmt.Errorf("%w: a modulus of fewer than %d bits", ErrWeakKey, minModulus)
	case public.N.BitLen() > maxModulus:
		return fmt.Errorf("%w: a modulus of more than %d bits", ErrInvalidKey, maxModulus)
	case public.N.Bit(0) == 0:
		return fmt.Errorf("%w: an even modulus", ErrInvalidKey)
	case public.E < 0 || public.E&1 == 0 || public.E > math.MaxInt32:
		return fmt.Errorf("%w: an exponent that is not an odd number of at most 31 bits", ErrInvalidKey)
	case public.E < minExponent:
		return fmt.Errorf("%w: an exponent below %d", ErrWeakKey, minExponent)
	}
	return nil
}

// copyRSA returns a copy of a key that belongs together.
func copyRSA(private *rsa.PrivateKey) (crypto.Signer, error) {
	if err := checkRSA(&private.PublicKey); err != nil { // first, as the rest takes time
		return nil, err
	}
	invalid := fmt.Errorf("%w: not an RSA key of two primes that belongs together", ErrInvalidKey)
	if len(private.Primes) != 2 || private.D == nil || private.Primes[0] == nil || private.Primes[1] == nil {
		return nil, invalid
	}
	clone := &rsa.PrivateKey{
		PublicKey: rsa.PublicKey{N: new(big.Int).Set(private.N), E: private.E},
		D:         new(big.Int).Set(private.D),
		Primes:    []*big.Int{new(big.Int).Set(private.Primes[0]), new(big.Int).Set(private.Primes[1])},
	}
	clone.Precompute()
	if clone.Validate() != nil {
		return nil, invalid
	}
	// Nothing so far tells whether the primes are prime. With others no
	// signature is right, and crypto/rsa notices.
	if _, err := clone.Sign(nil, make([]byte, crypto.SHA256.Size()), crypto.SHA256); err != nil {
		return nil, invalid
	}
	return clone, nil
}
