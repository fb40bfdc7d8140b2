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
	result, err := a.Refresh(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	return result.Tokens
}

// refused wants an error and nothing beside it.
func refused(t testing.TB, a *auth.Authenticator, token string, want error) {
	t.Helper()
	result, err := a.Refresh(t.Context(), token)
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
	a := newSessions(t, auth.NewMemoryStore(), auth.SessionConfig{})
	register(t, a)
	first, second := loggedIn(t, a).Tokens.Refresh, loggedIn(t, a).Tokens.Refresh
	next := refreshed(t, a, first).Refresh
	for range 2 { // by an old token too, and again
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

// What ends all sessions, and which stay.
// ASVS 5.0 7.4.2, 7.4.3, 7.4.5
func TestWhatEndsSessions(t *testing.T) {
	for _, tt := range []struct {
		name  string
		do    func(ctx context.Context, a *auth.Authenticator, userID, sessionID string) error
		keeps bool
	}{
		{"EndSessions", func(ctx context.Context, a *auth.Authenticator, userID, _ string) error {
			return a.EndSessions(ctx, userID, "")
		}, false},
		{"EndSessions but one", func(ctx context.Context, a *auth.Authenticator, userID, sessionID string) error {
			return a.EndSessions(ctx, userID, sessionID)
		}, true},
		{"EndSessions but none that is there", func(ctx context.Context, a *auth.Authenticator, userID, _ string) error {
			return a.EndSessions(ctx, userID, "x")
		}, false},
		{"ChangePassword", func(ctx context.Context, a *auth.Authenticator, userID, _ string) error {
			return a.ChangePassword(ctx, auth.PasswordChange{UserID: userID, Current: auth.NewPassword(password), New: auth.NewPassword("another horse battery")})
		}, false},
		{"ChangePassword in a session", func(ctx context.Context, a *auth.Authenticator, userID, sessionID string) error {
			return a.ChangePassword(ctx, auth.PasswordChange{UserID: userID, SessionID: sessionID, Current: auth.NewPassword(password), New: auth.NewPassword("another horse battery")})
		}, true},
		{"SetPassword", func(ctx context.Context, a *auth.Authenticator, userID, _ string) error {
			return a.SetPassword(ctx, userID, auth.NewPassword("another horse battery"))
		}, false},
		{"SetDisabled", func(ctx context.Context, a *auth.Authenticator, userID, _ string) error {
			return a.SetDisabled(ctx, userID, true)
		}, false},
		{"SetDisabled, and back", func(ctx context.Context, a *auth.Authenticator, userID, _ string) error {
			return errors.Join(a.SetDisabled(ctx, userID, true), a.SetDisabled(ctx, userID, false))
		}, false},
		{"DeleteUser", func(ctx context.Context, a *auth.Authenticator, userID, _ string) error {
			return a.DeleteUser(ctx, userID)
		}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx := t.Context()
			store := auth.NewMemoryStore()
			a := newSessions(t, store, auth.SessionConfig{})
			user := register(t, a).User
			asks, other := loggedIn(t, a).Tokens, loggedIn(t, a).Tokens
			bystander, err := a.Register(ctx, auth.Registration{Email: "bob@example.com", Password: auth.NewPassword(password)})
			if err != nil {
				t.Fatal(err)
			}
			id, err := a.Verify(ctx, asks.Access)
			if err != nil {
				t.Fatal(err)
			}
			if err := tt.do(ctx, a, user.ID, id.SessionID); err != nil {
				t.Fatal(err)
			}
			refused(t, a, other.Refresh, auth.ErrInvalidToken)
			rows, err := store.Sessions(ctx, user.ID)
			if want := map[bool]int{true: 1}[tt.keeps]; err != nil || len(rows) != want {
				t.Errorf("%d rows are left, %v, want %d", len(rows), err, want)
			}
			if tt.keeps {
				refreshed(t, a, refreshed(t, a, asks.Refresh).Refresh)
				if list, err := a.Sessions(ctx, user.ID); err != nil || len(list) != 1 || list[0].ID != id.SessionID {
					t.Errorf("%d sessions are left, %v", len(list), err)
				}
			} else {
				refused(t, a, asks.Refresh, auth.ErrInvalidToken)
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
		refreshed(t, a, refresh)
		list, err := a.Sessions(ctx, user.ID)
		if err != nil || len(list) != 4 {
			t.Fatalf("%d sessions, %v", len(list), err)
		}
		for i, s := range list[:3] {
			if s.Client.Label != fmt.Sprint("phone ", 2-i) || s.Client.UserAgent != strings.Repeat("é", 128) || s.Client.Address != netip.MustParseAddr("192.0.2.1") || s.UserID != user.ID {
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
		time.Sleep(24 * time.Hour)
		if list, err := a.Sessions(ctx, user.ID); err != nil || len(list) != 0 {
			t.Errorf("%d sessions are left, %v", len(list), err)
		}
		if _, err := a.Sessions(ctx, "x"); !errors.Is(err, auth.ErrUserNotFound) {
			t.Error(err)
		}
		if n, err := a.DeleteExpiredSessions(ctx, 10); err != nil || n != 0 {
			t.Errorf("%d deleted, %v", n, err)
		}
		time.Sleep(30 * 24 * time.Hour)
		if n, err := a.DeleteExpiredSessions(ctx, 3); err != nil || n != 3 {
			t.Errorf("%d deleted, %v", n, err)
		}
		if n, err := a.DeleteExpiredSessions(ctx, 3); err != nil || n != 1 {
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

// ASVS 5.0 7.2.4
func TestReauthenticate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		a := newSessions(t, auth.NewMemoryStore(), auth.SessionConfig{})
		tokens := register(t, a).Tokens
		stale, err := a.Verify(ctx, tokens.Access)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Minute)
		for _, wrong := range []string{"wrong", strings.Repeat("x", 5000)} {
			got, err := a.Reauthenticate(ctx, auth.Reauthentication{Identity: stale, Password: auth.NewPassword(wrong)})
			wantErr(t, err, auth.ErrInvalidCredentials)
			if got != (auth.Tokens{}) {
				t.Error("tokens beside an error")
			}
		}
		got, err := a.Reauthenticate(ctx, auth.Reauthentication{Identity: stale, Password: auth.NewPassword(password)})
		if err != nil || got.Refresh != "" {
			t.Fatal(err)
		}
		for _, access := range []string{got.Access, refreshed(t, a, tokens.Refresh).Access} { // and what it gives from now on
			id, err := a.Verify(ctx, access)
			if err != nil || id.SessionID != stale.SessionID || !id.AuthTime.Equal(stale.AuthTime.Add(10*time.Minute)) {
				t.Errorf("auth_time %v, %v", id.AuthTime, err)
			}
		}
		if err := a.EndSession(ctx, stale.UserID, stale.SessionID); err != nil {
			t.Fatal(err)
		}
		_, err = a.Reauthenticate(ctx, auth.Reauthentication{Identity: stale, Password: auth.NewPassword(password)})
		wantErr(t, err, auth.ErrInvalidToken)
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
