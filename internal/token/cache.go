package token

import (
	"hash/maphash"
	"sync/atomic"
)

const (
	defaultCache = 1024
	maxCache     = 1 << 20

	// maxCached is the size in bytes of the largest token that a cache keeps.
	// With its claims beside it, each takes at most 6 KiB, as where all of them have escapes.
	maxCached = 2048

	// ways is how many places a token may have.
	ways = 4
)

// cache remembers tokens whose signature was good, a bounded number of them. A
// place is found by a hash that nobody outside can predict; whether the token is
// the same is decided by all of its bytes. It is safe for concurrent use, and
// nobody waits for anybody.
type cache struct {
	seed   maphash.Seed
	places []atomic.Pointer[cached]
	victim atomic.Uint32
}

// cached is a token that satisfied everything but the time, and what with.
type cached struct {
	token  string
	key    Key
	claims claims
}

// newCache returns a cache of about that many tokens; nil keeps none.
func newCache(tokens int) *cache {
	if tokens <= 0 {
		return nil
	}
	sets := 1
	for sets*ways < tokens {
		sets *= 2
	}
	return &cache{seed: maphash.MakeSeed(), places: make([]atomic.Pointer[cached], sets*ways)}
}

// set returns the places that a token may have.
func (c *cache) set(token string) []atomic.Pointer[cached] {
	first := int(maphash.String(c.seed, token)) & (len(c.places) - 1) &^ (ways - 1)
	return c.places[first : first+ways]
}

// get returns what is known of a token, or nil.
func (c *cache) get(token string) *cached {
	if c == nil || len(token) > maxCached {
		return nil
	}
	places := c.set(token)
	for i := range places {
		if e := places[i].Load(); e != nil && e.token == token {
			return e
		}
	}
	return nil
}

// put remembers a token, in the place of another if none is free.
func (c *cache) put(e *cached) {
	if c == nil || len(e.token) > maxCached {
		return
	}
	places := c.set(e.token)
	for i := range places {
		if old := places[i].Load(); old == nil || old.token == e.token {
			places[i].Store(e)
			return
		}
	}
	places[c.victim.Add(1)%ways].Store(e)
}
