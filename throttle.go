package auth

import (
	"context"
	"errors"
	"time"

	"github.com/seed89488a0c/auth/internal/throttle"
)

// Throttle limits how often passwords can be guessed, and locks nobody out for what others
// do (NIST SP 800-63B-4 §3.2.2, ASVS 5.0 6.1.1, 6.3.1). The zero value is safe, and needs no
// field unless the users are kept in a store that is not of this package.
//
// A client is known that shows a [Tokens] Device of the account, or is logged in; all
// others are strangers. A network is an IPv4 address or an IPv6 /64; for spraying and
// registrations an IPv4 address or an IPv6 /48. Failures are counted in a row, whether the
// address is a user's or not, with accounts and networks in digests, which are keyed by
// [Options.Secrets]:
//
//	of an account           from 50 on strangers wait, 30 seconds that double up to 1 hour;
//	                        80 stop strangers, and 100, to which only known clients get, stop
//	                        everybody, until a login, a new password, ClearAttempts, or 30 days
//	                        without a failure
//	of an account, by the   from 5 on they wait likewise;
//	strangers of a network  from 10 on (20 of an IPv6 /48) they are let in once in 24 hours;
//	                        40 stop them for good;
//	                        until one of that network logs in, or 30 days are over
//	of an account, by a     10 make a device unknown, and end a session, until it is used
//	known client            with success; the same wrong password again counts once in a process
//	of a network's          100 within 10 minutes have the next ones wait for 6 seconds each,
//	strangers, everywhere   whatever the account
//	registrations           300 of a network within 1 hour have the next ones wait for 12 seconds each
//
// Whoever has to wait or is stopped gets a [*ThrottleError] before any password is hashed,
// right or not, and what is refused counts for nothing. Tries at once are held to it too, in any number of processes: at most two of
// an account are let in by each process beyond a limit, and as many of known clients. A client
// without an address has no network. Nothing is counted of what could not be checked, as in
// an outage, and nothing of [Authenticator.Refresh] and [Authenticator.LoginWith].
type Throttle struct {
	// Store keeps the counters, which all replicas must share; nil = the store of the users,
	// where that is a [MemoryStore] or a [MySQLStore], and not what embeds or wraps one. Two
	// tables of users need one each: an address is one account in a store. Where it fails
	// nobody is let in: [ErrUnavailable].
	Store AttemptStore

	PerNetwork    int // failures that stop the strangers of a network at an account, 3 to 10; 0 = 10
	Spraying      int // failures of a network's strangers within 10 minutes, 10 to 1000; 0 = 100
	Registrations int // of a network within an hour, 10 to 10,000; 0 = 300

	// Suspect is asked about each stranger's login that the account is no reason to refuse,
	// before the hash, so that a service can demand a captcha, whose answer it finds in ctx;
	// nil = not asked. It is told the Failures, alike for addresses that nobody has, and
	// NetworkSlowed. If it says that the client is human, a network that is slowed lets it in;
	// no wait of the account is lifted. Its error refuses the login: a [*ThrottleError] has
	// it, and the answer is 429 captcha_required, or 503 where it matches [ErrUnavailable]. It
	// must be safe for concurrent use, and be quick: two logins at an account run at once.
	Suspect func(ctx context.Context, client Client, known Attempts) (human bool, err error)

	InsecureOff bool // nothing is counted and nobody is refused; no other field may be set
}

// Attempts is what is known of the failures at an account. It does not tell of single
// networks: the strangers of one may have to wait, or be stopped, while Wait is 0 and Stopped
// is false.
type Attempts struct {
	Failures      int           // one after another, whoever failed
	Wait          time.Duration // of strangers, from now; 0 = they have none
	Stopped       bool          // strangers are
	AllStopped    bool          // everybody is
	NetworkSlowed bool          // for [Throttle.Suspect] alone: the client's network has failed too often
}

// ThrottleError refuses a login, a registration or a password given again, before any
// password is hashed (HTTP 429). It matches [ErrTooManyAttempts], and what is in Suspect.
//
// It is one of three:
//
//	After   time.Duration // then the next one is let in, unless another takes its place; whole seconds
//	Stopped bool          // no short wait helps: a known client, support or a new password does, or a day where it is one network that is stopped
//	Suspect error         // of Throttle.Suspect, whole
type ThrottleError = throttle.Error

// limiter returns what limits by t, or what is wrong with it. The store is that of the users.
func (t Throttle) limiter(store UserStore, secrets [][]byte) (*throttle.Limiter, error) {
	if t.InsecureOff {
		if t.Store != nil || t.Suspect != nil || t.PerNetwork != 0 || t.Spraying != 0 || t.Registrations != 0 {
			return nil, errors.New("auth: Options: Throttle: InsecureOff and another field are set")
		}
		return nil, nil
	}
	c := throttle.Config{Store: t.Store, Keys: throttle.NewKeys(secrets), PerNetwork: t.PerNetwork, Spraying: t.Spraying, Registrations: t.Registrations}
	if s, ok := store.(*MemoryStore); ok && c.Store == nil {
		c.Store = s
	}
	if s, ok := store.(*MySQLStore); ok && c.Store == nil {
		c.Store = s
	}
	if isZero(c.Store) {
		return nil, errors.New("auth: Options: set Throttle.Store: the users' store is no MemoryStore or MySQLStore, and all replicas must share the counters")
	}
	return throttle.New(c)
}

// try lets a try at a password in when it is its turn, or says why not.
func (a *Authenticator) try(ctx context.Context, t throttle.Try, client Client, read throttle.Read) (*throttle.Pass, error) {
	t.Address = client.Address
	if suspect := a.suspect; suspect != nil {
		t.Suspect = func(s throttle.State) (bool, error) {
			human, err := suspect(ctx, client, Attempts(s))
			if err != nil {
				err = &ThrottleError{Suspect: err}
			}
			return human, err
		}
	}
	pass, err := a.throttle.Begin(ctx, t, read)
	if err == throttle.ErrSpent {
		return nil, err
	}
	return pass, throttled(err)
}

// succeeded forgets what has failed before. Where that fails the user is in all the same.
func (a *Authenticator) succeeded(ctx context.Context, pass *throttle.Pass, userID string) {
	a.went(ctx, userID, storeError("delete attempts", pass.Succeeded(ctx)))
}

// attempts reads counters, where there are any to be read.
func (a *Authenticator) attempts(ctx context.Context, keys [][32]byte) ([]AttemptRecord, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	return a.throttle.Store.Attempts(ctx, keys)
}

// throttled is the error of a caller whom a limiter has not let in.
func throttled(err error) error {
	if errors.Is(err, ErrTooManyAttempts) || errors.Is(err, ErrUnavailable) {
		return err
	}
	return storeError("attempts", err)
}

// failed counts a wrong password, and tells of it and of what that has brought about. Of a
// known client that has failed too often a session ends. Beside an error nobody may learn
// that the password was wrong.
func (a *Authenticator) failed(ctx context.Context, pass *throttle.Pass, refused Event, session SessionRecord) error {
	changes, err := pass.Failed(ctx)
	if err != nil {
		return storeError("count attempts", err)
	}
	a.emit(ctx, refused)
	for _, change := range changes {
		if change == throttle.OwnSpent && session.ID != "" {
			within, cancel := detached(ctx) // whoever hangs up has not kept it
			defer cancel()
			if err := a.endSession(within, session.UserID, SessionFilter{ID: session.ID, UserID: session.UserID}); err != nil {
				return err
			}
			continue
		}
		a.emit(ctx, Event{Kind: change.Kind, Code: change.Code, UserID: refused.UserID})
	}
	return nil
}

// clear forgets what was counted of a user's account.
func (a *Authenticator) clear(ctx context.Context, user UserRecord) error {
	return storeError("delete attempts", a.throttle.Clear(ctx, user.EmailKey))
}

// Attempts returns what is known of the failures at a user's account, for support. A user who
// is refused although nothing shows here is stopped by network:
// [Authenticator.ClearAttempts] helps then too. Errors: [ErrUserNotFound].
func (a *Authenticator) Attempts(ctx context.Context, userID string) (_ Attempts, err error) {
	ctx, call := a.begin(ctx, "attempts", Client{})
	defer a.report(ctx, call, &err)
	call.userID = userID
	user, err := a.userByID(ctx, userID)
	if err != nil {
		return Attempts{}, err
	}
	state, err := a.throttle.State(ctx, user.EmailKey)
	if err != nil {
		return Attempts{}, storeError("attempts", err)
	}
	return Attempts(state), nil
}

// ClearAttempts forgets all failures at a user's account, of networks and known clients too,
// so that everybody may try again: for support, which knows who asks. Processes that have
// just refused somebody go on for up to a second. Errors: [ErrUserNotFound].
func (a *Authenticator) ClearAttempts(ctx context.Context, userID string) (err error) {
	ctx, call := a.begin(ctx, "clear_attempts", Client{})
	defer a.report(ctx, call, &err)
	call.userID = userID
	user, err := a.userByID(ctx, userID)
	if err != nil {
		return err
	}
	if err := a.clear(ctx, user); err != nil {
		return err
	}
	a.emit(ctx, Event{Kind: "attempts_cleared", UserID: userID})
	return nil
}
