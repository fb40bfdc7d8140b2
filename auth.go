// Package auth adds registration, login and expiring tokens to a Go service.
//
// [New] builds an [Authenticator] from a [UserStore] and a [TokenIssuer]. The
// service keeps its router, its connection pool and its own data; package
// [github.com/seed89488a0c/auth/authhttp] has net/http middleware and handlers
// for those who want them, and package
// [github.com/seed89488a0c/auth/authtest] what unit tests need.
package auth

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/seed89488a0c/auth/internal/clientaddr"
	"github.com/seed89488a0c/auth/internal/device"
	"github.com/seed89488a0c/auth/internal/email"
	"github.com/seed89488a0c/auth/internal/hashgate"
	"github.com/seed89488a0c/auth/internal/hashing"
	"github.com/seed89488a0c/auth/internal/input"
	"github.com/seed89488a0c/auth/internal/lifetime"
	"github.com/seed89488a0c/auth/internal/recent"
	"github.com/seed89488a0c/auth/internal/row"
	"github.com/seed89488a0c/auth/internal/throttle"
	"github.com/seed89488a0c/auth/internal/token"
	"github.com/seed89488a0c/auth/internal/uuid"
)

// Authenticator registers users, logs them in and verifies their tokens. It is
// safe for concurrent use; one is enough for a process. It starts no goroutines
// and has nothing to close.
//
// At most as many passwords are hashed at once as there are processors, by GOMAXPROCS
// when [New] was called, and as [Options.HashMemory] allows. Up to 128 times as
// many logins and registrations wait, and as many calls of who is logged in. Both are
// served in turn: by the network of the [Client] (an IPv4 /24, an IPv6 /32), in it by
// address (an IPv6 /48), and then by account. All who have no address are one network. So
// one client's thousand logins delay another's by one. A login with a Device waits among
// those who are logged in, of whom one of an account does so at a time and others wait as
// strangers. Where the queue is full, the last of whoever has most in it gets
// [ErrOverloaded], as does whoever's context ends in it.
//
// Every method returns zero values beside an error. Any error means that the
// user is not logged in. What is not in one of the errors named at a method
// matches [ErrUnavailable].
type Authenticator struct {
	store  UserStore
	issuer TokenIssuer
	owner  *token.Owner // of the identities that Verify returned
	hasher Hasher
	policy PasswordPolicy
	claims func(context.Context, User) (any, error) // nil: none
	events func(context.Context, Event)
	room   hashing.Room[Password] // where hashes are made and checked
	asking *hashgate.Gate         // of questions to PasswordPolicy.Breached

	sessions      SessionStore // nil: there are none
	sessionConfig SessionConfig
	life          lifetime.Config
	known         *recent.Table[knownSession] // nil: Verify does not ask for sessions

	throttle *throttle.Limiter // nil: nothing is limited
	suspect  func(context.Context, Client, Attempts) (bool, error)

	devices        device.Keys
	revealDisabled bool
	testAddresses  bool // under .test are accepted

	addressTold *clientaddr.Told // that clients' addresses are not known; copies share it
}

// New returns an Authenticator. It hashes and verifies once, so that a hasher
// that does not work is found now, and says all that is wrong with o together. That
// takes no more than [Options.HashMemory]; a hash for which the process has not enough
// memory is an error.
func New(store UserStore, issuer TokenIssuer, o Options) (*Authenticator, error) {
	if isZero(store) || issuer == nil {
		return nil, errors.New("auth: New: the store is nil or a zero value, or the issuer is nil")
	}
	a := &Authenticator{store: store, issuer: issuer, owner: &token.Owner{}, addressTold: &clientaddr.Told{}}
	if err := a.apply(o); err != nil {
		return nil, err
	}
	if err := a.prepareHashing(o); err != nil {
		return nil, err
	}
	return a, nil
}

// WithStore returns an Authenticator that keeps users in another store and shares
// everything else with a, sessions and hashing slots too. The store must not be nil. It is
// for [MySQLStore.OnCreateUser], and for tests.
func (a *Authenticator) WithStore(store UserStore) *Authenticator {
	b := *a
	b.store = store
	return &b
}

// Registration is what [Authenticator.Register] needs.
type Registration struct {
	Email    string // nothing is trimmed; package authhttp does, since phones add a space
	Username string // optional display name, at most 100 characters
	Password Password
	TokenTTL time.Duration // of the access token, whole seconds; 0 = the issuer's
	Audience []string      // whom the tokens are for, of all for whom the issuer issues; empty = all
	Client   Client        // who asks
}

// Credentials is what [Authenticator.Login] needs.
type Credentials struct {
	Email    string // in any spelling; nothing is trimmed, as in Registration
	Password Password
	TokenTTL time.Duration // of the access token, whole seconds; 0 = the issuer's
	Audience []string      // whom the tokens are for, of all for whom the issuer issues; empty = all
	Client   Client        // who asks
	Device   string        // what an earlier login of this client gave, see [Tokens]; "" = none; prints as it is
}

// Result is what a successful Register, Login or Refresh gives: whole, or there is
// an error.
type Result struct {
	User   User
	Tokens Tokens
}

// Tokens are the secrets that a client keeps. By fmt, log/slog, encoding/json
// and encoding/xml they are "REDACTED", so that writing them to a client is
// always deliberate; package authhttp's WriteTokens does. encoding/gob, and fmt
// in an unexported field of another struct, give their text.
type Tokens struct {
	hidden

	Access          string
	AccessExpiresAt time.Time // the token's exp, UTC, whole seconds

	// Refresh is for [Authenticator.Refresh]; "" without [Options.Sessions].
	Refresh          string
	RefreshExpiresAt time.Time // unless it is used before; UTC, whole microseconds

	// Device is for [Credentials] of later logins of the same client with the same address,
	// for 180 days: 36 characters, "" without [Options.Secrets]. Register, Login, and
	// LoginWith without an Identity give one. A client keeps it when it logs out. It logs
	// nobody in. With it one login of the account at a time does not wait among strangers,
	// however many they are, and is not refused for what strangers did. A copy of it is worth
	// ten guesses, see [Throttle]. It tells one client from another: it is personal data.
	Device string
}

// Register creates a user and logs it in: one hash, one new row for the user.
//
// Errors: [*InputError], [ErrUserExists], [*ThrottleError], [ErrOverloaded], and what a function of
// [MySQLStore.OnCreateUser] returned. Nothing is created beside one of them. After
// [ErrUnavailable] the outcome may be unknown: if the connection broke during the insert
// and the store cannot be asked, the session could not be stored, or no token could be
// signed for an ID of the store's own making, a retry may find that the user exists, who
// can log in.
func (a *Authenticator) Register(ctx context.Context, r Registration) (_ Result, err error) {
	ctx, call := a.begin(ctx, "register", r.Client)
	defer a.report(ctx, call, &err)
	address, err := a.parseEmail(r.Email)
	if err != nil {
		return Result{}, input.Email(err)
	}
	username, err := input.Username(r.Username)
	if err != nil {
		return Result{}, err
	}
	if err := input.Token(r.TokenTTL, r.Audience); err != nil {
		return Result{}, err
	}
	hash, err := a.hashFirst(ctx, r, address.Key, username)
	if err != nil {
		return Result{}, err
	}
	now := currentTime()
	record := UserRecord{
		User: User{
			ID:        uuid.V7(now),
			Email:     address.Address,
			Username:  username,
			CreatedAt: now,
			UpdatedAt: now,
		},
		EmailKey:     address.Key,
		PasswordHash: hash,
		Epoch:        newEpoch(),
	}
	// The token comes first: a key that cannot sign leaves no user behind.
	subject := Subject{TTL: r.TokenTTL, Audience: r.Audience, AMR: passwordAMR}
	tokens, session, err := a.prepare(ctx, record, r.Client, subject)
	if err != nil {
		return Result{}, err
	}
	id, err := a.create(ctx, record)
	if err != nil {
		return Result{}, err
	}
	if id != record.ID {
		record.ID = id
		if tokens, session, err = a.prepare(ctx, record, r.Client, subject); err != nil {
			return Result{}, err
		}
	}
	if err := a.createSession(ctx, session); err != nil {
		return Result{}, err
	}
	tokens.Device = a.devices.Make(record.EmailKey, now)
	a.emit(ctx, Event{Kind: "registered", UserID: id, SessionID: session.ID, AMR: passwordAMR})
	return Result{User: record.User, Tokens: tokens}, nil
}

// hashFirst hashes the password of a registration that the client's network may make. One
// that comes to nothing here is not counted.
func (a *Authenticator) hashFirst(ctx context.Context, r Registration, key, username string) (string, error) {
	back, err := a.throttle.Register(ctx, r.Client.Address)
	if err != nil {
		return "", throttled(err)
	}
	turn, hash := hashgate.Stranger(r.Client.Address, key), ""
	if err = a.checkNew(ctx, turn, r.Password, r.Email, username); err == nil {
		hash, err = a.room.Hash(ctx, turn, r.Password)
	}
	if err != nil {
		back(ctx)
	}
	return hash, err
}

// parseEmail is what [ParseEmail] does, but for a hasher that works in tests alone.
func (a *Authenticator) parseEmail(s string) (email.Address, error) {
	if a.testAddresses {
		return email.ParseTest(s)
	}
	return email.Parse(s)
}

// create adds a user and settles an insert whose outcome is unknown: it reads
// the key once, and a row with the very hash that was just made under a random
// salt is this call's own.
func (a *Authenticator) create(ctx context.Context, r UserRecord) (string, error) {
	id, err := a.store.CreateUser(ctx, r)
	if err == nil {
		return id, nil
	}
	if err = storeError("create user", err, ErrUserExists); !errors.Is(err, ErrUnavailable) || ctx.Err() != nil {
		return "", err
	}
	if found, readErr := a.store.UserByEmail(ctx, r.EmailKey); readErr == nil && found.PasswordHash == r.PasswordHash {
		return found.ID, nil
	}
	return "", err
}

// Login checks a password and logs the user in: one read of the user and one check
// of a hash, whoever asks. A hash that is outdated, see [HashInfo], is then made anew,
// which takes one more of each and never fails a login.
//
// Errors: [ErrInvalidCredentials], after equal work: for an unknown address, and a
// user without password or with an unreadable hash, a decoy of the live parameters is
// checked (ASVS 5.0 6.3.8). Rows of other parameters answer in their own time until
// they are made anew, which tells that they exist unless [Options.Decoys] says how many
// there are. [*InputError] for a TokenTTL or an Audience, or a password of more than 4096 bytes, since
// none was ever accepted; [*ThrottleError], before any hash; [ErrOverloaded]; [ErrTooManySessions].
func (a *Authenticator) Login(ctx context.Context, c Credentials) (_ Result, err error) {
	ctx, call := a.begin(ctx, "login", c.Client)
	call.amr = passwordAMR
	defer a.report(ctx, call, &err)
	if len(c.Password.Reveal()) > input.MaxPasswordBytes {
		return Result{}, &InputError{Field: input.FieldPassword, Code: input.TooLong}
	}
	if err := input.Token(c.TokenTTL, c.Audience); err != nil {
		return Result{}, err
	}
	// A text that can be nobody's key costs what an unknown address does.
	key, _ := email.Key(c.Email)
	var user UserRecord
	var crowded bool
	try := throttle.Try{Account: cmp.Or(key, "no key "+c.Email), Password: c.Password.Reveal()}
	try.Own, try.OwnUntil = a.devices.Find(c.Device, key, time.Now())
	pass, err := a.try(ctx, try, c.Client, func(ctx context.Context, keys []row.AttemptKey) (counted []AttemptRecord, err error) {
		user, crowded, counted, err = a.userForLogin(ctx, key, keys)
		call.userID = user.ID
		return counted, err
	})
	if err != nil {
		return Result{}, err
	}
	defer pass.Leave() // after a panic what was counted in advance stays counted
	turn := hashgate.Stranger(c.Client.Address, key)
	if pass.Known() {
		turn = hashgate.Known(c.Client.Address, key)
	}
	check, err := a.room.Check(ctx, turn, key, user.PasswordHash, c.Password)
	if err != nil {
		pass.Return(ctx)
		return Result{}, err
	}
	if disabled := !user.DisabledAt.IsZero(); disabled || !check.Match {
		event := Event{Kind: "login_failed", UserID: user.ID, AMR: passwordAMR, Err: check.Unreadable}
		if disabled {
			event.Code = "user_disabled"
		}
		if err := a.failed(ctx, pass, event, SessionRecord{}); err != nil {
			return Result{}, err
		}
		if disabled && check.Match && a.revealDisabled {
			return Result{}, ErrUserDisabled
		}
		return Result{}, ErrInvalidCredentials
	}
	pass.Leave()
	result, err := a.enter(ctx, user, crowded, c.Client, Subject{TTL: c.TokenTTL, Audience: c.Audience, AMR: passwordAMR})
	if err != nil {
		pass.Return(ctx)
		return Result{}, err
	}
	a.succeeded(ctx, pass, user.ID)
	if check.Outdated {
		a.rehash(ctx, user, c.Password, check.Unlike)
	}
	return result, nil
}

// enter logs in a user who was authenticated as the subject says, and may: it is where
// every way in ends.
func (a *Authenticator) enter(ctx context.Context, user UserRecord, crowded bool, client Client, s Subject) (Result, error) {
	tokens, session, err := a.prepare(ctx, user, client, s)
	if err == nil {
		err = a.beginAnother(ctx, user, session, crowded)
	}
	if err != nil {
		return Result{}, err
	}
	tokens.Device = a.devices.Make(user.EmailKey, time.Now())
	a.emit(ctx, Event{Kind: "logged_in", UserID: user.ID, SessionID: session.ID, AMR: s.AMR})
	return Result{User: user.User, Tokens: tokens}, nil
}

// rehashTimeout bounds what a store or a hasher that stalls adds to a login.
const rehashTimeout = time.Second

// rehash replaces a hash by one of today's parameters, unless somebody else
// has changed it meanwhile. The login is done: it does not wait for this behind
// others who want to log in; there will be another one. A password that may be another
// than the user's, see unlike, is not hashed.
func (a *Authenticator) rehash(ctx context.Context, user UserRecord, p Password, unlike error) {
	within, cancel := context.WithTimeout(ctx, rehashTimeout)
	defer cancel()
	hash, err := "", unlike
	if err == nil {
		hash, err = a.room.TryHash(within, p)
	}
	if err == nil {
		err = a.update(within, UserUpdate{ID: user.ID, IfPasswordHash: &user.PasswordHash, PasswordHash: &hash})
	}
	a.emit(ctx, Event{Kind: "password_rehashed", UserID: user.ID, Err: err})
}

// Verify returns who an access token speaks for. It does no I/O with a
// [JWTIssuer], unless [SessionConfig.Staleness] has it ask for the session, which
// is remembered. Errors: [ErrInvalidToken], mostly as a [*TokenError], and
// [ErrUnavailable]. The Identity is a's own, see [Authenticator.CheckIdentity].
func (a *Authenticator) Verify(ctx context.Context, accessToken string) (Identity, error) {
	identity, err := a.parse(ctx, accessToken)
	if err == nil && a.known != nil {
		err = a.checkSession(ctx, identity)
	}
	if err != nil {
		ctx, call := a.begin(ctx, "verify", Client{})
		call.userID, call.sessionID = identity.UserID, identity.SessionID
		a.report(ctx, call, &err)
		return Identity{}, err
	}
	token.Own(&identity, a.owner)
	return identity, nil
}

func (a *Authenticator) parse(ctx context.Context, accessToken string) (Identity, error) {
	identity, err := a.issuer.Parse(ctx, accessToken)
	if err == nil && identity.UserID != "" {
		return identity, nil
	}
	if err == nil {
		return Identity{}, ErrInvalidToken
	}
	if refused := token.Refusal(err); refused != nil {
		return Identity{}, refused
	}
	return Identity{}, unavailable("verify token", err)
}

// issue makes an access token.
func (a *Authenticator) issue(ctx context.Context, u User, s Subject) (Tokens, error) {
	claims, err := a.claimsOf(ctx, u)
	if err != nil {
		return Tokens{}, err
	}
	s.UserID, s.Claims = u.ID, claims
	issued, err := a.issuer.Issue(ctx, s)
	if err != nil {
		if wrong, ok := errors.AsType[*InputError](err); ok && wrong.Field == input.FieldAudience {
			switch {
			case len(s.Audience) > 0:
				return Tokens{}, &InputError{Field: wrong.Field, Code: input.NotAllowed}
			case len(s.Granted) > 0: // nothing that the session was begun for is left
				return Tokens{}, ErrInvalidToken
			}
		}
		return Tokens{}, unavailable("issue token", err)
	}
	return Tokens{Access: issued.Token, AccessExpiresAt: issued.ExpiresAt}, nil
}

// claimsOf returns the service's own claims about a user, nil if there are none.
func (a *Authenticator) claimsOf(ctx context.Context, u User) (json.RawMessage, error) {
	if a.claims == nil {
		return nil, nil
	}
	v, err := a.claims(ctx, u)
	if err != nil {
		return nil, serviceError("claims", err)
	}
	object, err := token.Custom(v)
	if err != nil {
		return nil, refusal("claims", err.Error())
	}
	return object, nil
}

// currentTime is what stores are given: UTC and whole microseconds, as MySQL keeps.
func currentTime() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
