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

// missed names the bounds that a row misses.
func (r row) missed() (what []string) {
	if r.ofQuiet() < r.minRate {
		what = append(what, fmt.Sprintf("rate below %.2f", r.minRate))
	}
	if r.maxP99 > 0 && r.p99OfQuiet() > r.maxP99 {
		what = append(what, fmt.Sprintf("p99 above %.0f times", r.maxP99))
	}
	if r.wasted() != 0 {
		what = append(what, "hashes of nothing")
	}
	if r.users.Other > 0 || r.others != nil && r.others.Other > 0 {
		what = append(what, "other errors")
	}
	if r.others != nil && float64(r.others.Limited) < r.minLimited*float64(r.others.Sent) {
		what = append(what, "too few were limited")
	}
	return what
}

// report prints the table and what is kept of the bounds.
func report(w io.Writer, s setting, capacity float64, rows []row) error {
	fmt.Fprintf(w, "Argon2id of the default parameters; %d cores, %.0f hashes/s, of which users need %.2f; %v a row; %d connections, %v apart.\n\n",
		runtime.NumCPU(), capacity, s.Load, s.For, s.Connections, s.RoundTrip)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\t\tusers\tlet in\tof\t\t\tof quiet\tothers\t\t\t\t\thashes\thashes of\t\t")
	fmt.Fprintln(t, "store\tbeside\tsent/s\tper s\tquiet\tp50\tp99\tp99\tsent/s\t200\t401\t429\t503\tchecked\tnothing\t\t")
	kept := true
	for _, r := range rows {
		others := [5]string{"-", "-", "-", "-", "-"}
		if o := r.others; o != nil {
			others = [5]string{fmt.Sprintf("%.0f", o.PerSec), strconv.Itoa(o.OK), strconv.Itoa(o.Wrong), strconv.Itoa(o.Limited), strconv.Itoa(o.Overload)}
		}
		verdict := "PASS"
		if missed := r.missed(); len(missed) > 0 {
			verdict, kept = fmt.Sprint("FAIL ", missed), false
		}
		fmt.Fprintf(t, "%s\t%s\t%.1f\t%.1f\t%.2f\t%s\t%s\t%.2f\t%s\t%s\t%s\t%s\t%s\t%d\t%d\t%s\t\n", r.Store, r.Beside, r.users.PerSec, r.rate(), r.ofQuiet(),
			ms(r.users.quantile(0.5)), ms(r.users.quantile(0.99)), r.p99OfQuiet(), others[0], others[1], others[2], others[3], others[4], r.checked, r.wasted(), verdict)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, r := range rows {
		for _, a := range []*answers{r.users, r.others} {
			if a != nil && a.Example != nil {
				fmt.Fprintf(w, "%s, %s: %d other errors, as %v\n", r.Store, r.Beside, a.Other, a.Example)
			}
		}
	}
	if !kept {
		return errors.New("a bound is missed")
	}
	return nil
}

func ms(d time.Duration) string {
	return strconv.FormatFloat(d.Seconds()*1000, 'f', 0, 64) + " ms"
}
