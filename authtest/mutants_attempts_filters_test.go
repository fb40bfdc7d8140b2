package authtest

import (
	"bytes"
	"math"
	"slices"
	"time"

	"github.com/seed89488a0c/auth"
)

// attemptFilterMutants choose otherwise than they should.
func attemptFilterMutants() []attemptMutant {
	type filter = auth.AttemptFilter
	type record = auth.AttemptRecord
	chooses := func(name, rule string, f func(f filter, r record) bool) attemptMutant {
		return attemptsWith(name, rule, func(s *attempts) { s.chooses = f })
	}
	// filtered makes a mutant that takes a filter for another.
	filtered := func(name, rule string, change func(f *filter)) attemptMutant {
		return chooses(name, rule, func(f filter, r record) bool {
			change(&f)
			return chosenAttempt(f, r)
		})
	}
	// account makes a mutant that compares accounts by f.
	account := func(name string, f func(a, b []byte) bool) attemptMutant {
		return chooses("accounts compared "+name, ruleAttemptAccount, func(filter filter, r record) bool {
			if a := filter.Account; a != [16]byte{} {
				if !f(a[:], r.Key[:16]) {
					return false
				}
				filter.Account = [16]byte{}
			}
			return chosenAttempt(filter, r)
		})
	}
	atMost := func(name, rule string, f func(f filter) int) attemptMutant {
		return attemptsWith(name, rule, func(s *attempts) { s.atMost = f })
	}
	none := func(name string, f func(f filter) bool) attemptMutant {
		return attemptsWith(name, ruleAttemptEmpty, func(s *attempts) { s.none = f })
	}
	return []attemptMutant{
		filtered("keys are ignored beside an account", ruleAttemptFilter, func(f *filter) {
			if f.Account != [16]byte{} {
				f.Keys = nil
			}
		}),
		filtered("keys are ignored beside a time", ruleAttemptFilter, func(f *filter) {
			if !f.ExpiredBy.IsZero() {
				f.Keys = nil
			}
		}),
		filtered("an account is ignored beside keys", ruleAttemptFilter, func(f *filter) {
			if f.Keys != nil {
				f.Account = [16]byte{}
			}
		}),
		filtered("an account is ignored beside a time", ruleAttemptFilter, func(f *filter) {
			if !f.ExpiredBy.IsZero() {
				f.Account = [16]byte{}
			}
		}),
		filtered("a time is ignored beside keys", ruleAttemptFilter, func(f *filter) {
			if f.Keys != nil {
				f.ExpiredBy = time.Time{}
			}
		}),
		filtered("a time is ignored beside an account", ruleAttemptFilter, func(f *filter) {
			if f.Account != [16]byte{} {
				f.ExpiredBy = time.Time{}
			}
		}),
		filtered("a time is a microsecond late", ruleAttemptFilter, func(f *filter) {
			if !f.ExpiredBy.IsZero() {
				f.ExpiredBy = f.ExpiredBy.Add(time.Microsecond)
			}
		}),
		filtered("a time is a microsecond early", ruleAttemptFilter, func(f *filter) {
			if !f.ExpiredBy.IsZero() {
				f.ExpiredBy = f.ExpiredBy.Add(-time.Microsecond)
			}
		}),
		filtered("only the first key is looked at", ruleAttemptFilter, func(f *filter) { f.Keys = f.Keys[:min(len(f.Keys), 1)] }),
		filtered("ten keys are looked at", ruleAttemptFilter, func(f *filter) { f.Keys = f.Keys[:min(len(f.Keys), 10)] }),
		chooses("a key stands for its account", ruleAttemptFilter, func(f filter, r record) bool {
			return chosenAttempt(f, r) || slices.ContainsFunc(f.Keys, func(key [32]byte) bool { return bytes.Equal(key[:16], r.Key[:16]) })
		}),
		chooses("what has expired by now goes", ruleAttemptFilter, func(f filter, r record) bool {
			if !f.ExpiredBy.IsZero() {
				f.ExpiredBy = time.Now()
			}
			return chosenAttempt(f, r)
		}),
		chooses("what has expired goes, whatever is asked for", ruleAttemptFilter, func(f filter, r record) bool {
			return chosenAttempt(f, r) || !f.ExpiredBy.IsZero() && !r.ExpiresAt.After(f.ExpiredBy)
		}),
		attemptsWith("what is deleted is not counted", ruleAttemptFilter, func(s *attempts) { s.told = func(int) int { return 0 } }),
		attemptsWith("one is said to be gone", ruleAttemptFilter, func(s *attempts) { s.told = func(n int) int { return min(n, 1) } }),
		account("by 8 bytes", func(a, b []byte) bool { return bytes.Equal(a[:8], b[:8]) }),
		account("by 15 bytes", func(a, b []byte) bool { return bytes.Equal(a[:15], b[:15]) }),
		account("by their last 15 bytes", func(a, b []byte) bool { return bytes.Equal(a[1:], b[1:]) }),
		account("in lower case", func(a, b []byte) bool { return bytes.Equal(lower(a), lower(b)) }),
		account("from there on", func(a, b []byte) bool { return bytes.Compare(b, a) >= 0 }),
		account("up to there", func(a, b []byte) bool { return bytes.Compare(b, a) <= 0 }),
		chooses("accounts compared up to the last part", ruleAttemptAccount, func(f filter, r record) bool {
			return chosenAttempt(f, r) && (f.Account == [16]byte{} || f.Keys != nil || [16]byte(r.Key[16:]) != [16]byte(bytes.Repeat([]byte{0xff}, 16)))
		}),
		chooses("accounts compared from the second part on", ruleAttemptAccount, func(f filter, r record) bool {
			return chosenAttempt(f, r) && (f.Account == [16]byte{} || f.Keys != nil || [16]byte(r.Key[16:]) != [16]byte{})
		}),
		chooses("accounts compared with parts", ruleAttemptAccount, func(f filter, r record) bool {
			return chosenAttempt(f, r) || f.Keys == nil && f.Account == [16]byte(r.Key[16:]) && chosenAttempt(filter{ExpiredBy: f.ExpiredBy}, r)
		}),
		atMost("a limit is ignored", ruleAttemptLimit, func(filter) int { return 1000 }),
		atMost("a limit is one more", ruleAttemptLimit, func(f filter) int { return f.AtMost() + 1 }),
		atMost("a limit of keys is ignored", ruleAttemptLimit, func(f filter) int {
			if f.Keys != nil {
				return 1000
			}
			return f.AtMost()
		}),
		atMost("a limit of an account is ignored", ruleAttemptLimit, func(f filter) int {
			if f.Account != [16]byte{} {
				return 1000
			}
			return f.AtMost()
		}),
		atMost("a limit is at least five", ruleAttemptLimit, func(f filter) int { return max(f.AtMost(), 5) }),
		atMost("no limit is none", ruleAttemptThousand, func(f filter) int {
			if f.Limit == 0 {
				return math.MaxInt
			}
			return f.Limit
		}),
		atMost("no limit is a hundred", ruleAttemptThousand, func(f filter) int {
			if f.Limit == 0 {
				return 100
			}
			return f.Limit
		}),
		atMost("no limit takes none", "a deleted counter is gone, and begins anew", func(f filter) int { return f.Limit }),
		none("a filter of nothing deletes all", func(f filter) bool { return f.Keys != nil && len(f.Keys) == 0 || f.Limit < 0 }),
		none("a limit alone deletes", func(f filter) bool { return f.ChoosesNone() && f.Limit <= 0 }),
		attemptsWith("an empty list of keys is none", ruleAttemptEmpty, func(s *attempts) {
			empty := func(f filter) filter {
				if len(f.Keys) == 0 {
					f.Keys = nil
				}
				return f
			}
			s.none = func(f filter) bool { return empty(f).ChoosesNone() }
			s.chooses = func(f filter, r record) bool { return chosenAttempt(empty(f), r) }
		}),
		attemptsWith("a negative limit is none", ruleAttemptEmpty, func(s *attempts) {
			positive := func(f filter) filter {
				f.Limit = max(f.Limit, 0)
				return f
			}
			s.none = func(f filter) bool { return positive(f).ChoosesNone() }
			s.atMost = func(f filter) int { return positive(f).AtMost() }
		}),
		attemptsWith("the zero time in some zone is a time", ruleAttemptEmpty, func(s *attempts) {
			s.none = func(f filter) bool { return f.ChoosesNone() && f.ExpiredBy == time.Time{} }
		}),
	}
}
