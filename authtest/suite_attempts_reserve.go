package authtest

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
)

// reserve fails unless a reservation is answered with want.
func (s attemptStore) reserve(t testing.TB, what string, r auth.AttemptReservation, want error) {
	t.Helper()
	if err := s.ReserveAttempt(t.Context(), r); want == nil && err != nil || want != nil && err == nil {
		t.Errorf("%s: ReserveAttempt returned %v, want %v", what, err, want)
	} else {
		wantError(t, what+": ReserveAttempt", err, want)
	}
}

func (s attemptStore) demands(t *testing.T) {
	bystander := s.begin(t, attempt(t, 100), 7)
	stored := s.begin(t, attempt(t, 1), 3)
	next := attempt(t, 1)
	next.ExpiresAt = next.ExpiresAt.Add(time.Hour)
	next.At = next.At.Add(time.Second)
	now := next.At
	for _, wrong := range []uint32{0, 1, 2, 4, 7, 3 + 1<<8, 3 + 1<<16, 3 + 1<<31, math.MaxUint32} {
		for _, before := range []auth.AttemptRecord{{Count: wrong}, {Key: stored.Key, Count: wrong, At: stored.At, ExpiresAt: stored.ExpiresAt}} {
			s.reserve(t, fmt.Sprintf("%d in place of 3", wrong), auth.AttemptReservation{AttemptRecord: next, Now: now, Before: before}, auth.ErrConflict)
			s.demand(t, "after a conflict", stored)
		}
	}
	unknown := attempt(t, 2)
	for _, before := range []uint32{0, 1, unknown.Count} {
		s.reserve(t, "of none", auth.AttemptReservation{AttemptRecord: unknown, Now: unknown.At, Before: auth.AttemptRecord{Count: before}}, auth.ErrConflict)
		s.absent(t, "after a conflict", unknown.Key)
	}
	// Nothing but the count is compared, and nothing but the record is counted.
	before := attempt(t, 3)
	before.Count = 3
	s.reserve(t, "by the count", auth.AttemptReservation{AttemptRecord: next, Now: now, Before: before}, nil)
	want := next
	want.Count = 4
	s.demand(t, "reserved", want)
	s.absent(t, "the key of Before", before.Key)
	s.reserve(t, "by the count before", auth.AttemptReservation{AttemptRecord: next, Now: now, Before: before}, auth.ErrConflict)
	s.demand(t, "after a conflict", want)
	// A count that was returned to zero is a count as any other.
	before = auth.AttemptRecord{}
	zero := attempt(t, 4)
	s.count(t, zero.At, zero)
	wantError(t, "ReturnAttempt", s.ReturnAttempt(t.Context(), auth.AttemptReservation{AttemptRecord: zero, Now: zero.At}), nil)
	s.reserve(t, "by zero", auth.AttemptReservation{AttemptRecord: zero, Now: zero.At}, nil)
	s.reserve(t, "by zero once more", auth.AttemptReservation{AttemptRecord: zero, Now: zero.At}, auth.ErrConflict)
	zero.Count = 1
	s.demand(t, "reserved by zero", zero)
	s.demand(t, "the bystander", bystander)
}

func (s attemptStore) demandsLiving(t *testing.T) {
	for seed, later := range []time.Duration{-time.Microsecond, 0, time.Microsecond, 365 * 24 * time.Hour} {
		stored := s.begin(t, attempt(t, seed), 2)
		next := stored
		next.At = stored.ExpiresAt.Add(later)
		next.ExpiresAt = next.At.Add(time.Hour)
		var want error
		if later >= 0 {
			want = auth.ErrConflict
		}
		s.reserve(t, fmt.Sprintf("%v after the end", later), auth.AttemptReservation{AttemptRecord: next, Now: next.At, Before: stored}, want)
		if next.Count = 3; want != nil {
			next = stored
		}
		s.demand(t, fmt.Sprintf("%v after the end", later), next)
	}
}

// reserved compares what a reservation makes of a counter with what CountAttempts makes of
// its twin.
func (s attemptStore) reserved(t *testing.T) {
	seed := 0
	for _, test := range fillings {
		for _, end := range []time.Duration{time.Minute, 100 * 24 * time.Hour} {
			for _, inBucket := range []bool{false, true} {
				twin, r := attempt(t, seed), attempt(t, seed)
				r.Key[0] ^= 1
				seed++
				now := r.At
				stored := []auth.AttemptRecord{r, twin}
				for i := range stored {
					stored[i].At, stored[i].ExpiresAt = now.Add(test.stored), now.Add(20*24*time.Hour)
				}
				s.count(t, now.Add(-48*time.Hour), stored...)
				twin.At, twin.ExpiresAt = now.Add(test.given), now.Add(end)
				r.At, r.ExpiresAt = twin.At, twin.ExpiresAt
				reservation := auth.AttemptReservation{AttemptRecord: r, Now: now, Before: auth.AttemptRecord{Count: 1}}
				if inBucket {
					reservation.NotAfter = now.AddDate(100, 0, 0)
				}
				s.reserve(t, test.what, reservation, nil)
				s.count(t, now, twin)
				want, err := s.Attempts(t.Context(), keysOf(twin))
				if err != nil || len(want) != 1 || want[0].Count != 2 {
					t.Fatalf("Attempts: %v, %v", want, err)
				}
				want[0].Key = r.Key
				s.demand(t, fmt.Sprintf("%s, as CountAttempts counts, in a bucket: %v", test.what, inBucket), want[0])
			}
		}
	}
}

func (s attemptStore) room(t *testing.T) {
	bystander := s.begin(t, attempt(t, 100), 3)
	const notAfter, cost = 10 * time.Second, 2 * time.Second // from now on
	for seed, test := range []struct {
		what      string
		at, end   time.Duration // of what is stored, from now on
		wantAt    time.Duration
		want      error
		beginning bool // as if nothing was stored
	}{
		{"an empty bucket", -time.Hour, time.Hour, cost, nil, false},
		{"a bucket that is empty now", 0, time.Hour, cost, nil, false},
		{"a bucket that is not full", 5 * time.Second, time.Hour, 5*time.Second + cost, nil, false},
		{"a bucket that is just not full", notAfter, time.Hour, notAfter + cost, nil, false},
		{"a bucket that is full by a microsecond", notAfter + time.Microsecond, time.Hour, 0, auth.ErrConflict, false},
		{"a bucket that is full", time.Hour, time.Hour, 0, auth.ErrConflict, false},
		{"a bucket that is full for a day", 24 * time.Hour, time.Hour, 0, auth.ErrConflict, false},
		{"a bucket that is full for more than a day", 24*time.Hour + time.Microsecond, time.Hour, cost, nil, false},
		{"a bucket that is full for years", 20 * 365 * 24 * time.Hour, time.Hour, cost, nil, false},
		{"a full bucket that expires in a microsecond", time.Hour, time.Microsecond, 0, auth.ErrConflict, false},
		{"a full bucket that expires now", time.Hour, 0, cost, nil, true},
		{"a bucket that has expired, and is not full", 5 * time.Second, -time.Hour, cost, nil, true},
	} {
		r := attempt(t, seed)
		now := r.At
		stored := r
		stored.At, stored.ExpiresAt = now.Add(test.at), now.Add(test.end)
		stored = s.count(t, now.Add(-1000*time.Hour), stored)[0]
		s.count(t, now.Add(-1000*time.Hour), stored)
		stored.Count = 2
		r.At, r.ExpiresAt = now.Add(cost), now.Add(30*time.Minute)
		s.reserve(t, test.what, auth.AttemptReservation{AttemptRecord: r, Now: now, NotAfter: now.Add(notAfter)}, test.want)
		want := stored
		if test.want == nil {
			want.Count, want.At = 3, now.Add(test.wantAt)
		}
		if test.beginning {
			want.Count, want.ExpiresAt = 1, r.ExpiresAt
		}
		s.demand(t, test.what, want)
	}
	// Of no counter there is room, and each reservation takes its part.
	r := attempt(t, 50)
	now := r.At
	r.At, r.ExpiresAt = now.Add(cost), now.Add(30*time.Minute)
	for i := range 9 {
		var want error
		if i >= 6 { // the last finds it empty at 10 seconds from now
			want = auth.ErrConflict
		}
		s.reserve(t, fmt.Sprintf("the reservation %d", i), auth.AttemptReservation{AttemptRecord: r, Now: now, NotAfter: now.Add(notAfter)}, want)
	}
	r.Count, r.At = 6, now.Add(6*cost)
	s.demand(t, "after all reservations", r)
	s.demand(t, "the bystander", bystander)
}

func (s attemptStore) roomOfAnyCount(t *testing.T) {
	for seed, before := range []auth.AttemptRecord{{}, {Count: 1}, {Count: 2}, {Count: 3}, {Count: math.MaxUint32}, attempt(t, 7)} {
		r := attempt(t, seed)
		now := r.At
		r.At = now.Add(time.Second)
		reservation := auth.AttemptReservation{AttemptRecord: r, Now: now, Before: before, NotAfter: now.Add(5 * time.Second)}
		s.reserve(t, fmt.Sprintf("a bucket that is not there, before %d", before.Count), reservation, nil)
		s.reserve(t, fmt.Sprintf("a bucket of count 1, before %d", before.Count), reservation, nil)
		r.Count, r.At = 2, now.Add(2*time.Second)
		s.demand(t, "reserved twice", r)
		reservation.NotAfter = now.Add(2*time.Second - time.Microsecond)
		for _, count := range []uint32{0, 1, 2, 3} {
			reservation.Before.Count = count
			s.reserve(t, fmt.Sprintf("a full bucket of count 2, before %d", count), reservation, auth.ErrConflict)
		}
		s.demand(t, "after conflicts", r)
	}
}

// giveBack fails unless a reservation can be taken back.
func (s attemptStore) giveBack(t testing.TB, r auth.AttemptReservation) {
	t.Helper()
	if err := s.ReturnAttempt(t.Context(), r); err != nil {
		t.Fatalf("ReturnAttempt: %v", err)
	}
}

func (s attemptStore) returned(t *testing.T) {
	bystander := s.begin(t, attempt(t, 100), 3)
	for seed, test := range []struct {
		what   string
		others uint32 // that count between reservation and return
		at     time.Time
	}{
		{"nobody has counted since", 0, attempt(t, 0).At.Add(-time.Hour)},
		{"nobody has counted since, and there was no At", 0, time.Time{}},
		{"one has counted since", 1, attempt(t, 0).At.Add(-time.Hour)},
		{"256 have counted since", 256, attempt(t, 0).At.Add(-time.Hour)},
	} {
		stored := attempt(t, seed)
		now := stored.At
		stored.ExpiresAt = now.Add(10 * time.Hour)
		stored.At = test.at
		for range 2 {
			s.count(t, now, stored)
		}
		stored.Count = 2
		r := auth.AttemptReservation{AttemptRecord: stored, Now: now, Before: stored}
		r.At, r.ExpiresAt = now, now.Add(20*time.Hour)
		s.reserve(t, test.what, r, nil)
		other := r.AttemptRecord
		other.At = now.Add(time.Second)
		for range test.others {
			s.count(t, other.At, other)
		}
		s.giveBack(t, r)
		want := stored
		want.ExpiresAt = r.ExpiresAt
		if want.Count = 2 + test.others; test.others > 0 {
			want.At = other.At
		}
		s.demand(t, test.what, want)
	}
	// What CountAttempts has counted is taken back as well, and the last leaves a zero. It
	// is of no account whether the counter has expired.
	r := attempt(t, 50)
	s.count(t, r.At, r)
	s.giveBack(t, auth.AttemptReservation{AttemptRecord: r, Now: r.At})
	r.Count, r.At = 0, time.Time{}
	s.demand(t, "the first was taken back", r)
	r = s.begin(t, attempt(t, 51), 5)
	late := r
	late.At = r.ExpiresAt.Add(time.Hour)
	s.giveBack(t, auth.AttemptReservation{AttemptRecord: late, Now: late.At, Before: auth.AttemptRecord{Count: 1 << 30}})
	r.Count = 4
	s.demand(t, "of another count, after the end", r)
	// Of Before nothing else is used.
	r = s.begin(t, attempt(t, 52), 2)
	before := attempt(t, 53)
	before.Count = 1
	s.giveBack(t, auth.AttemptReservation{AttemptRecord: r, Now: r.At, Before: before, NotAfter: before.ExpiresAt})
	r.Count, r.At = 1, before.At
	s.demand(t, "with the key and the end of another", r)
	s.absent(t, "the key of Before", before.Key)
	s.demand(t, "the bystander", bystander)
}

func (s attemptStore) returnedToBucket(t *testing.T) {
	for seed, others := range []int{0, 1, 5} {
		r := attempt(t, seed)
		now := r.At
		reservation := auth.AttemptReservation{AttemptRecord: r, Now: now, NotAfter: now.Add(time.Hour)}
		reservation.At = now.Add(7 * time.Second)
		reservation.Before.At = now.Add(-time.Hour) // to which it does not go back
		s.reserve(t, "in an empty bucket", reservation, nil)
		other := r
		other.At = now.Add(3 * time.Second)
		for range others {
			s.count(t, now, other)
		}
		reservation.ExpiresAt = now.Add(time.Hour) // which is not taken
		s.giveBack(t, reservation)
		r.Count, r.At = uint32(others), now.Add(time.Duration(others)*3*time.Second)
		s.demand(t, fmt.Sprintf("a bucket in which %d others have counted", others), r)
	}
	// By as much as it was raised then, whatever time it is now.
	r := attempt(t, 10)
	now := r.At
	r.At, r.ExpiresAt = now.Add(time.Microsecond), now.Add(time.Hour)
	s.count(t, now, r)
	s.giveBack(t, auth.AttemptReservation{AttemptRecord: r, Now: now, Before: auth.AttemptRecord{At: now.Add(time.Minute)}})
	r.Count, r.At = 0, now
	s.demand(t, "a bucket that was raised by a microsecond", r)
}

func (s attemptStore) returnedToNothing(t *testing.T) {
	bystander := s.begin(t, attempt(t, 100), 3)
	for seed, at := range []time.Duration{0, time.Second} {
		r := attempt(t, seed)
		now := r.At
		r.At = now.Add(at)
		reservation := auth.AttemptReservation{AttemptRecord: r, Now: now, Before: auth.AttemptRecord{At: now.Add(-time.Hour)}}
		for range 2 {
			s.giveBack(t, reservation)
			s.absent(t, "what was never counted", r.Key)
		}
		s.count(t, now, r)
		for range 3 {
			s.giveBack(t, reservation)
			if r.Count, r.At = 0, reservation.Before.At; at > 0 {
				r.At = now
			}
			s.demand(t, "taken back to zero", r)
			reservation.Before = auth.AttemptRecord{Count: math.MaxUint32, At: now.Add(-time.Minute)} // one above it is zero again, to 32 bits
			if at == 0 {
				reservation.Before.At = r.At
			}
		}
		// A counter that stands at zero is there, and goes on.
		given := attempt(t, seed)
		given.At = now
		s.count(t, now, given)
		given.Count = 1
		given.ExpiresAt = r.ExpiresAt
		s.demand(t, "counted from zero", given)
	}
	s.demand(t, "the bystander", bystander)
}
