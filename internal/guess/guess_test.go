package main

import (
	"errors"
	"flag"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
)

// TestMeasure measures all rows for a moment. Nothing is said of time.
func TestMeasure(t *testing.T) {
	s := setting{Users: 2, Load: 0.1, Guesses: 50, Addresses: 10, Accounts: 4, Connections: 5, RoundTrip: 10 * time.Millisecond, For: 300 * time.Millisecond}
	store := auth.NewMemoryStore()
	rows, err := measure("memory", s, 40, store, store)
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 6 {
		t.Fatalf("%d rows", len(rows))
	}
	for i, r := range rows {
		if alone := i == 0 || i == 3; alone != (r.others == nil) || r.users.OK == 0 || r.users.Other > 0 || r.wasted() != 0 || !alone && r.others.Sent == 0 {
			t.Errorf("%s: %+v beside %+v; %d hashes of nothing", r.Beside, r.users, r.others, r.wasted())
		}
	}
	if waiting := rows[2].others; waiting.Wrong > 0 || waiting.Limited != waiting.Sent {
		t.Errorf("where strangers wait: %+v", waiting)
	}
}

func TestSteady(t *testing.T) {
	a := steady(1e6, 9*time.Microsecond, func(i int) error {
		return []error{nil, auth.ErrInvalidCredentials, auth.ErrTooManyAttempts, auth.ErrOverloaded, auth.ErrUnavailable}[i%5]
	})
	if a.Sent != 9 || a.OK != 2 || a.Wrong != 2 || a.Limited != 2 || a.Overload != 2 || a.Other != 1 || len(a.took) != 2 {
		t.Errorf("got %+v", a)
	}
}

func TestReport(t *testing.T) {
	of := func(ok, sent int, took time.Duration) *answers {
		return &answers{Sent: sent, OK: ok, PerSec: 10, took: []time.Duration{took}}
	}
	quiet := of(100, 100, time.Second)
	for name, tt := range map[string]struct {
		row  row
		want string
	}{
		"kept":         {row{users: of(80, 100, 3*time.Second), quiet: quiet, others: &answers{Sent: 4, Limited: 2, Wrong: 1}, checked: 81, minRate: 0.8, maxP99: 3, minLimited: 0.5}, "PASS"},
		"rate":         {row{users: of(79, 100, time.Second), quiet: quiet, checked: 79, minRate: 0.8}, "FAIL [rate below 0.80]"},
		"p99":          {row{users: of(100, 100, 4*time.Second), quiet: quiet, checked: 100, maxP99: 3}, "FAIL [p99 above 3 times]"},
		"hashes":       {row{users: of(100, 100, time.Second), quiet: quiet, checked: 101}, "FAIL [hashes of nothing]"},
		"limited":      {row{users: of(100, 100, time.Second), quiet: quiet, checked: 100, others: &answers{Sent: 4, Limited: 1}, minLimited: 0.5}, "FAIL [too few were limited]"},
		"other errors": {row{users: &answers{Sent: 1, OK: 1, Other: 1, Example: auth.ErrUnavailable}, quiet: quiet, checked: 1}, "1 other errors, as auth: unavailable"},
	} {
		var out strings.Builder
		err := report(&out, setting{}, 80, []row{tt.row})
		if (err == nil) != (name == "kept") || !strings.Contains(out.String(), tt.want) {
			t.Errorf("%s: %v\n%s", name, err, &out)
		}
	}
}

func TestFlags(t *testing.T) {
	for _, args := range [][]string{{"-load", "0"}, {"-load", "1"}, {"-for", "0s"}, {"-round-trip", "0s"}, {"-no"}, {"beside"}} {
		if err := run(args, io.Discard); !errors.As(err, new(usageError)) {
			t.Errorf("%q: %v, want a usage error", args, err)
		}
	}
	var help strings.Builder
	if err := run([]string{"-h"}, &help); !errors.Is(err, flag.ErrHelp) || !strings.Contains(help.String(), "-load") {
		t.Errorf("-h: %v\n%s", err, &help)
	}
}
