// Command hashcost measures this machine and says which parameters of Argon2id
// take the time that a login may take:
//
//	go run ./examples/hashcost -target 100ms -memory 64MiB -threads 1
//
// Memory is what makes guessing expensive, so it is given, and the passes over
// it fill the time. The floors are those of ASVS 5.0 appendix C, below which
// [auth.Argon2id] makes no hash; the caps are what every Argon2id{} verifies.
// Run it where the service will run, with nothing beside it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/seed89488a0c/auth"
)

func main() {
	err := run(os.Args[1:], os.Stdout)
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return
	}
	fmt.Fprintln(os.Stderr, "hashcost:", err)
	if errors.As(err, new(usageError)) {
		os.Exit(2)
	}
	os.Exit(1)
}

// usageError is one of the command line.
type usageError struct{ error }

func run(args []string, stdout io.Writer) error {
	target, memory, threads := 100*time.Millisecond, size(64*mib), uint(1)
	f := flag.NewFlagSet("hashcost", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.DurationVar(&target, "target", target, "the most that one hash may take")
	f.TextVar(&memory, "memory", memory, "of one hash, as in 64MiB or 19456KiB")
	f.UintVar(&threads, "threads", threads, "that work on one hash")
	if err := f.Parse(args); errors.Is(err, flag.ErrHelp) {
		f.SetOutput(stdout)
		f.PrintDefaults()
		return err
	} else if err != nil {
		return usageError{err}
	}
	if f.NArg() > 0 || target <= 0 || threads < 1 || threads > maxThreads {
		return usageError{fmt.Errorf("arguments beside the flags, a target of nothing, or not 1 to %d threads", maxThreads)}
	}
	chosen, err := choose(target, uint32(memory), uint8(threads), median)
	if err != nil {
		return err
	}
	perSecond, err := throughput(chosen.params)
	if err != nil {
		return err
	}
	print(stdout, target, chosen, runtime.GOMAXPROCS(0), perSecond)
	return nil
}

// samples is of how many hashes the median counts.
const samples = 7

// median returns what a hash takes here.
func median(a auth.Argon2id) (time.Duration, error) {
	took := make([]time.Duration, samples)
	for i := range took {
		start := time.Now()
		if _, err := a.Hash(context.Background(), password); err != nil {
			return 0, err
		}
		took[i] = time.Since(start)
	}
	slices.Sort(took)
	return took[samples/2], nil
}

// throughput returns how many hashes a second GOMAXPROCS of them at once make.
func throughput(a auth.Argon2id) (perSecond float64, err error) {
	errs := make([]error, runtime.GOMAXPROCS(0))
	var all sync.WaitGroup
	start := time.Now()
	for i := range errs {
		all.Go(func() { _, errs[i] = median(a) })
	}
	all.Wait()
	return float64(samples*len(errs)) / time.Since(start).Seconds(), errors.Join(errs...)
}

var password = auth.NewPassword("correct horse battery staple")

// print says what the parameters mean where atOnce hashes run.
func print(w io.Writer, target time.Duration, c choice, atOnce int, perSecond float64) {
	bytes := int64(c.params.MemoryKiB) << 10
	fmt.Fprintf(w, "auth.Argon2id{Time: %d, MemoryKiB: %d, Threads: %d}\n\n", c.params.Time, c.params.MemoryKiB, c.params.Threads)
	fmt.Fprintf(w, "One hash    %v, the median of %d\n", c.took.Round(100*time.Microsecond), samples)
	fmt.Fprintf(w, "Logins      %.1f per second and core, %.1f on the %d of GOMAXPROCS\n", perSecond/float64(atOnce), perSecond, atOnce)
	fmt.Fprintf(w, "Memory      %d MiB per hash, %d MiB for %d at once\n", bytes>>20, int64(atOnce)*bytes>>20, atOnce)
	fmt.Fprintf(w, "            for which auth.Options.HashMemory needs that much; twice as much calls the collector less often\n")
	if c.capped {
		fmt.Fprintf(w, "\nThese are the most passes that every Argon2id{} verifies. For %v give more -memory.\n", target)
	}
}
