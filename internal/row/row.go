// Package row is what the library's own stores keep, and how they answer: it
// stands between package auth, which knows what users and sessions mean, and the
// stores, which keep and compare.
package row

import (
	"errors"
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"
)

// What a store keeps, in bytes where nothing else is said.
const (
	MaxID           = 64
	MaxEmail        = 320 // the key too
	MaxUsername     = 100 // characters
	MaxPasswordHash = 1024
	MaxAMR          = 64
	MaxAddress      = 64
	MaxUserAgent    = 256
	MaxLabel        = 100

	MaxListed = 1000 // sessions of a user
)

// Profile is what may be shown of a user.
type Profile struct {
	ID, Email, Username  string
	CreatedAt, UpdatedAt time.Time
}

// User is a user.
type User struct {
	Profile
	EmailKey, PasswordHash      string
	Epoch                       uint64
	DisabledAt, EmailVerifiedAt time.Time
}

// UserUpdate is auth's.
type UserUpdate struct {
	ID              string
	At              time.Time
	IfPasswordHash  *string
	PasswordHash    *string
	Email, EmailKey *string
	Username        *string
	DisabledAt      *time.Time
	EmailVerifiedAt *time.Time
	EndSessions     bool
}

// Session is a session; User is set by what reads one by its ID.
type Session struct {
	ID, UserID, AMR                                                  string
	Epoch                                                            uint64
	Family, Token, Parent, Nonce                                     [32]byte
	Address                                                          netip.Addr
	UserAgent, Label                                                 string
	CreatedAt, LastUsedAt, RotatedAt, AuthTime, IdleUntil, ExpiresAt time.Time
	User                                                             *User
}

// SessionUpdate is auth's.
type SessionUpdate struct {
	ID                string
	IfFamily, IfToken [32]byte
	At                time.Time
	Rotation          *SessionRotation
	AuthTime          *time.Time
	Epoch             *uint64
}

// SessionRotation is auth's.
type SessionRotation struct {
	Token, Parent, Nonce [32]byte
	IdleUntil            time.Time
}

// SessionFilter is auth's.
type SessionFilter struct {
	ID          string
	UserID      string
	BeforeEpoch uint64
	ExpiredBy   time.Time
	Limit       int
}

// ChoosesNone is true of a filter that sets nothing which chooses: an ID that was
// left empty by mistake must not delete everybody's sessions.
func (f SessionFilter) ChoosesNone() bool {
	return f.ID == "" && f.UserID == "" && f.ExpiredBy.IsZero() || f.Limit < 0
}

// What a store answers beside success and outages.
var (
	ErrTaken    = errors.New("row: the key is taken")
	ErrNotFound = errors.New("row: not found")
	ErrConflict = errors.New("row: not as demanded")
	ErrSchema   = errors.New("row: schema missing or outdated")
)

// Error is an outage; its fields are those of auth's StoreError.
type Error struct {
	Op, Code string
	Context  error
}

func (e *Error) Error() string { return e.Op + ": " + e.Code }

// ServiceError is an error of the service's own, which is passed on whole: what its
// function returned that writes beside a new user.
type ServiceError struct{ Err error }

func (e *ServiceError) Error() string { return e.Err.Error() }

// Unwrap returns the service's error.
func (e *ServiceError) Unwrap() error { return e.Err }

// Cut returns what a column of so many bytes can keep of a text.
func Cut(s string, maxBytes int) string {
	s = strings.ToValidUTF8(s, "")
	for len(s) > maxBytes {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return strings.Clone(s) // which may be a piece of something large
}
