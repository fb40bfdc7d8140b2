package auth_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed89488a0c/auth"
)

// ASVS 5.0 7.2.2
func TestRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newSessions(t, auth.NewMemoryStore(), auth.SessionConfig{})
		registered := register(t, a)
		first, err := a.Verify(t.Context(), registered.Tokens.Access)
		if err != nil || first.SessionID == "" || registered.Tokens.Refresh == "" {
			t.Fatalf("session %q, %v", first.SessionID, err)
		}
		if want := time.Now().UTC().Add(7 * 24 * time.Hour).Truncate(time.Microsecond); !registered.Tokens.RefreshExpiresAt.Equal(want) {
			t.Errorf("the session ends at %v, want %v", registered.Tokens.RefreshExpiresAt, want)
		}
		token := registered.Tokens.Refresh
		seen := map[string]bool{token: true}
		for range 3 {
			time.Sleep(time.Hour)
			result, err := a.Refresh(t.Context(), auth.Renewal{Token: token})
			if err != nil || result.User != registered.User {
				t.Fatalf("user %v, %v", result.User, err)
			}
			id, err := a.Verify(t.Context(), result.Tokens.Access)
			if err != nil || id.AMR != "pwd" || id.SessionID != first.SessionID || id.UserID != first.UserID || !id.AuthTime.Equal(first.AuthTime) || id.TokenID == first.TokenID || !id.IssuedAt.After(first.IssuedAt) {
				t.Errorf("%v: a refresh gives another session, or freshens it", err)
			}
			if token = result.Tokens.Refresh; seen[token] {
				t.Error("a refresh token comes twice")
			}
			seen[token] = true
		}
		if again := loggedIn(t, a); again.Tokens.Refresh[:22] == token[:22] {
			t.Error("two logins share a session")
		}
	})
}

// Who knows a session's ID, or has a token of another kind, changes nothing.
func TestRefreshRefuses(t *testing.T) {
	a := newSessions(t, auth.NewMemoryStore(), auth.SessionConfig{Grace: -1})
	tokens := register(t, a).Tokens
	other := loggedIn(t, a).Tokens.Refresh
	id, secret := tokens.Refresh[:21], tokens.Refresh[43:]
	for name, token := range map[string]string{
		"empty":            "",
		"truncated":        tokens.Refresh[:80],
		"longer":           tokens.Refresh + "A",
		"huge":             strings.Repeat(tokens.Refresh, 10_000),
		"an access token":  tokens.Access,
		"no session":       strings.Repeat("A", 86),
		"ID, zeros":        id + strings.Repeat("A", 65),
		"ID, others' rest": id + other[21:],
		"others' family":   id + tokens.Refresh[21:22] + other[22:42] + tokens.Refresh[42:43] + secret,
		"others' ID":       other[:21] + tokens.Refresh[21:],
		"line break":       tokens.Refresh[:40] + "\n" + tokens.Refresh[41:],
	} {
		t.Run(name, func(t *testing.T) {
			refused(t, a, token, auth.ErrInvalidToken)
			if err := a.Logout(t.Context(), token); err != nil && !errors.Is(err, auth.ErrInvalidToken) {
				t.Errorf("Logout: %v", err)
			}
		})
	}
	next := refreshed(t, a, tokens.Refresh)
	refreshed(t, a, next.Refresh)
	refreshed(t, a, other)

	// Right family, wrong secret: somebody has an old token, or makes one up.
	refused(t, a, other[:43]+strings.Repeat("A", 43), auth.ErrSessionReplayed)

}

// A service that forgot its sessions is told so: it is in no client's power to help, and
// a nil error would be taken for an end of something.
func TestNoSessions(t *testing.T) {
	a := newAuth(t, auth.NewMemoryStore())
	user := register(t, a)
	id := identity(t, a, user.Tokens)
	if a.HasSessions() || !newSessions(t, auth.NewMemoryStore(), auth.SessionConfig{}).HasSessions() {
		t.Error("HasSessions is wrong")
	}
	ctx, p := t.Context(), auth.NewPassword(password)
	for name, err := range map[string]error{
		"Refresh":     second(a.Refresh(ctx, auth.Renewal{Token: "x"})),
		"Logout":      a.Logout(ctx, "x"),
		"EndSession":  a.EndSession(ctx, user.User.ID, "x"),
		"EndSessions": a.EndSessions(ctx, user.User.ID),
		"Sessions":    second(a.Sessions(ctx, user.User.ID)),
		"EndOthers":   second(a.Reauthenticate(ctx, auth.Reauthentication{Identity: id, Password: p, EndOthers: true})),
	} {
		if err == nil || !strings.Contains(err.Error(), "Options.Sessions has no Store") {
			t.Errorf("%s: %v, which does not say what is missing", name, err)
		}
		for _, clients := range []error{auth.ErrInvalidToken, auth.ErrInvalidCredentials, auth.ErrInvalidInput, auth.ErrUnavailable} {
			if errors.Is(err, clients) {
				t.Errorf("%s: %v matches %v", name, err, clients)
			}
		}
	}
	for name, err := range map[string]error{
		"Reauthenticate": second(a.Reauthenticate(ctx, auth.Reauthentication{Identity: id, Password: p})),
		"ChangePassword": second(a.ChangePassword(ctx, change(a, id.UserID, password, password+"2"))),
	} {
		if err != nil {
			t.Errorf("%s needs no sessions: %v", name, err)
		}
	}
}

// ASVS 5.0 7.3.1, 7.3.2, 10.4.8
func TestSessionLifetimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newSessions(t, auth.NewMemoryStore(), auth.SessionConfig{IdleTTL: time.Hour, AbsoluteTTL: 150 * time.Minute})
		idle := register(t, a).Tokens.Refresh
		long := loggedIn(t, a).Tokens.Refresh
		for range 2 {
			time.Sleep(time.Hour - time.Microsecond)
			long = refreshed(t, a, long).Refresh
		}
		refused(t, a, idle, auth.ErrExpiredToken)
		tokens := refreshed(t, a, long)
		if got := time.Until(tokens.RefreshExpiresAt).Round(time.Millisecond); got != 30*time.Minute {
			t.Errorf("ends in %v, want what is left of the absolute lifetime", got)
		}
		time.Sleep(30*time.Minute + time.Microsecond)
		edge := refreshed(t, a, tokens.Refresh)
		time.Sleep(time.Until(edge.RefreshExpiresAt))
		refused(t, a, edge.Refresh, auth.ErrInvalidToken)
	})
}

// Of any number who refresh with one token all get the same successor.
// ASVS 5.0 15.4.1
func TestConcurrentRefreshes(t *testing.T) { concurrentRefreshes(t, auth.NewMemoryStore(), 20) }

func concurrentRefreshes(t *testing.T, store userAndSessionStore, rounds int) {
	t.Helper()
	config := auth.SessionConfig{}
	replicas := []*auth.Authenticator{newSessions(t, store, config), newSessions(t, store, config)}
	for range rounds {
		first := register(t, replicas[0])
		token := aged(t, store, first.Tokens.Refresh)
		var mu sync.Mutex
		successors := map[string]int{}
		var all sync.WaitGroup
		for i := range 32 {
			all.Go(func() {
				result, err := replicas[i%2].Refresh(t.Context(), auth.Renewal{Token: token})
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				successors[result.Tokens.Refresh]++
			})
		}
		all.Wait()
		if len(successors) != 1 || successors[token] > 0 {
			t.Fatalf("%d successors", len(successors))
		}
		if err := replicas[0].DeleteUser(t.Context(), first.User.ID); err != nil {
			t.Fatal(err)
		}
	}
}

// aged makes the session of a refresh token older than any grace, by three calls to its
// store, and returns the token.
func aged(t testing.TB, store auth.SessionStore, token string) string {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.SessionByID(t.Context(), base64.RawURLEncoding.EncodeToString(raw[:16]))
	if err != nil {
		t.Fatal(err)
	}
	s.GraceUntil = s.CreatedAt.Add(-time.Minute)
	n, err := store.DeleteSessions(t.Context(), auth.SessionFilter{ID: s.ID})
	if err == nil && n == 1 {
		err = store.CreateSession(t.Context(), s)
	}
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// A read from a replica that is behind makes no current token an old one.
func TestStaleReadEndsNothing(t *testing.T) {
	store := &failingStore{MemoryStore: auth.NewMemoryStore()}
	a := newSessions(t, store, auth.SessionConfig{Grace: -1})
	tokens := register(t, a).Tokens
	id, err := a.Verify(t.Context(), tokens.Access)
	if err != nil {
		t.Fatal(err)
	}
	old, err := store.SessionByID(t.Context(), id.SessionID)
	if err != nil {
		t.Fatal(err)
	}
	next := refreshed(t, a, tokens.Refresh).Refresh
	store.stale = &old
	refused(t, a, next, auth.ErrUnavailable)
	store.stale = nil
	refreshed(t, a, next)
}

// A refresh that is overtaken twice has not shown an old token.
func TestOvertakenRefreshEndsNothing(t *testing.T) {
	store := &failingStore{MemoryStore: auth.NewMemoryStore()}
	a, other := newSessions(t, store, auth.SessionConfig{Grace: -1}), newSessions(t, store, auth.SessionConfig{Grace: -1})
	token := register(t, a).Tokens.Refresh
	var last string
	store.fail = once("UpdateSession", func() { last = refreshed(t, other, refreshed(t, other, token).Refresh).Refresh })
	refused(t, a, token, auth.ErrInvalidToken)
	refreshed(t, a, last)
}

// Every refusal is told, and so is why an access token is refused that outlives its
// session.
// ASVS 5.0 16.3.3
func TestRefusalsAreEvents(t *testing.T) {
	var events []auth.Event
	store := auth.NewMemoryStore()
	a := newSessions(t, store, auth.SessionConfig{Staleness: time.Minute, Grace: -1},
		auth.Options{Events: func(_ context.Context, e auth.Event) { events = append(events, e) }})
	first := register(t, a)
	id := sessionID(t, a, first.Tokens)
	next := refreshed(t, a, first.Tokens.Refresh)
	refused(t, a, first.Tokens.Refresh, auth.ErrSessionReplayed)
	refused(t, a, next.Refresh, auth.ErrInvalidToken)
	_, err := a.Verify(t.Context(), next.Access)
	var why *auth.TokenError
	if !errors.As(err, &why) || why.Reason != "session" || errors.Is(err, auth.ErrExpiredToken) {
		t.Errorf("of a session that has ended: %v", err)
	}
	var got []string
	for _, e := range events {
		if e.SessionID != id {
			t.Errorf("%s is of session %q, want %q", e.Kind, e.SessionID, id)
		}
		got = append(got, fmt.Sprint(e.Kind, ": ", e.Err))
	}
	want := []string{"registered: <nil>", "refreshed: <nil>",
		"session_replayed: <nil>", "refresh_refused: auth: invalid token",
		"token_refused: auth: invalid token: session"}
	if !slices.Equal(got, want) {
		t.Errorf("events %q, want %q", got, want)
	}
}
