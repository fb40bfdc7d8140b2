package token

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// MaxSize is the largest token, in bytes. A larger one is neither signed nor
// looked at.
const MaxSize = 8192

// maxSeconds is the last second of the year 9999, the last that RFC 3339, and
// with it most of what stores or prints times, can express.
const maxSeconds = 253402300799

// Claims are the claims of an access token (RFC 9068 §2.2). All are required
// but SessionID. The strings are not empty, valid UTF-8 and free of control
// characters: they end up in logs, headers and keys of caches. The times are
// whole seconds from 1970 to 9999 (RFC 7519 §2, NumericDate without a
// fraction); Parse returns them in UTC.
type Claims struct {
	Issuer    string    // iss
	Audience  string    // aud
	Subject   string    // sub
	ClientID  string    // client_id
	ID        string    // jti
	SessionID string    // sid; "" is absent
	IssuedAt  time.Time // iat
	NotBefore time.Time // nbf, before exp
	ExpiresAt time.Time // exp, after iat; from then on the token is expired
	AuthTime  time.Time // auth_time: when the user last proved who he is
}

// complete reports whether every required claim is there.
func (c *Claims) complete() bool {
	return c.Issuer != "" && c.Audience != "" && c.Subject != "" && c.ClientID != "" && c.ID != "" &&
		!c.IssuedAt.IsZero() && !c.NotBefore.IsZero() && !c.ExpiresAt.IsZero() && !c.AuthTime.IsZero()
}

// lasts reports whether there is a moment at which the token is valid.
func (c *Claims) lasts() bool {
	return c.ExpiresAt.After(c.IssuedAt) && c.ExpiresAt.After(c.NotBefore)
}

// validText reports whether s may be the value of a claim.
func validText(s string) bool {
	return s != "" && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}
