package memory_test

import (
	"encoding/binary"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/seed89488a0c/auth/internal/memory"
	"github.com/seed89488a0c/auth/internal/row"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// attempt is the counter i of a kind, which lives for an hour.
func attempt(kind byte, i int) row.AttemptRecord {
	r := row.AttemptRecord{At: now, ExpiresAt: now.Add(time.Hour)}
	r.Key[0] = kind
	binary.BigEndian.PutUint64(r.Key[8:], uint64(i))
	return r
}

// counted is one that stands at a count.
func counted(r row.AttemptRecord, count uint32) row.AttemptRecord {
	r.Count = count
	return r
}

func count(t *testing.T, s *memory.Store, counts ...row.AttemptRecord) {
	t.Helper()
	if err := s.CountAttempts(t.Context(), now, counts); err != nil {
		t.Fatal(err)
	}
}

func want(t *testing.T, s *memory.Store, want ...row.AttemptRecord) {
	t.Helper()
	for _, w := range want {
		if got, err := s.Attempts(t.Context(), []row.AttemptKey{w.Key}); err != nil || len(got) != 1 || got[0] != w {
			t.Fatalf("got %v, %v, want %v", got, err, w)
		}
	}
}

func wantGone(t *testing.T, s *memory.Store, gone ...row.AttemptRecord) {
	t.Helper()
	for _, r := range gone {
		if got, err := s.Attempts(t.Context(), []row.AttemptKey{r.Key}); err != nil || len(got) != 0 {
			t.Fatalf("got %v, %v, want none", got, err)
		}
	}
}

// stored is how many counters there are; none is left.
func stored(t *testing.T, s *memory.Store) int {
	t.Helper()
	n, err := s.DeleteAttempts(t.Context(), row.AttemptFilter{ExpiredBy: now.AddDate(100, 0, 0), Limit: math.MaxInt})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A million accounts from a million networks: the counters stay as many, no stop is lost,
// and what was counted more than once stays as long as there are others.
func TestAttemptsStayBounded(t *testing.T) {
	var s memory.Store
	var stopped, tried []row.AttemptRecord
	for i := range 1000 {
		r, low := attempt('s', i), attempt('t', i)
		for range row.KeptAttempts {
			count(t, &s, r)
		}
		for range 2 + i%8 {
			count(t, &s, low)
		}
		stopped, tried = append(stopped, counted(r, row.KeptAttempts)), append(tried, counted(low, uint32(2+i%8)))
	}
	for i := range 1_000_000 {
		count(t, &s, attempt('a', i), attempt('n', i))
	}
	want(t, &s, stopped...)
	want(t, &s, tried...)
	// The last to be counted are there, and those before them are not.
	const pairs = (memory.MaxAttempts - 2000) / 2
	for i := 1_000_000 - pairs; i < 1_000_000; i += 1000 {
		want(t, &s, counted(attempt('a', i), 1), counted(attempt('n', i), 1))
	}
	wantGone(t, &s, attempt('n', 999_999-pairs), attempt('a', 999_999-pairs), attempt('a', 0), attempt('n', 0))
	if n := stored(t, &s); n != memory.MaxAttempts {
		t.Errorf("%d counters are stored, want %d", n, memory.MaxAttempts)
	}
	if n := stored(t, &s); n != 0 {
		t.Errorf("%d counters are left", n)
	}
}

// fill stores so many counters more, that stand at a count and live until a time.
func fill(s *memory.Store, kind byte, n int, count uint32, until time.Time) {
	for i := range n {
		r := counted(attempt(kind, i), count)
		r.ExpiresAt = until
		s.SetAttempt(r)
	}
}

func TestAttemptsForgetTheLowestFirst(t *testing.T) {
	for _, low := range []uint32{0, 1, 2, 5, 9} {
		var s memory.Store
		fill(&s, 'h', memory.MaxAttempts-3, low+1, now.Add(time.Hour))
		fill(&s, 'l', 3, low, now.Add(time.Hour))
		// The first of them was counted again, and so stands behind the others.
		s.SetAttempt(counted(attempt('l', 0), low))
		for i, gone := range []int{1, 2, 0} {
			count(t, &s, attempt('x', i), attempt('h', i)) // whose own counters are not forgotten
			wantGone(t, &s, attempt('l', gone))
			if i == 0 {
				want(t, &s, counted(attempt('l', 0), low), counted(attempt('l', 2), low))
			}
			// What was just counted would be the lowest now; its place is not at issue here.
			s.SetAttempt(counted(attempt('x', i), 100))
		}
		want(t, &s, counted(attempt('h', 0), low+2), counted(attempt('h', 1), low+2), counted(attempt('h', 2), low+2))
		if n := stored(t, &s); n != memory.MaxAttempts {
			t.Errorf("%d counters are stored", n)
		}
	}
}

func TestAttemptsForgetTheExpiredFirst(t *testing.T) {
	var s memory.Store
	fill(&s, 'l', memory.MaxAttempts-2, 1, now.Add(time.Microsecond))
	fill(&s, 'e', 2, 50, now)
	count(t, &s, attempt('x', 0), attempt('e', 1)) // which begins anew
	wantGone(t, &s, attempt('e', 0))
	want(t, &s, counted(attempt('x', 0), 1), counted(attempt('e', 1), 1))
	count(t, &s, attempt('x', 1))
	first := counted(attempt('l', 0), 1)
	wantGone(t, &s, first)
	if n := stored(t, &s); n != memory.MaxAttempts {
		t.Errorf("%d counters are stored", n)
	}
}

// A call makes no room by what it is about to count.
func TestAttemptsSpareWhatIsCounted(t *testing.T) {
	var s memory.Store
	fill(&s, 'l', memory.MaxAttempts, 3, now.Add(time.Hour))
	count(t, &s, attempt('x', 0), attempt('l', 0), attempt('l', 2))
	want(t, &s, counted(attempt('l', 0), 4), counted(attempt('l', 2), 4), counted(attempt('x', 0), 1))
	wantGone(t, &s, attempt('l', 1))
}

// What lives longer than it did has not expired, and what has is found behind it.
func TestAttemptsExpireByTheLatestEnd(t *testing.T) {
	var s memory.Store
	for i := range 100 {
		r := counted(attempt('a', i), 20)
		r.ExpiresAt = now.Add(time.Duration(i) * time.Second)
		s.SetAttempt(r)
	}
	for i := range 50 {
		r := attempt('a', i)
		if err := s.CountAttempts(t.Context(), now.Add(-time.Hour), []row.AttemptRecord{r}); err != nil {
			t.Fatal(err)
		}
	}
	for _, part := range []struct{ by, want int }{{49, 0}, {59, 10}, {59, 0}, {99, 40}, {3599, 0}, {3600, 50}} {
		n, err := s.DeleteAttempts(t.Context(), row.AttemptFilter{ExpiredBy: now.Add(time.Duration(part.by) * time.Second)})
		if err != nil || n != part.want {
			t.Errorf("%d, %v had expired by %d s, want %d", n, err, part.by, part.want)
		}
	}
}

// Where all that there is must be kept, who would be counted for the first time is not,
// and nothing is forgotten.
func TestAttemptsFull(t *testing.T) {
	var s memory.Store
	fill(&s, 'k', memory.MaxAttempts, row.KeptAttempts, now.Add(time.Hour))
	kept := counted(attempt('k', 7), row.KeptAttempts)
	full := func(op string, err error) {
		t.Helper()
		if outage := new(row.Error); !errors.As(err, &outage) || outage.Code != "attempts full" || outage.Op != op {
			t.Errorf("got %v", err)
		}
		want(t, &s, kept)
	}
	ctx, x := t.Context(), attempt('x', 0)
	full("count attempts", s.CountAttempts(ctx, now, []row.AttemptRecord{x}))
	full("count attempts", s.CountAttempts(ctx, now, []row.AttemptRecord{kept, x}))
	full("reserve attempt", s.ReserveAttempt(ctx, row.AttemptReservation{AttemptRecord: x, Now: now, NotAfter: now}))
	wantGone(t, &s, x)
	count(t, &s, kept)
	kept.Count++
	want(t, &s, kept)
	// One that falls below ten, or expires, makes room.
	if err := s.ReturnAttempt(ctx, row.AttemptReservation{AttemptRecord: attempt('k', 3), Now: now, Before: counted(attempt('k', 3), 99)}); err != nil {
		t.Fatal(err)
	}
	count(t, &s, x)
	wantGone(t, &s, attempt('k', 3))
	want(t, &s, kept, counted(x, 1))
	count(t, &s, attempt('y', 0)) // in place of x
	wantGone(t, &s, x)
	if err := s.CountAttempts(ctx, now.Add(time.Hour), []row.AttemptRecord{x}); err != nil {
		t.Error(err)
	}
}

func TestAttemptsStopAtTheHighestCount(t *testing.T) {
	var s memory.Store
	s.SetAttempt(counted(attempt('a', 0), math.MaxUint32-1))
	for range 3 {
		count(t, &s, attempt('a', 0))
		want(t, &s, counted(attempt('a', 0), math.MaxUint32))
	}
	r := row.AttemptReservation{AttemptRecord: attempt('a', 0), Now: now, Before: row.AttemptRecord{Count: math.MaxUint32}}
	if err := s.ReserveAttempt(t.Context(), r); err != nil {
		t.Error(err)
	}
	want(t, &s, counted(attempt('a', 0), math.MaxUint32))
	if err := s.ReturnAttempt(t.Context(), r); err != nil {
		t.Error(err)
	}
	want(t, &s, counted(attempt('a', 0), math.MaxUint32-1))
}
