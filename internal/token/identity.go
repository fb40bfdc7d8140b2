package token

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"reflect"
	"time"
)

// Identity is what a valid access token says of who is asking; see
// [github.com/seed89488a0c/auth.Identity].
type Identity struct {
	Issuer    string    // iss
	UserID    string    // sub
	SessionID string    // sid
	TokenID   string    // jti
	ClientID  string    // client_id
	IssuedAt  time.Time // iat
	ExpiresAt time.Time // exp
	AuthTime  time.Time // auth_time
	AMR       string    // amr, separated by spaces
	ACR       string    // acr

	claims string // all, as a JSON object; "" is none
}

// WithClaims returns the identity with the claims of a token: a JSON object.
func (id Identity) WithClaims(object []byte) Identity {
	id.claims = string(object)
	return id
}

// Claims reads the token's claims into what v points to, as encoding/json does.
// Claims that do not fit are an [*Error] of [ReasonClaims], and so are two names in
// one object that differ only in case, where v has a struct with a field for them:
// encoding/json would take either for the other. A map gets both, and so does what
// unmarshals itself. An identity without claims leaves v as it is.
func (id Identity) Claims(v any) error {
	if p := reflect.ValueOf(v); p.Kind() != reflect.Pointer || p.IsNil() {
		return errors.New("auth: Identity.Claims: not a pointer to something")
	}
	if id.claims == "" {
		return nil
	}
	if !readable(id.claims, v) || json.Unmarshal([]byte(id.claims), v) != nil {
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
// is rejected for the given reason.
func Members(object, malformed string) (map[string]json.RawMessage, error) {
	s, err := newScanner(object, malformed)
	if err != nil {
		return nil, err
	}
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
