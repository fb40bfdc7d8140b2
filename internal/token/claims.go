package token

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Sizes in bytes.
const (
	// MaxSize is that of the largest token. A larger one is neither signed nor
	// looked at.
	MaxSize = 8192

	// MaxCustom is that of the largest Claims.Custom.
	MaxCustom = 4096
)

// MaxSeconds is the last second of the year 9999, the last that RFC 3339, and
// with it most of what stores or prints times, can express.
const MaxSeconds = 253402300799

// Claims are the claims of an access token of our own (RFC 9068 §2.2). All are
// required but OtherAudiences, SessionID, AMR, ACR and Custom. The strings are not empty,
// valid UTF-8 and free of control characters: they end up in logs, headers and
// keys of caches. The times are whole seconds from 1970 to 9999 (RFC 7519 §2,
// NumericDate without a fraction).
type Claims struct {
	Issuer         string    // iss
	Audience       string    // aud, its first; without a space, as all of them
	OtherAudiences []string  // aud, the rest
	Subject        string    // sub
	ClientID       string    // client_id
	ID             string    // jti
	SessionID      string    // sid; "" is absent
	IssuedAt       time.Time // iat
	NotBefore      time.Time // nbf, before exp
	ExpiresAt      time.Time // exp, after iat; from then on the token is expired
	AuthTime       time.Time // auth_time: when the user last proved who they are
	AMR            string    // amr: how, as words separated by single spaces; "" is absent
	ACR            string    // acr: how surely; "" is absent
	Custom         string    // a JSON object of more claims, as [CheckCustom] wants it; "" is none
}

// reserved are the claims that an issuer writes or others give a meaning to that
// no service may claim for itself: RFC 7519 §4.1, RFC 9068 §2.2, proof of
// possession (RFC 7800), delegation (RFC 8693), OpenID Connect's ID token, and
// those by which Flask-JWT-Extended tells its kinds of token apart.
var reserved = [...]string{
	"acr", "act", "amr", "at_hash", "aud", "auth_time", "azp", "c_hash", "client_id", "cnf", "csrf", "exp", "fresh", "iat",
	"iss", "jti", "may_act", "nbf", "nonce", "sid", "sub", "sub_jwk", "type",
}

// Custom marshals custom claims, which [CheckCustom] checks; what marshals as null is
// none.
func Custom(v any) (json.RawMessage, error) {
	object, err := json.Marshal(v)
	switch {
	case err != nil:
		return nil, errCustom(fmt.Sprintf("%T", err)) // whose text can quote them
	case string(object) == "null":
		return nil, nil
	}
	if err := CheckCustom(string(object)); err != nil {
		return nil, err
	}
	return object, nil
}

// CheckCustom says what is wrong with claims beside the reserved ones. Names
// count as the same however they are cased, since that is how encoding/json
// reads them into a struct.
func CheckCustom(object string) error {
	if len(object) > MaxCustom {
		return errCustom("larger than 4096 bytes")
	}
	members, err := Members(object, ReasonClaims)
	if err != nil {
		return errCustom("not a JSON object, or a name twice in one")
	}
	if json.Unmarshal([]byte(object), &map[string]any{}) != nil { // such as 1e999
		return errCustom("a number that Go cannot read")
	}
	for name := range members {
		if slices.ContainsFunc(reserved[:], func(r string) bool { return strings.EqualFold(r, name) }) {
			return errCustom("a reserved name")
		}
	}
	return nil
}

// ValidText reports whether s may be the value of a claim.
func ValidText(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f {
			return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
		}
	}
	return s != ""
}
