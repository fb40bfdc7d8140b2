package main

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"text/tabwriter"
	"time"
)

// The bounds.
const (
	maxGrowth = budget + 96<<20
	minOfLoop = 0.95
)

func (r row) limited() bool { return r.AtNew > 0 }

func (r row) memoryKept() bool { return r.Growth <= maxGrowth }

func (r row) deadlineKept() bool { return r.Failed == 0 && r.Late <= r.Slowest }

func (r row) throughputKept() bool { return r.OfLoop >= minOfLoop }

// report prints the table and what is kept of the bounds.
func report(w io.Writer, rows []row) error {
	fmt.Fprintf(w, "Argon2id, %d MiB in one pass, %d MiB for all; %d cores; deadline %v, median of %d.\n\n",
		argon2id.MemoryKiB>>10, budget>>20, runtime.NumCPU(), rows[0].Deadline, rows[0].Rounds)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\t\t\t\t\t\tpeak-idle\t\tof plain\tlogin\t\t\ttoken alone\t\tin the storm\t\t")
	fmt.Fprintln(t, "GOMAXPROCS\tat New\thashes at once\tlogins\tanswered\trefused\tMiB\thashes/s\tloop\tp50\tp99\tlate\tp50\tp99\tp50\tp99\t")
	for _, r := range rows {
		atNew := "no limit"
		if r.limited() {
			atNew = strconv.Itoa(r.AtNew)
		}
		fmt.Fprintf(t, "%d\t%s\t%d\t%d\t%d\t%d\t%d\t%.1f\t%.3f\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n",
			r.Procs, atNew, r.AtOnce, r.Logins, r.Answered, r.Refused, r.Growth>>20, r.PerSec, r.OfLoop,
			ms(r.P50), ms(r.P99), ms(max(0, r.Late)), ms(r.Alone.P50), ms(r.Alone.P99), ms(r.Beside.P50), ms(r.Beside.P99))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	kept := true
	for _, r := range rows {
		if !r.limited() {
			fmt.Fprintf(w, "Without a limit only %d come at once: a thousand would need %d GiB.\n",
				r.Logins, int64(argon2id.MemoryKiB)*1000>>20)
			continue
		}
		kept = kept && r.memoryKept() && r.deadlineKept()
		fmt.Fprintf(w, "GOMAXPROCS %d, %d at New: memory %s (%d of %d MiB), deadline %s (%s late, slowest hash %s; %d other errors)",
			r.Procs, r.AtNew, verdict(r.memoryKept()), r.Growth>>20, maxGrowth>>20,
			verdict(r.deadlineKept()), ms(max(0, r.Late)), ms(r.Slowest), r.Failed)
		if r.Procs == r.AtNew { // the others are there for comparison
			fmt.Fprintf(w, ", throughput %s (%.3f of %.2f)", verdict(r.throughputKept()), r.OfLoop, minOfLoop)
		}
		fmt.Fprintln(w)
	}
	if !kept {
		return errors.New("a bound is broken")
	}
	return nil
}

func verdict(kept bool) string {
	if kept {
		return "PASS"
	}
	return "FAIL"
}

func ms(d time.Duration) string {
	return strconv.FormatFloat(d.Seconds()*1000, 'f', 1, 64) + " ms"
}
