package memory

import (
	"container/heap"
	"container/list"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/seed89488a0c/auth/internal/row"
)

// maxAttempts is how many counters there are at most, which are up to 50 MB: whoever
// fails with ever new addresses must not fill the memory.
const maxAttempts = 100_000

// codeFull is of a [row.Error]: there is room for no new counter, and none may be forgotten.
const codeFull = "attempts full"

// attempts are the counters, with a lock of their own. No call looks at more of them than
// it was asked for, or has to forget.
type attempts struct {
	mu        sync.Mutex
	byKey     map[row.AttemptKey]*counter
	byAccount map[[16]byte]*list.List
	byCount   [row.KeptAttempts + 1]list.List // the first to be counted in front; the last has all that are kept
	byEnd     ends
}

type counter struct {
	row.AttemptRecord
	inCount, inAccount *list.Element
	end                int // its place in byEnd
}

func (c *counter) account() [16]byte { return [16]byte(c.Key[:16]) }

func (c *counter) expired(now time.Time) bool { return !c.ExpiresAt.After(now) }

// ends is a heap of counters, the first to expire in front.
type ends []*counter

func (e ends) Len() int           { return len(e) }
func (e ends) Less(i, j int) bool { return e[i].ExpiresAt.Before(e[j].ExpiresAt) }
func (e ends) Swap(i, j int) {
	e[i], e[j] = e[j], e[i]
	e[i].end, e[j].end = i, j
}
func (e *ends) Push(c any) {
	c.(*counter).end = len(*e)
	*e = append(*e, c.(*counter))
}
func (e *ends) Pop() any {
	last := len(*e) - 1
	c := (*e)[last]
	(*e)[last] = nil
	*e = (*e)[:last]
	return c
}

// Attempts returns the counters that there are of some keys.
func (s *Store) Attempts(ctx context.Context, keys []row.AttemptKey) ([]row.AttemptRecord, error) {
	if err := ended(ctx, "attempts"); err != nil {
		return nil, err
	}
	s.attempts.mu.Lock()
	defer s.attempts.mu.Unlock()
	var found []row.AttemptRecord
	for _, key := range keys {
		if c := s.attempts.byKey[key]; c != nil {
			found = append(found, c.AttemptRecord)
		}
	}
	return found, nil
}

// CountAttempts adds one to the counter of each key, all or none.
func (s *Store) CountAttempts(ctx context.Context, now time.Time, counts []row.AttemptRecord) error {
	const op = "count attempts"
	if err := ended(ctx, op); err != nil {
		return err
	}
	s.attempts.mu.Lock()
	defer s.attempts.mu.Unlock()
	return s.attempts.count(op, now, counts)
}

// ReserveAttempt counts one try, if its counter is as the reservation demands.
func (s *Store) ReserveAttempt(ctx context.Context, r row.AttemptReservation) error {
	const op = "reserve attempt"
	if err := ended(ctx, op); err != nil {
		return err
	}
	s.attempts.mu.Lock()
	defer s.attempts.mu.Unlock()
	c := s.attempts.byKey[r.Key]
	living := c != nil && !c.expired(r.Now)
	free := living && c.Count == r.Before.Count
	if !r.NotAfter.IsZero() {
		free = !living || !c.At.After(r.NotAfter) || c.At.After(r.Now.Add(row.MaxAhead))
	}
	if !free {
		return row.ErrConflict
	}
	return s.attempts.count(op, r.Now, []row.AttemptRecord{r.AttemptRecord})
}

// ReturnAttempt takes back what the same reservation has counted.
func (s *Store) ReturnAttempt(ctx context.Context, r row.AttemptReservation) error {
	if err := ended(ctx, "return attempt"); err != nil {
		return err
	}
	s.attempts.mu.Lock()
	defer s.attempts.mu.Unlock()
	c := s.attempts.byKey[r.Key]
	if c == nil || c.Count == 0 {
		return nil
	}
	now := c.AttemptRecord
	if ahead := r.At.Sub(r.Now); ahead > 0 {
		now.At = now.At.Add(-ahead)
	} else if uint64(now.Count) == uint64(r.Before.Count)+1 {
		now.At = r.Before.At
	}
	now.Count--
	s.attempts.put(now)
	return nil
}

// DeleteAttempts removes the counters that a filter chooses.
func (s *Store) DeleteAttempts(ctx context.Context, f row.AttemptFilter) (int, error) {
	if err := ended(ctx, "delete attempts"); err != nil {
		return 0, err
	}
	if f.ChoosesNone() {
		return 0, nil
	}
	s.attempts.mu.Lock()
	defer s.attempts.mu.Unlock()
	chosen := s.attempts.chosen(f)
	for _, c := range chosen {
		s.attempts.remove(c)
	}
	return len(chosen), nil
}

// chosen returns up to its limit what a filter chooses.
func (a *attempts) chosen(f row.AttemptFilter) (found []*counter) {
	take := func(c *counter) {
		if len(found) < f.AtMost() && (f.Account == [16]byte{} || c.account() == f.Account) && (f.ExpiredBy.IsZero() || c.expired(f.ExpiredBy)) {
			found = append(found, c)
		}
	}
	switch own := a.byAccount[f.Account]; {
	case f.Keys != nil:
		for i, key := range f.Keys {
			if c := a.byKey[key]; c != nil && !slices.Contains(f.Keys[:i], key) {
				take(c)
			}
		}
	case f.Account == [16]byte{}:
		return a.expired(f.ExpiredBy, f.AtMost())
	case own != nil:
		for e := own.Front(); e != nil && len(found) < f.AtMost(); e = e.Next() {
			take(e.Value.(*counter))
		}
	}
	return found
}

// expired returns up to n counters that count for nothing any more.
func (a *attempts) expired(now time.Time, n int) (found []*counter) {
	for next := []int{0}; len(next) > 0 && len(found) < n; {
		i := next[len(next)-1]
		next = next[:len(next)-1]
		if i < len(a.byEnd) && a.byEnd[i].expired(now) { // what is behind one that lives lives too
			found = append(found, a.byEnd[i])
			next = append(next, 2*i+2, 2*i+1)
		}
	}
	return found
}

// count adds one to the counters of given, all or none.
func (a *attempts) count(op string, now time.Time, given []row.AttemptRecord) error {
	isNew := func(r row.AttemptRecord) bool { return a.byKey[r.Key] == nil }
	if over := len(a.byKey) - maxAttempts; over+len(given) > 0 {
		for _, r := range given {
			if isNew(r) {
				over++
			}
		}
		forgotten, ok := a.forgettable(now, over, given)
		if !ok {
			return &row.Error{Op: op, Code: codeFull}
		}
		for _, c := range forgotten {
			a.remove(c)
		}
	}
	for _, r := range given {
		r.Count = 1
		if c := a.byKey[r.Key]; c != nil && !c.expired(now) {
			r = c.counted(now, r)
		}
		a.put(r)
	}
	return nil
}

// counted returns what becomes of a counter that lives.
func (c *counter) counted(now time.Time, given row.AttemptRecord) row.AttemptRecord {
	given.Count = max(c.Count, c.Count+1) // which stops at the highest
	if given.At.After(now) && c.At.After(now) && !c.At.After(now.Add(row.MaxAhead)) {
		given.At = given.At.Add(c.At.Sub(now))
	}
	if c.ExpiresAt.After(given.ExpiresAt) {
		given.ExpiresAt = c.ExpiresAt
	}
	return given
}

// forgettable returns n counters that make room for others: the expired, then the lowest
// counts, then the oldest. None is of those that are about to be counted.
func (a *attempts) forgettable(now time.Time, n int, counted []row.AttemptRecord) (found []*counter, ok bool) {
	take := func(c *counter) {
		is := func(r row.AttemptRecord) bool { return r.Key == c.Key }
		if len(found) < n && !slices.ContainsFunc(counted, is) && !slices.Contains(found, c) {
			found = append(found, c)
		}
	}
	for _, c := range a.expired(now, max(n, 0)+len(counted)) {
		take(c)
	}
	for i := range row.KeptAttempts {
		for e := a.byCount[i].Front(); e != nil && len(found) < n; e = e.Next() {
			take(e.Value.(*counter))
		}
	}
	return found, len(found) >= n
}

// put replaces a counter, or adds it.
func (a *attempts) put(r row.AttemptRecord) {
	c := a.byKey[r.Key]
	if c == nil {
		c = &counter{AttemptRecord: r}
		if a.byKey == nil {
			a.byKey, a.byAccount = map[row.AttemptKey]*counter{}, map[[16]byte]*list.List{}
		}
		if a.byAccount[c.account()] == nil {
			a.byAccount[c.account()] = list.New()
		}
		a.byKey[r.Key] = c
		c.inAccount = a.byAccount[c.account()].PushBack(c)
		heap.Push(&a.byEnd, c)
	} else {
		a.of(c).Remove(c.inCount)
		c.AttemptRecord = r
		heap.Fix(&a.byEnd, c.end)
	}
	c.inCount = a.of(c).PushBack(c)
}

// of returns the list of all that have the count of c.
func (a *attempts) of(c *counter) *list.List { return &a.byCount[min(c.Count, row.KeptAttempts)] }

func (a *attempts) remove(c *counter) {
	delete(a.byKey, c.Key)
	a.of(c).Remove(c.inCount)
	heap.Remove(&a.byEnd, c.end)
	own := a.byAccount[c.account()]
	if own.Remove(c.inAccount); own.Len() == 0 {
		delete(a.byAccount, c.account())
	}
}
