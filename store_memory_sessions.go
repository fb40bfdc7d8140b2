package auth

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
)

// maxListedSessions is how many Sessions returns at most.
const maxListedSessions = 1000

// memorySessions are the sessions of a [MemoryStore], whose lock guards them.
type memorySessions struct {
	byID   map[string]SessionRecord
	byUser map[string]map[string]bool // the IDs of a user's sessions
}

var _ SessionStore = (*MemoryStore)(nil)

// CreateSession is as [SessionStore] has it.
func (s *MemoryStore) CreateSession(ctx context.Context, r SessionRecord) error {
	if err := memoryContext(ctx, "create session"); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, taken := s.sessions.byID[r.ID]; taken {
		return ErrConflict
	}
	if s.sessions.byID == nil {
		s.sessions = memorySessions{map[string]SessionRecord{}, map[string]map[string]bool{}}
	}
	if s.sessions.byUser[r.UserID] == nil {
		s.sessions.byUser[r.UserID] = map[string]bool{}
	}
	r.User = nil
	s.sessions.byID[r.ID] = r
	s.sessions.byUser[r.UserID][r.ID] = true
	return nil
}

// SessionByID is as [SessionStore] has it.
func (s *MemoryStore) SessionByID(ctx context.Context, id string) (SessionRecord, error) {
	if err := memoryContext(ctx, "session by id"); err != nil {
		return SessionRecord{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	r, ok := s.sessions.byID[id]
	if !ok {
		return SessionRecord{}, ErrSessionNotFound
	}
	if u, ok := s.users[r.UserID]; ok {
		r.User = &u
	}
	return r, nil
}

// UpdateSession is as [SessionStore] has it.
func (s *MemoryStore) UpdateSession(ctx context.Context, u SessionUpdate) error {
	if err := memoryContext(ctx, "update session"); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.sessions.byID[u.ID]
	if !ok || r.Family != u.IfFamily || r.Token != u.IfToken || !r.IdleUntil.After(u.At) || !r.ExpiresAt.After(u.At) {
		return ErrConflict
	}
	if n := u.Rotation; n != nil {
		r.Token, r.Parent, r.Nonce = n.Token, n.Parent, n.Nonce
		r.RotatedAt, r.LastUsedAt, r.IdleUntil = u.At, u.At, n.IdleUntil
	}
	set(&r.AuthTime, u.AuthTime)
	set(&r.Epoch, u.Epoch)
	s.sessions.byID[u.ID] = r
	return nil
}

// Sessions is as [SessionStore] has it.
func (s *MemoryStore) Sessions(ctx context.Context, userID string) ([]SessionRecord, error) {
	if err := memoryContext(ctx, "sessions"); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	var found []SessionRecord
	for id := range s.sessions.byUser[userID] {
		found = append(found, s.sessions.byID[id])
	}
	slices.SortFunc(found, func(a, b SessionRecord) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), strings.Compare(a.ID, b.ID))
	})
	return found[:min(len(found), maxListedSessions)], nil
}

// DeleteSessions is as [SessionStore] has it.
func (s *MemoryStore) DeleteSessions(ctx context.Context, f SessionFilter) (int, error) {
	if err := memoryContext(ctx, "delete sessions"); err != nil {
		return 0, err
	}
	if f.choosesNone() {
		return 0, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	candidates := maps.Keys(s.sessions.byID)
	switch {
	case f.ID != "":
		candidates = slices.Values([]string{f.ID})
	case f.UserID != "":
		candidates = maps.Keys(s.sessions.byUser[f.UserID])
	}
	var chosen []SessionRecord
	for id := range candidates {
		if r, ok := s.sessions.byID[id]; ok && f.chooses(r) {
			chosen = append(chosen, r)
		}
	}
	if f.Limit > 0 && f.Limit < len(chosen) {
		slices.SortFunc(chosen, func(a, b SessionRecord) int { return a.ExpiresAt.Compare(b.ExpiresAt) })
		chosen = chosen[:f.Limit]
	}
	for _, r := range chosen {
		delete(s.sessions.byID, r.ID)
		delete(s.sessions.byUser[r.UserID], r.ID)
		if len(s.sessions.byUser[r.UserID]) == 0 {
			delete(s.sessions.byUser, r.UserID)
		}
	}
	return len(chosen), nil
}

func (f SessionFilter) chooses(r SessionRecord) bool {
	return (f.UserID == "" || r.UserID == f.UserID) &&
		(f.ExceptID == "" || r.ID != f.ExceptID) &&
		(f.ExpiredBy.IsZero() || !r.ExpiresAt.After(f.ExpiredBy))
}

// choosesNone is true of a filter that sets nothing which chooses: an ID that
// was left empty by mistake must not delete everybody's sessions.
func (f SessionFilter) choosesNone() bool {
	return f.ID == "" && f.UserID == "" && f.ExpiredBy.IsZero() || f.Limit < 0
}
