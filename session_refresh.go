package auth

import (
	"context"
	"errors"
	"time"

	"github.com/seed89488a0c/auth/internal/refresh"
)

// Refresh exchanges a refresh token for new tokens, without a password: one read
// and one write where one store keeps users and sessions. A token can be used
// once. Used again within the grace it is answered with the same successor; used
// later it is [ErrSessionReplayed], and the session ends, since two hold it.
//
// The access token has the issuer's TTL, whatever that of the login was.
//
// Errors: [ErrInvalidToken], which [ErrSessionReplayed] and [ErrExpiredToken]
// match, for a session that has ended, too. After [ErrUnavailable] the same token
// can be used again, within the grace.
func (a *Authenticator) Refresh(ctx context.Context, refreshToken string) (Result, error) {
	t, ok := refresh.Parse(refreshToken)
	if !ok || a.sessions == nil {
		return Result{}, ErrInvalidToken
	}
	wasCurrent := false // at an earlier look
	for range sessionTries {
		result, err := a.refresh(ctx, t, &wasCurrent)
		if errors.Is(err, ErrInvalidToken) && err != ErrSessionReplayed { // which has its own
			a.emit(ctx, Event{Kind: "refresh_refused", SessionID: t.SessionID(), Err: err})
		}
		if !errors.Is(err, ErrConflict) {
			return result, err
		}
	}
	return Result{}, &StoreError{Op: "refresh", Code: codeConflicts}
}

// refresh is one try; ErrConflict means that somebody else was faster. A token that
// was current when this call first looked is no copy, whatever happened since.
func (a *Authenticator) refresh(ctx context.Context, t refresh.Token, wasCurrent *bool) (Result, error) {
	s, user, err := a.livingSession(ctx, t.SessionID())
	if err != nil {
		return Result{}, err
	}
	if !refresh.Equal(s.Family, t.Family()) {
		return Result{}, ErrInvalidToken // who knows the ID only changes nothing
	}
	now := currentTime()
	nonce := s.Nonce
	current := refresh.Equal(s.Token, t.Digest())
	switch {
	case current && !now.Before(s.IdleUntil):
		return Result{}, ErrExpiredToken
	case current:
		*wasCurrent = true
		nonce = refresh.NewNonce()
		s.IdleUntil = a.idleUntil(s, now)
	case *wasCurrent && a.sessionConfig.Grace >= 0:
		if !refresh.Equal(s.Parent, t.Digest()) {
			return Result{}, ErrInvalidToken
		}
	case s.RotatedAt.IsZero(), !refresh.Equal(s.Parent, t.Digest()), a.sessionConfig.Grace < 0, now.Sub(s.RotatedAt) > a.sessionConfig.Grace:
		return Result{}, a.replayed(ctx, s)
	case !now.Before(s.IdleUntil):
		return Result{}, ErrExpiredToken
	}
	next := t.Next(nonce)
	tokens, err := a.issue(ctx, user.User, Subject{SessionID: s.ID, AuthTime: s.AuthTime, AMR: s.AMR})
	if err != nil {
		return Result{}, err
	}
	if current {
		err := a.sessions.UpdateSession(ctx, SessionUpdate{
			ID:       s.ID,
			IfFamily: s.Family,
			IfToken:  s.Token,
			At:       now,
			Rotation: &SessionRotation{Token: next.Digest(), Parent: s.Token, Nonce: nonce, IdleUntil: s.IdleUntil},
		})
		if err != nil {
			return Result{}, storeError("refresh", err, ErrConflict)
		}
		a.emit(ctx, Event{Kind: "refreshed", UserID: user.ID, SessionID: s.ID})
	}
	tokens.Refresh, tokens.RefreshExpiresAt = next.Text(), s.IdleUntil
	return Result{User: user.User, Tokens: tokens}, nil
}

// replayed ends a session of which an old token was shown. A write that changes
// nothing confirms first what was read: a read may come from a replica that is
// behind, and then the token only looks old.
func (a *Authenticator) replayed(ctx context.Context, s SessionRecord) error {
	// In time for it, also where the session is idle.
	err := a.sessions.UpdateSession(ctx, SessionUpdate{ID: s.ID, IfFamily: s.Family, IfToken: s.Token, At: s.IdleUntil.Add(-time.Microsecond)})
	if err != nil {
		return storeError("refresh", err, ErrConflict)
	}
	n, err := a.deleteSessions(ctx, SessionFilter{ID: s.ID, UserID: s.UserID})
	if err != nil {
		return err
	}
	if n > 0 {
		a.emit(ctx, Event{Kind: "session_replayed", UserID: s.UserID, SessionID: s.ID})
	}
	return ErrSessionReplayed
}
