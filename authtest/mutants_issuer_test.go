package authtest

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
)

func TestIssuerMutants(t *testing.T) {
	suite := func(t *testing.T, newIssuer func() auth.TokenIssuer) {
		TestTokenIssuer(t, func(*testing.T) auth.TokenIssuer { return newIssuer() })
	}
	mutants := append(issuingMutants(), forgedMutants()...)
	catch(t, suite, func() auth.TokenIssuer { return newJWTIssuer() }, append(mutants, otherIssuerMutants()...))
}

type issuerMutant = mutant[auth.TokenIssuer]

const (
	ruleFields   = "what was issued is read back, every field"
	ruleTimes    = "times are true, UTC and whole seconds"
	ruleIDs      = "user and session IDs are kept byte for byte, or refused"
	ruleUnique   = "every token has an ID of its own"
	ruleExpiry   = "a token is valid until its expiry, and never from then on"
	ruleTTL      = "one token's TTL is as asked for, or refused"
	ruleAudience = "a token is for whom it was asked for, or refused"
	ruleClaims   = "claims are read back, and none takes the place of another"
	ruleTampered = "a token that was changed anywhere is ErrInvalidToken and not ErrExpiredToken"
	ruleUnsigned = "a token cannot do without a signature by naming another algorithm"
	ruleAnything = "anything else is ErrInvalidToken"
	ruleQuiet    = "errors do not repeat a token"
)

func newJWTIssuer() *auth.JWTIssuer {
	issuer, err := auth.NewJWTIssuer(auth.JWTConfig{
		Issuer: "authtest", Audience: "authtest", OtherAudiences: []string{"other", "third"}, Keys: []auth.Key{auth.GenerateKey()},
	})
	if err != nil {
		panic(err)
	}
	return issuer
}

// wrappedIssuer is a JWTIssuer with some methods replaced.
type wrappedIssuer struct {
	*auth.JWTIssuer
	issue func(ctx context.Context, s auth.Subject) (auth.IssuedToken, error)
	parse func(ctx context.Context, token string) (auth.Identity, error)
}

func (w *wrappedIssuer) Issue(ctx context.Context, s auth.Subject) (auth.IssuedToken, error) {
	if w.issue != nil {
		return w.issue(ctx, s)
	}
	return w.JWTIssuer.Issue(ctx, s)
}

func (w *wrappedIssuer) Parse(ctx context.Context, token string) (auth.Identity, error) {
	if w.parse != nil {
		return w.parse(ctx, token)
	}
	return w.JWTIssuer.Parse(ctx, token)
}

func wrapIssuer(name, rule string, defect func(w *wrappedIssuer, i *auth.JWTIssuer)) issuerMutant {
	return issuerMutant{name, rule, func() auth.TokenIssuer {
		w := &wrappedIssuer{JWTIssuer: newJWTIssuer()}
		defect(w, w.JWTIssuer)
		return w
	}}
}

// issuing makes a mutant that changes what it issues a token for, parsed one
// that changes what it reads from a valid token, refused one that takes a
// second look at a token that is not valid.
func issuing(name, rule string, f func(s *auth.Subject)) issuerMutant {
	return wrapIssuer(name, rule, func(w *wrappedIssuer, i *auth.JWTIssuer) {
		w.issue = func(ctx context.Context, s auth.Subject) (auth.IssuedToken, error) {
			f(&s)
			return i.Issue(ctx, s)
		}
	})
}

func parsed(name, rule string, f func(id *auth.Identity)) issuerMutant {
	return wrapIssuer(name, rule, func(w *wrappedIssuer, i *auth.JWTIssuer) {
		w.parse = func(ctx context.Context, token string) (auth.Identity, error) {
			id, err := i.Parse(ctx, token)
			if err == nil {
				f(&id)
			}
			return id, err
		}
	})
}

func refused(name, rule string, f func(token string, err error) (auth.Identity, error)) issuerMutant {
	return wrapIssuer(name, rule, func(w *wrappedIssuer, i *auth.JWTIssuer) {
		w.parse = func(ctx context.Context, token string) (auth.Identity, error) {
			id, err := i.Parse(ctx, token)
			if err != nil {
				return f(token, err)
			}
			return id, nil
		}
	})
}

// unverified reads a token without looking at its signature or its expiry.
func unverified(token string) (alg string, id auth.Identity, ok bool) {
	parts := strings.Split(token, ".")
	if len(parts) < 2 {
		return "", auth.Identity{}, false
	}
	var header struct{ Alg *string }
	var claims struct {
		Sub, Sid, Jti string
		Client        string `json:"client_id"`
		Iat, Exp      int64
		Auth          int64 `json:"auth_time"`
	}
	for n, value := range []any{&header, &claims} {
		data, err := base64.RawURLEncoding.DecodeString(parts[n])
		if err != nil || json.Unmarshal(data, value) != nil {
			return "", auth.Identity{}, false
		}
	}
	if header.Alg != nil {
		alg = *header.Alg
	}
	at := func(seconds int64) time.Time { return time.Unix(seconds, 0).UTC() }
	return alg, auth.Identity{
		UserID: claims.Sub, SessionID: claims.Sid, TokenID: claims.Jti, ClientID: claims.Client,
		IssuedAt: at(claims.Iat), ExpiresAt: at(claims.Exp), AuthTime: at(claims.Auth),
	}, claims.Sub != ""
}

// issuingMutants say something else than they were given.
func issuingMutants() []issuerMutant {
	ids := func(name string, f func(id string) string) issuerMutant {
		return issuing("IDs "+name, ruleIDs, func(s *auth.Subject) { s.UserID, s.SessionID = f(s.UserID), f(s.SessionID) })
	}
	mutants := []issuerMutant{
		issuing("SessionID is dropped", ruleFields, func(s *auth.Subject) { s.SessionID = "" }),
		issuing("AuthTime is now", ruleFields, func(s *auth.Subject) { s.AuthTime = time.Now() }),
		issuing("SessionID is the user's", ruleFields, func(s *auth.Subject) { s.SessionID = s.UserID }),
		issuing("nobody is somebody", "no user ID, no token", func(s *auth.Subject) {
			if s.UserID == "" {
				s.UserID = "0"
			}
		}),
		ids("made valid UTF-8", func(id string) string { return strings.ToValidUTF8(id, "\ufffd") }),
		ids("without invalid UTF-8", func(id string) string { return strings.ToValidUTF8(id, "") }),
		ids("up to NUL", func(id string) string { id, _, _ = strings.Cut(id, "\x00"); return id }),
		ids("in lower case", strings.ToLower),
		ids("without spaces around", func(id string) string {
			if trimmed := strings.TrimSpace(id); trimmed != "" {
				return trimmed
			}
			return id
		}),
		ids("of 36 bytes", func(id string) string { return id[:min(36, len(id))] }),
		ids("without leading zeros", func(id string) string {
			if trimmed := strings.TrimLeft(id, "0"); trimmed != "" {
				return trimmed
			}
			return id
		}),
		parsed("AuthTime is IssuedAt", ruleFields, func(id *auth.Identity) { id.AuthTime = id.IssuedAt }),
		parsed("TokenID is dropped", ruleFields, func(id *auth.Identity) { id.TokenID = "" }),
		parsed("IssuedAt is a minute early", ruleTimes, func(id *auth.Identity) { id.IssuedAt = id.IssuedAt.Add(-time.Minute) }),
		parsed("IssuedAt is rounded up", ruleTimes, func(id *auth.Identity) { id.IssuedAt = id.IssuedAt.Add(time.Second) }),
		parsed("times are local", ruleTimes, func(id *auth.Identity) { id.AuthTime = id.AuthTime.In(time.FixedZone("Seoul", 9*60*60)) }),
		parsed("times have fractions", ruleTimes, func(id *auth.Identity) { id.ExpiresAt = id.ExpiresAt.Add(time.Millisecond) }),
		issuing("AuthTime is rounded up", ruleTimes, func(s *auth.Subject) { s.AuthTime = s.AuthTime.Add(time.Second - 1) }),
		issuing("TTL is ignored", ruleTTL, func(s *auth.Subject) { s.TTL = 0 }),
		issuing("TTL is cut to seconds", ruleTTL, func(s *auth.Subject) { s.TTL = s.TTL.Truncate(time.Second) }),
		issuing("a negative TTL is the issuer's", ruleTTL, func(s *auth.Subject) { s.TTL = max(0, s.TTL) }),
		issuing("Audience is ignored", ruleAudience, func(s *auth.Subject) { s.Audience = nil }),
		issuing("Granted is ignored", ruleAudience, func(s *auth.Subject) { s.Granted = nil }),
		issuing("Granted is asked for", ruleAudience, func(s *auth.Subject) { s.Audience, s.Granted = append(s.Audience, s.Granted...), nil }),
		issuing("what is granted alone is all", ruleAudience, func(s *auth.Subject) {
			if len(s.Granted) == 1 && len(s.Audience) == 0 {
				s.Granted = nil
			}
		}),
		issuing("an audience that is nobody's is left out", ruleAudience, func(s *auth.Subject) {
			s.Audience = slices.DeleteFunc(slices.Clone(s.Audience), func(a string) bool { return strings.Contains(a, "nobody") })
		}),
		issuing("an empty audience is none", ruleAudience, func(s *auth.Subject) {
			s.Audience = slices.DeleteFunc(slices.Clone(s.Audience), func(a string) bool { return a == "" })
		}),
		wrapIssuer("an audience that is nobody's is an outage", ruleAudience, func(w *wrappedIssuer, i *auth.JWTIssuer) {
			w.issue = func(ctx context.Context, s auth.Subject) (auth.IssuedToken, error) {
				issued, err := i.Issue(ctx, s)
				if err != nil {
					err = errOther
				}
				return issued, err
			}
		}),
		issuing("claims are dropped", ruleClaims, func(s *auth.Subject) { s.Claims = nil }),
		issuing("claims that may not be there are dropped", ruleClaims, func(s *auth.Subject) {
			if strings.Contains(string(s.Claims), `"sub"`) {
				s.Claims = nil
			}
		}),
		issuing("claims are read as floats", ruleClaims, func(s *auth.Subject) {
			var v map[string]any
			if json.Unmarshal(s.Claims, &v) == nil {
				s.Claims, _ = json.Marshal(v) // of what was JSON
			}
		}),
		issuing("a claim may name the user", ruleClaims, func(s *auth.Subject) {
			var v struct{ Sub string }
			if json.Unmarshal(s.Claims, &v) == nil && v.Sub != "" {
				s.UserID, s.Claims = v.Sub, nil
			}
		}),
		parsed("claims are not given back", ruleClaims, func(id *auth.Identity) { *id = id.WithClaims(nil) }),
		parsed("one TokenID for all", ruleUnique, func(id *auth.Identity) { id.TokenID = "1" }),
		parsed("one TokenID a second", ruleUnique, func(id *auth.Identity) { id.TokenID = id.IssuedAt.String() + id.UserID }),
		wrapIssuer("ExpiresAt beside the token is another", ruleTimes, func(w *wrappedIssuer, i *auth.JWTIssuer) {
			w.issue = func(ctx context.Context, s auth.Subject) (auth.IssuedToken, error) {
				issued, err := i.Issue(ctx, s)
				if err == nil {
					issued.ExpiresAt = issued.ExpiresAt.Add(time.Second)
				}
				return issued, err
			}
		}),
		wrapIssuer("one token a user and second", ruleUnique, func(w *wrappedIssuer, i *auth.JWTIssuer) {
			var known shared[map[string]auth.IssuedToken]
			w.issue = func(ctx context.Context, s auth.Subject) (issued auth.IssuedToken, err error) {
				known.do(func(known *map[string]auth.IssuedToken) {
					var ok bool
					if issued, ok = (*known)[s.UserID]; !ok {
						issued, err = i.Issue(ctx, s)
						*known = map[string]auth.IssuedToken{s.UserID: issued}
					}
				})
				return issued, err
			}
		}),
	}
	return mutants
}

// forgedMutants accept what they did not issue.
func forgedMutants() []issuerMutant {
	var mutants []issuerMutant
	for _, alg := range []string{"none", "None", "NONE", "nOnE", ""} {
		mutants = append(mutants, refused(fmt.Sprintf("alg %q needs no signature", alg), ruleUnsigned, func(token string, err error) (auth.Identity, error) {
			named, id, ok := unverified(token)
			if ok && named == alg && time.Now().Before(id.ExpiresAt) {
				return id, nil
			}
			return auth.Identity{}, err
		}))
	}
	unsigned := func(token string) bool { return strings.HasSuffix(token, ".") || strings.Count(token, ".") == 1 }
	return append(mutants,
		refused("alg none needs an empty signature", ruleUnsigned, func(token string, err error) (auth.Identity, error) {
			if alg, id, ok := unverified(token); ok && alg == "none" && strings.HasSuffix(token, ".") {
				return id, nil
			}
			return auth.Identity{}, err
		}),
		refused("alg none keeps the signature", ruleUnsigned, func(token string, err error) (auth.Identity, error) {
			if alg, id, ok := unverified(token); ok && alg == "none" && !unsigned(token) {
				return id, nil
			}
			return auth.Identity{}, err
		}),
		refused("alg none needs no third part", ruleUnsigned, func(token string, err error) (auth.Identity, error) {
			if alg, id, ok := unverified(token); ok && alg == "none" && strings.Count(token, ".") == 1 {
				return id, nil
			}
			return auth.Identity{}, err
		}),
		refused("signatures are not looked at", ruleTampered, func(token string, err error) (auth.Identity, error) {
			if alg, id, ok := unverified(token); ok && alg == "HS256" && time.Now().Before(id.ExpiresAt) {
				return id, nil
			}
			return auth.Identity{}, err
		}),
		wrapIssuer("signatures are not looked at twice", ruleTampered, func(w *wrappedIssuer, i *auth.JWTIssuer) {
			var known shared[map[string]auth.Identity] // by header and payload
			w.issue = func(ctx context.Context, s auth.Subject) (auth.IssuedToken, error) {
				issued, err := i.Issue(ctx, s)
				if _, id, ok := unverified(issued.Token); ok {
					known.do(func(known *map[string]auth.Identity) {
						*known = map[string]auth.Identity{issued.Token[:strings.LastIndex(issued.Token, ".")]: id}
					})
				}
				return issued, err
			}
			w.parse = func(ctx context.Context, token string) (auth.Identity, error) {
				id, err := i.Parse(ctx, token)
				if end := strings.LastIndex(token, "."); err != nil && end > 0 {
					known.do(func(known *map[string]auth.Identity) {
						if seen, ok := (*known)[token[:end]]; ok && time.Now().Before(seen.ExpiresAt) {
							id, err = seen, nil
						}
					})
				}
				return id, err
			}
		}),
		refused("expiry is looked at before the signature", ruleTampered, func(token string, err error) (auth.Identity, error) {
			if _, id, ok := unverified(token); ok && !time.Now().Before(id.ExpiresAt) {
				err = auth.ErrExpiredToken
			}
			return auth.Identity{}, err
		}),
		wrapIssuer("spaces around a token are no matter", ruleTampered, func(w *wrappedIssuer, i *auth.JWTIssuer) {
			w.parse = func(ctx context.Context, token string) (auth.Identity, error) {
				return i.Parse(ctx, strings.TrimSpace(token))
			}
		}),
		wrapIssuer("padding behind a token is no matter", ruleTampered, func(w *wrappedIssuer, i *auth.JWTIssuer) {
			w.parse = func(ctx context.Context, token string) (auth.Identity, error) {
				return i.Parse(ctx, strings.TrimRight(token, "="))
			}
		}),
	)
}

func otherIssuerMutants() []issuerMutant {
	// late makes a mutant that takes expired tokens again for a while.
	late := func(name string, accept func(since time.Duration) bool) issuerMutant {
		return refused(name, ruleExpiry, func(token string, err error) (auth.Identity, error) {
			if _, id, ok := unverified(token); ok && errors.Is(err, auth.ErrExpiredToken) && accept(time.Since(id.ExpiresAt)) {
				return id, nil
			}
			return auth.Identity{}, err
		})
	}
	return []issuerMutant{
		late("expired tokens at their expiry", func(since time.Duration) bool { return since == 0 }),
		late("expired tokens in the second of their expiry", func(since time.Duration) bool { return since < time.Second }),
		late("expired tokens for a second", func(since time.Duration) bool { return since <= time.Second }),
		late("expired tokens after their expiry for a second", func(since time.Duration) bool { return since > 0 && since <= time.Second }),
		late("expired tokens after their expiry for a minute", func(since time.Duration) bool { return since > time.Second && since <= time.Minute }),
		late("expired tokens an hour later", func(since time.Duration) bool { return since >= time.Hour && since < 2*time.Hour }),
		late("expired tokens weeks later", func(since time.Duration) bool { return since > 7*24*time.Hour }),
		wrapIssuer("tokens expire a second early", ruleExpiry, func(w *wrappedIssuer, i *auth.JWTIssuer) {
			w.parse = func(ctx context.Context, token string) (auth.Identity, error) {
				id, err := i.Parse(ctx, token)
				if err == nil && time.Until(id.ExpiresAt) < time.Second {
					return auth.Identity{}, auth.ErrExpiredToken
				}
				return id, err
			}
		}),
		refused("expired tokens are merely invalid", ruleExpiry, func(string, error) (auth.Identity, error) { return auth.Identity{}, auth.ErrInvalidToken }),
		refused("expired tokens are somebody's", ruleExpiry, func(token string, err error) (auth.Identity, error) {
			var id auth.Identity
			if errors.Is(err, auth.ErrExpiredToken) {
				_, id, _ = unverified(token)
			}
			return id, err
		}),
		refused("no token is some other error", ruleAnything, func(token string, err error) (auth.Identity, error) {
			if token == "" {
				err = errOther
			}
			return auth.Identity{}, err
		}),
		refused("large tokens are unavailable", ruleAnything, func(token string, err error) (auth.Identity, error) {
			if len(token) > 8<<10 {
				err = auth.ErrUnavailable
			}
			return auth.Identity{}, err
		}),
		refused("no token is nobody", ruleAnything, func(token string, err error) (auth.Identity, error) {
			if token == "" {
				err = nil
			}
			return auth.Identity{}, err
		}),
		refused("errors repeat the token", ruleQuiet, func(token string, err error) (auth.Identity, error) {
			return auth.Identity{}, fmt.Errorf("%w: %s", err, token)
		}),
		refused("errors repeat the payload of expired tokens", ruleQuiet, func(token string, err error) (auth.Identity, error) {
			if parts := strings.Split(token, "."); len(parts) == 3 && errors.Is(err, auth.ErrExpiredToken) {
				err = fmt.Errorf("%w: %s", err, parts[1])
			}
			return auth.Identity{}, err
		}),
		wrapIssuer("one buffer for all subjects", "many may use it at once", func(w *wrappedIssuer, i *auth.JWTIssuer) {
			var buffer shared[auth.Subject]
			w.issue = func(ctx context.Context, s auth.Subject) (auth.IssuedToken, error) {
				buffer.do(func(b *auth.Subject) { *b = s })
				time.Sleep(time.Nanosecond) // of the bubble: for all others to use it
				buffer.do(func(b *auth.Subject) { s = *b })
				return i.Issue(ctx, s)
			}
		}),
	}
}
