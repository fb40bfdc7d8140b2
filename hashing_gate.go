package auth

import (
	"container/list"
	"context"
	"slices"
	"sync"
)

// waitersPerSlot bounds the queue: at the 20 ms that a hash takes it is worth
// two and a half seconds, which is as long as people wait.
const waitersPerSlot = 128

// hashGate admits hashes one after another, so that they neither outnumber the
// processors nor outgrow a budget of memory. It is fair: who came first is
// admitted first, however much he needs.
type hashGate struct {
	slots  int   // hashes that may run at once
	budget int64 // bytes that the process may grow by

	mu      sync.Mutex
	running []int64   // bytes of each that runs
	queue   list.List // of *hashWaiter
}

type hashWaiter struct {
	bytes    int64
	admitted chan struct{} // is closed
}

// peak returns what the heap can grow to while hashes of these sizes run. Each
// allocates its memory anew, and the collector lets the heap grow to twice what
// lives: those that run, and one that has just ended.
func peak(sizes ...int64) int64 {
	var sum int64
	for _, n := range sizes {
		sum += n
	}
	return 2 * (sum + slices.Max(sizes))
}

// holds reports whether a hash of this size can ever be admitted.
func (g *hashGate) holds(bytes int64) bool { return peak(bytes) <= g.budget }

func (g *hashGate) free(bytes int64) bool {
	return len(g.running) < g.slots && peak(append(g.running, bytes)...) <= g.budget
}

// acquire waits until a hash of this size, which the gate holds, may run. The
// context ends the waiting, never a hash, since nobody can stop one half-way.
func (g *hashGate) acquire(ctx context.Context, bytes int64) error {
	if err := ctx.Err(); err != nil {
		return unavailable("hash password", err)
	}
	g.mu.Lock()
	if g.enter(bytes) {
		g.mu.Unlock()
		return nil
	}
	if g.queue.Len() >= waitersPerSlot*g.slots {
		g.mu.Unlock()
		return ErrOverloaded
	}
	w := &hashWaiter{bytes, make(chan struct{})}
	place := g.queue.PushBack(w)
	g.mu.Unlock()
	select {
	case <-w.admitted:
		return nil
	case <-ctx.Done():
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-w.admitted:
		g.leave(bytes)
	default:
		g.queue.Remove(place)
	}
	g.admit()
	return overloaded(ctx.Err())
}

// tryAcquire admits a hash if it need not wait.
func (g *hashGate) tryAcquire(bytes int64) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.enter(bytes)
}

func (g *hashGate) enter(bytes int64) bool {
	if g.queue.Len() > 0 || !g.free(bytes) {
		return false
	}
	g.running = append(g.running, bytes)
	return true
}

// release ends a hash that was admitted.
func (g *hashGate) release(bytes int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.leave(bytes)
	g.admit()
}

func (g *hashGate) leave(bytes int64) {
	i := slices.Index(g.running, bytes)
	g.running = slices.Delete(g.running, i, i+1)
}

// admit lets in who is first in the queue, as long as there is room.
func (g *hashGate) admit() {
	for first := g.queue.Front(); first != nil; first = g.queue.Front() {
		w := first.Value.(*hashWaiter)
		if !g.free(w.bytes) {
			return
		}
		g.queue.Remove(first)
		g.running = append(g.running, w.bytes)
		close(w.admitted)
	}
}
