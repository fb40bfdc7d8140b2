package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
	"time"
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

// report prints what a section measured. The error is that of a leak, or of a
// control that was not found out.
func (s section) report(w io.Writer, limit time.Duration, asked []class, times [][]float64) error {
	fmt.Fprintf(w, "Under %s: %d pairs each, limit ±%.1f µs\n\n", s.name, len(times[0]), micros(float64(limit)))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "login\tmedian µs\tMAD\tdifference\t99 % interval\tp\tresolves\tverdict")
	fmt.Fprintf(t, "%s\t%.1f\t%.1f\n", asked[0].name, micros(median(times[0])), micros(spread(times[0])))
	var failed []string
	for i, c := range asked[1:] {
		own := times[i+1]
		got := compare(times[0], own)
		v := got.verdict(float64(limit))
		fmt.Fprintf(t, "%s\t%.1f\t%.1f\t%+.2f\t%+.2f to %+.2f\t%.2g\t%.2f\t%s\n", c.name, micros(median(own)), micros(spread(own)),
			micros(got.median), micros(got.low), micros(got.high), got.p, micros(got.resolves), v)
		want := equal
		if c.path != loginPath {
			want = different
		}
		if v != want {
			failed = append(failed, fmt.Sprintf("%s: %s", c.name, v))
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
