package flaskjwt

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/internal/input"
	"github.com/seed89488a0c/auth/internal/token"
	"github.com/seed89488a0c/auth/internal/uuid"
)

// Limits of an Issuer.
const (
	maxSecret     = 1024 // bytes; a longer one is likely some other file
	maxOldSecrets = 8    // each costs a MAC for a forged token
	maxIDBytes    = 64
	// maxFresh is how long after authentication a token counts as issued with it:
	// between the two, a service asks for the user's claims, and the second may turn.
	maxFresh = 5 * time.Second
)

// accessType is the claim type of an access token.
const accessType = "access"

// header is what PyJWT 2 writes for HS256.
var header = base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`))

// Config says what an [Issuer] issues and accepts. Secret is required. Named
// behind each field is the setting of the Flask services that it must agree with.
// It prints as "REDACTED".
type Config struct {
	Secret []byte // JWT_SECRET_KEY, as UTF-8: 32 to 1024 bytes; signs and verifies

	// OldSecrets verify as well: at most 8, each as Secret. Flask-JWT-Extended
	// knows one secret only, so they are of use after its services are gone.
	OldSecrets [][]byte

	// InsecureShortSecret takes secrets from one byte. Whoever has seen one token
	// can find a short secret by trying, and then be anybody.
	InsecureShortSecret bool

	Issuer   string // JWT_ENCODE_ISSUER and JWT_DECODE_ISSUER; "" = iss is neither written nor read
	Audience string // JWT_ENCODE_AUDIENCE and JWT_DECODE_AUDIENCE; "" = aud is not written, and a token with one refused

	TTL    time.Duration // JWT_ACCESS_TOKEN_EXPIRES: whole seconds, up to ten years; 0 = 15 minutes
	Leeway time.Duration // for which an expired token is still accepted, at most 5 minutes; 0 = none

	// IntegerSubjects writes user IDs that are decimal integers of at most 20
	// digits as JSON numbers, for services that call create_access_token with an
	// integer and compare with one. Both are read either way.
	IntegerSubjects bool
}

// Format writes "REDACTED" for every verb. In an unexported field of another
// struct fmt does not call it, and prints the secrets.
func (Config) Format(f fmt.State, _ rune) { io.WriteString(f, "REDACTED") }

// LogValue returns "REDACTED".
func (Config) LogValue() slog.Value { return slog.StringValue("REDACTED") }

// MarshalText returns "REDACTED".
func (Config) MarshalText() ([]byte, error) { return []byte("REDACTED"), nil }

// Issuer is an [auth.TokenIssuer] for the access tokens of Flask-JWT-Extended. It
// is safe for concurrent use and does no I/O.
type Issuer struct {
	config Config             // without the secrets
	macs   []func() hash.Hash // hold the secrets, where no printer reaches them; the first signs
}

// NewIssuer returns an issuer, or says what is wrong with c. The secrets are
// copied.
func NewIssuer(c Config) (*Issuer, error) {
	i, err := newIssuer(c)
	if err != nil {
		return nil, fmt.Errorf("flaskjwt: Config: %w", err)
	}
	return i, nil
}

func newIssuer(c Config) (*Issuer, error) {
	c.TTL = cmp.Or(c.TTL, token.DefaultTTL)
	switch {
	case c.Leeway < 0 || c.Leeway > token.MaxLeeway:
		return nil, errors.New("the leeway is negative or above 5 minutes")
	case len(c.OldSecrets) > maxOldSecrets:
		return nil, fmt.Errorf("more than %d old secrets", maxOldSecrets)
	case c.Issuer != "" && !token.ValidText(c.Issuer):
		return nil, errors.New("the issuer is not UTF-8 or has control characters")
	case c.Audience != "" && !token.ValidText(c.Audience):
		return nil, errors.New("the audience is not UTF-8 or has control characters")
	case strings.Contains(c.Audience, " "):
		return nil, errors.New("the audience has a space")
	}
	i := &Issuer{}
	for n, secret := range append([][]byte{c.Secret}, c.OldSecrets...) {
		mac, err := newMAC(secret, c.InsecureShortSecret)
		switch {
		case err != nil && n == 0:
			return nil, fmt.Errorf("the secret: %w", err)
		case err != nil:
			return nil, fmt.Errorf("old secret %d: %w", n, err)
		}
		i.macs = append(i.macs, mac)
	}
	c.Secret, c.OldSecrets = nil, nil
	i.config = c
	// What no token can carry is found now, not at a login, as is a bad TTL. JSON
	// writes < in six bytes.
	longest := strings.Repeat("<", maxIDBytes)
	if _, err := i.sign(auth.Subject{UserID: longest, SessionID: longest, AuthTime: time.Now()}); err != nil {
		return nil, err
	}
	return i, nil
}

func newMAC(secret []byte, short bool) (func() hash.Hash, error) {
	if !short {
		if _, err := token.NewHMAC(secret); err != nil {
			return nil, err
		}
	} else if len(secret) == 0 || len(secret) > maxSecret {
		return nil, fmt.Errorf("%w: not 1 to %d bytes", token.ErrInvalidKey, maxSecret)
	}
	secret = bytes.Clone(secret)
	return func() hash.Hash { return hmac.New(sha256.New, secret) }, nil
}

// claims are in the order in which Flask-JWT-Extended writes them.
type claims struct {
	Fresh     bool     `json:"fresh"`
	IssuedAt  int64    `json:"iat"`
	ID        string   `json:"jti"`
	Type      string   `json:"type"`
	Subject   any      `json:"sub"`
	NotBefore int64    `json:"nbf"`
	CSRF      string   `json:"csrf"`
	Audience  string   `json:"aud,omitempty"`
	Issuer    string   `json:"iss,omitempty"`
	ExpiresAt int64    `json:"exp"`
	AuthTime  *int64   `json:"auth_time,omitempty"`
	SessionID string   `json:"sid,omitempty"`
	AMR       []string `json:"amr,omitempty"`
	ACR       string   `json:"acr,omitempty"`
}

// Issue returns a token. It is fresh if AuthTime is at most 5 seconds ago; one in
// the future, by another machine's clock, becomes now, and a zero one is not
// written. Issue fails for a subject that no token can carry: an empty user ID,
// text that is not UTF-8 or has control characters, an AuthTime before 1970,
// claims that may not be there, more than 8 KiB. There is one audience at most, so
// that for any other it is an [auth.InputError].
func (i *Issuer) Issue(_ context.Context, s auth.Subject) (auth.IssuedToken, error) {
	another := func(audience string) bool { return audience == "" || audience != i.config.Audience }
	if slices.ContainsFunc(s.Audience, another) || len(s.Granted) > 0 && !slices.Contains(s.Granted, i.config.Audience) {
		return auth.IssuedToken{}, &auth.InputError{Field: input.FieldAudience, Code: input.NotAllowed}
	}
	issued, err := i.sign(s)
	if err != nil {
		return auth.IssuedToken{}, fmt.Errorf("flaskjwt: %w", err)
	}
	return issued, nil
}

func (i *Issuer) sign(s auth.Subject) (auth.IssuedToken, error) {
	ttl := cmp.Or(s.TTL, i.config.TTL)
	now := time.Now().UTC()
	second := now.Truncate(time.Second)
	expires := second.Add(ttl)
	switch {
	case !token.ValidTTL(ttl):
		return auth.IssuedToken{}, errors.New("the TTL is not a whole number of seconds up to ten years")
	case !token.ValidText(s.UserID):
		return auth.IssuedToken{}, errors.New("the user ID is empty, not UTF-8, or has control characters")
	case s.SessionID != "" && !token.ValidText(s.SessionID):
		return auth.IssuedToken{}, errors.New("the session ID is not UTF-8 or has control characters")
	case s.AMR != "" && !token.ValidText(s.AMR), s.ACR != "" && !token.ValidText(s.ACR):
		return auth.IssuedToken{}, errors.New("amr or acr is not UTF-8 or has control characters")
	case s.AMR != "" && strings.Contains(" "+s.AMR+" ", "  "):
		return auth.IssuedToken{}, errors.New("amr has a space too many")
	case !s.AuthTime.IsZero() && s.AuthTime.Unix() < 0:
		return auth.IssuedToken{}, errors.New("the time of authentication is before 1970")
	}
	c := claims{
		Fresh:     now.Sub(s.AuthTime) <= maxFresh,
		IssuedAt:  second.Unix(),
		ID:        uuid.V4(),
		Type:      accessType,
		Subject:   s.UserID,
		NotBefore: second.Unix(),
		CSRF:      uuid.V4(),
		Audience:  i.config.Audience,
		Issuer:    i.config.Issuer,
		ExpiresAt: expires.Unix(),
		SessionID: s.SessionID,
		ACR:       s.ACR,
	}
	if s.AMR != "" {
		c.AMR = strings.Split(s.AMR, " ")
	}
	if i.config.IntegerSubjects && isInteger(s.UserID) {
		c.Subject = json.Number(s.UserID)
	}
	if !s.AuthTime.IsZero() {
		authTime := min(s.AuthTime.Unix(), c.IssuedAt)
		c.AuthTime = &authTime
	}
	payload, err := json.Marshal(c)
	if err != nil {
		return auth.IssuedToken{}, err
	}
	if len(s.Claims) > 0 {
		if err := token.CheckCustom(string(s.Claims)); err != nil {
			return auth.IssuedToken{}, err
		}
		payload = append(token.AppendCustom(payload[:len(payload)-1], string(s.Claims)), '}')
	}
	text := header + "." + base64.RawURLEncoding.EncodeToString(payload)
	text += "." + base64.RawURLEncoding.EncodeToString(sum(i.macs[0], text))
	if len(text) > token.MaxSize {
		return auth.IssuedToken{}, fmt.Errorf("larger than %d bytes", token.MaxSize)
	}
	return auth.IssuedToken{Token: text, ExpiresAt: expires}, nil
}

func sum(mac func() hash.Hash, input string) []byte {
	h := mac()
	io.WriteString(h, input) // never fails
	return h.Sum(nil)
}

// isInteger reports whether s is an integer in the one spelling that survives
// being a number, and of no more digits than a 64-bit one has.
func isInteger(s string) bool {
	digits := strings.TrimPrefix(s, "-")
	return digits != "" && len(digits) <= 20 && strings.Trim(digits, "0123456789") == "" && (digits[0] != '0' || s == "0")
}
