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
//   - Its parent gets the same successor until the grace is over, and as long again
//     after each time, at most a hundred times: the client's answer was lost, or two
//     tabs asked at once.
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
func (a *Authenticator) Refresh(ctx context.Context, r Renewal) (_ Result, err error) {
	ctx, call := a.begin(ctx, "refresh", r.Client)
	defer a.report(ctx, call, &err)
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
	r.Client, call.sessionID = r.Client.cut(), t.SessionID()
	var before SessionRecord // when the token was of use, at an earlier look
	for range sessionTries {
		result, err := a.refresh(ctx, t, r, &before)
		if !errors.Is(err, ErrConflict) {
			return result, err
		}
	}
	return Result{}, &StoreError{Op: "refresh", Code: codeConflicts}
}

// refresh is one try; ErrConflict means that what was read is not so any more, and
// that another look is needed. A token that was of use when this call looked before, and
// has been replaced since, as while a key took long to sign, is no copy; one that gave
// way to another successor of its parent is.
func (a *Authenticator) refresh(ctx context.Context, t refresh.Token, r Renewal, before *SessionRecord) (Result, error) {
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
	switch {
	case !current && !parent && before.ID != "" && before.Parent != s.Parent:
		return Result{}, ErrInvalidToken
	case !current && !parent, parent && s.GraceUntil.IsZero():
		return Result{}, a.replayed(ctx, s, r.Client)
	case !now.Before(s.IdleUntil):
		if err := a.confirmSession(ctx, s); err != nil {
			return Result{}, err
		}
		return Result{}, ErrExpiredToken
	}
	overtaken := before.ID != ""
	*before = s
	next, e := t, Event{Kind: "refreshed", UserID: user.ID, SessionID: s.ID, Client: r.Client}
	if parent {
		e = Event{Kind: "refresh_repeated", UserID: user.ID, SessionID: s.ID, Client: r.Client, Previous: s.Client}
	}
	var write func() error
	switch {
	case current && now.Before(s.GraceUntil):
	case parent && (overtaken || now.Before(a.repeatUntil(s))):
		if s.Repeats >= maxRepeats {
			err := refusal("refresh", "the parent of a refresh token was used too often")
			a.emit(ctx, Event{Kind: "refresh_refused", UserID: user.ID, SessionID: s.ID, Previous: s.Client, Err: err})
			return Result{}, err
		}
		next = t.Next(s.Nonce)
		write = func() error { return a.repeat(ctx, s) }
	default:
		nonce := refresh.NewNonce()
		next = t.Next(nonce)
		write = func() (err error) {
			s, err = a.rotate(ctx, s, t, next, nonce, r.Client)
			return err
		}
	}
	tokens, err := a.issue(ctx, user.User, Subject{
		SessionID: s.ID,
		AuthTime:  s.AuthTime,
		AMR:       s.AMR,
		Audience:  r.Audience,
		Granted:   strings.Fields(s.Audience),
	})
	if err == nil && write != nil {
		err = write() // after the key has signed, which may take long, and just before the answer
	}
	if err != nil {
		return Result{}, err
	}
	a.emit(ctx, e)
	tokens.Refresh, tokens.RefreshExpiresAt = next.Text(), s.IdleUntil
	return Result{User: user.User, Tokens: tokens}, nil
}

// repeatUntil returns until when the parent gets the successor that there is: as long
// as the grace lasts, and as long again after each time, since that answer may still be
// on its way when another tab asks.
func (a *Authenticator) repeatUntil(s SessionRecord) time.Time {
	if again := s.LastUsedAt.Add(s.GraceUntil.Sub(s.RotatedAt)); again.After(s.GraceUntil) {
		return again
	}
	return s.GraceUntil
}

// repeat answers the parent with the successor that others were given. The write
// confirms what was read, which a server that crashes now may have shown before it was
// durable, and it counts, so that one parent is not worth any number of access tokens.
func (a *Authenticator) repeat(ctx context.Context, s SessionRecord) error {
	return a.updateSession(ctx, SessionUpdate{ID: s.ID, IfFamily: s.Family, IfToken: s.Token, At: currentTime(), RepeatsBelow: maxRepeats})
}

// rotate replaces the current token by next, the successor of t by a nonce, where t is
// the current one or its parent. It returns the session as it is then.
func (a *Authenticator) rotate(ctx context.Context, s SessionRecord, t, next refresh.Token, nonce [32]byte, c Client) (SessionRecord, error) {
	now := currentTime()
	c.Label = cmp.Or(c.Label, s.Client.Label)
	s.IdleUntil = a.idleUntil(s, now)
	return s, a.updateSession(ctx, SessionUpdate{
		ID:       s.ID,
		IfFamily: s.Family,
		IfToken:  s.Token,
		At:       now,
		Rotation: &SessionRotation{
			Token:      next.Digest(),
			Parent:     t.Digest(),
			Nonce:      nonce,
			GraceUntil: a.graceUntil(now),
			IdleUntil:  s.IdleUntil,
			Client:     c,
		},
	})
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
