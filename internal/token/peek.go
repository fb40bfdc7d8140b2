package token

import (
	"encoding/base64"
	"strings"
)

// IssuerOf returns the iss that a token of at most so many bytes claims, "" if none.
// Nothing of it is verified: it chooses who verifies.
func IssuerOf(token string, size int) (string, error) {
	if len(token) > size {
		return "", reject(ReasonTooLarge)
	}
	_, rest, _ := strings.Cut(token, ".")
	body, _, ok := strings.Cut(rest, ".")
	if !ok || body == "" {
		return "", reject(ReasonMalformed)
	}
	payload, err := base64.RawURLEncoding.Strict().DecodeString(body)
	if err != nil || strings.ContainsAny(body, "\r\n") { // which decoding skips
		return "", reject(ReasonEncoding)
	}
	s, err := newScanner(string(payload), ReasonClaims)
	if err != nil {
		return "", err
	}
	var issuer string
	err = s.object(func(name string) (err error) {
		if name == "iss" {
			if issuer, err = s.claim(); err != nil {
				return rejectClaim("iss")
			}
			return nil
		}
		return s.skip()
	})
	if err == nil {
		err = s.end()
	}
	if err != nil {
		return "", err
	}
	return issuer, nil
}
