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

// Limits of Rules and Foreign.
const (
	maxAudiences = 16
	maxClients   = 256
)

// Rules is what a token must satisfy.
type Rules struct {
	Issuer   string // iss, byte for byte
	Audience string // aud, or one of them; "" is none, if Foreign.NoAudience has clients

	// AcceptAudiences are as good as Audience, at most 16.
	AcceptAudiences []string

	// Leeway is how long after exp a token is still taken, up to [MaxLeeway].
	Leeway time.Duration

	// Skew is how far iat and nbf may lie in the future, since two machines'
	// clocks differ, and for the same reason auth_time after iat; up to [MaxSkew].
	Skew time.Duration

	// MaxSize is that of the largest token in bytes; 0 is the constant MaxSize, at
	// most [MaxForeignSize].
	MaxSize int

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

	// NoAudience and NoSubject are the client_id of tokens that may do without aud,
	// or without sub, which is then the client_id. At most 256 each.
	NoAudience, NoSubject []string
}

// Parser parses tokens by fixed rules. It is safe for concurrent use.
type Parser struct {
	rules      Rules
	audiences  []string
	noAudience []string // clients
	noSubject  []string // clients
	required   []string
	encoding   base64.Encoding
	cache      *cache
}

// NewParser returns a parser, or says what is wrong with the rules.
func NewParser(r Rules) (*Parser, error) {
	switch {
	case !ValidText(r.Issuer):
		return nil, errors.New("the issuer is empty, not UTF-8, or has control characters")
	case !ValidText(r.Audience) && (r.Audience != "" || r.Foreign == nil || len(r.Foreign.NoAudience) == 0):
		return nil, errors.New("the audience is empty, not UTF-8, or has control characters")
	case len(r.AcceptAudiences) > maxAudiences || slices.ContainsFunc(r.AcceptAudiences, invalidText):
		return nil, errors.New("the AcceptAudiences are more than 16, or one is empty, not UTF-8, or has control characters")
	case r.Foreign != nil && (invalidClients(r.Foreign.NoAudience) || invalidClients(r.Foreign.NoSubject)):
		return nil, errors.New("the client IDs of one list are more than 256, or one is empty, not UTF-8, or has control characters")
	case r.MaxSize < 0 || r.MaxSize > MaxForeignSize:
		return nil, errors.New("the largest token is negative or above 64 KiB")
	case r.Foreign == nil && strings.Contains(r.Audience, " "):
		return nil, errors.New("the audience has a space")
	case r.Leeway < 0 || r.Leeway > MaxLeeway:
		return nil, errors.New("the Leeway is negative or above 5 minutes")
	case r.Skew < 0 || r.Skew > MaxSkew:
		return nil, errors.New("the Skew is negative or above 1 minute")
	case r.Cache > maxCache:
		return nil, errors.New("the Cache is above 1<<20")
	}
	required := []string{"iss", "sub", "aud", "client_id", "jti", "iat", "nbf", "exp", "auth_time"}
	var noAudience, noSubject []string
	if f := r.Foreign; f != nil {
		noAudience, noSubject = slices.Clone(f.NoAudience), slices.Clone(f.NoSubject)
		required = append([]string{"iss", "exp"}, f.Required...)
		if len(noAudience) == 0 {
			required = append(required, "aud")
		}
		if len(noSubject) == 0 {
			required = append(required, "sub")
		}
		slices.Sort(required)
		required = slices.Compact(required)
	}
	r.MaxSize = cmp.Or(r.MaxSize, MaxSize)
	if len(required) > 64 {
		return nil, errors.New("more than 60 claims are required")
	}
	return &Parser{
		rules:      r,
		audiences:  slices.Concat([]string{r.Audience}, r.AcceptAudiences), // aud is never ""
		noAudience: noAudience,
		noSubject:  noSubject,
		required:   required,
		encoding:   *base64.RawURLEncoding.Strict(),
		cache:      newCache(cmp.Or(r.Cache, defaultCache)),
	}, nil
}

func invalidText(s string) bool { return !ValidText(s) }

func invalidClients(list []string) bool {
	return len(list) > maxClients || slices.ContainsFunc(list, invalidText)
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
// token means; each registered name of an algorithm; a missing kid, where there is
// but one key for the alg; times with a fraction, of which it takes the whole
// seconds; and claims that nobody asked for and that are not what others write,
// which it leaves empty: all but iss, sub, aud, iat, nbf, exp and the required.
func (p *Parser) Parse(keys *Set, token string, now time.Time) (Identity, error) {
	if e := p.cache.get(token); e != nil && keys.has(&e.key) {
		return p.at(&e.claims, now)
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
	if len(token) > p.rules.MaxSize {
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

// Header is what counts of the header of a token. A member that is absent is as good
// as empty.
type Header struct{ Algorithm, KeyID, Type string }

// ReadHeader reads a header. Members that bring a key of their own (jwk, jku, x5c,
// x5u) are never followed, and those that change what was signed or demand to be
// understood are never passed over. Others that are not known are ignored (RFC 7515
// §4), or refused if that is asked for.
func ReadHeader(text string, strict bool) (h Header, err error) {
	s, err := newScanner(text, ReasonHeader)
	if err != nil {
		return Header{}, err
	}
	err = s.object(func(name string) (err error) {
		switch name {
		case "alg":
			h.Algorithm, err = s.text()
		case "kid":
			h.KeyID, err = s.text()
		case "typ":
			h.Type, err = s.text()
		case "crit":
			err = reject(ReasonCrit)
		case "b64", "zip", "enc":
			err = reject(ReasonHeader)
		default:
			if strict {
				return reject(ReasonHeader)
			}
			err = s.skip()
		}
		return err
	})
	if err == nil {
		err = s.end()
	}
	if err != nil {
		return Header{}, err
	}
	return h, nil
}

// key returns the key that a header asks for. The header is not trusted: it
// chooses among the keys and must agree with what the chosen one is for.
//
// Of our own tokens only the members that Sign writes are known.
func (p *Parser) key(keys *Set, header string) (Key, error) {
	h, err := ReadHeader(header, p.rules.Foreign == nil)
	if err != nil {
		return Key{}, err
	}
	anyType := p.rules.Foreign != nil && p.rules.Foreign.AnyType
	if !anyType && !strings.EqualFold(h.Type, accessTokenType) && !strings.EqualFold(h.Type, "application/"+accessTokenType) {
		return Key{}, reject(ReasonType)
	}
	if p.rules.Foreign == nil {
		return keys.named(h.KeyID, h.Algorithm)
	}
	return keys.choose(h.KeyID, canonical(h.Algorithm))
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
	hasAudience := false
	err = s.object(func(name string) (err error) {
		if i := slices.Index(p.required, name); i >= 0 {
			seen |= 1 << i
		}
		start, depth := s.pos, s.depth
		switch name {
		case "iss":
			c.Issuer, err = s.claim()
		case "sub":
			c.UserID, err = s.claim()
		case "aud":
			hasAudience = true
			c.Audience, c.forUs, err = s.audience(p.audiences)
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
			return s.skip()
		}
		if err != nil && p.unasked(name) {
			s.pos, s.depth = start, depth
			err = s.skip()
		}
		if e, ok := err.(*Error); ok && e.Reason == ReasonClaims {
			return rejectClaim(name)
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := s.end(); err != nil {
		return err
	}
	if seen != 1<<len(p.required)-1 {
		for i, name := range p.required {
			if seen&(1<<i) == 0 {
				return rejectClaim(name)
			}
		}
	}
	if c.UserID == "" { // which it is in tokens of clients alone
		if !slices.Contains(p.noSubject, c.ClientID) {
			return rejectClaim("sub")
		}
		c.UserID = c.ClientID
	}
	if !lasts(c.IssuedAt, c.notBefore, c.ExpiresAt) {
		return rejectClaim("exp")
	}
	if !c.IssuedAt.IsZero() && c.AuthTime.After(c.IssuedAt.Add(p.rules.Skew)) {
		if !p.unasked("auth_time") {
			return rejectClaim("auth_time")
		}
		c.AuthTime = time.Time{}
	}
	switch {
	case c.Issuer != p.rules.Issuer:
		return reject(ReasonIssuer)
	case !hasAudience && !slices.Contains(p.noAudience, c.ClientID), hasAudience && !c.forUs:
		return reject(ReasonAudience)
	}
	c.claims = body
	return nil
}

// unasked reports whether a claim is one that nobody asked for: of another issuer's
// tokens, which may mean something else by it, one that is neither required nor
// says who, to whom and when.
func (p *Parser) unasked(name string) bool {
	switch name {
	case "client_id", "jti", "sid", "auth_time", "amr", "acr":
		return p.rules.Foreign != nil && !slices.Contains(p.required, name)
	}
	return false
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
	if err != nil {
		return "", err
	}
	return v, nil
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
	if err != nil {
		return "", err
	}
	return strings.Join(list, " "), nil
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
// reports whether one that is wanted is there.
func (s *scanner) audience(wanted []string) (words string, found bool, err error) {
	if s.next() != '[' {
		v, err := s.claim()
		return JoinAudiences([]string{v}), slices.Contains(wanted, v), err
	}
	var list []string
	err = s.array(func() error {
		v, err := s.claim()
		found = found || slices.Contains(wanted, v)
		list = append(list, v)
		return err
	})
	if err == nil && list == nil {
		err = s.fail()
	}
	if err != nil {
		return "", false, err
	}
	return JoinAudiences(list), found, nil
}
