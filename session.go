package auth

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/seed89488a0c/auth/internal/lifetime"
	"github.com/seed89488a0c/auth/internal/refresh"
	"github.com/seed89488a0c/auth/internal/row"
)

// passwordAMR is the amr of a login by password (RFC 8176 §2).
const passwordAMR = "pwd"

// SessionConfig says where sessions are kept, how long they last and how they end.
// No field but Store is needed.
type SessionConfig struct {
	// Store keeps the sessions; nil = there are none, and no other field may be set.
	// [MemoryStore] and [MySQLStore] keep users and sessions alike.
	Store SessionStore

	// IdleTTL ends a session that was not refreshed for so long, AbsoluteTTL ends it
	// so long after the login, whatever happens (ASVS 5.0 7.3.1, 7.3.2). 1 second to
	// ten years; 0 = 7 and 30 days.
	IdleTTL, AbsoluteTTL time.Duration

	// Grace is for how long a new refresh token is not replaced, and the one before it
	// still stands for it, up to 2 minutes, and half of IdleTTL at most; 0 = 30
	// seconds, negative = none. Each session keeps the end of its grace, so that
	// replicas of other settings agree; clocks that differ take as much from it.
	// Without a grace a client whose answer was lost, or that has two tabs, is taken
	// for a thief and logged out.
	//
	// With one, a thief who has copied a token is found out when either side shows a
	// token that the other has replaced for good. A thief who follows each refresh of
	// the owner within the grace, and imitates the client, is not: what tells of
	// either is the event refresh_repeated, with both clients.
	Grace time.Duration

	// MaxPerUser is how many sessions a user can have, 1 to 1000; 0 = 100. One login
	// more ends the oldest, or with RefuseMore is [ErrTooManySessions] (ASVS 5.0 7.1.2).
	// It is kept as well as can be: logins at once can exceed it, and of more than a
	// thousand sessions that are stored, ended ones too, the newest are counted. There is
	// no way to have no limit: a user with any number of sessions is a weapon.
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

func (c SessionConfig) withDefaults() (SessionConfig, lifetime.Config, error) {
	switch {
	case c == SessionConfig{}:
		return c, lifetime.Config{}, nil
	case isZero(c.Store):
		return c, lifetime.Config{}, errors.New("auth: Options: Sessions: the Store is nil or a zero value")
	}
	c.MaxPerUser = cmp.Or(c.MaxPerUser, 100)
	life, wrong := lifetime.Config{Idle: c.IdleTTL, Absolute: c.AbsoluteTTL, Grace: c.Grace}.WithDefaults()
	switch {
	case wrong != "":
		return c, life, errors.New("auth: Options: Sessions: " + wrong)
	case c.MaxPerUser < 0 || c.MaxPerUser > row.MaxListed:
		return c, life, errors.New("auth: Options: Sessions: MaxPerUser is negative or above 1000")
	case c.Staleness < 0 || c.Staleness > time.Hour:
		return c, life, errors.New("auth: Options: Sessions: Staleness is negative or above 1 hour")
	}
	return c, life, nil
}

// prepare makes the tokens of a user who was authenticated as the subject says, and a
// session that is yet to be stored, where there are sessions. An AuthTime of zero is now.
func (a *Authenticator) prepare(ctx context.Context, user UserRecord, client Client, subject Subject) (Tokens, SessionRecord, error) {
	now := currentTime()
	if subject.AuthTime.IsZero() {
		subject.AuthTime = now
	}
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
				ExpiresAt:  now.Add(a.life.Absolute),
				AuthTime:   subject.AuthTime,
				AMR:        subject.AMR,
				Audience:   cmp.Or(strings.Join(subject.Audience, " "), strings.Join(subject.Granted, " ")),
				Client:     client.cut(),
			},
			Epoch:      user.Epoch,
			Family:     first.Family(),
			Token:      first.Digest(),
			GraceUntil: a.life.GraceUntil(now),
		}
		s.IdleUntil = a.life.IdleUntil(now, s.ExpiresAt)
	}
	subject.SessionID = s.ID
	tokens, err := a.issue(ctx, user.User, subject)
	if err != nil {
		return Tokens{}, SessionRecord{}, err
	}
	if a.sessions != nil {
		tokens.Refresh, tokens.RefreshExpiresAt = first.Text(), s.IdleUntil
	}
	return tokens, s, nil
}

// createSession stores a session that was prepared. One whose tokens nobody gets, since
// it could not be told whether it was stored, is forsaken.
func (a *Authenticator) createSession(ctx context.Context, s SessionRecord) error {
	if a.sessions == nil {
		return nil
	}
	err := storeError("create session", a.sessions.CreateSession(ctx, s))
	if err != nil {
		a.forsake(ctx, s)
	}
	return err
}

// forsake removes a session whose tokens nobody gets. Where that fails, or the process
// dies before, one of the user's epoch is listed and counted until it is idle.
func (a *Authenticator) forsake(ctx context.Context, s SessionRecord) {
	if a.sessions != nil {
		ctx, cancel := detached(ctx)
		defer cancel()
		_, _ = a.deleteSessions(ctx, SessionFilter{ID: s.ID, UserID: s.UserID})
	}
}

// detached returns a context for what must be settled although the caller has gone, for
// a second.
func detached(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), time.Second)
}

// limit returns a session with the ends that are configured today.
func (a *Authenticator) limit(s SessionRecord) SessionRecord {
	s.IdleUntil, s.ExpiresAt = a.life.Limit(s.CreatedAt, s.LastUsedAt, s.IdleUntil, s.ExpiresAt)
	return s
}

// userForLogin returns the user with an e-mail key, zero where there is none, whether so
// many sessions are stored that the living ones have to be counted, and counters of attempts.
// What is in the users' store, if that is one of ours, is known from the same read; others
// are asked at each login.
func (a *Authenticator) userForLogin(ctx context.Context, key string, attempts [][32]byte) (user UserRecord, crowded bool, counted []AttemptRecord, err error) {
	var counters AttemptStore
	if a.throttle != nil {
		counters = a.throttle.Store
	}
	withSessions, withAttempts := storeOfBoth(a.store, a.sessions), storeOfBoth(a.store, counters)
	if withAttempts != nil {
		user, crowded, counted, err = withAttempts.userForLogin(ctx, key, max(1, a.sessionConfig.MaxPerUser), attempts)
	} else if withSessions != nil {
		user, crowded, _, err = withSessions.userForLogin(ctx, key, a.sessionConfig.MaxPerUser, nil)
	} else {
		user, err = a.store.UserByEmail(ctx, key)
	}
	if errors.Is(err, ErrUserNotFound) || err == nil && key == "" { // which is nobody's, whatever a store has
		user, err = UserRecord{}, nil
	}
	if err != nil {
		return UserRecord{}, false, nil, storeError("user by email", err)
	}
	if withAttempts == nil {
		counted, err = a.attempts(ctx, attempts)
	}
	return user, crowded || withSessions == nil && a.sessions != nil, counted, storeError("attempts", err)
}

// userForProof is userForLogin by the user's ID.
func (a *Authenticator) userForProof(ctx context.Context, id string) (UserRecord, bool, error) {
	if id == "" { // which no store should have
		return UserRecord{}, false, ErrUserNotFound
	}
	if s := storeOfBoth(a.store, a.sessions); s != nil {
		user, crowded, err := s.userForProof(ctx, id, a.sessionConfig.MaxPerUser)
		return user, crowded, storeError("user by id", err, ErrUserNotFound)
	}
	user, err := a.userByID(ctx, id)
	return user, a.sessions != nil, err
}

// checkMaxSessions says whether a user may have so many more sessions.
func (a *Authenticator) checkMaxSessions(ctx context.Context, user UserRecord, more int) error {
	if !a.sessionConfig.RefuseMore {
		return nil
	}
	living, err := a.countedSessions(ctx, user)
	if err == nil && len(living)+more > a.sessionConfig.MaxPerUser {
		err = ErrTooManySessions
	}
	return err
}

// endOldest ends the oldest sessions beyond the limit, of those that are older than the
// one just begun. What fails is left to the next login.
func (a *Authenticator) endOldest(ctx context.Context, user UserRecord, newest string) {
	if a.sessionConfig.RefuseMore {
		return
	}
	living, err := a.countedSessions(ctx, user)
	// Those behind it alone: who begins one at the same time ends the others, and two that
	// ended each other would leave none.
	own := slices.IndexFunc(living, func(s SessionRecord) bool { return s.ID == newest })
	var oldest []string
	if own >= 0 {
		for _, s := range living[min(len(living), max(own+1, a.sessionConfig.MaxPerUser)):] {
			oldest = append(oldest, s.ID)
		}
	}
	if len(oldest) > 0 {
		var n int
		if n, err = a.deleteSessions(ctx, SessionFilter{IDs: oldest, UserID: user.ID}); n > 0 {
			for _, id := range oldest {
				a.emit(ctx, Event{Kind: "session_ended", UserID: user.ID, SessionID: id})
			}
		}
	}
	a.went(ctx, user.ID, err)
}

// countedSessions is livingSessions, and removes the ended ones that were read: they
// would have every login of the user count again. The store compares once more, since
// the read may be of a server that is behind.
func (a *Authenticator) countedSessions(ctx context.Context, user UserRecord) ([]SessionRecord, error) {
	now := currentTime()
	living, ended, err := a.sessionsByLife(ctx, user, now)
	if err != nil {
		return nil, err
	}
	var older, idle []string
	for _, s := range ended {
		if s.Epoch < user.Epoch {
			older = append(older, s.ID)
		} else if s.Epoch == user.Epoch {
			idle = append(idle, s.ID)
		}
	}
	if len(older) > 0 {
		_, _ = a.deleteSessions(ctx, SessionFilter{IDs: older, UserID: user.ID, BeforeEpoch: user.Epoch})
	}
	if len(idle) > 0 {
		_, _ = a.deleteSessions(ctx, SessionFilter{IDs: idle, UserID: user.ID, IdleBy: now})
	}
	return living, nil
}

// HasSessions says whether there are any: whether [Options.Sessions] has a Store. Without
// one Refresh, Logout, EndSession, EndSessions and Sessions return an error that says so
// and matches nothing, and there are access tokens only.
func (a *Authenticator) HasSessions() bool { return a.sessions != nil }

// Sessions returns the sessions of a user that have not ended, newest first, at
// most 1000. Errors: [ErrUserNotFound].
func (a *Authenticator) Sessions(ctx context.Context, userID string) (_ []Session, err error) {
	ctx, call := a.begin(ctx, "sessions", Client{})
	defer a.report(ctx, call, &err)
	call.userID = userID
	if a.sessions == nil {
		return nil, errNoSessions
	}
	user, err := a.userByID(ctx, userID)
	if err != nil {
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
	living, _, err := a.sessionsByLife(ctx, user, currentTime())
	return living, err
}

// sessionsByLife returns the sessions of a user, newest first, that live and that have
// ended.
func (a *Authenticator) sessionsByLife(ctx context.Context, user UserRecord, now time.Time) (living, ended []SessionRecord, _ error) {
	list, err := a.sessions.Sessions(ctx, user.ID)
	if err != nil {
		return nil, nil, storeError("sessions", err)
	}
	for _, s := range list {
		switch s = a.limit(s); {
		case s.Epoch == user.Epoch && !s.over(now):
			living = append(living, s)
		case s.Epoch <= user.Epoch: // else it is one that is about to begin, see beginAlone
			ended = append(ended, s)
		}
	}
	return living, ended, nil
}

// words returns the words of an audience that was kept.
func words(audience string) []string {
	if audience == "" {
		return nil
	}
	return strings.Split(audience, " ")
}

// livingSession returns a session that has not ended, other than by being idle,
// and its user. Beside ErrInvalidToken stands what was found.
func (a *Authenticator) livingSession(ctx context.Context, id string) (SessionRecord, UserRecord, error) {
	s, user, err := a.sessionAndUser(ctx, id)
	s = a.limit(s)
	if err == nil && (s.Epoch != user.Epoch || !user.DisabledAt.IsZero() || !currentTime().Before(s.ExpiresAt)) {
		err = ErrInvalidToken
	}
	return s, user, err
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
	if s.User != nil && storeOfBoth(a.store, a.sessions) != nil {
		return s, *s.User, nil
	}
	user, err := a.userByID(ctx, s.UserID)
	if errors.Is(err, ErrUserNotFound) {
		err = ErrInvalidToken
	}
	return s, user, err
}

// storeOfBoth returns the store of this package that users, and sessions or attempts, are
// both in, or nil. A wrapper of one is another, which may know better.
func storeOfBoth(users UserStore, others any) *rowStore {
	switch s := users.(type) {
	case *MemoryStore:
		if others == any(s) {
			return &s.rowStore
		}
	case *MySQLStore: // one that OnCreateUser returned is no other
		if t, ok := others.(*MySQLStore); ok && s.tables.Same(t.tables) {
			return &s.rowStore
		}
	}
	return nil
}

// sessionTries is how often a session is looked at that others are changing, and
// codeConflicts the code of a [StoreError] for one that changed each time, or that is
// read where it is not written.
const (
	sessionTries  = 4
	codeConflicts = "conflicts without end"
)

// updateSession is UpdateSession; ErrConflict means that the session is not as demanded.
func (a *Authenticator) updateSession(ctx context.Context, u SessionUpdate) error {
	return storeError("update session", a.sessions.UpdateSession(ctx, u), ErrConflict)
}
