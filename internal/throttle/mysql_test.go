package throttle_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/internal/memory"
	"github.com/seed89488a0c/auth/internal/mysqltest"
	"github.com/seed89488a0c/auth/internal/row"
)

func TestMain(m *testing.M) { mysqltest.Main(m) }

// twins are a store and a model of it, which have to say the same.
type twins struct {
	t     *testing.T
	store row.AttemptStore
	model *memory.Store
	calls map[string]int
}

func (s *twins) agree(op string, got, want error) error {
	s.t.Helper()
	s.calls[op]++
	if got != want && !errors.Is(got, row.ErrConflict) || !errors.Is(got, want) {
		s.t.Fatalf("%s: %v, and the model says %v", op, got, want)
	}
	if want != nil {
		s.calls[op+" in vain"]++
	}
	return got
}

func (s *twins) Attempts(ctx context.Context, keys []row.AttemptKey) ([]row.AttemptRecord, error) {
	got, err := s.store.Attempts(ctx, keys)
	want, modelErr := s.model.Attempts(ctx, keys)
	byKey := func(a, b row.AttemptRecord) int { return bytes.Compare(a.Key[:], b.Key[:]) }
	slices.SortFunc(got, byKey)
	slices.SortFunc(want, byKey)
	if !slices.Equal(got, want) {
		s.t.Fatalf("the counters are %v, and the model's %v", got, want)
	}
	return got, s.agree("read", err, modelErr)
}

func (s *twins) CountAttempts(ctx context.Context, now time.Time, counts []row.AttemptRecord) error {
	return s.agree("count", s.store.CountAttempts(ctx, now, counts), s.model.CountAttempts(ctx, now, counts))
}

func (s *twins) ReserveAttempt(ctx context.Context, r row.AttemptReservation) error {
	return s.agree("reserve", s.store.ReserveAttempt(ctx, r), s.model.ReserveAttempt(ctx, r))
}

func (s *twins) ReturnAttempt(ctx context.Context, r row.AttemptReservation) error {
	return s.agree("return", s.store.ReturnAttempt(ctx, r), s.model.ReturnAttempt(ctx, r))
}

func (s *twins) DeleteAttempts(ctx context.Context, f row.AttemptFilter) (int, error) {
	got, err := s.store.DeleteAttempts(ctx, f)
	want, modelErr := s.model.DeleteAttempts(ctx, f)
	if got != want {
		s.t.Fatalf("%d were removed, and %d of the model's", got, want)
	}
	return got, s.agree("delete", err, modelErr)
}

// TestAnyOrder, over a database server, whose counters are at every step those that the
// memory has. The hours of months go by in no time: the server keeps no clock.
func TestMySQLAnyOrder(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			dsn := mysqltest.DSN(t)
			synctest.Test(t, func(t *testing.T) {
				store, err := auth.OpenMySQL(t.Context(), dsn, auth.MySQLConfig{})
				if err != nil {
					t.Fatal(err)
				}
				defer store.Close()
				if err := store.Migrate(t.Context()); err != nil {
					t.Fatal(err)
				}
				both := &twins{t, store, &memory.Store{}, map[string]int{}}
				anyOrder(t, both, rand.New(rand.NewPCG(seed, 12)), 3000)
				t.Log(both.calls)
			})
		})
	}
}
