package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed89488a0c/auth/internal/ci"

	"github.com/seed89488a0c/auth"
)

// runMain has the test binary be the command, which starts itself.
const runMain = "STORM_RUN_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(runMain) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// TestRow measures one row in processes of its own. Nothing is said of time.
func TestRow(t *testing.T) {
	if _, err := os.Stat("/proc/self/clear_refs"); err != nil {
		ci.Missing(t, "the peak of memory needs Linux")
	}
	t.Setenv(runMain, "1")
	for name, atNew := range map[string]int{"limited": 2, "not limited": 0} {
		s := setting{Procs: 2, AtNew: atNew, Logins: 3, Deadline: time.Minute, Rounds: 1, Loop: time.Millisecond, Idle: 200 * time.Millisecond}
		r, err := measureApart(s)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if r.setting != s || r.Answered != 3 || r.Refused+r.Failed != 0 || r.Growth <= 0 || r.PerSec <= 0 || r.OfLoop <= 0 ||
			r.Alone.Requests == 0 || r.Beside.Requests == 0 {
			t.Errorf("%s: measured %+v", name, r)
		}
		if atNew > 0 && r.AtOnce > atNew {
			t.Errorf("%s: %d hashes at once, want at most %d", name, r.AtOnce, atNew)
		}
	}
}

func TestRunStorm(t *testing.T) {
	s := runStorm(9, time.Minute, func(_ context.Context, i int) error {
		return []error{nil, auth.ErrOverloaded, errors.New("other")}[i%3]
	})
	if len(s.answered) != 3 || s.refused != 3 || s.failed != 3 || s.longest < slices.Max(s.answered) {
		t.Errorf("got %+v", s)
	}
}

func TestReport(t *testing.T) {
	kept := row{
		setting: setting{Procs: 2, AtNew: 2, Logins: 1000, Deadline: time.Second},
		Growth:  maxGrowth, OfLoop: 0.95, Late: time.Second, Slowest: time.Second,
	}
	change := func(f func(*row)) row {
		r := kept
		f(&r)
		return r
	}
	for _, test := range []struct {
		name string
		row  row
		want string // in the report
		ok   bool
	}{
		{"kept", kept, "memory PASS (608 of 608 MiB), deadline PASS", true},
		{"memory", change(func(r *row) { r.Growth++ }), "memory FAIL", false},
		{"late", change(func(r *row) { r.Late++ }), "deadline FAIL", false},
		{"failed", change(func(r *row) { r.Failed = 1 }), "deadline FAIL", false},
		{"slow", change(func(r *row) { r.OfLoop = 0.94 }), "throughput FAIL", true},
		{"no limit", change(func(r *row) { r.AtNew, r.Growth, r.Late = 0, 1<<40, time.Hour }), "would need 62 GiB", true},
	} {
		var out strings.Builder
		err := report(&out, []row{test.row})
		if (err == nil) != test.ok || !strings.Contains(out.String(), test.want) {
			t.Errorf("%s: %v\n%s", test.name, err, &out)
		}
	}
}

func TestPairs(t *testing.T) {
	for cores, want := range map[int][][2]int{
		1: {{1, 1}, {2, 1}, {8, 8}, {8, 1}},
		2: {{2, 2}, {2, 1}, {3, 2}, {8, 8}, {8, 2}},
		8: {{8, 8}, {8, 7}, {9, 8}},
	} {
		if got := pairs(cores); !slices.Equal(got, want) {
			t.Errorf("%d cores: got %v, want %v", cores, got, want)
		}
	}
}

func TestQuantile(t *testing.T) {
	values := []int{50, 20, 40, 30, 10}
	for q, want := range map[float64]int{0: 10, 0.2: 10, 0.21: 20, 0.5: 30, 0.99: 50, 1: 50} {
		if got := quantile(values, q); got != want {
			t.Errorf("quantile(%v) = %d, want %d", q, got, want)
		}
	}
	if got := quantile([]int{}, 0.5); got != 0 {
		t.Errorf("of nothing: %d", got)
	}
}

func TestFlags(t *testing.T) {
	for _, args := range [][]string{{"-logins", "0"}, {"-rounds", "0"}, {"-deadline", "0s"}, {"-unlimited", "-1"}, {"-no"}, {"beside"}} {
		if err := run(args, strings.NewReader(""), io.Discard); !errors.As(err, new(usageError)) {
			t.Errorf("%q: %v, want a usage error", args, err)
		}
	}
	var help strings.Builder
	if err := run([]string{"-h"}, strings.NewReader(""), &help); !errors.Is(err, flag.ErrHelp) || !strings.Contains(help.String(), "-deadline") {
		t.Errorf("-h: %v\n%s", err, &help)
	}
}
