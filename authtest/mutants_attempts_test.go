package authtest

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
)

func TestAttemptMutants(t *testing.T) {
	suite := func(t *testing.T, newStore func() auth.AttemptStore) {
		TestAttemptStore(t, func(*testing.T) auth.AttemptStore { return newStore() })
	}
	catch(t, suite, func() auth.AttemptStore { return newAttempts() }, slices.Concat(
		attemptCountMutants(), attemptReserveMutants(), attemptReturnMutants(), attemptFilterMutants(), attemptLooseMutants(), attemptAnswerMutants()))
}

type attemptMutant = mutant[auth.AttemptStore]

// attempts is a right store, each decision of which can be replaced by a wrong one.
type attempts struct {
	mu       sync.Mutex
	counters map[[32]byte]auth.AttemptRecord

	key     func(key [32]byte) [32]byte // under what a key is kept
	expired func(r auth.AttemptRecord, now time.Time) bool
	begun   func(given auth.AttemptRecord) auth.AttemptRecord
	counted func(old, given auth.AttemptRecord, now time.Time) auth.AttemptRecord
	list    func(counts []auth.AttemptRecord) []auth.AttemptRecord // of what is counted
	free    func(r auth.AttemptReservation, old auth.AttemptRecord, living bool) bool
	back    func(r auth.AttemptReservation, old auth.AttemptRecord) auth.AttemptRecord
	absent  func(r auth.AttemptReservation) (auth.AttemptRecord, bool) // what a return makes of none
	none    func(f auth.AttemptFilter) bool
	chooses func(f auth.AttemptFilter, r auth.AttemptRecord) bool
	atMost  func(f auth.AttemptFilter) int
	told    func(gone int) int // how many are said to be gone
	read    func(found []auth.AttemptRecord) []auth.AttemptRecord
	ended   func(ctx context.Context, method string) error
	fault   func(key [32]byte) error // of a conflict

	gap     string // where others get in
	entered int    // the gap
}

func newAttempts() *attempts {
	return &attempts{
		counters: map[[32]byte]auth.AttemptRecord{},
		key:      func(key [32]byte) [32]byte { return key },
		expired:  func(r auth.AttemptRecord, now time.Time) bool { return !r.ExpiresAt.After(now) },
		begun:    func(given auth.AttemptRecord) auth.AttemptRecord { given.Count = 1; return given },
		counted:  countedOnce,
		list:     func(counts []auth.AttemptRecord) []auth.AttemptRecord { return counts },
		free:     isFree,
		back:     takenBack,
		absent:   func(auth.AttemptReservation) (r auth.AttemptRecord, made bool) { return r, false },
		none:     auth.AttemptFilter.ChoosesNone,
		chooses:  chosenAttempt,
		atMost:   auth.AttemptFilter.AtMost,
		told:     func(gone int) int { return gone },
		read:     func(found []auth.AttemptRecord) []auth.AttemptRecord { return found },
		ended:    func(ctx context.Context, _ string) error { return ctx.Err() },
		fault:    func([32]byte) error { return auth.ErrConflict },
	}
}

const aDay = 24 * time.Hour

func countedOnce(old, given auth.AttemptRecord, now time.Time) auth.AttemptRecord {
	if given.Count = old.Count; given.Count < math.MaxUint32 {
		given.Count++
	}
	if ahead := old.At.Sub(now); given.At.After(now) && ahead > 0 && ahead <= aDay {
		given.At = given.At.Add(ahead)
	}
	if old.ExpiresAt.After(given.ExpiresAt) {
		given.ExpiresAt = old.ExpiresAt
	}
	return given
}

func isFree(r auth.AttemptReservation, old auth.AttemptRecord, living bool) bool {
	if r.NotAfter.IsZero() {
		return living && old.Count == r.Before.Count
	}
	return !living || !old.At.After(r.NotAfter) || old.At.Sub(r.Now) > aDay
}

func takenBack(r auth.AttemptReservation, old auth.AttemptRecord) auth.AttemptRecord {
	switch {
	case old.Count == 0:
		return old
	case r.At.After(r.Now):
		old.At = old.At.Add(-r.At.Sub(r.Now))
	case uint64(old.Count) == uint64(r.Before.Count)+1:
		old.At = r.Before.At
	}
	old.Count--
	return old
}

// chosenAttempt reports whether f, whatever its limit, chooses r.
func chosenAttempt(f auth.AttemptFilter, r auth.AttemptRecord) bool {
	return (f.Keys == nil || slices.Contains(f.Keys, r.Key)) &&
		(f.Account == [16]byte{} || f.Account == [16]byte(r.Key[:16])) &&
		(f.ExpiredBy.IsZero() || !r.ExpiresAt.After(f.ExpiredBy))
}

// open lets others in until one has come, for a second on an idle machine at most.
func (s *attempts) open(gap string) {
	if s.gap != gap {
		return
	}
	s.entered++
	for before, tries := s.entered, 0; s.entered == before && tries < 10; tries++ {
		s.mu.Unlock()
		time.Sleep(100 * time.Millisecond)
		s.mu.Lock()
	}
}

func (s *attempts) Attempts(ctx context.Context, keys [][32]byte) ([]auth.AttemptRecord, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.ended(ctx, "Attempts"); err != nil {
		return nil, err
	}
	var found []auth.AttemptRecord
	for _, key := range keys {
		if r, ok := s.counters[s.key(key)]; ok {
			r.Key = key
			found = append(found, r)
		}
	}
	return s.read(found), nil
}

// add counts one record; it is called with the lock.
func (s *attempts) add(now time.Time, given auth.AttemptRecord, gap string) {
	given.Key = s.key(given.Key)
	old, ok := s.counters[given.Key]
	s.open(gap)
	if ok && !s.expired(old, now) {
		given = s.counted(old, given, now)
	} else {
		given = s.begun(given)
	}
	s.counters[given.Key] = given
}

func (s *attempts) CountAttempts(ctx context.Context, now time.Time, counts []auth.AttemptRecord) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.ended(ctx, "CountAttempts"); err != nil {
		return err
	}
	for i, given := range s.list(counts) {
		if i > 0 {
			s.open("between")
			if s.gap == "between" && ctx.Err() != nil {
				return ctx.Err()
			}
		}
		s.add(now, given, "count")
	}
	return nil
}

func (s *attempts) ReserveAttempt(ctx context.Context, r auth.AttemptReservation) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.ended(ctx, "ReserveAttempt"); err != nil {
		return err
	}
	old, ok := s.counters[s.key(r.Key)]
	if !s.free(r, old, ok && !s.expired(old, r.Now)) {
		return s.fault(r.Key)
	}
	s.open("reserve")
	s.add(r.Now, r.AttemptRecord, "write")
	return nil
}

func (s *attempts) ReturnAttempt(ctx context.Context, r auth.AttemptReservation) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.ended(ctx, "ReturnAttempt"); err != nil {
		return err
	}
	old, ok := s.counters[s.key(r.Key)]
	s.open("return")
	if ok {
		s.counters[s.key(r.Key)] = s.back(r, old)
	} else if made, ok := s.absent(r); ok {
		s.counters[s.key(r.Key)] = made
	}
	return nil
}

func (s *attempts) DeleteAttempts(ctx context.Context, f auth.AttemptFilter) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.ended(ctx, "DeleteAttempts"); err != nil {
		return 0, err
	}
	if s.none(f) {
		return 0, nil
	}
	var chosen [][32]byte
	for key, r := range s.counters {
		if len(chosen) < s.atMost(f) && s.chooses(f, r) {
			chosen = append(chosen, key)
		}
	}
	if len(chosen) > 0 {
		s.open("delete")
	}
	for _, key := range chosen {
		delete(s.counters, key)
	}
	return s.told(len(chosen)), nil
}

// attemptsWith makes a mutant of what defect does to a right store.
func attemptsWith(name, rule string, defect func(s *attempts)) attemptMutant {
	return attemptMutant{name, rule, func() auth.AttemptStore {
		s := newAttempts()
		defect(s)
		return s
	}}
}

// The rules that find more than one of them.
const (
	ruleAttempt         = "what was counted is read back, every field"
	ruleAttemptFirst    = "a counter begins with 1, whatever Count is given"
	ruleAttemptTimes    = "zero times, the first and the last year and microseconds stay what they are"
	ruleAttemptBits     = "keys are compared bit by bit"
	ruleAttemptOdd      = "keys of any bytes stay what they are"
	ruleAttemptCount    = "a count adds one, takes the given At and the later end"
	ruleAttemptExpires  = "a counter begins anew from the very microsecond at which it expires"
	ruleAttemptClock    = "the time is that of the call"
	ruleAttemptFills    = "a bucket's At rises by what it was ahead"
	ruleAttemptSeveral  = "several keys are counted at once, each by itself"
	ruleAttemptAll      = "of several keys all are counted or none, also where the context ends meanwhile"
	ruleAttemptDemand   = "a reservation demands the very count, else it is ErrConflict and changes nothing"
	ruleAttemptLiving   = "a reservation demands a counter that has not expired"
	ruleAttemptReserved = "a reservation counts as any other"
	ruleAttemptRoom     = "a bucket has room until its At would be after NotAfter"
	ruleAttemptAnyCount = "a bucket demands no count"
	ruleAttemptReturned = "a return takes back one, and At where nobody has counted since"
	ruleAttemptBucket   = "a return of a bucket lowers its At by as much"
	ruleAttemptZero     = "a return goes not below zero, and makes no counter"
	ruleAttemptFilter   = "a filter deletes what it chooses, and counts it"
	ruleAttemptAccount  = "a filter takes an account by all of its bytes"
	ruleAttemptLimit    = "a limit takes no more"
	ruleAttemptThousand = "a filter without a limit takes a thousand"
	ruleAttemptEmpty    = "a filter that chooses by nothing deletes nothing"
	ruleAttemptContext  = "a context that has ended is recognisable, and nothing is changed"
	ruleAttemptSilent   = "errors do not repeat what they were asked"
	ruleAttemptMemory   = "what was given and returned is the caller's"
)

// attemptLooseMutants let others in between looking and writing.
func attemptLooseMutants() []attemptMutant {
	gap := func(name, rule, where string) attemptMutant {
		return attemptsWith(name, rule, func(s *attempts) { s.gap = where })
	}
	return []attemptMutant{
		gap("a count is read and then written", "of many that count one key, none is lost", "count"),
		gap("a counter is looked for and then begun", "of many that begin one key, none is lost", "count"),
		gap("counts of several are read and then written", "of many that count several keys in any order, none is lost", "count"),
		gap("one key is counted after the other", ruleAttemptAll, "between"),
		gap("a count is compared and then written", "of many that reserve by one count, exactly one wins", "reserve"),
		gap("room is looked for and then taken", "of many that reserve in a bucket, as many win as there is room for", "reserve"),
		gap("a count is read and then returned", "concurrent returns lose no count", "return"),
		gap("a count is compared and then written, whether it is there or not", "a reservation does not bring back what is deleted meanwhile", "reserve"),
		gap("a return writes whether there is a counter or not", "a reservation does not bring back what is deleted meanwhile", "return"),
		gap("a counter is looked for and then deleted", "of many that delete one counter, exactly one counts it", "delete"),
	}
}

// attemptAnswerMutants answer otherwise than they should.
func attemptAnswerMutants() []attemptMutant {
	var mutants []attemptMutant
	for _, method := range []string{"Attempts", "CountAttempts", "ReserveAttempt", "ReturnAttempt", "DeleteAttempts"} {
		mutants = append(mutants,
			attemptsWith(method+" looks at no context", ruleAttemptContext, func(s *attempts) {
				s.ended = func(ctx context.Context, m string) error {
					if m == method {
						return nil
					}
					return ctx.Err()
				}
			}),
			attemptsWith(method+" hides why the context has ended", ruleAttemptContext, func(s *attempts) {
				s.ended = func(ctx context.Context, m string) error {
					if ctx.Err() != nil && m == method {
						return &auth.StoreError{Op: method, Code: "down"}
					}
					return ctx.Err()
				}
			}))
	}
	return append(mutants,
		attemptsWith("a conflict has the key in its text", ruleAttemptSilent, func(s *attempts) {
			s.fault = func(key [32]byte) error { return errors.Join(auth.ErrConflict, errors.New(string(key[:]))) }
		}),
		attemptsWith("a conflict has the key in its digits", ruleAttemptSilent, func(s *attempts) {
			s.fault = func(key [32]byte) error { return keyError{auth.ErrConflict, key} }
		}),
		attemptsWith("a conflict is an outage", ruleAttemptDemand, func(s *attempts) {
			s.fault = func([32]byte) error { return &auth.StoreError{Op: "reserve", Code: "conflict"} }
		}),
		attemptsWith("a conflict is a success", ruleAttemptDemand, func(s *attempts) { s.fault = func([32]byte) error { return nil } }),
		attemptsWith("what is counted is sorted where it is", ruleAttemptMemory, func(s *attempts) {
			s.list = func(counts []auth.AttemptRecord) []auth.AttemptRecord {
				slices.SortFunc(counts, func(a, b auth.AttemptRecord) int { return slices.Compare(a.Key[:], b.Key[:]) })
				return counts
			}
		}),
		attemptsWith("the Count of what is counted is set", ruleAttemptMemory, func(s *attempts) {
			s.list = func(counts []auth.AttemptRecord) []auth.AttemptRecord {
				for i := range counts {
					counts[i].Count = 1
				}
				return counts
			}
		}),
		attemptsWith("keys of a filter are sorted where they are", ruleAttemptMemory, func(s *attempts) {
			s.none = func(f auth.AttemptFilter) bool {
				slices.SortFunc(f.Keys, func(a, b [32]byte) int { return slices.Compare(a[:], b[:]) })
				return f.ChoosesNone()
			}
		}),
		attemptMutant{"no keys are an error", "no keys are nothing", func() auth.AttemptStore { return refusesNoKeys{newAttempts()} }},
		attemptsWith("no keys are all", "no keys are nothing", func(s *attempts) {
			s.read = func(found []auth.AttemptRecord) []auth.AttemptRecord {
				if len(found) > 0 {
					return found
				}
				for _, r := range s.counters {
					found = append(found, r)
				}
				return found
			}
		}),
	)
}

// keyError hides a key from all but those who print it with #.
type keyError struct {
	error
	key [32]byte
}

func (e keyError) Unwrap() error { return e.error }

// refusesNoKeys makes a statement of the keys, which is none without them.
type refusesNoKeys struct{ *attempts }

func (s refusesNoKeys) CountAttempts(ctx context.Context, now time.Time, counts []auth.AttemptRecord) error {
	if len(counts) == 0 {
		return &auth.StoreError{Op: "count attempts", Code: "syntax"}
	}
	return s.attempts.CountAttempts(ctx, now, counts)
}
