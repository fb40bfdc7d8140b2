package auth

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/seed89488a0c/auth/internal/refresh"
	"github.com/seed89488a0c/auth/internal/row"
)

// Limits of a SessionConfig.
const (
	defaultIdleTTL     = 7 * 24 * time.Hour
	defaultAbsoluteTTL = 30 * 24 * time.Hour // NIST SP 800-63B-4, AAL1
	defaultGrace       = 30 * time.Second
	maxGrace           = 2 * time.Minute
	maxStaleness       = time.Hour
	maxPerUser         = row.MaxListed

	// passwordAMR is the amr of a login by password (RFC 8176 §2).
	passwordAMR = "pwd"
)

// SessionConfig says how long sessions last and how they end. No field is needed.
type SessionConfig struct {
	// IdleTTL ends a session that was not refreshed for so long, AbsoluteTTL ends it
	// so long after the login, whatever happens (ASVS 5.0 7.3.1, 7.3.2). 1 second to
	// ten years; 0 = 7 and 30 days.
	IdleTTL, AbsoluteTTL time.Duration

	// Grace is for how long a refresh token that was replaced is answered with its
	// successor, up to 2 minutes; 0 = 30 seconds, negative = none. Without it a
	// client whose answer was lost, or that has two tabs, is taken for a thief and
	// logged out; within it a thief who has copied a token gets the successor, and
	// is found out at the next refresh but one.
	Grace time.Duration

	// MaxPerUser is how many sessions a user can have, up to 1000; 0 = any number. One
	// login more ends the oldest, or with RefuseMore is [ErrTooManySessions] (ASVS 5.0
	// 7.1.2). It is kept as well as can be: logins at once can exceed it, and of more
	// than a thousand sessions that are stored, ended ones too, the newest are counted.
	MaxPerUser int
	RefuseMore bool

	// Staleness has Verify ask the store whether the session still lives, at most
	// so long ago, up to 1 hour: an access token then ends with its session, this
	// late at most. A token without a session is then invalid. While the store is
	// down it is [ErrUnavailable]. 0 = never ask: access tokens are valid until
	// they expire.
	Staleness time.Duration

	// InsecureFailOpen accepts tokens of unknown sessions while the store is down.
	InsecureFailOpen bool
}

func (c SessionConfig) withDefaults() (SessionConfig, error) {
	if c.IdleTTL == 0 {
		c.IdleTTL = defaultIdleTTL
	}
	if c.AbsoluteTTL == 0 {
		c.AbsoluteTTL = defaultAbsoluteTTL
	}
	if c.Grace == 0 {
		c.Grace = defaultGrace
	}
	switch {
	case c.IdleTTL < time.Second || c.IdleTTL > maxTTL, c.AbsoluteTTL < time.Second || c.AbsoluteTTL > maxTTL:
		return c, errors.New("auth: WithSessions: IdleTTL or AbsoluteTTL is not 1 second to ten years")
	case c.Grace > maxGrace:
		return c, errors.New("auth: WithSessions: Grace is above 2 minutes")
	case c.MaxPerUser < 0 || c.MaxPerUser > maxPerUser:
		return c, errors.New("auth: WithSessions: MaxPerUser is negative or above 1000")
	case c.Staleness < 0 || c.Staleness > maxStaleness:
		return c, errors.New("auth: WithSessions: Staleness is negative or above 1 hour")
	}
	return c, nil
}

// prepare makes the tokens of a user who has just been authenticated, and a
// session that is yet to be opened, where there are sessions.
func (a *Authenticator) prepare(ctx context.Context, user UserRecord, client Client, ttl time.Duration) (Tokens, SessionRecord, error) {
	now := currentTime()
	var s SessionRecord
	var first refresh.Token
	if a.sessions != nil {
		first = refresh.New()
		s = SessionRecord{
			Session: Session{
				ID:         first.SessionID(),
				UserID:     user.ID,
				CreatedAt:  now,
				LastUsedAt: now,
				ExpiresAt:  now.Add(a.sessionConfig.AbsoluteTTL),
				AuthTime:   now,
				AMR:        passwordAMR,
				Client:     client.cut(),
			},
			Epoch:  user.Epoch,
			Family: first.Family(),
			Token:  first.Digest(),
		}
		s.IdleUntil = a.idleUntil(s, now)
	}
	tokens, err := a.issue(ctx, user.User, Subject{SessionID: s.ID, AuthTime: now, AMR: passwordAMR, TTL: ttl})
	if err != nil {
		return Tokens{}, SessionRecord{}, err
	}
	if a.sessions != nil {
		tokens.Refresh, tokens.RefreshExpiresAt = first.Text(), s.IdleUntil
	}
	return tokens, s, nil
}

// open stores a session that was prepared.
func (a *Authenticator) open(ctx context.Context, s SessionRecord) error {
	if a.sessions == nil {
		return nil
	}
	if err := a.sessions.CreateSession(ctx, s); err != nil {
		return storeError("create session", err)
	}
	return nil
}

// idleUntil returns when a session that is used now ends by itself.
func (a *Authenticator) idleUntil(s SessionRecord, now time.Time) time.Time {
	if end := now.Add(a.sessionConfig.IdleTTL); end.Before(s.ExpiresAt) {
		return end
	}
	return s.ExpiresAt
}

// room says whether a user may have one more session.
func (a *Authenticator) room(ctx context.Context, user UserRecord) error {
	if a.sessions == nil || a.sessionConfig.MaxPerUser == 0 || !a.sessionConfig.RefuseMore {
		return nil
	}
	living, err := a.livingSessions(ctx, user)
	if err == nil && len(living) >= a.sessionConfig.MaxPerUser {
		err = ErrTooManySessions
	}
	return err
}

// endOldest ends the sessions that a user has beyond the limit, but the newest. The
// user is logged in by then: what fails is left to the next login.
func (a *Authenticator) endOldest(ctx context.Context, user UserRecord, newest string) {
	if a.sessions == nil || a.sessionConfig.MaxPerUser == 0 || a.sessionConfig.RefuseMore {
		return
	}
	living, err := a.livingSessions(ctx, user)
	if err != nil {
		return
	}
	for _, s := range living[min(len(living), a.sessionConfig.MaxPerUser):] {
		if s.ID != newest { // which is not the first by another machine's clock
			_ = a.EndSession(ctx, user.ID, s.ID)
		}
	}
}

// cut keeps what a store can.
func (c Client) cut() Client {
	c.Address = c.Address.WithZone("") // which is this machine's, and of any length
	c.UserAgent, c.Label = cutText(c.UserAgent, row.MaxUserAgent), cutText(c.Label, row.MaxLabel)
	return c
}

func cutText(s string, most int) string {
	s = strings.ToValidUTF8(s, "")
	for len(s) > most {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}

// refreshTries is how often Refresh looks at a session that others are changing.
const refreshTries = 4

// codeConflicts is that of a [StoreError] for one that changed at every look.
const codeConflicts = "conflicts without end"

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
	for range refreshTries {
		result, err := a.refresh(ctx, t, &wasCurrent)
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
	err := a.sessions.UpdateSession(ctx, SessionUpdate{ID: s.ID, IfFamily: s.Family, IfToken: s.Token, At: s.CreatedAt})
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

// livingSession returns a session that has not ended, other than by being idle,
// and its user.
func (a *Authenticator) livingSession(ctx context.Context, id string) (SessionRecord, UserRecord, error) {
	s, err := a.sessions.SessionByID(ctx, id)
	if errors.Is(err, ErrSessionNotFound) {
		return SessionRecord{}, UserRecord{}, ErrInvalidToken
	}
	if err != nil {
		return SessionRecord{}, UserRecord{}, storeError("session by id", err)
	}
	var user UserRecord
	if s.User != nil && a.oneStore {
		user = *s.User
	} else if user, err = a.userByID(ctx, s.UserID); errors.Is(err, ErrUserNotFound) {
		return SessionRecord{}, UserRecord{}, ErrInvalidToken
	} else if err != nil {
		return SessionRecord{}, UserRecord{}, err
	}
	if s.Epoch != user.Epoch || !user.DisabledAt.IsZero() || !currentTime().Before(s.ExpiresAt) {
		return SessionRecord{}, UserRecord{}, ErrInvalidToken
	}
	return s, user, nil
}

// Sessions returns the sessions of a user that have not ended, newest first, at
// most 1000. Errors: [ErrUserNotFound].
func (a *Authenticator) Sessions(ctx context.Context, userID string) ([]Session, error) {
	user, err := a.userByID(ctx, userID)
	if err != nil || a.sessions == nil {
		return nil, err
	}
	living, err := a.livingSessions(ctx, user)
	if err != nil {
		return nil, err
	}
	list := make([]Session, len(living))
	for i, s := range living {
		list[i] = s.Session
	}
	return list, nil
}

func (a *Authenticator) livingSessions(ctx context.Context, user UserRecord) ([]SessionRecord, error) {
	list, err := a.sessions.Sessions(ctx, user.ID)
	if err != nil {
		return nil, storeError("sessions", err)
	}
	now := currentTime()
	return slices.DeleteFunc(list, func(s SessionRecord) bool {
		return s.Epoch != user.Epoch || !now.Before(s.IdleUntil) || !now.Before(s.ExpiresAt)
	}), nil
}

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
// cannot be kept it ends as well. Errors: [ErrUserNotFound].
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
		a.known.forget(userID) // also where another replica has removed the rows
	}
}

// touch changes a session that others may be refreshing, if change says that it is
// the right one. ErrInvalidToken means that it is not, or has ended.
func (a *Authenticator) touch(ctx context.Context, id string, change func(SessionRecord) (SessionUpdate, bool)) error {
	for range refreshTries {
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
		a.known.forget(f.UserID)
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
		if err != nil {
			return Tokens{}, err
		}
	}
	a.emit(ctx, Event{Kind: "reauthenticated", UserID: user.ID, SessionID: s.ID})
	return tokens, nil
}
