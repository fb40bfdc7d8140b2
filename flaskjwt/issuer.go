package flaskjwt

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/internal/input"
	"github.com/seed89488a0c/auth/internal/token"
	"github.com/seed89488a0c/auth/internal/uuid"
)

// maxFresh is how long after authentication a token counts as issued with it:
// between the two, a service asks for the user's claims, and the second may turn.
const maxFresh = 5 * time.Second

// maxIdentity is the size in bytes of the largest identity that WriteUserID returns.
const maxIdentity = 1024

// accessType is the claim type of an access token.
const accessType = "access"

// Issuer is an [auth.TokenIssuer] for the access tokens of Flask-JWT-Extended. It
// is safe for concurrent use and does no I/O.
type Issuer struct {
	format *format
	header string // what PyJWT 2 writes, encoded
}

// NewIssuer returns an issuer, or says what is wrong with c. The secrets and keys are
// copied.
func NewIssuer(c Config) (*Issuer, error) {
	i, err := newIssuer(c)
	if err != nil {
		return nil, fmt.Errorf("flaskjwt: Config: %w", err)
	}
	return i, nil
}

func newIssuer(c Config) (*Issuer, error) {
	f, err := newFormat(c)
	if err != nil {
		return nil, err
	}
	switch all := f.written(); {
	case !f.keys[0].CanSign():
		return nil, errors.New("there is neither a Secret nor a PrivateKey")
	case strings.Contains(strings.Join(all, ""), " "):
		return nil, errors.New("an audience that is written has a space")
	case len(slices.Compact(slices.Sorted(slices.Values(all)))) < len(all):
		return nil, errors.New("an audience that is written is there twice")
	}
	i := &Issuer{f, base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"` + f.keys[0].Algorithm() + `","typ":"JWT"}`))}
	// What no token can carry is found now, not at a login, as is a bad TTL. JSON
	// writes < in six bytes.
	longest := strings.Repeat("<", maxIDBytes)
	identity, _ := json.Marshal(longest)
	if _, err := i.sign(auth.Subject{UserID: longest, SessionID: longest, AuthTime: time.Now(), AMR: "pwd"}, f.written(), identity); err != nil {
		return nil, err
	}
	return i, nil
}

// Issue returns a token. It is fresh if AuthTime is at most 5 seconds ago; one in
// the future, by another machine's clock, becomes now, and a zero one is not
// written. Issue fails for a subject that no token can carry: an empty user ID,
// text that is not UTF-8 or has control characters, an AuthTime before 1970,
// claims that may not be there, more than 8 KiB. An audience that is
// neither Config.Audience nor among its OtherAudiences is an [auth.InputError].
func (i *Issuer) Issue(_ context.Context, s auth.Subject) (auth.IssuedToken, error) {
	audiences, ok := token.Audiences(i.format.written(), s.Audience, s.Granted)
	if !ok {
		return auth.IssuedToken{}, &auth.InputError{Field: input.FieldAudience, Code: input.NotAllowed}
	}
	identity, err := i.identity(s.UserID)
	var issued auth.IssuedToken
	if err == nil {
		issued, err = i.sign(s, audiences, identity)
	}
	if err != nil {
		return auth.IssuedToken{}, fmt.Errorf("flaskjwt: %w", err)
	}
	return issued, nil
}

// identity returns what the claim of who somebody is says, as JSON.
func (i *Issuer) identity(userID string) (json.RawMessage, error) {
	c := &i.format.config
	switch {
	case !token.ValidText(userID):
		return nil, errors.New("the user ID is empty, not UTF-8, or has control characters")
	case c.WriteUserID == nil && c.IntegerSubjects && isInteger(userID):
		return json.RawMessage(userID), nil
	case c.WriteUserID == nil:
		return json.Marshal(userID)
	}
	identity, err := c.WriteUserID(userID)
	if err != nil {
		return nil, fmt.Errorf("WriteUserID: %w", err)
	}
	if _, err := token.Members(`{"":`+string(identity)+`}`, token.ReasonClaims); err != nil || len(identity) > maxIdentity {
		return nil, errors.New("what WriteUserID returns is larger than 1024 bytes, not JSON, or has a name twice")
	}
	return identity, nil
}

func (i *Issuer) sign(s auth.Subject, audiences []string, identity json.RawMessage) (auth.IssuedToken, error) {
	c := &i.format.config
	ttl := cmp.Or(s.TTL, c.TTL)
	now := time.Now().UTC()
	second := now.Truncate(time.Second)
	expires := second.Add(ttl)
	switch {
	case !token.ValidTTL(ttl):
		return auth.IssuedToken{}, errors.New("the TTL is not a whole number of seconds up to ten years")
	case s.SessionID != "" && !token.ValidText(s.SessionID):
		return auth.IssuedToken{}, errors.New("the session ID is not UTF-8 or has control characters")
	case s.AMR != "" && !token.ValidText(s.AMR):
		return auth.IssuedToken{}, errors.New("amr is not UTF-8 or has control characters")
	case s.AMR != "" && strings.Contains(" "+s.AMR+" ", "  "):
		return auth.IssuedToken{}, errors.New("amr has a space too many")
	case !s.AuthTime.IsZero() && s.AuthTime.Unix() < 0:
		return auth.IssuedToken{}, errors.New("the time of authentication is before 1970")
	}
	// In the order in which Flask-JWT-Extended writes them.
	p := payload{b: []byte{'{'}}
	p.add("fresh", now.Sub(s.AuthTime) <= maxFresh)
	p.add("iat", second.Unix())
	p.add("jti", uuid.V4())
	p.add("type", accessType)
	p.add(c.IdentityClaim, identity)
	p.add("nbf", second.Unix())
	p.add("csrf", uuid.V4())
	switch len(audiences) {
	case 0:
	case 1:
		p.add("aud", audiences[0])
	default:
		p.add("aud", audiences)
	}
	if c.Issuer != "" {
		p.add("iss", c.Issuer)
	}
	p.add("exp", expires.Unix())
	// And what it leaves alone.
	if !s.AuthTime.IsZero() {
		p.add("auth_time", min(s.AuthTime.Unix(), second.Unix()))
	}
	if s.SessionID != "" {
		p.add("sid", s.SessionID)
	}
	if s.AMR != "" {
		p.add("amr", strings.Split(s.AMR, " "))
	}
	if c.ACR != nil && s.AMR != "" {
		acr := c.ACR(s.AMR)
		if acr != "" && !token.ValidText(acr) {
			return auth.IssuedToken{}, errors.New("acr is not UTF-8 or has control characters")
		}
		if acr != "" {
			p.add("acr", acr)
		}
	}
	if p.err != nil {
		return auth.IssuedToken{}, p.err
	}
	if err := i.custom(&p, string(s.Claims)); err != nil {
		return auth.IssuedToken{}, err
	}
	text := i.header + "." + base64.RawURLEncoding.EncodeToString(append(p.b, '}'))
	signature, err := i.format.keys[0].SignInput(text)
	if err != nil {
		return auth.IssuedToken{}, fmt.Errorf("sign: %w", err)
	}
	text += "." + base64.RawURLEncoding.EncodeToString(signature)
	if len(text) > token.MaxSize {
		return auth.IssuedToken{}, fmt.Errorf("larger than %d bytes", token.MaxSize)
	}
	return auth.IssuedToken{Token: text, ExpiresAt: expires}, nil
}

// custom adds the claims of a service.
func (i *Issuer) custom(p *payload, object string) error {
	if object == "" {
		return nil
	}
	if err := token.CheckCustom(object); err != nil {
		return err
	}
	members, err := token.Members(object, token.ReasonClaims)
	if err != nil {
		return err
	}
	for name := range members {
		if strings.EqualFold(name, i.format.config.IdentityClaim) {
			return errors.New("custom claims: the IdentityClaim")
		}
	}
	p.b = token.AppendCustom(p.b, object)
	return nil
}

// payload is a JSON object that is not closed yet.
type payload struct {
	b   []byte
	err error
}

func (p *payload) add(name string, value any) {
	if len(p.b) > 1 {
		p.b = append(p.b, ',')
	}
	for n, v := range []any{name, value} {
		text, err := json.Marshal(v)
		if err != nil {
			p.err = err
		}
		p.b = append(p.b, text...)
		if n == 0 {
			p.b = append(p.b, ':')
		}
	}
}

// isInteger reports whether s is an integer in the one spelling that survives
// being a number, and of no more digits than a 64-bit one has.
func isInteger(s string) bool {
	digits := strings.TrimPrefix(s, "-")
	return digits != "" && len(digits) <= 20 && strings.Trim(digits, "0123456789") == "" && (digits[0] != '0' || s == "0")
}
