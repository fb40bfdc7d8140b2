package auth

import (
	"context"
	"errors"

	"github.com/seed89488a0c/auth/internal/refresh"
)

// Logout ends the session of a refresh token, whether the token is the current
// one or not. Of a session that has ended it is no error; what is no refresh token
// is [ErrInvalidToken].
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
	n, err := a.deleteSessions(ctx, SessionFilter{ID: sessionID, UserID: userID})
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
	kept := a.keepSession(ctx, user, keep)
	a.emit(ctx, Event{Kind: "sessions_ended", UserID: userID, SessionID: kept})
	return nil
}

// keepSession follows a write that ended all sessions of a user, which was as given
// before it: it moves the one to keep up to the new epoch.
func (a *Authenticator) keepSession(ctx context.Context, before UserRecord, keep string) (kept string) {
	if a.sessions != nil && keep != "" {
		next := before.Epoch + 1
		err := a.touch(ctx, keep, func(s SessionRecord) (SessionUpdate, bool) {
			return SessionUpdate{Epoch: &next}, s.UserID == before.ID && s.Epoch == before.Epoch
		})
		if err != nil {
			keep = ""
		}
	}
	a.deleteEnded(ctx, before.ID, before.Epoch+1)
	return keep
}

// deleteEnded deletes sessions that have ended with their user or, if epoch is not 0,
// by it: those below it. Rows that stay are nobody's all the same.
func (a *Authenticator) deleteEnded(ctx context.Context, userID string, epoch uint64) {
	if a.sessions != nil {
		_, _ = a.deleteSessions(ctx, SessionFilter{UserID: userID, BeforeEpoch: epoch})
		a.known.Forget(userID) // also where another replica has removed the rows
	}
}

// deleteSessions deletes sessions from the store, and from what is known.
func (a *Authenticator) deleteSessions(ctx context.Context, f SessionFilter) (int, error) {
	n, err := a.sessions.DeleteSessions(ctx, f)
	if n > 0 || err != nil {
		a.known.Forget(f.UserID)
	}
	if err != nil {
		return 0, storeError("delete sessions", err)
	}
	return n, nil
}

// DeleteExpiredSessions deletes up to limit sessions whose time is over and
// returns how many: for a job that runs now and then, with a limit of a thousand,
// until it returns less.
func (a *Authenticator) DeleteExpiredSessions(ctx context.Context, limit int) (int, error) {
	if a.sessions == nil || limit <= 0 {
		return 0, nil
	}
	return a.deleteSessions(ctx, SessionFilter{ExpiredBy: currentTime(), Limit: limit})
}
