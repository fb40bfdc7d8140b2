package token_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
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
			//lint:ignore SA1019 a caller may change the raw number
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
