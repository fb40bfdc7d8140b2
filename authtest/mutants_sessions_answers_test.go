package authtest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/seed89488a0c/auth"
)

// answeringSessions makes a mutant that gives other answers than the memory
// store: f is called with what that returned, and with the ID it was asked about.
func answeringSessions(name, rule string, f func(err error, id string) error) sessionMutant {
	return wrapSessions(name, rule, func(w *wrappedSessions, s *auth.MemoryStore) {
		w.create = func(ctx context.Context, r auth.SessionRecord) error { return f(s.CreateSession(ctx, r), r.ID) }
		w.byID = func(ctx context.Context, id string) (auth.SessionRecord, error) {
			r, err := s.SessionByID(ctx, id)
			return r, f(err, id)
		}
		w.update = func(ctx context.Context, u auth.SessionUpdate) error {
			return f(s.UpdateSession(ctx, u), string(u.IfToken[:]))
		}
		w.list = func(ctx context.Context, userID string) ([]auth.SessionRecord, error) {
			list, err := s.Sessions(ctx, userID)
			return list, f(err, userID)
		}
		w.delete = func(ctx context.Context, filter auth.SessionFilter) (int, error) {
			n, err := s.DeleteSessions(ctx, filter)
			return n, f(err, filter.ID)
		}
	})
}

// sessionAnswerMutants say other things than they did.
func sessionAnswerMutants() []sessionMutant {
	replacing := func(name, rule string, old, new error) sessionMutant {
		return answeringSessions(name, rule, func(err error, _ string) error {
			if errors.Is(err, old) {
				return new
			}
			return err
		})
	}
	repeating := func(name string, kind error) sessionMutant {
		return answeringSessions(name, ruleSessionSilent, func(err error, id string) error {
			if errors.Is(err, kind) {
				return fmt.Errorf("%w: %s", err, id)
			}
			return err
		})
	}
	return []sessionMutant{
		replacing("no session is no error", ruleSessionUnknown, auth.ErrSessionNotFound, nil),
		replacing("no session is some other error", ruleSessionUnknown, auth.ErrSessionNotFound, errOther),
		replacing("no session is no user", ruleSessionUnknown, auth.ErrSessionNotFound, auth.ErrUserNotFound),
		replacing("a conflict is no error", ruleSessionSwap, auth.ErrConflict, nil),
		replacing("a conflict is no session", ruleSessionSwap, auth.ErrConflict, auth.ErrSessionNotFound),
		replacing("a taken ID is no error", ruleSessionTaken, auth.ErrConflict, nil),
		replacing("a taken ID is a user's", ruleSessionTaken, auth.ErrConflict, auth.ErrUserExists),
		replacing("a canceled context is some other error", ruleSessionContext, context.Canceled, errOther),
		replacing("a late context is no session", ruleSessionContext, context.DeadlineExceeded, auth.ErrSessionNotFound),
		repeating("a conflict repeats the ID", auth.ErrConflict),
		repeating("no session repeats the ID", auth.ErrSessionNotFound),
		repeating("an ended context repeats the ID", context.Canceled),
		wrapSessions("no session is a session beside the error", ruleSessionUnknown, func(w *wrappedSessions, s *auth.MemoryStore) {
			w.byID = func(ctx context.Context, id string) (auth.SessionRecord, error) {
				r, err := s.SessionByID(ctx, id)
				r.ID = id + "0"
				if err == nil {
					r.ID = id
				}
				return r, err
			}
		}),
		wrapSessions("a user without sessions is no session", ruleSessionUnknown, func(w *wrappedSessions, s *auth.MemoryStore) {
			w.list = func(ctx context.Context, userID string) ([]auth.SessionRecord, error) {
				list, err := s.Sessions(ctx, userID)
				if err == nil && len(list) == 0 {
					return nil, auth.ErrSessionNotFound
				}
				return list, err
			}
		}),
		wrapSessions("nothing to delete is no session", ruleSessionUnknown, func(w *wrappedSessions, s *auth.MemoryStore) {
			w.delete = func(ctx context.Context, f auth.SessionFilter) (int, error) {
				n, err := s.DeleteSessions(ctx, f)
				if err == nil && n == 0 {
					return 0, auth.ErrSessionNotFound
				}
				return n, err
			}
		}),
		wrapSessions("a duplicate replaces the session", ruleSessionTaken, func(w *wrappedSessions, s *auth.MemoryStore) {
			w.create = func(ctx context.Context, r auth.SessionRecord) error {
				err := s.CreateSession(ctx, r)
				if err == auth.ErrConflict {
					put(ctx, s, r)
				}
				return err
			}
		}),
		wrapSessions("the same session once more is no conflict", ruleSessionTaken, func(w *wrappedSessions, s *auth.MemoryStore) {
			w.create = func(ctx context.Context, r auth.SessionRecord) error {
				if old, err := s.SessionByID(ctx, r.ID); err == nil && old == r {
					return nil
				}
				return s.CreateSession(ctx, r)
			}
		}),
		wrapSessions("a family must be unique", ruleSessionTaken, func(w *wrappedSessions, s *auth.MemoryStore) {
			var families shared[map[[32]byte]bool]
			w.create = func(ctx context.Context, r auth.SessionRecord) (err error) {
				families.do(func(known *map[[32]byte]bool) {
					if (*known)[r.Family] {
						err = auth.ErrConflict
					} else if err = s.CreateSession(ctx, r); err == nil {
						if *known == nil {
							*known = map[[32]byte]bool{}
						}
						(*known)[r.Family] = true
					}
				})
				return err
			}
		}),
		wrapSessions("a deleted session keeps its ID", ruleSessionDeleted, func(w *wrappedSessions, s *auth.MemoryStore) {
			var ids shared[map[string]bool]
			w.create = func(ctx context.Context, r auth.SessionRecord) (err error) {
				ids.do(func(known *map[string]bool) {
					if (*known)[r.ID] {
						err = auth.ErrConflict
					} else if err = s.CreateSession(ctx, r); err == nil {
						if *known == nil {
							*known = map[string]bool{}
						}
						(*known)[r.ID] = true
					}
				})
				return err
			}
		}),
		wrapSessions("what was read is remembered", ruleSessionUpdate, func(w *wrappedSessions, s *auth.MemoryStore) {
			var known shared[map[string]auth.SessionRecord]
			w.byID = func(ctx context.Context, id string) (r auth.SessionRecord, err error) {
				known.do(func(known *map[string]auth.SessionRecord) {
					if *known == nil {
						*known = map[string]auth.SessionRecord{}
					}
					var ok bool
					if r, ok = (*known)[id]; ok {
						return
					}
					if r, err = s.SessionByID(ctx, id); err == nil {
						(*known)[id] = r
					}
				})
				return r, err
			}
		}),
		wrapSessions("an ended context stops no create", ruleSessionContext, func(w *wrappedSessions, s *auth.MemoryStore) {
			w.create = func(ctx context.Context, r auth.SessionRecord) error {
				return cmp.Or(s.CreateSession(context.WithoutCancel(ctx), r), ctx.Err())
			}
		}),
		wrapSessions("an ended context stops no update", ruleSessionContext, func(w *wrappedSessions, s *auth.MemoryStore) {
			w.update = func(ctx context.Context, u auth.SessionUpdate) error {
				return cmp.Or(s.UpdateSession(context.WithoutCancel(ctx), u), ctx.Err())
			}
		}),
		wrapSessions("an ended context stops no deletion", ruleSessionContext, func(w *wrappedSessions, s *auth.MemoryStore) {
			w.delete = func(ctx context.Context, f auth.SessionFilter) (int, error) {
				n, err := s.DeleteSessions(context.WithoutCancel(ctx), f)
				if ctx.Err() != nil {
					return 0, ctx.Err()
				}
				return n, err
			}
		}),
		wrapSessions("a count beside an error", ruleSessionContext, func(w *wrappedSessions, s *auth.MemoryStore) {
			w.delete = func(ctx context.Context, f auth.SessionFilter) (int, error) {
				n, err := s.DeleteSessions(ctx, f)
				if err != nil {
					n = -1
				}
				return n, err
			}
		}),
		wrapSessions("a list beside an error", ruleSessionContext, func(w *wrappedSessions, s *auth.MemoryStore) {
			w.list = func(ctx context.Context, userID string) ([]auth.SessionRecord, error) {
				list, err := s.Sessions(ctx, userID)
				if list == nil {
					list = []auth.SessionRecord{}
				}
				return list, err
			}
		}),
		wrapSessions("what an update points to is kept", ruleSessionMemory, func(w *wrappedSessions, s *auth.MemoryStore) {
			var rotations shared[map[string]*auth.SessionRotation]
			w.update = func(ctx context.Context, u auth.SessionUpdate) error {
				err := s.UpdateSession(ctx, u)
				if err == nil && u.Rotation != nil {
					rotations.do(func(known *map[string]*auth.SessionRotation) {
						if *known == nil {
							*known = map[string]*auth.SessionRotation{}
						}
						(*known)[u.ID] = u.Rotation
					})
				}
				return err
			}
			w.byID = func(ctx context.Context, id string) (auth.SessionRecord, error) {
				r, err := s.SessionByID(ctx, id)
				rotations.do(func(known *map[string]*auth.SessionRotation) {
					if rotation := (*known)[id]; rotation != nil && err == nil {
						r.Nonce = rotation.Nonce
					}
				})
				return r, err
			}
		}),
		wrapSessions("a list is returned twice", ruleSessionMemory, func(w *wrappedSessions, s *auth.MemoryStore) {
			var lists shared[map[string][]auth.SessionRecord]
			w.list = func(ctx context.Context, userID string) ([]auth.SessionRecord, error) {
				list, err := s.Sessions(ctx, userID)
				lists.do(func(known *map[string][]auth.SessionRecord) {
					if *known == nil {
						*known = map[string][]auth.SessionRecord{}
					}
					if old := (*known)[userID]; len(old) == len(list) && err == nil {
						list = old
					} else if err == nil {
						(*known)[userID] = list
					}
				})
				return list, err
			}
		}),
	}
}

// sessionFilterMutants list and delete others than they are asked for.
func sessionFilterMutants() []sessionMutant {
	sorted := func(name string, by func(a, b auth.SessionRecord) int) sessionMutant {
		return listedSessions(name, ruleSessionList, func(list []auth.SessionRecord) []auth.SessionRecord {
			slices.SortFunc(list, by)
			return list
		})
	}
	counting := func(name string, f func(n int) int) sessionMutant {
		return wrapSessions(name, ruleSessionFilter, func(w *wrappedSessions, s *auth.MemoryStore) {
			w.delete = func(ctx context.Context, filter auth.SessionFilter) (int, error) {
				n, err := s.DeleteSessions(ctx, filter)
				return f(n), err
			}
		})
	}
	first := func(list []auth.SessionRecord, n int) []auth.SessionRecord { return list[:min(n, len(list))] }
	return []sessionMutant{
		sorted("a list by ID", func(a, b auth.SessionRecord) int { return strings.Compare(a.ID, b.ID) }),
		sorted("a list, oldest first", func(a, b auth.SessionRecord) int { return newestFirst(b, a) }),
		sorted("a list by last use", func(a, b auth.SessionRecord) int { return a.LastUsedAt.Compare(b.LastUsedAt) }),
		sorted("a list by end", firstEnd),
		sorted("a list by seconds of age", func(a, b auth.SessionRecord) int {
			return cmp.Or(b.CreatedAt.Truncate(time.Second).Compare(a.CreatedAt.Truncate(time.Second)), strings.Compare(b.ID, a.ID))
		}),
		sorted("a list by folded IDs", func(a, b auth.SessionRecord) int {
			return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), strings.Compare(strings.ToLower(b.ID), strings.ToLower(a.ID)))
		}),
		sorted("a list by IDs upwards", func(a, b auth.SessionRecord) int {
			return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), strings.Compare(a.ID, b.ID))
		}),
		listedSessions("a list of those that have not ended", ruleSessionList, func(list []auth.SessionRecord) []auth.SessionRecord {
			return slices.DeleteFunc(list, func(r auth.SessionRecord) bool { return !r.IdleUntil.After(time.Now()) })
		}),
		listedSessions("a list of a hundred", ruleSessionLong, func(list []auth.SessionRecord) []auth.SessionRecord { return first(list, 100) }),
		listedSessions("a list of 999", ruleSessionLong, func(list []auth.SessionRecord) []auth.SessionRecord { return first(list, 999) }),
		wrapSessions("a list of the oldest thousand", ruleSessionLong, func(w *wrappedSessions, s *auth.MemoryStore) {
			var created shared[[]auth.SessionRecord]
			w.create = func(ctx context.Context, r auth.SessionRecord) error {
				created.do(func(created *[]auth.SessionRecord) { *created = append(*created, r) })
				return s.CreateSession(ctx, r)
			}
			w.list = func(ctx context.Context, userID string) (list []auth.SessionRecord, err error) {
				if list, err = s.Sessions(ctx, userID); len(list) < 1000 {
					return list, err
				}
				created.do(func(created *[]auth.SessionRecord) { list = slices.Clone(*created) })
				slices.SortFunc(list, newestFirst)
				return list[len(list)-1000:], nil
			}
		}),
		filtered("any number is deleted at once", ruleSessionLong, func(f *auth.SessionFilter) {
			if f.Limit == 0 {
				f.Limit = math.MaxInt32
			}
		}),
		filtered("a hundred are deleted at most", ruleSessionLong, func(f *auth.SessionFilter) {
			if f.Limit == 0 {
				f.Limit = 100
			}
		}),
		filtered("IDs are ignored beside a user", ruleSessionFilter, func(f *auth.SessionFilter) {
			if f.UserID != "" && len(f.IDs) > 0 {
				f.IDs = nil
			}
		}),
		filtered("an empty list of IDs is none", ruleSessionEmpty, func(f *auth.SessionFilter) {
			if len(f.IDs) == 0 {
				f.IDs = nil
			}
		}),
		filtered("the first of some IDs is deleted", ruleSessionFilter, func(f *auth.SessionFilter) {
			if len(f.IDs) > 1 {
				f.IDs = f.IDs[:1]
			}
		}),
		filtered("the user of some IDs is not compared", ruleSessionFilter, func(f *auth.SessionFilter) {
			if len(f.IDs) > 0 {
				f.UserID = ""
			}
		}),
		filtered("the epoch of some IDs is not compared", ruleSessionFilter, func(f *auth.SessionFilter) {
			if len(f.IDs) > 0 {
				f.BeforeEpoch = 0
			}
		}),
		filtered("the end of some IDs is not compared", ruleSessionFilter, func(f *auth.SessionFilter) {
			if len(f.IDs) > 0 {
				f.ExpiredBy = time.Time{}
			}
		}),
		filtered("an ID beside IDs is ignored", ruleSessionFilter, func(f *auth.SessionFilter) {
			if f.IDs != nil {
				f.ID = ""
			}
		}),
		filtered("IDs beside an ID are ignored", ruleSessionFilter, func(f *auth.SessionFilter) {
			if f.ID != "" {
				f.IDs = nil
			}
		}),
		filtered("who was idle is not compared", ruleSessionFilter, func(f *auth.SessionFilter) { f.IdleBy = time.Time{} }),
		filtered("who was idle at that moment is not", ruleSessionFilter, func(f *auth.SessionFilter) {
			if !f.IdleBy.IsZero() {
				f.IdleBy = f.IdleBy.Add(-time.Microsecond)
			}
		}),
		filtered("who is idle later is taken", ruleSessionFilter, func(f *auth.SessionFilter) {
			if !f.IdleBy.IsZero() {
				f.IdleBy = f.IdleBy.Add(time.Microsecond)
			}
		}),
		filtered("an idle time is an end", ruleSessionFilter, func(f *auth.SessionFilter) {
			if f.ExpiredBy.IsZero() && (len(f.IDs) > 0 || f.ID != "" || f.UserID != "") {
				f.ExpiredBy, f.IdleBy = f.IdleBy, time.Time{}
			}
		}),
		filtered("an idle time alone chooses", ruleSessionEmpty, func(f *auth.SessionFilter) {
			if f.ID == "" && f.IDs == nil && f.UserID == "" && f.ExpiredBy.IsZero() && !f.IdleBy.IsZero() {
				f.ExpiredBy = f.IdleBy.AddDate(1, 0, 0)
			}
		}),
		filtered("the user of an ID is not compared", ruleSessionFilter, func(f *auth.SessionFilter) {
			if f.ID != "" {
				f.UserID = ""
			}
		}),
		filtered("the end of an ID is not compared", ruleSessionFilter, func(f *auth.SessionFilter) {
			if f.ID != "" {
				f.ExpiredBy = time.Time{}
			}
		}),
		filtered("an ID beside a user is ignored", ruleSessionFilter, func(f *auth.SessionFilter) {
			if f.UserID != "" {
				f.ID = ""
			}
		}),
		filtered("an epoch is ignored", ruleSessionFilter, func(f *auth.SessionFilter) { f.BeforeEpoch = 0 }),
		filtered("an epoch is ignored beside a time", ruleSessionFilter, func(f *auth.SessionFilter) {
			if !f.ExpiredBy.IsZero() {
				f.BeforeEpoch = 0
			}
		}),
		filtered("an epoch is ignored beside an ID", ruleSessionFilter, func(f *auth.SessionFilter) {
			if f.ID != "" {
				f.BeforeEpoch = 0
			}
		}),
		filtered("an epoch is before itself", ruleSessionFilter, func(f *auth.SessionFilter) {
			if f.BeforeEpoch != 0 && f.BeforeEpoch != math.MaxUint64 {
				f.BeforeEpoch++
			}
		}),
		filtered("an epoch has a sign", ruleSessionFilter, func(f *auth.SessionFilter) {
			if f.BeforeEpoch > math.MaxInt64 {
				f.BeforeEpoch = 1
			}
		}),
		choosingSessions("an epoch is a float", ruleSessionFilter, func(f auth.SessionFilter, r auth.SessionRecord) bool {
			if f.BeforeEpoch != 0 && float64(r.Epoch) >= float64(f.BeforeEpoch) {
				return false
			}
			f.BeforeEpoch = 0
			return chosenSession(f, r)
		}, firstEnd),
		filtered("a time beside a user is ignored", ruleSessionFilter, func(f *auth.SessionFilter) {
			if f.UserID != "" {
				f.ExpiredBy = time.Time{}
			}
		}),
		filtered("a user beside a time is ignored", ruleSessionFilter, func(f *auth.SessionFilter) {
			if !f.ExpiredBy.IsZero() {
				f.UserID = ""
			}
		}),
		filtered("a session ends after its end", ruleSessionFilter, func(f *auth.SessionFilter) {
			if !f.ExpiredBy.IsZero() {
				f.ExpiredBy = f.ExpiredBy.Add(-time.Microsecond)
			}
		}),
		filtered("a session ends before its end", ruleSessionFilter, func(f *auth.SessionFilter) {
			if !f.ExpiredBy.IsZero() {
				f.ExpiredBy = f.ExpiredBy.Add(time.Microsecond)
			}
		}),
		choosingSessions("sessions that were idle are taken for ended", ruleSessionFilter, func(f auth.SessionFilter, r auth.SessionRecord) bool {
			return chosenSession(f, r) || f.UserID == "" && !r.IdleUntil.After(f.ExpiredBy)
		}, firstEnd),
		choosingSessions("users are compared by their first byte", ruleSessionFilter, func(f auth.SessionFilter, r auth.SessionRecord) bool {
			if f.UserID != "" && f.UserID[0] == r.UserID[0] {
				f.UserID = r.UserID
			}
			return chosenSession(f, r)
		}, firstEnd),
		choosingSessions("those that end last go first", ruleSessionLimit, chosenSession, func(a, b auth.SessionRecord) int { return firstEnd(b, a) }),
		choosingSessions("the oldest go first", ruleSessionLimit, chosenSession, func(a, b auth.SessionRecord) int { return newestFirst(b, a) }),
		choosingSessions("those that were idle longest go first", ruleSessionLimit, chosenSession, func(a, b auth.SessionRecord) int { return a.IdleUntil.Compare(b.IdleUntil) }),
		filtered("the limit is ignored", ruleSessionLimit, func(f *auth.SessionFilter) { f.Limit = 0 }),
		filtered("the limit is ignored beside a user", ruleSessionLimit, func(f *auth.SessionFilter) {
			if f.UserID != "" {
				f.Limit = 0
			}
		}),
		filtered("the limit is one too many", ruleSessionLimit, func(f *auth.SessionFilter) {
			if f.Limit > 0 {
				f.Limit++
			}
		}),
		counting("nothing is counted", func(int) int { return 0 }),
		counting("one is counted at most", func(n int) int { return min(n, 1) }),
		choosingSessions("a limit alone chooses", ruleSessionEmpty, func(f auth.SessionFilter, r auth.SessionRecord) bool {
			return chosenSession(f, r) || only(f, "Limit") && f.Limit > 0
		}, firstEnd),
		choosingSessions("an epoch alone chooses", ruleSessionEmpty, func(f auth.SessionFilter, r auth.SessionRecord) bool {
			return chosenSession(f, r) || f.UserID == "" && f.ExpiredBy.IsZero() && r.Epoch < f.BeforeEpoch
		}, firstEnd),
		choosingSessions("nothing chooses all", ruleSessionEmpty, func(f auth.SessionFilter, r auth.SessionRecord) bool {
			return chosenSession(f, r) || only(f)
		}, firstEnd),
	}
}
