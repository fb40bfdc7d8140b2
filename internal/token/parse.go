package token

import (
	"encoding/base64"
	"errors"
	"strings"
	"time"
)

// accessTokenType is the typ of an access token (RFC 9068 §2.1): it keeps other
// kinds of JWT of the same issuer out (RFC 8725 §3.11).
const accessTokenType = "at+jwt"

// Rules is what a token must satisfy.
type Rules struct {
	Issuer   string // iss, byte for byte
	Audience string // aud, or one of them
	Keys     []Key  // at least one, each with an ID of its own

	// Leeway is how long after exp a token is still taken.
	Leeway time.Duration

	// Skew is how far iat and nbf may lie in the future, since two machines'
	// clocks differ, and for the same reason auth_time after iat.
	Skew time.Duration
}

// Parser parses tokens by fixed rules. It is immutable and safe for concurrent
// use.
type Parser struct {
	issuer   string
	audience string
	keys     map[string]Key // by ID
	leeway   time.Duration
	skew     time.Duration
	encoding base64.Encoding
}

// NewParser returns a parser, or says what is wrong with the rules.
func NewParser(r Rules) (*Parser, error) {
	switch {
	case !validText(r.Issuer):
		return nil, errors.New("token: the issuer is empty, not UTF-8, or has control characters")
	case !validText(r.Audience):
		return nil, errors.New("token: the audience is empty, not UTF-8, or has control characters")
	case len(r.Keys) == 0:
		return nil, errors.New("token: no keys")
	case r.Leeway < 0:
		return nil, errors.New("token: the leeway is negative")
	case r.Skew < 0:
		return nil, errors.New("token: the skew is negative")
	}
	keys := make(map[string]Key, len(r.Keys))
	for _, k := range r.Keys {
		if k.verify == nil {
			return nil, errors.New("token: a key is the zero Key")
		}
		if _, ok := keys[k.id]; ok {
			return nil, errors.New("token: two keys have the same ID")
		}
		keys[k.id] = k
	}
	return &Parser{
		issuer:   r.Issuer,
		audience: r.Audience,
		keys:     keys,
		leeway:   r.Leeway,
		skew:     r.Skew,
		encoding: *base64.RawURLEncoding.Strict(),
	}, nil
}

// Parse returns the claims of a token that satisfies the rules at the given
// time. Otherwise it returns an [*Error] beside zero Claims, with the reason
// [ReasonExpired] only if there is no other.
//
// It takes four things that Sign does not write: other spellings of typ that
// mean the same (case, and "application/" before it: RFC 9068 §4, RFC 7515
// §4.1.9); an array of strings as aud, of which Claims.Audience is the one that
// the rules name; white space and escapes where JSON has them; and claims that
// it does not know, which it ignores.
//
// The strings of Claims may share memory with each other: who keeps one for
// long clones it.
func (p *Parser) Parse(token string, now time.Time) (Claims, error) {
	body, err := p.open(token)
	if err != nil {
		return Claims{}, err
	}
	c, err := p.claims(body)
	if err != nil {
		return Claims{}, err
	}
	if err := p.validate(c, now); err != nil {
		return Claims{}, err
	}
	return c, nil
}

// open returns the payload of a token that one of the keys signed. Until then
// nothing looks into it.
func (p *Parser) open(token string) (string, error) {
	if len(token) > MaxSize {
		return "", reject(ReasonTooLarge)
	}
	head, rest, _ := strings.Cut(token, ".")
	body, mac, _ := strings.Cut(rest, ".")
	if head == "" || body == "" || mac == "" || strings.Contains(mac, ".") {
		return "", reject(ReasonMalformed)
	}

	// Strict decoding refuses unused bits that are not zero, but still skips
	// line breaks.
	if strings.ContainsAny(token, "\r\n") {
		return "", reject(ReasonEncoding)
	}
	header, err := p.encoding.DecodeString(head)
	if err != nil {
		return "", reject(ReasonEncoding)
	}
	content, err := p.encoding.DecodeString(body)
	if err != nil {
		return "", reject(ReasonEncoding)
	}
	signature, err := p.encoding.DecodeString(mac)
	if err != nil {
		return "", reject(ReasonEncoding)
	}

	k, err := p.key(string(header))
	if err != nil {
		return "", err
	}
	if k.verify(token[:len(head)+1+len(body)], signature) != nil {
		return "", reject(ReasonSignature)
	}
	return string(content), nil
}

// key returns the key that a header asks for. The header is not trusted: it
// chooses among our keys and must agree with what the chosen one is for.
//
// Only the members that Sign writes are known. A member that we ignored could
// be one that somebody else obeys: jwk, jku, x5c and x5u bring their own key,
// b64 and zip change what was signed. A member that is absent is as good as
// empty, which none may be.
func (p *Parser) key(header string) (Key, error) {
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
		default:
			err = reject(ReasonHeader)
		}
		return err
	})
	if err != nil {
		return Key{}, err
	}
	if err := s.end(); err != nil {
		return Key{}, err
	}

	if !strings.EqualFold(typ, accessTokenType) && !strings.EqualFold(typ, "application/"+accessTokenType) {
		return Key{}, reject(ReasonType)
	}
	k, ok := p.keys[kid]
	if !ok {
		return Key{}, reject(ReasonUnknownKey)
	}
	if alg != k.algorithm {
		return Key{}, reject(ReasonAlgorithm)
	}
	return k, nil
}

// claims reads a payload. Its Audience is the rules' if that is among the
// token's, or else the token's last.
func (p *Parser) claims(body string) (Claims, error) {
	s, err := newScanner(body, ReasonClaims)
	if err != nil {
		return Claims{}, err
	}
	var c Claims
	err = s.object(func(name string) (err error) {
		switch name {
		case "iss":
			c.Issuer, err = s.claim()
		case "sub":
			c.Subject, err = s.claim()
		case "aud":
			c.Audience, err = s.audience(p.audience)
		case "client_id":
			c.ClientID, err = s.claim()
		case "jti":
			c.ID, err = s.claim()
		case "sid":
			c.SessionID, err = s.claim()
		case "iat":
			c.IssuedAt, err = s.date()
		case "nbf":
			c.NotBefore, err = s.date()
		case "exp":
			c.ExpiresAt, err = s.date()
		case "auth_time":
			c.AuthTime, err = s.date()
		default:
			err = s.skip()
		}
		return err
	})
	if err != nil {
		return Claims{}, err
	}
	if err := s.end(); err != nil {
		return Claims{}, err
	}
	if !c.complete() || !c.lasts() || c.AuthTime.After(c.IssuedAt.Add(p.skew)) {
		return Claims{}, reject(ReasonClaims)
	}
	return c, nil
}

// claim reads a string that may be the value of a claim.
func (s *scanner) claim() (string, error) {
	v, err := s.text()
	if err == nil && !validText(v) {
		err = s.fail()
	}
	return v, err
}

// audience reads an audience or an array of them (RFC 7519 §4.1.3), and returns
// want if it is there, or else the last one.
func (s *scanner) audience(want string) (string, error) {
	if s.next() != '[' {
		return s.claim()
	}
	var found string
	err := s.array(func() error {
		v, err := s.claim()
		if found != want {
			found = v
		}
		return err
	})
	return found, err
}

// validate holds claims against the rules. The order is part of the contract:
// exp is last.
func (p *Parser) validate(c Claims, now time.Time) error {
	latest := now.Add(p.skew)
	switch {
	case c.Issuer != p.issuer:
		return reject(ReasonIssuer)
	case c.Audience != p.audience:
		return reject(ReasonAudience)
	case c.NotBefore.After(latest):
		return reject(ReasonNotYetValid)
	case c.IssuedAt.After(latest):
		return reject(ReasonIssuedInFuture)
	case !now.Before(c.ExpiresAt.Add(p.leeway)): // RFC 7519 §4.1.4: "on or after"
		return reject(ReasonExpired)
	}
	return nil
}
