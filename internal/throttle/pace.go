package throttle

import (
	"context"
	"sync"
	"time"

	"github.com/seed89488a0c/auth/internal/row"
)

// How fast refusals of one network are answered. They cost no hash, but a client that sends
// the next try as soon as the last is refused takes the processors from everybody else.
const (
	paceStep  = 50 * time.Millisecond
	paceBurst = 20 * paceStep // as many at once are answered at once
	paceMost  = time.Second   // nobody is held longer

	// With more networks, or more callers who wait, they are answered at once.
	maxNetworks = 4096
	maxHeld     = 1024
)

// pace has the refusals of a network answered one after another.
type pace struct {
	mu   sync.Mutex
	due  map[row.AttemptKey]time.Time // when the next one of a network is, but for a burst
	held int
}

// wait returns when it is time to answer, or the context has ended.
func (p *pace) wait(ctx context.Context, network row.AttemptKey) {
	hold := p.enter(network, time.Now())
	if hold <= 0 {
		return
	}
	timer := time.NewTimer(hold)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held--
}

// enter returns for how long a refusal is held.
func (p *pace) enter(network row.AttemptKey, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.due == nil || len(p.due) >= maxNetworks {
		p.due = map[row.AttemptKey]time.Time{}
	}
	due := p.due[network]
	if due.Before(now) {
		due = now
	}
	hold := min(due.Sub(now)-paceBurst, paceMost)
	if hold > 0 && p.held >= maxHeld {
		return 0
	}
	if hold > 0 {
		p.held++
	}
	if due.Sub(now) < paceBurst+paceMost {
		due = due.Add(paceStep)
	}
	p.due[network] = due
	return hold
}
