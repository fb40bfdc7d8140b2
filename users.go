package auth

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/seed89488a0c/auth/internal/hashgate"
	"github.com/seed89488a0c/auth/internal/input"
)

// epochStep returns by how much an ending raises an epoch. It is random, so that nobody
// else's raise ends at the same number: a session that was made for an epoch which was
// then not reached, as when the process died in between, never comes to life, and who
// reads the epoch after a lost answer knows whether its own raise was done.
func epochStep() uint64 { return 1 + rand.Uint64N(1<<32) }

// newEpoch returns where a user's epochs begin: at random, so that sessions that
// were left behind by a user of the same ID are not those of the next one.
func newEpoch() uint64 {
	return 1 + rand.Uint64N(1<<61) // 0 would be none; there is room to rise
}

// User returns a user by ID, or [ErrUserNotFound].
func (a *Authenticator) User(ctx context.Context, id string) (_ User, err error) {
	ctx, call := a.begin(ctx, "user", Client{})
	defer a.report(ctx, call, &err)
	call.userID = id
	r, err := a.userByID(ctx, id)
	return r.User, err
}

// SetPassword gives a user a new password without asking for the current one:
// for an administrator or after a reset. Tokens live on as with
// [Authenticator.SetDisabled], and failures are forgotten as by
// [Authenticator.ClearAttempts]. Errors: [*InputError], [ErrUserNotFound]. After
// [ErrUnavailable] it may be done all the same: set it again.
func (a *Authenticator) SetPassword(ctx context.Context, userID string, p Password) (err error) {
	ctx, call := a.begin(ctx, "set_password", Client{})
	defer a.report(ctx, call, &err)
	call.userID = userID
	user, err := a.userByID(ctx, userID)
	if err != nil {
		return err
	}
	turn := hashgate.Known(netip.Addr{}, user.EmailKey)
	if err := a.checkNew(ctx, turn, p, user.Email, user.Username); err != nil {
		return err
	}
	hash, err := a.room.Hash(ctx, turn, p)
	if err != nil {
		return err
	}
	if err := a.endAll(ctx, UserUpdate{ID: userID, PasswordHash: &hash}); err != nil {
		return err
	}
	a.emit(ctx, Event{Kind: "password_changed", UserID: userID})
	return a.clear(ctx, user)
}

// SetDisabled shuts a user out of Login and Refresh, or lets it in again. Its sessions
// end. Access tokens that were issued before, or by a login at the same time, live until
// they expire, unless [SessionConfig.Staleness] has Verify ask. Letting in forgets failures,
// as [Authenticator.ClearAttempts] does. Errors: [ErrUserNotFound].
func (a *Authenticator) SetDisabled(ctx context.Context, userID string, disabled bool) (err error) {
	ctx, call := a.begin(ctx, "set_disabled", Client{})
	defer a.report(ctx, call, &err)
	call.userID = userID
	update := UserUpdate{ID: userID, DisabledAt: new(time.Time)}
	kind := "user_enabled"
	if disabled {
		*update.DisabledAt, kind = currentTime(), "user_disabled"
	}
	change := a.endAll // letting in too: a replica that is behind is then found out by the epoch
	var user UserRecord
	if !disabled {
		if user, err = a.userByID(ctx, userID); err != nil {
			return err
		}
		if user.DisabledAt.IsZero() {
			change = a.update
		}
	}
	if err := change(ctx, update); err != nil {
		return err
	}
	a.emit(ctx, Event{Kind: kind, UserID: userID})
	if disabled {
		return nil
	}
	return a.clear(ctx, user)
}

// DeleteUser removes a user. Tokens live on as with [Authenticator.SetDisabled].
// Errors: [ErrUserNotFound].
func (a *Authenticator) DeleteUser(ctx context.Context, userID string) (err error) {
	ctx, call := a.begin(ctx, "delete_user", Client{})
	defer a.report(ctx, call, &err)
	call.userID = userID
	if err := a.store.DeleteUser(ctx, userID); err != nil {
		return storeError("delete user", err, ErrUserNotFound)
	}
	a.deleteEnded(ctx, userID, 0)
	a.emit(ctx, Event{Kind: "user_deleted", UserID: userID})
	return nil
}

// Import adds a user of another system with the hash that it has there, without
// knowing the password. An empty ID or CreatedAt is made; Epoch, EmailKey and UpdatedAt
// are always. An address that [ParseEmail] refuses, such as admin@intranet or a user
// name, is kept in NFC and can log in. An address that nobody types is refused: one that
// is empty, not UTF-8 or longer than 320 bytes, or has white space at an end or invisible
// characters. Package importcheck goes over a table first, says what becomes of each row,
// and can repair such addresses.
//
// An ID that a deleted user had is that user's again to whoever still holds a token of
// theirs: without [SessionConfig.Staleness] access tokens are valid until they expire,
// whatever became of the user. Sessions that were left of that ID are nobody's from now
// on, by the new epoch, and with Staleness no token of theirs is accepted.
//
// Errors: [*InputError], also for a hash that the hasher cannot verify and why, and
// [ErrUserExists].
func (a *Authenticator) Import(ctx context.Context, r UserRecord) (_ User, err error) {
	ctx, call := a.begin(ctx, "import", Client{})
	defer a.report(ctx, call, &err)
	call.userID = r.ID
	u, err := input.Import(userRow(r), currentTime(), func(encoded string) *HashError { return a.room.Unreadable(ctx, encoded) })
	if err != nil {
		return User{}, err
	}
	u.Epoch = newEpoch()
	if u.ID, err = a.store.CreateUser(ctx, userRecord(u)); err != nil {
		return User{}, storeError("import user", err, ErrUserExists)
	}
	a.known.Forget(u.ID) // of the one before, whose sessions are of another epoch
	a.emit(ctx, Event{Kind: "user_imported", UserID: u.ID})
	return User(u.Profile), nil
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
