package authtest

import (
	"context"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/seed89488a0c/auth"
)

// looseSessions compares what its functions make of IDs, and lets others in
// between looking and writing.
type looseSessions struct {
	*auth.MemoryStore
	mu       sync.Mutex
	id, user func(string) string
	gap      string // where others get in
	newest   string // the ID of the session that was created last
}

func (l *looseSessions) mutant(name, rule string) sessionMutant {
	return sessionMutant{name, rule, func() auth.SessionStore {
		same := func(s string) string { return s }
		s := &looseSessions{MemoryStore: auth.NewMemoryStore(), id: l.id, user: l.user, gap: l.gap}
		for _, f := range []*func(string) string{&s.id, &s.user} {
			if *f == nil {
				*f = same
			}
		}
		return s
	}}
}

func (l *looseSessions) open(gap string) {
	if l.gap == gap {
		l.mu.Unlock()
		time.Sleep(100 * time.Millisecond)
		l.mu.Lock()
	}
}

// The memory store keeps a session under what id and user make of its IDs, and
// the IDs themselves where nobody looks.
func (l *looseSessions) CreateSession(ctx context.Context, r auth.SessionRecord) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.id(r.ID) != r.ID || l.user(r.UserID) != r.UserID {
		if _, err := l.MemoryStore.SessionByID(ctx, l.id(r.ID)); err == nil {
			return auth.ErrConflict
		}
	}
	r.ID, r.UserID = l.id(r.ID), l.user(r.UserID)
	l.newest = r.ID
	if l.gap != "create" {
		return l.MemoryStore.CreateSession(ctx, r)
	}
	if _, err := l.MemoryStore.SessionByID(ctx, r.ID); err == nil {
		return auth.ErrConflict
	}
	l.open("create")
	return put(ctx, l.MemoryStore, r)
}

func (l *looseSessions) SessionByID(ctx context.Context, id string) (auth.SessionRecord, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.MemoryStore.SessionByID(ctx, l.id(id))
}

func (l *looseSessions) UpdateSession(ctx context.Context, u auth.SessionUpdate) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	u.ID = l.id(u.ID)
	r, err := l.MemoryStore.SessionByID(ctx, u.ID)
	if l.gap == "bound" && err == nil && r.Repeats < u.RepeatsBelow {
		l.open("bound")
		u.RepeatsBelow = math.MaxUint32
	}
	if l.gap != "update" || err != nil {
		return l.MemoryStore.UpdateSession(ctx, u)
	}
	// As the memory store does it, by one that has the session only.
	one := auth.NewMemoryStore()
	if err := one.CreateSession(ctx, r); err != nil {
		return err
	}
	if err := one.UpdateSession(ctx, u); err != nil {
		return err
	}
	if r, err = one.SessionByID(ctx, u.ID); err != nil {
		return err
	}
	l.open("update")
	return put(ctx, l.MemoryStore, r)
}

func (l *looseSessions) Sessions(ctx context.Context, userID string) ([]auth.SessionRecord, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.MemoryStore.Sessions(ctx, l.user(userID))
}

func (l *looseSessions) DeleteSessions(ctx context.Context, f auth.SessionFilter) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f.ID, f.UserID = l.id(f.ID), l.user(f.UserID)
	r, err := l.MemoryStore.SessionByID(ctx, l.newest)
	if l.gap != "delete" || err != nil || !chosenSession(f, r) {
		return l.MemoryStore.DeleteSessions(ctx, f)
	}
	l.open("delete")
	if _, err := l.MemoryStore.DeleteSessions(ctx, f); err != nil {
		return 0, err
	}
	return 1, nil
}

func sessionLooseMutants() []sessionMutant {
	update := &looseSessions{gap: "update"}
	mutants := []sessionMutant{
		(&looseSessions{gap: "create"}).mutant("an ID is looked for and then taken", "of many that create one ID, exactly one wins"),
		update.mutant("a token is compared and then replaced", "of many that replace one token, exactly one wins"),
		update.mutant("a session is read and then written whole", "concurrent counts undo no rotation"),
		update.mutant("a count is read and then written", "of many that count up to a bound, exactly so many succeed"),
		(&looseSessions{gap: "bound"}).mutant("a bound is compared and then counted up to", "of many that count up to a bound, exactly so many succeed"),
		update.mutant("a session is written whether it is there or not", "a rotation does not bring back what is deleted meanwhile"),
		(&looseSessions{gap: "delete"}).mutant("a session is looked for and then deleted", "of many that delete one session, exactly one counts it"),
	}
	first := func(n int) func(string) string { return func(s string) string { return s[:min(n, len(s))] } }
	upToNUL := func(s string) string { s, _, _ = strings.Cut(s, "\x00"); return s }
	for _, c := range []struct {
		name string
		f    func(string) string
		rule string
	}{
		{"in lower case", strings.ToLower, ruleSessionBytes},
		{"without spaces around", strings.TrimSpace, ruleSessionUnknown},
		{"without spaces behind", func(s string) string { return strings.TrimRight(s, " ") }, ruleSessionUnknown},
		{"up to NUL", upToNUL, ruleSessionUnknown},
		{"without accents", withoutAccents, ruleSessionBytes},
		{"by 36 bytes", first(36), ruleSessionLast},
		{"by 63 bytes", first(63), ruleSessionLast},
	} {
		mutants = append(mutants,
			(&looseSessions{id: c.f}).mutant("IDs compared "+c.name, c.rule),
			(&looseSessions{user: c.f}).mutant("users compared "+c.name, c.rule))
	}
	leadingZeros := func(s string) string { return strings.TrimLeft(s, "0+") }
	return append(mutants, (&looseSessions{user: leadingZeros}).mutant("users compared as numbers", ruleSessionUnknown))
}
