package auth

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/seed89488a0c/auth/internal/hashgate"
	"github.com/seed89488a0c/auth/internal/input"
	"github.com/seed89488a0c/auth/internal/throttle"
)

// A password that is given again, by somebody who is logged in, begins a new session in
// place of old ones. The old refresh token goes on in no case: a copy of it would go on
// too (ASVS 5.0 7.2.4).

// PasswordChange is what [Authenticator.ChangePassword] needs.
type PasswordChange struct {
	Identity     Identity // from [Authenticator.Verify], as it is
	Current, New Password
	Client       Client // who asks; a Label that is empty is that of the session before
}

// ChangePassword replaces a user's password, given the current one (ASVS 5.0 6.2.3).
// All sessions of the user end, that of the token too, and one begins, whose tokens are
// returned. Access tokens live on as with [Authenticator.SetDisabled].
//
// Errors: [*InputError] for the new password, [ErrInvalidCredentials] for the current
// one, of which ten in a row end the session, [*ThrottleError], [ErrUserDisabled], those of [Authenticator.CheckIdentity], [ErrInvalidToken] if
// the session has ended, as by another change of the password, or the user is gone, and
// [ErrConflict] if others changed a user without sessions meanwhile. After
// [ErrUnavailable] the outcome may be unknown, as when the connection broke and the
// store cannot be asked: the client then logs in, with either password.
func (a *Authenticator) ChangePassword(ctx context.Context, c PasswordChange) (_ Result, err error) {
	ctx, call := a.begin(ctx, "change_password", c.Client)
	defer a.report(ctx, call, &err)
	if err := a.checkIdentity(call, c.Identity); err != nil {
		return Result{}, err
	}
	if len(c.Current.Reveal()) > input.MaxPasswordBytes {
		return Result{}, ErrInvalidCredentials
	}
	old, user, err := a.whoAsks(ctx, c.Identity)
	if err != nil {
		return Result{}, err
	}
	if err := a.checkNew(ctx, hashgate.Known(c.Client.Address, user.EmailKey), c.New, user.Email, user.Username); err != nil {
		return Result{}, err
	}
	if err := a.checkAgain(ctx, c.Identity, old, user, c.Current, c.Client); err != nil {
		return Result{}, err
	}
	hash, err := a.room.Hash(ctx, hashgate.Known(c.Client.Address, user.EmailKey), c.New)
	if err != nil {
		return Result{}, err
	}
	tokens, session, err := a.prepareNext(ctx, user, old, c.Identity, c.Client, Subject{AMR: passwordAMR})
	if err != nil {
		return Result{}, err
	}
	if err := a.beginAlone(ctx, c.Identity, c.Current, user, session, &hash); err != nil {
		return Result{}, err
	}
	a.emit(ctx, Event{Kind: "password_changed", UserID: user.ID, SessionID: session.ID, Client: session.Client, AMR: passwordAMR})
	return Result{User: user.User, Tokens: tokens}, nil
}

// Reauthentication is what [Authenticator.Reauthenticate] needs.
type Reauthentication struct {
	Identity  Identity // from [Authenticator.Verify], as it is
	Password  Password
	Client    Client // who asks; a Label that is empty is that of the session before
	EndOthers bool   // end all other sessions of the user too
}

// Reauthenticate checks the password of a user who is logged in, for what needs a
// fresh login (RFC 9470). The session of the token ends, with EndOthers all sessions of
// the user do (ASVS 5.0 7.5.2), and one begins, whose tokens are returned: their
// auth_time is now.
//
// Errors: [ErrInvalidCredentials], of which ten in a row end the session, [*ThrottleError],
// [ErrUserDisabled], those of
// [Authenticator.CheckIdentity], [ErrInvalidToken] if the session has ended or the user
// is gone; [ErrTooManySessions] where the token has no session;
// with EndOthers [ErrConflict] if somebody else changed the user meanwhile. Beside an
// error the old session goes on, except that after [ErrUnavailable] it may have ended.
func (a *Authenticator) Reauthenticate(ctx context.Context, r Reauthentication) (_ Result, err error) {
	ctx, call := a.begin(ctx, "reauthenticate", r.Client)
	call.amr = passwordAMR
	defer a.report(ctx, call, &err)
	if r.EndOthers && a.sessions == nil {
		return Result{}, errNoSessions
	}
	if err := a.checkIdentity(call, r.Identity); err != nil {
		return Result{}, err
	}
	if len(r.Password.Reveal()) > input.MaxPasswordBytes {
		return Result{}, ErrInvalidCredentials
	}
	old, user, err := a.whoAsks(ctx, r.Identity)
	if err != nil {
		return Result{}, err
	}
	if err := a.checkAgain(ctx, r.Identity, old, user, r.Password, r.Client); err != nil {
		return Result{}, err
	}
	tokens, session, err := a.prepareNext(ctx, user, old, r.Identity, r.Client, Subject{AMR: passwordAMR})
	if err != nil {
		return Result{}, err
	}
	if r.EndOthers {
		err = a.beginAlone(ctx, r.Identity, r.Password, user, session, nil)
	} else {
		err = a.beginNext(ctx, user, old, session)
	}
	if err != nil {
		return Result{}, err
	}
	a.emit(ctx, Event{Kind: "reauthenticated", UserID: user.ID, SessionID: session.ID, Client: session.Client, AMR: passwordAMR})
	if r.EndOthers {
		a.emit(ctx, Event{Kind: "sessions_ended", UserID: user.ID, SessionID: session.ID, Client: session.Client})
	}
	return Result{User: user.User, Tokens: tokens}, nil
}

// whoAsks returns the session and the user of a verified token; the session is zero
// where the token has none. ErrInvalidToken means that one of them is gone, and is
// confirmed by a write, since a client drops its tokens then.
func (a *Authenticator) whoAsks(ctx context.Context, id Identity) (SessionRecord, UserRecord, error) {
	for range sessionTries {
		var s SessionRecord
		var user UserRecord
		var err error
		if a.sessions != nil && id.SessionID != "" {
			s, user, err = a.livingSession(ctx, id.SessionID)
			switch {
			case err != nil:
				err = a.confirmEnded(ctx, id.SessionID, s, user, err)
			case s.UserID != id.UserID:
				err = ErrInvalidToken
			case s.over(currentTime()):
				if err = a.confirmSession(ctx, s); err == nil {
					err = ErrInvalidToken
				}
			}
		} else if user, err = a.userByID(ctx, id.UserID); errors.Is(err, ErrUserNotFound) {
			err = storeError("update user", a.store.UpdateUser(ctx, UserUpdate{ID: id.UserID}), ErrUserNotFound)
			switch {
			case err == nil:
				err = ErrConflict
			case errors.Is(err, ErrUserNotFound):
				err = ErrInvalidToken
			}
		}
		switch {
		case err == nil:
			return s, user, nil
		case !errors.Is(err, ErrConflict):
			return SessionRecord{}, UserRecord{}, err
		}
	}
	return SessionRecord{}, UserRecord{}, &StoreError{Op: "session by id", Code: codeConflicts}
}

// tokenSpent is for how long after the last failure a token without a session stays spent,
// which is longer than it should be kept.
const tokenSpent = 24 * time.Hour

// checkAgain checks the password of who is logged in, as often as that may be tried with a
// session. One with which it was tried too often ends.
func (a *Authenticator) checkAgain(ctx context.Context, id Identity, old SessionRecord, user UserRecord, current Password, c Client) error {
	try := throttle.Try{Account: user.EmailKey, Password: current.Reveal(), Own: "token " + id.TokenID, OwnUntil: currentTime().Add(tokenSpent)}
	if old.ID != "" {
		try.Own, try.OwnUntil, try.Ends = "session "+old.ID, old.ExpiresAt, true
	}
	pass, err := a.try(ctx, try, c, a.attempts)
	if err == throttle.ErrSpent {
		if err = a.endSession(ctx, user.ID, SessionFilter{ID: old.ID, UserID: user.ID}); err == nil {
			err = ErrInvalidToken
		}
	}
	if err != nil {
		return err
	}
	defer pass.Leave()
	if err = a.checkCurrent(ctx, pass, old, user, current, c); err != nil {
		pass.Return(ctx)
		return err
	}
	a.succeeded(ctx, pass, user.ID)
	return nil
}

// checkCurrent checks a password that was let in.
func (a *Authenticator) checkCurrent(ctx context.Context, pass *throttle.Pass, old SessionRecord, user UserRecord, current Password, c Client) error {
	turn := hashgate.Stranger(c.Address, user.EmailKey)
	if pass.Known() {
		turn = hashgate.Known(c.Address, user.EmailKey)
	}
	check, err := a.room.Check(ctx, turn, user.EmailKey, user.PasswordHash, current)
	code := ""
	switch {
	case err != nil:
		return err
	case !user.DisabledAt.IsZero():
		err, code = ErrUserDisabled, "user_disabled"
	case !check.Match:
		err = ErrInvalidCredentials
	default:
		return nil
	}
	event := Event{Kind: "password_refused", UserID: user.ID, AMR: passwordAMR, Code: code, Err: check.Unreadable}
	return cmp.Or(a.failed(ctx, pass, event, old), err)
}

// prepareNext is prepare for a session that takes the place of old, and is for the same
// audiences; without an old one they are those of the token.
func (a *Authenticator) prepareNext(ctx context.Context, user UserRecord, old SessionRecord, id Identity, c Client, s Subject) (Tokens, SessionRecord, error) {
	c.Label = cmp.Or(c.Label, old.Client.Label)
	s.Granted = words(old.Audience)
	if old.ID == "" {
		s.Granted = words(id.Audience)
	}
	return a.prepare(ctx, user, c, s)
}

// beginNext stores a session and ends the one before, where there is one. If that is gone
// already, by another tab that was faster, the new one is one more; if it cannot be ended,
// that is an error.
func (a *Authenticator) beginNext(ctx context.Context, user UserRecord, old, session SessionRecord) error {
	if old.ID == "" {
		return a.beginAnother(ctx, user, session, true)
	}
	if err := a.createSession(ctx, session); err != nil {
		return err
	}
	end := func() (int, error) { return a.deleteSessions(ctx, SessionFilter{ID: old.ID, UserID: old.UserID}) }
	n, err := end()
	if err != nil && ctx.Err() == nil {
		n, err = end() // the answer may be lost: then both would be gone
	}
	if err == nil && n == 0 {
		err = a.checkMaxSessions(ctx, user, 0)
	}
	if err != nil {
		a.forsake(ctx, session)
		return err
	}
	if n == 0 {
		a.endOldest(ctx, user, session.ID)
	}
	return nil
}

// beginAnother stores one more session of a user. crowded says that the limit may be
// reached, so that the sessions are counted.
func (a *Authenticator) beginAnother(ctx context.Context, user UserRecord, session SessionRecord, crowded bool) error {
	crowded = crowded && a.sessions != nil
	if crowded {
		if err := a.checkMaxSessions(ctx, user, 1); err != nil {
			return err
		}
	}
	if err := a.createSession(ctx, session); err != nil {
		return err
	}
	if crowded {
		a.endOldest(ctx, user, session.ID)
	}
	return nil
}

// changeTries is how often a user is changed that others are changing. Only logins that
// make the hash anew can stand in the way more than once.
const changeTries = 4

// beginAlone stores a session and ends all others of the user, whose hash it replaces
// where there is a new one. The session is stored first, of an epoch that the user does
// not have yet; one conditional write to the user then decides, for stores of users and
// sessions that know nothing of each other too.
func (a *Authenticator) beginAlone(ctx context.Context, id Identity, current Password, user UserRecord, session SessionRecord, hash *string) error {
	for range changeTries {
		err := a.raiseEpoch(ctx, user, session, hash)
		if !errors.Is(err, ErrConflict) {
			if errors.Is(err, ErrUserNotFound) {
				err = ErrInvalidToken
			}
			return err
		}
		// A login has made the hash anew, and the password is still right; or all
		// sessions have ended meanwhile, this one too.
		if _, user, err = a.whoAsks(ctx, id); err != nil {
			return err
		}
		if err = a.checkCurrent(ctx, &throttle.Pass{}, session, user, current, session.Client); err == ErrInvalidCredentials {
			return ErrConflict // it was right a moment ago
		} else if err != nil {
			return err
		}
	}
	return ErrConflict
}

// raiseEpoch is one try of beginAlone.
func (a *Authenticator) raiseEpoch(ctx context.Context, user UserRecord, session SessionRecord, hash *string) error {
	u := UserUpdate{ID: user.ID, IfEpoch: &user.Epoch, PasswordHash: hash, RaiseEpoch: epochStep()}
	if hash != nil {
		u.IfPasswordHash = &user.PasswordHash
	}
	session.Epoch = user.Epoch + u.RaiseEpoch
	if err := a.createSession(ctx, session); err != nil {
		return err
	}
	err := a.update(ctx, u)
	if errors.Is(err, ErrUnavailable) || errors.Is(err, ErrConflict) {
		// The answer may be lost, or be that to a second sending. The salt of the hash, or
		// the step of the epoch, is random, and says whether this was done.
		within, cancel := detached(ctx)
		defer cancel()
		found, readErr := a.userByID(within, user.ID)
		if readErr == nil && (hash != nil && found.PasswordHash == *hash || hash == nil && found.Epoch == session.Epoch) {
			err = nil
		}
	}
	if err != nil {
		a.forsake(ctx, session)
		a.known.Forget(user.ID)
		return err
	}
	a.deleteEnded(ctx, user.ID, session.Epoch)
	return nil
}
