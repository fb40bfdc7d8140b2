package token

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Sign returns the claims as a token in JWS compact serialisation. Its header
// is {"alg","kid","typ":"at+jwt"}, and its aud a string if there is one audience.
//
// It refuses claims that are not as [Claims] wants them, and a token larger
// than MaxSize: with the same issuer, audience and key, what it returns is good
// for Parse, provided that AuthTime does not lie after IssuedAt by more than
// the parser's skew.
func Sign(k Key, c Claims) (string, error) {
	if !k.CanSign() {
		return "", ErrCannotSign
	}
	if err := c.check(); err != nil {
		return "", err
	}
	body := make([]byte, 0, 512)
	body = appendMember(body, '{', "iss", c.Issuer)
	body = appendMember(body, ',', "sub", c.Subject)
	if len(c.OtherAudiences) == 0 {
		body = appendMember(body, ',', "aud", c.Audience)
	} else {
		body = appendString(append(body, `,"aud":[`...), c.Audience)
		for _, a := range c.OtherAudiences {
			body = appendString(append(body, ','), a)
		}
		body = append(body, ']')
	}
	body = appendMember(body, ',', "client_id", c.ClientID)
	body = appendMember(body, ',', "jti", c.ID)
	if c.SessionID != "" {
		body = appendMember(body, ',', "sid", c.SessionID)
	}
	body = appendDate(body, "iat", c.IssuedAt)
	body = appendDate(body, "nbf", c.NotBefore)
	body = appendDate(body, "exp", c.ExpiresAt)
	body = appendDate(body, "auth_time", c.AuthTime)
	if c.AMR != "" {
		body = append(body, `,"amr":[`...)
		for i, method := range strings.Split(c.AMR, " ") {
			if i > 0 {
				body = append(body, ',')
			}
			body = appendString(body, method)
		}
		body = append(body, ']')
	}
	if c.ACR != "" {
		body = appendMember(body, ',', "acr", c.ACR)
	}
	body = append(AppendCustom(body, c.Custom), '}')

	text := make([]byte, 0, MaxSize/8)
	text = append(append(text, k.head...), '.')
	text = base64.RawURLEncoding.AppendEncode(text, body)
	signature, err := k.sign(string(text))
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	text = base64.RawURLEncoding.AppendEncode(append(text, '.'), signature)
	if len(text) > MaxSize {
		return "", fmt.Errorf("sign: larger than %d bytes", MaxSize)
	}
	return string(text), nil
}

// AppendCustom appends the members of custom claims, as [CheckCustom] wants
// them, to an object that has others and is not closed.
func AppendCustom(b []byte, object string) []byte {
	more := strings.TrimSpace(object)
	if more != "" {
		more = strings.TrimSpace(more[1 : len(more)-1]) // without its brackets
	}
	if more == "" {
		return b
	}
	return append(append(b, ','), more...)
}

func appendMember(b []byte, before byte, name, value string) []byte {
	b = append(append(append(b, before, '"'), name...), '"', ':')
	return appendString(b, value)
}

// appendString appends a JSON string.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || strings.IndexByte(`"\<>&`, c) >= 0 {
			quoted, _ := json.Marshal(s) // a string is always encoded
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

func appendDate(b []byte, name string, t time.Time) []byte {
	b = append(append(append(b, ',', '"'), name...), '"', ':')
	return strconv.AppendInt(b, t.Unix(), 10)
}

// check says what is wrong with the claims, by name and never by value.
func (c *Claims) check() error {
	for _, s := range []struct {
		name, value string
		optional    bool
	}{
		{"iss", c.Issuer, false},
		{"aud", c.Audience, false},
		{"sub", c.Subject, false},
		{"client_id", c.ClientID, false},
		{"jti", c.ID, false},
		{"sid", c.SessionID, true},
		{"amr", c.AMR, true},
		{"acr", c.ACR, true},
	} {
		if !ValidText(s.value) && !(s.optional && s.value == "") {
			return fmt.Errorf("sign: %s is empty, not UTF-8, or has control characters", s.name)
		}
	}
	if strings.Contains(c.Audience, " ") || slices.ContainsFunc(c.OtherAudiences, func(a string) bool { return !ValidText(a) || strings.Contains(a, " ") }) {
		return errors.New("sign: aud is empty, not UTF-8, or has a space or control characters")
	}
	if strings.Contains(" "+c.AMR+" ", "  ") && c.AMR != "" {
		return errors.New("sign: amr has a space too many")
	}
	for _, t := range []struct {
		name  string
		value time.Time
	}{
		{"iat", c.IssuedAt},
		{"nbf", c.NotBefore},
		{"exp", c.ExpiresAt},
		{"auth_time", c.AuthTime},
	} {
		if seconds := t.value.Unix(); t.value.Nanosecond() != 0 || seconds < 0 || seconds > MaxSeconds {
			return fmt.Errorf("sign: %s is not a whole second between 1970 and 9999", t.name)
		}
	}
	if !lasts(c.IssuedAt, c.NotBefore, c.ExpiresAt) {
		return errors.New("sign: exp is not after iat and nbf")
	}
	if c.Custom == "" {
		return nil
	}
	return CheckCustom(c.Custom)
}
