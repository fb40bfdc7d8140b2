package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"

	"github.com/golang-jwt/jwt/v5"
)

func newECDSA(public *ecdsa.PublicKey, s crypto.Signer) (Key, error) {
	method, err := ecdsaMethod(public)
	if err != nil {
		return Key{}, err
	}
	point, err := public.Bytes()
	if err != nil {
		return Key{}, fmt.Errorf("%w: not a point of its curve", ErrInvalidKey)
	}
	if public, err = ecdsa.ParseUncompressedPublicKey(public.Curve, point); err != nil {
		return Key{}, fmt.Errorf("%w: not a point of its curve", ErrInvalidKey)
	}
	m := newMaterial(public, s, method, method.Hash, func(der []byte) ([]byte, error) {
		return fixedSignature(der, method.KeySize)
	})
	encode := base64.RawURLEncoding.EncodeToString
	x, y := point[1:][:method.KeySize], point[1:][method.KeySize:]
	m.members = `{"crv":"` + public.Params().Name + `","kty":"EC","x":"` + encode(x) + `","y":"` + encode(y) + `"`
	return m.key(m.thumbprint(), method.Name), nil
}

// ecdsaMethod returns the one method of the key's curve (RFC 7518 §3.4).
func ecdsaMethod(public *ecdsa.PublicKey) (*jwt.SigningMethodECDSA, error) {
	//lint:ignore SA1019 crypto/ecdsa panics without coordinates
	if public == nil || public.X == nil || public.Y == nil {
		return nil, fmt.Errorf("%w: no point", ErrInvalidKey)
	}
	switch public.Curve {
	case elliptic.P256():
		return jwt.SigningMethodES256, nil
	case elliptic.P384():
		return jwt.SigningMethodES384, nil
	case elliptic.P521():
		return jwt.SigningMethodES512, nil
	}
	return nil, fmt.Errorf("%w: a curve other than P-256, P-384 and P-521", ErrInvalidKey)
}

// fixedSignature turns the signature of a crypto.Signer, ASN.1 in DER, into
// that of RFC 7518 §3.4: r and s in size bytes each.
func fixedSignature(der []byte, size int) ([]byte, error) {
	var v struct{ R, S *big.Int }
	rest, err := asn1.Unmarshal(der, &v)
	if err != nil || len(rest) > 0 || v.R.Sign() <= 0 || v.S.Sign() <= 0 || v.R.BitLen() > 8*size || v.S.BitLen() > 8*size {
		return nil, errors.New("the signer's ECDSA signature is malformed")
	}
	b := make([]byte, 2*size)
	v.R.FillBytes(b[:size])
	v.S.FillBytes(b[size:])
	return b, nil
}

// copyECDSA returns a copy of a key that belongs together.
func copyECDSA(private *ecdsa.PrivateKey) (crypto.Signer, error) {
	if _, err := ecdsaMethod(&private.PublicKey); err != nil {
		return nil, err
	}
	invalid := fmt.Errorf("%w: not an ECDSA key that belongs together", ErrInvalidKey)
	//lint:ignore SA1019 crypto/ecdsa panics without one
	if private.D == nil {
		return nil, invalid
	}
	scalar, err := private.Bytes()
	if err != nil {
		return nil, invalid
	}
	clone, err := ecdsa.ParseRawPrivateKey(private.Curve, scalar)
	if err != nil || !clone.PublicKey.Equal(&private.PublicKey) {
		return nil, invalid
	}
	return clone, nil
}
