package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seed89488a0c/auth/internal/input"
	"github.com/seed89488a0c/auth/internal/row"
	"github.com/seed89488a0c/auth/internal/token"
)

// JWTConfig says what a [JWTIssuer] issues and accepts. Issuer, Audience and
// either Keys or Source are required: there is no safe default for them.
type JWTConfig struct {
	Issuer   string // iss: who issues, usually the service's URL
	Audience string // aud: this service; Parse accepts no tokens that are not for it

	// OtherAudiences are other services that accept these tokens: in aud too, unless a
	// [Subject] asks for less. None of the audiences has a space or is there twice. A
	// token for several is refused where it would act on the user's account, see
	// [Authenticator.CheckIdentity]: each of those services could replay it.
	OtherAudiences []string

	// ACR says how surely an amr proves who somebody is, in the service's own terms (RFC
	// 9068 §2.2.1, RFC 9470): "pwd" is a password alone. It is asked for every token, at
	// a refresh too, so that a new policy holds at once and no refresh is worth more
	// than its login. It is not asked for a token without an amr. What it returns is "",
	// which is not told, or UTF-8 without control characters: anything else is
	// [ErrUnavailable] at the login. Routes can demand what is ASCII without spaces and
	// quotes. It must be safe for concurrent use. nil = no token has an acr.
	ACR func(amr string) string

	Keys   []Key     // all verify, and the first signs; their IDs differ
	Source KeySource // gives the keys instead, where they change

	TTL    time.Duration // from issue to expiry, whole seconds, up to ten years; 0 = 15 minutes
	Leeway time.Duration // for which an expired token is still accepted, at most 5 minutes; 0 = none
	Skew   time.Duration // how far nbf and iat may lie in the future, and auth_time after iat, at most 1 minute; 0 = 5 seconds

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
// may lie in the future by [JWTConfig.Skew], since two machines' clocks differ.
type JWTIssuer struct {
	issuer *token.Issuer
	source KeySource // nil: the keys never change
	fixed  *KeySet   // the keys then
	latest token.Latest[KeySet]
}

// NewJWTIssuer returns an issuer, or says what is wrong with c. The first of c.Keys
// has to sign at once.
func NewJWTIssuer(c JWTConfig) (_ *JWTIssuer, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("auth: JWTConfig: %w", err)
		}
	}()
	keys := slices.Clone(c.Keys)
	if c.Source != nil {
		if len(keys) > 0 {
			return nil, errors.New("both Keys and Source are given")
		}
		keys = []Key{GenerateKey()} // of a source nothing is known yet
	}
	j := &JWTIssuer{source: c.Source, fixed: &KeySet{Keys: keys}}
	all, err := j.latest.Set(j.fixed, (*KeySet).keys)
	if err != nil {
		return nil, err
	}
	rules := token.Rules{Issuer: c.Issuer, Audience: c.Audience, Leeway: c.Leeway, Skew: cmp.Or(c.Skew, token.ClockSkew), Cache: c.Cache}
	terms := token.Terms{Rules: rules, OtherAudiences: c.OtherAudiences, ACR: c.ACR, TTL: c.TTL}
	if j.issuer, err = token.NewIssuer(terms, all, row.MaxID); err != nil {
		return nil, err
	}
	return j, nil
}

// Issue returns a token. It fails for a subject that no token can carry: an
// empty user ID, text that is not UTF-8 or has control characters, claims that
// may not be there, more than 8 KiB. An AuthTime in the future, by another
// machine's clock, becomes now. For an audience that it does not issue for it is an
// [*InputError].
func (j *JWTIssuer) Issue(ctx context.Context, s Subject) (IssuedToken, error) {
	keys, all, err := j.keys(ctx)
	if err != nil {
		return IssuedToken{}, err
	}
	signed, expires, err := j.issuer.Issue(all, token.Subject(s), keys.MaxTTL, time.Now())
	if errors.Is(err, token.ErrAudience) {
		return IssuedToken{}, &InputError{Field: input.FieldAudience, Code: input.NotAllowed}
	}
	if err != nil {
		return IssuedToken{}, refusal("issue token", err.Error())
	}
	return IssuedToken{Token: signed, ExpiresAt: expires}, nil
}

// Parse returns what a token says. A token of more than 8 KiB, with members
// twice, a header it does not know, or anything else that this issuer would not
// have written is [ErrInvalidToken], as a [*TokenError] with the reason.
func (j *JWTIssuer) Parse(ctx context.Context, accessToken string) (Identity, error) {
	_, all, err := j.keys(ctx)
	if err != nil {
		return Identity{}, err
	}
	return j.issuer.Parse(all, accessToken, time.Now())
}

// Keys returns the keys of the moment: a JWTIssuer is a [KeySource], for package
// authhttp's JWKS.
func (j *JWTIssuer) Keys(ctx context.Context) (*KeySet, error) {
	keys, _, err := j.keys(ctx)
	return keys, err
}

// keys returns the keys of the moment, and the same in the form in which tokens are signed
// and verified.
func (j *JWTIssuer) keys(ctx context.Context) (keys *KeySet, all *token.Set, err error) {
	if keys = j.fixed; j.source != nil {
		if keys, err = j.source.Keys(ctx); err != nil {
			return nil, nil, unavailable("keys", err)
		}
	}
	if all, err = j.latest.Set(keys, (*KeySet).keys); err != nil {
		return nil, nil, refusal("keys", err.Error())
	}
	return keys, all, nil
}
