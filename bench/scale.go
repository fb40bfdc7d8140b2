package main

import (
	"fmt"
	"io"
	"sync"
	"text/tabwriter"
	"time"
)

// scale prints how many verifications a second 1, 2 and 4 goroutines do, beside
// what one does.
func scale(w io.Writer, s *subject, rounds int, slice time.Duration) error {
	fmt.Fprint(w, "\nverifications a second, beside one goroutine's\n")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "goroutines\tHS256\tratio\trepeated token\tratio\t\n")
	ours := s.verifiers()[1:3]
	goroutines := []int{1, 2, 4}
	rates := make(map[[2]int][]float64)
	ratios := make(map[[2]int][]float64)
	for range rounds {
		for c := range ours {
			for _, g := range goroutines {
				key := [2]int{c, g}
				rates[key] = append(rates[key], rate(ours[c].do, g, slice))
				last := len(rates[key]) - 1
				ratios[key] = append(ratios[key], rates[key][last]/rates[[2]int{c, 1}][last])
			}
		}
	}
	for _, g := range goroutines {
		fmt.Fprintf(t, "%d\t", g)
		for c := range ours {
			key := [2]int{c, g}
			fmt.Fprintf(t, "%.0f\t%.2f\t", quantile(rates[key], 0.5), quantile(ratios[key], 0.5))
		}
		fmt.Fprintln(t)
	}
	return t.Flush()
}

// rate returns how often a second so many goroutines do something.
func rate(do func() error, goroutines int, howLong time.Duration) float64 {
	var (
		all   sync.WaitGroup
		mu    sync.Mutex
		total int
		start = time.Now()
	)
	for range goroutines {
		all.Go(func() {
			n := 0
			for ; n%64 != 0 || time.Since(start) < howLong; n++ {
				do()
			}
			mu.Lock()
			defer mu.Unlock()
			total += n
		})
	}
	all.Wait()
	return float64(total) / time.Since(start).Seconds()
}
