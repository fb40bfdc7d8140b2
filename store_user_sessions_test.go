package auth_test

import (
	"context"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/internal/mysqltest"
)

// userSessions is a store of both.
type userSessions interface {
	auth.UserStore
	auth.SessionStore
	auth.AttemptStore
}

// A session comes with its user as the store has him now.
func TestSessionByIDReadsTheUser(t *testing.T) {
	for name, newStore := range map[string]func(t *testing.T) userSessions{
		"memory":  func(*testing.T) userSessions { return auth.NewMemoryStore() },
		"own IDs": func(t *testing.T) userSessions { return migrate(t, openMySQL(t, mysqltest.DSN(t))) },
		"integer IDs": func(t *testing.T) userSessions {
			return migrate(t, openMySQL(t, mysqltest.DSN(t), auth.MySQLConfig{IntegerIDs: true, Table: "numbers"}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			if err := s.CreateSession(t.Context(), storedSession("nobody's", "3", sessionsEnd)); err != nil {
				t.Fatal(err)
			}
			for _, id := range []string{"1", "2"} {
				u := auth.UserRecord{User: auth.User{ID: id, Email: "e" + id, Username: "u" + id, CreatedAt: sessionsEnd, UpdatedAt: sessionsEnd},
					EmailKey: "k" + id, PasswordHash: "h" + id, Epoch: 7, DisabledAt: sessionsEnd, EmailVerifiedAt: sessionsEnd}
				if id == "2" { // what is empty is not what is missing
					u = auth.UserRecord{User: auth.User{ID: id}}
				}
				if _, err := s.CreateUser(t.Context(), u); err != nil {
					t.Fatal(err)
				}
				if err := s.CreateSession(t.Context(), storedSession("s"+id, id, sessionsEnd)); err != nil {
					t.Fatal(err)
				}
			}
			demand := func(id, userID string) {
				t.Helper()
				r, err := s.SessionByID(t.Context(), id)
				if err != nil {
					t.Fatal(err)
				}
				want, err := s.UserByID(t.Context(), userID)
				if known := err == nil; known != (r.User != nil) || known && *r.User != want {
					t.Errorf("session %s came with the user %#v, want %#v", id, r.User, want)
				}
				if r.User != nil {
					r.User.Epoch = 99 // of the caller's copy
					if again, err := s.UserByID(t.Context(), userID); err != nil || again != want {
						t.Error("the store shares the user with its caller")
					}
				}
			}
			demand("s1", "1")
			demand("s2", "2")
			demand("nobody's", "3")
			if err := s.UpdateUser(t.Context(), auth.UserUpdate{ID: "1", At: sessionsEnd, RaiseEpoch: 1}); err != nil {
				t.Fatal(err)
			}
			demand("s1", "1")
			if err := s.DeleteUser(t.Context(), "1"); err != nil {
				t.Fatal(err)
			}
			demand("s1", "1")
			demand("s2", "2")
		})
	}
}

// suspending is a store that knows better who is disabled than the one inside.
type suspending struct {
	*auth.MemoryStore
	all bool
}

func (s *suspending) mark(r auth.UserRecord, err error) (auth.UserRecord, error) {
	if s.all {
		r.DisabledAt = sessionsEnd
	}
	return r, err
}

func (s *suspending) UserByID(ctx context.Context, id string) (auth.UserRecord, error) {
	return s.mark(s.MemoryStore.UserByID(ctx, id))
}

func (s *suspending) UserByEmail(ctx context.Context, key string) (auth.UserRecord, error) {
	return s.mark(s.MemoryStore.UserByEmail(ctx, key))
}

// What comes with a session from the store inside does not stand for what the one
// around it says.
func TestWrappedStoreIsAsked(t *testing.T) {
	store := &suspending{MemoryStore: auth.NewMemoryStore()}
	a := newSessions(t, store, auth.SessionConfig{Staleness: time.Minute})
	first := register(t, a)
	store.all = true
	wantErr(t, login(t, a, password), auth.ErrInvalidCredentials)
	refused(t, a, first.Tokens.Refresh, auth.ErrInvalidToken)
	wantErr(t, second(a.Verify(t.Context(), first.Tokens.Access)), auth.ErrInvalidToken)
}

func TestStoresThatNobodyMade(t *testing.T) {
	issuer := newIssuer(t, auth.JWTConfig{})
	for _, store := range []userSessions{nil, (*auth.MemoryStore)(nil), &auth.MemoryStore{}, (*auth.MySQLStore)(nil), &auth.MySQLStore{}} {
		if a, err := auth.New(store, issuer, auth.Options{}); a != nil || err == nil {
			t.Errorf("users in %T", store)
		}
		if store == nil {
			continue // is how to have no sessions
		}
		if a, err := auth.New(auth.NewMemoryStore(), issuer, auth.Options{Sessions: auth.SessionConfig{Store: store}}); a != nil || err == nil {
			t.Errorf("sessions in %T", store)
		}
	}
}
