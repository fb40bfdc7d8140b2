package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"math/big"
	"strings"
	"time"

	cristal "github.com/cristalhq/jwt/v4"
	"github.com/go-jose/go-jose/v4"
	josejwt "github.com/go-jose/go-jose/v4/jwt"
	"github.com/golang-jwt/jwt/v5"
	"github.com/lestrrat-go/jwx/v3/jwa"
	jwxjwt "github.com/lestrrat-go/jwx/v3/jwt"

	"github.com/seed89488a0c/auth"
)

const (
	issuer   = "https://issuer.example"
	audience = "https://api.example"
	userID   = "0195f3a4-7c5e-7d3b-9a41-0c6a4f1e2d3c"
)

// claims is what is read beside the registered ones.
type claims struct {
	ClientID  string `json:"client_id"`
	SessionID string `json:"sid"`
	AuthTime  int64  `json:"auth_time"`
}

// subject is a token, and what verifies it and makes more.
type subject struct {
	alg      string
	private  any
	public   any
	token    string
	uncached *auth.JWTIssuer
	cached   *auth.JWTIssuer
}

func newSubject(alg string) (*subject, error) {
	s := &subject{alg: alg}
	var key auth.Key
	var err error
	switch alg {
	case "HS256":
		secret := make([]byte, 32)
		rand.Read(secret)
		s.private, s.public = secret, secret
		key, err = auth.HMACKey(secret)
	case "EdDSA":
		public, private, _ := ed25519.GenerateKey(rand.Reader)
		s.private, s.public = private, public
		key, err = auth.SigningKey(private)
	case "ES256":
		private, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		s.private, s.public = private, &private.PublicKey
		key, err = auth.SigningKey(private)
	case "RS256":
		private, _ := rsa.GenerateKey(rand.Reader, 2048)
		s.private, s.public = private, &private.PublicKey
		key, err = auth.SigningKey(private)
	}
	if err != nil {
		return nil, err
	}
	c := auth.JWTConfig{Issuer: issuer, Audience: audience, Keys: []auth.Key{key}, TTL: 24 * time.Hour}
	if s.cached, err = auth.NewJWTIssuer(c); err != nil {
		return nil, err
	}
	c.Cache = -1
	if s.uncached, err = auth.NewJWTIssuer(c); err != nil {
		return nil, err
	}
	issued, err := s.cached.Issue(context.Background(), s.who())
	s.token = issued.Token
	return s, err
}

func (s *subject) who() auth.Subject {
	return auth.Subject{UserID: userID, SessionID: userID, AuthTime: time.Now()}
}

var errWrong = errors.New("wrong claims")

func (s *subject) verifiers() []contestant {
	reference := jwt.NewParser(jwt.WithValidMethods([]string{s.alg}), jwt.WithStrictDecoding(), jwt.WithIssuer(issuer),
		jwt.WithAudience(audience), jwt.WithExpirationRequired(), jwt.WithIssuedAt())
	joseAlg := []jose.SignatureAlgorithm{jose.SignatureAlgorithm(s.alg)}
	expected := josejwt.Expected{Issuer: issuer, AnyAudience: josejwt.Audience{audience}}
	jwxAlg, _ := jwa.LookupSignatureAlgorithm(s.alg)
	cristalVerifier := s.cristal()
	ctx := context.Background()
	parse := func(i *auth.JWTIssuer) func() error {
		return func() error {
			id, err := i.Parse(ctx, s.token)
			if err == nil && id.UserID != userID {
				return errWrong
			}
			return err
		}
	}
	return []contestant{
		{"golang-jwt/v5", func() error {
			var c struct {
				jwt.RegisteredClaims
				claims
			}
			_, err := reference.ParseWithClaims(s.token, &c, func(*jwt.Token) (any, error) { return s.public, nil })
			if err == nil && c.Subject != userID {
				return errWrong
			}
			return err
		}},
		{"auth", parse(s.uncached)},
		{"auth, repeated token", parse(s.cached)},
		{"lestrrat-go/jwx/v3", func() error {
			t, err := jwxjwt.Parse([]byte(s.token), jwxjwt.WithKey(jwxAlg, s.public), jwxjwt.WithIssuer(issuer), jwxjwt.WithAudience(audience), jwxjwt.WithRequiredClaim("exp"))
			if err != nil {
				return err
			}
			if sub, _ := t.Subject(); sub != userID {
				return errWrong
			}
			return nil
		}},
		{"go-jose/v4", func() error {
			t, err := josejwt.ParseSigned(s.token, joseAlg)
			if err != nil {
				return err
			}
			var c struct {
				josejwt.Claims
				claims
			}
			if err := t.Claims(s.public, &c); err != nil {
				return err
			}
			if c.Subject != userID || c.Expiry == nil {
				return errWrong
			}
			return c.Claims.ValidateWithLeeway(expected.WithTime(time.Now()), 0)
		}},
		{"cristalhq/jwt/v4", func() error {
			var c struct {
				cristal.RegisteredClaims
				claims
			}
			if err := cristal.ParseClaims([]byte(s.token), cristalVerifier, &c); err != nil {
				return err
			}
			if c.Subject != userID || c.ExpiresAt == nil || !c.IsIssuer(issuer) || !c.IsForAudience(audience) || !c.IsValidAt(time.Now()) {
				return errWrong
			}
			return nil
		}},
		{"the bare primitive", s.bare},
	}
}

func (s *subject) cristal() cristal.Verifier {
	var v cristal.Verifier
	switch key := s.public.(type) {
	case []byte:
		v, _ = cristal.NewVerifierHS(cristal.HS256, key)
	case ed25519.PublicKey:
		v, _ = cristal.NewVerifierEdDSA(key)
	case *ecdsa.PublicKey:
		v, _ = cristal.NewVerifierES(cristal.ES256, key)
	case *rsa.PublicKey:
		v, _ = cristal.NewVerifierRS(cristal.RS256, key)
	}
	return v
}

// bare splits, decodes and checks one signature: less than any verifier can do.
func (s *subject) bare() error {
	i := strings.LastIndexByte(s.token, '.')
	input, mac := s.token[:i], s.token[i+1:]
	_, body, _ := strings.Cut(input, ".")
	if _, err := base64.RawURLEncoding.DecodeString(body); err != nil {
		return err
	}
	signature, err := base64.RawURLEncoding.DecodeString(mac)
	if err != nil {
		return err
	}
	var good bool
	switch key := s.public.(type) {
	case []byte:
		h := hmac.New(sha256.New, key)
		h.Write([]byte(input))
		good = hmac.Equal(h.Sum(nil), signature)
	case ed25519.PublicKey:
		good = ed25519.Verify(key, []byte(input), signature)
	case *ecdsa.PublicKey:
		sum := sha256.Sum256([]byte(input))
		good = ecdsa.Verify(key, sum[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:]))
	case *rsa.PublicKey:
		sum := sha256.Sum256([]byte(input))
		good = rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature) == nil
	}
	if !good {
		return errWrong
	}
	return nil
}

func (s *subject) issuers() []contestant {
	ctx := context.Background()
	secret := s.private.([]byte)
	registered := func() jwt.RegisteredClaims {
		now := time.Now()
		return jwt.RegisteredClaims{
			Issuer: issuer, Subject: userID, Audience: jwt.ClaimStrings{audience}, ID: rand.Text(),
			IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(time.Hour)),
		}
	}
	return []contestant{
		{"golang-jwt/v5", func() error {
			t := jwt.NewWithClaims(jwt.SigningMethodHS256, struct {
				jwt.RegisteredClaims
				claims
			}{registered(), claims{audience, userID, time.Now().Unix()}})
			t.Header["kid"], t.Header["typ"] = "key", "at+jwt"
			_, err := t.SignedString(secret)
			return err
		}},
		{"auth", func() error {
			_, err := s.cached.Issue(ctx, s.who())
			return err
		}},
	}
}
