package authtest

import (
	"slices"
	"time"

	"github.com/seed89488a0c/auth"
)

// attemptReserveMutants take other conditions than they are told.
func attemptReserveMutants() []attemptMutant {
	// byCount and inBucket make mutants that decide by f, of one kind of reservation.
	byCount := func(name, rule string, f func(r auth.AttemptReservation, old auth.AttemptRecord, living bool) bool) attemptMutant {
		return attemptsWith(name, rule, func(s *attempts) {
			s.free = func(r auth.AttemptReservation, old auth.AttemptRecord, living bool) bool {
				if r.NotAfter.IsZero() {
					return f(r, old, living)
				}
				return isFree(r, old, living)
			}
		})
	}
	inBucket := func(name, rule string, f func(r auth.AttemptReservation, old auth.AttemptRecord, living bool) bool) attemptMutant {
		return attemptsWith(name, rule, func(s *attempts) {
			s.free = func(r auth.AttemptReservation, old auth.AttemptRecord, living bool) bool {
				if !r.NotAfter.IsZero() {
					return f(r, old, living)
				}
				return isFree(r, old, living)
			}
		})
	}
	// counted makes a mutant whose reservations are counted by f.
	counted := func(name, rule string, f func(old, given auth.AttemptRecord, now time.Time) auth.AttemptRecord) attemptMutant {
		return attemptMutant{name, rule, func() auth.AttemptStore {
			s := newAttempts()
			right := s.counted
			reserving := false
			s.free = func(r auth.AttemptReservation, old auth.AttemptRecord, living bool) bool {
				reserving = isFree(r, old, living)
				return reserving
			}
			s.counted = func(old, given auth.AttemptRecord, now time.Time) auth.AttemptRecord {
				defer func() { reserving = false }()
				if reserving {
					return f(old, given, now)
				}
				return right(old, given, now)
			}
			return s
		}}
	}
	type reservation = auth.AttemptReservation
	type record = auth.AttemptRecord
	micro := time.Microsecond
	return []attemptMutant{
		byCount("nothing is compared", ruleAttemptDemand, func(reservation, record, bool) bool { return true }),
		byCount("no count is compared", ruleAttemptDemand, func(_ reservation, _ record, living bool) bool { return living }),
		byCount("a count is not below", ruleAttemptDemand, func(r reservation, old record, living bool) bool { return living && old.Count <= r.Before.Count }),
		byCount("a count is not above", ruleAttemptDemand, func(r reservation, old record, living bool) bool { return living && old.Count >= r.Before.Count }),
		byCount("counts are compared by 8 bits", ruleAttemptDemand, func(r reservation, old record, living bool) bool {
			return living && uint8(old.Count) == uint8(r.Before.Count)
		}),
		byCount("counts are compared by 16 bits", ruleAttemptDemand, func(r reservation, old record, living bool) bool {
			return living && uint16(old.Count) == uint16(r.Before.Count)
		}),
		byCount("counts are compared by 31 bits", ruleAttemptDemand, func(r reservation, old record, living bool) bool {
			return living && old.Count<<1 == r.Before.Count<<1
		}),
		byCount("zero is not compared", ruleAttemptDemand, func(r reservation, old record, living bool) bool {
			return living && (r.Before.Count == 0 || old.Count == r.Before.Count)
		}),
		byCount("zero is refused", ruleAttemptDemand, func(r reservation, old record, living bool) bool { return old.Count > 0 && isFree(r, old, living) }),
		byCount("what is not there has the count zero", ruleAttemptDemand, func(r reservation, old record, living bool) bool {
			return old.Key == [32]byte{} && r.Before.Count == 0 || isFree(r, old, living)
		}),
		byCount("At of Before is compared", ruleAttemptDemand, func(r reservation, old record, living bool) bool {
			return isFree(r, old, living) && r.Before.At.Equal(old.At)
		}),
		byCount("the end of Before is compared", ruleAttemptDemand, func(r reservation, old record, living bool) bool {
			return isFree(r, old, living) && r.Before.ExpiresAt.Equal(old.ExpiresAt)
		}),
		byCount("the key of Before is compared", ruleAttemptDemand, func(r reservation, old record, living bool) bool {
			return isFree(r, old, living) && r.Before.Key == old.Key
		}),
		byCount("the Count of the record is compared", ruleAttemptDemand, func(r reservation, old record, living bool) bool { return living && old.Count == r.Count }),
		byCount("what has expired is reserved", ruleAttemptLiving, func(r reservation, old record, _ bool) bool { return isFree(r, old, true) && old.Key == r.Key }),
		byCount("what has expired a microsecond ago is reserved", ruleAttemptLiving, func(r reservation, old record, _ bool) bool {
			return isFree(r, old, !old.ExpiresAt.Before(r.Now))
		}),
		byCount("what expires in a microsecond is refused", ruleAttemptLiving, func(r reservation, old record, _ bool) bool {
			return isFree(r, old, old.ExpiresAt.After(r.Now.Add(micro)))
		}),

		counted("a reservation does not count", ruleAttemptReserved, func(old, given record, now time.Time) record { return old }),
		counted("a reservation sets At as it is", ruleAttemptReserved, func(old, given record, now time.Time) record {
			r := countedOnce(old, given, now)
			r.At = given.At
			return r
		}),
		counted("a reservation sets the end as it is", ruleAttemptReserved, func(old, given record, now time.Time) record {
			r := countedOnce(old, given, now)
			r.ExpiresAt = given.ExpiresAt
			return r
		}),
		counted("a reservation keeps the end", ruleAttemptReserved, func(old, given record, now time.Time) record {
			r := countedOnce(old, given, now)
			r.ExpiresAt = old.ExpiresAt
			return r
		}),
		counted("a reservation begins anew", ruleAttemptReserved, func(_, given record, _ time.Time) record {
			given.Count = 1
			return given
		}),

		inBucket("a bucket is never full", ruleAttemptRoom, func(reservation, record, bool) bool { return true }),
		inBucket("a bucket is always full", ruleAttemptRoom, func(_ reservation, _ record, living bool) bool { return !living }),
		inBucket("a bucket is full a microsecond early", ruleAttemptRoom, func(r reservation, old record, living bool) bool {
			r.NotAfter = r.NotAfter.Add(-micro)
			return isFree(r, old, living)
		}),
		inBucket("a bucket is full a microsecond late", ruleAttemptRoom, func(r reservation, old record, living bool) bool {
			r.NotAfter = r.NotAfter.Add(micro)
			return isFree(r, old, living)
		}),
		inBucket("a bucket of which there is none is full", ruleAttemptRoom, func(r reservation, old record, living bool) bool {
			return old.Key != [32]byte{} && isFree(r, old, living)
		}),
		inBucket("a bucket that has expired is full", ruleAttemptRoom, func(r reservation, old record, _ bool) bool { return isFree(r, old, old.Key == r.Key) }),
		inBucket("a bucket expires late", ruleAttemptRoom, func(r reservation, old record, _ bool) bool {
			return isFree(r, old, old.Key == r.Key && !old.ExpiresAt.Before(r.Now))
		}),
		inBucket("a bucket expires early", ruleAttemptRoom, func(r reservation, old record, _ bool) bool {
			return isFree(r, old, old.ExpiresAt.After(r.Now.Add(micro)))
		}),
		inBucket("a bucket of a wrong clock is full", ruleAttemptRoom, func(r reservation, old record, living bool) bool { return !living || !old.At.After(r.NotAfter) }),
		inBucket("a bucket that is full for a day is of a wrong clock", ruleAttemptRoom, func(r reservation, old record, living bool) bool {
			return isFree(r, old, living) || !old.At.Before(r.Now.Add(aDay))
		}),
		inBucket("a bucket is full where its new At would be", ruleAttemptRoom, func(r reservation, old record, living bool) bool {
			r.NotAfter = r.NotAfter.Add(-r.At.Sub(r.Now))
			return isFree(r, old, living)
		}),
		inBucket("a bucket is full as it was read", ruleAttemptRoom, func(r reservation, old record, living bool) bool { return !r.Before.At.After(r.NotAfter) }),
		inBucket("a bucket demands the count", ruleAttemptAnyCount, func(r reservation, old record, living bool) bool {
			return isFree(r, old, living) && (!living || r.Before.Count == old.Count)
		}),
		inBucket("a bucket has room for the count", ruleAttemptAnyCount, func(r reservation, old record, living bool) bool {
			return isFree(r, old, living) || r.Before.Count == old.Count
		}),
		inBucket("a bucket that was there is demanded", ruleAttemptAnyCount, func(r reservation, old record, living bool) bool {
			return isFree(r, old, living) && (living || r.Before.Count == 0)
		}),
	}
}

// attemptReturnMutants take back otherwise than they should.
func attemptReturnMutants() []attemptMutant {
	type reservation = auth.AttemptReservation
	type record = auth.AttemptRecord
	back := func(name, rule string, f func(r reservation, old record) record) attemptMutant {
		return attemptsWith(name, rule, func(s *attempts) { s.back = f })
	}
	// at makes a mutant that is wrong about At alone.
	at := func(name, rule string, f func(r reservation, old record) time.Time) attemptMutant {
		return back(name, rule, func(r reservation, old record) record {
			next := takenBack(r, old)
			if old.Count > 0 {
				next.At = f(r, old)
			}
			return next
		})
	}
	isBucket := func(r reservation) bool { return r.At.After(r.Now) }
	return []attemptMutant{
		back("a return takes back nothing", ruleAttemptReturned, func(r reservation, old record) record { return old }),
		back("a return takes back all", ruleAttemptReturned, func(r reservation, old record) record {
			next := takenBack(r, old)
			next.Count = 0
			return next
		}),
		back("a return sets the count before", ruleAttemptReturned, func(r reservation, old record) record {
			next := takenBack(r, old)
			next.Count = r.Before.Count
			return next
		}),
		back("a return takes back the end", ruleAttemptReturned, func(r reservation, old record) record {
			next := takenBack(r, old)
			next.ExpiresAt = r.Before.ExpiresAt
			return next
		}),
		back("a return demands a living counter", ruleAttemptReturned, func(r reservation, old record) record {
			if !old.ExpiresAt.After(r.Now) {
				return old
			}
			return takenBack(r, old)
		}),
		back("a return demands the count", ruleAttemptReturned, func(r reservation, old record) record {
			if old.Count != r.Before.Count+1 {
				return old
			}
			return takenBack(r, old)
		}),
		at("At stays at a return", ruleAttemptReturned, func(r reservation, old record) time.Time {
			if isBucket(r) {
				return takenBack(r, old).At
			}
			return old.At
		}),
		at("At always goes back", ruleAttemptReturned, func(r reservation, old record) time.Time { return r.Before.At }),
		at("At goes back where one has counted since", ruleAttemptReturned, func(r reservation, old record) time.Time {
			if old.Count == r.Before.Count+2 {
				return r.Before.At
			}
			return takenBack(r, old).At
		}),
		at("At goes back by 8 bits of the count", ruleAttemptReturned, func(r reservation, old record) time.Time {
			if uint8(old.Count) == uint8(r.Before.Count+1) {
				return r.Before.At
			}
			return old.At
		}),
		at("At goes back where it is that of the reservation", ruleAttemptZero, func(r reservation, old record) time.Time {
			if !isBucket(r) {
				return takenBack(r, old).At
			}
			return r.Before.At
		}),
		at("At becomes the time of the return", ruleAttemptReturned, func(r reservation, old record) time.Time { return r.Now }),
		at("no At is not gone back to", ruleAttemptReturned, func(r reservation, old record) time.Time {
			if r.Before.At.IsZero() {
				return old.At
			}
			return takenBack(r, old).At
		}),
		at("At of a bucket stays", ruleAttemptBucket, func(r reservation, old record) time.Time { return old.At }),
		at("At of a bucket goes back to that of Before", ruleAttemptBucket, func(r reservation, old record) time.Time {
			if isBucket(r) && old.Count == r.Before.Count+1 {
				return r.Before.At
			}
			return takenBack(r, old).At
		}),
		at("At of a bucket becomes now", ruleAttemptBucket, func(r reservation, old record) time.Time { return r.Now }),
		at("At of a bucket falls by what Before says", ruleAttemptBucket, func(r reservation, old record) time.Time {
			return old.At.Add(-r.At.Sub(r.Before.At))
		}),
		at("At of a bucket falls by whole seconds", ruleAttemptBucket, func(r reservation, old record) time.Time {
			return old.At.Add(-r.At.Sub(r.Now).Truncate(time.Second))
		}),
		back("a return goes below zero", ruleAttemptZero, func(r reservation, old record) record {
			if old.Count == 0 {
				old.Count--
				return old
			}
			return takenBack(r, old)
		}),
		back("a return lowers At of a bucket at zero", ruleAttemptZero, func(r reservation, old record) record {
			if old.Count == 0 && isBucket(r) {
				old.At = old.At.Add(-r.At.Sub(r.Now))
			}
			return takenBack(r, old)
		}),
		back("a return takes zero for one above the highest count", ruleAttemptZero, func(r reservation, old record) record {
			if old.Count == 0 && old.Count == r.Before.Count+1 {
				old.At = r.Before.At.Add(-time.Microsecond)
			}
			return takenBack(r, old)
		}),
		attemptsWith("a return makes a counter of Before", ruleAttemptZero, func(s *attempts) {
			s.absent = func(r reservation) (record, bool) {
				return record{Key: r.Key, Count: r.Before.Count, At: r.Before.At}, true
			}
		}),
		attemptsWith("what is taken back to zero is gone", ruleAttemptZero, func(s *attempts) {
			s.read = func(found []record) []record {
				return slices.DeleteFunc(found, func(r record) bool { return r.Count == 0 })
			}
		}),
	}
}
