// Package hashgate limits how many passwords are hashed at once, and with how
// much memory.
package hashgate

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"sync"

	"github.com/seed89488a0c/auth/internal/fault"
)

// WaitersPerSlot bounds the queue of hashes: at the 20 ms that one takes by default it
// is worth two and a half seconds, which is as long as people wait.
const WaitersPerSlot = 128

// largeShare is by how much of the budget a hash is large: of smaller ones so many run
// or wait to be collected that a piece more is no great share of what they take.
const largeShare = 4

// Gate admits hashes one after another, so that they neither outnumber the
// processors nor outgrow a budget of memory. It is fair: those of one [Turn] are
// admitted as they came, and turns one after another, however much they need. It is
// safe for concurrent use.
//
// Each hash allocates its memory anew, and leaves it to the collector, which may
// let the heap double first, and falls behind where processors are scarce. So
// what has ended counts until it has been collected, and the collector is called
// when that stands in the way: in a process of ordinary size once in a while.
//
// The collector keeps what it freed, for the next hash. That one needs as large a piece:
// where a small thing was put into it meanwhile, another piece is taken elsewhere, and
// the process has both. So hashes that are large beside the budget count until their
// memory was given back to the system.
type Gate struct {
	slots  int   // hashes that may run at once
	budget int64 // bytes that hashes may hold, dead or alive

	mu      sync.Mutex
	running []int64 // bytes of each that runs
	queue   queue

	// What ended, by the number of collections then: in the present one, in the
	// one before, and before the one that collect is waiting for.
	young, old, dying int64
	large             int64 // of hashes that are: until they were given back
	cycle             uint64
	collecting        bool
}

// New returns a gate for so many hashes at once, at least one, within a budget of
// bytes. Up to [WaitersPerSlot] times as many strangers wait, and as many who are known.
func New(slots int, budget int64) *Gate {
	return &Gate{slots: slots, budget: budget, queue: queue{most: WaitersPerSlot * slots}}
}

// ForCalls returns a gate for so many calls of another kind at once, which take no
// memory: their bytes are 0. So many strangers wait, and as many who are known.
func ForCalls(slots, waiters int) *Gate { return &Gate{slots: slots, queue: queue{most: waiters}} }

// Holds reports whether a hash of so many bytes can ever be admitted.
func (g *Gate) Holds(bytes int64) bool { return bytes <= g.budget }

// Budget returns the bytes that hashes may hold.
func (g *Gate) Budget() int64 { return g.budget }

// Acquire waits until a hash of so many bytes, which the gate holds, may run;
// [Gate.Release] ends it. The context ends the waiting alone: who need not wait is
// admitted whatever it says, and nobody can stop a hash half-way. The error is
// [fault.ErrOverloaded], also for the last of those of one turn who have to make room for
// others, and matches the context's where that ended the waiting; beside one nothing is to
// be released.
func (g *Gate) Acquire(ctx context.Context, t Turn, bytes int64) error {
	g.mu.Lock()
	if g.enter(bytes) {
		g.mu.Unlock()
		return nil
	}
	w := &waiter{bytes: bytes, done: make(chan struct{})}
	gone, ok := g.queue.push(t, w)
	if !ok {
		g.mu.Unlock()
		return fault.ErrOverloaded
	}
	if gone != nil {
		gone.err = fault.ErrOverloaded
		close(gone.done)
	}
	g.mu.Unlock()
	g.collect()
	select {
	case <-w.done:
		return w.err
	case <-ctx.Done():
	}
	g.mu.Lock()
	select {
	case <-w.done:
		if w.err == nil {
			g.remove(bytes) // it never ran: there is nothing to collect
		}
	default:
		g.queue.remove(w)
	}
	g.admit()
	g.mu.Unlock()
	g.collect()
	return fmt.Errorf("%w: %w", fault.ErrOverloaded, ctx.Err())
}

// TryAcquire admits a hash if it need not wait for another.
func (g *Gate) TryAcquire(bytes int64) bool {
	g.mu.Lock()
	entered := g.enter(bytes)
	if entered || g.queue.len() > 0 || g.collecting || !g.waitsForTheDead(bytes) {
		g.mu.Unlock()
		return entered
	}
	g.sweep()
	g.admit() // who came meanwhile goes first
	entered = g.enter(bytes)
	g.mu.Unlock()
	g.collect()
	return entered
}

// Release ends a hash that was admitted with so many bytes.
func (g *Gate) Release(bytes int64) {
	g.mu.Lock()
	g.leave(bytes)
	g.admit()
	g.mu.Unlock()
	g.collect()
}

// Do runs f, which takes so many bytes, when the gate lets it in, however long that
// takes.
func Do[T any](g *Gate, bytes int64, f func() (T, error)) (T, error) {
	if err := g.Acquire(context.Background(), Turn{}, bytes); err != nil {
		return *new(T), err
	}
	defer g.Release(bytes)
	return f()
}

func (g *Gate) enter(bytes int64) bool {
	g.observe()
	if g.queue.len() > 0 || len(g.running) >= g.slots || g.alive()+g.dead()+bytes > g.budget {
		return false
	}
	g.running = append(g.running, bytes)
	return true
}

func (g *Gate) leave(bytes int64) {
	g.observe()
	g.remove(bytes)
	if bytes > g.budget/largeShare {
		g.large += bytes
	} else {
		g.young += bytes
	}
}

func (g *Gate) remove(bytes int64) {
	i := slices.Index(g.running, bytes)
	g.running = slices.Delete(g.running, i, i+1)
}

// admit lets in who is next in the queue, as long as there is room.
func (g *Gate) admit() {
	g.observe()
	for w := g.queue.first(); w != nil; w = g.queue.first() {
		if len(g.running) >= g.slots || g.alive()+g.dead()+w.bytes > g.budget {
			return
		}
		g.queue.pop()
		g.running = append(g.running, w.bytes)
		close(w.done)
	}
}

// collect calls the collector if who is first in the queue waits for nothing
// else.
func (g *Gate) collect() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.admit() // the dead may have been collected since the queue was looked at
	for w := g.queue.first(); w != nil && !g.collecting && g.waitsForTheDead(w.bytes); w = g.queue.first() {
		g.sweep()
		g.admit()
	}
}

// waitsForTheDead reports whether only what has ended keeps a hash of this size
// from running.
func (g *Gate) waitsForTheDead(bytes int64) bool {
	free := g.budget - g.alive() - bytes
	return len(g.running) < g.slots && 0 <= free && free < g.dead()
}

// sweep has all that is dead collected. Others go on meanwhile.
func (g *Gate) sweep() {
	g.collecting = true
	collect := runtime.GC // returns when all is swept
	if g.large > 0 {
		collect = debug.FreeOSMemory // when it was given back too
	}
	g.dying, g.old, g.young, g.large = g.dead(), 0, 0, 0
	g.mu.Unlock()
	collect()
	g.mu.Lock()
	g.dying, g.collecting = 0, false
}

// observe notes collections that have ended by themselves. One that was under
// way when a hash ended need not have freed it; the next one has.
func (g *Gate) observe() {
	sample := []metrics.Sample{{Name: "/gc/cycles/total:gc-cycles"}}
	metrics.Read(sample)
	switch now := sample[0].Value.Uint64(); now - g.cycle {
	case 0:
		return
	case 1:
		g.cycle, g.old, g.young = now, g.young, 0
	default:
		g.cycle, g.old, g.young = now, 0, 0
	}
}

func (g *Gate) alive() int64 {
	var sum int64
	for _, n := range g.running {
		sum += n
	}
	return sum
}

func (g *Gate) dead() int64 { return g.dying + g.old + g.young + g.large }
