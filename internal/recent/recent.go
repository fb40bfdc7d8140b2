// Package recent remembers what was found out about keys of owners, in bounded
// memory.
package recent

import (
	"hash/maphash"
	"strings"
	"sync/atomic"
)

// Table remembers a value for each of some keys, and forgets them by owner or by
// key. A key has one place, by a hash that nobody outside can predict, which it may
// lose to another. It is safe for concurrent use, and nobody waits for anybody.
type Table[V any] struct {
	seed   maphash.Seed
	forgot [stripes]atomic.Uint64 // how often something of a stripe was forgotten
	places []atomic.Pointer[entry[V]]
}

// stripes is how many counters there are. Owners and keys share them by hash: what is
// found out about one is dropped in vain if another of its stripe is forgotten at that
// moment.
const stripes = 1024

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

// stripe returns the counter of an owner or a key.
func (t *Table[V]) stripe(name string) *atomic.Uint64 {
	return &t.forgot[maphash.String(t.seed, name)%stripes]
}

// Get returns the value of an owner's key, the zero V if none is remembered.
func (t *Table[V]) Get(key, owner string) (value V) {
	if e := t.place(key).Load(); e != nil && e.key == key && e.owner == owner {
		value = e.value
	}
	return value
}

// Moment returns what [Table.Put] is told of when a value of an owner's key began to
// be found out.
func (t *Table[V]) Moment(key, owner string) uint64 {
	// Neither counter ever falls: the sum is the same only if both are.
	return t.stripe(key).Load() + t.stripe(owner).Load()
}

// Put remembers a value that was found out since a moment. If key or owner was
// forgotten meanwhile, it does so for an instant only: the value may be what was to be
// forgotten. Key and owner are copied, since they may be pieces of something large.
func (t *Table[V]) Put(key, owner string, value V, since uint64) {
	e, place := &entry[V]{strings.Clone(key), strings.Clone(owner), value}, t.place(key)
	place.Store(e)
	if t.Moment(key, owner) != since { // after the Store, so that either sees the other
		place.CompareAndSwap(e, nil)
	}
}

// Forget forgets all that is remembered of an owner. It looks at every place. A nil
// Table has nothing to forget.
func (t *Table[V]) Forget(owner string) {
	if t == nil {
		return
	}
	t.stripe(owner).Add(1)
	for i := range t.places {
		if e := t.places[i].Load(); e != nil && e.owner == owner {
			t.places[i].CompareAndSwap(e, nil)
		}
	}
}

// ForgetKey forgets what is remembered of a key, whoever owns it. It looks at one
// place. A nil Table has nothing to forget.
func (t *Table[V]) ForgetKey(key string) {
	if t == nil {
		return
	}
	t.stripe(key).Add(1)
	place := t.place(key)
	if e := place.Load(); e != nil && e.key == key {
		place.CompareAndSwap(e, nil)
	}
}
