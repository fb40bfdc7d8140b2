package token

import (
	"crypto"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"math/big"
	"slices"

	"github.com/golang-jwt/jwt/v5"
)

func newEd25519(public ed25519.PublicKey, s crypto.Signer) (Key, error) {
	if err := checkEd25519Public(public); err != nil {
		return Key{}, err
	}
	// It signs the message itself, not a hash of it.
	m := newMaterial(slices.Clone(public), s, jwt.SigningMethodEdDSA, crypto.Hash(0), nil)
	m.members = `{"crv":"Ed25519","kty":"OKP","x":"` + base64.RawURLEncoding.EncodeToString(public) + `"`
	return m.key(m.thumbprint(), "EdDSA"), nil
}

// copyEd25519 returns a copy of a key that belongs together.
func copyEd25519(private ed25519.PrivateKey) (crypto.Signer, error) {
	if len(private) != ed25519.PrivateKeySize {
		return nil, fmt.Errorf("%w: not %d bytes", ErrInvalidKey, ed25519.PrivateKeySize)
	}
	seed := private.Seed()
	if repeats(seed) {
		return nil, fmt.Errorf("%w: all bytes are equal", ErrWeakKey)
	}
	clone := ed25519.NewKeyFromSeed(seed)
	if !clone.Equal(private) {
		return nil, fmt.Errorf("%w: the public half is not the seed's", ErrInvalidKey)
	}
	return clone, nil
}

// checkEd25519Public refuses what no private key has for its public half, as
// far as that can be told with ordinary arithmetic on public values:
//
//   - a length other than 32 bytes;
//   - a y of p or more: a second spelling of the same point, and so a second
//     thumbprint of the same key;
//   - a point of order 1, 2, 4 or 8: anybody can sign for it, without a key;
//   - a y that no point of the curve has (RFC 8032 §5.1.3): such a key would
//     refuse every signature, one at a time.
//
// A point of the prime order plus one of small order passes. It would take a
// scalar multiplication to find, and it helps only who makes such a key for
// himself: nobody else can sign for it.
func checkEd25519Public(public ed25519.PublicKey) error {
	if len(public) != ed25519.PublicKeySize {
		return fmt.Errorf("%w: not %d bytes", ErrInvalidKey, ed25519.PublicKeySize)
	}

	// RFC 8032 §5.1.2: y in little-endian order, the top bit is the sign of x.
	encoded := slices.Clone(public)
	slices.Reverse(encoded)
	encoded[0] &= 0x7f
	y := new(big.Int).SetBytes(encoded)

	one := big.NewInt(1)
	p := new(big.Int).Lsh(one, 255)
	p.Sub(p, big.NewInt(19))
	if y.Cmp(p) >= 0 {
		return fmt.Errorf("%w: not a canonical encoding", ErrInvalidKey)
	}

	// x² = (y²-1) / (d·y²+1) with d = -121665/121666. The quotient is a square
	// if the product is, and both are multiplied by 121666 to be rid of d's
	// denominator. The second factor is never zero.
	yy := new(big.Int).Mul(y, y)
	numerator := new(big.Int).Sub(yy, one)
	numerator.Mul(numerator, big.NewInt(121666))
	denominator := new(big.Int).Mul(yy, big.NewInt(-121665))
	denominator.Add(denominator, big.NewInt(121666))
	if big.Jacobi(numerator.Mul(numerator, denominator), p) < 0 {
		return fmt.Errorf("%w: not a point of the curve", ErrInvalidKey)
	}

	// The eight points of small order have five y between them, in hexadecimal.
	small := []string{
		"0", // order 4
		"1", // order 1
		"7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffec", // order 2
		"5fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826",  // order 8
		"7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7", // order 8
	}
	if slices.Contains(small, y.Text(16)) {
		return fmt.Errorf("%w: a point of small order", ErrInvalidKey)
	}
	return nil
}
