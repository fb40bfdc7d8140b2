package auth_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed89488a0c/auth"
)

const nextPassword = "another horse battery"

func (s *failingStore) UpdateUser(ctx context.Context, u auth.UserUpdate) error {
	if err := s.before("UpdateUser"); err != nil {
		return err
	}
	err := s.MemoryStore.UpdateUser(ctx, u)
	if err == nil && s.after != nil {
		err = s.after("UpdateUser")
	}
	return err
}

// nth fails the nth call of op, and calls of no other.
func nth(op string, n int) func(string) error {
	return func(now string) error {
		if now != op {
			return nil
		}
		if n--; n == 0 {
			return errDown
		}
		return nil
	}
}

// passwordCalls are those that take the password of somebody who is logged in.
var passwordCalls = map[string]func(ctx context.Context, a *auth.Authenticator, id auth.Identity, p string) (auth.Result, error){
	"ChangePassword": func(ctx context.Context, a *auth.Authenticator, id auth.Identity, p string) (auth.Result, error) {
		return a.ChangePassword(ctx, auth.PasswordChange{Identity: id, Current: auth.NewPassword(p), New: auth.NewPassword(nextPassword), Client: auth.Client{UserAgent: "new"}})
	},
	"Reauthenticate": func(ctx context.Context, a *auth.Authenticator, id auth.Identity, p string) (auth.Result, error) {
		return a.Reauthenticate(ctx, auth.Reauthentication{Identity: id, Password: auth.NewPassword(p), Client: auth.Client{UserAgent: "new"}})
	},
	"EndOthers": func(ctx context.Context, a *auth.Authenticator, id auth.Identity, p string) (auth.Result, error) {
		return a.Reauthenticate(ctx, auth.Reauthentication{Identity: id, Password: auth.NewPassword(p), Client: auth.Client{UserAgent: "new"}, EndOthers: true})
	},
}

// A password given again begins a session with a fresh auth_time, of the client that
// asks and the label from before, and a copy of the old refresh token is worth nothing.
// ASVS 5.0 7.2.4, 7.4.3, 7.5.2
func TestPasswordBeginsASession(t *testing.T) {
	for name, call := range passwordCalls {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var events []string
				store := auth.NewMemoryStore()
				a := newSessions(t, store, auth.SessionConfig{}, auth.Options{Events: func(_ context.Context, e auth.Event) { events = append(events, e.Kind+" "+e.SessionID) }})
				register(t, a)
				c := credentials(email, password)
				c.Client = auth.Client{UserAgent: "old", Label: "Ada's phone"}
				first, err := a.Login(t.Context(), c)
				if err != nil {
					t.Fatal(err)
				}
				stale := identity(t, a, first.Tokens)
				time.Sleep(10 * time.Minute)
				copied := refreshed(t, a, first.Tokens.Refresh)
				for _, wrong := range []string{"wrong", "", strings.Repeat("x", 5000)} {
					result, err := call(t.Context(), a, stale, wrong)
					wantErr(t, err, auth.ErrInvalidCredentials)
					if result != (auth.Result{}) {
						t.Error("a result beside an error")
					}
				}
				events = nil
				result, err := call(t.Context(), a, stale, password)
				if err != nil || result.User != first.User {
					t.Fatalf("user %v, %v", result.User, err)
				}
				fresh := identity(t, a, result.Tokens)
				if fresh.SessionID == stale.SessionID || !fresh.AuthTime.Equal(stale.AuthTime.Add(10*time.Minute)) || fresh.AMR != "pwd" {
					t.Errorf("session %s after %s, auth_time %v after %v", fresh.SessionID, stale.SessionID, fresh.AuthTime, stale.AuthTime)
				}
				refused(t, a, copied.Refresh, auth.ErrInvalidToken)
				refused(t, a, first.Tokens.Refresh, auth.ErrInvalidToken)
				if _, err := call(t.Context(), a, stale, password); !errors.Is(err, auth.ErrInvalidToken) {
					t.Errorf("an access token of a session that has ended: %v", err)
				}
				time.Sleep(time.Minute)
				last := refreshed(t, a, result.Tokens.Refresh)
				if again := identity(t, a, last); !again.AuthTime.Equal(fresh.AuthTime) || again.SessionID != fresh.SessionID {
					t.Errorf("a refresh changed auth_time to %v", again.AuthTime)
				}
				list, err := a.Sessions(t.Context(), first.User.ID)
				if err != nil {
					t.Fatal(err)
				}
				i := slices.IndexFunc(list, func(s auth.Session) bool { return s.ID == fresh.SessionID })
				if i < 0 || list[i].Client.Label != "Ada's phone" || list[i].Client.UserAgent != "" { // of the last refresh
					t.Errorf("sessions %+v", list)
				}
				kind := "reauthenticated "
				if name == "ChangePassword" {
					kind = "password_changed "
				}
				if events[0] != kind+fresh.SessionID || name == "EndOthers" && events[1] != "sessions_ended "+fresh.SessionID {
					t.Errorf("events %q", events)
				}
			})
		})
	}
}

// However often the password is given again, the user has no more sessions.
func TestReplacedSessionIsNotOneMore(t *testing.T) {
	for name, call := range passwordCalls {
		if name == "ChangePassword" {
			continue
		}
		store := auth.NewMemoryStore()
		a := newSessions(t, store, auth.SessionConfig{MaxPerUser: 2, RefuseMore: true})
		user := register(t, a).User
		result := loggedIn(t, a)
		for range 5 {
			var err error
			if result, err = call(t.Context(), a, identity(t, a, result.Tokens), password); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if rows, err := store.Sessions(t.Context(), user.ID); err != nil || len(rows) > 2 {
			t.Errorf("%s: %d sessions, %v", name, len(rows), err)
		}
	}
}

// An outage at any step of a call leaves the old session or the new one, and an answer
// that was lost is found out.
func TestPasswordCallsOutages(t *testing.T) {
	for name, call := range passwordCalls {
		for _, op := range []string{"SessionByID", "CreateSession", "UpdateUser", "DeleteSessions"} {
			for _, lost := range []bool{false, true} {
				store := &failingStore{MemoryStore: auth.NewMemoryStore()}
				a := newSessions(t, store, auth.SessionConfig{})
				result := register(t, a)
				id := identity(t, a, result.Tokens)
				if lost {
					store.after = nth(op, 1)
				} else {
					store.fail = nth(op, 1)
				}
				got, err := call(t.Context(), a, id, password)
				store.fail, store.after = nil, nil
				if err == nil {
					refreshed(t, a, got.Tokens.Refresh)
					refused(t, a, result.Tokens.Refresh, auth.ErrInvalidToken)
				} else {
					wantErr(t, err, auth.ErrUnavailable)
					refreshed(t, a, result.Tokens.Refresh)
					if rows, err := store.Sessions(t.Context(), id.UserID); err != nil || len(rows) != 1 {
						t.Errorf("%s without %s: %d rows, %v", name, op, len(rows), err)
					}
				}
				if lost && op == "UpdateUser" && err != nil {
					t.Errorf("%s: a lost answer was not settled: %v", name, err)
				}
				want := password
				if err == nil && name == "ChangePassword" {
					want = nextPassword
				}
				if err := login(t, a, want); err != nil {
					t.Errorf("%s without %s: login %v", name, op, err)
				}
			}
		}
	}
}

// A session that cannot be ended goes on alone; one that another tab has ended is no
// reason to fail.
func TestStepUpThatCannotEndTheOldSession(t *testing.T) {
	store := &failingStore{MemoryStore: auth.NewMemoryStore()}
	a := newSessions(t, store, auth.SessionConfig{})
	result := register(t, a)
	id := identity(t, a, result.Tokens)
	store.fail = func(op string) error {
		if op == "DeleteSessions" {
			return errDown
		}
		return nil
	}
	got, err := passwordCalls["Reauthenticate"](t.Context(), a, id, password)
	wantErr(t, err, auth.ErrUnavailable)
	if got != (auth.Result{}) {
		t.Error("a result beside an error")
	}
	store.fail = once("CreateSession", func() {
		if _, err := passwordCalls["Reauthenticate"](t.Context(), a, id, password); err != nil {
			t.Error(err)
		}
	})
	if _, err := passwordCalls["Reauthenticate"](t.Context(), a, id, password); err != nil {
		t.Errorf("another tab was faster: %v", err)
	}
	refused(t, a, result.Tokens.Refresh, auth.ErrInvalidToken)
}

// staleStore answers reads as a replica does that knows nothing later than a moment.
type staleStore struct {
	*auth.MemoryStore
	user    auth.UserRecord // the zero one: as the primary has it
	session auth.SessionRecord
	blind   bool // to sessions
}

func (s *staleStore) UserByID(ctx context.Context, id string) (auth.UserRecord, error) {
	if s.user.ID == "gone" {
		return auth.UserRecord{}, auth.ErrUserNotFound
	}
	if s.user.ID != "" {
		return s.user, nil
	}
	return s.MemoryStore.UserByID(ctx, id)
}

func (s *staleStore) SessionByID(ctx context.Context, id string) (auth.SessionRecord, error) {
	if s.blind {
		return auth.SessionRecord{}, auth.ErrSessionNotFound
	}
	if s.session.ID == id {
		return s.session, nil
	}
	return s.MemoryStore.SessionByID(ctx, id)
}

// What a replica does not know yet makes no client drop a token that is good, and keeps
// no session from being ended.
func TestReplicaThatIsBehind(t *testing.T) {
	store := &staleStore{MemoryStore: auth.NewMemoryStore()}
	a := newSessions(t, store, auth.SessionConfig{})
	first := register(t, a)
	before, err := store.MemoryStore.UserByID(t.Context(), first.User.ID)
	if err != nil {
		t.Fatal(err)
	}
	disabled := before
	disabled.DisabledAt = time.Now()
	for _, do := range []bool{true, false} { // now the epoch is another
		if err := a.SetDisabled(t.Context(), first.User.ID, do); err != nil {
			t.Fatal(err)
		}
	}
	tokens := loggedIn(t, a).Tokens
	id := identity(t, a, tokens)
	current, err := store.MemoryStore.SessionByID(t.Context(), id.SessionID)
	if err != nil {
		t.Fatal(err)
	}
	idle := current
	idle.IdleUntil, idle.Token, idle.Parent, idle.RotatedAt = time.Now().Add(-time.Hour), [32]byte{1}, current.Token, idle.CreatedAt
	for name, behind := range map[string]staleStore{
		"the session is not there yet":      {blind: true},
		"the user is not there yet":         {user: auth.UserRecord{User: auth.User{ID: "gone"}}},
		"the user has an older epoch":       {user: before},
		"the user is disabled still":        {user: disabled},
		"the session has another token yet": {session: idle},
	} {
		store.user, store.session, store.blind = behind.user, behind.session, behind.blind
		for call, err := range map[string]error{
			"Refresh":        second(a.Refresh(t.Context(), auth.Renewal{Token: tokens.Refresh})),
			"ChangePassword": second(passwordCalls["ChangePassword"](t.Context(), a, id, password)),
			"Reauthenticate": second(passwordCalls["Reauthenticate"](t.Context(), a, id, password)),
		} {
			if !errors.Is(err, auth.ErrUnavailable) || errors.Is(err, auth.ErrInvalidToken) {
				t.Errorf("%s: %s: %v", name, call, err)
			}
		}
		store.user, store.session, store.blind = auth.UserRecord{}, auth.SessionRecord{}, false
		refreshed(t, a, tokens.Refresh)
	}
	store.blind = true
	if err := a.Logout(t.Context(), tokens.Refresh); err != nil {
		t.Error(err)
	}
	store.blind = false
	refused(t, a, tokens.Refresh, auth.ErrInvalidToken)
}

// Step-ups at once make no more sessions than the limit allows.
func TestStepUpsAtOnceKeepTheLimit(t *testing.T) {
	for _, refuse := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			store := &failingStore{MemoryStore: auth.NewMemoryStore()}
			a := newSessions(t, store, auth.SessionConfig{MaxPerUser: 2, RefuseMore: refuse})
			register(t, a)
			time.Sleep(time.Second)
			id := identity(t, a, loggedIn(t, a).Tokens)
			time.Sleep(time.Second)
			won := 0
			store.fail = once("CreateSession", func() { // all have read the same session by now
				time.Sleep(time.Second)
				for range 4 {
					if _, err := passwordCalls["Reauthenticate"](t.Context(), a, id, password); err == nil {
						won++
					}
				}
			})
			_, err := passwordCalls["Reauthenticate"](t.Context(), a, id, password)
			if refuse {
				wantErr(t, err, auth.ErrTooManySessions)
			} else if err != nil {
				t.Error(err)
			}
			list, err := a.Sessions(t.Context(), id.UserID)
			if err != nil || len(list) != 2 || won != 1 {
				t.Errorf("%d sessions after %d step-ups, %v", len(list), won, err)
			}
		})
	}
}

// A client that hangs up does not hide that it has changed the password.
func TestHangingUpHidesNoChange(t *testing.T) {
	var kinds []string
	store := &failingStore{MemoryStore: auth.NewMemoryStore()}
	a := newSessions(t, store, auth.SessionConfig{}, auth.Options{Events: func(_ context.Context, e auth.Event) { kinds = append(kinds, e.Kind) }})
	id := identity(t, a, register(t, a).Tokens)
	ctx, cancel := context.WithCancel(t.Context())
	store.after = func(op string) error {
		if op != "UpdateUser" {
			return nil
		}
		cancel()
		return context.Canceled
	}
	_, _ = passwordCalls["ChangePassword"](ctx, a, id, password)
	store.after = nil
	wantErr(t, login(t, a, nextPassword), nil)
	if !slices.Contains(kinds, "password_changed") {
		t.Errorf("events %q", kinds)
	}
}

// A write that a proxy has sent twice is no conflict with somebody else.
func TestWriteThatWasSentTwice(t *testing.T) {
	for _, name := range []string{"ChangePassword", "EndOthers"} {
		store := &failingStore{MemoryStore: auth.NewMemoryStore()}
		a := newSessions(t, store, auth.SessionConfig{})
		id := identity(t, a, register(t, a).Tokens)
		store.after = func(op string) error {
			if op == "UpdateUser" {
				store.after = nil
				return auth.ErrConflict
			}
			return nil
		}
		result, err := passwordCalls[name](t.Context(), a, id, password)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		refreshed(t, a, result.Tokens.Refresh)
	}
}

// A login whose session was stored, and whose answer was lost, leaves no session that
// counts.
func TestLoginLeavesNoSessionBehind(t *testing.T) {
	store := &lossyStore{failingStore{MemoryStore: auth.NewMemoryStore()}, true}
	a := newSessions(t, store, auth.SessionConfig{MaxPerUser: 1, RefuseMore: true})
	importUser(t, a, email, hashOf(t, password))
	for range 3 {
		wantErr(t, login(t, a, password), auth.ErrUnavailable)
	}
	store.lose = false
	wantErr(t, login(t, a, password), nil)
}

// lossyStore loses the answers to new sessions.
type lossyStore struct {
	failingStore
	lose bool
}

func (s *lossyStore) CreateSession(ctx context.Context, r auth.SessionRecord) error {
	err := s.failingStore.CreateSession(ctx, r)
	if err == nil && s.lose {
		err = errDown
	}
	return err
}

// An idle session is worth one write, however often its token is shown.
func TestIdleSessionIsWrittenOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &failingStore{MemoryStore: auth.NewMemoryStore()}
		a := newSessions(t, store, auth.SessionConfig{IdleTTL: time.Hour})
		token := register(t, a).Tokens.Refresh
		time.Sleep(time.Hour)
		refused(t, a, token, auth.ErrExpiredToken)
		store.after = func(op string) error {
			t.Errorf("%s has changed something", op)
			return nil
		}
		for range 10 {
			refused(t, a, token, auth.ErrInvalidToken)
		}
	})
}

// A replay whose answer is lost is told of all the same.
func TestReplayOverALostAnswer(t *testing.T) {
	var kinds []string
	store := &failingStore{MemoryStore: auth.NewMemoryStore()}
	a := newSessions(t, store, auth.SessionConfig{Grace: -1}, auth.Options{Events: func(_ context.Context, e auth.Event) { kinds = append(kinds, e.Kind) }})
	first := register(t, a).Tokens.Refresh
	refreshed(t, a, first)
	store.after = func(op string) error {
		if op == "DeleteSessions" {
			return errDown
		}
		return nil
	}
	refused(t, a, first, auth.ErrUnavailable)
	if !slices.Contains(kinds, "session_replayed") {
		t.Errorf("events %q", kinds)
	}
}

// The session of an identity is the user's own, whatever a store says.
func TestSessionOfAnotherUser(t *testing.T) {
	store := auth.NewMemoryStore()
	a := newSessions(t, store, auth.SessionConfig{})
	first := register(t, a)
	id := identity(t, a, first.Tokens)
	s, err := store.SessionByID(t.Context(), id.SessionID)
	if err != nil {
		t.Fatal(err)
	}
	other, err := a.Register(t.Context(), auth.Registration{Email: "bob@example.com", Password: auth.NewPassword(password)})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := store.DeleteSessions(t.Context(), auth.SessionFilter{ID: s.ID}); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	user, err := store.UserByID(t.Context(), other.User.ID)
	if err != nil {
		t.Fatal(err)
	}
	s.UserID, s.Epoch = user.ID, user.Epoch
	if err := store.CreateSession(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	for name, call := range passwordCalls {
		if _, err := call(t.Context(), a, id, password); !errors.Is(err, auth.ErrInvalidToken) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
