package auth_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
)

// downHasher is one that a test takes down.
type downHasher struct {
	auth.Hasher
	err error
}

func (h *downHasher) Hash(ctx context.Context, p auth.Password) (string, error) {
	if h.err != nil {
		return "", h.err
	}
	return h.Hasher.Hash(ctx, p)
}

func (h *downHasher) Verify(ctx context.Context, encoded string, p auth.Password) (bool, error) {
	if h.err != nil {
		return false, h.err
	}
	return h.Hasher.Verify(ctx, encoded, p)
}

// Every outage is one event, which says what did not answer. The service's own error
// is in it whole, and of no other more than its type.
func TestOutagesAreEvents(t *testing.T) {
	own := errors.New("own: " + canary)
	var events told
	register := func(t *testing.T, a *auth.Authenticator) error {
		_, err := a.Register(t.Context(), registration())
		return err
	}
	login := func(t *testing.T, a *auth.Authenticator) error {
		_, err := a.Login(t.Context(), credentials(email, password))
		return err
	}
	verify := func(t *testing.T, a *auth.Authenticator) error {
		_, err := a.Verify(t.Context(), "token")
		return err
	}
	for name, tt := range map[string]struct {
		store  auth.UserStore
		issuer auth.TokenIssuer
		hasher error
		o      auth.Options
		call   func(*testing.T, *auth.Authenticator) error
		op     string
		code   string
		own    bool
	}{
		"database at registration": {store: downStore{&auth.StoreError{Op: "create user", Code: "mysql 1040"}}, call: register, op: "register", code: "mysql 1040"},
		"database at login":        {store: downStore{own}, call: login, op: "login", code: "*errors.errorString"},
		"no schema":                {store: downStore{auth.ErrSchema}, call: login, op: "login", code: "schema"},
		"hasher at registration":   {hasher: own, call: register, op: "register", code: "hash_password"},
		"hasher at login":          {hasher: own, call: login, op: "login", code: "verify_password"},
		"issuer at registration":   {issuer: brokenIssuer{err: own}, call: register, op: "register", code: "issue_token"},
		"issuer at verification":   {issuer: brokenIssuer{err: own}, call: verify, op: "verify", code: "verify_token"},
		"claims": {o: auth.Options{Claims: func(context.Context, auth.User) (any, error) { return nil, own }},
			call: register, op: "register", code: "claims", own: true},
		"claims that are refused": {o: auth.Options{Claims: func(context.Context, auth.User) (any, error) { return map[string]any{"sub": 1}, nil }},
			call: register, op: "register", code: "claims"},
		"breach check": {o: auth.Options{Passwords: auth.PasswordPolicy{Breached: func(context.Context, auth.Password) (bool, error) { return false, own }}},
			call: register, op: "register", code: "check_password", own: true},
		"breach check of another package": {o: auth.Options{Passwords: auth.PasswordPolicy{Breached: func(context.Context, auth.Password) (bool, error) { return false, auth.ErrUnavailable }}},
			call: register, op: "register", code: "unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			hasher := &downHasher{Hasher: authtest.Hasher{}}
			store, issuer, o := tt.store, tt.issuer, tt.o
			o.Hasher, o.Events = hasher, events.record
			if store == nil {
				store = auth.NewMemoryStore()
			}
			if issuer == nil {
				issuer = newIssuer(t, auth.JWTConfig{})
			}
			a, err := auth.New(store, issuer, countedBeside(store, o))
			if err != nil {
				t.Fatal(err)
			}
			hasher.err = tt.hasher
			err = tt.call(t, a)
			wantErr(t, err, auth.ErrUnavailable)
			e := events.take(t)
			if e.Kind != "unavailable" || e.Op != tt.op || e.Code != tt.code || !errors.Is(e.Err, auth.ErrUnavailable) {
				t.Errorf("got %v, want %s: %s", e, tt.op, tt.code)
			}
			if errors.Is(err, own) || strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), canary) {
				t.Errorf("the caller gets the text: %v", err)
			}
			if got := errors.Is(e.Err, own) && strings.Contains(e.Err.Error(), own.Error()); got != tt.own || !tt.own && strings.Contains(fmt.Sprint(e), canary) {
				t.Errorf("the event has the service's error: %t, want %t: %v", got, tt.own, e.Err)
			}
		})
	}
}

// A queue that is full, and whoever waits in it in vain. A deadline is an outage; a
// client that hung up is told of, and is none.
func TestEndsOfWaitingAreEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hasher := &busyHasher{Hasher: authtest.Hasher{}, gate: make(chan struct{})}
		var events told
		a := newAuth(t, auth.NewMemoryStore(), auth.Options{Throttle: auth.Throttle{InsecureOff: true}, Hasher: hasher, Events: events.record})
		hasher.busy.Store(true)
		login := func(ctx context.Context) error {
			return errorOf(a.Login(ctx, credentials(email, password)))
		}
		slots := hashSlots()
		for range slots {
			go login(t.Context())
		}
		synctest.Wait()

		deadline, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		wantErr(t, login(deadline), auth.ErrOverloaded, context.DeadlineExceeded)
		if e := events.take(t); e.Kind != "overloaded" || e.Code != "overloaded" || e.Op != "login" {
			t.Errorf("a deadline in the queue: %v", e)
		}
		hungUp, hangUp := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, hangUp)
		wantErr(t, login(hungUp), auth.ErrOverloaded, context.Canceled)
		if e := events.take(t); e.Kind != "abandoned" {
			t.Errorf("hung up in the queue: %v", e)
		}
		for range 128 * slots {
			go login(t.Context())
		}
		synctest.Wait()
		if err := login(t.Context()); err != auth.ErrOverloaded {
			t.Errorf("got %v", err)
		}
		if e := events.take(t); e.Kind != "overloaded" {
			t.Errorf("a full queue: %v", e)
		}
		close(hasher.gate)
		synctest.Wait()
	})
	for cause, want := range map[error]string{context.Canceled: "abandoned", context.DeadlineExceeded: "unavailable"} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		if cause == context.DeadlineExceeded {
			ctx, cancel = context.WithTimeout(t.Context(), -1)
		}
		cancel()
		var events told
		a := newAuth(t, downStore{fmt.Errorf("%w: canary", cause)}, auth.Options{Events: events.record})
		_, err := a.Login(ctx, credentials(email, password))
		wantErr(t, err, auth.ErrUnavailable, cause)
		if e := events.take(t); e.Kind != want {
			t.Errorf("%v: %v, want %s", cause, e, want)
		}
		// A store's own "cancelled" is not the caller's.
		_, err = a.Login(t.Context(), credentials(email, password))
		wantErr(t, err, auth.ErrUnavailable)
		if e := events.take(t); e.Kind != "unavailable" {
			t.Errorf("%v of the store: %v", cause, e)
		}
	}
}

// What a login, or a check of a token, goes on without is told all the same.
func TestOutagesThatFailNothingAreEvents(t *testing.T) {
	var events told
	store := authtest.NewFaultyStore(auth.NewMemoryStore())
	a := authtest.New(t, auth.Options{Events: events.record, Sessions: auth.SessionConfig{Store: store, MaxPerUser: 1, Staleness: time.Nanosecond, InsecureFailOpen: true}})
	id := register(t, a).User.ID
	events.take(t)
	for _, method := range []string{"Sessions", "DeleteSessions"} {
		store.Fail(method)
		loggedIn(t, a)
		store.Heal()
		if list := events.all(); len(list) != 2 || list[0].Kind != "unavailable" || list[0].Op != "login" || list[0].UserID != id || list[0].Code != "down" || list[1].Kind != "logged_in" {
			t.Errorf("%s: %v", method, list)
		}
	}
	tokens := loggedIn(t, a).Tokens
	events.all()
	store.Fail()
	if _, err := a.Verify(t.Context(), tokens.Access); err != nil {
		t.Fatal(err)
	}
	if e := events.take(t); e.Kind != "unavailable" || e.Op != "verify" || e.UserID != id {
		t.Errorf("got %v", e)
	}
}
