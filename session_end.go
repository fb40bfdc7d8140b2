package auth

import (
	"context"
	"errors"

	"github.com/seed89488a0c/auth/internal/refresh"
)

// Logout ends the session of a refresh token, whether the token is the current
// one or not. Of a session that has ended it is no error.
func (a *Authenticator) Logout(ctx context.Context, refreshToken string) error {
	t, ok := refresh.Parse(refreshToken)
	if !ok || a.sessions == nil {
		return ErrInvalidToken
	}
	s, err := a.sessions.SessionByID(ctx, t.SessionID())
	if errors.Is(err, ErrSessionNotFound) || err == nil && !refresh.Equal(s.Family, t.Family()) {
		return nil
	}
	if err != nil {
		return storeError("session by id", err)
	}
	return a.EndSession(ctx, s.UserID, s.ID)
}

// EndSession ends one session of a user. Where there is none it is no error.
func (a *Authenticator) EndSession(ctx context.Context, userID, sessionID string) error {
	if a.sessions == nil || userID == "" || sessionID == "" {
		return nil
	}
	n, err := a.endSessions(ctx, SessionFilter{ID: sessionID, UserID: userID})
	if n > 0 { // else the ID may be any text
		a.emit(ctx, Event{Kind: "session_ended", UserID: userID, SessionID: sessionID})
	}
	return err
}

// EndSessions ends all sessions of a user but keep, which may be "". They end by
// one write to the user; that their rows go too is housekeeping. If the one to keep
// cannot be kept, as where two do this at once, it ends as well. Errors:
// [ErrUserNotFound].
func (a *Authenticator) EndSessions(ctx context.Context, userID, keep string) error {
	user, err := a.userByID(ctx, userID)
	if err != nil {
		return err
	}
	if err := a.update(ctx, UserUpdate{ID: userID, EndSessions: true}); err != nil {
		return err
	}
	kept := a.endOthers(ctx, user, keep)
	a.emit(ctx, Event{Kind: "sessions_ended", UserID: userID, SessionID: kept})
	return nil
}

// endOthers follows a write that ended all sessions of a user, which was as given
// before it: it moves the one to keep up to the new epoch.
func (a *Authenticator) endOthers(ctx context.Context, before UserRecord, keep string) (kept string) {
	if a.sessions != nil && keep != "" {
		next := before.Epoch + 1
		err := a.touch(ctx, keep, func(s SessionRecord) (SessionUpdate, bool) {
			return SessionUpdate{Epoch: &next}, s.UserID == before.ID && s.Epoch == before.Epoch
		})
		if err != nil {
			keep = ""
		}
	}
	a.dropSessions(ctx, before.ID, before.Epoch+1)
	return keep
}

// dropSessions removes sessions that have ended with their user, or by his epoch, if
// that is not 0, below which they are: where it fails they are nobody's all the same.
func (a *Authenticator) dropSessions(ctx context.Context, userID string, epoch uint64) {
	if a.sessions != nil {
		_, _ = a.endSessions(ctx, SessionFilter{UserID: userID, BeforeEpoch: epoch})
		a.known.Forget(userID) // also where another replica has removed the rows
	}
}

// touch changes a session that others may be refreshing, if change says that it is
// the right one. ErrInvalidToken means that it is not, or has ended.
func (a *Authenticator) touch(ctx context.Context, id string, change func(SessionRecord) (SessionUpdate, bool)) error {
	for range sessionTries {
		s, err := a.sessions.SessionByID(ctx, id)
		if errors.Is(err, ErrSessionNotFound) {
			return ErrInvalidToken
		}
		if err != nil {
			return storeError("session by id", err)
		}
		now := currentTime()
		u, right := change(s)
		if !right || !now.Before(s.IdleUntil) || !now.Before(s.ExpiresAt) {
			return ErrInvalidToken
		}
		u.ID, u.IfFamily, u.IfToken, u.At = s.ID, s.Family, s.Token, now
		if err := a.sessions.UpdateSession(ctx, u); !errors.Is(err, ErrConflict) {
			if err != nil {
				err = storeError("update session", err)
			}
			return err
		}
	}
	return &StoreError{Op: "update session", Code: codeConflicts}
}

// endSessions removes sessions of a user from the store, and from what is known,
// and returns how many.
func (a *Authenticator) endSessions(ctx context.Context, f SessionFilter) (int, error) {
	n, err := a.sessions.DeleteSessions(ctx, f)
	if n > 0 || err != nil {
		a.known.Forget(f.UserID)
	}
	if err != nil {
		return 0, storeError("delete sessions", err)
	}
	return n, nil
}

// DeleteExpiredSessions removes up to limit sessions whose time is over and
// returns how many: for a job that runs now and then, with a limit of a thousand,
// until it returns less.
func (a *Authenticator) DeleteExpiredSessions(ctx context.Context, limit int) (int, error) {
	if a.sessions == nil || limit <= 0 {
		return 0, nil
	}
	n, err := a.sessions.DeleteSessions(ctx, SessionFilter{ExpiredBy: currentTime(), Limit: limit})
	if err != nil {
		return 0, storeError("delete sessions", err)
	}
	return n, nil
}
