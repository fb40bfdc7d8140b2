package authtest

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
)

// TestAttemptStore holds an implementation against the contract of [auth.AttemptStore].
// newStore is called for every rule and returns an empty store, which must be usable by
// many goroutines at once and have room for 2000 counters. What a store forgets that has
// less room, and how high a count rises, its own tests must show.
func TestAttemptStore(t *testing.T, newStore func(t *testing.T) auth.AttemptStore) {
	rules := []struct {
		name string
		test func(s attemptStore, t *testing.T)
	}{
		{"what was counted is read back, every field", attemptStore.roundTrip},
		{"a counter begins with 1, whatever Count is given", attemptStore.first},
		{"zero times, the first and the last year and microseconds stay what they are", attemptStore.times},
		{"keys are compared bit by bit", attemptStore.bits},
		{"keys of any bytes stay what they are", attemptStore.oddKeys},
		{"a count adds one, takes the given At and the later end", attemptStore.counts},
		{"a counter begins anew from the very microsecond at which it expires", attemptStore.expires},
		{"the time is that of the call", attemptStore.noClock},
		{"a bucket's At rises by what it was ahead", attemptStore.fills},
		{"several keys are counted at once, each by itself", attemptStore.several},
		{"of several keys all are counted or none, also where the context ends meanwhile", attemptStore.allOrNone},
		{"no keys are nothing", attemptStore.noKeys},
		{"a reservation demands the very count, else it is ErrConflict and changes nothing", attemptStore.demands},
		{"a reservation demands a counter that has not expired", attemptStore.demandsLiving},
		{"a reservation counts as any other", attemptStore.reserved},
		{"a bucket has room until its At would be after NotAfter", attemptStore.room},
		{"a bucket demands no count", attemptStore.roomOfAnyCount},
		{"a return takes back one, and At where nobody has counted since", attemptStore.returned},
		{"a return of a bucket lowers its At by as much", attemptStore.returnedToBucket},
		{"a return goes not below zero, and makes no counter", attemptStore.returnedToNothing},
		{"a filter deletes what it chooses, and counts it", attemptStore.filters},
		{"a filter takes an account by all of its bytes", attemptStore.accounts},
		{"a limit takes no more", attemptStore.limits},
		{"a filter without a limit takes a thousand", attemptStore.defaultLimit},
		{"a filter that chooses by nothing deletes nothing", attemptStore.emptyFilter},
		{"a deleted counter is gone, and begins anew", attemptStore.deleted},
		{"of many that count one key, none is lost", attemptStore.raceCount},
		{"of many that begin one key, none is lost", attemptStore.raceFirst},
		{"of many that count several keys in any order, none is lost", attemptStore.raceSeveral},
		{"of many that reserve by one count, exactly one wins", attemptStore.raceReserve},
		{"of many that reserve in a bucket, as many win as there is room for", attemptStore.raceRoom},
		{"concurrent returns lose no count", attemptStore.raceReturn},
		{"a reservation does not bring back what is deleted meanwhile", attemptStore.raceDeletion},
		{"of many that delete one counter, exactly one counts it", attemptStore.raceDelete},
		{"a context that has ended is recognisable, and nothing is changed", attemptStore.contextEnded},
		{"errors do not repeat what they were asked", attemptStore.silentErrors},
		{"what was given and returned is the caller's", attemptStore.ownMemory},
	}
	for _, rule := range rules {
		if !wanted(t, rule.name) {
			continue
		}
		t.Run(rule.name, func(t *testing.T) {
			t.Helper()
			rule.test(attemptStore{newStore(t)}, t)
		})
	}
}

type attemptStore struct{ auth.AttemptStore }

// attempt returns a record with every field set, whose ExpiresAt is a minute after its At.
func attempt(t testing.TB, seed int) auth.AttemptRecord {
	t.Helper()
	var r auth.AttemptRecord
	fill(t, reflect.ValueOf(&r).Elem(), seed)
	return r
}

// ofAccount gives a record the key of an account, and of a part of it.
func ofAccount(r auth.AttemptRecord, account, part byte) auth.AttemptRecord {
	r.Key = [32]byte{0: account, 15: account, 16: part, 31: part}
	return r
}

// count counts records at a time, and returns what becomes of those that were not there.
func (s attemptStore) count(t testing.TB, now time.Time, records ...auth.AttemptRecord) []auth.AttemptRecord {
	t.Helper()
	if err := s.CountAttempts(t.Context(), now, records); err != nil {
		t.Fatalf("CountAttempts: %v", err)
	}
	records = slices.Clone(records)
	for i := range records {
		records[i].Count = 1
	}
	return records
}

// begin counts a record at its At, so many times, and returns what is stored then.
func (s attemptStore) begin(t testing.TB, r auth.AttemptRecord, times uint32) auth.AttemptRecord {
	t.Helper()
	for range times {
		s.count(t, r.At, r)
	}
	r.Count = times
	return r
}

// demand fails unless want are what is stored under their keys.
func (s attemptStore) demand(t testing.TB, what string, want ...auth.AttemptRecord) {
	t.Helper()
	for part := range slices.Chunk(want, 16) {
		var keys [][32]byte
		for _, r := range part {
			keys = append(keys, r.Key)
		}
		got, err := s.Attempts(t.Context(), keys)
		if err != nil {
			t.Fatalf("%s: Attempts: %v", what, err)
		}
		if len(got) != len(part) {
			t.Fatalf("%s: Attempts returned %d counters, want %d", what, len(got), len(part))
		}
		for _, w := range part {
			i := slices.IndexFunc(got, func(g auth.AttemptRecord) bool { return g.Key == w.Key })
			if i < 0 {
				t.Fatalf("%s: Attempts did not return the counter of a key", what)
			}
			if names := diff(reflect.ValueOf(got[i]), reflect.ValueOf(w)); len(names) > 0 {
				t.Errorf("%s: Attempts returned other values in: %s; Count is %d, want %d", what, strings.Join(names, ", "), got[i].Count, w.Count)
			}
		}
	}
}

// absent fails if there are counters of these keys.
func (s attemptStore) absent(t testing.TB, what string, keys ...[32]byte) {
	t.Helper()
	if got, err := s.Attempts(t.Context(), keys); err != nil || len(got) > 0 {
		t.Errorf("%s: Attempts returned %d counters and %v, want none and no error", what, len(got), err)
	}
}

func (s attemptStore) roundTrip(t *testing.T) {
	s.absent(t, "an empty store", attempt(t, 0).Key)
	var want []auth.AttemptRecord
	for seed := range 16 {
		r := attempt(t, seed)
		want = append(want, s.count(t, r.At, r)...)
		s.absent(t, "a key that was not counted", attempt(t, seed+1).Key)
	}
	s.demand(t, "counted", want...)
	for _, r := range want {
		s.demand(t, "counted", r)
	}
	got, err := s.Attempts(t.Context(), [][32]byte{attempt(t, 100).Key, want[7].Key, attempt(t, 101).Key})
	if err != nil || len(got) != 1 || got[0].Key != want[7].Key {
		t.Errorf("Attempts of one key that there is and two that there are not returned %d counters, %v", len(got), err)
	}
}

func (s attemptStore) first(t *testing.T) {
	for seed, given := range []uint32{0, 1, 2, 1 << 31, 1<<32 - 1} {
		r := attempt(t, seed)
		r.Count = given
		s.demand(t, "counted once", s.count(t, r.At, r)...)
		s.count(t, r.At, r)
		r.Count = 2
		s.demand(t, "counted twice", r)
	}
}

func (s attemptStore) times(t *testing.T) {
	last := time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
	epoch := time.Unix(0, 0).UTC()
	for seed, times := range [][2]time.Time{
		{{}, last}, {epoch, last}, {epoch.Add(time.Microsecond), last.Add(-time.Microsecond)}, {last, last}, {{}, {}}, {epoch, epoch}, {last, epoch},
	} {
		r := attempt(t, seed)
		r.At, r.ExpiresAt = times[0], times[1]
		s.demand(t, fmt.Sprintf("counted with the times %v", times), s.count(t, epoch, r)...)
	}
	r := attempt(t, 100)
	r.ExpiresAt = last
	s.begin(t, r, 1)
	r.At = time.Time{}
	s.count(t, last.Add(-time.Microsecond), r)
	r.Count = 2
	s.demand(t, "counted with the zero time", r)
}

func (s attemptStore) bits(t *testing.T) {
	r := attempt(t, 1)
	want := s.count(t, r.At, r)
	for bit := range 256 {
		other := attempt(t, 2+bit)
		other.Key = r.Key
		other.Key[bit/8] ^= 1 << (bit % 8)
		s.absent(t, fmt.Sprintf("a key that differs in bit %d", bit), other.Key)
		refused := auth.AttemptReservation{AttemptRecord: other, Now: r.At, Before: auth.AttemptRecord{Count: 1}}
		wantError(t, "ReserveAttempt of a key that differs in a bit", s.ReserveAttempt(t.Context(), refused), auth.ErrConflict)
		wantError(t, "ReturnAttempt of a key that differs in a bit", s.ReturnAttempt(t.Context(), refused), nil)
		s.remove(t, auth.AttemptFilter{Keys: [][32]byte{other.Key}}, 0)
		want = append(want, s.count(t, other.At, other)...)
	}
	s.demand(t, "all that differ in a bit", want...)
	s.remove(t, auth.AttemptFilter{Keys: [][32]byte{r.Key}}, 1)
	s.demand(t, "those beside the one that was deleted", want[1:]...)
}

func (s attemptStore) oddKeys(t *testing.T) {
	keys := [][32]byte{{}}
	for _, b := range append(slices.Clone(oddBytes), 'a', 'A') {
		keys = append(keys, [32]byte(bytes.Repeat([]byte{b}, 32)))
		for _, at := range []int{0, 16, 31} {
			var key [32]byte
			key[at] = b
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b [32]byte) int { return bytes.Compare(a[:], b[:]) })
	var want []auth.AttemptRecord
	for i, key := range slices.Compact(keys) {
		r := attempt(t, i)
		r.Key = key
		s.absent(t, "a key that was not counted", key)
		want = append(want, s.count(t, r.At, r)...)
	}
	s.demand(t, "odd keys", want...)
}

func (s attemptStore) counts(t *testing.T) {
	bystander := s.begin(t, attempt(t, 100), 3)
	r := attempt(t, 1)
	r.ExpiresAt = r.At.Add(240 * time.Hour)
	want := s.begin(t, r, 1)
	now := r.At
	for i, next := range []struct {
		at, end time.Duration // from now on
		what    string
	}{
		{0, 250 * time.Hour, "a later end"},
		{0, 250*time.Hour + time.Microsecond, "an end a microsecond later"},
		{0, 250 * time.Hour, "an end a microsecond earlier"},
		{-time.Hour, time.Hour, "an earlier end and an earlier At"},
		{-time.Microsecond, -time.Hour, "an end before now"},
	} {
		given := attempt(t, 2+i)
		given.Key, given.At, given.ExpiresAt = r.Key, now.Add(next.at), now.Add(next.end)
		s.count(t, now, given)
		want.Count++
		want.At = given.At
		if given.ExpiresAt.After(want.ExpiresAt) {
			want.ExpiresAt = given.ExpiresAt
		}
		s.demand(t, "counted with "+next.what, want)
		now = now.Add(time.Second)
	}
	for range 300 { // more than a byte
		s.count(t, now, want)
	}
	want.Count += 300
	s.demand(t, "counted 300 times", want)
	s.demand(t, "the bystander", bystander)
}

func (s attemptStore) expires(t *testing.T) {
	for seed, test := range []struct {
		what   string
		later  time.Duration // than the end
		living bool
	}{
		{"a microsecond before it expires", -time.Microsecond, true},
		{"at the microsecond at which it expires", 0, false},
		{"a microsecond after it has expired", time.Microsecond, false},
		{"a year after it has expired", 365 * 24 * time.Hour, false},
	} {
		stored := s.begin(t, attempt(t, seed), 3)
		now := stored.ExpiresAt.Add(test.later)
		given := attempt(t, 50)
		given.Key, given.At = stored.Key, now
		given.ExpiresAt = now.Add(test.later - time.Second) // before that of the one that is stored, where it can be
		s.count(t, now, given)
		want := given
		if want.Count = 1; test.living {
			want.Count, want.ExpiresAt = 4, stored.ExpiresAt
		}
		s.demand(t, "counted "+test.what, want)
	}
}

func (s attemptStore) noClock(t *testing.T) {
	for seed, year := range []int{1970, 2001, 9000} {
		now := time.Date(year, 6, 1, 0, 0, 0, 0, time.UTC)
		r := attempt(t, seed)
		r.At, r.ExpiresAt = now, now.Add(time.Second)
		want := s.begin(t, r, 2)
		s.demand(t, fmt.Sprintf("counted twice in %d", year), want)
		wantError(t, "ReserveAttempt", s.ReserveAttempt(t.Context(), auth.AttemptReservation{AttemptRecord: r, Now: now, Before: want}), nil)
		want.Count++
		s.demand(t, fmt.Sprintf("reserved in %d", year), want)
		// The bucket is ahead by a second, whatever time it is.
		r = attempt(t, seed+50)
		r.At, r.ExpiresAt = now.Add(time.Second), now.Add(time.Hour)
		s.count(t, now, r)
		s.count(t, now, r)
		r.Count, r.At = 2, now.Add(2*time.Second)
		s.demand(t, fmt.Sprintf("a bucket in %d", year), r)
		s.remove(t, auth.AttemptFilter{Keys: [][32]byte{r.Key}, ExpiredBy: r.ExpiresAt.Add(-time.Microsecond)}, 0)
	}
}

// fillings are what becomes of a bucket, whose stored and given At are so far from now.
var fillings = []struct {
	what                string
	stored, given, want time.Duration
}{
	{"an empty bucket", -time.Hour, time.Second, time.Second},
	{"a bucket that is empty now", 0, time.Second, time.Second},
	{"a bucket that is empty in a microsecond", time.Microsecond, time.Second, time.Second + time.Microsecond},
	{"a bucket that is empty in an hour", time.Hour, time.Minute, time.Hour + time.Minute},
	{"a bucket that is empty later than is given", time.Hour, time.Microsecond, time.Hour + time.Microsecond},
	{"a bucket that is empty in a day", 24 * time.Hour, time.Second, 24*time.Hour + time.Second},
	{"a bucket of a wrong clock", 24*time.Hour + time.Microsecond, time.Second, time.Second},
	{"a bucket of a clock that is wrong by years", 20 * 365 * 24 * time.Hour, time.Second, time.Second},
	{"a counter, by what is no bucket's", time.Hour, 0, 0},
	{"a counter, by an At before now", time.Hour, -time.Hour, -time.Hour},
}

func (s attemptStore) fills(t *testing.T) {
	end := 30 * 365 * 24 * time.Hour
	for i, test := range fillings {
		r := attempt(t, i)
		now := r.At
		r.At, r.ExpiresAt = now.Add(test.stored), now.Add(end)
		s.count(t, now.Add(-48*time.Hour), r)
		r.At = now.Add(test.given)
		s.count(t, now, r)
		r.Count, r.At = 2, now.Add(test.want)
		s.demand(t, test.what, r)
	}
	// One that has expired is empty, whatever its At.
	r := attempt(t, 100)
	now := r.ExpiresAt
	r.At = now.Add(time.Hour)
	s.count(t, now.Add(-time.Minute), r)
	r.At, r.ExpiresAt = now.Add(time.Second), now.Add(time.Hour)
	s.demand(t, "a bucket that has expired", s.count(t, now, r)...)
}

func (s attemptStore) several(t *testing.T) {
	bystander := s.begin(t, attempt(t, 100), 3)
	now := attempt(t, 20).At
	var given, want []auth.AttemptRecord
	for i := range 16 {
		r := attempt(t, i+2*(i%4)) // of some days, by now
		r.ExpiresAt = now.Add(time.Duration(i-8) * time.Second)
		next := attempt(t, 200+i)
		next.Key, next.At, next.ExpiresAt = r.Key, now.Add(time.Duration(i%3-1)*time.Minute), now.Add(time.Hour)
		if i%5 > 0 {
			s.count(t, now.Add(-time.Hour), r)
			r.Count = 1
		}
		given = append(given, next)
		if next.Count = 1; i%5 > 0 && r.ExpiresAt.After(now) {
			next.Count = 2
		}
		want = append(want, next)
	}
	slices.Reverse(given)
	s.count(t, now, given...)
	s.demand(t, "16 keys at once", want...)
	s.count(t, now, given[3], given[1])
	for _, r := range want {
		if r.Key != given[3].Key && r.Key != given[1].Key {
			s.demand(t, "what was not counted the second time", r)
		}
	}
	s.demand(t, "the bystander", bystander)
}

func (s attemptStore) noKeys(t *testing.T) {
	r := s.begin(t, attempt(t, 1), 1)
	for what, keys := range map[string][][32]byte{"nil": nil, "an empty list": {}} {
		s.absent(t, what, keys...)
		wantError(t, "CountAttempts of no keys", s.CountAttempts(t.Context(), r.ExpiresAt, make([]auth.AttemptRecord, len(keys))), nil)
	}
	s.demand(t, "the bystander", r)
}
