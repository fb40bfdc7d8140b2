package row

import (
	"cmp"
	"context"
	"time"
)

// KeptAttempts is from which count on a store that has no more room never forgets a counter
// that has not expired.
const KeptAttempts = 10

// MaxAhead is by how much At of a counter can rightly be later than now. What is beyond it
// was written by a clock that was wrong.
const MaxAhead = 24 * time.Hour

// AttemptKey is what is counted: the first half says of what account, or of what else, and
// the second half is zero or says of which part of it. Both are digests.
type AttemptKey = [32]byte

// AttemptRecord is auth's.
type AttemptRecord struct {
	Key       AttemptKey
	Count     uint32
	At        time.Time
	ExpiresAt time.Time
}

// AttemptReservation is auth's.
type AttemptReservation struct {
	AttemptRecord
	Now      time.Time
	Before   AttemptRecord
	NotAfter time.Time
}

// AttemptFilter is auth's.
type AttemptFilter struct {
	Keys      []AttemptKey
	Account   [16]byte
	ExpiredBy time.Time
	Limit     int
}

// ChoosesNone is true of a filter that sets nothing which chooses, or has a list that turned
// out empty: a mistake must not forget all counters.
func (f AttemptFilter) ChoosesNone() bool {
	return f.Keys == nil && f.Account == [16]byte{} && f.ExpiredBy.IsZero() ||
		f.Keys != nil && len(f.Keys) == 0 || f.Limit < 0
}

// AtMost is how many counters go at once.
func (f AttemptFilter) AtMost() int { return cmp.Or(f.Limit, MaxRemoved) }

// AttemptStore is auth's.
type AttemptStore interface {
	Attempts(ctx context.Context, keys []AttemptKey) ([]AttemptRecord, error)
	CountAttempts(ctx context.Context, now time.Time, counts []AttemptRecord) error
	ReserveAttempt(ctx context.Context, r AttemptReservation) error
	ReturnAttempt(ctx context.Context, r AttemptReservation) error
	DeleteAttempts(ctx context.Context, f AttemptFilter) (int, error)
}
