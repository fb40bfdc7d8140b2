package token_test

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"

	"github.com/seed89488a0c/auth/internal/token"
)

func block(typ string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: typ, Bytes: der}))
}

func pkcs8(t testing.TB, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	return must(t, der, err)
}

func pkix(t testing.TB, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	return must(t, der, err)
}

func sec1(t testing.TB, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	der, err := x509.MarshalECPrivateKey(key)
	return must(t, der, err)
}

func certificate(t testing.TB, key crypto.Signer) []byte {
	t.Helper()
	c := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	return must(t, der, err)
}

// ecParameters is what "openssl ecparam -genkey" writes before the key.
func ecParameters(t testing.TB) string {
	t.Helper()
	der, err := asn1.Marshal(asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 7})
	return block("EC PARAMETERS", must(t, der, err))
}

func TestParsePEM(t *testing.T) {
	r, ed := rsaPrivate(t), edPrivate("e")
	p256, p384, p521 := ecPrivate(t, elliptic.P256()), ecPrivate(t, elliptic.P384()), ecPrivate(t, elliptic.P521())
	for _, tt := range []struct {
		name, text string
		key        crypto.Signer
		algorithm  string
		signs      bool
	}{
		{"PKCS 8 RSA", block("PRIVATE KEY", pkcs8(t, r)), r, "RS256", true},
		{"PKCS 8 P-256", block("PRIVATE KEY", pkcs8(t, p256)), p256, "ES256", true},
		{"PKCS 8 P-384", block("PRIVATE KEY", pkcs8(t, p384)), p384, "ES384", true},
		{"PKCS 8 P-521", block("PRIVATE KEY", pkcs8(t, p521)), p521, "ES512", true},
		{"PKCS 8 Ed25519", block("PRIVATE KEY", pkcs8(t, ed)), ed, "EdDSA", true},
		{"PKCS 1", block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(r)), r, "RS256", true},
		{"SEC 1", block("EC PRIVATE KEY", sec1(t, p256)), p256, "ES256", true},
		{"SEC 1 after parameters", ecParameters(t) + block("EC PRIVATE KEY", sec1(t, p256)), p256, "ES256", true},
		{"SEC 1 after parameters and a blank line", ecParameters(t) + "\r\n" + block("EC PRIVATE KEY", sec1(t, p256)), p256, "ES256", true},
		{"PKIX RSA", block("PUBLIC KEY", pkix(t, &r.PublicKey)), r, "RS256", false},
		{"PKIX P-384", block("PUBLIC KEY", pkix(t, &p384.PublicKey)), p384, "ES384", false},
		{"PKIX Ed25519", block("PUBLIC KEY", pkix(t, ed.Public())), ed, "EdDSA", false},
		{"PKCS 1 public", block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&r.PublicKey)), r, "RS256", false},
		{"certificate RSA", block("CERTIFICATE", certificate(t, r)), r, "RS256", false},
		{"certificate P-521", block("CERTIFICATE", certificate(t, p521)), p521, "ES512", false},
		{"certificate Ed25519", block("CERTIFICATE", certificate(t, ed)), ed, "EdDSA", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, text := range []string{
				tt.text, "\n \t\r\n" + tt.text + "\n\n\t ", strings.TrimSpace(tt.text), strings.ReplaceAll(tt.text, "\n", "\r\n"),
			} {
				k, err := token.ParseKey([]byte(text))
				checkKey(t, k, err, nil, tt.algorithm, tt.signs)
				whole, err := token.NewSigner(tt.key)
				if k.ID() != must(t, whole, err).ID() {
					t.Errorf("ID %s, want %s", k.ID(), whole.ID())
				}
				signature, err := whole.SignInput("e30.e30")
				if err := k.VerifyInput("e30.e30", must(t, signature, err)); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestParsePEMRefuses(t *testing.T) {
	p256 := ecPrivate(t, elliptic.P256())
	good := block("EC PRIVATE KEY", sec1(t, p256))
	public := block("PUBLIC KEY", pkix(t, p256.Public()))
	x25519, err := ecdh.X25519().GenerateKey(rand.Reader)
	must(t, x25519, err)
	//lint:ignore SA1019 such files are what is tested
	legacy, err := x509.EncryptPEMBlock(rand.Reader, "EC PRIVATE KEY", sec1(t, p256), []byte("password"), x509.PEMCipherAES256)
	encrypted := string(pem.EncodeToMemory(must(t, legacy, err)))
	header := strings.Replace(good, "-----\n", "-----\nComment: mine\n\n", 1)
	weak := func(n *big.Int, e int) string {
		return block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&rsa.PublicKey{N: n, E: e}))
	}
	for _, tt := range []struct {
		name, text string
		want       error
		reason     string // a part of the message
	}{
		{"nothing", "", token.ErrInvalidKey, ""},
		{"white space", " \n", token.ErrInvalidKey, ""},
		{"text", "key", token.ErrInvalidKey, ""},
		{"DER", string(sec1(t, p256)), token.ErrInvalidKey, ""},
		{"base64 alone", strings.Split(good, "\n")[1], token.ErrInvalidKey, ""},
		{"SSH", block("OPENSSH PRIVATE KEY", []byte("openssh-key-v1\x00")), token.ErrInvalidKey, "no key"},
		{"certificate request", block("CERTIFICATE REQUEST", []byte("\x30\x00")), token.ErrInvalidKey, "no key"},
		{"lower case", strings.Replace(strings.Replace(good, "EC PRIVATE", "ec private", 1), "EC PRIVATE", "ec private", 1), token.ErrInvalidKey, ""},
		{"encrypted", block("ENCRYPTED PRIVATE KEY", []byte("\x30\x00")), token.ErrInvalidKey, "encrypted"},
		{"encrypted, as of old", encrypted, token.ErrInvalidKey, "encrypted"},
		{"with a header", header, token.ErrInvalidKey, "header"},

		{"two keys", good + good, token.ErrInvalidKey, "exactly one"},
		{"private and public", good + public, token.ErrInvalidKey, "exactly one"},
		{"two certificates", strings.Repeat(block("CERTIFICATE", certificate(t, p256)), 2), token.ErrInvalidKey, "exactly one"},
		{"parameters alone", ecParameters(t), token.ErrInvalidKey, "exactly one"},
		{"parameters twice", ecParameters(t) + ecParameters(t) + good, token.ErrInvalidKey, "exactly one"},
		{"parameters after", good + ecParameters(t), token.ErrInvalidKey, "exactly one"},
		{"parameters and a public key", ecParameters(t) + public, token.ErrInvalidKey, "exactly one"},
		{"parameters and two keys", ecParameters(t) + good + good, token.ErrInvalidKey, "exactly one"},
		{"text before", "mine\n" + good, token.ErrInvalidKey, "exactly one"},
		{"text after", good + "mine\n", token.ErrInvalidKey, "exactly one"},
		{"text between", ecParameters(t) + "mine\n" + good, token.ErrInvalidKey, "exactly one"},
		{"a byte order mark", "\ufeff" + good, token.ErrInvalidKey, ""},
		{"a form feed before", "\f" + good, token.ErrInvalidKey, ""},
		{"a NUL after", good + "\x00", token.ErrInvalidKey, ""},
		{"a broken block before", "-----BEGIN X-----\n!\n-----END X-----\n" + good, token.ErrInvalidKey, "exactly one"},
		{"a begin line before", "-----BEGIN EC PRIVATE KEY-----\n" + good, token.ErrInvalidKey, "exactly one"},
		{"a JWK after", good + p256PublicJWK, token.ErrInvalidKey, ""},
		{"no end", good[:strings.Index(good, "-----END")], token.ErrInvalidKey, ""},
		{"another end", strings.Replace(good, "END EC", "END RSA", 1), token.ErrInvalidKey, ""},

		{"truncated DER", block("EC PRIVATE KEY", sec1(t, p256)[:100]), token.ErrInvalidKey, "unsupported EC PRIVATE KEY"},
		{"empty block", block("PRIVATE KEY", nil), token.ErrInvalidKey, "unsupported PRIVATE KEY"},
		{"more in SEC 1", block("EC PRIVATE KEY", append(sec1(t, p256), 0)), token.ErrInvalidKey, "malformed"},
		{"more in PKCS 8", block("PRIVATE KEY", append(pkcs8(t, p256), 5, 0)), token.ErrInvalidKey, "malformed"},
		{"more in PKIX", block("PUBLIC KEY", append(pkix(t, p256.Public()), 5, 0)), token.ErrInvalidKey, "malformed"},
		{"PKCS 8 as SEC 1", block("EC PRIVATE KEY", pkcs8(t, p256)), token.ErrInvalidKey, "malformed"},
		{"SEC 1 as PKCS 8", block("PRIVATE KEY", sec1(t, p256)), token.ErrInvalidKey, "malformed"},
		{"public as private", block("PRIVATE KEY", pkix(t, p256.Public())), token.ErrInvalidKey, "malformed"},
		{"private as public", block("PUBLIC KEY", pkcs8(t, p256)), token.ErrInvalidKey, "malformed"},

		{"X25519", block("PRIVATE KEY", pkcs8(t, x25519)), token.ErrInvalidKey, "neither RSA"},
		{"X25519 public", block("PUBLIC KEY", pkix(t, x25519.PublicKey())), token.ErrInvalidKey, "neither RSA"},
		{"P-224", block("PRIVATE KEY", pkcs8(t, ecPrivate(t, elliptic.P224()))), token.ErrInvalidKey, "curve"},
		{"RSA of 1024 bits", weak(new(big.Int).SetBit(big.NewInt(1), 1023, 1), 65537), token.ErrWeakKey, "2048"},
		{"RSA with e=3", weak(rsaPrivate(t).N, 3), token.ErrWeakKey, "65537"},
		{"RSA of 9000 bits", weak(new(big.Int).SetBit(big.NewInt(1), 8999, 1), 65537), token.ErrInvalidKey, "8192"},

		{"64 KiB", strings.Repeat("\n", 64<<10-len(good)) + good, nil, ""},
		{"64 KiB and one", strings.Repeat("\n", 64<<10-len(good)+1) + good, token.ErrInvalidKey, "65536"},
		{"1 MB", strings.Repeat(good, 1<<20/len(good)), token.ErrInvalidKey, "65536"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k, err := token.ParseKey([]byte(tt.text))
			checkKey(t, k, err, tt.want, "ES256", true)
			if err != nil && !strings.Contains(err.Error(), tt.reason) {
				t.Errorf("%v; want a word on %q", err, tt.reason)
			}
		})
	}
}

// No error repeats a piece of what it was about.
func TestParseKeyErrors(t *testing.T) {
	p256 := ecPrivate(t, elliptic.P256())
	texts := []string{
		rsaPrivateJWK, p256PrivateJWK, edPrivateJWK, octJWK, block("PRIVATE KEY", pkcs8(t, p256)), block("EC PRIVATE KEY", sec1(t, p256)),
		block("PRIVATE KEY", pkcs8(t, rsaPrivate(t))),
	}
	for _, text := range texts {
		for i := 0; i < len(text); i += 7 {
			for _, bad := range []string{text[:i], text[:i] + "!" + text[i:], text[:i] + "A" + text[i:], text[:i] + text[i+1:]} {
				_, err := token.ParseKey([]byte(bad))
				if err == nil {
					continue
				}
				for _, word := range strings.FieldsFunc(err.Error(), func(r rune) bool { return strings.ContainsRune(" :,", r) }) {
					if len(word) > 10 && strings.Contains(text, word) {
						t.Fatalf("%v\n%s", err, bad)
					}
				}
			}
		}
	}
}

// What crypto/x509 makes of a key before we see its size must not take long.
func TestParseKeyHuge(t *testing.T) {
	n := new(big.Int).SetBytes(bytes.Repeat([]byte{0xff}, 5000))
	der, err := asn1.Marshal(struct {
		Version             int
		N                   *big.Int
		E                   int
		D, P, Q, DP, DQ, QI *big.Int
	}{0, n, 65537, n, n, n, n, n, n})
	k, err := token.ParseKey([]byte(block("RSA PRIVATE KEY", must(t, der, err))))
	checkKey(t, k, err, token.ErrInvalidKey, "", false)
}
