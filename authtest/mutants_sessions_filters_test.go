package authtest

import (
	"bytes"
	"context"
	"reflect"
	"slices"
	"time"

	"github.com/seed89488a0c/auth"
)

// choosingSessions makes a mutant that deletes, one by one, the sessions of the users
// that populate has which f takes, in the order of by, up to the limit.
func choosingSessions(name, rule string, f func(filter auth.SessionFilter, r auth.SessionRecord) bool, by func(a, b auth.SessionRecord) int) sessionMutant {
	return wrapSessions(name, rule, func(w *wrappedSessions, s *auth.MemoryStore) {
		w.delete = func(ctx context.Context, filter auth.SessionFilter) (int, error) {
			var all []auth.SessionRecord
			for _, user := range []string{"1", "11", "2"} {
				list, _ := s.Sessions(ctx, user)
				all = append(all, list...)
			}
			if filter.IDs != nil || !filter.IdleBy.IsZero() || filter.ID != "" && only(filter, "ID") || len(all) == 0 || len(all) > 100 {
				return s.DeleteSessions(ctx, filter)
			}
			slices.SortFunc(all, by)
			n := 0
			for _, r := range all {
				if f(filter, r) && (filter.Limit == 0 || n < filter.Limit) {
					s.DeleteSessions(ctx, auth.SessionFilter{ID: r.ID})
					n++
				}
			}
			return n, ctx.Err()
		}
	})
}

// only reports whether a filter sets nothing but what is named.
func only(f auth.SessionFilter, names ...string) bool {
	v := reflect.ValueOf(f)
	for i := range v.NumField() {
		if !v.Field(i).IsZero() && !slices.Contains(names, v.Type().Field(i).Name) {
			return false
		}
	}
	return true
}

func firstEnd(a, b auth.SessionRecord) int { return a.ExpiresAt.Compare(b.ExpiresAt) }

// chosenSession reports whether f, whatever its limit, chooses r.
func chosenSession(f auth.SessionFilter, r auth.SessionRecord) bool {
	return (f.ID != "" || f.UserID != "" || !f.ExpiredBy.IsZero()) &&
		(f.ID == "" || f.ID == r.ID) && (f.UserID == "" || f.UserID == r.UserID) &&
		(f.Family == [32]byte{} || f.Family == r.Family) &&
		(f.BeforeEpoch == 0 || r.Epoch < f.BeforeEpoch) && (f.ExpiredBy.IsZero() || !r.ExpiresAt.After(f.ExpiredBy))
}

// sessionFamilyMutants take families for others than they are.
func sessionFamilyMutants() []sessionMutant {
	none := [32]byte{}
	// compared makes a mutant that compares families by f.
	compared := func(name string, f func(demanded [32]byte, r auth.SessionRecord) bool) sessionMutant {
		return choosingSessions("families compared "+name, ruleSessionFamily, func(filter auth.SessionFilter, r auth.SessionRecord) bool {
			if filter.Family != none {
				if !f(filter.Family, r) {
					return false
				}
				filter.Family = none
			}
			return chosenSession(filter, r)
		}, firstEnd)
	}
	// beside makes a mutant that changes filters of a family and something else.
	beside := func(name string, f func(f *auth.SessionFilter)) sessionMutant {
		return filtered(name, ruleSessionFamily, func(filter *auth.SessionFilter) {
			if filter.Family != none && (filter.ID != "" || filter.UserID != "" || !filter.ExpiredBy.IsZero()) {
				f(filter)
			}
		})
	}
	return []sessionMutant{
		beside("a family is ignored", func(f *auth.SessionFilter) { f.Family = none }),
		beside("a family is ignored beside an ID", func(f *auth.SessionFilter) {
			if f.ID != "" {
				f.Family = none
			}
		}),
		beside("a family is ignored beside an ID and a user", func(f *auth.SessionFilter) {
			if f.ID != "" && f.UserID != "" {
				f.Family = none
			}
		}),
		beside("a family is ignored beside a user", func(f *auth.SessionFilter) {
			if f.ID == "" && f.UserID != "" {
				f.Family = none
			}
		}),
		beside("a family is ignored beside a time", func(f *auth.SessionFilter) {
			if f.ID == "" && f.UserID == "" {
				f.Family = none
			}
		}),
		beside("an ID beside a family is ignored", func(f *auth.SessionFilter) {
			if f.ID != "" && f.ExpiredBy.IsZero() {
				f.ID, f.ExpiredBy = "", time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
			}
		}),
		beside("a user beside a family is ignored", func(f *auth.SessionFilter) {
			if f.UserID != "" && f.ID == "" && f.ExpiredBy.IsZero() {
				f.UserID, f.ExpiredBy = "", time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
			}
		}),
		beside("the user of an ID is not compared beside a family", func(f *auth.SessionFilter) {
			if f.ID != "" {
				f.UserID = ""
			}
		}),
		beside("an epoch is ignored beside a family", func(f *auth.SessionFilter) { f.BeforeEpoch = 0 }),
		beside("a limit is ignored beside a family", func(f *auth.SessionFilter) { f.Limit = 0 }),
		beside("a time beside a family is ignored", func(f *auth.SessionFilter) {
			if f.ID != "" || f.UserID != "" {
				f.ExpiredBy = time.Time{}
			}
		}),
		compared("by 16 bytes", func(d [32]byte, r auth.SessionRecord) bool { return bytes.Equal(d[:16], r.Family[:16]) }),
		compared("by 31 bytes", func(d [32]byte, r auth.SessionRecord) bool { return bytes.Equal(d[:31], r.Family[:31]) }),
		compared("by their last 31 bytes", func(d [32]byte, r auth.SessionRecord) bool { return bytes.Equal(d[1:], r.Family[1:]) }),
		compared("in lower case", func(d [32]byte, r auth.SessionRecord) bool {
			return bytes.Equal(bytes.ToLower(d[:]), bytes.ToLower(r.Family[:]))
		}),
		compared("without spaces and zeros behind", func(d [32]byte, r auth.SessionRecord) bool {
			return bytes.Equal(bytes.TrimRight(d[:], " \x00"), bytes.TrimRight(r.Family[:], " \x00"))
		}),
		compared("with tokens", func(d [32]byte, r auth.SessionRecord) bool { return d == r.Token }),
		compared("with tokens too", func(d [32]byte, r auth.SessionRecord) bool { return d == r.Family || d == r.Token }),
		compared("with parents too", func(d [32]byte, r auth.SessionRecord) bool { return d == r.Family || d == r.Parent }),
		choosingSessions("no family is a family", ruleSessionFilter, func(f auth.SessionFilter, r auth.SessionRecord) bool {
			return chosenSession(f, r) && f.Family == r.Family
		}, firstEnd),
		choosingSessions("a family alone chooses", ruleSessionEmpty, func(f auth.SessionFilter, r auth.SessionRecord) bool {
			return chosenSession(f, r) || f.Family == r.Family && only(f, "Family")
		}, firstEnd),
		choosingSessions("a family and a limit choose", ruleSessionEmpty, func(f auth.SessionFilter, r auth.SessionRecord) bool {
			return chosenSession(f, r) || f.Limit > 0 && f.Family == r.Family && only(f, "Family", "Limit")
		}, firstEnd),
		choosingSessions("a family and an epoch choose", ruleSessionEmpty, func(f auth.SessionFilter, r auth.SessionRecord) bool {
			return chosenSession(f, r) || r.Epoch < f.BeforeEpoch && f.Family == r.Family && only(f, "Family", "BeforeEpoch")
		}, firstEnd),
	}
}
