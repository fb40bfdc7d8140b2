package token

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"reflect"
	"time"
	"unicode"
)

// Identity is what a valid access token says of who is asking; see
// [github.com/seed89488a0c/auth.Identity].
type Identity struct {
	Issuer    string    // iss
	UserID    string    // sub
	SessionID string    // sid
	TokenID   string    // jti
	ClientID  string    // client_id
	Audience  string    // aud, separated by spaces
	IssuedAt  time.Time // iat
	ExpiresAt time.Time // exp
	AuthTime  time.Time // auth_time
	AMR       string    // amr, separated by spaces
	ACR       string    // acr

	claims string // all, as a JSON object; "" is none

	verified *Identity // what was verified, which nobody can change; nil: nothing was
	owner    *Owner    // who verified it, see Own
}

// WithClaims returns the identity with the claims of a token: a JSON object. It is
// then nobody's own.
func (id Identity) WithClaims(object []byte) Identity {
	id = id.unmarked()
	id.claims = string(object)
	return id
}

// Owner is who verifies identities, told apart by its address.
type Owner struct{ _ byte }

// Own marks an identity that o has verified. One that a cache keeps, as it is, costs no
// allocation.
func Own(id *Identity, o *Owner) {
	if id.verified == nil || !id.says(id.verified) {
		kept := id.unmarked()
		id.verified = &kept
	}
	id.owner = o
}

// IsOwn reports whether o has verified an identity, and nobody has changed anything
// about it since.
func IsOwn(id Identity, o *Owner) bool {
	return o != nil && id.owner == o && id.verified != nil && id.says(id.verified)
}

// says reports whether two identities say the same. It is == without the marks, and
// without copies, which took a third of the time of a token that is remembered.
func (id *Identity) says(v *Identity) bool {
	return id.UserID == v.UserID && id.SessionID == v.SessionID && id.TokenID == v.TokenID &&
		id.Issuer == v.Issuer && id.ClientID == v.ClientID && id.Audience == v.Audience &&
		id.IssuedAt == v.IssuedAt && id.ExpiresAt == v.ExpiresAt && id.AuthTime == v.AuthTime &&
		id.AMR == v.AMR && id.ACR == v.ACR && id.claims == v.claims
}

// unmarked returns what an identity says, by nobody.
func (id Identity) unmarked() Identity {
	id.verified, id.owner = nil, nil
	return id
}

// Claims reads the token's claims into what v points to, as encoding/json does.
// Claims that do not fit are an [*Error] of [ReasonClaims], and so is a token
// that has two names in one object which differ only in case: encoding/json would
// take either for the other. An identity without claims leaves v as it is.
func (id Identity) Claims(v any) error {
	if p := reflect.ValueOf(v); p.Kind() != reflect.Pointer || p.IsNil() {
		return errors.New("auth: Identity.Claims: not a pointer to something")
	}
	if id.claims == "" {
		return nil
	}
	if _, err := Members(id.claims, ReasonClaims); err != nil || json.Unmarshal([]byte(id.claims), v) != nil {
		return reject(ReasonClaims) // encoding/json's text has pieces of the token
	}
	return nil
}

// Format writes the user's ID for every verb.
func (id Identity) Format(s fmt.State, _ rune) { io.WriteString(s, id.UserID) }

// LogValue returns the IDs of user, session and token.
func (id Identity) LogValue() slog.Value {
	return slog.GroupValue(slog.String("user", id.UserID), slog.String("session", id.SessionID), slog.String("token", id.TokenID))
}

// Members returns the members of an object, each as it is written. A bad text
// is rejected for the given reason, and two names that differ in nothing but
// case for being one twice, in inner objects too.
func Members(object, malformed string) (map[string]json.RawMessage, error) {
	s, err := newScanner(object, malformed)
	if err != nil {
		return nil, err
	}
	s.caseless = true
	members := map[string]json.RawMessage{}
	err = s.object(func(name string) error {
		s.next()
		start := s.pos
		err := s.skip()
		members[name] = json.RawMessage(object[start:s.pos])
		return err
	})
	if err != nil {
		return nil, err
	}
	return members, s.end()
}

// fold returns the least of the runes that encoding/json takes for one another.
func fold(r rune) rune {
	least := r
	for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
		least = min(least, next)
	}
	return least
}
