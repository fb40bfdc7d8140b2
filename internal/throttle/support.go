package throttle

import (
	"context"
	"time"

	"github.com/seed89488a0c/auth/internal/row"
)

// State is that of an account.
type State struct {
	Failures   int           // one after another, whoever failed
	Wait       time.Duration // of strangers; 0 = they have none
	Stopped    bool          // strangers are
	AllStopped bool          // everybody is

	NetworkSlowed bool // strangers of the client's network are, where there is a client
}

// State returns that of an account. A nil Limiter knows nothing.
func (l *Limiter) State(ctx context.Context, typed string) (State, error) {
	if l == nil {
		return State{}, nil
	}
	key := join(l.Keys.account(typed), [16]byte{})
	records, err := l.Store.Attempts(ctx, []row.AttemptKey{key})
	var s State
	for _, c := range records {
		now := now()
		c = live(c, now)
		v := account.strangers(c, now)
		s = State{Failures: int(c.Count), Wait: v.wait, Stopped: v.stopped, AllStopped: c.Count >= stopEverybody}
	}
	return s, err
}

// Clear forgets all that is counted of an account. A nil Limiter has nothing to forget.
func (l *Limiter) Clear(ctx context.Context, typed string) error {
	if l == nil {
		return nil
	}
	half := l.Keys.account(typed)
	defer l.refused.forget(half)
	for n := row.MaxRemoved; n == row.MaxRemoved; {
		var err error
		if n, err = l.Store.DeleteAttempts(ctx, row.AttemptFilter{Account: half}); err != nil {
			return err
		}
	}
	return nil
}
