package auth

import (
	"context"
	"errors"
	"time"

	"github.com/seed89488a0c/auth/internal/token"
)

// knownPlaces is how many sessions are remembered.
const knownPlaces = 1 << 14

// knownSession is what Verify has found out about a session. The zero one is nothing.
type knownSession struct {
	ended bool
	until time.Time // it need not be asked for before
}

// maxEnded is for how long a session that had ended is not asked for again. It may
// only have looked so, from a replica of the database that is behind.
const maxEnded = time.Second

// checkSession reports whether the session of a token still lives, by what is
// known or by asking the store.
func (a *Authenticator) checkSession(ctx context.Context, id Identity) error {
	if id.SessionID == "" {
		return &TokenError{Reason: token.ReasonSession}
	}
	now := time.Now() // with the monotonic clock: one that is set back changes nothing
	known := a.known.Get(id.SessionID, id.UserID)
	if !now.Before(known.until) {
		asked := a.known.Moment(id.SessionID, id.UserID)
		s, _, err := a.livingSession(ctx, id.SessionID)
		switch {
		case err == nil, errors.Is(err, ErrInvalidToken):
		case a.sessionConfig.InsecureFailOpen && ctx.Err() == nil && !known.ended:
			ctx, _ := a.begin(ctx, "verify", Client{})
			a.went(ctx, id.UserID, err)
			return nil
		default:
			return err
		}
		known = knownSession{until: now.Add(a.sessionConfig.Staleness)}
		if err != nil || s.UserID != id.UserID || !now.Before(s.IdleUntil) {
			known = knownSession{ended: true, until: now.Add(min(a.sessionConfig.Staleness, maxEnded))}
		}
		a.known.Put(id.SessionID, id.UserID, known, asked)
	}
	if known.ended {
		return &TokenError{Reason: token.ReasonSession}
	}
	return nil
}
