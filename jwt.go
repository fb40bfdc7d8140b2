package auth

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/seed89488a0c/auth/internal/row"
	"github.com/seed89488a0c/auth/internal/token"
)

// JWTConfig says what a [JWTIssuer] issues and accepts. Issuer, Audience and
// either Keys or Source are required: there is no safe default for them.
type JWTConfig struct {
	Issuer   string // iss: who issues, usually the service's URL
	Audience string // aud: whom the tokens are for; Parse accepts no others

	// OtherAudiences are in aud too: services that accept these tokens as well.
	OtherAudiences []string

	// Keys holds the keys that verify; the first of them signs. Key IDs must differ.
	Keys []Key

	// Source gives the keys instead of Keys, where they change.
	Source KeySource

	TTL    time.Duration // from issue to expiry, whole seconds, up to ten years; 0 = 15 minutes
	Leeway time.Duration // for which an expired token is still accepted, at most 5 minutes; 0 = none

	// Cache is how many accepted tokens to remember, so that their signature is
	// not checked again; everything else is, each time. They are held in memory
	// with their claims, at most 6 KiB each; tokens above 2 KiB are not. 0 = 1024,
	// negative = none, at most 1<<20.
	Cache int
}

// JWTIssuer issues and parses access tokens as JWTs in the profile of RFC 9068,
// by the rules of RFC 8725. It is safe for concurrent use.
//
// A token expires exactly TTL after the second it was issued in; nbf and iat
// may lie up to 5 seconds in the future, since two machines' clocks differ.
type JWTIssuer struct {
	config JWTConfig
	parser *token.Parser
	static *compiledKeys // nil: ask the source
	latest atomic.Pointer[compiledKeys]
}

// NewJWTIssuer returns an issuer, or says what is wrong with c.
func NewJWTIssuer(c JWTConfig) (*JWTIssuer, error) {
	j, err := newJWTIssuer(c)
	if err != nil {
		return nil, fmt.Errorf("auth: JWTConfig: %w", err)
	}
	return j, nil
}

func newJWTIssuer(c JWTConfig) (*JWTIssuer, error) {
	c.TTL = cmp.Or(c.TTL, token.DefaultTTL)
	switch {
	case !token.ValidTTL(c.TTL):
		return nil, errors.New("the TTL is not a whole number of seconds up to ten years")
	case c.Source != nil && len(c.Keys) > 0:
		return nil, errors.New("both Keys and Source are given")
	}
	parser, err := token.NewParser(token.Rules{
		Issuer:   c.Issuer,
		Audience: c.Audience,
		Leeway:   c.Leeway,
		Skew:     token.ClockSkew,
		Cache:    c.Cache,
	})
	if err != nil {
		return nil, err
	}
	c.Keys, c.OtherAudiences = slices.Clone(c.Keys), slices.Clone(c.OtherAudiences)
	j := &JWTIssuer{config: c, parser: parser}
	keys := KeySet{Keys: []Key{GenerateKey()}} // of a source nothing is known yet
	if c.Source == nil {
		keys.Keys = c.Keys
	}
	compiled, err := keys.compile()
	if err != nil {
		return nil, err
	}
	if !compiled.signer.CanSign() {
		return nil, errors.New("the first key cannot sign")
	}
	if c.Source == nil {
		j.static = compiled
	}
	// What no token can carry is found now, not at a login: JSON writes < in six bytes.
	longest := strings.Repeat("<", row.MaxID)
	issued, err := j.sign(compiled.signer, Subject{UserID: longest, SessionID: longest, AuthTime: time.Now()})
	if err != nil || j.static == nil {
		return j, err
	}
	// And so is a KMS whose public key is not that of its private one.
	if _, err := parser.Parse(j.static.all, issued.Token, time.Now()); err != nil {
		return nil, errors.New("the first key does not verify what it signs")
	}
	return j, nil
}

// Issue returns a token. It fails for a subject that no token can carry: an
// empty user ID, text that is not UTF-8 or has control characters, claims that
// may not be there, more than 8 KiB. An AuthTime in the future, by another
// machine's clock, becomes now.
func (j *JWTIssuer) Issue(ctx context.Context, s Subject) (IssuedToken, error) {
	keys, err := j.keys(ctx)
	if err != nil {
		return IssuedToken{}, err
	}
	if longest := keys.from.MaxTTL; longest != 0 && cmp.Or(s.TTL, j.config.TTL)+j.config.Leeway > longest {
		return IssuedToken{}, &dependencyError{op: "issue token", kind: "the TTL and Leeway are above the keys' MaxTTL", matches: []error{ErrUnavailable}}
	}
	issued, err := j.sign(keys.signer, s)
	if err != nil {
		return IssuedToken{}, fmt.Errorf("auth: %w", err)
	}
	return issued, nil
}

func (j *JWTIssuer) sign(key token.Key, s Subject) (IssuedToken, error) {
	ttl := cmp.Or(s.TTL, j.config.TTL)
	if !token.ValidTTL(ttl) {
		return IssuedToken{}, errors.New("the Subject's TTL is not a whole number of seconds up to ten years")
	}
	now := time.Now().UTC().Truncate(time.Second)
	expires := now.Add(ttl)
	authTime := s.AuthTime.UTC().Truncate(time.Second)
	if authTime.After(now) {
		authTime = now
	}
	signed, err := token.Sign(key, token.Claims{
		Issuer:         j.config.Issuer,
		Audience:       j.config.Audience,
		OtherAudiences: j.config.OtherAudiences,
		Subject:        s.UserID,
		ClientID:       j.config.Audience,
		ID:             rand.Text(),
		SessionID:      s.SessionID,
		IssuedAt:       now,
		NotBefore:      now,
		ExpiresAt:      expires,
		AuthTime:       authTime,
		AMR:            s.AMR,
		ACR:            s.ACR,
		Custom:         string(s.Claims),
	})
	if err != nil {
		return IssuedToken{}, err
	}
	return IssuedToken{Token: signed, ExpiresAt: expires}, nil
}

// Parse returns what a token says. A token of more than 8 KiB, with members
// twice, a header it does not know, or anything else that this issuer would not
// have written is [ErrInvalidToken], as a [*TokenError] with the reason.
func (j *JWTIssuer) Parse(ctx context.Context, accessToken string) (Identity, error) {
	keys, err := j.keys(ctx)
	if err != nil {
		return Identity{}, err
	}
	return j.parser.Parse(keys.all, accessToken, time.Now())
}

// Keys returns the keys of the moment: a JWTIssuer is a [KeySource], for package
// authhttp's JWKS.
func (j *JWTIssuer) Keys(ctx context.Context) (*KeySet, error) {
	keys, err := j.keys(ctx)
	if err != nil {
		return nil, err
	}
	return keys.from, nil
}

func (j *JWTIssuer) keys(ctx context.Context) (*compiledKeys, error) {
	if j.static != nil {
		return j.static, nil
	}
	set, err := j.config.Source.Keys(ctx)
	if err != nil {
		return nil, unavailable("keys", err)
	}
	if known := j.latest.Load(); known != nil && known.from == set {
		return known, nil
	}
	keys, err := set.compile()
	if err != nil {
		return nil, &dependencyError{op: "keys", kind: err.Error(), matches: []error{ErrUnavailable}}
	}
	j.latest.Store(keys)
	return keys, nil
}
