// Package interleave runs a few calls through every order in which they can take their
// turns, and every fault at each turn.
//
// A call is a goroutine. It asks for a turn before each step that others can see, as a
// call to a store is, and goes on when it is given one; nothing else runs meanwhile. So
// an execution is the list of who was given each turn and what came of it, and all
// executions are found by going through all lists. Two steps that do not touch one
// thing give the same in either order, and are tried in one (sleep sets: P. Godefroid,
// Partial-Order Methods for the Verification of Concurrent Systems, 1996).
package interleave

import (
	"context"
	"slices"
	"strings"
)

// Outcome is what comes of a turn.
type Outcome int

// The outcomes.
const (
	Done   Outcome = iota // the step is made
	Failed                // it is not made, and the caller is told so
	Lost                  // it is made, and the caller is told that it failed
	Dead                  // it is not made, and nothing after it: the process is gone
)

func (o Outcome) String() string { return [...]string{"done", "failed", "lost", "dead"}[o] }

// Step is what a call is about to do.
type Step struct {
	Name  string
	Reads bool     // it changes nothing
	Keys  []string // the things that it touches: "user/1" is one of "user/"
}

// commutes reports whether two steps give the same in either order.
func (s Step) commutes(other Step) bool {
	if s.Reads && other.Reads {
		return true
	}
	return !slices.ContainsFunc(s.Keys, func(key string) bool {
		return slices.ContainsFunc(other.Keys, func(other string) bool {
			return strings.HasPrefix(key, other) || strings.HasPrefix(other, key)
		})
	})
}

// Execution is one list of turns.
type Execution struct {
	calls []*call
	moved chan int // a call waits for its turn, or has ended
	Turns []Turn
}

// Turn is one of an execution.
type Turn struct {
	Call    int
	Step    Step
	Outcome Outcome
}

type call struct {
	number  int
	step    Step
	waiting bool
	ended   bool
	dead    bool
	turn    chan Outcome
	run     *Execution
}

type callKey struct{}

// Take waits for the turn of the call that ctx belongs to. A dead call gets no turns,
// and a context of none is not part of the execution.
func Take(ctx context.Context, s Step) Outcome {
	c, ok := ctx.Value(callKey{}).(*call)
	if !ok {
		return Done
	}
	if c.dead {
		return Dead
	}
	c.step, c.waiting = s, true
	c.run.moved <- c.number
	return <-c.turn
}

// Died reports whether a call of the execution was cut short, so that nobody has seen
// what it returned.
func (e *Execution) Died(call int) bool { return e.calls[call].dead }

// Faults is how many turns had another outcome than Done.
func (e *Execution) Faults() (n int) {
	for _, t := range e.Turns {
		if t.Outcome != Done {
			n++
		}
	}
	return n
}

// node is a point at which somebody is given a turn.
type node struct {
	options []option
	next    int          // of the options
	asleep  map[int]Step // calls whose next step was tried before, and commutes with all since
}

type option struct {
	call    int
	outcome Outcome
}

// Explore makes a scenario anew for each execution, runs its calls, and has it checked
// when all have ended. At most faults turns of an execution have another outcome than
// Done. It stops when check returns false. It returns how many executions there were.
func Explore(faults int, scenario func() (calls []func(context.Context), check func(*Execution) bool)) (executions int) {
	var path []*node
	for {
		calls, check := scenario()
		e := start(calls)
		complete := e.follow(&path, faults)
		if complete {
			executions++
			if !check(e) {
				return executions
			}
		}
		for len(path) > 0 && path[len(path)-1].next == len(path[len(path)-1].options) {
			path = path[:len(path)-1]
		}
		if len(path) == 0 {
			return executions
		}
	}
}

func start(functions []func(context.Context)) *Execution {
	e := &Execution{moved: make(chan int)}
	for i, f := range functions {
		c := &call{number: i, turn: make(chan Outcome), run: e}
		e.calls = append(e.calls, c)
		go func() {
			f(context.WithValue(context.Background(), callKey{}, c))
			c.ended = true
			e.moved <- i
		}()
		<-e.moved // one after the other, so that what they do before their first turn is in order
	}
	return e
}

// follow gives turns along the path, whose last node takes its next option, and then
// along the first options, which it adds to the path. It reports false where all that
// could go on is asleep: then there was the same execution before.
func (e *Execution) follow(path *[]*node, faults int) (complete bool) {
	for depth := 0; ; depth++ {
		var n *node
		if depth < len(*path) {
			n = (*path)[depth]
		} else {
			n = e.node(*path, faults)
			if n == nil {
				return true
			}
			*path = append(*path, n)
		}
		if len(n.options) == 0 { // all are asleep
			e.abandon()
			return false
		}
		at := n.next
		if depth == len(*path)-1 {
			n.next++
		} else {
			at = n.next - 1
		}
		e.give(n.options[at])
	}
}

// node returns the options of the moment, or nil where all calls have ended.
func (e *Execution) node(path []*node, faults int) *node {
	n := &node{asleep: map[int]Step{}}
	if len(path) > 0 {
		before := path[len(path)-1]
		taken := before.options[before.next-1]
		step := e.Turns[len(e.Turns)-1].Step
		for call, s := range before.asleep {
			if call != taken.call && s.commutes(step) {
				n.asleep[call] = s
			}
		}
		for _, earlier := range before.options[:before.next-1] {
			if s := e.calls[earlier.call].step; earlier.call != taken.call && s.commutes(step) {
				n.asleep[earlier.call] = s
			}
		}
	}
	waiting := false
	for _, c := range e.calls {
		if !c.waiting {
			continue
		}
		waiting = true
		if _, asleep := n.asleep[c.number]; asleep {
			continue
		}
		outcomes := []Outcome{Done}
		if e.Faults() < faults {
			outcomes = []Outcome{Done, Failed, Dead}
			if !c.step.Reads {
				outcomes = []Outcome{Done, Failed, Lost, Dead}
			}
		}
		for _, o := range outcomes {
			n.options = append(n.options, option{c.number, o})
		}
	}
	if !waiting {
		return nil
	}
	return n
}

// give has a call make its step, and waits until it waits again or has ended.
func (e *Execution) give(o option) {
	c := e.calls[o.call]
	e.Turns = append(e.Turns, Turn{o.call, c.step, o.outcome})
	c.waiting, c.dead = false, o.outcome == Dead
	c.turn <- o.outcome
	<-e.moved
}

// abandon lets all calls end.
func (e *Execution) abandon() {
	for _, c := range e.calls {
		if c.waiting {
			e.give(option{c.number, Dead})
		}
	}
}
