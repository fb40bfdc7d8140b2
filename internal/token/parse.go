package token

import (
	"cmp"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"
)

// accessTokenType is the typ of an access token (RFC 9068 §2.1): it keeps other
// kinds of JWT of the same issuer out (RFC 8725 §3.11).
const accessTokenType = "at+jwt"

// Rules is what a token must satisfy.
type Rules struct {
	Issuer   string // iss, byte for byte
	Audience string // aud, or one of them

	// Leeway is how long after exp a token is still taken, up to [MaxLeeway].
	Leeway time.Duration

	// Skew is how far iat and nbf may lie in the future, since two machines'
	// clocks differ, and for the same reason auth_time after iat.
	Skew time.Duration

	// Foreign is for tokens that others sign; nil for our own.
	Foreign *Foreign

	// Cache is how many tokens to remember whose signature was good: 0 is 1024,
	// negative is none, at most 1<<20.
	Cache int
}

// Foreign is what is different about tokens that [Sign] has not written.
type Foreign struct {
	Required []string // claims that must be there beside iss, aud, exp and sub
	AnyType  bool     // takes any typ, and none
}

// Parser parses tokens by fixed rules. It is safe for concurrent use.
type Parser struct {
	rules    Rules
	required []string
	encoding base64.Encoding
	cache    *cache
}

// NewParser returns a parser, or says what is wrong with the rules.
func NewParser(r Rules) (*Parser, error) {
	switch {
	case !ValidText(r.Issuer):
		return nil, errors.New("the issuer is empty, not UTF-8, or has control characters")
	case !ValidText(r.Audience):
		return nil, errors.New("the audience is empty, not UTF-8, or has control characters")
	case r.Foreign == nil && strings.Contains(r.Audience, " "):
		return nil, errors.New("the audience has a space")
	case r.Leeway < 0 || r.Leeway > MaxLeeway:
		return nil, errors.New("the Leeway is negative or above 5 minutes")
	case r.Skew < 0:
		return nil, errors.New("the skew is negative")
	case r.Cache > maxCache:
		return nil, errors.New("the Cache is above 1<<20")
	}
	required := []string{"iss", "sub", "aud", "client_id", "jti", "iat", "nbf", "exp", "auth_time"}
	if r.Foreign != nil {
		required = append([]string{"iss", "sub", "aud", "exp"}, r.Foreign.Required...)
		slices.Sort(required)
		required = slices.Compact(required)
	}
	if len(required) > 64 {
		return nil, errors.New("more than 60 claims are required")
	}
	return &Parser{
		rules:    r,
		required: required,
		encoding: *base64.RawURLEncoding.Strict(),
		cache:    newCache(cmp.Or(r.Cache, defaultCache)),
	}, nil
}

// claims are those that are read, and when they hold.
type claims struct {
	Identity  // without a mark
	notBefore time.Time
	forUs     bool // an audience is the rules'
}

// Parse returns what a token says that one of the keys signed and that satisfies
// the rules at the given time. Otherwise it returns an [*Error] beside a zero
// Identity, with the reason [ReasonExpired] only if there is no other.
//
// Of our own tokens it takes four things that Sign does not write: other
// spellings of typ that mean the same (case, and "application/" before it: RFC
// 9068 §4, RFC 7515 §4.1.9); an array of strings as aud; white space and escapes
// where JSON has them; and claims that it does not know.
//
// Of foreign ones it takes in addition members of the header that it does not
// know, and does as if they were not there, but for those that change what a
// token means; a missing kid, where there is but one key; and times with a
// fraction, of which it takes the whole seconds.
func (p *Parser) Parse(keys *Set, token string, now time.Time) (Identity, error) {
	if e := p.cache.get(token); e != nil {
		if k, ok := keys.key(e.key.id); ok && k.is(e.key) {
			return p.at(&e.claims, now)
		}
	}
	k, body, err := p.open(keys, token)
	if err != nil {
		return Identity{}, err
	}
	e := &cached{key: k}
	if err := p.read(&e.claims, body); err != nil {
		return Identity{}, err
	}
	id, err := p.at(&e.claims, now)
	if err == nil {
		e.token = strings.Clone(token) // which may be a piece of something large
		p.cache.put(e)
	}
	return id, err
}

// scratch holds what is decoded of a token until it is known to be good.
var scratch = sync.Pool{New: func() any { return new([]byte) }}

// open returns the payload of a token that one of the keys signed, and which.
// Until then nothing looks into it.
func (p *Parser) open(keys *Set, token string) (Key, string, error) {
	if len(token) > MaxSize {
		return Key{}, "", reject(ReasonTooLarge)
	}
	head, rest, _ := strings.Cut(token, ".")
	body, mac, _ := strings.Cut(rest, ".")
	if head == "" || body == "" || mac == "" || strings.Contains(mac, ".") {
		return Key{}, "", reject(ReasonMalformed)
	}

	// Strict decoding refuses unused bits that are not zero, but still skips
	// line breaks.
	if strings.IndexByte(token, '\r') >= 0 || strings.IndexByte(token, '\n') >= 0 {
		return Key{}, "", reject(ReasonEncoding)
	}
	buf := scratch.Get().(*[]byte)
	defer scratch.Put(buf)
	text := append((*buf)[:0], token...)
	decoded, err := p.encoding.AppendDecode(text, text[len(head)+1:][:len(body)])
	if err != nil {
		return Key{}, "", reject(ReasonEncoding)
	}
	content := decoded[len(text):]
	decoded, err = p.encoding.AppendDecode(decoded, text[len(text)-len(mac):])
	if err != nil {
		return Key{}, "", reject(ReasonEncoding)
	}
	signature := decoded[len(text)+len(content):]
	*buf = decoded

	k, ok := keys.signs(head)
	if !ok {
		header, err := p.encoding.DecodeString(head)
		if err != nil {
			return Key{}, "", reject(ReasonEncoding)
		}
		if k, err = p.key(keys, string(header)); err != nil {
			return Key{}, "", err
		}
	}
	if k.verify(token[:len(head)+1+len(body)], signature) != nil {
		return Key{}, "", reject(ReasonSignature)
	}
	return k, string(content), nil
}

// key returns the key that a header asks for. The header is not trusted: it
// chooses among the keys and must agree with what the chosen one is for.
//
// Of our own tokens only the members that Sign writes are known. Those that
// bring a key of their own (jwk, jku, x5c, x5u) are never followed, and those
// that change what was signed or demand to be understood are never passed over.
// A member that is absent is as good as empty.
func (p *Parser) key(keys *Set, header string) (Key, error) {
	s, err := newScanner(header, ReasonHeader)
	if err != nil {
		return Key{}, err
	}
	var alg, kid, typ string
	err = s.object(func(name string) (err error) {
		switch name {
		case "alg":
			alg, err = s.text()
		case "kid":
			kid, err = s.text()
		case "typ":
			typ, err = s.text()
		case "crit":
			err = reject(ReasonCrit)
		case "b64", "zip", "enc":
			err = reject(ReasonHeader)
		default:
			if p.rules.Foreign == nil {
				return reject(ReasonHeader)
			}
			err = s.skip()
		}
		return err
	})
	if err != nil {
		return Key{}, err
	}
	if err := s.end(); err != nil {
		return Key{}, err
	}

	anyType := p.rules.Foreign != nil && p.rules.Foreign.AnyType
	if !anyType && !strings.EqualFold(typ, accessTokenType) && !strings.EqualFold(typ, "application/"+accessTokenType) {
		return Key{}, reject(ReasonType)
	}
	k, ok := keys.key(kid)
	if !ok || kid == "" && p.rules.Foreign == nil {
		return Key{}, reject(ReasonUnknownKey)
	}
	if alg != k.algorithm {
		return Key{}, reject(ReasonAlgorithm)
	}
	return k, nil
}

// read reads a payload.
func (p *Parser) read(c *claims, body string) error {
	s, err := newScanner(body, ReasonClaims)
	if err != nil {
		return err
	}
	date := s.date
	if p.rules.Foreign != nil {
		date = s.instant
	}
	var seen uint64 // of the required claims
	err = s.object(func(name string) (err error) {
		if i := slices.Index(p.required, name); i >= 0 {
			seen |= 1 << i
		}
		switch name {
		case "iss":
			c.Issuer, err = s.claim()
		case "sub":
			c.UserID, err = s.claim()
		case "aud":
			c.Audience, c.forUs, err = s.audience(p.rules.Audience)
		case "client_id":
			c.ClientID, err = s.claim()
		case "jti":
			c.TokenID, err = s.claim()
		case "sid":
			c.SessionID, err = s.claim()
		case "iat":
			c.IssuedAt, err = date()
		case "nbf":
			c.notBefore, err = date()
		case "exp":
			c.ExpiresAt, err = date()
		case "auth_time":
			c.AuthTime, err = date()
		case "amr":
			c.AMR, err = s.methods()
		case "acr":
			c.ACR, err = s.claim()
		default:
			err = s.skip()
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := s.end(); err != nil {
		return err
	}
	if seen != 1<<len(p.required)-1 || !lasts(c.IssuedAt, c.notBefore, c.ExpiresAt) {
		return reject(ReasonClaims)
	}
	if !c.IssuedAt.IsZero() && c.AuthTime.After(c.IssuedAt.Add(p.rules.Skew)) {
		return reject(ReasonClaims)
	}
	switch {
	case c.Issuer != p.rules.Issuer:
		return reject(ReasonIssuer)
	case !c.forUs:
		return reject(ReasonAudience)
	}
	c.claims = body
	return nil
}

// lasts reports whether there is a moment at which a token is valid.
func lasts(issuedAt, notBefore, expiresAt time.Time) bool {
	return expiresAt.After(issuedAt) && expiresAt.After(notBefore)
}

// at returns what a token says now. The order is part of the contract: exp is
// last.
func (p *Parser) at(c *claims, now time.Time) (Identity, error) {
	latest := now.Add(p.rules.Skew)
	switch {
	case c.notBefore.After(latest):
		return Identity{}, reject(ReasonNotYetValid)
	case c.IssuedAt.After(latest):
		return Identity{}, reject(ReasonIssuedInFuture)
	case !now.Before(c.ExpiresAt.Add(p.rules.Leeway)): // RFC 7519 §4.1.4: "on or after"
		return Identity{}, reject(ReasonExpired)
	}
	id := c.Identity
	id.verified = &c.Identity
	return id, nil
}

// claim reads a string that may be the value of a claim.
func (s *scanner) claim() (string, error) {
	v, err := s.text()
	if err == nil && !ValidText(v) {
		err = s.fail()
	}
	return v, err
}

// methods reads an array of words, and separates them by spaces.
func (s *scanner) methods() (string, error) {
	var list []string
	err := s.array(func() error {
		v, err := s.claim()
		if err == nil && strings.Contains(v, " ") {
			err = s.fail()
		}
		list = append(list, v)
		return err
	})
	return strings.Join(list, " "), err
}

// JoinAudiences separates audiences by spaces. One that has a space itself, as some
// issuers have them, is written with %20 in its place: it stays one, and can be taken
// for no other that we issue for.
func JoinAudiences(list []string) string {
	if len(list) == 1 {
		return strings.ReplaceAll(list[0], " ", "%20")
	}
	words := make([]string, len(list))
	for i, s := range list {
		words[i] = strings.ReplaceAll(s, " ", "%20")
	}
	return strings.Join(words, " ")
}

// audience reads an audience or an array of them (RFC 7519 §4.1.3), joins them, and
// reports whether want is there.
func (s *scanner) audience(want string) (words string, found bool, err error) {
	if s.next() != '[' {
		v, err := s.claim()
		return JoinAudiences([]string{v}), v == want, err
	}
	var list []string
	err = s.array(func() error {
		v, err := s.claim()
		list = append(list, v)
		return err
	})
	if err == nil && list == nil {
		err = s.fail()
	}
	return JoinAudiences(list), slices.Contains(list, want), err
}
