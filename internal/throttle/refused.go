package throttle

import (
	"sync"
	"time"

	"github.com/seed89488a0c/auth/internal/row"
)

const (
	// rememberFor is for how long a refusal is remembered, and then looked up again: another
	// replica may have cleared the counter.
	rememberFor = time.Second

	// remembered is how many refusals are. With more at once the counters are read again,
	// which is only slower.
	remembered = 4096
)

// refused remembers for a moment who was refused, so that whoever goes on trying costs no
// statement.
type refused struct {
	mu  sync.Mutex
	who map[row.AttemptKey]refusal
}

type refusal struct {
	verdict
	at time.Time // when it was found out
}

// of returns what somebody was told a moment ago, as far as it still holds.
func (r *refused) of(who row.AttemptKey, now time.Time) verdict {
	r.mu.Lock()
	defer r.mu.Unlock()
	known, ok := r.who[who]
	if !ok {
		return verdict{}
	}
	gone := now.Sub(known.at)
	if gone < 0 || gone >= rememberFor || !known.stopped && gone >= known.wait {
		delete(r.who, who)
		return verdict{}
	}
	known.wait = max(0, known.wait-gone)
	return known.verdict
}

// worse returns what both refuse, for the longer of their waits.
func worse(a, b verdict) verdict {
	return verdict{wait: max(a.wait, b.wait), stopped: a.stopped || b.stopped}
}

func (r *refused) put(who row.AttemptKey, v verdict, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.who == nil || len(r.who) >= remembered {
		r.who = map[row.AttemptKey]refusal{}
	}
	r.who[who] = refusal{v, now}
}

// forget forgets what is remembered of an account.
func (r *refused) forget(account [16]byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for who := range r.who {
		if [16]byte(who[:16]) == account {
			delete(r.who, who)
		}
	}
}
