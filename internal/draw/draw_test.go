package draw_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/seed89488a0c/auth/internal/draw"
)

func TestBy(t *testing.T) {
	secret := []byte(strings.Repeat("s", 32))
	by := draw.By(secret)
	clear(secret) // which was copied
	again, other := draw.By([]byte(strings.Repeat("s", 32))), draw.By([]byte(strings.Repeat("o", 32)))
	const keys = 20_000
	weights := []uint64{1, 0, 2, 0, 5, 0}
	var drawn [6]float64
	same := 0
	for i := range keys {
		key := fmt.Sprint(i)
		place := by(key, weights)
		drawn[place]++
		if again(key, weights) != place {
			t.Fatal("the same key draws another place")
		}
		if other(key, weights) == place {
			same++
		}
	}
	for place, w := range weights {
		want := keys * float64(w) / 8
		if deviation := 6 * math.Sqrt(want); math.Abs(drawn[place]-want) > deviation {
			t.Errorf("place %d is drawn %.0f times, want %.0f", place, drawn[place], want)
		}
	}
	if same > keys*3/5 { // (1+4+25)/64 of all by chance
		t.Errorf("another secret draws the same in %d of %d", same, keys)
	}
	// More than a uint32 holds.
	if place := by("key", []uint64{0, 1 << 33}); place != 1 {
		t.Errorf("place %d of a weight of 0", place)
	}
}

func TestLots(t *testing.T) {
	secret := []byte(strings.Repeat("s", 32))
	lots := draw.New(nil, "first")
	if got := lots.Draw("key"); got != "first" || lots.First() != "first" {
		t.Errorf("of one thing %q is drawn", got)
	}
	lots, by := draw.New(secret, "first"), draw.By(secret)
	lots.Add("second", 2)
	lots.Add("never", 0)
	lots.Weigh(1)
	lots.Weigh(2)
	names, drawn := []string{"first", "second", "never"}, map[string]int{}
	for i := range 100 {
		key := fmt.Sprint(i)
		got := lots.Draw(key)
		if want := names[by(key, []uint64{3, 2, 0})]; got != want {
			t.Errorf("%s draws %q, want %q", key, got, want)
		}
		drawn[got]++
	}
	if drawn["first"] <= drawn["second"] || drawn["second"] == 0 {
		t.Errorf("drawn: %v", drawn)
	}
}
