package authtest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/seed89488a0c/auth"
)

// shared is a value that goroutines use in turn, so that a mutant has the one
// defect it is for and no data race.
type shared[T any] struct {
	mu    sync.Mutex
	value T
}

func (s *shared[T]) do(f func(value *T)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.value)
}

var errOther = errors.New("some other error")

// answering makes a mutant that gives other answers than the memory store: f
// is called with what that returned, and with the text it was asked about.
func answering(name, rule string, f func(err error, text string) error) storeMutant {
	return wrap(name, rule, func(w *wrapped, s *auth.MemoryStore) {
		w.create = func(ctx context.Context, r auth.UserRecord) (string, error) {
			id, err := s.CreateUser(ctx, r)
			return id, f(err, r.EmailKey)
		}
		w.read = func(_ context.Context, r auth.UserRecord, err error) (auth.UserRecord, error) { return r, f(err, "") }
		w.update = func(ctx context.Context, u auth.UserUpdate) error {
			text := ""
			if u.IfPasswordHash != nil {
				text = *u.IfPasswordHash
			}
			if u.EmailKey != nil {
				text = *u.EmailKey
			}
			return f(s.UpdateUser(ctx, u), text)
		}
		w.delete = func(ctx context.Context, id string) error { return f(s.DeleteUser(ctx, id), id) }
	})
}

// replacing makes a mutant that returns an error instead of another.
func replacing(name, rule string, old, new error) storeMutant {
	return answering(name, rule, func(err error, _ string) error {
		if errors.Is(err, old) {
			return new
		}
		return err
	})
}

// repeating makes a mutant whose errors of one kind contain the text.
func repeating(name string, kind error) storeMutant {
	return answering(name, ruleSilent, func(err error, text string) error {
		if errors.Is(err, kind) {
			return fmt.Errorf("%w: %s", err, text)
		}
		return err
	})
}

// answeringMutants say other things than they did.
func answeringMutants() []storeMutant {
	return []storeMutant{
		replacing("nobody is no error", ruleUnknown, auth.ErrUserNotFound, nil),
		replacing("nobody is some other error", ruleUnknown, auth.ErrUserNotFound, errOther),
		replacing("a duplicate is no error", ruleDuplicate, auth.ErrUserExists, nil),
		replacing("a duplicate is some other error", ruleDuplicate, auth.ErrUserExists, errOther),
		replacing("a taken new key is some other error", ruleTaken, auth.ErrUserExists, errOther),
		replacing("a conflict is no error", ruleSwap, auth.ErrConflict, nil),
		replacing("a conflict is nobody", ruleSwap, auth.ErrConflict, auth.ErrUserNotFound),
		replacing("a canceled context is some other error", ruleContext, context.Canceled, errOther),
		replacing("a late context is some other error", ruleContext, context.DeadlineExceeded, errOther),
		replacing("nobody is what a late context gives", ruleContext, context.DeadlineExceeded, auth.ErrUserNotFound),
		repeating("a duplicate repeats the key", auth.ErrUserExists),
		repeating("a conflict repeats the hash", auth.ErrConflict),
		repeating("an ended context repeats the key", context.Canceled),
		wrap("nobody is a user beside the error", ruleUnknown, func(w *wrapped, _ *auth.MemoryStore) {
			w.read = func(_ context.Context, r auth.UserRecord, err error) (auth.UserRecord, error) {
				if err != nil {
					r.ID = "0"
				}
				return r, err
			}
		}),
		wrap("contexts are ignored", ruleContext, func(w *wrapped, s *auth.MemoryStore) {
			w.create = func(ctx context.Context, r auth.UserRecord) (string, error) {
				return s.CreateUser(context.WithoutCancel(ctx), r)
			}
			w.update = func(ctx context.Context, u auth.UserUpdate) error {
				return s.UpdateUser(context.WithoutCancel(ctx), u)
			}
			w.delete = func(ctx context.Context, id string) error { return s.DeleteUser(context.WithoutCancel(ctx), id) }
		}),
		wrap("an ended context stops no update", ruleContext, func(w *wrapped, s *auth.MemoryStore) {
			w.update = func(ctx context.Context, u auth.UserUpdate) error {
				if err := s.UpdateUser(context.WithoutCancel(ctx), u); err != nil {
					return err
				}
				return ctx.Err()
			}
		}),
		wrap("an ended context stops no create", ruleContext, func(w *wrapped, s *auth.MemoryStore) {
			w.create = func(ctx context.Context, r auth.UserRecord) (string, error) {
				id, err := s.CreateUser(context.WithoutCancel(ctx), r)
				if err == nil && ctx.Err() != nil {
					return "", ctx.Err()
				}
				return id, err
			}
		}),
		wrap("a duplicate replaces the user", ruleDuplicate, func(w *wrapped, s *auth.MemoryStore) {
			w.create = func(ctx context.Context, r auth.UserRecord) (string, error) {
				id, err := s.CreateUser(ctx, r)
				if old, _ := s.UserByEmail(ctx, r.EmailKey); err == auth.ErrUserExists && old.ID != "" {
					return old.ID, s.UpdateUser(ctx, auth.UserUpdate{ID: old.ID, At: r.UpdatedAt, PasswordHash: &r.PasswordHash})
				}
				return id, err
			}
		}),
		reserving("an old key stays taken", ruleRekey, true),
		reserving("the key of a deleted user stays taken", ruleDelete, false),
		wrap("the first user is deleted too", ruleDelete, func(w *wrapped, s *auth.MemoryStore) {
			var ids shared[[]string]
			w.create = func(ctx context.Context, r auth.UserRecord) (string, error) {
				ids.do(func(ids *[]string) { *ids = append(*ids, r.ID) })
				return s.CreateUser(ctx, r)
			}
			w.delete = func(ctx context.Context, id string) error {
				err := s.DeleteUser(ctx, id)
				if err == nil {
					ids.do(func(ids *[]string) { s.DeleteUser(ctx, (*ids)[0]) })
				}
				return err
			}
		}),
		wrap("deleting nobody is no error", ruleDelete, func(w *wrapped, s *auth.MemoryStore) {
			w.delete = func(ctx context.Context, id string) error {
				if err := s.DeleteUser(ctx, id); err != auth.ErrUserNotFound {
					return err
				}
				return nil
			}
		}),
		wrap("a deleted user stays", ruleDelete, func(w *wrapped, s *auth.MemoryStore) {
			w.delete = func(ctx context.Context, id string) error { _, err := s.UserByID(ctx, id); return err }
		}),
	}
}

// reserving makes a mutant that does not give a key to a second user, after the
// first moved to another or was deleted.
func reserving(name, rule string, moved bool) storeMutant {
	return wrap(name, rule, func(w *wrapped, s *auth.MemoryStore) {
		var keys shared[map[string]bool]
		keep := func(ctx context.Context, id string) {
			if r, err := s.UserByID(ctx, id); err == nil {
				keys.do(func(keys *map[string]bool) {
					if *keys == nil {
						*keys = map[string]bool{}
					}
					(*keys)[r.EmailKey] = true
				})
			}
		}
		if moved {
			w.update = func(ctx context.Context, u auth.UserUpdate) error {
				if u.EmailKey != nil {
					keep(ctx, u.ID)
				}
				return s.UpdateUser(ctx, u)
			}
		} else {
			w.delete = func(ctx context.Context, id string) error {
				keep(ctx, id)
				return s.DeleteUser(ctx, id)
			}
		}
		w.create = func(ctx context.Context, r auth.UserRecord) (id string, err error) {
			taken := false
			keys.do(func(keys *map[string]bool) { taken = (*keys)[r.EmailKey] })
			if taken {
				return "", auth.ErrUserExists
			}
			return s.CreateUser(ctx, r)
		}
	})
}

// caching is a store that remembers what it read, and forgets it only after
// some changes.
type caching struct {
	*auth.MemoryStore
	byKey, byID shared[map[string]answer]
	keeps       string // what is remembered too long
}

type answer struct {
	user auth.UserRecord
	err  error
}

func cachingMutants() []storeMutant {
	var mutants []storeMutant
	for _, keeps := range []string{"nobody", "what was updated", "what moved to another key", "what was deleted"} {
		mutants = append(mutants, storeMutant{"the cache keeps " + keeps, ruleFresh, func() auth.UserStore {
			return &caching{MemoryStore: auth.NewMemoryStore(), keeps: keeps}
		}})
	}
	return mutants
}

func (c *caching) cached(cache *shared[map[string]answer], text string, read func() (auth.UserRecord, error)) (auth.UserRecord, error) {
	var a answer
	cache.do(func(known *map[string]answer) {
		var ok bool
		if a, ok = (*known)[text]; ok {
			return
		}
		a.user, a.err = read()
		if a.err == nil || c.keeps == "nobody" && a.err == auth.ErrUserNotFound {
			if *known == nil {
				*known = map[string]answer{}
			}
			(*known)[text] = a
		}
	})
	return a.user, a.err
}

func (c *caching) forget() {
	c.byKey.do(func(known *map[string]answer) { *known = nil })
	c.byID.do(func(known *map[string]answer) { *known = nil })
}

func (c *caching) UserByEmail(ctx context.Context, key string) (auth.UserRecord, error) {
	return c.cached(&c.byKey, key, func() (auth.UserRecord, error) { return c.MemoryStore.UserByEmail(ctx, key) })
}

func (c *caching) UserByID(ctx context.Context, id string) (auth.UserRecord, error) {
	return c.cached(&c.byID, id, func() (auth.UserRecord, error) { return c.MemoryStore.UserByID(ctx, id) })
}

func (c *caching) UpdateUser(ctx context.Context, u auth.UserUpdate) error {
	err := c.MemoryStore.UpdateUser(ctx, u)
	if c.keeps != "what was updated" && (c.keeps != "what moved to another key" || u.EmailKey == nil) {
		c.forget()
	}
	return err
}

func (c *caching) DeleteUser(ctx context.Context, id string) error {
	err := c.MemoryStore.DeleteUser(ctx, id)
	if c.keeps != "what was deleted" {
		c.forget()
	}
	return err
}
