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

// refused remembers for a moment which keys have refused, so that who goes on trying costs
// no statement.
type refused struct {
	mu   sync.Mutex
	keys map[row.AttemptKey]refusal
}

type refusal struct {
	verdict
	everybody bool      // not strangers alone
	at        time.Time // when it was found out
}

// of returns what one of these keys has said a moment ago.
func (r *refused) of(keys []row.AttemptKey, stranger bool, now time.Time) verdict {
	r.mu.Lock()
	defer r.mu.Unlock()
	var worst verdict
	for _, key := range keys {
		known, ok := r.keys[key]
		if !ok || !stranger && !known.everybody {
			continue
		}
		gone := now.Sub(known.at)
		if gone < 0 || gone >= rememberFor || !known.stopped && gone >= known.wait {
			delete(r.keys, key)
			continue
		}
		known.wait = max(0, known.wait-gone)
		worst = worse(worst, known.verdict)
	}
	return worst
}

// worse returns the one that lasts longer.
func worse(a, b verdict) verdict {
	return verdict{wait: max(a.wait, b.wait), stopped: a.stopped || b.stopped}
}

func (r *refused) put(key row.AttemptKey, known refusal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.keys == nil || len(r.keys) >= remembered {
		r.keys = map[row.AttemptKey]refusal{}
	}
	r.keys[key] = known
}

// forget forgets what is remembered of an account.
func (r *refused) forget(account [16]byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for key := range r.keys {
		if [16]byte(key[:16]) == account {
			delete(r.keys, key)
		}
	}
}
