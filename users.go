package auth

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/seed89488a0c/auth/internal/email"
	"github.com/seed89488a0c/auth/internal/input"
	"github.com/seed89488a0c/auth/internal/nfc"
	"github.com/seed89488a0c/auth/internal/row"
	"github.com/seed89488a0c/auth/internal/uuid"
)

const maxEpoch = 1 << 62 // leaves room to rise

// newEpoch returns where a user's epochs begin: at random, so that sessions that
// were left behind by a user of the same ID are not those of the next one.
func newEpoch() uint64 {
	return 1 + rand.Uint64N(maxEpoch/2) // 0 would be none
}

// User returns a user by ID, or [ErrUserNotFound].
func (a *Authenticator) User(ctx context.Context, id string) (User, error) {
	r, err := a.userByID(ctx, id)
	return r.User, err
}

// PasswordChange is what [Authenticator.ChangePassword] needs.
type PasswordChange struct {
	UserID       string // from the [Identity] of a verified token
	SessionID    string // that of the Identity: goes on, while all others end; "" = none does
	Current, New Password
}

// ChangePassword replaces a user's password, given the current one (ASVS 5.0
// 6.2.3). Errors: [*InputError] for the new password, [ErrInvalidCredentials]
// for the current one, [ErrUserDisabled], [ErrUserNotFound], and [ErrConflict]
// if somebody else changed the password meanwhile.
func (a *Authenticator) ChangePassword(ctx context.Context, c PasswordChange) error {
	if len(c.Current.Reveal()) > input.MaxPasswordBytes {
		return ErrInvalidCredentials
	}
	user, err := a.userByID(ctx, c.UserID)
	if err != nil {
		return err
	}
	if err := a.policy.check(ctx, c.New, user.Email, user.Username); err != nil {
		return err
	}
	if err := a.checkCurrent(ctx, user, c.Current); err != nil {
		return err
	}
	hash, err := a.hash(ctx, c.New)
	if err != nil {
		return err
	}
	replace := func() error {
		return a.update(ctx, UserUpdate{ID: user.ID, IfPasswordHash: &user.PasswordHash, PasswordHash: &hash, EndSessions: true})
	}
	err = replace()
	for try := 1; try < changeTries && errors.Is(err, ErrConflict); try++ {
		// Most likely a login has made the hash anew: the password may still be right.
		if user, err = a.userByID(ctx, c.UserID); err != nil {
			return err
		}
		if err = a.checkCurrent(ctx, user, c.Current); err == ErrInvalidCredentials {
			return ErrConflict // it was right a moment ago
		} else if err != nil {
			return err
		}
		err = replace()
	}
	if err != nil {
		return err
	}
	kept := a.keepSession(ctx, user, c.SessionID)
	a.emit(ctx, Event{Kind: "password_changed", UserID: user.ID, SessionID: kept})
	return nil
}

// changeTries is how often ChangePassword tries to store a new hash. Only
// logins that upgrade the hash can stand in its way more than once.
const changeTries = 4

func (a *Authenticator) checkCurrent(ctx context.Context, user UserRecord, current Password) error {
	check, err := a.checkPassword(ctx, user.EmailKey, user, current)
	switch {
	case err != nil:
		return err
	case !user.DisabledAt.IsZero():
		err = ErrUserDisabled
	case !check.match:
		err = ErrInvalidCredentials
	default:
		return nil
	}
	a.emit(ctx, Event{Kind: "password_refused", UserID: user.ID, Err: check.unreadable})
	return err
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
	if len(r.Password.Reveal()) > input.MaxPasswordBytes {
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

// SetPassword gives a user a new password without asking for the current one:
// for an administrator or after a reset. Tokens live on as with
// [Authenticator.SetDisabled]. Errors: [*InputError], [ErrUserNotFound].
func (a *Authenticator) SetPassword(ctx context.Context, userID string, p Password) error {
	user, err := a.userByID(ctx, userID)
	if err != nil {
		return err
	}
	if err := a.policy.check(ctx, p, user.Email, user.Username); err != nil {
		return err
	}
	hash, err := a.hash(ctx, p)
	if err != nil {
		return err
	}
	if err := a.update(ctx, UserUpdate{ID: userID, PasswordHash: &hash, EndSessions: true}); err != nil {
		return err
	}
	a.deleteEnded(ctx, userID, user.Epoch+1)
	a.emit(ctx, Event{Kind: "password_changed", UserID: userID})
	return nil
}

// SetDisabled shuts a user out of Login and Refresh, or lets it in again. Its sessions
// end. Access tokens that were issued before, or by a login at the same time, live until
// they expire, unless [SessionConfig.Staleness] has Verify ask. Errors:
// [ErrUserNotFound].
func (a *Authenticator) SetDisabled(ctx context.Context, userID string, disabled bool) error {
	update := UserUpdate{ID: userID, DisabledAt: new(time.Time), EndSessions: disabled}
	kind := "user_enabled"
	if disabled {
		*update.DisabledAt, kind = currentTime(), "user_disabled"
	}
	if err := a.update(ctx, update); err != nil {
		return err
	}
	if disabled {
		a.deleteEnded(ctx, userID, 0)
	}
	a.emit(ctx, Event{Kind: kind, UserID: userID})
	return nil
}

// DeleteUser removes a user. Tokens live on as with [Authenticator.SetDisabled].
// Errors: [ErrUserNotFound].
func (a *Authenticator) DeleteUser(ctx context.Context, userID string) error {
	if err := a.store.DeleteUser(ctx, userID); err != nil {
		return storeError("delete user", err, ErrUserNotFound)
	}
	a.deleteEnded(ctx, userID, 0)
	a.emit(ctx, Event{Kind: "user_deleted", UserID: userID})
	return nil
}

// Import adds a user of another system with the hash that it has there, without
// knowing the password. An empty ID, CreatedAt or Epoch is made; EmailKey and
// UpdatedAt are always. An address that [ParseEmail] refuses, such as admin@intranet, is
// kept in NFC and can log in; only one that is empty, not UTF-8 or longer than
// 320 bytes is refused.
//
// Errors: [*InputError], also for a hash that the hasher cannot verify and why, and
// [ErrUserExists].
func (a *Authenticator) Import(ctx context.Context, r UserRecord) (User, error) {
	now := currentTime()
	if r.ID == "" {
		r.ID = uuid.V7(now)
	}
	if code := input.ID(r.ID); code != "" {
		return User{}, &InputError{Field: input.FieldID, Code: code, Max: row.MaxID}
	}
	if address, err := email.Parse(r.Email); err == nil {
		r.Email, r.EmailKey = address.Address, address.Key
	} else if key, ok := email.Key(r.Email); ok {
		r.Email, r.EmailKey = nfc.String(r.Email), key
	} else {
		return User{}, emailError(err)
	}
	if len(r.Email) > row.MaxEmail {
		return User{}, emailError(email.TooLong)
	}
	var err error
	if r.Username, err = parseUsername(r.Username); err != nil {
		return User{}, err
	}
	if len(r.PasswordHash) > row.MaxPasswordHash {
		return User{}, &InputError{Field: input.FieldPasswordHash, Code: input.TooLong, Max: row.MaxPasswordHash}
	}
	if why := a.unreadable(ctx, r.PasswordHash); why != nil {
		return User{}, &InputError{Field: input.FieldPasswordHash, Code: why.Code, Hash: why}
	}
	if r.Epoch > maxEpoch {
		return User{}, &InputError{Field: input.FieldEpoch, Code: input.OutOfRange}
	}
	if r.Epoch == 0 {
		r.Epoch = newEpoch()
	}
	r.UpdatedAt = now
	if r.CreatedAt.IsZero() {
		r.CreatedAt = now
	}
	for _, t := range []*time.Time{&r.CreatedAt, &r.DisabledAt, &r.EmailVerifiedAt} {
		*t = t.UTC().Truncate(time.Microsecond)
		if !t.IsZero() && (t.Year() < 1000 || t.Year() > 9999) { // what MySQL keeps
			return User{}, &InputError{Field: input.FieldTime, Code: input.OutOfRange}
		}
	}
	if r.ID, err = a.store.CreateUser(ctx, r); err != nil {
		return User{}, storeError("import user", err, ErrUserExists)
	}
	a.emit(ctx, Event{Kind: "user_imported", UserID: r.ID})
	return r.User, nil
}

// unreadable says why nobody could log in with a stored hash, or nil.
func (a *Authenticator) unreadable(ctx context.Context, encoded string) *HashError {
	if encoded == "" {
		return nil // no password
	}
	info := a.hasher.Inspect(encoded)
	if info.Scheme != "" {
		if a.gate.Holds(info.MemoryBytes) {
			return nil
		}
		return &HashError{input.HashTooCostly, info.Scheme, "memory", uint64(info.MemoryBytes), uint64(a.hashMemory)}
	}
	if bare := input.WithoutSpace(encoded); bare == "" {
		return &HashError{Code: input.HashWhiteSpace}
	} else if scheme := a.hasher.Inspect(bare).Scheme; bare != encoded && scheme != "" {
		return &HashError{Code: input.HashWhiteSpace, Scheme: scheme}
	}
	_, err := a.hasher.Verify(ctx, encoded, Password{}) // Inspect is zero: an error before any work
	if why, ok := errors.AsType[*HashError](err); ok {
		return why
	}
	if errors.Is(err, ErrUnknownHash) {
		return &HashError{Code: input.HashUnknown}
	}
	return &HashError{Code: input.HashDamaged}
}

func (a *Authenticator) userByID(ctx context.Context, id string) (UserRecord, error) {
	r, err := a.store.UserByID(ctx, id)
	if err != nil {
		return UserRecord{}, storeError("user by id", err, ErrUserNotFound)
	}
	return r, nil
}

// update changes a user now.
func (a *Authenticator) update(ctx context.Context, u UserUpdate) error {
	u.At = currentTime()
	if err := a.store.UpdateUser(ctx, u); err != nil {
		return storeError("update user", err, ErrUserNotFound, ErrConflict)
	}
	return nil
}

// parseUsername returns a display name in NFC.
func parseUsername(s string) (string, error) {
	name, code := input.Username(s)
	if code != "" {
		return "", &InputError{Field: input.FieldUsername, Code: code, Max: row.MaxUsername}
	}
	return name, nil
}
