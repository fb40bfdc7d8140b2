package auth_test

import (
	"context"
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
			result, err := a.Refresh(t.Context(), token)
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

// The parent gives the same successor for as long as the grace lasts, and ends
// the family then; what is older ends it at once.
// ASVS 5.0 10.4.5
func TestRefreshGraceAndReplay(t *testing.T) {
	const grace = 10 * time.Second
	for _, tt := range []struct {
		name  string
		grace time.Duration
		age   int           // of the token: 1 = the parent
		after time.Duration // it was replaced
		ends  bool
	}{
		{"parent at once", grace, 1, 0, false},
		{"parent at the end of the grace", grace, 1, grace, false},
		{"parent after the grace", grace, 1, grace + time.Microsecond, true},
		{"parent much later", grace, 1, time.Hour, true},
		{"grandparent at once", grace, 2, 0, true},
		{"grandparent later", grace, 2, time.Hour, true},
		{"great-grandparent", grace, 3, 0, true},
		{"parent without grace", -1, 1, 0, true},
		{"parent within the default", 0, 1, 30 * time.Second, false},
		{"parent after the default", 0, 1, 30*time.Second + time.Microsecond, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var events []auth.Event
				a := newSessions(t, auth.NewMemoryStore(), auth.SessionConfig{Grace: tt.grace}, auth.Options{Events: func(_ context.Context, e auth.Event) { events = append(events, e) }})
				tokens := []string{register(t, a).Tokens.Refresh}
				for range 3 {
					time.Sleep(time.Minute)
					tokens = append([]string{refreshed(t, a, tokens[0]).Refresh}, tokens...)
				}
				time.Sleep(tt.after)
				events = nil
				if !tt.ends {
					for range 3 {
						if next := refreshed(t, a, tokens[tt.age]); next.Refresh != tokens[0] || next.Access == "" {
							t.Error("another successor")
						}
					}
					if len(events) != 0 {
						t.Errorf("events %v", events)
					}
					refreshed(t, a, tokens[0])
					return
				}
				refused(t, a, tokens[tt.age], auth.ErrSessionReplayed)
				if len(events) != 1 || events[0].Kind != "session_replayed" || !strings.HasPrefix(events[0].SessionID, tokens[0][:21]) || events[0].UserID == "" {
					t.Errorf("events %+v", events)
				}
				for _, token := range tokens {
					refused(t, a, token, auth.ErrInvalidToken) // all of the family
				}
				for _, e := range events[1:] {
					if e.Kind != "refresh_refused" {
						t.Errorf("event %+v", e)
					}
				}
				refreshed(t, a, loggedIn(t, a).Tokens.Refresh)
			})
		})
	}
}

// Who knows a session's ID, or has a token of another kind, changes nothing.
func TestRefreshRefuses(t *testing.T) {
	a := newSessions(t, auth.NewMemoryStore(), auth.SessionConfig{})
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

	without := newAuth(t, auth.NewMemoryStore())
	refused(t, without, tokens.Refresh, auth.ErrInvalidToken)
	wantErr(t, without.Logout(t.Context(), tokens.Refresh), auth.ErrInvalidToken)
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
func TestConcurrentRefreshes(t *testing.T) { concurrentRefreshes(t, auth.NewMemoryStore(), 50) }

func concurrentRefreshes(t *testing.T, store userAndSessionStore, rounds int) {
	t.Helper()
	replicas := []*auth.Authenticator{newSessions(t, store, auth.SessionConfig{}), newSessions(t, store, auth.SessionConfig{})}
	token := register(t, replicas[0]).Tokens.Refresh
	for range rounds {
		var mu sync.Mutex
		successors := map[string]int{}
		var all sync.WaitGroup
		for i := range 32 {
			all.Go(func() {
				result, err := replicas[i%2].Refresh(t.Context(), token)
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
		if len(successors) != 1 {
			t.Fatalf("%d successors", len(successors))
		}
		for token = range successors {
		}
	}
}

// A read from a replica that is behind makes no current token an old one.
func TestStaleReadEndsNothing(t *testing.T) {
	store := &failingStore{MemoryStore: auth.NewMemoryStore()}
	a := newSessions(t, store, auth.SessionConfig{})
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
	a, other := newSessions(t, store, auth.SessionConfig{}), newSessions(t, store, auth.SessionConfig{})
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
