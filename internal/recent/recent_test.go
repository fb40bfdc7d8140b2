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

// put remembers a value that is found out in no time.
func put[V any](table *recent.Table[V], key, owner string, value V) {
	table.Put(key, owner, value, table.Moment(key, owner))
}

func TestTable(t *testing.T) {
	table := recent.New[int](1 << 20)
	want(t, table, "a", "ada", 0)
	put(table, "a", "ada", 1)
	put(table, "b", "ada", 2)
	put(table, "c", "bob", 3)
	want(t, table, "a", "ada", 1)
	want(t, table, "a", "bob", 0)
	put(table, "a", "ada", 4)
	want(t, table, "a", "ada", 4)

	table.Forget("ada")
	want(t, table, "a", "ada", 0)
	want(t, table, "b", "ada", 0)
	want(t, table, "c", "bob", 3)

	put(table, "d", "bob", 5)
	table.ForgetKey("c")
	table.ForgetKey("nothing")
	want(t, table, "c", "bob", 0)
	want(t, table, "d", "bob", 5)

	(*recent.Table[int])(nil).Forget("ada")
	(*recent.Table[int])(nil).ForgetKey("a")
}

// What is forgotten while it is found out is not remembered; others are.
func TestForgetsWhatIsUnderWay(t *testing.T) {
	for name, forget := range map[string]func(*recent.Table[int]){
		"owner": func(table *recent.Table[int]) { table.Forget("ada") },
		"key":   func(table *recent.Table[int]) { table.ForgetKey("a") },
	} {
		t.Run(name, func(t *testing.T) {
			table := recent.New[int](1 << 14)
			before := table.Moment("a", "ada")
			forget(table)
			table.Put("a", "ada", 1, before)
			want(t, table, "a", "ada", 0)
			put(table, "a", "ada", 2)
			want(t, table, "a", "ada", 2)

			const others = 1000
			var kept int
			for i := range others {
				key, owner := fmt.Sprint("key", i), fmt.Sprint("owner", i)
				before := table.Moment(key, owner)
				forget(table)
				table.Put(key, owner, i+1, before)
				kept += min(table.Get(key, owner), 1)
			}
			if kept < others*9/10 { // each shares a counter once in five hundred times
				t.Errorf("of %d answers about others %d are remembered", others, kept)
			}
		})
	}
}

func TestPlaceIsLost(t *testing.T) {
	table := recent.New[string](1)
	put(table, "a", "ada", "1")
	put(table, "b", "bob", "2")
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
					since := table.Moment(key, "ada")
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
				if round%2 == 0 {
					table.Forget("ada")
					continue
				}
				table.ForgetKey("key0")
				table.ForgetKey("key1")
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
