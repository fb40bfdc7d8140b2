package auth

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/seed89488a0c/auth/internal/input"
	"github.com/seed89488a0c/auth/internal/refresh"
)

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
//   - The current token of the session is replaced, by one write. For as long as the
//     grace ([SessionConfig.Grace]) after it was made, or was last given to its parent,
//     it is given back as it is, with a new access token and without a write.
//   - Its parent gets the same successor until the grace is over, and as long again
//     after each time, at most a hundred times: the client's answer was lost, or two
//     tabs asked at once.
//   - Later, while that successor is still the current token, the parent gets another
//     one, so that an app that slept through its answer stays logged in. Both are of
//     use until one of them is replaced, which makes a copy of the other.
//   - Any other token is a copy: [ErrSessionReplayed], and the session ends, since two
//     hold it. Without a grace a parent is a copy as well.
//
// Each answer to a parent raises the event refresh_repeated. The access token has the
// issuer's TTL, whatever that of the login was. It is never for more audiences than the
// login asked for, and no longer for one for which the issuer has stopped to issue.
//
// Errors: [*InputError] for an Audience that is not among those; [ErrInvalidToken],
// which [ErrSessionReplayed] and [ErrExpiredToken] match, for a session that has ended,
// too. After [ErrUnavailable] the same token can be used
// again. A client stores an answer only if it still holds the token that it sent, and
// drops that token on [ErrInvalidToken] only if it still holds it: another tab may have
// replaced it, or begun a new session by the password. It gives up what was not answered
// within the grace, and asks again with what it holds then: a request that arrives after
// its token was replaced twice looks like that of a thief.
func (a *Authenticator) Refresh(ctx context.Context, r Renewal) (_ Result, err error) {
	ctx, call := a.begin(ctx, "refresh", r.Client)
	defer a.report(ctx, call, &err)
	if a.sessions == nil {
		return Result{}, errNoSessions
	}
	if err := input.Token(0, r.Audience); err != nil {
		return Result{}, err
	}
	t, ok := refresh.Parse(r.Token)
	if !ok {
		return Result{}, ErrInvalidToken
	}
	r.Client, call.sessionID = r.Client.cut(), t.SessionID()
	seen := false
	for range sessionTries {
		result, err := a.refresh(ctx, t, r, &seen)
		if !errors.Is(err, ErrConflict) {
			return result, err
		}
	}
	return Result{}, &StoreError{Op: "refresh", Code: codeConflicts}
}

// refresh is one try; ErrConflict means that what was read is not so any more, and
// that another look is needed. seen is whether the token was of use at an earlier one.
func (a *Authenticator) refresh(ctx context.Context, t refresh.Token, r Renewal, seen *bool) (Result, error) {
	s, user, err := a.livingSession(ctx, t.SessionID())
	if err != nil {
		return Result{}, a.confirmEnded(ctx, t.SessionID(), s, user, err)
	}
	now, next := currentTime(), t
	e := Event{Kind: "refreshed", UserID: user.ID, SessionID: s.ID, Client: r.Client}
	var write func() error
	switch verdict := s.state().Judge(t, *seen, now); verdict {
	case refresh.Foreign:
		return Result{}, ErrInvalidToken // who knows the ID only changes nothing
	case refresh.Overtaken:
		return Result{}, cmp.Or(a.confirmSession(ctx, s), ErrInvalidToken)
	case refresh.Copy:
		return Result{}, a.replayed(ctx, s, r.Client)
	case refresh.Idle:
		return Result{}, a.idle(ctx, s, now)
	case refresh.TooOften:
		err := refusal("refresh", "the parent of a refresh token was used too often")
		a.emit(ctx, Event{Kind: "refresh_refused", UserID: user.ID, SessionID: s.ID, Previous: s.Client, Err: err})
		return Result{}, err
	case refresh.Itself:
	case refresh.Repeat:
		e = Event{Kind: "refresh_repeated", UserID: user.ID, SessionID: s.ID, Client: r.Client, Previous: s.Client}
		next = t.Next(s.Nonce)
		write = func() error { return a.repeat(ctx, s) }
	default:
		rotation := &SessionRotation{Parent: t.Digest(), Nonce: refresh.NewNonce(), Client: r.Client}
		if verdict == refresh.Another {
			e = Event{Kind: "refresh_repeated", UserID: user.ID, SessionID: s.ID, Client: r.Client, Previous: s.Client}
			rotation.Sibling = s.Token
		}
		next = t.Next(rotation.Nonce)
		rotation.Token = next.Digest()
		write = func() (err error) {
			s, err = a.rotate(ctx, s, rotation)
			return err
		}
	}
	*seen = true
	tokens, err := a.issue(ctx, user.User, Subject{
		SessionID: s.ID, AuthTime: s.AuthTime, AMR: s.AMR, Audience: r.Audience, Granted: words(s.Audience),
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

// state is what a token of the session is judged by.
func (s SessionRecord) state() refresh.State {
	return refresh.State{
		Family: s.Family, Token: s.Token, Parent: s.Parent, Sibling: s.Sibling, Repeats: s.Repeats,
		LastUsedAt: s.LastUsedAt, RotatedAt: s.RotatedAt, GraceUntil: s.GraceUntil, IdleUntil: s.IdleUntil,
	}
}

// repeat answers the parent with the successor that others were given. The write
// confirms what was read, which a server that crashes now may have shown before it was
// durable, and it counts, so that one parent is not worth any number of access tokens.
func (a *Authenticator) repeat(ctx context.Context, s SessionRecord) error {
	return a.updateSession(ctx, SessionUpdate{ID: s.ID, IfFamily: s.Family, IfToken: s.Token, At: currentTime(), RepeatsBelow: refresh.MaxRepeats})
}

// rotate replaces the tokens of a session, and returns it as it is then.
func (a *Authenticator) rotate(ctx context.Context, s SessionRecord, r *SessionRotation) (SessionRecord, error) {
	now := currentTime()
	s.IdleUntil = a.life.IdleUntil(now, s.ExpiresAt)
	r.GraceUntil, r.IdleUntil, r.Client.Label = a.life.GraceUntil(now), s.IdleUntil, cmp.Or(r.Client.Label, s.Client.Label)
	return s, a.updateSession(ctx, SessionUpdate{ID: s.ID, IfFamily: s.Family, IfToken: s.Token, At: now, Rotation: r})
}

// idle answers for a session that was not used for too long. Its row goes, unless only
// the settings of this replica say so.
func (a *Authenticator) idle(ctx context.Context, s SessionRecord, now time.Time) error {
	n, err := a.deleteSessions(ctx, SessionFilter{ID: s.ID, UserID: s.UserID, IdleBy: now})
	if err == nil && n == 0 {
		err = a.confirmSession(ctx, s)
	}
	return cmp.Or(err, ErrExpiredToken)
}

// replayed ends a session of which a copy was shown.
func (a *Authenticator) replayed(ctx context.Context, s SessionRecord, c Client) error {
	if err := a.confirmSession(ctx, s); err != nil {
		return err
	}
	n, err := a.deleteSessions(ctx, SessionFilter{ID: s.ID, UserID: s.UserID})
	if n > 0 || err != nil { // which may have ended it
		a.emit(ctx, Event{Kind: "session_replayed", UserID: s.UserID, SessionID: s.ID, Client: c, Previous: s.Client, Err: err})
	}
	return cmp.Or(err, ErrSessionReplayed)
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
