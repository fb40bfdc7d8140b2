package auth_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
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

func newSessions(t testing.TB, store userAndSessionStore, c auth.SessionConfig, opts ...auth.Option) *auth.Authenticator {
	t.Helper()
	return newAuth(t, store, append(opts, auth.WithSessions(store, c))...)
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
				a := newSessions(t, auth.NewMemoryStore(), auth.SessionConfig{Grace: tt.grace}, auth.WithEvents(func(_ context.Context, e auth.Event) { events = append(events, e) }))
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
					refused(t, a, token, auth.ErrInvalidToken) // all of the family, and no second event
				}
				if len(events) != 1 {
					t.Errorf("events %+v", events)
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
		for i, s := range list[1:] {
			if s.Client.Label != fmt.Sprint("phone ", i) || s.Client.UserAgent != strings.Repeat("é", 128) || s.Client.Address != netip.MustParseAddr("192.0.2.1") || s.UserID != user.ID {
				t.Errorf("session %+v", s)
			}
			used := s.CreatedAt
			if i == 2 {
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

// With a staleness an access token ends with its session, so much later at most;
// on the replica that ended it, at once.
func TestRevocation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		store := &failingStore{MemoryStore: auth.NewMemoryStore()}
		issuer := newIssuer(t, auth.JWTConfig{TTL: time.Hour})
		newReplica := func(c auth.SessionConfig) *auth.Authenticator {
			a, err := auth.New(store, issuer, auth.WithHasher(authtest.Hasher{}), auth.WithSessions(store, c))
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
		if err := here.EndSessions(ctx, user.ID, ""); err != nil {
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

// failingStore counts calls that read a session, and fails all when it is down.
type failingStore struct {
	*auth.MemoryStore
	down  bool
	calls int
	fail  func(op string) error // before the call; nil: it succeeds
	after func(op string) error // the call was made
	stale *auth.SessionRecord   // what a replica that is behind says
}

var errDown = errors.New("secret-text of a driver")

func (s *failingStore) before(op string) error {
	s.calls++
	if s.down {
		return errDown
	}
	if s.fail != nil {
		return s.fail(op)
	}
	return nil
}

func (s *failingStore) SessionByID(ctx context.Context, id string) (auth.SessionRecord, error) {
	if err := s.before("SessionByID"); err != nil {
		return auth.SessionRecord{}, err
	}
	if s.stale != nil {
		return *s.stale, nil
	}
	r, err := s.MemoryStore.SessionByID(ctx, id)
	if err == nil && s.after != nil {
		err = s.after("SessionByID")
	}
	return r, err
}

func (s *failingStore) CreateSession(ctx context.Context, r auth.SessionRecord) error {
	if err := s.before("CreateSession"); err != nil {
		return err
	}
	return s.MemoryStore.CreateSession(ctx, r)
}

func (s *failingStore) UpdateSession(ctx context.Context, u auth.SessionUpdate) error {
	if err := s.before("UpdateSession"); err != nil {
		return err
	}
	err := s.MemoryStore.UpdateSession(ctx, u)
	if err == nil && s.after != nil {
		err = s.after("UpdateSession")
	}
	return err
}

func (s *failingStore) DeleteSessions(ctx context.Context, f auth.SessionFilter) (int, error) {
	if err := s.before("DeleteSessions"); err != nil {
		return 0, err
	}
	return s.MemoryStore.DeleteSessions(ctx, f)
}

// An outage at any step is an outage, and the token can be used again.
func TestSessionOutages(t *testing.T) {
	for _, op := range []string{"SessionByID", "UpdateSession"} {
		store := &failingStore{MemoryStore: auth.NewMemoryStore()}
		a := newSessions(t, store, auth.SessionConfig{})
		token := register(t, a).Tokens.Refresh
		store.fail = func(now string) error {
			if now == op {
				return errDown
			}
			return nil
		}
		result, err := a.Refresh(t.Context(), token)
		wantErr(t, err, auth.ErrUnavailable)
		if errors.Is(err, auth.ErrInvalidToken) || result != (auth.Result{}) || strings.Contains(err.Error(), "secret-text") {
			t.Errorf("%s: %v", op, err)
		}
		store.fail = nil
		refreshed(t, a, refreshed(t, a, token).Refresh)
	}

	// The rotation was committed and its answer lost.
	store := &failingStore{MemoryStore: auth.NewMemoryStore()}
	a := newSessions(t, store, auth.SessionConfig{})
	token := register(t, a).Tokens.Refresh
	store.after = func(op string) error {
		if op == "UpdateSession" {
			return errDown
		}
		return nil
	}
	if _, err := a.Refresh(t.Context(), token); !errors.Is(err, auth.ErrUnavailable) {
		t.Error(err)
	}
	store.after = nil
	refreshed(t, a, refreshed(t, a, token).Refresh)

	// A session that cannot be stored is no login, and a family that cannot be
	// ended is not refreshed either.
	store.fail = func(op string) error {
		if op == "CreateSession" || op == "DeleteSessions" {
			return errDown
		}
		return nil
	}
	if result, err := a.Login(t.Context(), credentials(email, password)); !errors.Is(err, auth.ErrUnavailable) || result != (auth.Result{}) {
		t.Error(err)
	}
	if _, err := a.Refresh(t.Context(), token); !errors.Is(err, auth.ErrUnavailable) || errors.Is(err, auth.ErrInvalidToken) {
		t.Error(err)
	}
	store.fail = nil
	refused(t, a, token, auth.ErrSessionReplayed)
}

// A password that was changed has changed, also where the session that asked
// cannot be kept: it ends.
func TestChangePasswordKeepsOrEnds(t *testing.T) {
	store := &failingStore{MemoryStore: auth.NewMemoryStore()}
	a := newSessions(t, store, auth.SessionConfig{})
	user := register(t, a).User
	tokens := loggedIn(t, a).Tokens
	id, err := a.Verify(t.Context(), tokens.Access)
	if err != nil {
		t.Fatal(err)
	}
	store.fail = func(op string) error { return errDown }
	if err := a.ChangePassword(t.Context(), auth.PasswordChange{UserID: user.ID, SessionID: id.SessionID, Current: auth.NewPassword(password), New: auth.NewPassword("another horse battery")}); err != nil {
		t.Error(err)
	}
	store.fail = nil
	refused(t, a, tokens.Refresh, auth.ErrInvalidToken)
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
		if a, err := auth.New(store, issuer, auth.WithHasher(authtest.Hasher{}), auth.WithSessions(store, c)); err == nil || a != nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, err := auth.New(store, issuer, auth.WithSessions(nil, auth.SessionConfig{})); err == nil {
		t.Error("a nil store is taken")
	}
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

// What is remembered of a session gives way to what becomes of it.
func TestRevocationRaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		store := &failingStore{MemoryStore: auth.NewMemoryStore()}
		issuer := newIssuer(t, auth.JWTConfig{TTL: 24 * time.Hour})
		newReplica := func(c auth.SessionConfig) *auth.Authenticator {
			c.Staleness = time.Hour
			a, err := auth.New(store, issuer, auth.WithHasher(authtest.Hasher{}), auth.WithSessions(store, c))
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

		// Between the change of the password and the move of the kept session.
		token := loggedIn(t, here).Tokens.Access
		id := session(token)
		store.fail = once("UpdateSession", func() { verify(there, ctx, token, auth.ErrInvalidToken) })
		if err := here.EndSessions(ctx, user.ID, id.SessionID); err != nil {
			t.Fatal(err)
		}
		store.fail = nil
		time.Sleep(time.Second)
		verify(there, ctx, token, nil)
		verify(here, ctx, token, nil)

		// A session that ends while it is being read.
		token = loggedIn(t, here).Tokens.Access
		id = session(token)
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

// A login that fails has ended nothing.
func TestFailedLoginEndsNothing(t *testing.T) {
	store := &failingStore{MemoryStore: auth.NewMemoryStore()}
	a := newSessions(t, store, auth.SessionConfig{MaxPerUser: 1})
	first := register(t, a).Tokens.Refresh
	store.fail = func(op string) error {
		if op == "CreateSession" {
			return errDown
		}
		return nil
	}
	if _, err := a.Login(t.Context(), credentials(email, password)); !errors.Is(err, auth.ErrUnavailable) {
		t.Error(err)
	}
	store.fail = nil
	refreshed(t, a, first)
}
