package throttle_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed89488a0c/auth/internal/memory"
	"github.com/seed89488a0c/auth/internal/row"
	"github.com/seed89488a0c/auth/internal/throttle"
)

// behind is a store as a process sees it whose clock is so much ahead of this one's.
type behind struct {
	*memory.Store
	ahead time.Duration
}

func (s behind) shift(r row.AttemptRecord) row.AttemptRecord {
	r.At, r.ExpiresAt = r.At.Add(s.ahead), r.ExpiresAt.Add(s.ahead)
	return r
}

func (s behind) Attempts(ctx context.Context, keys []row.AttemptKey) ([]row.AttemptRecord, error) {
	list, err := s.Store.Attempts(ctx, keys)
	for i, r := range list {
		list[i] = behind{ahead: -s.ahead}.shift(r)
	}
	return list, err
}

func (s behind) CountAttempts(ctx context.Context, now time.Time, counts []row.AttemptRecord) error {
	shifted := make([]row.AttemptRecord, len(counts))
	for i, r := range counts {
		shifted[i] = s.shift(r)
	}
	return s.Store.CountAttempts(ctx, now.Add(s.ahead), shifted)
}

func (s behind) ReserveAttempt(ctx context.Context, r row.AttemptReservation) error {
	r.AttemptRecord, r.Before, r.Now = s.shift(r.AttemptRecord), s.shift(r.Before), r.Now.Add(s.ahead)
	if !r.NotAfter.IsZero() {
		r.NotAfter = r.NotAfter.Add(s.ahead)
	}
	return s.Store.ReserveAttempt(ctx, r)
}

// Clocks that differ by 90 seconds, or that were a year wrong, change how long is waited,
// and no count: what stops, stops, and nobody waits for a time that will not come.
func TestClocks(t *testing.T) {
	const year = 365 * 24 * time.Hour
	for name, ahead := range map[string]time.Duration{
		"90 seconds ahead": 90 * time.Second, "90 seconds behind": -90 * time.Second,
		"a year ahead": year, "a year behind": -year, "an hour ahead": time.Hour,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := &memory.Store{}
				right, wrong := newLimiter(t, store, throttle.Config{}), newLimiter(t, behind{store, ahead}, throttle.Config{})
				mallory := from("203.0.113.9")
				checked := 0
				for range 60 * 24 { // a day
					for _, l := range []*throttle.Limiter{wrong, right} {
						if _, refused := fails(t, l, ada, mallory); refused == nil {
							checked++
						}
					}
					time.Sleep(time.Minute)
				}
				// A process whose clock is behind by more than a counter lives has counters
				// of its own: all others begin anew.
				if most := map[bool]int{false: 12, true: 41}[ahead <= -year || ahead >= time.Hour]; checked < 10 || checked > most {
					t.Errorf("%d were checked in a day, want 10 to %d", checked, most)
				}
				time.Sleep(30 * 24 * time.Hour)
				if refused := succeeds(t, right, ada, from("192.0.2.1")); refused != nil {
					t.Errorf("a month later the owner is refused: %+v", refused)
				}
			})
		})
	}
}
