package authtest

import (
	"context"
	"strings"
	"sync"
	"time"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/seed89488a0c/auth"
)

// loose is a memory store that compares what its functions make of IDs, keys
// and hashes, that lets others in between looking and writing, and that leaves
// half of a user behind.
type loose struct {
	mu    sync.Mutex
	users map[string]auth.UserRecord // by ID
	ids   map[string]string          // by e-mail key

	id, key, hash func(string) string
	gap           string // where others get in
	half          string // what of a refused user stays
}

// mutant makes a mutant with the defects that l has.
func (l *loose) mutant(name, rule string) storeMutant {
	return storeMutant{name, rule, func() auth.UserStore {
		same := func(s string) string { return s }
		s := &loose{users: map[string]auth.UserRecord{}, ids: map[string]string{}, id: l.id, key: l.key, hash: l.hash, gap: l.gap, half: l.half}
		for _, f := range []*func(string) string{&s.id, &s.key, &s.hash} {
			if *f == nil {
				*f = same
			}
		}
		return s
	}}
}

// open lets others in for so long that a busy machine runs some of them.
func (l *loose) open(gap string) {
	if l.gap == gap {
		l.mu.Unlock()
		time.Sleep(100 * time.Millisecond)
		l.mu.Lock()
	}
}

func (l *loose) taken(r auth.UserRecord) (id, key bool) {
	_, id = l.users[l.id(r.ID)]
	_, key = l.ids[l.key(r.EmailKey)]
	return id, key
}

func (l *loose) CreateUser(ctx context.Context, r auth.UserRecord) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	id, key := l.taken(r)
	if !id && !key && l.gap == "create key" {
		l.open(l.gap)
		id, _ = l.taken(r) // the key is not looked for again
	}
	if !id && !key && l.gap == "create ID" {
		l.open(l.gap)
		_, key = l.taken(r)
	}
	if key && !id && l.half == "row" || !key && !id {
		l.users[l.id(r.ID)] = r
	}
	if id && !key && l.half == "key" || !key && !id {
		l.ids[l.key(r.EmailKey)] = l.id(r.ID)
	}
	if id || key {
		return "", auth.ErrUserExists
	}
	return r.ID, nil
}

func (l *loose) UserByEmail(ctx context.Context, key string) (auth.UserRecord, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.user(ctx, l.ids[l.key(key)])
}

func (l *loose) UserByID(ctx context.Context, id string) (auth.UserRecord, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.user(ctx, l.id(id))
}

func (l *loose) user(ctx context.Context, id string) (auth.UserRecord, error) {
	if err := ctx.Err(); err != nil {
		return auth.UserRecord{}, err
	}
	if r, ok := l.users[id]; ok {
		return r, nil
	}
	return auth.UserRecord{}, auth.ErrUserNotFound
}

func (l *loose) UpdateUser(ctx context.Context, u auth.UserUpdate) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	id := l.id(u.ID)
	old, err := l.user(ctx, id)
	if err != nil {
		return err
	}
	if u.IfPasswordHash != nil && l.hash(*u.IfPasswordHash) != l.hash(old.PasswordHash) {
		return auth.ErrConflict
	}
	// Everything else as the memory store does it, by one that has the user only.
	one := auth.NewMemoryStore()
	u.IfPasswordHash = nil
	if _, err := one.CreateUser(ctx, old); err != nil {
		return err
	}
	u.ID = old.ID
	if err := one.UpdateUser(ctx, u); err != nil {
		return err
	}
	r, err := one.UserByID(ctx, old.ID)
	if owner, taken := l.ids[l.key(r.EmailKey)]; taken && owner != id {
		return auth.ErrUserExists
	}
	l.open("update")
	delete(l.ids, l.key(old.EmailKey))
	l.users[id], l.ids[l.key(r.EmailKey)] = r, id
	return err
}

func (l *loose) DeleteUser(ctx context.Context, id string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	r, err := l.user(ctx, l.id(id))
	if err != nil {
		return err
	}
	l.open("delete")
	delete(l.users, l.id(id))
	delete(l.ids, l.key(r.EmailKey))
	return nil
}

func racingMutants() []storeMutant {
	update := &loose{gap: "update"}
	return []storeMutant{
		(&loose{gap: "create key"}).mutant("a key is looked for and then taken", "of many that create one key, exactly one wins"),
		(&loose{gap: "create ID"}).mutant("an ID is looked for and then taken", "of many that create one ID, exactly one wins"),
		update.mutant("a new key is looked for and then taken", "of many that move to one key, exactly one wins"),
		update.mutant("a hash is compared and then replaced", "of many that replace one hash, exactly one wins"),
		update.mutant("an epoch is compared and then raised", "of many that raise one epoch, exactly one wins"),
		update.mutant("Epoch is read and then written", "concurrent ends of sessions all count"),
		(&loose{gap: "delete"}).mutant("a user is looked for and then deleted", "of many that delete one user, exactly one wins"),
	}
}

func comparingMutants() []storeMutant {
	mutants := []storeMutant{
		(&loose{half: "row"}).mutant("a taken key leaves the row", ruleDuplicate),
		(&loose{half: "key"}).mutant("a taken ID leaves the key", ruleDuplicate),
		likes("wildcards in keys and IDs", ruleUnknown, func(l *likeStore) { l.lookups = true }),
		likes("wildcards in demanded hashes", ruleSwap, func(l *likeStore) { l.hashes = true }),
	}
	first := func(n int) func(string) string { return func(s string) string { return s[:min(n, len(s))] } }
	last := func(n int) func(string) string { return func(s string) string { return s[max(0, len(s)-n):] } }
	upToNUL := func(s string) string { s, _, _ = strings.Cut(s, "\x00"); return s }
	for _, c := range []struct {
		name       string
		f          func(string) string
		rule, swap string // that finds it among IDs and keys, among hashes
	}{
		{"in lower case", strings.ToLower, ruleBytewise, ruleSwap},
		{"folded", func(s string) string { return cases.Fold().String(s) }, ruleBytewise, ruleSwap},
		{"without spaces around", strings.TrimSpace, ruleBytewise, ruleSwap},
		{"without spaces behind", func(s string) string { return strings.TrimRight(s, " ") }, ruleBytewise, ruleSwap},
		{"without a line feed behind", func(s string) string { return strings.TrimRight(s, "\n") }, ruleUnknown, ruleSwap},
		{"up to NUL", upToNUL, ruleUnknown, ruleSwap},
		{"normalised", norm.NFC.String, ruleBytewise, ""},
		{"normalised for compatibility", norm.NFKC.String, ruleBytewise, ""},
		{"without accents", withoutAccents, ruleBytewise, ""},
	} {
		mutants = append(mutants,
			(&loose{id: c.f}).mutant("IDs compared "+c.name, c.rule),
			(&loose{key: c.f}).mutant("keys compared "+c.name, c.rule))
		if c.swap != "" {
			mutants = append(mutants, (&loose{hash: c.f}).mutant("hashes compared "+c.name, c.swap))
		}
	}
	return append(mutants,
		(&loose{id: first(36)}).mutant("IDs compared by 36 bytes", ruleLastByte),
		(&loose{id: first(63)}).mutant("IDs compared by 63 bytes", ruleLastByte),
		(&loose{key: first(191)}).mutant("keys compared by 191 bytes", ruleLastByte),
		(&loose{key: first(255)}).mutant("keys compared by 255 bytes", ruleLastByte),
		(&loose{key: first(319)}).mutant("keys compared by 319 bytes", ruleLastByte),
		(&loose{hash: first(32)}).mutant("hashes compared by 32 bytes", ruleSwap),
		(&loose{hash: first(255)}).mutant("hashes compared by 255 bytes", ruleSwap),
		(&loose{hash: last(32)}).mutant("hashes compared by their last 32 bytes", ruleSwap),
		(&loose{hash: func(string) string { return "" }}).mutant("hashes not compared", ruleSwap),
	)
}

func withoutAccents(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFD.String(s))
}

// likeStore takes what it is asked for as a pattern of SQL's LIKE.
type likeStore struct {
	*auth.MemoryStore
	mu              sync.Mutex
	users           []auth.UserRecord
	lookups, hashes bool
}

func likes(name, rule string, defect func(l *likeStore)) storeMutant {
	return storeMutant{name, rule, func() auth.UserStore {
		l := &likeStore{MemoryStore: auth.NewMemoryStore()}
		defect(l)
		return l
	}}
}

func like(s, pattern string) bool {
	switch {
	case pattern == "":
		return s == ""
	case pattern[0] == '%':
		return like(s, pattern[1:]) || s != "" && like(s[1:], pattern)
	default:
		return s != "" && (pattern[0] == '_' || pattern[0] == s[0]) && like(s[1:], pattern[1:])
	}
}

func (l *likeStore) CreateUser(ctx context.Context, r auth.UserRecord) (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.users = append(l.users, r)
	return l.MemoryStore.CreateUser(ctx, r)
}

func (l *likeStore) UserByEmail(ctx context.Context, key string) (auth.UserRecord, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.users {
		if l.lookups && like(r.EmailKey, key) {
			key = r.EmailKey
		}
	}
	return l.MemoryStore.UserByEmail(ctx, key)
}

func (l *likeStore) UserByID(ctx context.Context, id string) (auth.UserRecord, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.users {
		if l.lookups && like(r.ID, id) {
			id = r.ID
		}
	}
	return l.MemoryStore.UserByID(ctx, id)
}

func (l *likeStore) UpdateUser(ctx context.Context, u auth.UserUpdate) error {
	if r, err := l.MemoryStore.UserByID(ctx, u.ID); l.hashes && err == nil && u.IfPasswordHash != nil && like(r.PasswordHash, *u.IfPasswordHash) {
		u.IfPasswordHash = nil
	}
	return l.MemoryStore.UpdateUser(ctx, u)
}
