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
	n, err := a.endSessions(ctx, SessionFilter{ID: s.ID, UserID: s.UserID})
	if err != nil {
		return err
	}
	if n > 0 {
		a.emit(ctx, Event{Kind: "session_replayed", UserID: s.UserID, SessionID: s.ID})
	}
	return ErrSessionReplayed
}

// A session that is kept when all others end is moved up after its user: who reads
// between the two writes looks again, this often and this much later.
const (
	keptTries = 3
	keptPause = 20 * time.Millisecond
)

// livingSession returns a session that has not ended, other than by being idle,
// and its user.
func (a *Authenticator) livingSession(ctx context.Context, id string) (SessionRecord, UserRecord, error) {
	s, user, err := a.sessionAndUser(ctx, id)
	for try := 0; try < keptTries && err == nil && s.Epoch+1 == user.Epoch; try++ {
		select {
		case <-ctx.Done():
			err = &StoreError{Op: "session by id", Code: "context ended", Context: ctx.Err()}
		case <-time.After(keptPause):
			s, user, err = a.sessionAndUser(ctx, id)
		}
	}
	if err == nil && (s.Epoch != user.Epoch || !user.DisabledAt.IsZero() || !currentTime().Before(s.ExpiresAt)) {
		err = ErrInvalidToken
	}
	if err != nil {
		return SessionRecord{}, UserRecord{}, err
	}
	return s, user, nil
}

// sessionAndUser reads both; ErrInvalidToken means that one is gone.
func (a *Authenticator) sessionAndUser(ctx context.Context, id string) (SessionRecord, UserRecord, error) {
	s, err := a.sessions.SessionByID(ctx, id)
	if errors.Is(err, ErrSessionNotFound) {
		return SessionRecord{}, UserRecord{}, ErrInvalidToken
	}
	if err != nil {
		return SessionRecord{}, UserRecord{}, storeError("session by id", err)
	}
	if s.User != nil && a.oneStore {
		return s, *s.User, nil
	}
	user, err := a.userByID(ctx, s.UserID)
	if errors.Is(err, ErrUserNotFound) {
		err = ErrInvalidToken
	}
	return s, user, err
}

// Reauthentication is what [Authenticator.Reauthenticate] needs.
type Reauthentication struct {
	Identity Identity // of the verified token
	Password Password
}

// Reauthenticate checks the password of a user who is logged in, for what needs a
// fresh login (RFC 9470), and returns a new access token whose auth_time is now.
// The refresh token stays as it is; what it gives from now on is as fresh.
//
// Errors: [ErrInvalidCredentials], [ErrInvalidToken] if the session has ended.
func (a *Authenticator) Reauthenticate(ctx context.Context, r Reauthentication) (Tokens, error) {
	if len(r.Password.Reveal()) > maxPasswordBytes {
		return Tokens{}, ErrInvalidCredentials
	}
	var s SessionRecord
	var user UserRecord
	var err error
	if a.sessions != nil && r.Identity.SessionID != "" {
		if s, user, err = a.livingSession(ctx, r.Identity.SessionID); err == nil && s.UserID != r.Identity.UserID {
			err = ErrInvalidToken
		}
	} else if user, err = a.userByID(ctx, r.Identity.UserID); errors.Is(err, ErrUserNotFound) {
		err = ErrInvalidToken
	}
	if err != nil {
		return Tokens{}, err
	}
	if err := a.checkCurrent(ctx, user, r.Password); err != nil {
		return Tokens{}, err
	}
	now := currentTime()
	tokens, err := a.issue(ctx, user.User, Subject{SessionID: s.ID, AuthTime: now, AMR: passwordAMR})
	if err != nil {
		return Tokens{}, err
	}
	if s.ID != "" {
		err := a.touch(ctx, s.ID, func(latest SessionRecord) (SessionUpdate, bool) {
			return SessionUpdate{AuthTime: &now}, latest.Epoch == s.Epoch
		})
		if err == nil {
			_, _, err = a.livingSession(ctx, s.ID) // the password may have changed meanwhile
		}
		if err != nil {
			return Tokens{}, err
		}
	}
	a.emit(ctx, Event{Kind: "reauthenticated", UserID: user.ID, SessionID: s.ID})
	return tokens, nil
}
