package token

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// payload is what a token carries, in the order in which it is written.
type payload struct {
	Issuer    string `json:"iss"`
	Subject   string `json:"sub"`
	Audience  string `json:"aud"`
	ClientID  string `json:"client_id"`
	ID        string `json:"jti"`
	SessionID string `json:"sid,omitempty"`
	IssuedAt  int64  `json:"iat"`
	NotBefore int64  `json:"nbf"`
	ExpiresAt int64  `json:"exp"`
	AuthTime  int64  `json:"auth_time"`
}

// Sign returns the claims as a token in JWS compact serialisation. Its header
// is {"alg","kid","typ":"at+jwt"} and its aud a string.
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
	body, err := json.Marshal(payload{
		Issuer:    c.Issuer,
		Subject:   c.Subject,
		Audience:  c.Audience,
		ClientID:  c.ClientID,
		ID:        c.ID,
		SessionID: c.SessionID,
		IssuedAt:  c.IssuedAt.Unix(),
		NotBefore: c.NotBefore.Unix(),
		ExpiresAt: c.ExpiresAt.Unix(),
		AuthTime:  c.AuthTime.Unix(),
	})
	if err != nil {
		return "", fmt.Errorf("token: sign: %w", err)
	}

	// Neither an algorithm nor a key's ID has anything to escape.
	head := []byte(`{"alg":"` + k.algorithm + `","kid":"` + k.id + `","typ":"` + accessTokenType + `"}`)
	encode := base64.RawURLEncoding.EncodeToString
	input := encode(head) + "." + encode(body)
	signature, err := k.sign(input)
	if err != nil {
		return "", fmt.Errorf("token: sign: %w", err)
	}
	token := input + "." + encode(signature)
	if len(token) > MaxSize {
		return "", fmt.Errorf("token: sign: larger than %d bytes", MaxSize)
	}
	return token, nil
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
	} {
		if !validText(s.value) && !(s.optional && s.value == "") {
			return fmt.Errorf("token: sign: %s is empty, not UTF-8, or has control characters", s.name)
		}
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
		if seconds := t.value.Unix(); t.value.Nanosecond() != 0 || seconds < 0 || seconds > maxSeconds {
			return fmt.Errorf("token: sign: %s is not a whole second between 1970 and 9999", t.name)
		}
	}
	if !c.lasts() {
		return errors.New("token: sign: exp is not after iat and nbf")
	}
	return nil
}
