package throttle

import (
	"context"
	"slices"
	"time"

	"github.com/seed89488a0c/auth/internal/row"
)

// Failed counts a wrong password, also if the caller has gone meanwhile. Beside an error it
// may not be counted.
func (p *Pass) Failed(ctx context.Context) ([]Change, error) {
	if p.limiter == nil {
		return nil, nil
	}
	if p.repeat { // which has failed already
		p.Return(ctx)
		return nil, nil
	}
	defer func() { p.reserved = nil }() // which was no reservation in vain
	l, now := p.limiter, now()
	var counts []row.AttemptRecord
	var changes []Change
	count := func(c row.AttemptRecord, expires time.Time, marks map[uint32]Change) {
		if !p.has(c.Key) {
			counts = append(counts, row.AttemptRecord{Key: c.Key, At: now, ExpiresAt: expires})
		}
		if change, ok := marks[c.Count+1]; ok {
			changes = append(changes, change)
		}
	}
	count(p.account, now.Add(accountLife), map[uint32]Change{slowStrangers: AccountSlowed, stopStrangers: AccountStopped, stopEverybody: AllStopped})
	if p.stranger {
		for i, c := range p.pairs {
			r := p.rules[i]
			count(c, now.Add(r.life), map[uint32]Change{r.slowFrom: PairSlowed, r.stopFrom: PairStopped})
		}
		if c := p.network; c.Key != (row.AttemptKey{}) {
			if c.At.Sub(now) < row.MaxAhead-longestWait { // more is as good as that
				counts = append(counts, l.spraying.count(c.Key, now))
			}
			c.At = c.At.Add(l.spraying.step)
			if p.slowed(now).wait == 0 && l.spraying.waits(c, now) > 0 {
				changes = append(changes, NetworkSlowed)
			}
		}
	} else {
		count(p.own, p.ownUntil, map[uint32]Change{MostOwn: OwnSpent})
	}
	if len(counts) == 0 { // all was counted in advance
		return changes, nil
	}
	ctx, cancel := settled(ctx)
	defer cancel()
	if err := l.Store.CountAttempts(ctx, now, counts); err != nil {
		l.uncounted.Store(true)
		return nil, err
	}
	if !p.stranger {
		own := string(p.own.Key[:])
		l.repeated.Put(own, "", p.digest, l.repeated.Moment(own, ""))
	}
	if p.ends && p.own.Count >= reserveFrom && !slices.Contains(changes, OwnSpent) {
		// Others may have failed at the same time, and this was the last.
		records, err := l.Store.Attempts(ctx, []row.AttemptKey{p.own.Key})
		if err != nil {
			return nil, err
		}
		if len(records) > 0 && records[0].Count >= MostOwn {
			changes = append(changes, OwnSpent)
		}
	}
	return changes, nil
}

// Succeeded forgets the failures of the account, and of this client at it. An error leaves
// them.
func (p *Pass) Succeeded(ctx context.Context) error {
	if p.limiter == nil {
		return nil
	}
	counters := append([]row.AttemptRecord{p.account, p.own}, p.pairs...)
	var keys []row.AttemptKey
	for _, c := range counters {
		if c.Count > 0 || p.has(c.Key) {
			keys = append(keys, c.Key)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	ctx, cancel := settled(ctx)
	defer cancel()
	_, err := p.limiter.Store.DeleteAttempts(ctx, row.AttemptFilter{Keys: keys})
	p.limiter.refused.forget([16]byte(p.account.Key[:16]))
	return err
}

// Return takes back what was counted in advance of a try whose outcome is none; of one that
// has failed it does nothing. Where the store fails it stays counted.
func (p *Pass) Return(ctx context.Context) {
	if len(p.reserved) == 0 {
		return
	}
	ctx, cancel := settled(ctx)
	defer cancel()
	for _, r := range p.reserved {
		_ = p.limiter.Store.ReturnAttempt(ctx, r)
	}
	p.reserved = nil
}

// Leave lets the next one try.
func (p *Pass) Leave() {
	if p.leave != nil {
		p.leave()
	}
}

// settleFor is how long a store has to count what was tried already, whoever has gone.
const settleFor = 3 * time.Second

func settled(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), settleFor)
}
