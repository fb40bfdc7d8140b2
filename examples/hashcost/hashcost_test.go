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

// machine takes this long for a hash, and for each MiB of a pass.
func machine(each, perMiB time.Duration) func(auth.Argon2id) (time.Duration, error) {
	return func(a auth.Argon2id) (time.Duration, error) {
		return each + time.Duration(a.Time*(a.MemoryKiB/mib))*perMiB, nil
	}
}

func TestChoose(t *testing.T) {
	const ms = time.Millisecond
	for _, test := range []struct {
		name      string
		target    time.Duration
		memoryMiB uint32
		measure   func(auth.Argon2id) (time.Duration, error)
		passes    uint32 // 0 = an error
		capped    bool
	}{
		{"in two and a half passes", 160 * ms, 64, machine(0, ms), 2, false},
		{"just in three", 192 * ms, 64, machine(0, ms), 3, false},
		{"a first pass that takes longer", 300 * ms, 64, machine(100*ms, ms), 3, false},
		{"at the floor of one pass", 46 * ms, 46, machine(0, ms), 1, false},
		{"below it", 89 * ms, 45, machine(0, ms), 0, false},
		{"two passes", 90 * ms, 45, machine(0, ms), 2, false},
		{"at the floor of two", 38 * ms, 19, machine(0, ms), 2, false},
		{"three", 54 * ms, 18, machine(0, ms), 3, false},
		{"at the last floor", 36 * ms, 12, machine(0, ms), 3, false},
		{"below the last", time.Hour, 11, machine(0, ms), 0, false},
		{"not in one pass", 63 * ms, 64, machine(0, ms), 0, false},
		{"as many passes as others verify", time.Hour, 12, machine(0, ms), 16, true},
		{"as much in all passes as others verify", time.Hour, 256, machine(0, ms), 4, true},
		{"all of that, and in time", 1100 * ms, 256, machine(0, ms), 4, false},
		{"more memory than others verify", time.Hour, 257, machine(0, ms), 0, false},
		{"no time at all", time.Hour, 64, machine(0, 0), 16, true},
	} {
		got, err := choose(test.target, test.memoryMiB*mib, 1, test.measure)
		want := auth.Argon2id{Time: test.passes, MemoryKiB: test.memoryMiB * mib, Threads: 1}
		if test.passes == 0 {
			want = auth.Argon2id{}
		}
		if (err != nil) != (test.passes == 0) || got.params != want || got.capped != test.capped {
			t.Errorf("%s: got %+v, %v", test.name, got, err)
		}
	}
}

func TestChooseFails(t *testing.T) {
	broken := errors.New("broken")
	for at := range uint32(3) {
		_, err := choose(time.Second, 64*mib, 1, func(a auth.Argon2id) (time.Duration, error) {
			if a.Time > at {
				return 0, broken
			}
			return time.Second / 3, nil
		})
		if !errors.Is(err, broken) {
			t.Errorf("after %d passes: %v", at, err)
		}
	}
}

// TestFloors holds the floors and caps to those of the library.
func TestFloors(t *testing.T) {
	for passes, floor := range map[uint32]uint32{1: floors[0], 2: floors[1], 3: floors[2]} {
		if _, err := (auth.Argon2id{Time: passes, MemoryKiB: floor}).Hash(t.Context(), password); err != nil {
			t.Errorf("%d passes over %v: %v", passes, size(floor), err)
		}
		if _, err := (auth.Argon2id{Time: passes, MemoryKiB: floor - 1}).Hash(t.Context(), password); err == nil {
			t.Errorf("%d passes over less than %v are allowed", passes, size(floor))
		}
	}
	const rest = "$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	for params, want := range map[string]bool{
		"m=262144,t=4,p=16": true, "m=262144,t=5,p=1": false, "m=262145,t=1,p=1": false,
		"m=12288,t=16,p=1": true, "m=12288,t=17,p=1": false, "m=12288,t=3,p=17": false,
	} {
		if got := (auth.Argon2id{}).Inspect("$argon2id$v=19$"+params+rest).Scheme != ""; got != want {
			t.Errorf("%s is verified: %v, want %v", params, got, want)
		}
	}
}

func TestSize(t *testing.T) {
	for text, want := range map[string]size{"64MiB": 64 * mib, "19456KiB": 19 * mib, "1GiB": 1024 * mib} {
		var got size
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
		var again size
		if written, _ := got.MarshalText(); again.UnmarshalText(written) != nil || again != got {
			t.Errorf("%q is written as %q", text, written)
		}
	}
	for _, text := range []string{"", "64", "64MB", "MiB", "-1MiB", "1.5MiB", "64 MiB", "4194303GiB", "99999999999999999999KiB"} {
		if new(size).UnmarshalText([]byte(text)) == nil {
			t.Errorf("%q is a size", text)
		}
	}
}

func TestRun(t *testing.T) {
	for _, args := range [][]string{{"-target", "0s"}, {"-memory", "64"}, {"-threads", "0"}, {"-threads", "17"}, {"-no"}, {"beside"}} {
		if err := run(args, io.Discard); !errors.As(err, new(usageError)) {
			t.Errorf("%q: %v, want a usage error", args, err)
		}
	}
	var out strings.Builder
	if err := run([]string{"-h"}, &out); !errors.Is(err, flag.ErrHelp) || !strings.Contains(out.String(), "-memory") {
		t.Errorf("-h: %v\n%s", err, &out)
	}
	err := run([]string{"-target", "1ns", "-memory", "12MiB"}, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "give a longer -target") {
		t.Errorf("an impossible target: %v", err)
	}
}

func TestPrint(t *testing.T) {
	params := auth.Argon2id{Time: 3, MemoryKiB: 12 * mib, Threads: 1}
	took, err := median(params)
	if err != nil || took <= 0 {
		t.Fatalf("median: %v, %v", took, err)
	}
	perSecond, err := throughput(params)
	if err != nil || perSecond <= 0 {
		t.Fatalf("throughput: %v, %v", perSecond, err)
	}
	if _, err := throughput(auth.Argon2id{Time: 1, MemoryKiB: 12 * mib}); err == nil {
		t.Error("throughput of parameters below the floors")
	}
	var out strings.Builder
	print(&out, time.Second, choice{params, 21 * time.Millisecond, true}, 4, 100)
	for _, want := range []string{
		"auth.Argon2id{Time: 3, MemoryKiB: 12288, Threads: 1}\n",
		"21ms, the median", "25.0 per second and core, 100.0 on the 4", "12 MiB per hash, 48 MiB for 4", "needs that much", "For 1s give more",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
}
