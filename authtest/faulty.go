package authtest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/seed89488a0c/auth"
)

// Store keeps users, sessions and counters, as [auth.MemoryStore] and [auth.MySQLStore] do.
type Store interface {
	auth.UserStore
	auth.SessionStore
	auth.AttemptStore
}

// FaultyStore is a store that a test takes down, to see what a service does then:
//
//	store := authtest.NewFaultyStore(auth.NewMemoryStore())
//	a := authtest.New(t, auth.Options{Sessions: auth.SessionConfig{Store: store}})
//	…
//	store.Fail("UserByEmail") // or store.Fail(): all calls
//	…                         // a login is now a 503
//	store.Heal()
//
// It is safe for concurrent use.
type FaultyStore struct {
	store Store

	mu   sync.Mutex
	down []string
}

var _ Store = (*FaultyStore)(nil)

// NewFaultyStore returns a FaultyStore that works, and passes every call on.
func NewFaultyStore(store Store) *FaultyStore { return &FaultyStore{store: store} }

var storeMethods = [...]string{
	"CreateUser", "UserByEmail", "UserByID", "UpdateUser", "DeleteUser",
	"CreateSession", "SessionByID", "UpdateSession", "Sessions", "DeleteSessions",
	"Attempts", "CountAttempts", "ReserveAttempt", "ReturnAttempt", "DeleteAttempts",
}

// Fail has calls of these methods of [auth.UserStore], [auth.SessionStore] and
// [auth.AttemptStore] fail from now on, and of no others; without a name all do. They do nothing and return an
// *[auth.StoreError] of the code "down". A name that is no method's panics.
func (s *FaultyStore) Fail(methods ...string) {
	for _, m := range methods {
		if !slices.Contains(storeMethods[:], m) {
			panic(fmt.Sprintf("authtest: FaultyStore.Fail: a store has no method %q", m))
		}
	}
	if len(methods) == 0 {
		methods = storeMethods[:]
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = slices.Clone(methods)
}

// Heal ends the outage.
func (s *FaultyStore) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = nil
}

func (s *FaultyStore) fault(method string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.Contains(s.down, method) {
		return &auth.StoreError{Op: method, Code: "down"}
	}
	return nil
}

// CreateUser is that of [auth.UserStore].
func (s *FaultyStore) CreateUser(ctx context.Context, r auth.UserRecord) (string, error) {
	if err := s.fault("CreateUser"); err != nil {
		return "", err
	}
	return s.store.CreateUser(ctx, r)
}

// UserByEmail is that of [auth.UserStore].
func (s *FaultyStore) UserByEmail(ctx context.Context, key string) (auth.UserRecord, error) {
	if err := s.fault("UserByEmail"); err != nil {
		return auth.UserRecord{}, err
	}
	return s.store.UserByEmail(ctx, key)
}

// UserByID is that of [auth.UserStore].
func (s *FaultyStore) UserByID(ctx context.Context, id string) (auth.UserRecord, error) {
	if err := s.fault("UserByID"); err != nil {
		return auth.UserRecord{}, err
	}
	return s.store.UserByID(ctx, id)
}

// UpdateUser is that of [auth.UserStore].
func (s *FaultyStore) UpdateUser(ctx context.Context, u auth.UserUpdate) error {
	if err := s.fault("UpdateUser"); err != nil {
		return err
	}
	return s.store.UpdateUser(ctx, u)
}

// DeleteUser is that of [auth.UserStore].
func (s *FaultyStore) DeleteUser(ctx context.Context, id string) error {
	if err := s.fault("DeleteUser"); err != nil {
		return err
	}
	return s.store.DeleteUser(ctx, id)
}

// CreateSession is that of [auth.SessionStore].
func (s *FaultyStore) CreateSession(ctx context.Context, r auth.SessionRecord) error {
	if err := s.fault("CreateSession"); err != nil {
		return err
	}
	return s.store.CreateSession(ctx, r)
}

// SessionByID is that of [auth.SessionStore].
func (s *FaultyStore) SessionByID(ctx context.Context, id string) (auth.SessionRecord, error) {
	if err := s.fault("SessionByID"); err != nil {
		return auth.SessionRecord{}, err
	}
	return s.store.SessionByID(ctx, id)
}

// UpdateSession is that of [auth.SessionStore].
func (s *FaultyStore) UpdateSession(ctx context.Context, u auth.SessionUpdate) error {
	if err := s.fault("UpdateSession"); err != nil {
		return err
	}
	return s.store.UpdateSession(ctx, u)
}

// Sessions is that of [auth.SessionStore].
func (s *FaultyStore) Sessions(ctx context.Context, userID string) ([]auth.SessionRecord, error) {
	if err := s.fault("Sessions"); err != nil {
		return nil, err
	}
	return s.store.Sessions(ctx, userID)
}

// DeleteSessions is that of [auth.SessionStore].
func (s *FaultyStore) DeleteSessions(ctx context.Context, f auth.SessionFilter) (int, error) {
	if err := s.fault("DeleteSessions"); err != nil {
		return 0, err
	}
	return s.store.DeleteSessions(ctx, f)
}

// Attempts is that of [auth.AttemptStore].
func (s *FaultyStore) Attempts(ctx context.Context, keys [][32]byte) ([]auth.AttemptRecord, error) {
	if err := s.fault("Attempts"); err != nil {
		return nil, err
	}
	return s.store.Attempts(ctx, keys)
}

// CountAttempts is that of [auth.AttemptStore].
func (s *FaultyStore) CountAttempts(ctx context.Context, now time.Time, counts []auth.AttemptRecord) error {
	if err := s.fault("CountAttempts"); err != nil {
		return err
	}
	return s.store.CountAttempts(ctx, now, counts)
}

// ReserveAttempt is that of [auth.AttemptStore].
func (s *FaultyStore) ReserveAttempt(ctx context.Context, r auth.AttemptReservation) error {
	if err := s.fault("ReserveAttempt"); err != nil {
		return err
	}
	return s.store.ReserveAttempt(ctx, r)
}

// ReturnAttempt is that of [auth.AttemptStore].
func (s *FaultyStore) ReturnAttempt(ctx context.Context, r auth.AttemptReservation) error {
	if err := s.fault("ReturnAttempt"); err != nil {
		return err
	}
	return s.store.ReturnAttempt(ctx, r)
}

// DeleteAttempts is that of [auth.AttemptStore].
func (s *FaultyStore) DeleteAttempts(ctx context.Context, f auth.AttemptFilter) (int, error) {
	if err := s.fault("DeleteAttempts"); err != nil {
		return 0, err
	}
	return s.store.DeleteAttempts(ctx, f)
}
