// Package row is what the library's own stores keep, and how they answer: it
// stands between package auth, which knows what users and sessions mean, and the
// stores, which keep and compare.
package row

import (
	"cmp"
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
	MaxAudience     = 1024
	MaxAddress      = 64
	MaxUserAgent    = 256
	MaxLabel        = 100

	MaxListed  = 1000 // sessions of a user
	MaxRemoved = 1000 // sessions, by a filter that has no limit
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
	IfEpoch         *uint64
	PasswordHash    *string
	Email, EmailKey *string
	Username        *string
	DisabledAt      *time.Time
	EmailVerifiedAt *time.Time
	RaiseEpoch      uint64
}

// Session is a session; User is set by what reads one by its ID.
type Session struct {
	ID, UserID, AMR, Audience                                                    string
	Epoch                                                                        uint64
	Family, Token, Parent, Sibling, Nonce                                        [32]byte
	Repeats                                                                      uint32
	Address                                                                      netip.Addr
	UserAgent, Label                                                             string
	CreatedAt, LastUsedAt, RotatedAt, GraceUntil, AuthTime, IdleUntil, ExpiresAt time.Time
	User                                                                         *User
}

// SessionUpdate is auth's.
type SessionUpdate struct {
	ID                string
	IfFamily, IfToken [32]byte
	AnyDigests        bool
	At                time.Time
	Rotation          *SessionRotation
	RepeatsBelow      uint32
}

// SessionRotation is auth's.
type SessionRotation struct {
	Token, Parent, Sibling, Nonce [32]byte
	GraceUntil, IdleUntil         time.Time
	Address                       netip.Addr
	UserAgent, Label              string
}

// SessionFilter is auth's.
type SessionFilter struct {
	ID          string
	Family      [32]byte
	IDs         []string
	UserID      string
	BeforeEpoch uint64
	ExpiredBy   time.Time
	IdleBy      time.Time
	Limit       int
}

// ChoosesNone is true of a filter that sets nothing which chooses: an ID that was
// left empty by mistake must not delete everybody's sessions, nor a list that turned
// out empty all of a user's.
func (f SessionFilter) ChoosesNone() bool {
	return f.ID == "" && f.IDs == nil && f.UserID == "" && f.ExpiredBy.IsZero() ||
		f.IDs != nil && len(f.IDs) == 0 || f.Limit < 0
}

// AtMost is how many sessions go at once.
func (f SessionFilter) AtMost() int { return cmp.Or(f.Limit, MaxRemoved) }

// Cut returns what a column of so many bytes can keep of a text.
func Cut(s string, maxBytes int) string {
	s = strings.ToValidUTF8(s, "")
	for len(s) > maxBytes {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return strings.Clone(s) // which may be a piece of something large
}
