package row

import (
	"context"
	"time"
)

// Keeper is a store of rows: internal/memory and internal/mysqlstore have one each. Its
// errors are [ErrTaken], [ErrNotFound], [ErrConflict] and [ErrSchema], an [*Error] or a
// [*ServiceError]; what else its methods promise is said at auth's UserStore, SessionStore
// and AttemptStore.
type Keeper interface {
	CreateUser(ctx context.Context, u User) (id string, err error)
	UserByEmail(ctx context.Context, key string) (User, error)

	// UserForLogin is UserByEmail, says whether so many sessions of the user or more are
	// stored, ended ones too, and is Attempts, by one statement. Of an address that nobody
	// has there are counters too: they are returned beside ErrNotFound.
	UserForLogin(ctx context.Context, key string, sessions int, attempts []AttemptKey) (User, bool, []AttemptRecord, error)
	UserByID(ctx context.Context, id string) (User, error)
	UserForProof(ctx context.Context, id string, sessions int) (User, bool, error) // UserForLogin by the ID, without counters
	UpdateUser(ctx context.Context, u UserUpdate) error
	DeleteUser(ctx context.Context, id string) error

	CreateSession(ctx context.Context, s Session) error
	SessionByID(ctx context.Context, id string) (Session, error)
	UpdateSession(ctx context.Context, u SessionUpdate) error
	Sessions(ctx context.Context, userID string) ([]Session, error)
	DeleteSessions(ctx context.Context, f SessionFilter) (int, error)

	// DeleteEndedSessions removes up to limit sessions whose ExpiresAt or IdleUntil is not
	// after now, or whose user is gone or has a later epoch. It tells gone of each that was
	// not over by its ExpiresAt, and maybe of others. Those of a later epoch than the user's
	// are about to begin. If it removes fewer, it has looked at all.
	DeleteEndedSessions(ctx context.Context, now time.Time, limit int, gone func(id string)) (int, error)

	AttemptStore
}
