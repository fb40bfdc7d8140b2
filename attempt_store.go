package auth

import "github.com/seed89488a0c/auth/internal/row"

// AttemptStore counts failed logins, and what else [Options.Throttle] limits. It only counts
// and compares, and knows no rules. [MemoryStore] and [MySQLStore] are two.
//
// Implementations must be safe for concurrent use, and keep no clock. Each method is one
// atomic statement: of any number of concurrent calls none is lost, and of those that
// exclude one another one wins. Times are UTC in whole microseconds, from 1970 to 9999, or
// zero. The errors are as with [UserStore], without the sentinels but where one is named.
// Keys are compared byte for byte; one call has at most 16, all different.
//
//	// Attempts returns the counters that there are of these keys, in any order, expired
//	// ones too.
//	Attempts(ctx context.Context, keys [][32]byte) ([]AttemptRecord, error)
//
//	// CountAttempts adds one to the counter of each key, all or none. The Counts that it is
//	// given say nothing. A counter that is not there, or whose ExpiresAt is not after now,
//	// begins with Count 1 and the given At and ExpiresAt. Else Count rises by one, and stops
//	// at the highest uint32; ExpiresAt becomes the later one; and At the given one. An At
//	// that is given as later than now is a bucket's, which is empty then: it becomes later
//	// still by as much as the stored At is after now, unless that is more than 24 hours,
//	// by a clock that was wrong.
//	CountAttempts(ctx context.Context, now time.Time, counts []AttemptRecord) error
//
//	// ReserveAttempt is CountAttempts of the one record, with Now, on a condition, else
//	// ErrConflict: where NotAfter is zero, that the counter is there with the Count of
//	// Before and expires after Now; where it is not, that the counter is not there, has
//	// expired, or has an At that is not after NotAfter, or more than 24 hours after Now.
//	ReserveAttempt(ctx context.Context, r AttemptReservation) error
//
//	// ReturnAttempt takes back what the same reservation has counted, or CountAttempts of
//	// its one record: where Count is above zero it falls by one. At becomes that of Before
//	// where Count is one above that of Before, and else stays; a bucket's, whose given At is
//	// later than Now, falls by as much. Where there is no counter it is no error.
//	ReturnAttempt(ctx context.Context, r AttemptReservation) error
//
//	// DeleteAttempts removes the counters that all set fields of the filter choose, up to
//	// its Limit, and returns how many. A filter that chooses nothing removes none.
//	DeleteAttempts(ctx context.Context, f AttemptFilter) (int, error)
//
// A store whose room is limited forgets what has expired first, and then the lowest counts.
// It never forgets a count of ten or more that has not expired: it fails instead.
//
// [github.com/seed89488a0c/auth/authtest.TestAttemptStore] checks an implementation.
type AttemptStore = row.AttemptStore

// AttemptRecord is a counter, as an [AttemptStore] keeps it:
//
//	Key       [32]byte  // digests: of an account or a network, then of a part of it, or zero
//	Count     uint32
//	At        time.Time // when it was counted last, or when a bucket is empty
//	ExpiresAt time.Time // from then on it counts for nothing
type AttemptRecord = row.AttemptRecord

// AttemptReservation is one try that is counted before its outcome is known:
//
//	AttemptRecord           // as CountAttempts takes it
//	Now      time.Time
//	Before   AttemptRecord  // as it was read; only its Count and At are used
//	NotAfter time.Time      // of At, for a bucket; zero = the Count of Before must be the stored one
type AttemptReservation = row.AttemptReservation

// AttemptFilter chooses counters. Every field that is set narrows the choice:
//
//	Keys      [][32]byte // these, at most 16; nil = any
//	Account   [16]byte   // those whose key begins so; zero = any
//	ExpiredBy time.Time  // those whose ExpiresAt is not after it; zero = any
//	Limit     int        // how many go at most; 0 = 1000
type AttemptFilter = row.AttemptFilter
