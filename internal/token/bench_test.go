package token_test

import (
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/seed89488a0c/auth/internal/token"
)

// BenchmarkParse compares with golang-jwt on the same token, with all that it
// can be told to demand. The target is at most two to three times its time.
func BenchmarkParse(b *testing.B) {
	type reference struct {
		jwt.RegisteredClaims
		ClientID  string `json:"client_id"`
		SessionID string `json:"sid"`
		AuthTime  int64  `json:"auth_time"`
	}
	now := at(1)
	p := newParser(b, ourRules(b))
	for _, s := range signers() {
		text := s.mint(b, s.header, payload)
		b.Run(s.method.Alg()+"/ours", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.Parse(text, now); err != nil {
					b.Fatal(err)
				}
			}
		})
		q := jwt.NewParser(
			jwt.WithValidMethods([]string{s.method.Alg()}), jwt.WithStrictDecoding(), jwt.WithIssuer(issuer), jwt.WithAudience(audience),
			jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithTimeFunc(func() time.Time { return now }),
		)
		key := func(*jwt.Token) (any, error) { return s.public, nil }
		b.Run(s.method.Alg()+"/golang-jwt", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := q.ParseWithClaims(text, &reference{}, key); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkParseRefused is what a flood of bad tokens costs.
func BenchmarkParseRefused(b *testing.B) {
	p := newParser(b, ourRules(b))
	s := hmacSigner()
	text := s.mint(b, s.header, payload)
	for name, bad := range map[string]string{
		"malformed":   "a.b",
		"unknown key": s.mint(b, change(b, s.header, `"h"`, `"x"`), payload),
		"signature":   text[:len(text)-4] + "AAAA",
		"expired":     s.mint(b, s.header, change(b, payload, "1700000900", "1700000001")),
		"most names":  s.mint(b, s.header, change(b, payload, "1699999000}", `1699999000,"x":`+wide(700)+",}")),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.Parse(bad, at(1)); err == nil {
					b.Fatal("accepted")
				}
			}
		})
	}
}

func BenchmarkSign(b *testing.B) {
	for _, k := range ourRules(b).keys {
		b.Run(k.Algorithm(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := token.Sign(k, claims()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
