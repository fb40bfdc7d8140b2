// Command timing shows that how long a login takes does not tell who is
// registered, end to end over HTTP, also where guesses are throttled:
//
//	go run ./internal/timing
//
// One client with one connection asks in rounds. In each, every class of user is
// asked for once, in random order; what a class took beyond the wrong password
// of a user in the same round is one pair. A hasher of 50 µs leaves nothing for
// a difference to hide behind; the default one is what services run.
//
// Under the hasher of 50 µs that is done in each state of what has failed at an account
// before: nothing; four logins, so that each is counted before its outcome is known;
// so many that strangers wait, where the refusal is read from the store or is remembered;
// and so many that they are stopped. The state is set before each login, by the store,
// and that is not measured. All answers of a state have one status.
//
// There users, sessions and counters are kept in memory, in MariaDB and in what other
// servers -mysqld names. 20 µs are allowed, and half of it where a login only reads from a
// server: 12 µs were what a row took to send and to read, and a difference is one from
// half the limit on. All states begin with that read. What a login writes to a server takes
// more than 100 µs.
//
// What remains: a user's sessions are counted as far as the limit, 5 µs for ten, which is
// shown and allowed twice the limit. What it does not show: known clients, of whom
// TestCallSequencesThrottled shows that as much is done at every account; logins at one
// account at once, which wait for one another whether anybody has it or not; and
// pages that have to come from the disk, for the user who was not read for long and never
// for the one whose row stands in for nobody's, and for counters likewise.
//
// A class passes when the 99 % confidence interval of the median difference lies
// within the limit, so that noise can only make it fail. Two controls in each state have to
// be found different, or the run proves nothing: one that takes longer by just the limit,
// and a handler that skips the hash for an unknown address, or, where logins are refused,
// an unknown address that is not throttled.
//
// The collector runs between requests and never during one. Under noise there
// are more rounds than asked for, as long as there is time.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"time"

	"github.com/seed89488a0c/auth"
)

func main() {
	err := run(os.Args[1:], os.Stdout)
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return
	}
	fmt.Fprintln(os.Stderr, "timing:", err)
	if errors.As(err, new(usageError)) {
		os.Exit(2)
	}
	os.Exit(1)
}

// usageError is one of the command line.
type usageError struct{ error }

// section is one hasher and what is to be shown under it, in some states and stores.
type section struct {
	name     string
	hasher   auth.Hasher
	stores   []store
	states   []state
	rounds   int           // at least
	patience time.Duration // in each store, for more of them where these do not resolve the limit
	batch    int           // rounds from one collection to the next; 0 = one before every request
	limit    func(in store, s state, login time.Duration) time.Duration
}

func run(args []string, stdout io.Writer) error {
	f := flag.NewFlagSet("timing", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	fast := f.Int("fast", 4000, "`rounds` under the hasher of 50 µs")
	slow := f.Int("real", 400, "`rounds` under Argon2id")
	mysqld := f.String("mysqld", "mariadbd", "`servers` to measure too, separated by commas: their paths, or mariadbd for the one found")
	patience := f.Duration("patience", 2*time.Minute, "how long a hasher may take in a store until its last rounds begin that are more than these")
	if err := f.Parse(args); errors.Is(err, flag.ErrHelp) {
		f.SetOutput(stdout)
		f.PrintDefaults()
		return err
	} else if err != nil {
		return usageError{err}
	}
	if f.NArg() > 0 || *fast < 0 || *slow < 0 || *fast+*slow == 0 {
		return usageError{errors.New("arguments beside the flags, or a number of rounds out of range")}
	}
	stores, err := openStores(*mysqld)
	if err != nil {
		return err
	}
	defer func() {
		for _, s := range stores {
			s.close()
		}
	}()
	debug.SetGCPercent(-1)
	burn := newBurner(50 * time.Microsecond)
	var failed error
	for _, s := range []section{
		{
			name:     fmt.Sprintf("a hasher of 50 µs (%d times SHA-256)", burn),
			hasher:   burn,
			rounds:   *fast,
			patience: *patience,
			batch:    100,
			stores:   stores,
			states:   append([]state{clean}, throttled...),
			limit: func(in store, s state, _ time.Duration) time.Duration {
				if in.server && !s.counts {
					return in.limit / 2
				}
				return in.limit
			},
		},
		{
			name:     "Argon2id, 19 MiB in two passes",
			hasher:   auth.Argon2id{},
			rounds:   *slow,
			patience: *patience,
			states:   []state{clean},
			stores:   stores[:1], // what another takes is less than is found under this hasher
			limit:    func(_ store, _ state, login time.Duration) time.Duration { return login / 50 },
		},
	} {
		if s.rounds > 0 {
			failed = errors.Join(failed, s.run(stdout))
		}
	}
	return failed
}
