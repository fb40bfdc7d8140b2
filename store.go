package auth

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"
)

// User is what a service may know and show of a user. Printed and logged it
// gives its ID only; encoding/json writes all of it.
type User struct {
	// ID never changes and is never given to somebody else. It is opaque: a
	// UUIDv7 for users that register, unless the store makes IDs of its own,
	// and whatever it was for users that were imported; at most 64 bytes.
	ID string `json:"id"`

	// Email is the address in its canonical spelling, at most 320 bytes.
	Email string `json:"email"`

	// Username is a display name, "" or 1 to 100 characters. It is not unique
	// and identifies nobody.
	Username string `json:"username"`

	CreatedAt time.Time `json:"created_at"` // UTC, whole microseconds
	UpdatedAt time.Time `json:"updated_at"` // UTC, whole microseconds
}

// Format writes the ID for every verb.
func (u User) Format(f fmt.State, _ rune) { io.WriteString(f, u.ID) }

// LogValue returns the ID.
func (u User) LogValue() slog.Value { return slog.StringValue(u.ID) }

// UserRecord is a user as a store keeps it. encoding/json leaves the hash out.
type UserRecord struct {
	User

	// EmailKey identifies the mailbox: two spellings of one address have the
	// same key. At most 320 bytes, compared byte for byte, unique.
	EmailKey string `json:"-"`

	// PasswordHash is self-describing, at most 1024 bytes; "" = no password.
	PasswordHash string `json:"-"`

	// Epoch rises whenever all sessions of the user end.
	Epoch uint64 `json:"-"`

	DisabledAt      time.Time `json:"-"` // zero = not disabled
	EmailVerifiedAt time.Time `json:"-"` // zero = not verified
}

// UserUpdate changes the fields that are not nil. One that changes nothing confirms by a
// write that there is such a user, as it demands.
type UserUpdate struct {
	ID string
	At time.Time // becomes UpdatedAt; zero = that stays as it is

	// What is demanded of the stored user, where not nil: this very hash and epoch.
	IfPasswordHash *string `json:"-"`
	IfEpoch        *uint64

	PasswordHash    *string    `json:"-"`
	Email, EmailKey *string    `json:"-"` // both or neither
	Username        *string    `json:"-"`
	DisabledAt      *time.Time // zero = no longer disabled
	EmailVerifiedAt *time.Time // zero = no longer verified
	RaiseEpoch      uint64     // is added to Epoch, which ends all sessions; 0 = none
}

// UserStore keeps users. The [Authenticator] decides everything that can be
// decided outside the store, so that an implementation only keeps and compares:
// IDs and e-mail keys byte for byte, without folding, trimming or collating,
// whatever strings it is asked for. What it returns is what it was given; it
// keeps no clock. All times are UTC in whole microseconds, in the years 1000
// to 9999, or zero.
//
// Implementations must be safe for concurrent use. Each method is one atomic
// statement: of any number of concurrent calls that exclude one another exactly
// one wins. The errors named at each method are to be matched by [errors.Is];
// everything else should be a [*StoreError], and is made one otherwise. A
// returned error means that nothing was changed, except that after a broken
// connection or an ended context the outcome may be unknown. A context that has
// ended gives an error that matches the context's.
//
// Reads answer what was written last, as the primary of a replicated database does:
// from a replica that is behind, a user who was disabled would still log in. What a
// read alone refuses is confirmed by a write where a client would drop its refresh
// token.
//
// [github.com/seed89488a0c/auth/authtest.TestUserStore] checks an implementation.
type UserStore interface {
	// CreateUser adds a user and returns its ID: r.ID, or one of the store's
	// own making. It returns ErrUserExists if the e-mail key or the ID is taken.
	CreateUser(ctx context.Context, r UserRecord) (id string, err error)

	// UserByEmail returns the user with this e-mail key, as in [Email]'s Key and never
	// what somebody has typed, or ErrUserNotFound.
	UserByEmail(ctx context.Context, key string) (UserRecord, error)

	// UserByID returns the user with this ID, or ErrUserNotFound.
	UserByID(ctx context.Context, id string) (UserRecord, error)

	// UpdateUser changes a user if it is as the update demands, else returns
	// ErrConflict; ErrUserNotFound if there is none with this ID, ErrUserExists
	// if the new e-mail key is another user's.
	UpdateUser(ctx context.Context, u UserUpdate) error

	// DeleteUser removes a user, or returns ErrUserNotFound.
	DeleteUser(ctx context.Context, id string) error
}
