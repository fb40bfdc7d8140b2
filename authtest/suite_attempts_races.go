package authtest

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
)

// allSucceed fails unless none of errs is an error.
func allSucceed(t testing.TB, method string, errs []error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatalf("of many calls of %s one returned %v", method, err)
		}
	}
}

// countOf returns how often a key has been counted.
func (s attemptStore) countOf(t testing.TB, key [32]byte) uint32 {
	t.Helper()
	got, err := s.Attempts(t.Context(), [][32]byte{key})
	if err != nil || len(got) != 1 {
		t.Fatalf("Attempts returned %d counters, %v, want one", len(got), err)
	}
	return got[0].Count
}

func (s attemptStore) raceCount(t *testing.T) {
	const each = 3
	r := s.begin(t, attempt(t, 1), 1)
	bucket := attempt(t, 2)
	now := bucket.At
	bucket.At, bucket.ExpiresAt = now.Add(time.Microsecond), now.Add(time.Hour)
	s.count(t, now, bucket)
	allSucceed(t, "CountAttempts", together(func(int) error {
		for range each {
			if err := errors.Join(s.CountAttempts(t.Context(), r.At, []auth.AttemptRecord{r}), s.CountAttempts(t.Context(), now, []auth.AttemptRecord{bucket})); err != nil {
				return err
			}
		}
		return nil
	}))
	r.Count += racers * each
	bucket.Count, bucket.At = 1+racers*each, now.Add((1+racers*each)*time.Microsecond)
	s.demand(t, "counted by many", r, bucket)
}

func (s attemptStore) raceFirst(t *testing.T) {
	for round := range rounds {
		r := attempt(t, round)
		allSucceed(t, "CountAttempts", together(func(int) error { return s.CountAttempts(t.Context(), r.At, []auth.AttemptRecord{r}) }))
		r.Count = racers
		s.demand(t, "begun by many", r)
	}
	// The same where it has expired.
	r := s.begin(t, attempt(t, 50), 7)
	r.At, r.ExpiresAt = r.ExpiresAt, r.ExpiresAt.Add(time.Hour)
	allSucceed(t, "CountAttempts", together(func(int) error { return s.CountAttempts(t.Context(), r.At, []auth.AttemptRecord{r}) }))
	r.Count = racers
	s.demand(t, "begun anew by many", r)
}

func (s attemptStore) raceSeveral(t *testing.T) {
	var all []auth.AttemptRecord
	for i := range 6 {
		r := attempt(t, i)
		r.At, r.ExpiresAt = attempt(t, 50).At, attempt(t, 50).ExpiresAt
		all = append(all, r)
	}
	for range rounds {
		allSucceed(t, "CountAttempts of several keys", together(func(i int) error {
			mine := slices.Clone(all)
			if i%2 == 1 {
				slices.Reverse(mine)
			}
			mine = slices.Concat(mine[i%6:], mine[:i%6])
			return s.CountAttempts(t.Context(), mine[0].At, mine)
		}))
	}
	for i := range all {
		all[i].Count = racers * rounds
	}
	s.demand(t, "counted by many", all...)
}

func (s attemptStore) allOrNone(t *testing.T) {
	var all []auth.AttemptRecord
	for i := range 4 {
		r := attempt(t, i)
		r.At, r.ExpiresAt = attempt(t, 50).At, attempt(t, 50).ExpiresAt
		all = append(all, r)
	}
	for range 3 {
		together(func(i int) error {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if i%4 > 0 {
				go cancel()
			}
			return s.CountAttempts(ctx, all[0].At, all)
		})
	}
	for i := range all {
		all[i].Count = s.countOf(t, all[0].Key)
	}
	if all[0].Count < 3*racers/4 {
		t.Errorf("%d counts, of which %d must have succeeded", all[0].Count, 3*racers/4)
	}
	s.demand(t, "counted beside one another", all...)
}

func (s attemptStore) raceReserve(t *testing.T) {
	r, bystander := s.begin(t, attempt(t, 1), 1), s.begin(t, attempt(t, 2), 1)
	for range rounds {
		oneWinner(t, "ReserveAttempt", together(func(int) error {
			return s.ReserveAttempt(t.Context(), auth.AttemptReservation{AttemptRecord: r, Now: r.At, Before: r})
		}), auth.ErrConflict)
		r.Count++
		s.demand(t, "reserved by one of many", r)
	}
	// Beside others that count, those that succeed have met what they have demanded.
	var reserved atomic.Uint32
	errs := together(func(i int) error {
		if i%2 == 0 {
			return s.CountAttempts(t.Context(), r.At, []auth.AttemptRecord{r})
		}
		before := auth.AttemptRecord{Count: r.Count + uint32(i/8)}
		err := s.ReserveAttempt(t.Context(), auth.AttemptReservation{AttemptRecord: r, Now: r.At, Before: before})
		if err == nil {
			reserved.Add(1)
		} else if errors.Is(err, auth.ErrConflict) {
			return nil
		}
		return err
	})
	allSucceed(t, "CountAttempts and ReserveAttempt", errs)
	r.Count += racers/2 + reserved.Load()
	s.demand(t, "counted and reserved by many", r)
	s.demand(t, "the bystander", bystander)
}

func (s attemptStore) raceRoom(t *testing.T) {
	for round, room := range []int{1, 10, 0, racers, racers - 1} {
		r := attempt(t, round)
		now := r.At
		r.At, r.ExpiresAt = now.Add(time.Second), now.Add(time.Hour)
		reservation := auth.AttemptReservation{AttemptRecord: r, Now: now, NotAfter: now.Add(time.Duration(room-1) * time.Second)}
		if room == 0 {
			s.count(t, now, r)
			reservation.NotAfter = now
		}
		won := 0
		for _, err := range together(func(int) error { return s.ReserveAttempt(t.Context(), reservation) }) {
			if err == nil {
				won++
			} else {
				wantError(t, "ReserveAttempt", err, auth.ErrConflict)
			}
		}
		if won != room {
			t.Errorf("%d of %d concurrent reservations won, want %d", won, racers, room)
		}
		room = max(room, 1)
		r.Count, r.At = uint32(room), now.Add(time.Duration(room)*time.Second)
		s.demand(t, "reserved by many", r)
	}
}

func (s attemptStore) raceReturn(t *testing.T) {
	r := s.begin(t, attempt(t, 1), 10)
	bucket := attempt(t, 2)
	now := bucket.At
	bucket.At, bucket.ExpiresAt = now.Add(time.Second), now.Add(time.Hour)
	for range 10 {
		s.count(t, now, bucket)
	}
	// At goes back to that of Before for nobody.
	reservation := auth.AttemptReservation{AttemptRecord: r, Now: r.At, Before: auth.AttemptRecord{Count: 1 << 20}}
	allSucceed(t, "CountAttempts and ReturnAttempt", together(func(i int) error {
		if i < 8 {
			return errors.Join(s.ReturnAttempt(t.Context(), reservation), s.ReturnAttempt(t.Context(), auth.AttemptReservation{AttemptRecord: bucket, Now: now}))
		}
		return errors.Join(s.CountAttempts(t.Context(), r.At, []auth.AttemptRecord{r}), s.CountAttempts(t.Context(), now, []auth.AttemptRecord{bucket}))
	}))
	r.Count = 10 + racers - 16
	bucket.Count, bucket.At = r.Count, now.Add(time.Duration(r.Count)*time.Second)
	s.demand(t, "counted and returned by many", r, bucket)
}

func (s attemptStore) raceDeletion(t *testing.T) {
	for round := range rounds {
		r := s.begin(t, attempt(t, round), 1)
		errs := together(func(i int) error {
			if i == racers/2 {
				n, err := s.DeleteAttempts(t.Context(), []auth.AttemptFilter{{Keys: keysOf(r)}, {Account: [16]byte(r.Key[:16])}}[round%2])
				if err == nil && n != 1 {
					t.Errorf("DeleteAttempts returned %d, want 1", n)
				}
				return err
			}
			if i%2 == 0 {
				return s.ReturnAttempt(t.Context(), auth.AttemptReservation{AttemptRecord: r, Now: r.At, Before: r})
			}
			err := s.ReserveAttempt(t.Context(), auth.AttemptReservation{AttemptRecord: r, Now: r.At, Before: auth.AttemptRecord{Count: uint32(i / 2 % 2)}})
			if errors.Is(err, auth.ErrConflict) {
				return nil
			}
			return err
		})
		allSucceed(t, "DeleteAttempts, ReserveAttempt and ReturnAttempt", errs)
		s.absent(t, "deleted beside others", r.Key)
	}
}

func (s attemptStore) raceDelete(t *testing.T) {
	for round := range rounds {
		r := s.begin(t, attempt(t, round), 1)
		var deleted atomic.Int64
		allSucceed(t, "DeleteAttempts", together(func(int) error {
			n, err := s.DeleteAttempts(t.Context(), []auth.AttemptFilter{{Keys: keysOf(r)}, {Account: [16]byte(r.Key[:16])}, {ExpiredBy: r.ExpiresAt}}[round%3])
			deleted.Add(int64(n))
			return err
		}))
		if n := deleted.Load(); n != 1 {
			t.Errorf("%d of %d concurrent calls of DeleteAttempts counted the counter, want exactly one", n, racers)
		}
		s.absent(t, "deleted by many", r.Key)
	}
}
