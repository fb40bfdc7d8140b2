package token

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"reflect"
	"strings"
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
	IssuedAt  time.Time // iat
	ExpiresAt time.Time // exp
	AuthTime  time.Time // auth_time

	claims string // all, as a JSON object; "" is none
}

// WithClaims returns the identity with the claims of a token: a JSON object.
func (id Identity) WithClaims(object []byte) Identity {
	id.claims = string(object)
	return id
}

// Claims reads the token's claims into what v points to, as encoding/json does.
// Claims that do not fit are an [*Error] of [ReasonClaims], and so is a token
// that has two names which differ only in case: encoding/json would take either
// for the other. An identity without claims leaves v as it is.
func (id Identity) Claims(v any) error {
	if p := reflect.ValueOf(v); p.Kind() != reflect.Pointer || p.IsNil() {
		return errors.New("auth: Identity.Claims: not a pointer to something")
	}
	if id.claims == "" {
		return nil
	}
	if _, err := names(id.claims); err != nil || json.Unmarshal([]byte(id.claims), v) != nil {
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

// names returns the names of an object's members. Two that differ in nothing
// but case are an error.
func names(object string) ([]string, error) {
	s, err := newScanner(object, ReasonClaims)
	if err != nil {
		return nil, err
	}
	var list []string
	folded := map[string]bool{}
	err = s.object(func(name string) error {
		list = append(list, name)
		key := strings.Map(fold, name)
		if folded[key] {
			return reject(ReasonDuplicateMember)
		}
		folded[key] = true
		return s.skip()
	})
	if err != nil {
		return nil, err
	}
	return list, s.end()
}

// fold returns the least of the runes that encoding/json takes for one another.
func fold(r rune) rune {
	least := r
	for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
		least = min(least, next)
	}
	return least
}
