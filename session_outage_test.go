package auth_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
)

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
	n, err := s.MemoryStore.DeleteSessions(ctx, f)
	if err == nil && s.after != nil {
		if err = s.after("DeleteSessions"); err != nil {
			n = 0
		}
	}
	return n, err
}

// An outage at any step is an outage, and the token can be used again.
// ASVS 5.0 16.5.2
func TestSessionOutages(t *testing.T) {
	for _, op := range []string{"SessionByID", "UpdateSession"} {
		store := &failingStore{MemoryStore: auth.NewMemoryStore()}
		a := newSessions(t, store, auth.SessionConfig{})
		token := aged(t, store, register(t, a).Tokens.Refresh)
		store.fail = func(now string) error {
			if now == op {
				return errDown
			}
			return nil
		}
		result, err := a.Refresh(t.Context(), auth.Renewal{Token: token})
		wantErr(t, err, auth.ErrUnavailable)
		if errors.Is(err, auth.ErrInvalidToken) || result != (auth.Result{}) || strings.Contains(err.Error(), "secret-text") {
			t.Errorf("%s: %v", op, err)
		}
		store.fail = nil
		refreshed(t, a, refreshed(t, a, token).Refresh)
		refreshed(t, a, token) // within the grace
	}

	// The rotation was committed and its answer lost.
	store := &failingStore{MemoryStore: auth.NewMemoryStore()}
	a := newSessions(t, store, auth.SessionConfig{})
	token := aged(t, store, register(t, a).Tokens.Refresh)
	store.after = func(op string) error {
		if op == "UpdateSession" {
			return errDown
		}
		return nil
	}
	if _, err := a.Refresh(t.Context(), auth.Renewal{Token: token}); !errors.Is(err, auth.ErrUnavailable) {
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
	made := token[:43] + strings.Repeat("A", 43)
	if _, err := a.Refresh(t.Context(), auth.Renewal{Token: made}); !errors.Is(err, auth.ErrUnavailable) || errors.Is(err, auth.ErrInvalidToken) {
		t.Error(err)
	}
	store.fail = nil
	refused(t, a, made, auth.ErrSessionReplayed)
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

// Who logs in with the new password while the sessions of the old one are being
// removed stays logged in.
func TestLoginWhileOthersEnd(t *testing.T) {
	for name, change := range map[string]func(a *auth.Authenticator, userID string) error{
		"ChangePassword": func(a *auth.Authenticator, userID string) error {
			_, err := a.ChangePassword(t.Context(), auth.PasswordChange{Identity: identity(t, a, loggedIn(t, a).Tokens), Current: auth.NewPassword(password), New: auth.NewPassword("another horse")})
			return err
		},
		"SetPassword": func(a *auth.Authenticator, userID string) error {
			return a.SetPassword(t.Context(), userID, auth.NewPassword("another horse"))
		},
	} {
		store := &failingStore{MemoryStore: auth.NewMemoryStore()}
		a := newSessions(t, store, auth.SessionConfig{})
		first := register(t, a)
		var meanwhile auth.Result
		store.fail = func(op string) (err error) {
			if op == "DeleteSessions" {
				store.fail = nil
				meanwhile, err = a.Login(t.Context(), credentials(email, "another horse"))
			}
			return err
		}
		if err := change(a, first.User.ID); err != nil {
			t.Fatal(err)
		}
		if meanwhile.Tokens.Refresh == "" {
			t.Fatalf("%s removed no sessions", name)
		}
		refused(t, a, first.Tokens.Refresh, auth.ErrInvalidToken)
		refreshed(t, a, meanwhile.Tokens.Refresh)
		want := map[string]int{"ChangePassword": 2, "SetPassword": 1}[name] // the first begins one
		if list, err := store.Sessions(t.Context(), first.User.ID); err != nil || len(list) != want {
			t.Errorf("%s left %d sessions, %v", name, len(list), err)
		}
	}
}

// Sessions that outlive their user are not those of another one who is given the
// same ID, even by an import that asks for the same epoch, and on a replica that has
// just seen them alive.
func TestSessionsOfAnIDUsedAgain(t *testing.T) {
	store := &failingStore{MemoryStore: auth.NewMemoryStore()}
	issuer := newIssuer(t, auth.JWTConfig{})
	newReplica := func() *auth.Authenticator {
		a, err := auth.New(store, issuer, countedBeside(store, auth.Options{
			Hasher:   authtest.Hasher{},
			Sessions: auth.SessionConfig{Store: store, Staleness: time.Hour},
		}))
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	a, importing, third := newReplica(), newReplica(), newReplica()
	first := register(t, a)
	id := sessionID(t, a, first.Tokens)
	identity(t, importing, first.Tokens)
	before := epoch(t, store, first.User.ID)
	store.fail = func(op string) error {
		if op == "DeleteSessions" {
			return errDown
		}
		return nil
	}
	if err := a.DeleteUser(t.Context(), first.User.ID); err != nil {
		t.Fatal(err)
	}
	again := auth.UserRecord{User: auth.User{ID: first.User.ID, Email: "bob@example.com"}, Epoch: before}
	if _, err := importing.Import(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	if _, err := store.SessionByID(t.Context(), id); err != nil {
		t.Fatalf("the session is gone: %v", err)
	}
	for name, replica := range map[string]*auth.Authenticator{"that deleted": a, "that imported": importing, "third": third} {
		if _, err := replica.Verify(t.Context(), first.Tokens.Access); !errors.Is(err, auth.ErrInvalidToken) {
			t.Errorf("the access token of the one before, at the replica %s: %v, want ErrInvalidToken", name, err)
		}
	}
	refused(t, a, first.Tokens.Refresh, auth.ErrInvalidToken)
	if list, err := a.Sessions(t.Context(), first.User.ID); err != nil || len(list) != 0 {
		t.Errorf("%d sessions, %v", len(list), err)
	}
}

// What is left of a registration that was rolled back is a signed token, of a session
// that is not there.
func TestVerifyAfterARollback(t *testing.T) {
	store := auth.NewMemoryStore()
	a := newSessions(t, store, auth.SessionConfig{Staleness: time.Hour})
	result := register(t, a)
	if err := store.DeleteUser(t.Context(), result.User.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := store.DeleteSessions(t.Context(), auth.SessionFilter{UserID: result.User.ID}); err != nil {
		t.Fatal(err)
	}
	_, err := a.Verify(t.Context(), result.Tokens.Access)
	if reason := (*auth.TokenError)(nil); !errors.As(err, &reason) || reason.Reason != "session" {
		t.Errorf("%v, want ErrInvalidToken for its session", err)
	}
}

func identity(t testing.TB, a *auth.Authenticator, tokens auth.Tokens) auth.Identity {
	t.Helper()
	id, err := a.Verify(t.Context(), tokens.Access)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func sessionID(t testing.TB, a *auth.Authenticator, tokens auth.Tokens) string {
	t.Helper()
	return identity(t, a, tokens).SessionID
}

// A session that came from elsewhere, without the time of its beginning, ends at a
// replay too.
func TestReplayOfASessionWithoutABeginning(t *testing.T) {
	store := auth.NewMemoryStore()
	a := newSessions(t, store, auth.SessionConfig{Grace: -1})
	first := register(t, a)
	next := refreshed(t, a, first.Tokens.Refresh)
	s, err := store.SessionByID(t.Context(), sessionID(t, a, first.Tokens))
	if err != nil {
		t.Fatal(err)
	}
	s.CreatedAt = time.Time{}
	if n, err := store.DeleteSessions(t.Context(), auth.SessionFilter{ID: s.ID}); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	dated := &datedStore{store}
	if err := store.CreateSession(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	a = newSessions(t, dated, auth.SessionConfig{Grace: -1})
	refused(t, a, first.Tokens.Refresh, auth.ErrSessionReplayed)
	refused(t, a, next.Refresh, auth.ErrInvalidToken)
}

// datedStore takes no update that is of no time, as MySQL does.
type datedStore struct{ *auth.MemoryStore }

func (s *datedStore) UpdateSession(ctx context.Context, u auth.SessionUpdate) error {
	if u.At.IsZero() {
		return errDown
	}
	return s.MemoryStore.UpdateSession(ctx, u)
}
