package token_test

import (
	"bytes"
	"crypto/elliptic"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/seed89488a0c/auth/internal/token"
)

// FuzzParseKey parses any text. What is a key does what a key does, and what it
// publishes is the same key to others.
func FuzzParseKey(f *testing.F) {
	p256 := ecPrivate(f, elliptic.P256())
	for _, text := range []string{
		"", "{}", rsaPrivateJWK, rsaPublicJWK, p256PrivateJWK, p256PublicJWK, p521PrivateJWK, edPrivateJWK, edPublicJWK, octJWK,
		withAlg(rsaPrivateJWK, "PS512"), withAlg(octJWK, "HS512"), with(edPrivateJWK, `"kid":"a","use":"sig","key_ops":["sign"]`),
		block("PRIVATE KEY", pkcs8(f, edPrivate("e"))), block("EC PRIVATE KEY", sec1(f, p256)), block("PUBLIC KEY", pkix(f, p256.Public())),
		block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaPrivate(f))), block("CERTIFICATE", certificate(f, edPrivate("e"))),
		ecParameters(f) + block("EC PRIVATE KEY", sec1(f, p256)),
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		before := bytes.Clone(text)
		k, err := token.ParseKey(text)
		if !bytes.Equal(text, before) {
			t.Fatal("the text was changed")
		}
		if err != nil {
			if !errors.Is(err, token.ErrInvalidKey) && !errors.Is(err, token.ErrWeakKey) || k != (token.Key{}) {
				t.Fatalf("%v, %v", k, err)
			}
			return
		}
		if again, err := k.WithID(k.ID()); err != nil || again.String() != k.String() {
			t.Errorf("the ID is none: %v", k)
		}
		public, published := k.Public()
		verifier := k
		if published {
			keys, _, err := token.ParseSet([]byte(set(string(public))))
			if err != nil || len(keys) != 1 || keys[0].String() != k.String() || keys[0].CanSign() {
				t.Fatalf("%v becomes %v, %v", k, keys, err)
			}
			verifier = keys[0]
			if again, _ := verifier.Public(); !bytes.Equal(again, public) {
				t.Errorf("%s becomes %s", public, again)
			}
		}
		if !k.CanSign() {
			if !published {
				t.Errorf("%v has no public half, and does not sign", k)
			}
			return
		}
		signature, err := k.SignInput("e30.e30")
		if err != nil {
			t.Fatalf("%v: %v", k, err)
		}
		if k.VerifyInput("e30.e30", signature) != nil || verifier.VerifyInput("e30.e30", signature) != nil {
			t.Errorf("%v refuses its own signature", k)
		}
	})
}

// FuzzParseSet parses any text. The keys only verify, each is the one of its ID and
// algorithm, in a set of its own it is what it was among others, and all of them twice
// are the same keys.
func FuzzParseSet(f *testing.F) {
	for _, text := range []string{
		"", "{}", set(), set(edPublicJWK), set(rsaPublicJWK, p256PublicJWK, p521PublicJWK, with(edPublicJWK, `"kid":"a/b <\u00e9>"`)),
		set(octJWK, rsaPrivateJWK, edPrivateJWK), set(edPublicJWK, edPublicJWK), set(withAlg(rsaPublicJWK, "RS256"), withAlg(rsaPublicJWK, "RS512"), rsaPublicJWK), `{"keys":[1,{"kty":"new","x":[]}],"keys":[]}`,
		set(with(edPublicJWK, `"use":"enc"`), withAlg(rsaPublicJWK, "RSA-OAEP"), with(p256PublicJWK, `"key_ops":["verify"]`)),
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		keys, passed, err := token.ParseSet(text)
		if err != nil {
			if !errors.Is(err, token.ErrInvalidKey) || keys != nil || passed != nil {
				t.Fatalf("%v, %v, %v", keys, passed, err)
			}
			return
		}
		for _, p := range passed {
			if p.Code == "" || p.ID != "" && (len(p.ID) > 256 || !token.ValidText(p.ID)) {
				t.Errorf("passed over %+v", p)
			}
		}
		if len(passed) > 64 {
			t.Errorf("%d are told of", len(passed))
		}
		all := token.NewForeignSet(keys)
		var names, jwks []string
		for _, k := range keys {
			jwk, ok := k.Public()
			if k.CanSign() || k.ID() == "" || len(k.ID()) > 256 || !utf8.ValidString(k.ID()) || !ok {
				t.Fatalf("%v", k)
			}
			names, jwks = append(names, k.String()), append(jwks, string(jwk))
			again, _, err := token.ParseSet([]byte(set(string(jwk))))
			if err != nil || len(again) != 1 || again[0].String() != k.String() {
				t.Fatalf("%s becomes %v, %v", jwk, again, err)
			}
			if chosen, err := all.Choose(k.ID(), k.Algorithm()); err != nil || chosen.String() != k.String() {
				t.Errorf("%v is not found: %v, %v", k, chosen, err)
			}
			if k.VerifyInput("e30.e30", make([]byte, 64)) == nil {
				t.Errorf("%s accepts zeros", jwk)
			}
		}
		twice, passed, err := token.ParseSet([]byte(set(append(jwks, jwks...)...)))
		if err != nil && len(keys) <= 64 || passed != nil || fmt.Sprint(twice) != fmt.Sprint(keys) {
			t.Errorf("twice, %v are %v, and passed over are %v: %v", keys, twice, passed, err)
		}
		slices.Sort(names)
		if len(slices.Compact(names)) != len(keys) || len(keys) > 64 {
			t.Errorf("%v", keys)
		}
	})
}
