package auth

import (
	"context"
	"net/netip"
	"time"

	"github.com/seed89488a0c/auth/internal/row"
)

// Client is what a caller knows of who asks: to count failed logins by network, to serve
// clients in turn, for the list of sessions, and for events.
type Client struct {
	// Address is from trusted proxy data alone (ASVS 5.0 15.3.4), as
	// [github.com/seed89488a0c/auth/authhttp.ClientOf] has it. It decides with whom a
	// client takes turns where passwords are hashed, and whose failures are counted together:
	// without one only the limits of an account itself hold, see [Throttle]. A proxy's address would make one
	// client of all behind it: leave it zero, which is not known, rather than guess.
	Address netip.Addr

	UserAgent string // cut to 256 bytes
	Label     string // such as "Ada's phone"; cut to 100 bytes
}

// cut keeps what a store can.
func (c Client) cut() Client {
	c.Address = c.Address.WithZone("") // which is this machine's, and of any length
	c.UserAgent, c.Label = row.Cut(c.UserAgent, row.MaxUserAgent), row.Cut(c.Label, row.MaxLabel)
	return c
}

// Session is what a service may know and show of a session.
type Session struct {
	ID         string
	UserID     string
	CreatedAt  time.Time
	LastUsedAt time.Time // of the last refresh that was written, see [SessionConfig.Grace]
	IdleUntil  time.Time // ends then unless it is refreshed before; never after ExpiresAt
	ExpiresAt  time.Time // ends then, whatever happens
	AuthTime   time.Time // when the user was last authenticated
	AMR        string    // how, in words of RFC 8176 separated by spaces; at most 64 bytes
	Audience   string    // whom its access tokens are for, in words separated by spaces, at most 1024 bytes; "" = all of the issuer's
	Client     Client    // of the last refresh that replaced the token
}

// over reports whether the session has ended by itself.
func (s Session) over(now time.Time) bool {
	return !now.Before(s.IdleUntil) || !now.Before(s.ExpiresAt)
}

// SessionRecord is a session as a store keeps it. The digests are SHA-256 of
// random secrets, which nobody keeps but the client; encoding/json leaves them out.
type SessionRecord struct {
	Session

	Epoch  uint64   `json:"-"` // the user's, when the session was made
	Family [32]byte `json:"-"` // of what all refresh tokens of the session share
	Token  [32]byte `json:"-"` // of the current refresh token
	Parent [32]byte `json:"-"` // of the one before it; zero = none

	// Nonce and the parent give the current token; zero = there is no parent.
	Nonce     [32]byte  `json:"-"`
	RotatedAt time.Time `json:"-"` // when the parent was replaced; zero = never

	// Sibling is the digest of another successor of the parent, which was given out
	// before the current token and is worth as much; zero = none.
	Sibling [32]byte `json:"-"`

	// Until GraceUntil the current token is not replaced, and its parent stands for
	// it; zero = there is no grace, and a parent is a copy at once.
	GraceUntil time.Time `json:"-"`

	Repeats uint32 `json:"-"` // how often the parent stood for the current token

	// User is the session's user where a [MemoryStore] or [MySQLStore] keeps both and
	// found it in the same statement. Of other stores it is not looked at.
	User *UserRecord `json:"-"`
}

// SessionUpdate changes a session that is as it demands. One that changes nothing
// confirms by a write what was read.
type SessionUpdate struct {
	ID string

	// What is demanded of the stored session: these digests, and that neither
	// IdleUntil nor ExpiresAt is at or before At.
	IfFamily, IfToken [32]byte
	AnyDigests        bool      // they demand nothing: to confirm that there is no such session
	At                time.Time // not zero

	// RepeatsBelow, where not 0, demands that Repeats is below it, and adds 1 to it; At
	// becomes LastUsedAt.
	RepeatsBelow uint32

	// Rotation, where not nil, replaces the refresh token: all that it names, and
	// RotatedAt and LastUsedAt by At, and Repeats by 0.
	Rotation *SessionRotation
}

// SessionRotation is what a refresh changes.
type SessionRotation struct {
	Token, Parent, Sibling, Nonce [32]byte
	GraceUntil, IdleUntil         time.Time
	Client                        Client
}

// SessionFilter chooses sessions. What is not set chooses all; a filter without
// ID, IDs, UserID and ExpiredBy chooses none.
type SessionFilter struct {
	ID          string
	Family      [32]byte // zero = any
	IDs         []string // one of them; nil = any, empty = none; at most 1000
	UserID      string
	BeforeEpoch uint64    // Epoch is below it; 0 = any
	ExpiredBy   time.Time // ExpiresAt is at or before it
	IdleBy      time.Time // IdleUntil is at or before it
	Limit       int       // at most so many; 0 = 1000: no statement is as large as a user made it
}

// SessionStore keeps sessions. What [UserStore] says of IDs, times, concurrent
// use, errors and contexts holds here too. A session whose user is gone may be
// kept: the [Authenticator] compares.
//
// [github.com/seed89488a0c/auth/authtest.TestSessionStore] checks an implementation.
type SessionStore interface {
	// CreateSession adds a session. r.User is not looked at; IdleUntil and ExpiresAt
	// are not zero. It returns ErrConflict if the ID is taken.
	CreateSession(ctx context.Context, r SessionRecord) error

	// SessionByID returns the session with this ID, or ErrSessionNotFound.
	SessionByID(ctx context.Context, id string) (SessionRecord, error)

	// UpdateSession changes a session if it is as the update demands, else returns
	// ErrConflict, also if there is none with this ID. Of any number of concurrent
	// rotations of one token exactly one succeeds.
	UpdateSession(ctx context.Context, u SessionUpdate) error

	// Sessions returns the sessions of a user, newest first (by CreatedAt, then ID,
	// both descending): the newest 1000 at most.
	Sessions(ctx context.Context, userID string) ([]SessionRecord, error)

	// DeleteSessions removes the sessions that a filter chooses, oldest end first,
	// and returns how many. None is no error.
	DeleteSessions(ctx context.Context, f SessionFilter) (int, error)
}
