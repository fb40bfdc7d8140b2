package throttle

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/seed89488a0c/auth/internal/row"
)

// Register lets a registration in, and counts it. The error is a [*Error] or the store's.
// The function that is returned takes it back.
func (l *Limiter) Register(ctx context.Context, address netip.Addr) (back func(context.Context), err error) {
	in := networksOf(address)
	if l == nil || in.far == "" {
		return func(context.Context) {}, nil
	}
	now := now()
	key := l.Keys.whole("registrations", in.far)
	if v := l.refused.of(key, now); v.refuses() {
		return nil, l.paced(ctx, key, v.refusal())
	}
	settling, cancel := settled(ctx) // it is counted also of who has gone, and taken back
	defer cancel()
	r := row.AttemptReservation{AttemptRecord: l.registering.count(key, now), Now: now, NotAfter: now.Add(l.registering.room())}
	err = l.Store.ReserveAttempt(settling, r)
	if errors.Is(err, row.ErrConflict) {
		return nil, l.refuseRegistration(ctx, key, now)
	}
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) {
		ctx, cancel := settled(ctx)
		defer cancel()
		_ = l.Store.ReturnAttempt(ctx, r)
	}, nil
}

func (l *Limiter) refuseRegistration(ctx context.Context, key row.AttemptKey, now time.Time) error {
	records, err := l.Store.Attempts(ctx, []row.AttemptKey{key})
	if err != nil {
		return err
	}
	v := verdict{wait: time.Second} // where somebody else has just been let in, or out
	for _, c := range records {
		v.wait = max(v.wait, l.registering.waits(c, now))
	}
	l.refused.put(key, v, now)
	return v.refusal()
}
