package memory

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/seed89488a0c/auth/internal/row"
)

// sessions are guarded by the lock of their [Store].
type sessions struct {
	byID   map[string]row.Session
	byUser map[string]*ofUser
}

// ofUser are the sessions of a user in the orders in which they are listed and
// deleted, so that neither sorts however many there are.
type ofUser struct{ created, ends order }

// order is sessions in the order of one of their times, and of their IDs.
type order []place

type place struct {
	at time.Time
	id string
}

func (p place) compare(q place) int {
	return cmp.Or(p.at.Compare(q.at), strings.Compare(p.id, q.id))
}

func (o *order) add(at time.Time, id string) {
	i, _ := slices.BinarySearchFunc(*o, place{at, id}, place.compare)
	*o = slices.Insert(*o, i, place{at, id})
}

func (o *order) remove(at time.Time, id string) {
	i, _ := slices.BinarySearchFunc(*o, place{at, id}, place.compare)
	if i == 0 { // as mostly: nothing is moved
		(*o)[0] = place{}
		*o = (*o)[1:]
		return
	}
	*o = slices.Delete(*o, i, i+1)
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
		s.sessions = sessions{map[string]row.Session{}, map[string]*ofUser{}}
	}
	user := s.sessions.byUser[r.UserID]
	if user == nil {
		user = &ofUser{}
		s.sessions.byUser[r.UserID] = user
	}
	s.sessions.byID[r.ID] = r
	user.created.add(r.CreatedAt, r.ID)
	user.ends.add(r.ExpiresAt, r.ID)
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
		r.Token, r.Parent, r.Sibling, r.Nonce = n.Token, n.Parent, n.Sibling, n.Nonce
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
	user := s.sessions.byUser[userID]
	if user == nil {
		return nil, nil
	}
	var found []row.Session
	for _, p := range slices.Backward(user.created) {
		if len(found) == row.MaxListed {
			break
		}
		found = append(found, s.sessions.byID[p.id])
	}
	return found, nil
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
	chosen := s.sessions.chosen(f)
	s.sessions.remove(chosen)
	return len(chosen), nil
}

// DeleteEndedSessions removes up to limit sessions that are over by now, or whose user is
// gone or has a later epoch, and tells gone of each. It locks for one user after the other,
// and looks at each session once.
func (s *Store) DeleteEndedSessions(ctx context.Context, now time.Time, limit int, gone func(id string)) (done int, err error) {
	if err := ended(ctx, "delete sessions"); err != nil {
		return 0, err
	}
	s.mu.RLock()
	userIDs := slices.Collect(maps.Keys(s.sessions.byUser))
	s.mu.RUnlock()
	for i := 0; i < len(userIDs) && done < limit; i++ {
		if err := ended(ctx, "delete sessions"); err != nil {
			return 0, err
		}
		for _, id := range s.deleteEnded(userIDs[i], now, limit-done) {
			gone(id)
			done++
		}
	}
	return done, nil
}

// deleteEnded removes up to limit ended sessions of a user, and returns their IDs.
func (s *Store) deleteEnded(userID string, now time.Time, limit int) (ids []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	own := s.sessions.byUser[userID]
	if own == nil {
		return nil
	}
	u, living := s.users[userID]
	for _, p := range own.ends {
		if len(ids) == limit {
			break
		}
		if r := s.sessions.byID[p.id]; !living || r.Epoch < u.Epoch || !r.IdleUntil.After(now) || !r.ExpiresAt.After(now) {
			ids = append(ids, p.id)
		}
	}
	s.sessions.removeOf(userID, own, ids)
	return ids
}

// removeOf removes sessions of a user, by one pass over what the user has.
func (s *sessions) removeOf(userID string, own *ofUser, ids []string) {
	if len(ids) == 0 {
		return
	}
	for _, id := range ids {
		delete(s.byID, id)
	}
	removed := func(p place) bool {
		_, stays := s.byID[p.id]
		return !stays
	}
	own.created, own.ends = slices.DeleteFunc(own.created, removed), slices.DeleteFunc(own.ends, removed)
	if len(own.ends) == 0 {
		delete(s.byUser, userID)
	}
}

func (s *sessions) remove(list []row.Session) {
	for _, r := range list {
		delete(s.byID, r.ID)
		user := s.byUser[r.UserID]
		user.created.remove(r.CreatedAt, r.ID)
		user.ends.remove(r.ExpiresAt, r.ID)
		if len(user.ends) == 0 {
			delete(s.byUser, r.UserID)
		}
	}
}

// chosen returns what a filter chooses, oldest end first. Only who asks for what has
// ended of everybody's looks at everybody's sessions.
func (s *sessions) chosen(f row.SessionFilter) []row.Session {
	var found []row.Session
	if f.ID == "" && f.IDs == nil && f.UserID != "" {
		user := s.byUser[f.UserID]
		for i := 0; user != nil && i < len(user.ends) && len(found) < f.AtMost(); i++ {
			if r := s.byID[user.ends[i].id]; chooses(f, r) {
				found = append(found, r)
			}
		}
		return found
	}
	candidates := maps.Keys(s.byID)
	switch {
	case f.ID != "" && f.IDs != nil && !slices.Contains(f.IDs, f.ID):
		return nil
	case f.ID != "":
		candidates = slices.Values([]string{f.ID})
	case f.IDs != nil:
		candidates = slices.Values(slices.Compact(slices.Sorted(slices.Values(f.IDs))))
	}
	for id := range candidates {
		if r, ok := s.byID[id]; ok && chooses(f, r) {
			found = append(found, r)
		}
	}
	slices.SortFunc(found, func(a, b row.Session) int { return a.ExpiresAt.Compare(b.ExpiresAt) })
	return found[:min(len(found), f.AtMost())]
}

func chooses(f row.SessionFilter, r row.Session) bool {
	return (f.UserID == "" || r.UserID == f.UserID) &&
		(f.Family == [32]byte{} || r.Family == f.Family) &&
		(f.BeforeEpoch == 0 || r.Epoch < f.BeforeEpoch) &&
		(f.ExpiredBy.IsZero() || !r.ExpiresAt.After(f.ExpiredBy)) &&
		(f.IdleBy.IsZero() || !r.IdleUntil.After(f.IdleBy))
}
