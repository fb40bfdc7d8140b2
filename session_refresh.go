package auth

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/seed89488a0c/auth/internal/refresh"
)

// maxRepeats is how often the parent of a refresh token can stand for it. Honest
// clients, whose answers are lost now and then, come nowhere near.
const maxRepeats = 100

// Renewal is what [Authenticator.Refresh] needs.
type Renewal struct {
	Token  string // the refresh token
	Client Client // who asks; the session keeps the last one

	// Audience is whom the access token is for, of those of the session; empty = all of
	// them. It is for this one token: with the issuer's own audience alone it lets the
	// user of a session for many services act on their account
	// ([Authenticator.CheckIdentity]), and no other service can replay it there (RFC 8707).
	Audience []string
}

// Refresh exchanges a refresh token for new tokens, without a password. What it does
// depends on the token:
//
//   - The current token of the session is replaced, by one write. While it is younger
//     than the grace ([SessionConfig.Grace]) it is given back as it is, with a new
//     access token and without a write.
//   - Its parent gets the same successor until the grace is over, at most a hundred
//     times: the client's answer was lost, or two tabs asked at once.
//   - Later, while that successor is still the current token, the parent gets another
//     one, so that an app that slept through its answer stays logged in. The first
//     successor is a copy from then on.
//   - Any other token is a copy: [ErrSessionReplayed], and the session ends, since two
//     hold it. Without a grace a parent is a copy as well.
//
// Each answer to a parent raises the event refresh_repeated. The access token has the
// issuer's TTL, whatever that of the login was. It is never for more audiences than the
// login asked for, and no longer for one for which the issuer has stopped to issue.
//
// Errors: [*InputError] for an Audience that is not among those; [ErrInvalidToken], which [ErrSessionReplayed] and [ErrExpiredToken] match,
// for a session that has ended, too. After [ErrUnavailable] the same token can be used
// again. A client that gets an [ErrInvalidToken] compares the token it sent with the
// one it holds now: another tab may have replaced it, or begun a new session by the
// password. It drops only what it sent.
func (a *Authenticator) Refresh(ctx context.Context, r Renewal) (Result, error) {
	if a.sessions == nil {
		return Result{}, errNoSessions
	}
	if err := checkToken(0, r.Audience); err != nil {
		return Result{}, err
	}
	t, ok := refresh.Parse(r.Token)
	if !ok {
		return Result{}, ErrInvalidToken
	}
	r.Client = r.Client.cut()
	wasCurrent := false // at an earlier look
	for range sessionTries {
		result, err := a.refresh(ctx, t, r, &wasCurrent)
		if err != ErrSessionReplayed && (errors.Is(err, ErrInvalidToken) || errors.Is(err, ErrInvalidInput)) { // the first has its own
			a.emit(ctx, Event{Kind: "refresh_refused", SessionID: t.SessionID(), Client: r.Client, Err: err})
		}
		if !errors.Is(err, ErrConflict) {
			return result, err
		}
	}
	return Result{}, &StoreError{Op: "refresh", Code: codeConflicts}
}

// refresh is one try; ErrConflict means that what was read is not so any more, and
// that another look is needed. A token that was current when this call first looked
// is no copy, whatever happened since.
func (a *Authenticator) refresh(ctx context.Context, t refresh.Token, r Renewal, wasCurrent *bool) (Result, error) {
	s, user, err := a.livingSession(ctx, t.SessionID())
	if err != nil {
		return Result{}, a.confirmEnded(ctx, t.SessionID(), s, user, err)
	}
	if !refresh.Equal(s.Family, t.Family()) {
		return Result{}, ErrInvalidToken // who knows the ID only changes nothing
	}
	now := currentTime()
	current := refresh.Equal(s.Token, t.Digest())
	parent := !current && !s.RotatedAt.IsZero() && refresh.Equal(s.Parent, t.Digest())
	within := now.Before(s.GraceUntil)
	switch {
	case !current && !parent && *wasCurrent:
		return Result{}, ErrInvalidToken
	case !current && !parent, parent && s.GraceUntil.IsZero():
		return Result{}, a.replayed(ctx, s, r.Client)
	case !now.Before(s.IdleUntil):
		if err := a.confirmSession(ctx, s); err != nil {
			return Result{}, err
		}
		return Result{}, ErrExpiredToken
	}
	*wasCurrent = *wasCurrent || current
	switch {
	case current && within:
		return a.renew(ctx, s, user, t, r, Event{Kind: "refreshed"}, nil)
	case current:
		return a.rotate(ctx, s, user, t, r, Event{Kind: "refreshed"}, now)
	}
	e := Event{Kind: "refresh_repeated", Previous: s.Client}
	if within {
		return a.repeat(ctx, s, user, t, r, e, now)
	}
	return a.rotate(ctx, s, user, t, r, e, now)
}

// renew gives new tokens, of which the refresh token is t, after write, where there is
// one, has succeeded, and then raises e.
func (a *Authenticator) renew(ctx context.Context, s SessionRecord, user UserRecord, t refresh.Token, r Renewal, e Event, write func() error) (Result, error) {
	tokens, err := a.issue(ctx, user.User, Subject{
		SessionID: s.ID,
		AuthTime:  s.AuthTime,
		AMR:       s.AMR,
		Audience:  r.Audience,
		Granted:   strings.Fields(s.Audience),
	})
	if err != nil {
		return Result{}, err
	}
	if write != nil {
		if err := write(); err != nil {
			return Result{}, err
		}
	}
	e.UserID, e.SessionID, e.Client = user.ID, s.ID, r.Client
	a.emit(ctx, e)
	tokens.Refresh, tokens.RefreshExpiresAt = t.Text(), s.IdleUntil
	return Result{User: user.User, Tokens: tokens}, nil
}

// rotate replaces the current token by a new successor of t, which is the current one
// or its parent.
func (a *Authenticator) rotate(ctx context.Context, s SessionRecord, user UserRecord, t refresh.Token, r Renewal, e Event, now time.Time) (Result, error) {
	nonce := refresh.NewNonce()
	next := t.Next(nonce)
	demanded := s.Token
	s.IdleUntil = a.idleUntil(s, now)
	client := r.Client
	client.Label = cmp.Or(client.Label, s.Client.Label)
	return a.renew(ctx, s, user, next, r, e, func() error {
		return a.updateSession(ctx, SessionUpdate{
			ID:       s.ID,
			IfFamily: s.Family,
			IfToken:  demanded,
			At:       now,
			Rotation: &SessionRotation{
				Token:      next.Digest(),
				Parent:     t.Digest(),
				Nonce:      nonce,
				GraceUntil: a.graceUntil(now),
				IdleUntil:  s.IdleUntil,
				Client:     client,
			},
		})
	})
}

// repeat answers the parent with the successor that others were given. The write
// comes first: it confirms what was read, which a server that crashes now may have
// shown before it was durable, and it counts, so that one parent is not worth any
// number of access tokens.
func (a *Authenticator) repeat(ctx context.Context, s SessionRecord, user UserRecord, t refresh.Token, r Renewal, e Event, now time.Time) (Result, error) {
	if s.Repeats >= maxRepeats {
		return Result{}, refusal("refresh", "the parent of a refresh token was used too often")
	}
	err := a.updateSession(ctx, SessionUpdate{ID: s.ID, IfFamily: s.Family, IfToken: s.Token, At: now, RepeatsBelow: maxRepeats})
	if err != nil {
		return Result{}, err
	}
	return a.renew(ctx, s, user, t.Next(s.Nonce), r, e, nil)
}

// replayed ends a session of which an old token was shown.
func (a *Authenticator) replayed(ctx context.Context, s SessionRecord, c Client) error {
	if err := a.confirmSession(ctx, s); err != nil {
		return err
	}
	n, err := a.deleteSessions(ctx, SessionFilter{ID: s.ID, UserID: s.UserID})
	if err != nil {
		return err
	}
	if n > 0 {
		a.emit(ctx, Event{Kind: "session_replayed", UserID: s.UserID, SessionID: s.ID, Client: c, Previous: s.Client})
	}
	return ErrSessionReplayed
}

// confirmSession makes sure by a write that changes nothing that the tokens of a
// session are those that were read: a read may come from a replica that is behind,
// and then a token only looks old, or a session idle. ErrConflict means that they are
// not.
func (a *Authenticator) confirmSession(ctx context.Context, s SessionRecord) error {
	// In time for it, also where the session is idle.
	return a.updateSession(ctx, SessionUpdate{ID: s.ID, IfFamily: s.Family, IfToken: s.Token, At: s.IdleUntil.Add(-time.Microsecond)})
}

// confirmEnded follows an err of livingSession, and returns it where a write that
// changes nothing confirms it. ErrConflict means that what was read is not so.
func (a *Authenticator) confirmEnded(ctx context.Context, id string, s SessionRecord, user UserRecord, err error) error {
	switch {
	case err != ErrInvalidToken:
		return err
	case s.ID == "":
		err = a.updateSession(ctx, SessionUpdate{ID: id, AnyDigests: true, At: longAgo})
	case user.Epoch != s.Epoch: // or there is no user
		err = storeError("update user", a.store.UpdateUser(ctx, UserUpdate{ID: s.UserID, IfEpoch: &s.Epoch}), ErrUserNotFound, ErrConflict)
	default: // its time is over, which is in no server's hands
		return err
	}
	switch {
	case err == nil:
		return ErrConflict
	case errors.Is(err, ErrConflict), errors.Is(err, ErrUserNotFound):
		return ErrInvalidToken
	}
	return err
}

// longAgo is before the end of any session.
var longAgo = time.Unix(0, 0).UTC()
