//lint:file-ignore SA1019 broken keys are made of raw numbers

package token_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/seed89488a0c/auth/internal/token"
)

// A number of a signature has one spelling: not also plus the order or the
// modulus, for which P-521 and a small RSA signature leave room.
func TestSignatureRange(t *testing.T) {
	const input = "e30.e30"
	private := ecPrivate(t, elliptic.P521())
	k, err := token.NewSigner(private)
	k = must(t, k, err)
	b, err := k.SignInput(input)
	r, s := new(big.Int).SetBytes(must(t, b, err)[:66]), new(big.Int).SetBytes(b[66:])
	n, zero := elliptic.P521().Params().N, new(big.Int)
	fixed := func(r, s *big.Int) []byte {
		return slices.Concat(r.FillBytes(make([]byte, 66)), s.FillBytes(make([]byte, 66)))
	}
	if err := k.VerifyInput(input, fixed(r, s)); err != nil {
		t.Fatal(err)
	}
	plus := func(x *big.Int) *big.Int { return new(big.Int).Add(x, n) }
	for name, bad := range map[string][]byte{
		"r+n": fixed(plus(r), s), "s+n": fixed(r, plus(s)), "r=0": fixed(zero, s), "s=0": fixed(r, zero), "r=n": fixed(n, s), "s=n": fixed(r, n),
		"both 0": fixed(zero, zero), "swapped": fixed(s, r),
	} {
		if k.VerifyInput(input, bad) == nil {
			t.Errorf("ECDSA: accepted with %s", name)
		}
	}

	rk := parseKey(t, rsaPrivateJWK)
	modulus := rsaPrivate(t).N
	for i := 0; ; i++ { // the modulus has its top bit set, so about every second signature leaves room
		input := fmt.Sprint(i)
		b, err := rk.SignInput(input)
		if sum := new(big.Int).Add(modulus, new(big.Int).SetBytes(must(t, b, err))); sum.BitLen() <= 2048 {
			if rk.VerifyInput(input, sum.FillBytes(make([]byte, 256))) == nil {
				t.Error("RSA: accepted plus the modulus")
			}
			break
		}
	}
}

// badCurve is P-256 by another name.
type badCurve struct{ elliptic.Curve }

// ASVS 5.0 11.6.1
func TestNewSignerRefuses(t *testing.T) {
	change := func(f func(k *rsa.PrivateKey)) *rsa.PrivateKey {
		k := rsaPrivate(t)
		f(k)
		return k
	}
	ec := func(f func(k *ecdsa.PrivateKey)) *ecdsa.PrivateKey {
		k := ecPrivate(t, elliptic.P256())
		f(k)
		return k
	}
	one := big.NewInt(1)
	precomputed := rsaPrivate(t)
	precomputed.Precompute()
	precomputed.D = new(big.Int).Add(precomputed.D, one)
	short := ed25519.PrivateKey("short")
	for name, s := range map[string]crypto.Signer{
		"nil":                     nil,
		"nil RSA":                 (*rsa.PrivateKey)(nil),
		"nil ECDSA":               (*ecdsa.PrivateKey)(nil),
		"nil Ed25519":             ed25519.PrivateKey(nil),
		"nil pointer to Ed25519":  (*ed25519.PrivateKey)(nil),
		"pointer to bad Ed25519":  &short,
		"nil KMS":                 (*kms)(nil),
		"KMS without key":         &kms{},
		"KMS with nil RSA":        &kms{public: (*rsa.PublicKey)(nil)},
		"KMS with nil ECDSA":      &kms{public: (*ecdsa.PublicKey)(nil)},
		"KMS with nil Ed25519":    &kms{public: ed25519.PublicKey(nil)},
		"KMS with pointer to nil": &kms{public: (*ed25519.PublicKey)(nil)},
		"KMS with a string":       &kms{public: "key"},
		"KMS with a private key":  &kms{public: edPrivate("e")},
		"empty RSA":               &rsa.PrivateKey{},
		"RSA without D":           change(func(k *rsa.PrivateKey) { k.D = nil }),
		"RSA without primes":      change(func(k *rsa.PrivateKey) { k.Primes = nil }),
		"RSA with nil prime":      change(func(k *rsa.PrivateKey) { k.Primes[1] = nil }),
		"RSA with three primes":   change(func(k *rsa.PrivateKey) { k.Primes = append(k.Primes, one) }),
		"RSA of other primes":     change(func(k *rsa.PrivateKey) { k.Primes[0] = new(big.Int).Add(k.Primes[0], big.NewInt(2)) }),
		"RSA of prime 1":          change(func(k *rsa.PrivateKey) { k.Primes = []*big.Int{one, k.N} }),
		"RSA of prime 0":          change(func(k *rsa.PrivateKey) { k.Primes[0] = new(big.Int) }),
		"RSA of negative primes": change(func(k *rsa.PrivateKey) {
			k.Primes = []*big.Int{new(big.Int).Neg(k.Primes[0]), new(big.Int).Sub(k.Primes[1], one)}
		}),
		"RSA with other D":        change(func(k *rsa.PrivateKey) { k.D = new(big.Int).Add(k.D, one) }),
		"RSA, changed afterwards": precomputed,
		"RSA with other N":        change(func(k *rsa.PrivateKey) { k.N = new(big.Int).Add(k.N, big.NewInt(2)) }),
		"RSA with other E":        change(func(k *rsa.PrivateKey) { k.E += 2 }),
		"RSA with negative N":     change(func(k *rsa.PrivateKey) { k.N = new(big.Int).Neg(k.N) }),
		"empty ECDSA":             &ecdsa.PrivateKey{},
		"ECDSA on P-224":          ecPrivate(t, elliptic.P224()),
		"ECDSA on its own curve":  ec(func(k *ecdsa.PrivateKey) { k.Curve = badCurve{k.Curve} }),
		"ECDSA without D":         ec(func(k *ecdsa.PrivateKey) { k.D = nil }),
		"ECDSA with D = 0":        ec(func(k *ecdsa.PrivateKey) { k.D = new(big.Int) }),
		"ECDSA with D = N":        ec(func(k *ecdsa.PrivateKey) { k.D = k.Params().N }),
		"ECDSA with negative D":   ec(func(k *ecdsa.PrivateKey) { k.D = new(big.Int).Neg(k.D) }),
		"ECDSA with other D":      ec(func(k *ecdsa.PrivateKey) { k.D = one }),
		"ECDSA with other public": ec(func(k *ecdsa.PrivateKey) { k.PublicKey = ecPrivate(t, elliptic.P256()).PublicKey }),
	} {
		t.Run(name, func(t *testing.T) {
			k, err := token.NewSigner(s)
			checkKey(t, k, err, token.ErrInvalidKey, "", false)
		})
	}

	pointer := edPrivate("e")
	for name, s := range map[string]crypto.Signer{"pointer": &pointer, "struct": valueSigner{pointer}} {
		k, err := token.NewSigner(s)
		if checkKey(t, k, err, nil, "EdDSA", true); k.ID() != edKey(t, "e").ID() {
			t.Errorf("%s: %v", name, k)
		}
	}
}

// A key whose second prime is none passes all checks of crypto/rsa, and signs
// nothing.
// ASVS 5.0 11.6.1
func TestRSACompositePrimes(t *testing.T) {
	prime := func(bits int) *big.Int { p, err := rand.Prime(rand.Reader, bits); return must(t, p, err) }
	e, one := big.NewInt(65537), big.NewInt(1)
	k := &rsa.PrivateKey{PublicKey: rsa.PublicKey{E: 65537}}
	for k.D == nil || k.N.BitLen() < 2048 {
		p, q := prime(1024), new(big.Int).Mul(prime(512), prime(512))
		k.N, k.Primes = new(big.Int).Mul(p, q), []*big.Int{p, q}
		p1, q1 := new(big.Int).Sub(p, one), new(big.Int).Sub(q, one)
		k.D = new(big.Int).ModInverse(e, p1.Mul(p1, q1))
	}
	if err := k.Validate(); err != nil {
		t.Fatalf("nothing is tested: %v", err)
	}
	got, err := token.NewSigner(k)
	checkKey(t, got, err, token.ErrInvalidKey, "", false)
}

func TestNewPublic(t *testing.T) {
	modulus := func(bits uint) *big.Int {
		n := new(big.Int).Lsh(big.NewInt(1), bits-1)
		return n.SetBit(n, 0, 1)
	}
	good, largest := rsaPrivate(t).N, 1<<31-1
	p256 := ecPrivate(t, elliptic.P256()).PublicKey
	point := func(curve elliptic.Curve, x, y *big.Int) *ecdsa.PublicKey {
		return &ecdsa.PublicKey{Curve: curve, X: x, Y: y}
	}
	plus := func(x *big.Int, d int64) *big.Int { return new(big.Int).Add(x, big.NewInt(d)) }
	ed := edPrivate("e").Public().(ed25519.PublicKey)
	for _, tt := range []struct {
		name string
		key  crypto.PublicKey
		want error
	}{
		{"nil", nil, token.ErrInvalidKey},
		{"HMAC secret", secret("h"), token.ErrInvalidKey},
		{"RSA private", rsaPrivate(t), token.ErrInvalidKey},

		{"RSA", &rsa.PublicKey{N: good, E: 65537}, nil},
		{"RSA value", rsa.PublicKey{N: good, E: 65537}, nil},
		{"RSA nil", (*rsa.PublicKey)(nil), token.ErrInvalidKey},
		{"RSA empty", &rsa.PublicKey{}, token.ErrInvalidKey},
		{"RSA negative", &rsa.PublicKey{N: new(big.Int).Neg(good), E: 65537}, token.ErrInvalidKey},
		{"RSA 1024", &rsa.PublicKey{N: modulus(1024), E: 65537}, token.ErrWeakKey},
		{"RSA 2047", &rsa.PublicKey{N: modulus(2047), E: 65537}, token.ErrWeakKey},
		{"RSA 2048", &rsa.PublicKey{N: modulus(2048), E: 65537}, nil},
		{"RSA 8192", &rsa.PublicKey{N: modulus(8192), E: 65537}, nil},
		{"RSA 8193", &rsa.PublicKey{N: modulus(8193), E: 65537}, token.ErrInvalidKey},
		{"RSA even", &rsa.PublicKey{N: plus(good, 1), E: 65537}, token.ErrInvalidKey},
		{"RSA e=0", &rsa.PublicKey{N: good}, token.ErrInvalidKey},
		{"RSA e=1", &rsa.PublicKey{N: good, E: 1}, token.ErrWeakKey},
		{"RSA e=3", &rsa.PublicKey{N: good, E: 3}, token.ErrWeakKey},
		{"RSA e=65535", &rsa.PublicKey{N: good, E: 65535}, token.ErrWeakKey},
		{"RSA e=65538", &rsa.PublicKey{N: good, E: 65538}, token.ErrInvalidKey},
		{"RSA e=1<<31-1", &rsa.PublicKey{N: good, E: largest}, nil},
		{"RSA e=1<<31+1", &rsa.PublicKey{N: good, E: largest + 2}, token.ErrInvalidKey},
		{"RSA e=-3", &rsa.PublicKey{N: good, E: -3}, token.ErrInvalidKey},

		{"ECDSA", &p256, nil},
		{"ECDSA value", p256, nil},
		{"ECDSA nil", (*ecdsa.PublicKey)(nil), token.ErrInvalidKey},
		{"ECDSA empty", &ecdsa.PublicKey{}, token.ErrInvalidKey},
		{"ECDSA no curve", point(nil, p256.X, p256.Y), token.ErrInvalidKey},
		{"ECDSA no X", point(p256.Curve, nil, p256.Y), token.ErrInvalidKey},
		{"ECDSA no Y", point(p256.Curve, p256.X, nil), token.ErrInvalidKey},
		{"ECDSA off the curve", point(p256.Curve, p256.X, plus(p256.Y, 1)), token.ErrInvalidKey},
		{"ECDSA other curve", point(elliptic.P384(), p256.X, p256.Y), token.ErrInvalidKey},
		{"ECDSA infinity", point(p256.Curve, new(big.Int), new(big.Int)), token.ErrInvalidKey},
		{"ECDSA X+p", point(p256.Curve, new(big.Int).Add(p256.X, p256.Params().P), p256.Y), token.ErrInvalidKey},
		{"ECDSA negative", point(p256.Curve, new(big.Int).Neg(p256.X), p256.Y), token.ErrInvalidKey},
		{"ECDSA P-224", ecPrivate(t, elliptic.P224()).Public(), token.ErrInvalidKey},
		{"ECDSA custom curve", point(badCurve{p256.Curve}, p256.X, p256.Y), token.ErrInvalidKey},

		{"Ed25519", ed, nil},
		{"Ed25519 pointer", &ed, nil},
		{"Ed25519 nil pointer", (*ed25519.PublicKey)(nil), token.ErrInvalidKey},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k, err := token.NewPublic(tt.key)
			algorithm := map[string]string{"RSA": "RS256", "ECDSA": "ES256", "Ed25519": "EdDSA"}[strings.Fields(tt.name)[0]]
			checkKey(t, k, err, tt.want, algorithm, false)
		})
	}
}
