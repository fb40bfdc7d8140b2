// Package memory keeps rows in memory.
package memory

import (
	"context"
	"sync"

	"github.com/seed89488a0c/auth/internal/row"
)

// Store keeps users, sessions and counters. It is safe for concurrent use. The zero value
// is an empty store.
type Store struct {
	mu       sync.RWMutex
	users    map[string]row.User // by ID
	ids      map[string]string   // by e-mail key
	sessions sessions
	attempts attempts
}

// CreateUser adds a user under its own ID.
func (s *Store) CreateUser(ctx context.Context, u row.User) (string, error) {
	if err := ended(ctx, "create user"); err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, idTaken := s.users[u.ID]
	_, keyTaken := s.ids[u.EmailKey]
	if idTaken || keyTaken {
		return "", row.ErrTaken
	}
	if s.users == nil {
		s.users, s.ids = map[string]row.User{}, map[string]string{}
	}
	s.users[u.ID], s.ids[u.EmailKey] = u, u.ID
	return u.ID, nil
}

// UserByEmail returns the user with an e-mail key.
func (s *Store) UserByEmail(ctx context.Context, key string) (row.User, error) {
	if err := ended(ctx, "user by email"); err != nil {
		return row.User{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if id, ok := s.ids[key]; ok {
		return s.users[id], nil
	}
	return row.User{}, row.ErrNotFound
}

// UserForLogin returns the user with an e-mail key, whether so many sessions of the user or
// more are stored, ended ones too, and counters, also where there is no such user.
func (s *Store) UserForLogin(ctx context.Context, key string, sessions int, keys []row.AttemptKey) (row.User, bool, []row.AttemptRecord, error) {
	found, err := s.Attempts(ctx, keys)
	if err != nil {
		return row.User{}, false, nil, err
	}
	u, err := s.UserByEmail(ctx, key)
	u, reached, err := s.reaching(u, sessions, err)
	return u, reached, found, err
}

// UserForProof is UserForLogin by the user's ID, without counters.
func (s *Store) UserForProof(ctx context.Context, id string, sessions int) (row.User, bool, error) {
	u, err := s.UserByID(ctx, id)
	return s.reaching(u, sessions, err)
}

// reaching says whether so many sessions of a user that was read or more are stored.
func (s *Store) reaching(u row.User, sessions int, err error) (row.User, bool, error) {
	if err != nil {
		return row.User{}, false, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	own := s.sessions.byUser[u.ID]
	return u, own != nil && len(own.ends) >= sessions, nil
}

// UserByID returns the user with an ID.
func (s *Store) UserByID(ctx context.Context, id string) (row.User, error) {
	if err := ended(ctx, "user by id"); err != nil {
		return row.User{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if u, ok := s.users[id]; ok {
		return u, nil
	}
	return row.User{}, row.ErrNotFound
}

// UpdateUser changes a user that is as the update demands.
func (s *Store) UpdateUser(ctx context.Context, change row.UserUpdate) error {
	if err := ended(ctx, "update user"); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	u, ok := s.users[change.ID]
	if !ok {
		return row.ErrNotFound
	}
	if change.IfPasswordHash != nil && *change.IfPasswordHash != u.PasswordHash || change.IfEpoch != nil && *change.IfEpoch != u.Epoch {
		return row.ErrConflict
	}
	oldKey := u.EmailKey
	if !change.At.IsZero() {
		u.UpdatedAt = change.At
	}
	set(&u.PasswordHash, change.PasswordHash)
	set(&u.Email, change.Email)
	set(&u.EmailKey, change.EmailKey)
	set(&u.Username, change.Username)
	set(&u.DisabledAt, change.DisabledAt)
	set(&u.EmailVerifiedAt, change.EmailVerifiedAt)
	u.Epoch += change.RaiseEpoch
	if owner, taken := s.ids[u.EmailKey]; taken && owner != u.ID {
		return row.ErrTaken
	}
	delete(s.ids, oldKey)
	s.users[u.ID], s.ids[u.EmailKey] = u, u.ID
	return nil
}

// DeleteUser removes a user.
func (s *Store) DeleteUser(ctx context.Context, id string) error {
	if err := ended(ctx, "delete user"); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	u, ok := s.users[id]
	if !ok {
		return row.ErrNotFound
	}
	delete(s.users, id)
	delete(s.ids, u.EmailKey)
	return nil
}

func set[T any](field, value *T) {
	if value != nil {
		*field = *value
	}
}

// ended fails as a store does that cannot be reached once ctx has ended.
func ended(ctx context.Context, op string) error {
	if err := ctx.Err(); err != nil {
		return &row.Error{Op: op, Code: "context ended", Context: err}
	}
	return nil
}
