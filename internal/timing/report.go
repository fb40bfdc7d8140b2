package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
)

// verdict says what pairs prove.
type verdict string

const (
	equal      verdict = "within the limit"
	different  verdict = "DIFFERENT"
	unresolved verdict = "UNRESOLVED" // too much noise for so few pairs
)

// verdict takes half of the limit for a difference already, if chance does not
// explain it: a part of what one side takes longer hides behind what the other
// does meanwhile.
func (c comparison) verdict(limit float64) verdict {
	switch {
	case (c.low > 0 || c.high < 0) && math.Abs(c.median) > limit/2:
		return different
	case -limit < c.low && c.high < limit:
		return equal
	}
	return unresolved
}

// report prints what a section measured, in one table. The error is that of a leak, or
// of a control that was not found out.
func (s section) report(w io.Writer, results []result) error {
	fmt.Fprintf(w, "Under %s\n\n", s.name)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "store\tstate\tlogin\tpairs\tmedian µs\tMAD\tlimit ±\tdifference\t99 % interval\tp\tresolves\tverdict")
	var failed []string
	for _, r := range results {
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%.1f\t%.1f\t%.1f\n", r.store.name, r.state.name, r.asked[0].name, len(r.times[0]),
			micros(median(r.times[0])), micros(spread(r.times[0])), micros(float64(r.limit)))
		for i, c := range r.asked[1:] {
			own := r.times[i+1]
			got := compare(r.times[0], own)
			limit := float64(r.limit)
			if c.remains {
				limit *= 2
			}
			v := got.verdict(limit)
			fmt.Fprintf(t, "%s\t%s\t%s\t\t%.1f\t%.1f\t\t%+.2f\t%+.2f to %+.2f\t%.2g\t%.2f\t%s\n", r.store.name, r.state.name, c.name, micros(median(own)), micros(spread(own)),
				micros(got.median), micros(got.low), micros(got.high), got.p, micros(got.resolves), v)
			want := equal
			if c.path != loginPath || c.forgotten {
				want = different
			}
			if v != want {
				failed = append(failed, fmt.Sprintf("%s, %s, %s: %s", r.store.name, r.state.name, c.name, v))
			}
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	if len(failed) > 0 {
		return errors.New(strings.Join(failed, "; "))
	}
	return nil
}

func micros(nanoseconds float64) float64 { return nanoseconds / 1e3 }
