package memory

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/seed89488a0c/auth/internal/row"
)

// sessions are guarded by the lock of their [Store].
type sessions struct {
	byID   map[string]row.Session
	byUser map[string]map[string]bool // the IDs of a user's sessions
}

// CreateSession adds a session.
func (s *Store) CreateSession(ctx context.Context, r row.Session) error {
	if err := ended(ctx, "create session"); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, taken := s.sessions.byID[r.ID]; taken {
		return row.ErrTaken
	}
	if s.sessions.byID == nil {
		s.sessions = sessions{map[string]row.Session{}, map[string]map[string]bool{}}
	}
	if s.sessions.byUser[r.UserID] == nil {
		s.sessions.byUser[r.UserID] = map[string]bool{}
	}
	s.sessions.byID[r.ID] = r
	s.sessions.byUser[r.UserID][r.ID] = true
	return nil
}

// SessionByID returns a session with its user, if there is one.
func (s *Store) SessionByID(ctx context.Context, id string) (row.Session, error) {
	if err := ended(ctx, "session by id"); err != nil {
		return row.Session{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	r, ok := s.sessions.byID[id]
	if !ok {
		return row.Session{}, row.ErrNotFound
	}
	if u, ok := s.users[r.UserID]; ok {
		r.User = &u
	}
	return r, nil
}

// UpdateSession changes a session that is as the update demands.
func (s *Store) UpdateSession(ctx context.Context, u row.SessionUpdate) error {
	if err := ended(ctx, "update session"); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.sessions.byID[u.ID]
	if !ok || !u.AnyDigests && (r.Family != u.IfFamily || r.Token != u.IfToken) || !r.IdleUntil.After(u.At) || !r.ExpiresAt.After(u.At) {
		return row.ErrConflict
	}
	if u.RepeatsBelow > 0 {
		if r.Repeats >= u.RepeatsBelow {
			return row.ErrConflict
		}
		r.Repeats++
		r.LastUsedAt = u.At
	}
	if n := u.Rotation; n != nil {
		r.Token, r.Parent, r.Nonce = n.Token, n.Parent, n.Nonce
		r.RotatedAt, r.LastUsedAt, r.GraceUntil, r.IdleUntil = u.At, u.At, n.GraceUntil, n.IdleUntil
		r.Address, r.UserAgent, r.Label, r.Repeats = n.Address, n.UserAgent, n.Label, 0
	}
	s.sessions.byID[u.ID] = r
	return nil
}

// Sessions returns the newest sessions of a user, newest first.
func (s *Store) Sessions(ctx context.Context, userID string) ([]row.Session, error) {
	if err := ended(ctx, "sessions"); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	var found []row.Session
	for id := range s.sessions.byUser[userID] {
		found = append(found, s.sessions.byID[id])
	}
	slices.SortFunc(found, func(a, b row.Session) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), strings.Compare(b.ID, a.ID))
	})
	return found[:min(len(found), row.MaxListed)], nil
}

// DeleteSessions removes what a filter chooses, oldest end first.
func (s *Store) DeleteSessions(ctx context.Context, f row.SessionFilter) (int, error) {
	if err := ended(ctx, "delete sessions"); err != nil {
		return 0, err
	}
	if f.ChoosesNone() {
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
	var chosen []row.Session
	for id := range candidates {
		if r, ok := s.sessions.byID[id]; ok && chooses(f, r) {
			chosen = append(chosen, r)
		}
	}
	if f.Limit > 0 && f.Limit < len(chosen) {
		slices.SortFunc(chosen, func(a, b row.Session) int { return a.ExpiresAt.Compare(b.ExpiresAt) })
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

func chooses(f row.SessionFilter, r row.Session) bool {
	return (f.UserID == "" || r.UserID == f.UserID) &&
		(f.Family == [32]byte{} || r.Family == f.Family) &&
		(f.BeforeEpoch == 0 || r.Epoch < f.BeforeEpoch) &&
		(f.ExpiredBy.IsZero() || !r.ExpiresAt.After(f.ExpiredBy))
}
