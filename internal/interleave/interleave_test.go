package interleave_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/seed89488a0c/auth/internal/interleave"
)

// program is what the calls of a scenario do, one list of steps each.
type program [][]step

// step reads a register into the call's own, or writes there what the call has read.
type step struct {
	register int
	reads    bool
}

// outcomes returns the states in which a program can end, and how many executions it
// took to find them.
func (p program) outcomes(faults int, key func(register int) string) (map[string]bool, int) {
	states := map[string]bool{}
	n := interleave.Explore(faults, func() ([]func(context.Context), func(*interleave.Execution) bool) {
		registers := make([]string, 2)
		own := make([]string, len(p))
		calls := make([]func(context.Context), len(p))
		for i, steps := range p {
			own[i] = fmt.Sprint("call ", i)
			calls[i] = func(ctx context.Context) {
				for _, s := range steps {
					switch outcome := interleave.Take(ctx, interleave.Step{Reads: s.reads, Keys: []string{key(s.register)}}); outcome {
					case interleave.Dead:
						return
					case interleave.Failed:
						own[i] += "!"
						continue
					case interleave.Lost:
						own[i] += "?"
					}
					if s.reads {
						own[i] += "," + registers[s.register]
					} else {
						registers[s.register] = own[i]
					}
				}
			}
		}
		return calls, func(e *interleave.Execution) bool {
			states[fmt.Sprint(registers, own)] = true
			return true
		}
	})
	return states, n
}

// What is left out because it commutes leads to no state of its own.
func TestNothingIsLeftOut(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	all, some := 0, 0
	for range 60 {
		p := make(program, 2+r.IntN(2))
		for i := range p {
			for range 2 + r.IntN(2) {
				p[i] = append(p[i], step{r.IntN(2), r.IntN(2) == 0})
			}
		}
		for faults := range 2 {
			if faults == 1 && len(p) == 3 {
				continue // takes long without leaving out
			}
			want, executions := p.outcomes(faults, func(int) string { return "any" })
			got, fewer := p.outcomes(faults, func(register int) string { return fmt.Sprint("register/", register) })
			if !maps.Equal(got, want) {
				t.Fatalf("%v with %d faults ends in %d states, %d with all orders", p, faults, len(got), len(want))
			}
			all, some = all+executions, some+fewer
		}
	}
	if some >= all {
		t.Errorf("%d executions of %d", some, all)
	}
	t.Logf("%d executions of %d", some, all)
}

// Two calls of n steps each that touch one thing have (2n)! / (n!)² orders.
func TestAllOrders(t *testing.T) {
	for n, want := range []int{1, 2, 6, 20, 70, 252} {
		steps := make([]step, n)
		if _, got := (program{steps, steps}).outcomes(0, func(int) string { return "x" }); got != want {
			t.Errorf("%d executions of two calls of %d steps, want %d", got, n, want)
		}
	}
}
