package auth_test

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/internal/mysqltest"
)

// attemptStep is one call of a store of counters; it returns what the store answered.
type attemptStep struct {
	name string
	call func(s auth.AttemptStore) (int, error)
}

// attemptSteps draws calls on few keys at few times, so that most of them meet a counter,
// or a time that is the very end of one.
func attemptSteps(t *testing.T, random *rand.Rand, keys [][32]byte, n int) []attemptStep {
	moment := func() time.Time {
		return time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC).Add(time.Duration(random.IntN(6)) * 12 * time.Hour)
	}
	record := func() auth.AttemptRecord {
		return auth.AttemptRecord{Key: keys[random.IntN(len(keys))], At: moment(), ExpiresAt: moment(), Count: random.Uint32()}
	}
	steps := make([]attemptStep, n)
	for i := range steps {
		r, now := record(), moment()
		reservation := auth.AttemptReservation{AttemptRecord: r, Now: now, Before: record()}
		reservation.Before.Count = random.Uint32N(4)
		if random.IntN(2) == 0 {
			reservation.NotAfter = moment()
		}
		switch kind := random.IntN(8); kind {
		case 0, 1, 2:
			counts := []auth.AttemptRecord{r}
			for other := record(); other.Key != r.Key && len(counts) == 1; {
				counts = append(counts, other)
			}
			steps[i] = attemptStep{fmt.Sprintf("CountAttempts(%v, %v)", now, counts), func(s auth.AttemptStore) (int, error) {
				return 0, s.CountAttempts(t.Context(), now, counts)
			}}
		case 3, 4, 5:
			steps[i] = attemptStep{fmt.Sprintf("ReserveAttempt(%+v)", reservation), func(s auth.AttemptStore) (int, error) {
				return 0, s.ReserveAttempt(t.Context(), reservation)
			}}
		case 6:
			steps[i] = attemptStep{fmt.Sprintf("ReturnAttempt(%+v)", reservation), func(s auth.AttemptStore) (int, error) {
				return 0, s.ReturnAttempt(t.Context(), reservation)
			}}
		case 7:
			var f auth.AttemptFilter
			if random.IntN(2) == 0 {
				f.Keys = [][32]byte{r.Key, keys[0]}[:1+random.IntN(2)]
			}
			if random.IntN(3) == 0 {
				f.Account = [16]byte(r.Key[:16])
			}
			if random.IntN(2) == 0 {
				f.ExpiredBy = moment().Add(-24 * time.Hour)
			}
			steps[i] = attemptStep{fmt.Sprintf("DeleteAttempts(%+v)", f), func(s auth.AttemptStore) (int, error) {
				return s.DeleteAttempts(t.Context(), f)
			}}
		}
	}
	return steps
}

// What the two stores make of the same calls is the same, whatever the calls are: one of
// them computes in Go, the other in SQL.
func TestAttemptStoresAgree(t *testing.T) {
	t.Parallel()
	for _, setting := range []string{"", "sql_mode=''&interpolateParams=true", "clientFoundRows=true", "sql_mode='NO_UNSIGNED_SUBTRACTION'"} {
		t.Run(setting, func(t *testing.T) {
			t.Parallel()
			mysql := migrate(t, newMySQLStore(t, openPool(t, withParams(t, mysqltest.DSN(t), setting))))
			seed := rand.Uint64()
			random := rand.New(rand.NewPCG(seed, 0))
			keys := make([][32]byte, 4)
			for i := range keys {
				keys[i] = [32]byte{0: 1 + byte(i/2), 31: byte(i)} // two of each account
			}
			memory := auth.NewMemoryStore()
			answered := map[string]int{}
			for i, step := range attemptSteps(t, random, keys, 2000) {
				want, wantErr := step.call(memory)
				got, gotErr := step.call(mysql)
				if got != want || !errors.Is(gotErr, wantErr) {
					t.Fatalf("seed %d, step %d, %s: %d, %v in MySQL, %d, %v in memory", seed, i, step.name, got, gotErr, want, wantErr)
				}
				if got, want := storedAttempts(t, mysql, keys), storedAttempts(t, memory, keys); !slices.Equal(got, want) {
					t.Fatalf("seed %d, step %d, %s:\n%v in MySQL\n%v in memory", seed, i, step.name, got, want)
				}
				answered[fmt.Sprint(want > 0, wantErr)]++
			}
			if len(answered) != 3 {
				t.Errorf("the calls were answered in other ways than there are: %v", answered)
			}
		})
	}
}

// storedAttempts returns the counters of some keys in their order.
func storedAttempts(t testing.TB, s auth.AttemptStore, keys [][32]byte) []auth.AttemptRecord {
	t.Helper()
	found, err := s.Attempts(t.Context(), keys)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(found, func(a, b auth.AttemptRecord) int { return cmp.Compare(string(a.Key[:]), string(b.Key[:])) })
	return found
}
