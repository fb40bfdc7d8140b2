// Command guess shows what guesses at passwords take from those who log in beside them:
//
//	go run ./internal/guess
//
// First 20 users with known devices log in at a steady rate, which is a part of what the
// machine can hash: alone, and then beside 500 guesses a second, from a thousand addresses at
// two hundred accounts, of which half are somebody's. That storm is measured as it begins, and
// when each account has so many failures that strangers have to wait. Then as many users, each
// login from a network and without a device, log in beside 600 connections of one address, with
// wrong passwords and with right ones. Argon2id has its default parameters. Users and counters
// are in memory, and in MariaDB where there is a mariadbd.
//
// All rates are of logins that are begun at their time, whether or not those before them were
// answered, and latencies count from that time. A connection begins its next login a round
// trip after the answer to the last one.
//
// Of what the machine can hash, known devices have half for themselves while strangers wait:
// a load above 0.5 cannot be kept beside a storm.
//
// The exit status is 1 where a bound is missed; the table names them. They are of times, and
// say nothing on a machine that is busy with something else, which is said then.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/internal/mysqltest"
)

func main() {
	err := run(os.Args[1:], os.Stdout)
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return
	}
	fmt.Fprintln(os.Stderr, "guess:", err)
	if errors.As(err, new(usageError)) {
		os.Exit(2)
	}
	os.Exit(1)
}

// usageError is one of the command line.
type usageError struct{ error }

// setting is what is measured.
type setting struct {
	Users       int           // who log in
	Load        float64       // the part of what the machine can hash that they need
	Guesses     float64       // a second
	Addresses   int           // from which they come
	Accounts    int           // at which they are, of which half exist
	Connections int           // of one client
	RoundTrip   time.Duration // of its connections
	For         time.Duration // of each row
}

func parse(args []string, stdout io.Writer) (s setting, mariadbd bool, _ error) {
	s = setting{Users: 20, Guesses: 500, Addresses: 1000, Accounts: 200, Connections: 600}
	f := flag.NewFlagSet("guess", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.Float64Var(&s.Load, "load", 0.4, "the `part` of what the machine can hash that users need")
	f.DurationVar(&s.For, "for", 7*time.Second, "how long each row is measured")
	f.DurationVar(&s.RoundTrip, "round-trip", 50*time.Millisecond, "of a connection")
	f.BoolVar(&mariadbd, "mariadb", true, "measure MariaDB too, where there is one")
	if err := f.Parse(args); errors.Is(err, flag.ErrHelp) {
		f.SetOutput(stdout)
		f.PrintDefaults()
		return s, false, err
	} else if err != nil {
		return s, false, usageError{err}
	}
	if f.NArg() > 0 || s.Load <= 0 || s.Load >= 1 || s.For <= 0 || s.RoundTrip < time.Millisecond {
		return s, false, usageError{errors.New("arguments beside the flags, or a number out of range")}
	}
	return s, mariadbd, nil
}

func run(args []string, stdout io.Writer) error {
	s, mariadbd, err := parse(args, stdout)
	if err != nil {
		return err
	}
	capacity, err := hashesPerSecond(2 * time.Second)
	if err != nil {
		return err
	}
	memory := auth.NewMemoryStore()
	rows, err := measure("memory", s, capacity, memory, memory)
	if err != nil {
		return err
	}
	if mariadbd {
		more, err := measureMariaDB(s, capacity)
		if err != nil {
			return err
		}
		rows = append(rows, more...)
	}
	after, err := hashesPerSecond(2 * time.Second)
	if err != nil {
		return err
	}
	if after < 0.8*capacity {
		fmt.Fprintf(stdout, "THE MACHINE WAS BUSY WITH SOMETHING ELSE: it hashed %.0f a second before, and %.0f after.\n", capacity, after)
	}
	return report(stdout, s, capacity, rows)
}

// measureMariaDB has no rows where there is no server on the machine.
func measureMariaDB(s setting, capacity float64) ([]row, error) {
	dsn, _, stop, err := mysqltest.Run("")
	if err != nil {
		fmt.Fprintln(os.Stderr, "guess: MARIADB NOT MEASURED:", err)
		return nil, nil
	}
	defer stop()
	ctx := context.Background()
	store, err := auth.OpenMySQL(ctx, dsn, auth.MySQLConfig{})
	if err != nil {
		return nil, err
	}
	defer store.Close()
	if err := store.Migrate(ctx); err != nil {
		return nil, err
	}
	return measure("MariaDB", s, capacity, store, store)
}
