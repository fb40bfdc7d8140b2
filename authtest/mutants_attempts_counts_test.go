package authtest

import (
	"bytes"
	"slices"
	"time"

	"github.com/seed89488a0c/auth"
)

// attemptCountMutants keep and count otherwise than they should.
func attemptCountMutants() []attemptMutant {
	// begun and counted make mutants that change what is kept of a first count, and of
	// those behind it.
	begun := func(name, rule string, f func(r *auth.AttemptRecord)) attemptMutant {
		return attemptsWith(name, rule, func(s *attempts) {
			right := s.begun
			s.begun = func(given auth.AttemptRecord) auth.AttemptRecord {
				r := right(given)
				f(&r)
				return r
			}
		})
	}
	counted := func(name, rule string, f func(r *auth.AttemptRecord, old, given auth.AttemptRecord, now time.Time)) attemptMutant {
		return attemptsWith(name, rule, func(s *attempts) {
			s.counted = func(old, given auth.AttemptRecord, now time.Time) auth.AttemptRecord {
				r := countedOnce(old, given, now)
				f(&r, old, given, now)
				return r
			}
		})
	}
	expired := func(name, rule string, f func(r auth.AttemptRecord, now time.Time) bool) attemptMutant {
		return attemptsWith(name, rule, func(s *attempts) { s.expired = f })
	}
	listed := func(name, rule string, f func(counts []auth.AttemptRecord) []auth.AttemptRecord) attemptMutant {
		return attemptsWith(name, rule, func(s *attempts) { s.list = f })
	}
	keyed := func(name, rule string, f func(key [32]byte) [32]byte) attemptMutant {
		return attemptsWith("keys compared "+name, rule, func(s *attempts) { s.key = f })
	}
	read := func(name, rule string, f func(r *auth.AttemptRecord)) attemptMutant {
		return attemptsWith(name, rule, func(s *attempts) {
			s.read = func(found []auth.AttemptRecord) []auth.AttemptRecord {
				for i := range found {
					f(&found[i])
				}
				return found
			}
		})
	}
	fillsBy := func(name, rule string, f func(ahead time.Duration) time.Duration) attemptMutant {
		return counted(name, rule, func(r *auth.AttemptRecord, old, given auth.AttemptRecord, now time.Time) {
			if r.At = given.At; given.At.After(now) {
				r.At = given.At.Add(f(old.At.Sub(now)))
			}
		})
	}
	micro := time.Microsecond
	return []attemptMutant{
		begun("At is not kept", ruleAttempt, func(r *auth.AttemptRecord) { r.At = time.Time{} }),
		begun("ExpiresAt is not kept", ruleAttempt, func(r *auth.AttemptRecord) { r.ExpiresAt = time.Time{} }),
		begun("At and ExpiresAt are exchanged", ruleAttempt, func(r *auth.AttemptRecord) { r.At, r.ExpiresAt = r.ExpiresAt, r.At }),
		begun("times are cut to milliseconds", ruleAttempt, func(r *auth.AttemptRecord) {
			r.At, r.ExpiresAt = r.At.Truncate(time.Millisecond), r.ExpiresAt.Truncate(time.Millisecond)
		}),
		attemptsWith("the given Count is kept", ruleAttemptFirst, func(s *attempts) {
			s.begun = func(given auth.AttemptRecord) auth.AttemptRecord { return given }
		}),
		begun("a counter begins with 0", ruleAttemptFirst, func(r *auth.AttemptRecord) { r.Count = 0 }),
		begun("the zero At is 1970", ruleAttemptTimes, func(r *auth.AttemptRecord) {
			if r.At.IsZero() {
				r.At = time.Unix(0, 0).UTC()
			}
		}),
		begun("1970 is no time", ruleAttemptTimes, func(r *auth.AttemptRecord) {
			if r.At.Equal(time.Unix(0, 0)) {
				r.At = time.Time{}
			}
		}),
		begun("times end in 2262", ruleAttemptTimes, func(r *auth.AttemptRecord) {
			if r.ExpiresAt.Year() > 2262 {
				r.ExpiresAt = time.Unix(0, r.ExpiresAt.UnixNano()).UTC()
			}
		}),
		read("times are local", ruleAttempt, func(r *auth.AttemptRecord) { r.At = r.At.In(time.FixedZone("", 3600)) }),
		read("Count is not read", ruleAttempt, func(r *auth.AttemptRecord) { r.Count = 0 }),
		read("keys are not read", ruleAttempt, func(r *auth.AttemptRecord) { r.Key = [32]byte{} }),
		attemptsWith("Attempts returns the last of several", ruleAttempt, func(s *attempts) {
			s.read = func(found []auth.AttemptRecord) []auth.AttemptRecord { return found[max(len(found)-1, 0):] }
		}),
		attemptsWith("Attempts hides what has expired", ruleAttempt, func(s *attempts) {
			s.read = func(found []auth.AttemptRecord) []auth.AttemptRecord {
				return slices.DeleteFunc(found, func(r auth.AttemptRecord) bool { return !r.ExpiresAt.After(time.Now()) })
			}
		}),
		counted("a count adds nothing", ruleAttemptCount, func(r *auth.AttemptRecord, old, _ auth.AttemptRecord, _ time.Time) { r.Count = old.Count }),
		counted("a count adds two", ruleAttemptCount, func(r *auth.AttemptRecord, _, _ auth.AttemptRecord, _ time.Time) { r.Count++ }),
		counted("a count has 8 bits", ruleAttemptCount, func(r *auth.AttemptRecord, _, _ auth.AttemptRecord, _ time.Time) { r.Count = uint32(uint8(r.Count)) }),
		counted("At stays", ruleAttemptCount, func(r *auth.AttemptRecord, old, _ auth.AttemptRecord, _ time.Time) { r.At = old.At }),
		counted("At becomes the later one", ruleAttemptCount, func(r *auth.AttemptRecord, old, _ auth.AttemptRecord, _ time.Time) {
			if old.At.After(r.At) {
				r.At = old.At
			}
		}),
		counted("At becomes the time of the call", ruleAttemptCount, func(r *auth.AttemptRecord, _, _ auth.AttemptRecord, now time.Time) { r.At = now }),
		counted("the end stays", ruleAttemptCount, func(r *auth.AttemptRecord, old, _ auth.AttemptRecord, _ time.Time) { r.ExpiresAt = old.ExpiresAt }),
		counted("the end is the given one", ruleAttemptCount, func(r *auth.AttemptRecord, _, given auth.AttemptRecord, _ time.Time) { r.ExpiresAt = given.ExpiresAt }),

		expired("expiry is ignored", ruleAttemptExpires, func(auth.AttemptRecord, time.Time) bool { return false }),
		expired("a counter expires a microsecond late", ruleAttemptExpires, func(r auth.AttemptRecord, now time.Time) bool { return r.ExpiresAt.Before(now) }),
		expired("a counter expires a microsecond early", ruleAttemptExpires, func(r auth.AttemptRecord, now time.Time) bool { return !r.ExpiresAt.After(now.Add(micro)) }),
		expired("a counter expires by its At", ruleAttemptExpires, func(r auth.AttemptRecord, now time.Time) bool { return !r.At.Add(time.Minute).After(now.Add(micro)) }),
		expired("a counter expires by a clock of the store's own", ruleAttemptClock, func(r auth.AttemptRecord, _ time.Time) bool { return !r.ExpiresAt.After(time.Now()) }),
		expired("a counter expires by the second", ruleAttemptExpires, func(r auth.AttemptRecord, now time.Time) bool { return r.ExpiresAt.Unix() <= now.Unix() }),
		attemptsWith("what has expired begins with the later end", ruleAttemptExpires, func(s *attempts) {
			s.expired = func(auth.AttemptRecord, time.Time) bool { return false }
			s.counted = func(old, given auth.AttemptRecord, now time.Time) auth.AttemptRecord {
				r := countedOnce(old, given, now)
				if !old.ExpiresAt.After(now) {
					r.Count, r.At = 1, given.At
				}
				return r
			}
		}),

		fillsBy("a bucket is always empty", ruleAttemptFills, func(time.Duration) time.Duration { return 0 }),
		fillsBy("a bucket that is empty sinks", ruleAttemptFills, func(ahead time.Duration) time.Duration { return min(ahead, aDay) }),
		fillsBy("a bucket believes any clock", ruleAttemptFills, func(ahead time.Duration) time.Duration { return max(ahead, 0) }),
		fillsBy("a bucket of a wrong clock is full for a day", ruleAttemptFills, func(ahead time.Duration) time.Duration { return min(max(ahead, 0), aDay) }),
		fillsBy("a bucket of just a day is of a wrong clock", ruleAttemptFills, func(ahead time.Duration) time.Duration {
			if ahead <= 0 || ahead >= aDay {
				return 0
			}
			return ahead
		}),
		counted("a bucket is what has been ahead", ruleAttemptFills, func(r *auth.AttemptRecord, old, given auth.AttemptRecord, now time.Time) {
			if ahead := old.At.Sub(now); ahead > 0 && ahead <= aDay {
				r.At = given.At.Add(ahead)
			}
		}),
		counted("a bucket becomes the later At", ruleAttemptFills, func(r *auth.AttemptRecord, old, given auth.AttemptRecord, now time.Time) {
			if r.At = given.At; given.At.After(now) && old.At.After(given.At) {
				r.At = old.At
			}
		}),
		counted("a bucket fills by a clock of the store's own", ruleAttemptClock, func(r *auth.AttemptRecord, old, given auth.AttemptRecord, now time.Time) {
			if r.At = given.At; given.At.After(now) && old.At.After(time.Now()) {
				r.At = given.At.Add(old.At.Sub(now))
			}
		}),

		listed("the last of several is lost", ruleAttemptSeveral, func(counts []auth.AttemptRecord) []auth.AttemptRecord {
			return counts[:max(len(counts)-1, min(len(counts), 1))]
		}),
		listed("the first of several is lost", ruleAttemptSeveral, func(counts []auth.AttemptRecord) []auth.AttemptRecord { return counts[min(len(counts)/2, 1):] }),
		listed("eight keys are counted at most", ruleAttemptSeveral, func(counts []auth.AttemptRecord) []auth.AttemptRecord { return counts[:min(len(counts), 8)] }),
		listed("all have the times of the first", ruleAttemptSeveral, func(counts []auth.AttemptRecord) []auth.AttemptRecord {
			counts = slices.Clone(counts)
			for i := range counts {
				counts[i].At, counts[i].ExpiresAt = counts[0].At, counts[0].ExpiresAt
			}
			return counts
		}),
		listed("the order is that of the keys and the times are not", ruleAttemptSeveral, func(counts []auth.AttemptRecord) []auth.AttemptRecord {
			sorted := slices.Clone(counts)
			slices.SortFunc(sorted, func(a, b auth.AttemptRecord) int { return bytes.Compare(a.Key[:], b.Key[:]) })
			for i := range sorted {
				sorted[i].At, sorted[i].ExpiresAt = counts[i].At, counts[i].ExpiresAt
			}
			return sorted
		}),

		keyed("by 31 bytes", ruleAttemptBits, func(key [32]byte) [32]byte { key[31] = 0; return key }),
		keyed("by their account", ruleAttemptBits, func(key [32]byte) [32]byte { clear(key[16:]); return key }),
		keyed("without their account", ruleAttemptBits, func(key [32]byte) [32]byte { clear(key[:16]); return key }),
		keyed("without their highest bits", ruleAttemptBits, func(key [32]byte) [32]byte {
			for i := range key {
				key[i] &= 0x7f
			}
			return key
		}),
		keyed("in lower case", ruleAttemptOdd, func(key [32]byte) [32]byte { return [32]byte(lower(key[:])) }),
		keyed("without spaces behind", ruleAttemptOdd, func(key [32]byte) (short [32]byte) {
			copy(short[:], bytes.TrimRight(key[:], " "))
			return short
		}),
	}
}

func lower(key []byte) []byte {
	key = bytes.Clone(key)
	for i, b := range key {
		if 'A' <= b && b <= 'Z' {
			key[i] = b + 'a' - 'A'
		}
	}
	return key
}
