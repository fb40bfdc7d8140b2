// Command bench measures what it takes to verify and to issue a token, here and
// in other libraries, all of them on the same claims and with the same checks:
//
//	cd bench && go run .
//
// Every contestant runs once in every round, in an order that changes, and what
// is printed are medians of ratios within a round: the machine's own changes of
// pace hit all alike. Times are of one goroutine.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"
)

func main() {
	rounds := flag.Int("rounds", 21, "`number` of rounds")
	slice := flag.Duration("slice", 30*time.Millisecond, "how long each contestant runs in a round")
	flag.Parse()
	if err := run(os.Stdout, *rounds, *slice); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(w io.Writer, rounds int, slice time.Duration) error {
	if rounds < 1 || slice <= 0 {
		return errors.New("a number out of range")
	}
	fmt.Fprintf(w, "%s %s/%s, %d CPUs, median of %d rounds of %v each\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), rounds, slice)
	for _, alg := range []string{"HS256", "EdDSA", "ES256", "RS256"} {
		s, err := newSubject(alg)
		if err != nil {
			return err
		}
		if err := compare(w, "verify "+alg, s.verifiers(), rounds, slice); err != nil {
			return err
		}
	}
	s, err := newSubject("HS256")
	if err != nil {
		return err
	}
	if err := compare(w, "issue HS256", s.issuers(), rounds, slice); err != nil {
		return err
	}
	return scale(w, s, rounds, slice)
}

// contestant does the same as others do.
type contestant struct {
	name string
	do   func() error
}

// compare prints a table of ratios to the first and to the last contestant.
func compare(w io.Writer, title string, list []contestant, rounds int, slice time.Duration) error {
	times := make([][]float64, len(list)) // nanoseconds, by round
	ratios := make([][]float64, len(list))
	bare := make([][]float64, len(list))
	n := make([]int, len(list))
	for i, c := range list {
		if err := c.do(); err != nil {
			return fmt.Errorf("%s: %s: %w", title, c.name, err)
		}
		n[i] = calibrate(c.do, slice)
	}
	for round := range rounds {
		now := make([]float64, len(list))
		for k := range list {
			i := (k + round) % len(list)
			now[i] = measure(list[i].do, n[i])
		}
		for i := range list {
			times[i] = append(times[i], now[i])
			ratios[i] = append(ratios[i], now[i]/now[0])
			bare[i] = append(bare[i], now[i]/now[len(list)-1])
		}
	}
	fmt.Fprintf(w, "\n%s\n", title)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "\tns\tof the first\tquartiles\tof the last\tquartiles\tallocations\tbytes\t\n")
	for i, c := range list {
		objects, bytes := allocations(c.do)
		fmt.Fprintf(t, "%s\t%.0f\t%s\t%s\t%d\t%d\t\n", c.name, quantile(times[i], 0.5), middle(ratios[i]), middle(bare[i]), objects, bytes)
	}
	return t.Flush()
}

// calibrate returns how often do runs in a slice.
func calibrate(do func() error, slice time.Duration) int {
	for n := 1; ; n *= 2 {
		if took := measure(do, n) * float64(n); took > float64(slice)/8 {
			return max(1, int(float64(n)*float64(slice)/took))
		}
	}
}

// measure returns nanoseconds for each of n runs.
func measure(do func() error, n int) float64 {
	start := time.Now()
	for range n {
		do()
	}
	return float64(time.Since(start).Nanoseconds()) / float64(n)
}

func allocations(do func() error) (objects, bytes uint64) {
	const n = 1000
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range n {
		do()
	}
	runtime.ReadMemStats(&after)
	return (after.Mallocs - before.Mallocs) / n, (after.TotalAlloc - before.TotalAlloc) / n
}

// middle is a median and its quartiles.
func middle(ratios []float64) string {
	return fmt.Sprintf("%.3f\t%.3f to %.3f", quantile(ratios, 0.5), quantile(ratios, 0.25), quantile(ratios, 0.75))
}

func quantile(values []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[int(q*float64(len(sorted)-1)+0.5)]
}
