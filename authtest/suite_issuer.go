package authtest

import (
	"errors"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed89488a0c/auth"
)

// TestTokenIssuer holds an implementation against the contract of
// [auth.TokenIssuer]. newIssuer is called for every rule, for some inside a
// bubble of [testing/synctest], in which hours pass at once.
func TestTokenIssuer(t *testing.T, newIssuer func(t *testing.T) auth.TokenIssuer) {
	rules := []struct {
		name string
		test func(s tokenIssuer, t *testing.T)
	}{
		{"what was issued is read back, every field", tokenIssuer.roundTrip},
		{"times are true, UTC and whole seconds", tokenIssuer.times},
		{"a user ID is kept byte for byte", tokenIssuer.userIDs},
		{"no user ID, no token", tokenIssuer.noUser},
		{"every token has an ID of its own", tokenIssuer.unique},
		{"a token is valid until its expiry and not at it", tokenIssuer.expiry},
		{"a token that was changed anywhere is ErrInvalidToken and not ErrExpiredToken", tokenIssuer.tampered},
		{"anything else is ErrInvalidToken", tokenIssuer.garbage},
		{"many may use it at once", tokenIssuer.concurrent},
	}
	for _, rule := range rules {
		t.Run(rule.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				// Tokens carry whole seconds; start away from the edge of one.
				time.Sleep(300 * time.Millisecond)
				rule.test(tokenIssuer{newIssuer(t)}, t)
			})
		})
	}
}

type tokenIssuer struct{ auth.TokenIssuer }

func subject(t testing.TB, seed int) auth.Subject {
	t.Helper()
	var s auth.Subject
	fill(t, reflect.ValueOf(&s).Elem(), seed)
	s.AuthTime = time.Now().UTC().Truncate(time.Second).Add(-time.Hour)
	return s
}

func (s tokenIssuer) issue(t testing.TB, sub auth.Subject) auth.IssuedToken {
	t.Helper()
	issued, err := s.Issue(t.Context(), sub)
	if err != nil {
		t.Fatalf("Issue: %v", err)
	}
	return issued
}

func (s tokenIssuer) accepted(t testing.TB, token string) auth.Identity {
	t.Helper()
	id, err := s.Parse(t.Context(), token)
	if err != nil {
		t.Fatalf("Parse: %v", err)
	}
	return id
}

func (s tokenIssuer) refused(t testing.TB, what, token string, expired bool) {
	t.Helper()
	id, err := s.Parse(t.Context(), token)
	wantError(t, "Parse of "+what, err, auth.ErrInvalidToken)
	if got := errors.Is(err, auth.ErrExpiredToken); got != expired {
		t.Errorf("Parse of %s: matches ErrExpiredToken: %t, want %t", what, got, expired)
	}
	wantZero(t, "Parse of "+what, id)
	if err != nil && len(token) > 8 && strings.Contains(err.Error(), token) {
		t.Errorf("Parse of %s: the error repeats the token", what)
	}
}

func (s tokenIssuer) roundTrip(t *testing.T) {
	sub := subject(t, 1)
	id := s.accepted(t, s.issue(t, sub).Token)
	for i := range reflect.TypeFor[auth.Subject]().NumField() {
		name := reflect.TypeFor[auth.Subject]().Field(i).Name
		got := reflect.ValueOf(id).FieldByName(name)
		if !got.IsValid() || !reflect.DeepEqual(got.Interface(), reflect.ValueOf(sub).Field(i).Interface()) {
			t.Errorf("Subject.%s is not Identity.%s", name, name)
		}
	}
	for i := range reflect.TypeFor[auth.Identity]().NumField() {
		if field := reflect.TypeFor[auth.Identity]().Field(i); field.IsExported() && reflect.ValueOf(id).Field(i).IsZero() {
			t.Errorf("Identity.%s is zero", field.Name)
		}
	}
	sub.SessionID = ""
	if id := s.accepted(t, s.issue(t, sub).Token); id.SessionID != "" || id.UserID != sub.UserID {
		t.Error("a token without a session is read as one with")
	}
}

func (s tokenIssuer) times(t *testing.T) {
	now := time.Now()
	issued := s.issue(t, subject(t, 1))
	id := s.accepted(t, issued.Token)
	if !id.ExpiresAt.Equal(issued.ExpiresAt) {
		t.Errorf("ExpiresAt is %v in the token and %v beside it", id.ExpiresAt, issued.ExpiresAt)
	}
	if id.IssuedAt.After(now) || now.Sub(id.IssuedAt) >= time.Second {
		t.Errorf("IssuedAt is %v, want the second of %v", id.IssuedAt, now)
	}
	if !id.ExpiresAt.After(id.IssuedAt) {
		t.Error("the token expires before it is issued")
	}
	for _, at := range []time.Time{issued.ExpiresAt, id.ExpiresAt, id.IssuedAt, id.AuthTime} {
		if at.Location() != time.UTC || at.Nanosecond() != 0 {
			t.Errorf("%v is not UTC in whole seconds", at)
		}
	}
}

func (s tokenIssuer) userIDs(t *testing.T) {
	for _, userID := range []string{"1", "0", "홍길동", `a"b\c`, "<&>", " ", "null", "a.b", strings.Repeat("x", 64), "\u2028", "\U0010ffff"} {
		sub := subject(t, 1)
		sub.UserID = userID
		if got := s.accepted(t, s.issue(t, sub).Token).UserID; got != userID {
			t.Errorf("user ID %q came back as %q", userID, got)
		}
	}
}

func (s tokenIssuer) noUser(t *testing.T) {
	sub := subject(t, 1)
	sub.UserID = ""
	issued, err := s.Issue(t.Context(), sub)
	if err == nil {
		t.Error("Issue without a user ID returned no error")
	}
	wantZero(t, "Issue", issued)
}

func (s tokenIssuer) unique(t *testing.T) {
	tokens, ids := map[string]bool{}, map[string]bool{}
	for range 100 {
		issued := s.issue(t, subject(t, 1))
		tokens[issued.Token] = true
		ids[s.accepted(t, issued.Token).TokenID] = true
	}
	if len(tokens) != 100 || len(ids) != 100 {
		t.Errorf("100 tokens are %d different texts with %d different IDs", len(tokens), len(ids))
	}
}

func (s tokenIssuer) expiry(t *testing.T) {
	issued := s.issue(t, subject(t, 1))
	time.Sleep(time.Until(issued.ExpiresAt) - 1)
	s.accepted(t, issued.Token)
	time.Sleep(time.Nanosecond)
	s.refused(t, "a token at its expiry", issued.Token, true)
	time.Sleep(1000 * time.Hour)
	s.refused(t, "a token long after its expiry", issued.Token, true)
	s.refused(t, "a changed token long after its expiry", "A"+issued.Token, false)
}

func (s tokenIssuer) tampered(t *testing.T) {
	issued := s.issue(t, subject(t, 1))
	token := issued.Token
	for i := range len(token) {
		for _, c := range []byte("Ax.-= \n") {
			if token[i] != c {
				s.refused(t, "a token with one byte changed", token[:i]+string(c)+token[i+1:], false)
			}
		}
		s.refused(t, "a token with one byte removed", token[:i]+token[i+1:], false)
		s.refused(t, "a token cut short", token[:i], false)
	}
	for _, extra := range []string{"A", "=", ".", " ", "\n", "\x00", "." + token} {
		s.refused(t, "a token with something behind it", token+extra, false)
		s.refused(t, "a token with something before it", extra+token, false)
	}
	other := s.issue(t, subject(t, 2)).Token
	a, b := strings.Split(token, "."), strings.Split(other, ".")
	if len(a) == len(b) && len(a) > 1 { // a signature of other content
		s.refused(t, "a token with another's signature", strings.Join(append(a[:len(a)-1:len(a)-1], b[len(b)-1]), "."), false)
	}
}

func (s tokenIssuer) garbage(t *testing.T) {
	for _, token := range []string{
		"", " ", ".", "..", "...", "....", "a", "a.b.c", "null", "{}", "\x00", "\xff", "Bearer x",
		"eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.", strings.Repeat("A", 1<<20), strings.Repeat(".", 1<<20), strings.Repeat("[", 1<<16),
	} {
		s.refused(t, "garbage", token, false)
	}
}

func (s tokenIssuer) concurrent(t *testing.T) {
	var wg sync.WaitGroup
	for i := range racers {
		sub := subject(t, i)
		wg.Go(func() {
			issued, err := s.Issue(t.Context(), sub)
			if err != nil {
				t.Errorf("Issue: %v", err)
				return
			}
			if id, err := s.Parse(t.Context(), issued.Token); err != nil || id.UserID != sub.UserID {
				t.Errorf("Parse: %v", err)
			}
		})
	}
	wg.Wait()
}
