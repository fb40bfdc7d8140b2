package authtest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
)

// remove fails unless f chooses want counters.
func (s attemptStore) remove(t testing.TB, f auth.AttemptFilter, want int) {
	t.Helper()
	if got, err := s.DeleteAttempts(t.Context(), f); err != nil || got != want {
		t.Errorf("DeleteAttempts of %d keys, account %x, expired by %v, limit %d returned %d, %v, want %d", len(f.Keys), f.Account, f.ExpiredBy, f.Limit, got, err, want)
	}
}

// populate counts three parts of each of four accounts. The first two of each account
// have expired by a time that it returns, the second at that very microsecond.
func (s attemptStore) populate(t testing.TB) (all []auth.AttemptRecord, by time.Time) {
	t.Helper()
	by = attempt(t, 50).At
	for i, account := range []byte{1, 2, 3, 0xff} {
		for part := range byte(3) {
			r := ofAccount(attempt(t, 3*i+int(part)), account, part)
			r.ExpiresAt = by.Add([]time.Duration{-time.Hour, 0, time.Microsecond}[part])
			all = append(all, s.count(t, by.Add(-24*time.Hour), r)...)
		}
	}
	return all, by
}

// try fails unless f removes chosen of all, which are stored again.
func (s attemptStore) try(t testing.TB, what string, f auth.AttemptFilter, all []auth.AttemptRecord, chosen func(r auth.AttemptRecord) bool) {
	t.Helper()
	gone := 0
	for _, r := range all {
		if chosen(r) {
			gone++
		}
	}
	if got, err := s.DeleteAttempts(t.Context(), f); err != nil || got != gone {
		t.Errorf("%s: DeleteAttempts returned %d, %v, want %d", what, got, err, gone)
	}
	for _, r := range all {
		if !chosen(r) {
			s.demand(t, what, r)
			continue
		}
		s.absent(t, what, r.Key)
		s.count(t, r.At, r)
	}
}

// keysOf returns the keys of some records.
func keysOf(records ...auth.AttemptRecord) (keys [][32]byte) {
	for _, r := range records {
		keys = append(keys, r.Key)
	}
	return keys
}

func (s attemptStore) filters(t *testing.T) {
	all, by := s.populate(t)
	in := func(records ...auth.AttemptRecord) func(auth.AttemptRecord) bool {
		return func(r auth.AttemptRecord) bool { return slices.Contains(records, r) }
	}
	account := [16]byte(all[3].Key[:16])
	ofAccount := func(r auth.AttemptRecord) bool { return [16]byte(r.Key[:16]) == account }
	expired := func(r auth.AttemptRecord) bool { return !r.ExpiresAt.After(by) }
	both := func(r auth.AttemptRecord) bool { return ofAccount(r) && expired(r) }
	unknown := attempt(t, 99).Key
	for _, test := range []struct {
		what   string
		f      auth.AttemptFilter
		chosen func(r auth.AttemptRecord) bool
	}{
		{"a key", auth.AttemptFilter{Keys: keysOf(all[4])}, in(all[4])},
		{"keys", auth.AttemptFilter{Keys: keysOf(all[7], all[0], all[4])}, in(all[7], all[0], all[4])},
		{"keys of which one is unknown", auth.AttemptFilter{Keys: append(keysOf(all[8], all[1]), unknown)}, in(all[1], all[8])},
		{"an unknown key", auth.AttemptFilter{Keys: [][32]byte{unknown}}, in()},
		{"twelve keys", auth.AttemptFilter{Keys: keysOf(all...)}, in(all...)},
		{"keys that have expired", auth.AttemptFilter{Keys: keysOf(all[0], all[1], all[2]), ExpiredBy: by}, in(all[0], all[1])},
		{"a key that has not expired", auth.AttemptFilter{Keys: keysOf(all[2]), ExpiredBy: by}, in()},
		{"a key of its account", auth.AttemptFilter{Keys: keysOf(all[4]), Account: account}, in(all[4])},
		{"a key of another account", auth.AttemptFilter{Keys: keysOf(all[1]), Account: account}, in()},
		{"keys of several accounts", auth.AttemptFilter{Keys: keysOf(all[1], all[4], all[5], all[7]), Account: account}, in(all[4], all[5])},
		{"keys of an account that have expired", auth.AttemptFilter{Keys: keysOf(all[1], all[4], all[5]), Account: account, ExpiredBy: by}, in(all[4])},
		{"an account", auth.AttemptFilter{Account: account}, ofAccount},
		{"an unknown account", auth.AttemptFilter{Account: [16]byte{7}}, in()},
		{"what has expired of an account", auth.AttemptFilter{Account: account, ExpiredBy: by}, both},
		{"what has expired", auth.AttemptFilter{ExpiredBy: by}, expired},
		{"what has expired a microsecond before", auth.AttemptFilter{ExpiredBy: by.Add(-time.Microsecond)}, in(all[0], all[3], all[6], all[9])},
		{"what has expired before all", auth.AttemptFilter{ExpiredBy: by.Add(-2 * time.Hour)}, in()},
		{"what has expired after all", auth.AttemptFilter{ExpiredBy: by.AddDate(1, 0, 0)}, in(all...)},
	} {
		s.try(t, test.what, test.f, all, test.chosen)
	}
}

func (s attemptStore) accounts(t *testing.T) {
	// What is nearly of the account, and stands around it in any order of the keys.
	account := [16]byte{0: 0x41, 7: 0xff, 14: 0x20, 15: 0x41}
	key := func(account [16]byte, part byte) (k [32]byte) {
		copy(k[:], account[:])
		for i := 16; i < 32; i++ {
			k[i] = part
		}
		return k
	}
	var all []auth.AttemptRecord
	add := func(k [32]byte) {
		r := attempt(t, len(all))
		r.Key = k
		r.ExpiresAt = attempt(t, 500).At
		all = append(all, s.count(t, attempt(t, 499).At, r)...)
	}
	for _, part := range []byte{0, 1, 0x7f, 0x80, 0xff} {
		add(key(account, part))
	}
	for bit := range 128 {
		other := account
		other[bit/8] ^= 1 << (bit % 8)
		add(key(other, []byte{0, 0xff}[bit%2]))
	}
	add(key([16]byte{}, 0))
	swapped := key(account, 0)
	copy(swapped[:16], swapped[16:])
	copy(swapped[16:], account[:])
	swapped[0] = 9
	add(swapped) // the account is its second half
	ofAccount := func(r auth.AttemptRecord) bool { return [16]byte(r.Key[:16]) == account }
	s.try(t, "an account", auth.AttemptFilter{Account: account}, all, ofAccount)
	s.try(t, "an account by a time", auth.AttemptFilter{Account: account, ExpiredBy: attempt(t, 500).At}, all, ofAccount)
	s.try(t, "an account by a time before", auth.AttemptFilter{Account: account, ExpiredBy: attempt(t, 499).At}, all, func(auth.AttemptRecord) bool { return false })
	for _, last := range []byte{0xff, 0} {
		end := [16]byte{}
		for i := range end {
			end[i] = 0xff
		}
		end[0] = last
		s.try(t, "an account at the end", auth.AttemptFilter{Account: end}, all, func(auth.AttemptRecord) bool { return false })
	}
}

func (s attemptStore) limits(t *testing.T) {
	all, by := s.populate(t)
	for what, test := range map[string]struct {
		f    auth.AttemptFilter
		have int
	}{
		"keys":                      {auth.AttemptFilter{Keys: keysOf(all[:5]...)}, 5},
		"an account":                {auth.AttemptFilter{Account: [16]byte(all[3].Key[:16])}, 3},
		"what has expired":          {auth.AttemptFilter{ExpiredBy: by}, 8},
		"an account's by then":      {auth.AttemptFilter{Account: [16]byte(all[3].Key[:16]), ExpiredBy: by}, 2},
		"keys that have expired":    {auth.AttemptFilter{Keys: keysOf(all[:5]...), ExpiredBy: by}, 4},
		"keys of an account":        {auth.AttemptFilter{Keys: keysOf(all[:5]...), Account: [16]byte(all[3].Key[:16])}, 2},
		"all that there is by then": {auth.AttemptFilter{ExpiredBy: by.AddDate(1, 0, 0)}, 12},
	} {
		for _, limit := range []int{1, 2, 7, 1000, 5000} {
			f := test.f
			f.Limit = limit
			for left := test.have; left > 0; left -= limit {
				s.remove(t, f, min(limit, left))
			}
			s.remove(t, f, 0)
			stored := 0
			for _, r := range all {
				got, err := s.Attempts(t.Context(), keysOf(r))
				if err != nil {
					t.Fatalf("Attempts: %v", err)
				}
				if stored += len(got); len(got) == 0 {
					s.count(t, r.At, r)
				}
			}
			if stored != len(all)-test.have {
				t.Errorf("%s, at most %d: %d counters are left, want %d", what, limit, stored, len(all)-test.have)
			}
		}
	}
}

func (s attemptStore) defaultLimit(t *testing.T) {
	now := attempt(t, 1).At
	for i := 0; i < 1040; i += 16 {
		var batch []auth.AttemptRecord
		for j := range 16 {
			batch = append(batch, auth.AttemptRecord{Key: [32]byte{0: 5, 30: byte((i + j) >> 8), 31: byte(i + j)}, At: now, ExpiresAt: now.Add(time.Hour)})
		}
		s.count(t, now, batch...)
	}
	f := auth.AttemptFilter{Account: [16]byte{5}}
	s.remove(t, f, 1000)
	f.Limit = 20
	s.remove(t, f, 20)
	f = auth.AttemptFilter{ExpiredBy: now.Add(time.Hour)}
	s.remove(t, f, 20)
	s.remove(t, f, 0)
	for i := 0; i < 1040; i += 16 {
		var batch []auth.AttemptRecord
		for j := range 16 {
			batch = append(batch, auth.AttemptRecord{Key: [32]byte{0: byte(j + 1), 30: byte((i + j) >> 8), 31: byte(i + j)}, At: now, ExpiresAt: now.Add(time.Hour)})
		}
		s.count(t, now, batch...)
	}
	for _, want := range []int{1000, 40, 0} {
		s.remove(t, f, want)
	}
}

func (s attemptStore) emptyFilter(t *testing.T) {
	all, by := s.populate(t)
	account := [16]byte(all[3].Key[:16])
	for what, f := range map[string]auth.AttemptFilter{
		"nothing":                    {},
		"a limit":                    {Limit: 5},
		"no keys":                    {Keys: [][32]byte{}},
		"no keys of an account":      {Keys: [][32]byte{}, Account: account},
		"no keys that have expired":  {Keys: [][32]byte{}, ExpiredBy: by},
		"a negative limit":           {ExpiredBy: by, Limit: -1},
		"a negative limit of keys":   {Keys: keysOf(all[0]), Limit: -5},
		"the zero time in some zone": {ExpiredBy: time.Time{}.In(time.FixedZone("", 3600)), Limit: 5},
	} {
		s.try(t, what, f, all, func(auth.AttemptRecord) bool { return false })
	}
}

func (s attemptStore) deleted(t *testing.T) {
	bystander := s.begin(t, attempt(t, 100), 3)
	for i, filter := range []func(r auth.AttemptRecord) auth.AttemptFilter{
		func(r auth.AttemptRecord) auth.AttemptFilter { return auth.AttemptFilter{Keys: keysOf(r)} },
		func(r auth.AttemptRecord) auth.AttemptFilter {
			return auth.AttemptFilter{Account: [16]byte(r.Key[:16])}
		},
		func(r auth.AttemptRecord) auth.AttemptFilter { return auth.AttemptFilter{ExpiredBy: r.ExpiresAt} },
	} {
		what := fmt.Sprintf("deleted by filter %d", i)
		r := s.begin(t, attempt(t, i), 3)
		s.remove(t, filter(r), 1)
		s.absent(t, what, r.Key)
		s.remove(t, filter(r), 0)
		s.reserve(t, what, auth.AttemptReservation{AttemptRecord: r, Now: r.At, Before: r}, auth.ErrConflict)
		s.giveBack(t, auth.AttemptReservation{AttemptRecord: r, Now: r.At, Before: r})
		s.absent(t, what, r.Key)
		s.demand(t, what+", and counted", s.count(t, r.At, r)...)
		s.remove(t, filter(r), 1)
	}
	s.demand(t, "the bystander", bystander)
}
