package auth_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
)

// userAndSessionStore keeps both.
type userAndSessionStore interface {
	auth.UserStore
	auth.SessionStore
}

func newSessions(t testing.TB, store userAndSessionStore, c auth.SessionConfig, opts ...auth.Options) *auth.Authenticator {
	t.Helper()
	o := only(opts)
	o.Sessions, o.Sessions.Store = c, store
	return newAuth(t, store, o)
}

func refreshed(t testing.TB, a *auth.Authenticator, token string) auth.Tokens {
	t.Helper()
	result, err := a.Refresh(t.Context(), auth.Renewal{Token: token})
	if err != nil {
		t.Fatal(err)
	}
	return result.Tokens
}

// refused wants an error and nothing beside it.
func refused(t testing.TB, a *auth.Authenticator, token string, want error) {
	t.Helper()
	result, err := a.Refresh(t.Context(), auth.Renewal{Token: token})
	wantErr(t, err, want)
	if result != (auth.Result{}) {
		t.Error("a result beside an error")
	}
	if errors.Is(err, auth.ErrSessionReplayed) != (want == auth.ErrSessionReplayed) {
		t.Errorf("got %v, want %v", err, want)
	}
}

func loggedIn(t testing.TB, a *auth.Authenticator) auth.Result {
	t.Helper()
	result, err := a.Login(t.Context(), credentials(email, password))
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// ASVS 5.0 7.4.1
func TestLogout(t *testing.T) {
	a := newSessions(t, auth.NewMemoryStore(), auth.SessionConfig{Grace: -1}) // so that the first token is an old one
	register(t, a)
	first, second := loggedIn(t, a).Tokens.Refresh, loggedIn(t, a).Tokens.Refresh
	next := refreshed(t, a, first).Refresh
	for range 2 { // and again
		if err := a.Logout(t.Context(), first); err != nil {
			t.Error(err)
		}
	}
	refused(t, a, next, auth.ErrInvalidToken)
	refused(t, a, first, auth.ErrInvalidToken)
	refreshed(t, a, second)
}

func TestEndSession(t *testing.T) {
	ctx := t.Context()
	a := newSessions(t, auth.NewMemoryStore(), auth.SessionConfig{})
	user := register(t, a).User
	tokens := loggedIn(t, a).Tokens
	id, err := a.Verify(ctx, tokens.Access)
	if err != nil {
		t.Fatal(err)
	}
	other, err := a.Register(ctx, auth.Registration{Email: "bob@example.com", Password: auth.NewPassword(password)})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range [][2]string{{other.User.ID, id.SessionID}, {"", id.SessionID}, {user.ID, ""}, {user.ID, "x"}, {"x", "x"}} {
		if err := a.EndSession(ctx, tt[0], tt[1]); err != nil {
			t.Error(err)
		}
	}
	tokens = refreshed(t, a, tokens.Refresh) // still lives
	for range 2 {
		if err := a.EndSession(ctx, user.ID, id.SessionID); err != nil {
			t.Error(err)
		}
	}
	refused(t, a, tokens.Refresh, auth.ErrInvalidToken)
	refreshed(t, a, other.Tokens.Refresh)
}

// What ends all sessions, and which begin one.
// ASVS 5.0 7.4.2, 7.4.3, 7.4.5
func TestWhatEndsSessions(t *testing.T) {
	next := auth.NewPassword("another horse battery")
	again := func(a *auth.Authenticator, id auth.Identity, others bool) (auth.Result, error) {
		return a.Reauthenticate(t.Context(), auth.Reauthentication{Identity: id, Password: auth.NewPassword(password), EndOthers: others})
	}
	for _, tt := range []struct {
		name   string
		do     func(ctx context.Context, a *auth.Authenticator, id auth.Identity) (auth.Result, error)
		others bool // go on
	}{
		{"EndSessions", func(ctx context.Context, a *auth.Authenticator, id auth.Identity) (auth.Result, error) {
			return auth.Result{}, a.EndSessions(ctx, id.UserID)
		}, false},
		{"ChangePassword", func(ctx context.Context, a *auth.Authenticator, id auth.Identity) (auth.Result, error) {
			return a.ChangePassword(ctx, auth.PasswordChange{Identity: id, Current: auth.NewPassword(password), New: next})
		}, false},
		{"Reauthenticate", func(_ context.Context, a *auth.Authenticator, id auth.Identity) (auth.Result, error) {
			return again(a, id, false)
		}, true},
		{"Reauthenticate, and end the others", func(_ context.Context, a *auth.Authenticator, id auth.Identity) (auth.Result, error) {
			return again(a, id, true)
		}, false},
		{"SetPassword", func(ctx context.Context, a *auth.Authenticator, id auth.Identity) (auth.Result, error) {
			return auth.Result{}, a.SetPassword(ctx, id.UserID, next)
		}, false},
		{"SetDisabled", func(ctx context.Context, a *auth.Authenticator, id auth.Identity) (auth.Result, error) {
			return auth.Result{}, a.SetDisabled(ctx, id.UserID, true)
		}, false},
		{"SetDisabled, and back", func(ctx context.Context, a *auth.Authenticator, id auth.Identity) (auth.Result, error) {
			return auth.Result{}, errors.Join(a.SetDisabled(ctx, id.UserID, true), a.SetDisabled(ctx, id.UserID, false))
		}, false},
		{"DeleteUser", func(ctx context.Context, a *auth.Authenticator, id auth.Identity) (auth.Result, error) {
			return auth.Result{}, a.DeleteUser(ctx, id.UserID)
		}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx := t.Context()
			store := auth.NewMemoryStore()
			a := newSessions(t, store, auth.SessionConfig{Grace: -1})
			user := register(t, a)
			asks, other := loggedIn(t, a).Tokens, loggedIn(t, a).Tokens
			bystander, err := a.Register(ctx, auth.Registration{Email: "bob@example.com", Password: auth.NewPassword(password)})
			if err != nil {
				t.Fatal(err)
			}
			id, err := a.Verify(ctx, asks.Access)
			if err != nil {
				t.Fatal(err)
			}
			result, err := tt.do(ctx, a, id)
			if err != nil {
				t.Fatal(err)
			}
			want := 0
			if result.Tokens.Refresh != "" {
				want++
			}
			if tt.others {
				want += 2
				refreshed(t, a, other.Refresh)
			} else {
				refused(t, a, other.Refresh, auth.ErrInvalidToken)
			}
			rows, err := store.Sessions(ctx, user.User.ID)
			if err != nil || len(rows) != want {
				t.Errorf("%d rows are left, %v, want %d", len(rows), err, want)
			}
			// Whoever copied the refresh token has nothing, and gets nothing new.
			refused(t, a, asks.Refresh, auth.ErrInvalidToken)
			if result.Tokens.Refresh != "" {
				next, err := a.Verify(ctx, result.Tokens.Access)
				if err != nil || next.SessionID == id.SessionID || result.User != user.User {
					t.Errorf("session %q after %q, user %v, %v", next.SessionID, id.SessionID, result.User, err)
				}
				refreshed(t, a, refreshed(t, a, result.Tokens.Refresh).Refresh)
			}
			refreshed(t, a, bystander.Tokens.Refresh)
		})
	}
}

func TestListOfSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		a := newSessions(t, auth.NewMemoryStore(), auth.SessionConfig{IdleTTL: 24 * time.Hour})
		user := register(t, a).User
		var refresh string
		for i := range 3 {
			time.Sleep(time.Minute)
			c := credentials(email, password)
			c.Client = auth.Client{Address: netip.MustParseAddr("192.0.2.1"), UserAgent: strings.Repeat("é", 200) + "\xff", Label: fmt.Sprint("phone ", i)}
			result, err := a.Login(ctx, c)
			if err != nil {
				t.Fatal(err)
			}
			refresh = result.Tokens.Refresh
		}
		time.Sleep(time.Hour)
		renewal := auth.Renewal{Token: refresh, Client: auth.Client{Address: netip.MustParseAddr("192.0.2.2"), UserAgent: "new" + strings.Repeat("x", 300)}}
		if _, err := a.Refresh(ctx, renewal); err != nil {
			t.Fatal(err)
		}
		list, err := a.Sessions(ctx, user.ID)
		if err != nil || len(list) != 4 {
			t.Fatalf("%d sessions, %v", len(list), err)
		}
		for i, s := range list[:3] {
			agent, address := strings.Repeat("é", 128), "192.0.2.1"
			if i == 0 { // the last refresh says who it is, but for the label
				agent, address = "new"+strings.Repeat("x", 253), "192.0.2.2"
			}
			if s.Client.Label != fmt.Sprint("phone ", 2-i) || s.Client.UserAgent != agent || s.Client.Address != netip.MustParseAddr(address) || s.UserID != user.ID {
				t.Errorf("session %+v", s)
			}
			used := s.CreatedAt
			if i == 0 {
				used = time.Now().UTC().Truncate(time.Microsecond)
			}
			if !s.LastUsedAt.Equal(used) || !s.IdleUntil.Equal(used.Add(24*time.Hour)) || !s.ExpiresAt.Equal(s.CreatedAt.Add(30*24*time.Hour)) || !s.AuthTime.Equal(s.CreatedAt) {
				t.Errorf("times of %+v", s)
			}
		}
		if n, err := a.DeleteExpired(ctx, 10); err != nil || n != 0 {
			t.Errorf("%d deleted, %v", n, err)
		}
		time.Sleep(24 * time.Hour)
		if list, err := a.Sessions(ctx, user.ID); err != nil || len(list) != 0 {
			t.Errorf("%d sessions are left, %v", len(list), err)
		}
		if _, err := a.Sessions(ctx, "x"); !errors.Is(err, auth.ErrUserNotFound) {
			t.Error(err)
		}
		if n, err := a.DeleteExpired(ctx, 3); err != nil || n != 3 {
			t.Errorf("%d deleted, %v", n, err)
		}
		if n, err := a.DeleteExpired(ctx, 3); err != nil || n != 1 {
			t.Errorf("%d deleted, %v", n, err)
		}
	})
}

func TestMaxPerUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newSessions(t, auth.NewMemoryStore(), auth.SessionConfig{MaxPerUser: 2})
		first := register(t, a).Tokens.Refresh
		time.Sleep(time.Second)
		second := loggedIn(t, a).Tokens.Refresh
		time.Sleep(time.Second)
		third := loggedIn(t, a).Tokens.Refresh
		refused(t, a, first, auth.ErrInvalidToken)
		refreshed(t, a, second)
		refreshed(t, a, third)

		a = newSessions(t, auth.NewMemoryStore(), auth.SessionConfig{MaxPerUser: 1, RefuseMore: true})
		first = register(t, a).Tokens.Refresh
		result, err := a.Login(t.Context(), credentials(email, password))
		if !errors.Is(err, auth.ErrTooManySessions) || errors.Is(err, auth.ErrInvalidCredentials) || result != (auth.Result{}) {
			t.Error(err)
		}
		if err := a.Logout(t.Context(), first); err != nil {
			t.Error(err)
		}
		loggedIn(t, a)
	})
}

func TestSessionConfigRefuses(t *testing.T) {
	store := auth.NewMemoryStore()
	issuer := newIssuer(t, auth.JWTConfig{})
	for name, c := range map[string]auth.SessionConfig{
		"idle negative":      {IdleTTL: -1},
		"idle 180":           {IdleTTL: 180},
		"idle long":          {IdleTTL: 1 << 62},
		"absolute negative":  {AbsoluteTTL: -time.Hour},
		"absolute long":      {AbsoluteTTL: 1 << 62},
		"grace long":         {Grace: 3 * time.Minute},
		"staleness negative": {Staleness: -1},
		"staleness long":     {Staleness: 2 * time.Hour},
		"max negative":       {MaxPerUser: -1},
		"max large":          {MaxPerUser: 1001},
	} {
		c.Store = store
		if a, err := auth.New(store, issuer, auth.Options{Hasher: authtest.Hasher{}, Sessions: c}); err == nil || a != nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, err := auth.New(store, issuer, auth.Options{Sessions: auth.SessionConfig{Staleness: time.Minute}}); err == nil {
		t.Error("sessions without a store are taken")
	}
}
