package flaskjwt

import (
	"context"
	"crypto/hmac"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/internal/token"
)

// Parse returns what an access token says that Flask-JWT-Extended 4 or an [Issuer]
// has written. All else is [auth.ErrInvalidToken], as an [*auth.TokenError] with
// the reason; [auth.ErrExpiredToken] if there is no other.
//
// The header has alg and typ, which PyJWT always writes, and nothing else. The
// claims sub, jti, iat, exp, type and fresh must be there, as create_access_token
// writes them whatever is configured; nbf, which JWT_ENCODE_NBF can drop, need
// not. sub is text, or an integer of at most 20 digits, which becomes decimal
// text. nbf and iat may lie up to 5 seconds in the future.
//
// Stricter than there: exp is required, a type that is neither access nor
// refresh is refused, and so is an aud where none is configured (RFC 7519
// §4.1.3), a header or a claim twice, names of claims that differ only in case,
// objects nested more than 16 deep, and more than 8 KiB.
//
// Identity.AuthTime is the claim auth_time, if there. Otherwise it is iat for a
// token that is fresh, or still is by a deadline, and zero for one that is not:
// long before any age that a route allows. Identity.Issuer is Config.Issuer.
func (i *Issuer) Parse(_ context.Context, accessToken string) (auth.Identity, error) {
	payload, err := i.open(accessToken)
	if err != nil {
		return auth.Identity{}, err
	}
	id, err := i.read(payload, time.Now())
	if err != nil {
		return auth.Identity{}, err
	}
	return id, nil
}

func reject(reason string) error { return &token.Error{Reason: reason} }

// encoding is strict: unused bits are zero.
var encoding = base64.RawURLEncoding.Strict()

// open returns the payload of a token that is signed. Until then nothing looks
// into it.
func (i *Issuer) open(accessToken string) ([]byte, error) {
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
	if parts[0] != header {
		if err := checkHeader(decoded[0]); err != nil {
			return nil, err
		}
	}
	input := accessToken[:len(parts[0])+1+len(parts[1])]
	for _, mac := range i.macs {
		if hmac.Equal(sum(mac, input), decoded[2]) {
			return decoded[1], nil
		}
	}
	return nil, reject(token.ReasonSignature)
}

// checkHeader takes the two members of a header in any order and spelling:
// PyJWT's order has changed. The type comes first, so that tokens of an
// auth.JWTIssuer are told apart by their reason.
func checkHeader(text []byte) error {
	m, err := token.Members(string(text), token.ReasonHeader)
	if err != nil {
		return err
	}
	r := reader{members: m}
	_, crit := m["crit"]
	typ, alg := r.text("typ"), r.text("alg")
	switch {
	case crit:
		return reject(token.ReasonCrit)
	case typ != "JWT":
		return reject(token.ReasonType)
	case alg != "HS256":
		return reject(token.ReasonAlgorithm)
	case len(m) != 2:
		return reject(token.ReasonHeader)
	}
	return nil
}

// read returns what a payload says now. The order is part of the contract: exp
// is last.
func (i *Issuer) read(payload []byte, now time.Time) (auth.Identity, error) {
	m, err := token.Members(string(payload), token.ReasonClaims)
	if err != nil {
		return auth.Identity{}, err
	}
	has := func(name string) bool { return m[name] != nil }
	r := reader{members: m}
	kind := r.text("type")
	fresh := r.fresh(now)
	id := auth.Identity{
		UserID:    r.subject(),
		TokenID:   r.text("jti"),
		IssuedAt:  r.date("iat"),
		ExpiresAt: r.date("exp"),
	}
	var notBefore time.Time
	if has("nbf") {
		notBefore = r.date("nbf")
	}
	switch {
	case has("auth_time"):
		id.AuthTime = r.date("auth_time")
	case fresh:
		id.AuthTime = id.IssuedAt
	}
	if has("sid") {
		id.SessionID = r.text("sid")
	}
	if has("amr") {
		id.AMR = strings.Join(r.texts("amr"), " ")
	}
	if has("acr") {
		id.ACR = r.text("acr")
	}
	if i.config.Issuer != "" {
		id.Issuer = r.text("iss")
	}
	var audiences []string
	if has("aud") {
		audiences = r.texts("aud")
		id.Audience = token.JoinAudiences(audiences)
	}

	latest := now.Add(token.ClockSkew)
	switch {
	case r.bad, !id.ExpiresAt.After(id.IssuedAt), !id.ExpiresAt.After(notBefore), id.AuthTime.After(id.IssuedAt.Add(token.ClockSkew)):
		return auth.Identity{}, reject(token.ReasonClaims)
	case kind != accessType:
		return auth.Identity{}, reject(token.ReasonType)
	case id.Issuer != i.config.Issuer:
		return auth.Identity{}, reject(token.ReasonIssuer)
	case i.config.Audience == "" && has("aud"), i.config.Audience != "" && !slices.Contains(audiences, i.config.Audience):
		return auth.Identity{}, reject(token.ReasonAudience)
	case notBefore.After(latest):
		return auth.Identity{}, reject(token.ReasonNotYetValid)
	case id.IssuedAt.After(latest):
		return auth.Identity{}, reject(token.ReasonIssuedInFuture)
	case !now.Before(id.ExpiresAt.Add(i.config.Leeway)):
		return auth.Identity{}, reject(token.ReasonExpired)
	}
	return id.WithClaims(payload), nil
}

// reader reads members that must be there. It remembers whether one was bad.
type reader struct {
	members map[string]json.RawMessage
	bad     bool
}

func (r *reader) text(name string) (s string) {
	raw := r.members[name]
	if len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, &s) != nil || !token.ValidText(s) {
		r.bad = true
	}
	return s
}

func (r *reader) subject() string {
	if raw := string(r.members["sub"]); isInteger(raw) {
		return raw
	}
	return r.text("sub")
}

// date reads whole seconds: PyJWT writes no others.
func (r *reader) date(name string) time.Time {
	raw := string(r.members[name])
	seconds, err := strconv.ParseInt(raw, 10, 64)
	if err != nil || seconds < 0 || seconds > token.MaxSeconds || !isInteger(raw) {
		r.bad = true
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

// fresh reads true, false or a deadline, of which the whole seconds count.
func (r *reader) fresh(now time.Time) bool {
	switch raw := string(r.members["fresh"]); raw {
	case "true", "false":
		return raw == "true"
	default:
		seconds, err := strconv.ParseFloat(raw, 64)
		if err != nil || seconds < 0 || seconds > token.MaxSeconds {
			r.bad = true
			return false
		}
		return !now.After(time.Unix(int64(seconds), 0))
	}
}

// texts reads a string or an array of them, as an audience is (RFC 7519 §4.1.3).
func (r *reader) texts(name string) []string {
	raw := r.members[name]
	if raw[0] != '[' {
		return []string{r.text(name)}
	}
	var texts []*string
	r.bad = r.bad || json.Unmarshal(raw, &texts) != nil || slices.Contains(texts, nil)
	if r.bad {
		return nil
	}
	list := make([]string, len(texts))
	for n, text := range texts {
		list[n] = *text
		r.bad = r.bad || !token.ValidText(*text)
	}
	return list
}
