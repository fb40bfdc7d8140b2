// Package recent remembers what was found out about keys of owners, in bounded
// memory.
package recent

import (
	"hash/maphash"
	"strings"
	"sync/atomic"
)

// Table remembers a value for each of some keys, and forgets them by owner. A key
// has one place, by a hash that nobody outside can predict, which it may lose to
// another. It is safe for concurrent use, and nobody waits for anybody.
type Table[V any] struct {
	seed   maphash.Seed
	forgot atomic.Uint64 // how often Forget was called
	places []atomic.Pointer[entry[V]]
}

type entry[V any] struct {
	key, owner string
	value      V
}

// New returns a table of so many places, at least one.
func New[V any](places int) *Table[V] {
	return &Table[V]{seed: maphash.MakeSeed(), places: make([]atomic.Pointer[entry[V]], places)}
}

func (t *Table[V]) place(key string) *atomic.Pointer[entry[V]] {
	return &t.places[maphash.String(t.seed, key)%uint64(len(t.places))]
}

// Get returns the value of an owner's key, the zero V if none is remembered.
func (t *Table[V]) Get(key, owner string) (value V) {
	if e := t.place(key).Load(); e != nil && e.key == key && e.owner == owner {
		value = e.value
	}
	return value
}

// Moment returns what [Table.Put] is told of when a value began to be found out.
func (t *Table[V]) Moment() uint64 { return t.forgot.Load() }

// Put remembers a value that was found out since a moment. If Forget was called
// meanwhile, for any owner, it does so for an instant only: the value may be what
// was to be forgotten. Key and owner are copied, since they may be pieces of
// something large.
func (t *Table[V]) Put(key, owner string, value V, since uint64) {
	e, place := &entry[V]{strings.Clone(key), strings.Clone(owner), value}, t.place(key)
	place.Store(e)
	if t.forgot.Load() != since { // after the Store, so that either sees the other
		place.CompareAndSwap(e, nil)
	}
}

// ForgetKey forgets a key, whoever owns it.
func (t *Table[V]) ForgetKey(key string) {
	if t == nil {
		return
	}
	t.forgot.Add(1)
	if e := t.place(key).Load(); e != nil && e.key == key {
		t.place(key).CompareAndSwap(e, nil)
	}
}

// Forget forgets all that is remembered of an owner. It looks at every place. A nil
// Table has nothing to forget.
func (t *Table[V]) Forget(owner string) {
	if t == nil {
		return
	}
	t.forgot.Add(1)
	for i := range t.places {
		if e := t.places[i].Load(); e != nil && e.owner == owner {
			t.places[i].CompareAndSwap(e, nil)
		}
	}
}
