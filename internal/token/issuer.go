package token

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"
)

// Terms is what the tokens of an [Issuer] have in common. It parses them by the
// Rules.
type Terms struct {
	Rules
	OtherAudiences []string
	ACR            func(amr string) string // the acr of an amr; "" is none; nil is none for all
	TTL            time.Duration           // from issue to expiry, as [ValidTTL] wants it; 0 is [DefaultTTL]
}

// Issuer signs tokens and parses them. The keys are given to each call. It is safe
// for concurrent use.
type Issuer struct {
	*Parser
	terms     Terms
	audiences []string // all
}

// NewIssuer returns an issuer, or says what is wrong with the terms, or with the
// keys, of which the first must sign. It signs once, for a user and a session with
// IDs of so many bytes: what no token can carry, or a KMS whose public key is not
// that of its private one, is found now, not at a login.
func NewIssuer(t Terms, keys *Set, idBytes int) (*Issuer, error) {
	t.TTL, t.OtherAudiences = cmp.Or(t.TTL, DefaultTTL), slices.Clone(t.OtherAudiences)
	if !ValidTTL(t.TTL) {
		return nil, errors.New("the TTL is not a whole number of seconds up to ten years")
	}
	parser, err := NewParser(t.Rules)
	if err != nil {
		return nil, err
	}
	if !keys.first.CanSign() {
		return nil, errors.New("the first key cannot sign")
	}
	i, now := &Issuer{parser, t, append([]string{t.Audience}, t.OtherAudiences...)}, time.Now()
	for n, audience := range i.audiences {
		if slices.Contains(i.audiences[:n], audience) {
			return nil, errors.New("an audience is there twice")
		}
	}
	longest := strings.Repeat("<", idBytes) // each of which JSON writes in six bytes
	if _, _, err := i.Sign(keys, Claims{Subject: longest, SessionID: longest, AuthTime: now, AMR: "pwd"}, 0, now); err != nil {
		return nil, err
	}
	return i, nil
}

// Subject is auth's: who a token is issued to.
type Subject struct {
	UserID    string
	SessionID string
	AuthTime  time.Time
	AMR       string
	Audience  []string // asked, see [Issuer.Audiences]
	Granted   []string
	TTL       time.Duration
	Claims    json.RawMessage
}

// ErrAudience says that a subject asks for an audience that it cannot have, or that none
// is left of what was granted.
var ErrAudience = errors.New("not issued for this audience")

// Issue returns a token for a subject as [Issuer.Sign] does, which is taken for no
// longer than longest, where that is not 0. [ErrAudience] is as [Issuer.Audiences] says.
func (i *Issuer) Issue(keys *Set, s Subject, longest time.Duration, now time.Time) (signed string, expires time.Time, err error) {
	if longest != 0 && i.Life(s.TTL) > longest {
		return "", time.Time{}, errors.New("the TTL and Leeway are above the keys' MaxTTL")
	}
	audiences, ok := i.Audiences(s.Audience, s.Granted)
	if !ok {
		return "", time.Time{}, ErrAudience
	}
	return i.Sign(keys, Claims{
		Subject: s.UserID, Audience: audiences[0], OtherAudiences: audiences[1:],
		SessionID: s.SessionID, AuthTime: s.AuthTime, AMR: s.AMR, Custom: string(s.Claims),
	}, s.TTL, now)
}

// Life returns for how long a token of this TTL is taken; 0 is that of the terms.
func (i *Issuer) Life(ttl time.Duration) time.Duration {
	return cmp.Or(ttl, i.terms.TTL) + i.terms.Leeway
}

// Audiences returns whom a token is for, in the order of the terms: the asked, or all,
// that the terms allow and that are among the granted, where any are named. False
// means that one of the asked is not allowed, or that nobody is left.
func (i *Issuer) Audiences(asked, granted []string) ([]string, bool) {
	return Audiences(i.audiences, asked, granted)
}

// Audiences is [Issuer.Audiences] for an issuer that has all of these, or none.
func Audiences(all, asked, granted []string) ([]string, bool) {
	if len(asked) == 0 && len(granted) == 0 {
		return all, true
	}
	allowed := all
	for _, list := range [][]string{granted, asked} {
		if len(list) > 0 {
			allowed = among(allowed, list)
		}
	}
	if slices.ContainsFunc(asked, func(a string) bool { return !slices.Contains(allowed, a) }) {
		return nil, false
	}
	return allowed, len(allowed) > 0
}

// among returns those of all that are in list, too.
func among(all, list []string) []string {
	var both []string
	for _, s := range all {
		if slices.Contains(list, s) {
			both = append(both, s)
		}
	}
	return both
}

// Sign returns a token by the first of the keys, and its exp, ttl after the second
// of now; 0 is the TTL of the terms. The claims are the subject's own: Subject,
// SessionID, AuthTime, AMR and Custom, and the audiences, of [Issuer.Audiences];
// none are all of the terms'. The rest is filled in. AuthTime is cut to whole seconds,
// and is now if it lies in the future.
func (i *Issuer) Sign(keys *Set, c Claims, ttl time.Duration, now time.Time) (signed string, expires time.Time, err error) {
	if ttl = cmp.Or(ttl, i.terms.TTL); !ValidTTL(ttl) {
		return "", time.Time{}, errors.New("the Subject's TTL is not a whole number of seconds up to ten years")
	}
	now = now.UTC().Truncate(time.Second)
	expires = now.Add(ttl)
	if c.Issuer = i.terms.Issuer; c.Audience == "" {
		c.Audience, c.OtherAudiences = i.terms.Audience, i.terms.OtherAudiences
	}
	c.ClientID, c.ID = i.terms.Audience, rand.Text()
	if i.terms.ACR != nil && c.AMR != "" {
		c.ACR = i.terms.ACR(c.AMR)
	}
	c.IssuedAt, c.NotBefore, c.ExpiresAt = now, now, expires
	if c.AuthTime = c.AuthTime.UTC().Truncate(time.Second); c.AuthTime.After(now) {
		c.AuthTime = now
	}
	if signed, err = Sign(keys.first, c); err != nil {
		return "", time.Time{}, err
	}
	return signed, expires, nil
}
