//lint:file-ignore SA1019 broken keys are made of raw numbers

package token_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/seed89488a0c/auth/internal/token"
)

// rsaPrivate is the key of rsaPrivateJWK, fresh each time.
func rsaPrivate(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	var m map[string]string
	if err := json.Unmarshal([]byte(rsaPrivateJWK), &m); err != nil {
		t.Fatal(err)
	}
	number := func(name string) *big.Int { return new(big.Int).SetBytes(decode(t, m[name])) }
	k := &rsa.PrivateKey{
		PublicKey: rsa.PublicKey{N: number("n"), E: 65537},
		D:         number("d"),
		Primes:    []*big.Int{number("p"), number("q")},
	}
	return k
}

func ecPrivate(t testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(curve, rand.Reader)
	return must(t, k, err)
}

// kms signs like a key elsewhere: its type says nothing, its signatures are
// what sign says.
type kms struct {
	public crypto.PublicKey
	sign   func(digest []byte, opts crypto.SignerOpts) ([]byte, error)
}

func (k *kms) Public() crypto.PublicKey { return k.public }

func (k *kms) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return k.sign(digest, opts)
}

func newKMS(s crypto.Signer) *kms {
	return &kms{s.Public(), func(digest []byte, opts crypto.SignerOpts) ([]byte, error) {
		return s.Sign(rand.Reader, digest, opts)
	}}
}

// TestAlgorithms holds every algorithm against golang-jwt, in both directions.
// ASVS 5.0 11.4.3
func TestAlgorithms(t *testing.T) {
	long := bytes.Repeat(secret("h"), 2)
	rsaKey := rsaPrivate(t)
	rsaKey.Precompute()
	p256, p384, p521 := ecPrivate(t, elliptic.P256()), ecPrivate(t, elliptic.P384()), ecPrivate(t, elliptic.P521())
	ed := edPrivate("e")
	const input = "eyJ9.e30"
	var all []token.Key
	for _, tt := range []struct {
		method jwt.SigningMethod
		signer crypto.Signer // nil: HMAC
		size   int
	}{
		{jwt.SigningMethodHS256, nil, 32},
		{jwt.SigningMethodHS384, nil, 48},
		{jwt.SigningMethodHS512, nil, 64},
		{jwt.SigningMethodRS256, rsaKey, 256},
		{jwt.SigningMethodRS384, rsaKey, 256},
		{jwt.SigningMethodRS512, rsaKey, 256},
		{jwt.SigningMethodPS256, rsaKey, 256},
		{jwt.SigningMethodPS384, rsaKey, 256},
		{jwt.SigningMethodPS512, rsaKey, 256},
		{jwt.SigningMethodES256, p256, 64},
		{jwt.SigningMethodES384, p384, 96},
		{jwt.SigningMethodES512, p521, 132},
		{jwt.SigningMethodEdDSA, ed, 64},
	} {
		t.Run(tt.method.Alg(), func(t *testing.T) {
			var private, public any = long, long
			var keys []token.Key
			if tt.signer == nil {
				k, err := token.NewHMAC(long)
				keys = append(keys, must(t, k, err))
			} else {
				private, public = tt.signer, tt.signer.Public()
				for _, s := range []crypto.Signer{tt.signer, newKMS(tt.signer)} {
					k, err := token.NewSigner(s)
					keys = append(keys, must(t, k, err))
				}
				k, err := token.NewPublic(public)
				keys = append(keys, must(t, k, err))
			}
			for i, k := range keys {
				id := k.ID()
				k, err := k.WithAlgorithm(tt.method.Alg())
				k = must(t, k, err)
				if k.Algorithm() != tt.method.Alg() || k.ID() != id || id != keys[0].ID() || k.CanSign() != (i < 2) {
					t.Errorf("key %d: %v, signs: %t", i, k, k.CanSign())
				}
				theirs, err := tt.method.Sign(input, private)
				signatures := [][]byte{must(t, theirs, err)}
				if k.CanSign() {
					ours, err := k.SignInput(input)
					signatures = append(signatures, must(t, ours, err))
					if err := tt.method.Verify(input, ours, public); err != nil {
						t.Errorf("golang-jwt refuses ours: %v", err)
					}
				}
				for _, s := range signatures {
					if len(s) != tt.size {
						t.Errorf("%d bytes, want %d", len(s), tt.size)
					}
					if err := k.VerifyInput(input, s); err != nil {
						t.Errorf("key %d refuses: %v", i, err)
					}
					for name, bad := range map[string][]byte{
						"nil": nil, "empty": {}, "short": s[:len(s)-1], "shorter": s[1:], "half": s[:len(s)/2],
						"long": append(slices.Clone(s), 0), "zero before": append([]byte{0}, s...), "zeros": make([]byte, len(s)),
						"twice": slices.Concat(s, s), "ones": bytes.Repeat([]byte{0xff}, len(s)),
					} {
						if k.VerifyInput(input, bad) == nil {
							t.Errorf("key %d accepts a signature: %s", i, name)
						}
					}
					for _, other := range []string{"", input + "A", input[1:], "eyJ9.e31"} {
						if k.VerifyInput(other, s) == nil {
							t.Errorf("key %d accepts the signature for %q", i, other)
						}
					}
					for _, other := range all {
						if other.VerifyInput(input, s) == nil {
							t.Errorf("%v accepts a signature of %v", other, k)
						}
					}
				}
			}
			k, err := keys[0].WithAlgorithm(tt.method.Alg())
			all = append(all, must(t, k, err))
		})
	}
}

func TestWithAlgorithm(t *testing.T) {
	algorithms := []string{
		"HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
		"", "none", "hs256", "Ed25519", "ES256K", "RSA-OAEP", "HS256 ",
	}
	hmacOf := func(n int) token.Key {
		k, err := token.NewHMAC(bytes.Repeat(secret("h"), 2)[:n])
		return withID(t, must(t, k, err), "id")
	}
	for _, tt := range []struct {
		name string
		key  token.Key
		ok   string
		weak string
	}{
		{"64 bytes", hmacOf(64), "HS256 HS384 HS512", ""},
		{"63 bytes", hmacOf(63), "HS256 HS384", "HS512"},
		{"48 bytes", hmacOf(48), "HS256 HS384", "HS512"},
		{"47 bytes", hmacOf(47), "HS256", "HS384 HS512"},
		{"32 bytes", hmacOf(32), "HS256", "HS384 HS512"},
		{"RSA", withID(t, parseKey(t, rsaPrivateJWK), "id"), "RS256 RS384 RS512 PS256 PS384 PS512", ""},
		{"RSA public", withID(t, parseKey(t, rsaPublicJWK), "id"), "RS256 RS384 RS512 PS256 PS384 PS512", ""},
		{"P-256", withID(t, parseKey(t, p256PrivateJWK), "id"), "ES256", ""},
		{"P-521", withID(t, parseKey(t, p521PublicJWK), "id"), "ES512", ""},
		{"Ed25519", withID(t, edKey(t, "e"), "id"), "EdDSA", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, a := range algorithms {
				got, err := tt.key.WithAlgorithm(a)
				switch {
				case slices.Contains(strings.Fields(tt.ok), a):
					if err != nil || got.Algorithm() != a || got.ID() != "id" || got.CanSign() != tt.key.CanSign() {
						t.Errorf("%s: %v, %v", a, got, err)
					}
					// And from there to any other.
					if back, err := got.WithAlgorithm(tt.key.Algorithm()); err != nil || back.String() != tt.key.String() {
						t.Errorf("%s and back: %v, %v", a, back, err)
					}
				case slices.Contains(strings.Fields(tt.weak), a):
					checkKey(t, got, err, token.ErrWeakKey, "", false)
				default:
					checkKey(t, got, err, token.ErrInvalidKey, "", false)
				}
			}
		})
	}
	k, err := token.Key{}.WithAlgorithm("")
	checkKey(t, k, err, token.ErrInvalidKey, "", false)
}

// golang-jwt's own PS256 takes a salt of any length.
func TestPSSSaltLength(t *testing.T) {
	const input = "e30.e30"
	private := rsaPrivate(t)
	digest := sha256.Sum256([]byte(input))
	k := parseKey(t, withAlg(rsaPublicJWK, "PS256"))
	for salt, want := range map[int]bool{
		rsa.PSSSaltLengthEqualsHash: true, 32: true, rsa.PSSSaltLengthAuto: false, 1: false, 20: false, 31: false, 33: false, 64: false,
	} {
		s, err := rsa.SignPSS(rand.Reader, private, crypto.SHA256, digest[:], &rsa.PSSOptions{SaltLength: salt})
		must(t, s, err)
		if err := jwt.SigningMethodPS256.Verify(input, s, &private.PublicKey); err != nil {
			t.Fatalf("salt %d: no signature at all: %v", salt, err)
		}
		if err := k.VerifyInput(input, s); (err == nil) != want {
			t.Errorf("salt %d: %v", salt, err)
		}
	}
}

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

func TestSignerKMS(t *testing.T) {
	fault := errors.New("no connection")
	other := ecPrivate(t, elliptic.P256())
	der := func(r, s *big.Int) []byte {
		b, err := asn1.Marshal(struct{ R, S *big.Int }{r, s})
		return must(t, b, err)
	}
	rs := func(der []byte, err error) (r, s *big.Int) {
		var v struct{ R, S *big.Int }
		if _, e := asn1.Unmarshal(must(t, der, err), &v); e != nil {
			return new(big.Int), new(big.Int) // not ECDSA
		}
		return v.R, v.S
	}
	huge, one := new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(1)
	for _, s := range []crypto.Signer{ecPrivate(t, elliptic.P256()), rsaPrivate(t), edPrivate("e")} {
		good := newKMS(s)
		for name, sign := range map[string]func(digest []byte, opts crypto.SignerOpts) ([]byte, error){
			"error": func([]byte, crypto.SignerOpts) ([]byte, error) { return nil, fault },
			"signature beside an error": func(d []byte, o crypto.SignerOpts) ([]byte, error) {
				b, err := good.sign(d, o)
				return must(t, b, err), fault
			},
			"nil":        func([]byte, crypto.SignerOpts) ([]byte, error) { return nil, nil },
			"garbage":    func([]byte, crypto.SignerOpts) ([]byte, error) { return []byte("garbage"), nil },
			"zeros":      func([]byte, crypto.SignerOpts) ([]byte, error) { return make([]byte, 64), nil },
			"DER 0, 1":   func([]byte, crypto.SignerOpts) ([]byte, error) { return der(new(big.Int), one), nil },
			"DER 1, -1":  func([]byte, crypto.SignerOpts) ([]byte, error) { return der(one, big.NewInt(-1)), nil },
			"DER r huge": func([]byte, crypto.SignerOpts) ([]byte, error) { return der(huge, one), nil },
			"DER s huge": func([]byte, crypto.SignerOpts) ([]byte, error) { return der(one, huge), nil },
			"DER -r": func(d []byte, o crypto.SignerOpts) ([]byte, error) {
				r, s := rs(good.sign(d, o))
				return der(r.Neg(r), s), nil
			},
			"DER -s": func(d []byte, o crypto.SignerOpts) ([]byte, error) {
				r, s := rs(good.sign(d, o))
				return der(r, s.Neg(s)), nil
			},
			"DER text": func([]byte, crypto.SignerOpts) ([]byte, error) { return []byte("\x30\x02\x0c\x00"), nil },
			"cut": func(d []byte, o crypto.SignerOpts) ([]byte, error) {
				b, err := good.sign(d, o)
				return b[:len(b)-1], err
			},
			"longer": func(d []byte, o crypto.SignerOpts) ([]byte, error) {
				b, err := good.sign(d, o)
				return append(b, 0), err
			},
			"other key": func(d []byte, o crypto.SignerOpts) ([]byte, error) {
				return other.Sign(rand.Reader, d[:min(len(d), 32)], o)
			},
			"other message": func(d []byte, o crypto.SignerOpts) ([]byte, error) {
				d = slices.Clone(d)
				d[0] ^= 1
				return good.sign(d, o)
			},
		} {
			k, err := token.NewSigner(&kms{good.public, sign})
			k = must(t, k, err)
			b, err := k.SignInput("e30.e30")
			if err == nil || b != nil {
				t.Errorf("%s, %s: %x, %v", k.Algorithm(), name, b, err)
			}
			if strings.Contains(name, "error") && !errors.Is(err, fault) {
				t.Errorf("%s, %s: the error is %v", k.Algorithm(), name, err)
			}
			text, err := token.Sign(k, claims())
			if err == nil || text != "" {
				t.Errorf("%s, %s: Sign: %q, %v", k.Algorithm(), name, text, err)
			}
		}
	}
}

// What a KMS is asked for: its SDK chooses the algorithm by the options.
func TestSignerOptions(t *testing.T) {
	for alg, want := range map[string]crypto.SignerOpts{
		"RS256": crypto.SHA256, "RS384": crypto.SHA384, "RS512": crypto.SHA512,
		"PS256": &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256},
		"PS384": &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA384},
		"PS512": &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA512},
		"ES256": crypto.SHA256, "ES384": crypto.SHA384, "ES512": crypto.SHA512, "EdDSA": crypto.Hash(0),
	} {
		var public crypto.PublicKey = &rsaPrivate(t).PublicKey
		switch alg {
		case "ES256":
			public = ecPrivate(t, elliptic.P256()).Public()
		case "ES384":
			public = ecPrivate(t, elliptic.P384()).Public()
		case "ES512":
			public = ecPrivate(t, elliptic.P521()).Public()
		case "EdDSA":
			public = edPrivate("e").Public()
		}
		k, err := token.NewSigner(&kms{public, func(digest []byte, opts crypto.SignerOpts) ([]byte, error) {
			if !reflect.DeepEqual(opts, want) {
				t.Errorf("%s: options %#v", alg, opts)
			}
			if size := want.HashFunc(); size != 0 && len(digest) != size.Size() || size == 0 && string(digest) != "e30.e30" {
				t.Errorf("%s: message %x", alg, digest)
			}
			return nil, errors.New("enough")
		}})
		k, err = must(t, k, err).WithAlgorithm(alg)
		_, _ = must(t, k, err).SignInput("e30.e30")
	}
}

type valueSigner struct{ crypto.Signer }

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

// What callers do with their keys afterwards does not matter.
func TestSignerCopies(t *testing.T) {
	const input = "e30.e30"
	r, e, d := rsaPrivate(t), ecPrivate(t, elliptic.P384()), slices.Clone(edPrivate("e"))
	spoil := []func(){
		func() {
			for _, n := range []*big.Int{r.N, r.D, r.Primes[0], r.Primes[1]} {
				n.SetInt64(1)
			}
			r.E = 3
		},
		func() {
			for _, n := range []*big.Int{e.X, e.Y, e.D} {
				n.SetInt64(1)
			}
		},
		func() { clear(d) },
	}
	for i, s := range []crypto.Signer{r, e, d} {
		k, err := token.NewSigner(s)
		k = must(t, k, err)
		p, err := token.NewPublic(s.Public())
		p = must(t, p, err)
		spoil[i]()
		b, err := k.SignInput(input)
		if err := p.VerifyInput(input, must(t, b, err)); err != nil {
			t.Errorf("%v: %v", k, err)
		}
	}
}

func TestPublic(t *testing.T) {
	for _, tt := range []struct{ jwk, want string }{
		{rsaPrivateJWK, ``},
		{withAlg(`{`+thumbprintMembers+`}`, "PS512"), `{"e":"AQAB","kty":"RSA",` + strings.Split(thumbprintMembers, ",")[1] + `,"alg":"PS512","kid":"` + thumbprint + `","use":"sig"}`},
		{p256PrivateJWK, ``},
		{p521PublicJWK, ``},
		{edPrivateJWK, `{"crv":"Ed25519","kty":"OKP","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","alg":"EdDSA","kid":"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k","use":"sig"}`},
	} {
		k := parseKey(t, tt.jwk)
		got, ok := k.Public()
		if !ok || tt.want != "" && string(got) != tt.want {
			t.Errorf("%v: %s", k, got)
		}
		// The members that name the key are those of the JWK, and nothing else is there.
		var from, to map[string]string
		if json.Unmarshal([]byte(tt.jwk), &from) != nil || json.Unmarshal(got, &to) != nil {
			t.Fatalf("%v: %s", k, got)
		}
		want := map[string]string{"alg": k.Algorithm(), "kid": k.ID(), "use": "sig"}
		for _, name := range []string{"kty", "crv", "n", "e", "x", "y"} {
			if v, ok := from[name]; ok {
				want[name] = v
			}
		}
		if !reflect.DeepEqual(to, want) {
			t.Errorf("%v: %s", k, got)
		}
		clear(got)
		if again, _ := k.Public(); !bytes.HasPrefix(again, []byte("{")) {
			t.Errorf("%v can be changed", k)
		}
	}
	if got, ok := hmacKey(t, "h").Public(); ok || got != nil {
		t.Errorf("HMAC: %s", got)
	}
	if got, ok := (token.Key{}).Public(); ok || got != nil {
		t.Errorf("zero Key: %s", got)
	}
}

// States of a MAC are shared among calls: none may see another's input.
func TestHMACConcurrent(t *testing.T) {
	k, theirs := hmacKey(t, "h"), jwt.SigningMethodHS256
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 200 {
				input := strings.Repeat(fmt.Sprint(i), j)
				s, err := k.SignInput(input)
				if err != nil || theirs.Verify(input, s, secret("h")) != nil || k.VerifyInput(input, s) != nil || k.VerifyInput(input+".", s) == nil {
					t.Errorf("%d, %d: %v", i, j, err)
				}
			}
		})
	}
	wg.Wait()
}

func TestHMACAllocations(t *testing.T) {
	k := hmacKey(t, "h")
	input := strings.Repeat("a", 500)
	s, err := k.SignInput(input)
	must(t, s, err)
	limit := 0.0
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		limit = 3 // a sync.Pool then drops every fourth on purpose
	}
	if n := testing.AllocsPerRun(200, func() { _ = k.VerifyInput(input, s) }); n > limit {
		t.Errorf("%v allocations", n)
	}
}
