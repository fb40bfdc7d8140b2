package auth_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
	"github.com/seed89488a0c/auth/internal/mysqltest"
)

// sweptStores are those that keep users and sessions, and so know whose user is gone.
func sweptStores(t *testing.T, run func(t *testing.T, s userSessions)) {
	for name, newStore := range map[string]func(t *testing.T) userSessions{
		"memory":  func(*testing.T) userSessions { return auth.NewMemoryStore() },
		"own IDs": func(t *testing.T) userSessions { return migrate(t, openMySQL(t, mysqltest.DSN(t))) },
		"integer IDs": func(t *testing.T) userSessions {
			return migrate(t, openMySQL(t, mysqltest.DSN(t), auth.MySQLConfig{IntegerIDs: true, Table: "numbers"}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, newStore(t))
		})
	}
}

// registered registers a user with more sessions, and returns what the last login did.
func registered(t testing.TB, a *auth.Authenticator, name string, sessions int) auth.Result {
	t.Helper()
	r := registration()
	r.Email = name + "@example.com"
	result, err := a.Register(t.Context(), r)
	for range sessions - 1 {
		if err == nil {
			result, err = a.Login(t.Context(), credentials(r.Email, password))
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func rowsOf(t testing.TB, s auth.SessionStore, userID string, want int) {
	t.Helper()
	if list, err := s.Sessions(t.Context(), userID); err != nil || len(list) != want {
		t.Errorf("%d rows, %v, want %d", len(list), err, want)
	}
}

func swept(t testing.TB, a *auth.Authenticator, limit, want int) {
	t.Helper()
	if n, err := a.DeleteExpired(t.Context(), limit); err != nil || n != want {
		t.Errorf("%d deleted, %v, want %d", n, err, want)
	}
}

// leavings end sessions, and remove the rows afterwards.
var leavings = map[string]func(ctx context.Context, a *auth.Authenticator, userID string) error{
	"DeleteUser":  func(ctx context.Context, a *auth.Authenticator, id string) error { return a.DeleteUser(ctx, id) },
	"EndSessions": func(ctx context.Context, a *auth.Authenticator, id string) error { return a.EndSessions(ctx, id) },
	"SetPassword": func(ctx context.Context, a *auth.Authenticator, id string) error {
		return a.SetPassword(ctx, id, auth.NewPassword("another horse"))
	},
	"SetDisabled": func(ctx context.Context, a *auth.Authenticator, id string) error { return a.SetDisabled(ctx, id, true) },
}

// What a clean-up that failed has left behind is swept, and nothing that lives or is about
// to begin.
// ASVS 5.0 14.2.7
func TestDeleteExpiredSweepsWhatWasLeft(t *testing.T) {
	sweptStores(t, func(t *testing.T, s userSessions) {
		faulty := authtest.NewFaultyStore(s)
		a, sweeper := newSessions(t, faulty, auth.SessionConfig{}), newSessions(t, s, auth.SessionConfig{})
		var living []auth.Result
		for i := range 3 {
			living = append(living, registered(t, a, fmt.Sprint("living", i), 2))
		}
		swept(t, sweeper, 100, 0)
		for name, end := range leavings {
			first := registered(t, a, name, 3)
			living = append(living, registered(t, a, "after"+name, 1))
			faulty.Fail("DeleteSessions")
			if err := end(t.Context(), a, first.User.ID); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			faulty.Heal()
			rowsOf(t, s, first.User.ID, 3)
			swept(t, sweeper, 100, 3)
			rowsOf(t, s, first.User.ID, 0)
			swept(t, sweeper, 100, 0)
		}
		for i, r := range living {
			rowsOf(t, s, r.User.ID, []int{2, 1}[min(i/3, 1)])
			refreshed(t, a, r.Tokens.Refresh)
		}
	})
}

// The limit holds for all kinds together.
func TestDeleteExpiredLimit(t *testing.T) {
	sweptStores(t, func(t *testing.T, s userSessions) {
		now := time.Now().UTC().Truncate(time.Microsecond)
		a := newSessions(t, s, auth.SessionConfig{})
		id := registered(t, a, "ada", 1).User.ID
		for i := range 5 {
			if err := s.CreateSession(t.Context(), storedSession(fmt.Sprint("over", i), id, now.Add(-time.Hour))); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 7 { // of two users who are gone
			if err := s.CreateSession(t.Context(), storedSession(fmt.Sprint("left", i), fmt.Sprint(900+i/5), now.Add(time.Hour))); err != nil {
				t.Fatal(err)
			}
		}
		left := func(want int) {
			t.Helper()
			n := 0
			for _, userID := range []string{id, "900", "901"} {
				list, err := s.Sessions(t.Context(), userID)
				if err != nil {
					t.Fatal(err)
				}
				n += len(list)
			}
			if n != 1+want {
				t.Errorf("%d are left, want %d and the one that lives", n, want)
			}
		}
		swept(t, a, 0, 0)
		swept(t, a, -1, 0)
		left(12)
		swept(t, a, 3, 3)
		left(9)
		swept(t, a, 2, 2)
		left(7)
		swept(t, a, 3, 3)
		left(4)
		swept(t, a, 5, 4)
		left(0)
		rowsOf(t, s, id, 1)
	})
}

// hookedStore runs something when a session has been stored.
type hookedStore struct {
	userSessions
	created func()
}

func (s *hookedStore) CreateSession(ctx context.Context, r auth.SessionRecord) error {
	err := s.userSessions.CreateSession(ctx, r)
	if s.created != nil {
		s.created()
	}
	return err
}

// A session whose epoch the user does not have yet, since a change of the password is at
// work, is not swept.
func TestDeleteExpiredDuringAChange(t *testing.T) {
	sweptStores(t, func(t *testing.T, s userSessions) {
		hooked := &hookedStore{userSessions: s}
		a, sweeper := newSessions(t, hooked, auth.SessionConfig{}), newSessions(t, s, auth.SessionConfig{})
		for name, call := range passwordCalls {
			first := registered(t, a, name, 1)
			id, calls := identity(t, a, first.Tokens), 0
			hooked.created = func() {
				calls++
				swept(t, sweeper, 100, 0)
			}
			result, err := call(t.Context(), a, id, password)
			hooked.created = nil
			if err != nil || calls == 0 {
				t.Fatalf("%s: %d sessions, %v", name, calls, err)
			}
			refreshed(t, a, result.Tokens.Refresh)
		}
	})
}

// While others sweep, nobody is logged out, whatever they do, and all that was left behind
// goes.
// ASVS 5.0 15.4.2
func TestDeleteExpiredLogsNobodyOut(t *testing.T) {
	sweptStores(t, func(t *testing.T, s userSessions) {
		const users, rounds = 6, 12
		faulty := authtest.NewFaultyStore(s)
		faulty.Fail("DeleteSessions")
		leaving := newSessions(t, faulty, auth.SessionConfig{Grace: -1}) // leaves the rows of all that it ends
		var working, sweeping sync.WaitGroup
		var done atomic.Bool
		var removed atomic.Int64
		for range 2 {
			a := newSessions(t, s, auth.SessionConfig{})
			sweeping.Go(func() {
				for !done.Load() {
					n, err := a.DeleteExpired(t.Context(), 5)
					if err != nil {
						t.Error(err)
						return
					}
					removed.Add(int64(n))
				}
			})
		}
		for i := range users {
			working.Go(func() {
				current, address := password, fmt.Sprintf("user%d@example.com", i)
				r := registration()
				r.Email = address
				result, err := leaving.Register(t.Context(), r)
				for round := 0; err == nil && round < rounds; round++ {
					result, err = leaving.Refresh(t.Context(), auth.Renewal{Token: result.Tokens.Refresh})
					if err == nil && round%3 == 0 {
						next := fmt.Sprint("another horse ", round)
						var id auth.Identity
						if id, err = leaving.Verify(t.Context(), result.Tokens.Access); err == nil {
							result, err = leaving.ChangePassword(t.Context(), auth.PasswordChange{Identity: id, Current: auth.NewPassword(current), New: auth.NewPassword(next)})
						}
						current = next
					}
					if err == nil && round%3 == 1 {
						if err = leaving.EndSessions(t.Context(), result.User.ID); err == nil {
							result, err = leaving.Login(t.Context(), credentials(address, current))
						}
					}
				}
				if err != nil {
					t.Errorf("user %d: %v", i, err)
					return
				}
				if _, err := leaving.Refresh(t.Context(), auth.Renewal{Token: result.Tokens.Refresh}); err != nil {
					t.Errorf("user %d, at the end: %v", i, err)
				}
			})
		}
		working.Wait()
		done.Store(true)
		sweeping.Wait()
		rest, err := newSessions(t, s, auth.SessionConfig{}).DeleteExpired(t.Context(), 1000)
		if err != nil {
			t.Fatal(err)
		}
		// Each round of three ends twice what there is, one session.
		if got, want := removed.Load()+int64(rest), int64(users*rounds/3*2); got != want {
			t.Errorf("%d rows were swept, want %d", got, want)
		}
	})
}

// Where users and sessions are in stores that know nothing of each other, what is left
// goes when it expires.
func TestDeleteExpiredOfTwoStores(t *testing.T) {
	sweptStores(t, func(t *testing.T, s userSessions) {
		faulty := authtest.NewFaultyStore(s)
		now := time.Now().UTC().Truncate(time.Microsecond)
		for name, a := range map[string]*auth.Authenticator{
			"a wrapper of both":     newSessions(t, faulty, auth.SessionConfig{}),
			"a wrapper of sessions": newAuth(t, s, auth.Options{Sessions: auth.SessionConfig{Store: &otherStore{s}}}),
			"users elsewhere":       newAuth(t, auth.NewMemoryStore(), auth.Options{Sessions: auth.SessionConfig{Store: s}}),
		} {
			for id, end := range map[string]time.Time{"left": now.Add(time.Hour), "over": now.Add(-time.Hour)} {
				if err := s.CreateSession(t.Context(), storedSession(name+id, "900", end)); err != nil {
					t.Fatal(err)
				}
			}
			swept(t, a, 100, 1)
		}
		rowsOf(t, s, "900", 3)
		swept(t, newAuth(t, s), 100, 0) // has no sessions
		rowsOf(t, s, "900", 3)
	})
}

// A process that sweeps no longer takes the sessions for living.
func TestDeleteExpiredForgets(t *testing.T) {
	sweptStores(t, func(t *testing.T, s userSessions) {
		issuer := newIssuer(t, auth.JWTConfig{})
		replica := func(store userSessions) *auth.Authenticator {
			a, err := auth.New(store, issuer, countedBeside(store, auth.Options{Hasher: authtest.Hasher{}, Sessions: auth.SessionConfig{Store: store, Staleness: time.Hour}}))
			if err != nil {
				t.Fatal(err)
			}
			return a
		}
		faulty := authtest.NewFaultyStore(s)
		other, a := replica(faulty), replica(s)
		first := registered(t, a, "ada", 1)
		identity(t, a, first.Tokens)
		faulty.Fail("DeleteSessions")
		if err := other.DeleteUser(t.Context(), first.User.ID); err != nil {
			t.Fatal(err)
		}
		identity(t, a, first.Tokens) // which a has asked for a moment ago
		swept(t, a, 100, 1)
		wantErr(t, second(a.Verify(t.Context(), first.Tokens.Access)), auth.ErrInvalidToken)
	})
}

// Once the context has ended nothing is deleted, and that is an outage.
func TestDeleteExpiredAfterTheEnd(t *testing.T) {
	sweptStores(t, func(t *testing.T, s userSessions) {
		a := newSessions(t, s, auth.SessionConfig{})
		if err := s.CreateSession(t.Context(), storedSession("left", "900", time.Now().Add(time.Hour))); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		n, err := a.DeleteExpired(ctx, 100)
		if n != 0 {
			t.Errorf("%d beside an error", n)
		}
		wantStoreError(t, err, "delete sessions", "context ended", context.Canceled)
		rowsOf(t, s, "900", 1)
	})
}
