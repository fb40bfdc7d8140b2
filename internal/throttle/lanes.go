package throttle

import (
	"context"
	"sync"

	"github.com/seed89488a0c/auth/internal/hashgate"
)

const (
	// inFlight is how many tries of strangers at one account run at once in this process,
	// and as many of those who are known: so many can be let in by counters that were read
	// before either was counted.
	inFlight = 2

	// waiting is how many more wait for it, in turn by network.
	waiting = 64
)

// lanes lets the tries at one account in, a few at once. There is one while somebody is in it.
type lanes struct {
	mu sync.Mutex
	of map[laneKey]*lane
}

type laneKey struct {
	account [16]byte
	known   bool // a lane that strangers cannot fill
}

type lane struct {
	gate *hashgate.Gate
	used int // by who runs and who waits
}

// enter waits until the next try may run. The error is that of [hashgate.Gate.Acquire].
func (l *lanes) enter(ctx context.Context, key laneKey, turn hashgate.Turn) (leave func(), err error) {
	l.mu.Lock()
	in := l.of[key]
	if in == nil {
		if l.of == nil {
			l.of = map[laneKey]*lane{}
		}
		in = &lane{gate: hashgate.ForCalls(inFlight, waiting)}
		l.of[key] = in
	}
	in.used++
	l.mu.Unlock()
	out := func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if in.used--; in.used == 0 {
			delete(l.of, key)
		}
	}
	if err := in.gate.Acquire(ctx, turn, 0); err != nil {
		out()
		return nil, err
	}
	return sync.OnceFunc(func() {
		in.gate.Release(0)
		out()
	}), nil
}
