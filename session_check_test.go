package auth_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
)

// With a staleness an access token ends with its session, so much later at most;
// on the replica that ended it, at once.
// ASVS 5.0 7.4.1, 8.3.2
func TestRevocation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		store := &failingStore{MemoryStore: auth.NewMemoryStore()}
		issuer := newIssuer(t, auth.JWTConfig{TTL: time.Hour})
		newReplica := func(c auth.SessionConfig) *auth.Authenticator {
			c.Store = store
			a, err := auth.New(store, issuer, countedBeside(store, auth.Options{Hasher: authtest.Hasher{}, Sessions: c}))
			if err != nil {
				t.Fatal(err)
			}
			return a
		}
		here, there := newReplica(auth.SessionConfig{Staleness: 10 * time.Second}), newReplica(auth.SessionConfig{Staleness: 10 * time.Second})
		stateless, open := newReplica(auth.SessionConfig{}), newReplica(auth.SessionConfig{Staleness: 10 * time.Second, InsecureFailOpen: true})
		verify := func(a *auth.Authenticator, token string, want error) {
			t.Helper()
			_, err := a.Verify(ctx, token)
			if !errors.Is(err, want) || errors.Is(err, auth.ErrUnavailable) && errors.Is(err, auth.ErrInvalidToken) {
				t.Errorf("got %v, want %v", err, want)
			}
		}
		user := register(t, here).User
		token := loggedIn(t, here).Tokens.Access
		id, err := here.Verify(ctx, token)
		if err != nil {
			t.Fatal(err)
		}
		verify(there, token, nil)
		before := store.calls
		for range 100 {
			verify(here, token, nil)
			verify(there, token, nil)
		}
		if store.calls != before {
			t.Errorf("%d calls to the store on a hit", store.calls-before)
		}
		if err := here.EndSession(ctx, user.ID, id.SessionID); err != nil {
			t.Fatal(err)
		}
		verify(here, token, auth.ErrInvalidToken)
		verify(stateless, token, nil)
		time.Sleep(10*time.Second - time.Microsecond)
		verify(there, token, nil)
		time.Sleep(time.Microsecond)
		verify(there, token, auth.ErrInvalidToken)

		// By the epoch.
		token = loggedIn(t, here).Tokens.Access
		verify(there, token, nil)
		if err := here.EndSessions(ctx, user.ID); err != nil {
			t.Fatal(err)
		}
		verify(here, token, auth.ErrInvalidToken)
		time.Sleep(10 * time.Second)
		verify(there, token, auth.ErrInvalidToken)

		// Outages: never a 401, and open only where that was asked for.
		token = loggedIn(t, here).Tokens.Access
		store.down = true
		verify(there, token, auth.ErrUnavailable)
		verify(stateless, token, nil)
		verify(open, token, nil)
		store.down = false
		verify(there, token, nil)
		store.down = true
		verify(there, token, nil) // it is known

		issued, err := issuer.Issue(ctx, auth.Subject{UserID: user.ID, AuthTime: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		verify(here, issued.Token, auth.ErrInvalidToken)
	})
}

// once calls f the first time that op is called.
func once(op string, f func()) func(string) error {
	done := false
	return func(now string) error {
		if now == op && !done {
			done = true
			f()
		}
		return nil
	}
}

// What is remembered of a session gives way to what becomes of it.
func TestRevocationRaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		store := &failingStore{MemoryStore: auth.NewMemoryStore()}
		issuer := newIssuer(t, auth.JWTConfig{TTL: 24 * time.Hour})
		newReplica := func(c auth.SessionConfig) *auth.Authenticator {
			c.Staleness = time.Hour
			c.Store = store
			a, err := auth.New(store, issuer, countedBeside(store, auth.Options{Hasher: authtest.Hasher{}, Sessions: c}))
			if err != nil {
				t.Fatal(err)
			}
			return a
		}
		here, there, open := newReplica(auth.SessionConfig{}), newReplica(auth.SessionConfig{}), newReplica(auth.SessionConfig{InsecureFailOpen: true})
		user := register(t, here).User
		verify := func(a *auth.Authenticator, ctx context.Context, token string, want error) {
			t.Helper()
			if _, err := a.Verify(ctx, token); !errors.Is(err, want) || want == nil && err != nil {
				t.Errorf("got %v, want %v", err, want)
			}
		}
		session := func(token string) auth.Identity {
			t.Helper()
			id, err := newReplica(auth.SessionConfig{}).Verify(ctx, token)
			if err != nil {
				t.Fatal(err)
			}
			return id
		}

		// A session that ends while it is being read.
		token := loggedIn(t, here).Tokens.Access
		id := session(token)
		store.after = once("SessionByID", func() {
			if err := here.EndSession(ctx, user.ID, id.SessionID); err != nil {
				t.Error(err)
			}
		})
		here.Verify(ctx, token) // either way
		store.after = nil
		verify(here, ctx, token, auth.ErrInvalidToken)

		// Another replica has removed the rows already.
		token = loggedIn(t, here).Tokens.Access
		verify(here, ctx, token, nil)
		for _, a := range []*auth.Authenticator{there, here} {
			if err := a.SetPassword(ctx, user.ID, auth.NewPassword(password)); err != nil {
				t.Fatal(err)
			}
		}
		verify(here, ctx, token, auth.ErrInvalidToken)

		// A client that hangs up is no outage.
		ended, cancel := context.WithCancel(ctx)
		cancel()
		verify(open, ended, token, auth.ErrUnavailable)
		verify(open, ctx, token, auth.ErrInvalidToken)
		store.down = true
		time.Sleep(time.Minute)
		verify(open, ctx, token, auth.ErrUnavailable) // it was known to have ended
	})
}
