package auth

import "context"

// SetHashSlots sets how many hashes may run at once.
func SetHashSlots(a *Authenticator, n int) { a.gate.slots = n }

// HashGate is hashGate, for tests of what only its own timing shows.
type HashGate struct{ gate hashGate }

// NewHashGate returns a gate.
func NewHashGate(slots int, budget int64) *HashGate {
	return &HashGate{hashGate{slots: slots, budget: budget}}
}

// Acquire is acquire.
func (g *HashGate) Acquire(ctx context.Context, bytes int64) error { return g.gate.acquire(ctx, bytes) }

// TryAcquire is tryAcquire.
func (g *HashGate) TryAcquire(bytes int64) bool { return g.gate.tryAcquire(bytes) }

// Release is release.
func (g *HashGate) Release(bytes int64) { g.gate.release(bytes) }
