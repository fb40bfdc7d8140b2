package auth

import (
	"context"
	"sync"
)

// MemoryStore keeps users and sessions in memory, for unit tests and first
// steps: it grows without bound and forgets everything when the process ends. It
// is safe for concurrent use and keeps the whole contract of [UserStore] and
// [SessionStore]. The zero value is an empty store.
type MemoryStore struct {
	mu       sync.RWMutex
	users    map[string]UserRecord // by ID
	ids      map[string]string     // by e-mail key
	sessions memorySessions
}

var _ UserStore = (*MemoryStore)(nil)

// NewMemoryStore returns an empty store.
func NewMemoryStore() *MemoryStore { return &MemoryStore{} }

// CreateUser is as [UserStore] has it.
func (s *MemoryStore) CreateUser(ctx context.Context, r UserRecord) (string, error) {
	if err := memoryContext(ctx, "create user"); err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, idTaken := s.users[r.ID]
	_, keyTaken := s.ids[r.EmailKey]
	if idTaken || keyTaken {
		return "", ErrUserExists
	}
	if s.users == nil {
		s.users, s.ids = map[string]UserRecord{}, map[string]string{}
	}
	s.users[r.ID], s.ids[r.EmailKey] = r, r.ID
	return r.ID, nil
}

// UserByEmail is as [UserStore] has it.
func (s *MemoryStore) UserByEmail(ctx context.Context, key string) (UserRecord, error) {
	if err := memoryContext(ctx, "user by email"); err != nil {
		return UserRecord{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if id, ok := s.ids[key]; ok {
		return s.users[id], nil
	}
	return UserRecord{}, ErrUserNotFound
}

// UserByID is as [UserStore] has it.
func (s *MemoryStore) UserByID(ctx context.Context, id string) (UserRecord, error) {
	if err := memoryContext(ctx, "user by id"); err != nil {
		return UserRecord{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if r, ok := s.users[id]; ok {
		return r, nil
	}
	return UserRecord{}, ErrUserNotFound
}

// UpdateUser is as [UserStore] has it.
func (s *MemoryStore) UpdateUser(ctx context.Context, u UserUpdate) error {
	if err := memoryContext(ctx, "update user"); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.users[u.ID]
	if !ok {
		return ErrUserNotFound
	}
	if u.IfPasswordHash != nil && *u.IfPasswordHash != r.PasswordHash {
		return ErrConflict
	}
	oldKey := r.EmailKey
	r.UpdatedAt = u.At
	set(&r.PasswordHash, u.PasswordHash)
	set(&r.Email, u.Email)
	set(&r.EmailKey, u.EmailKey)
	set(&r.Username, u.Username)
	set(&r.DisabledAt, u.DisabledAt)
	set(&r.EmailVerifiedAt, u.EmailVerifiedAt)
	if u.EndSessions {
		r.Epoch++
	}
	if owner, taken := s.ids[r.EmailKey]; taken && owner != u.ID {
		return ErrUserExists
	}
	delete(s.ids, oldKey)
	s.users[u.ID], s.ids[r.EmailKey] = r, u.ID
	return nil
}

func set[T any](field, value *T) {
	if value != nil {
		*field = *value
	}
}

// DeleteUser is as [UserStore] has it.
func (s *MemoryStore) DeleteUser(ctx context.Context, id string) error {
	if err := memoryContext(ctx, "delete user"); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.users[id]
	if !ok {
		return ErrUserNotFound
	}
	delete(s.users, id)
	delete(s.ids, r.EmailKey)
	return nil
}

// memoryContext fails as a store does that cannot be reached once ctx has ended.
func memoryContext(ctx context.Context, op string) error {
	if err := ctx.Err(); err != nil {
		return &StoreError{Op: op, Code: "context ended", Context: err}
	}
	return nil
}
