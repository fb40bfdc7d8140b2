package authtest

import (
	"context"
	"slices"
	"testing"

	"github.com/seed89488a0c/auth"
)

func TestStoreMutants(t *testing.T) {
	suite := func(t *testing.T, newStore func() auth.UserStore) {
		TestUserStore(t, func(*testing.T) auth.UserStore { return newStore() })
	}
	catch(t, suite, func() auth.UserStore { return auth.NewMemoryStore() }, slices.Concat(
		writingMutants(t), changingMutants(t), demandingMutants(t), answeringMutants(), cachingMutants(), comparingMutants(), racingMutants()))
}

type storeMutant = mutant[auth.UserStore]

// The rules that find more than one of them.
const (
	ruleRoundTrip = "what was created is read back, every field"
	ruleLongest   = "fields may be as long as they are promised to be"
	ruleZero      = "zero times and empty strings stay what they are"
	ruleUnknown   = "an unknown ID or key is ErrUserNotFound, whatever it is"
	ruleBytewise  = "keys and IDs are compared byte for byte"
	ruleLastByte  = "keys and IDs are compared to their last byte"
	ruleDuplicate = "a taken key or ID is ErrUserExists, and changes nothing"
	ruleUpdate    = "an update changes its fields and no other"
	ruleUpdateAll = "an update may change every field at once"
	ruleRekey     = "an update may move a user to a new key, which frees the old one"
	ruleTaken     = "an update to a taken key is ErrUserExists if it is as demanded, and changes nothing"
	ruleSwap      = "an update demands the very hash, else it is ErrConflict and changes nothing"
	ruleEpoch     = "an update demands the very epoch, else it is ErrConflict and changes nothing"
	ruleDemand    = "hash and epoch are demanded, alone and together, whatever the update changes"
	ruleConfirm   = "an update of nothing confirms what is demanded"
	ruleTimeless  = "an update without a time leaves UpdatedAt as it is"
	ruleEnd       = "RaiseEpoch is added to Epoch, whatever else the update changes"
	ruleRaise     = "RaiseEpoch may be any amount"
	ruleDelete    = "a deleted user is gone, and the key is free"
	ruleFresh     = "what was read before is read anew after every change"
	ruleContext   = "a context that has ended is recognisable, and nothing is changed"
	ruleSilent    = "errors do not repeat addresses"
)

// wrapped is a memory store with some methods replaced.
type wrapped struct {
	*auth.MemoryStore
	create func(ctx context.Context, r auth.UserRecord) (string, error)
	read   func(ctx context.Context, r auth.UserRecord, err error) (auth.UserRecord, error) // what a lookup returned
	update func(ctx context.Context, u auth.UserUpdate) error
	delete func(ctx context.Context, id string) error
}

func (w *wrapped) CreateUser(ctx context.Context, r auth.UserRecord) (string, error) {
	if w.create != nil {
		return w.create(ctx, r)
	}
	return w.MemoryStore.CreateUser(ctx, r)
}

func (w *wrapped) UserByEmail(ctx context.Context, key string) (auth.UserRecord, error) {
	r, err := w.MemoryStore.UserByEmail(ctx, key)
	if w.read != nil {
		return w.read(ctx, r, err)
	}
	return r, err
}

func (w *wrapped) UserByID(ctx context.Context, id string) (auth.UserRecord, error) {
	r, err := w.MemoryStore.UserByID(ctx, id)
	if w.read != nil {
		return w.read(ctx, r, err)
	}
	return r, err
}

func (w *wrapped) UpdateUser(ctx context.Context, u auth.UserUpdate) error {
	if w.update != nil {
		return w.update(ctx, u)
	}
	return w.MemoryStore.UpdateUser(ctx, u)
}

func (w *wrapped) DeleteUser(ctx context.Context, id string) error {
	if w.delete != nil {
		return w.delete(ctx, id)
	}
	return w.MemoryStore.DeleteUser(ctx, id)
}

// wrap makes a mutant of what defect does to a memory store.
func wrap(name, rule string, defect func(w *wrapped, s *auth.MemoryStore)) storeMutant {
	return storeMutant{name, rule, func() auth.UserStore {
		w := &wrapped{MemoryStore: auth.NewMemoryStore()}
		defect(w, w.MemoryStore)
		return w
	}}
}

// created makes a mutant that changes what is written, read one that changes
// what is read.
func created(name, rule string, f func(r *auth.UserRecord)) storeMutant {
	return wrap(name, rule, func(w *wrapped, s *auth.MemoryStore) {
		w.create = func(ctx context.Context, r auth.UserRecord) (string, error) {
			f(&r)
			return s.CreateUser(ctx, r)
		}
	})
}

func read(name, rule string, f func(r *auth.UserRecord)) storeMutant {
	return wrap(name, rule, func(w *wrapped, _ *auth.MemoryStore) {
		w.read = func(_ context.Context, r auth.UserRecord, err error) (auth.UserRecord, error) {
			if err == nil {
				f(&r)
			}
			return r, err
		}
	})
}
