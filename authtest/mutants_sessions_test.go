package authtest

import (
	"context"
	"slices"
	"testing"

	"github.com/seed89488a0c/auth"
)

func TestSessionMutants(t *testing.T) {
	suite := func(t *testing.T, newStore func() auth.SessionStore) {
		TestSessionStore(t, func(*testing.T) auth.SessionStore { return newStore() })
	}
	catch(t, suite, func() auth.SessionStore { return auth.NewMemoryStore() }, slices.Concat(
		sessionFieldMutants(), sessionUpdateMutants(t), sessionDemandMutants(), sessionRotationMutants(), sessionAnswerMutants(), sessionFilterMutants(), sessionFamilyMutants(), sessionLooseMutants()))
}

type sessionMutant = mutant[auth.SessionStore]

// The rules that find more than one of them.
const (
	ruleSession        = "what was created is read back, every field"
	ruleSessionLongest = "fields may be as long as they are promised to be"
	ruleSessionZero    = "zero times, empty strings and digests of any bytes stay what they are"
	ruleSessionText    = "text and addresses are kept as they are"
	ruleSessionUnknown = "an unknown ID finds nothing, whatever it is"
	ruleSessionBytes   = "IDs are compared byte for byte"
	ruleSessionLast    = "IDs are compared to their last byte"
	ruleSessionTaken   = "a taken ID is ErrConflict, and changes nothing"
	ruleSessionUpdate  = "an update changes what it names and nothing else"
	ruleSessionRotated = "a rotation keeps all that it is given, and nothing of the one before"
	ruleSessionReset   = "a rotation sets Repeats to 0, beside a bound too"
	ruleSessionSame    = "an update that changes nothing succeeds"
	ruleSessionSwap    = "an update demands both digests, else it is ErrConflict and changes nothing"
	ruleSessionConfirm = "an update of nothing confirms what is demanded"
	ruleSessionAny     = "with AnyDigests an update demands all but the digests"
	ruleSessionBound   = "RepeatsBelow demands that Repeats is below it, and adds 1"
	ruleSessionEnded   = "an update is ErrConflict from the very microsecond at which the session ends"
	ruleSessionList    = "a list has the sessions of its user, newest first"
	ruleSessionLong    = "a list has the newest thousand"
	ruleSessionFilter  = "a filter deletes what it chooses, and counts it"
	ruleSessionFamily  = "a filter demands the very family"
	ruleSessionLimit   = "a limit takes those that end first"
	ruleSessionEmpty   = "a filter that chooses by nothing deletes nothing"
	ruleSessionDeleted = "a deleted session is gone, and its ID is free"
	ruleSessionContext = "a context that has ended is recognisable, and nothing is changed"
	ruleSessionSilent  = "errors do not repeat what they were asked"
	ruleSessionMemory  = "what was given and returned is the caller's"
)

// wrappedSessions is a memory store with some methods replaced.
type wrappedSessions struct {
	*auth.MemoryStore
	create func(ctx context.Context, r auth.SessionRecord) error
	byID   func(ctx context.Context, id string) (auth.SessionRecord, error)
	update func(ctx context.Context, u auth.SessionUpdate) error
	list   func(ctx context.Context, userID string) ([]auth.SessionRecord, error)
	delete func(ctx context.Context, f auth.SessionFilter) (int, error)
}

func (w *wrappedSessions) CreateSession(ctx context.Context, r auth.SessionRecord) error {
	return w.create(ctx, r)
}

func (w *wrappedSessions) SessionByID(ctx context.Context, id string) (auth.SessionRecord, error) {
	return w.byID(ctx, id)
}

func (w *wrappedSessions) UpdateSession(ctx context.Context, u auth.SessionUpdate) error {
	return w.update(ctx, u)
}

func (w *wrappedSessions) Sessions(ctx context.Context, userID string) ([]auth.SessionRecord, error) {
	return w.list(ctx, userID)
}

func (w *wrappedSessions) DeleteSessions(ctx context.Context, f auth.SessionFilter) (int, error) {
	return w.delete(ctx, f)
}

// wrapSessions makes a mutant of what defect does to a memory store.
func wrapSessions(name, rule string, defect func(w *wrappedSessions, s *auth.MemoryStore)) sessionMutant {
	return sessionMutant{name, rule, func() auth.SessionStore {
		s := auth.NewMemoryStore()
		w := &wrappedSessions{s, s.CreateSession, s.SessionByID, s.UpdateSession, s.Sessions, s.DeleteSessions}
		defect(w, s)
		return w
	}}
}

// createdSession makes a mutant that changes what is written; readSession and
// listedSession make some that change what is read.
func createdSession(name, rule string, f func(r *auth.SessionRecord)) sessionMutant {
	return wrapSessions(name, rule, func(w *wrappedSessions, s *auth.MemoryStore) {
		w.create = func(ctx context.Context, r auth.SessionRecord) error {
			f(&r)
			return s.CreateSession(ctx, r)
		}
	})
}

func readSession(name, rule string, f func(r *auth.SessionRecord)) sessionMutant {
	return wrapSessions(name, rule, func(w *wrappedSessions, s *auth.MemoryStore) {
		w.byID = func(ctx context.Context, id string) (auth.SessionRecord, error) {
			r, err := s.SessionByID(ctx, id)
			if err == nil {
				f(&r)
			}
			return r, err
		}
	})
}

func listedSessions(name, rule string, f func(list []auth.SessionRecord) []auth.SessionRecord) sessionMutant {
	return wrapSessions(name, rule, func(w *wrappedSessions, s *auth.MemoryStore) {
		w.list = func(ctx context.Context, userID string) ([]auth.SessionRecord, error) {
			list, err := s.Sessions(ctx, userID)
			return f(list), err
		}
	})
}

// updated makes a mutant that changes an update of a session that there is.
func updated(name, rule string, f func(u *auth.SessionUpdate, r auth.SessionRecord)) sessionMutant {
	return wrapSessions(name, rule, func(w *wrappedSessions, s *auth.MemoryStore) {
		w.update = func(ctx context.Context, u auth.SessionUpdate) error {
			if r, err := s.SessionByID(ctx, u.ID); err == nil {
				f(&u, r)
			}
			return s.UpdateSession(ctx, u)
		}
	})
}

// afterUpdate makes a mutant that changes what an update has made of a session.
func afterUpdate(name, rule string, f func(u auth.SessionUpdate, old auth.SessionRecord, r *auth.SessionRecord)) sessionMutant {
	return wrapSessions(name, rule, func(w *wrappedSessions, s *auth.MemoryStore) {
		w.update = func(ctx context.Context, u auth.SessionUpdate) error {
			old, _ := s.SessionByID(ctx, u.ID)
			err := s.UpdateSession(ctx, u)
			if err == nil {
				r, _ := s.SessionByID(ctx, u.ID)
				f(u, old, &r)
				put(ctx, s, r)
			}
			return err
		}
	})
}

// filtered makes a mutant that deletes by another filter.
func filtered(name, rule string, f func(f *auth.SessionFilter)) sessionMutant {
	return wrapSessions(name, rule, func(w *wrappedSessions, s *auth.MemoryStore) {
		w.delete = func(ctx context.Context, filter auth.SessionFilter) (int, error) {
			f(&filter)
			return s.DeleteSessions(ctx, filter)
		}
	})
}

// put replaces a session, or brings it back.
func put(ctx context.Context, s *auth.MemoryStore, r auth.SessionRecord) error {
	if _, err := s.DeleteSessions(ctx, auth.SessionFilter{ID: r.ID}); err != nil {
		return err
	}
	return s.CreateSession(ctx, r)
}
