package flaskjwt

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/internal/token"
)

// Verifier verifies the access tokens of a fleet, for a service that issues none: with
// JWT_PUBLIC_KEY alone it cannot. It is an [auth.Verifier], and safe for concurrent use.
type Verifier struct{ format *format }

// NewVerifier returns a verifier, or says what is wrong with c. The secrets and keys are
// copied.
func NewVerifier(c Config) (*Verifier, error) {
	f, err := newFormat(c)
	if err != nil {
		return nil, fmt.Errorf("flaskjwt: Config: %w", err)
	}
	return &Verifier{f}, nil
}

// Verify returns who an access token speaks for, as [Issuer.Parse] does.
func (v *Verifier) Verify(_ context.Context, accessToken string) (auth.Identity, error) {
	return v.format.parse(accessToken)
}

// Parse returns what an access token says that Flask-JWT-Extended 4 or an [Issuer]
// has written. All else is [auth.ErrInvalidToken], as an [*auth.TokenError] with
// the reason; [auth.ErrExpiredToken] if there is no other.
//
// The header has the alg of the Config and the typ JWT, as PyJWT writes it. Members
// that are not known, such as kid, are ignored (RFC 7515 §4), but never crit, and none
// is followed to a key.
//
// The claims sub, or what stands for it, jti, iat, exp, type and fresh must be there,
// as create_access_token writes them whatever is configured; nbf, which JWT_ENCODE_NBF
// can drop, need not. sub is text, or an integer of at most 20 digits, which becomes
// decimal text. Times are numbers, of which the whole seconds count. [Config] says what
// can be otherwise.
//
// Stricter than there: exp is required, a type that is neither access nor
// refresh is refused, and so is an aud where none is configured (RFC 7519
// §4.1.3), a header or a claim twice, objects nested more than 16 deep, and more than
// 8 KiB.
//
// Identity.AuthTime is the claim auth_time, if it is a time. Otherwise it is iat for a
// token that is fresh, or still is by a deadline, and zero for one that is not:
// long before any age that a route allows. Claims sid, amr and acr that are not what an
// Issuer writes are left empty. Identity.Issuer is Config.Issuer.
func (i *Issuer) Parse(_ context.Context, accessToken string) (auth.Identity, error) {
	return i.format.parse(accessToken)
}

func (f *format) parse(accessToken string) (auth.Identity, error) {
	payload, err := f.open(accessToken)
	if err != nil {
		return auth.Identity{}, err
	}
	return f.read(payload, time.Now())
}

func reject(reason string) error { return &token.Error{Reason: reason} }

// encoding is strict: unused bits are zero.
var encoding = base64.RawURLEncoding.Strict()

// open returns the payload of a token that is signed. Until then nothing looks
// into it.
func (f *format) open(accessToken string) ([]byte, error) {
	if len(accessToken) > token.MaxSize {
		return nil, reject(token.ReasonTooLarge)
	}
	parts := strings.Split(accessToken, ".")
	if len(parts) != 3 || slices.Contains(parts, "") {
		return nil, reject(token.ReasonMalformed)
	}
	if strings.ContainsAny(accessToken, "\r\n") { // which base64 skips
		return nil, reject(token.ReasonEncoding)
	}
	var decoded [3][]byte
	for n, part := range parts {
		var err error
		if decoded[n], err = encoding.DecodeString(part); err != nil {
			return nil, reject(token.ReasonEncoding)
		}
	}
	h, err := token.ReadHeader(string(decoded[0]), false)
	switch {
	case err != nil:
		return nil, err
	case h.Type != "JWT": // first, so that tokens of an auth.JWTIssuer are told apart by their reason
		return nil, reject(token.ReasonType)
	case !f.keys[0].Is(h.Algorithm):
		return nil, reject(token.ReasonAlgorithm)
	}
	input := accessToken[:len(parts[0])+1+len(parts[1])]
	for _, k := range f.keys {
		if k.VerifyInput(input, decoded[2]) == nil {
			return decoded[1], nil
		}
	}
	return nil, reject(token.ReasonSignature)
}

// read returns what a payload says now. The order is part of the contract: exp
// is last.
func (f *format) read(payload []byte, now time.Time) (auth.Identity, error) {
	m, err := token.Members(string(payload), token.ReasonClaims)
	if err != nil {
		return auth.Identity{}, err
	}
	c := &f.config
	has := func(name string) bool { return m[name] != nil }
	old := func(name string) bool { return c.InsecureOldTokens && !has(name) }
	r := reader{members: m}
	id := auth.Identity{
		UserID:    r.userID(c),
		IssuedAt:  r.date("iat"),
		ExpiresAt: r.date("exp"),
		SessionID: r.optional("sid"),
		ACR:       r.optional("acr"),
		AMR:       r.methods(),
	}
	if !old("jti") {
		id.TokenID = r.text("jti")
	}
	kind, fresh := accessType, false
	if !old("type") {
		kind = r.text("type")
	}
	if !old("fresh") {
		fresh = r.fresh(now)
	}
	var notBefore time.Time
	if has("nbf") {
		notBefore = r.date("nbf")
	}
	if at, ok := token.Instant(string(m["auth_time"])); ok && !at.After(id.IssuedAt.Add(c.Skew)) {
		id.AuthTime = at
	} else if fresh {
		id.AuthTime = id.IssuedAt
	}
	if c.Issuer != "" {
		id.Issuer = r.text("iss")
	}
	var audiences []string
	if has("aud") {
		audiences = r.texts("aud")
		id.Audience = token.JoinAudiences(audiences)
	}
	if !id.ExpiresAt.After(id.IssuedAt) || !id.ExpiresAt.After(notBefore) {
		r.fail("exp")
	}

	latest := now.Add(c.Skew)
	switch {
	case r.bad != "":
		return auth.Identity{}, &token.Error{Reason: token.ReasonClaims, Claim: r.bad}
	case kind != accessType:
		return auth.Identity{}, reject(token.ReasonType)
	case id.Issuer != c.Issuer:
		return auth.Identity{}, reject(token.ReasonIssuer)
	case len(f.audiences) == 0 && has("aud"), len(f.audiences) > 0 && !slices.ContainsFunc(audiences, f.accepts):
		return auth.Identity{}, reject(token.ReasonAudience)
	case notBefore.After(latest):
		return auth.Identity{}, reject(token.ReasonNotYetValid)
	case id.IssuedAt.After(latest):
		return auth.Identity{}, reject(token.ReasonIssuedInFuture)
	case !now.Before(id.ExpiresAt.Add(c.Leeway)):
		return auth.Identity{}, reject(token.ReasonExpired)
	}
	return id.WithClaims(payload), nil
}

func (f *format) accepts(audience string) bool { return slices.Contains(f.audiences, audience) }

// reader reads members that must be there. It remembers the first that was bad.
type reader struct {
	members map[string]json.RawMessage
	bad     string
}

func (r *reader) fail(name string) {
	if r.bad == "" {
		r.bad = name
	}
}

func (r *reader) text(name string) string {
	s := r.optional(name)
	if s == "" {
		r.fail(name)
	}
	return s
}

// optional reads text that may be missing, or something else.
func (r *reader) optional(name string) (s string) {
	raw := r.members[name]
	if len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, &s) != nil || !token.ValidText(s) {
		return ""
	}
	return s
}

func (r *reader) userID(c *Config) string {
	raw := r.members[c.IdentityClaim]
	switch {
	case raw == nil, c.ReadUserID == nil && !isInteger(string(raw)):
		return r.text(c.IdentityClaim)
	case c.ReadUserID == nil:
		return string(raw)
	}
	id, err := c.ReadUserID(raw)
	if err != nil || !token.ValidText(id) {
		r.fail(c.IdentityClaim)
		return ""
	}
	return id
}

func (r *reader) date(name string) time.Time {
	at, ok := token.Instant(string(r.members[name]))
	if !ok {
		r.fail(name)
	}
	return at
}

// fresh reads true, false or a deadline, of which the whole seconds count.
func (r *reader) fresh(now time.Time) bool {
	switch raw := string(r.members["fresh"]); raw {
	case "true", "false":
		return raw == "true"
	default:
		return !now.After(r.date("fresh"))
	}
}

// texts reads a string or an array of them, as an audience is (RFC 7519 §4.1.3).
func (r *reader) texts(name string) []string {
	raw := r.members[name]
	if raw[0] != '[' {
		return []string{r.text(name)}
	}
	list, ok := list(raw)
	if !ok {
		r.fail(name)
	}
	return list
}

// methods reads the claim amr, if it is a list of words, and separates them by spaces.
func (r *reader) methods() string {
	raw := r.members["amr"]
	if len(raw) == 0 || raw[0] != '[' {
		return ""
	}
	words, ok := list(raw)
	if !ok || slices.ContainsFunc(words, func(word string) bool { return strings.Contains(word, " ") }) {
		return ""
	}
	return strings.Join(words, " ")
}

// list reads an array of texts.
func list(raw json.RawMessage) ([]string, bool) {
	var texts []*string
	if json.Unmarshal(raw, &texts) != nil {
		return nil, false
	}
	list := make([]string, len(texts))
	for n, text := range texts {
		if text == nil || !token.ValidText(*text) {
			return nil, false
		}
		list[n] = *text
	}
	return list, true
}
