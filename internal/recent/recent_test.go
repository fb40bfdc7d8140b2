package recent_test

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/seed89488a0c/auth/internal/recent"
)

func want[V comparable](t *testing.T, table *recent.Table[V], key, owner string, value V) {
	t.Helper()
	if got := table.Get(key, owner); got != value {
		t.Errorf("%s of %s: got %v, want %v", key, owner, got, value)
	}
}

func TestTable(t *testing.T) {
	table := recent.New[int](1 << 20)
	want(t, table, "a", "ada", 0)
	table.Put("a", "ada", 1, table.Moment())
	table.Put("b", "ada", 2, table.Moment())
	table.Put("c", "bob", 3, table.Moment())
	want(t, table, "a", "ada", 1)
	want(t, table, "a", "bob", 0)
	table.Put("a", "ada", 4, table.Moment())
	want(t, table, "a", "ada", 4)

	table.Forget("ada")
	want(t, table, "a", "ada", 0)
	want(t, table, "b", "ada", 0)
	want(t, table, "c", "bob", 3)

	before := table.Moment()
	table.Forget("nobody")
	table.Put("c", "bob", 5, before)
	want(t, table, "c", "bob", 0)
	table.Put("c", "bob", 6, table.Moment())
	want(t, table, "c", "bob", 6)

	(*recent.Table[int])(nil).Forget("ada")
}

func TestPlaceIsLost(t *testing.T) {
	table := recent.New[string](1)
	table.Put("a", "ada", "1", table.Moment())
	table.Put("b", "bob", "2", table.Moment())
	want(t, table, "a", "ada", "")
	want(t, table, "b", "bob", "2")
}

// However Put and Forget meet, what was found out before is not left behind.
func TestPutMeetsForget(t *testing.T) {
	const last = 20
	for round := range 200 {
		table := recent.New[int64](64)
		var state atomic.Int64
		var wg sync.WaitGroup
		for i := range 4 {
			key := fmt.Sprint("key", i%2)
			wg.Go(func() {
				for {
					since := table.Moment()
					found := state.Load()
					if found == last {
						return
					}
					runtime.Gosched()
					table.Put(key, "ada", found, since)
					table.Get(key, "ada")
				}
			})
		}
		wg.Go(func() {
			for n := int64(1); n <= last; n++ {
				runtime.Gosched()
				state.Store(n)
				table.Forget("ada")
			}
		})
		wg.Wait()
		want(t, table, "key0", "ada", 0)
		want(t, table, "key1", "ada", 0)
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
	}
}
