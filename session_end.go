package auth

import (
	"context"
	"errors"

	"github.com/seed89488a0c/auth/internal/refresh"
)

// Logout ends the session of a refresh token, whether the token is the current
// one or not, by one write. Of a session that has ended it is no error, nor of one that a
// step-up has replaced, though the new one goes on; what is no
// refresh token is [ErrInvalidToken]. Without [Options.Sessions] it is an error of its
// own, as from everything that is of no use without them: see
// [Authenticator.HasSessions].
func (a *Authenticator) Logout(ctx context.Context, refreshToken string) (err error) {
	ctx, call := a.begin(ctx, "logout", Client{})
	defer a.report(ctx, call, &err)
	if a.sessions == nil {
		return errNoSessions
	}
	t, ok := refresh.Parse(refreshToken)
	if !ok {
		return ErrInvalidToken
	}
	call.sessionID = t.SessionID()
	s, _ := a.sessions.SessionByID(ctx, t.SessionID()) // only to say whose it was
	return a.endSession(ctx, s.UserID, SessionFilter{ID: t.SessionID(), Family: t.Family()})
}

// EndSession ends one session of a user. Where there is none it is no error.
func (a *Authenticator) EndSession(ctx context.Context, userID, sessionID string) (err error) {
	ctx, call := a.begin(ctx, "end_session", Client{})
	defer a.report(ctx, call, &err)
	call.userID = userID
	if a.sessions == nil {
		return errNoSessions
	}
	if userID == "" || sessionID == "" {
		return nil
	}
	return a.endSession(ctx, userID, SessionFilter{ID: sessionID, UserID: userID})
}

func (a *Authenticator) endSession(ctx context.Context, userID string, f SessionFilter) error {
	n, err := a.deleteSessions(ctx, f)
	if n > 0 { // else the ID may be any text
		a.emit(ctx, Event{Kind: "session_ended", UserID: userID, SessionID: f.ID})
	}
	return err
}

// EndSessions ends all sessions of a user by one write to the user; that their rows
// go too is housekeeping. To keep the caller's own, [Authenticator.Reauthenticate]
// has EndOthers, which takes the password (ASVS 5.0 7.5.2). Errors: [ErrUserNotFound].
func (a *Authenticator) EndSessions(ctx context.Context, userID string) (err error) {
	ctx, call := a.begin(ctx, "end_sessions", Client{})
	defer a.report(ctx, call, &err)
	call.userID = userID
	if a.sessions == nil {
		return errNoSessions
	}
	if err := a.endAll(ctx, UserUpdate{ID: userID}); err != nil {
		return err
	}
	a.emit(ctx, Event{Kind: "sessions_ended", UserID: userID})
	return nil
}

// endAll changes a user and ends all sessions, by one write.
func (a *Authenticator) endAll(ctx context.Context, u UserUpdate) error {
	before, readErr := a.store.UserByID(ctx, u.ID) // only to say which rows have ended
	u.RaiseEpoch = epochStep()
	err := a.update(ctx, u)
	switch {
	case err == nil && readErr == nil:
		a.deleteEnded(ctx, u.ID, before.Epoch+u.RaiseEpoch)
	case !errors.Is(err, ErrUserNotFound):
		a.known.Forget(u.ID)
	}
	return err
}

// maxEnding is how many rows one ending removes; what it leaves is nobody's, and is
// swept by DeleteExpired.
const maxEnding = 1000

// deleteEnded deletes sessions that have ended with their user or, if epoch is not 0,
// by it: those below it. Rows that stay are nobody's all the same.
func (a *Authenticator) deleteEnded(ctx context.Context, userID string, epoch uint64) {
	if a.sessions != nil {
		_, _ = a.deleteSessions(ctx, SessionFilter{UserID: userID, BeforeEpoch: epoch, Limit: maxEnding})
		a.known.Forget(userID) // also where another replica has removed the rows
	}
}

// deleteSessions deletes sessions from the store, and from what is known.
func (a *Authenticator) deleteSessions(ctx context.Context, f SessionFilter) (int, error) {
	n, err := a.sessions.DeleteSessions(ctx, f)
	switch {
	case n == 0 && err == nil:
	case f.ID != "":
		a.known.ForgetKey(f.ID)
	default:
		a.known.Forget(f.UserID)
	}
	if err != nil {
		return 0, storeError("delete sessions", err)
	}
	return n, nil
}

// DeleteExpired deletes up to limit rows that are of no use any more, and returns how
// many: counters of [Options.Throttle] that have expired, and sessions whose ExpiresAt or IdleUntil is past, as they are stored, and sessions that
// have ended otherwise and whose rows were left behind, as by an outage during
// [Authenticator.DeleteUser]. That is where one [MemoryStore] or [MySQLStore] keeps users
// and sessions; in other stores all go when they expire.
//
// It is for a job that runs now and then, in any number of replicas, with a limit of
// 100,000: if it returns as much, there may be more. A statement deletes a thousand rows at
// most, so that nobody waits for it. What has not expired it finds by reading all rows
// once, without a lock. When ctx ends it stops. Where that or the limit cut it short, the
// next call in the same process goes on. Beside an error it returns 0, and what it has
// deleted is gone. A limit of 0 or less deletes nothing. Errors: a [*StoreError].
func (a *Authenticator) DeleteExpired(ctx context.Context, limit int) (done int, err error) {
	ctx, call := a.begin(ctx, "delete_expired", Client{})
	defer a.report(ctx, call, &err)
	now := currentTime()
	if s := storeOfBoth(a.store, a.sessions); s != nil {
		done, err = s.rows.DeleteEndedSessions(ctx, now, limit, a.known.ForgetKey)
		if err != nil {
			return 0, storeError("delete sessions", sessionError(err))
		}
	} else {
		for n := maxEnding; a.sessions != nil && n == maxEnding && done < limit; done += n {
			if n, err = a.deleteSessions(ctx, SessionFilter{ExpiredBy: now, Limit: min(limit-done, maxEnding)}); err != nil {
				return 0, err
			}
		}
	}
	for n := maxEnding; a.throttle != nil && n == maxEnding && done < limit; done += n {
		n, err = a.throttle.Store.DeleteAttempts(ctx, AttemptFilter{ExpiredBy: now, Limit: min(limit-done, maxEnding)})
		if err != nil {
			return 0, storeError("delete attempts", err)
		}
	}
	return done, nil
}
