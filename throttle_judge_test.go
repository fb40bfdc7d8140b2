package auth_test

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/internal/interleave"
)

// outcomes are what the calls of one process have come to.
type outcomes struct {
	action                        guessAction
	invalid, refused, unavailable int
	failing                       []checked // wrong passwords that were hashed
	firstCount                    int       // the turn that first may have counted something; -1 = none
	forgot                        int       // the last turn that may have forgotten the account; -1 = none
	forgets                       bool      // it tried to
	in                            bool      // the right password was right
	gaveBack                      int       // how often it gave a reservation back
	lostCount                     bool      // it could not count
}

// judge returns what is wrong at the end of an execution, "" if nothing is.
func (w *guessWorld) judge(actions []guessAction, answers [][]error, e *interleave.Execution) string {
	ctx := context.Background()
	count := func(key [32]byte) int {
		found, err := w.store.MemoryStore.Attempts(ctx, [][32]byte{key})
		if err != nil || len(found) == 0 {
			return 0
		}
		return int(found[0].Count)
	}
	of := make([]outcomes, len(actions))
	resets := slices.ContainsFunc(actions, func(a guessAction) bool { return a.forgets })
	for i, a := range actions {
		of[i] = w.outcomes(i, a, e)
		for _, err := range answers[i] {
			switch o := &of[i]; {
			case e.Died(i): // nobody has seen it
			case errors.Is(err, auth.ErrInvalidCredentials):
				o.invalid++
			case errors.Is(err, auth.ErrTooManyAttempts):
				o.refused++
			case errors.Is(err, auth.ErrUnavailable):
				o.unavailable++
			case err != nil:
				return a.name + ": " + err.Error()
			case a.guesses > 0:
				return a.name + ": logged in"
			default:
				o.in = true
			}
		}
		if what := w.judgeOne(of[i], e.Died(i), e.Faults()); what != "" {
			return a.name + ": " + what
		}
	}
	if what := w.judgeLimits(of, e); what != "" {
		return what
	}
	return w.judgeCounts(of, resets, e, count(w.account), count(w.network), count(w.own))
}

// outcomes reads an execution.
func (w *guessWorld) outcomes(i int, a guessAction, e *interleave.Execution) outcomes {
	o := outcomes{action: a, firstCount: -1, forgot: -1}
	if a.guesses > 0 {
		o.failing = w.guessers[i].checks
	}
	for n, turn := range e.Turns {
		if turn.Call != i {
			continue
		}
		made := turn.Outcome == interleave.Done || turn.Outcome == interleave.Lost
		switch turn.Step.Name {
		case "reserve", "count":
			o.lostCount = o.lostCount || !made
			if made && o.firstCount < 0 {
				o.firstCount = n
			}
		case "give back":
			o.gaveBack++
		case "forget":
			o.forgets = true
			if made {
				o.forgot = n
			}
		}
	}
	return o
}

// judgeOne says what is wrong with the answers of one process.
func (w *guessWorld) judgeOne(o outcomes, died bool, faults int) string {
	a, checks := o.action, len(o.failing)
	switch {
	case o.unavailable > 0 && faults == 0:
		return "unavailable, and nothing had failed"
	case a.guesses > 0 && !died && o.invalid+o.refused+o.unavailable != a.guesses:
		return "an answer is missing"
	case a.guesses > 0 && o.invalid > checks:
		return "told that a password was wrong that was not checked"
	case a.guesses > 0 && !died && checks > o.invalid+o.unavailable:
		return "a password was checked, and the answer is that there were too many"
	case a.known && o.refused > 0 && !w.from.mayRefuseKnown:
		return "a known client was refused"
	case a.guesses == 0 && o.invalid > 0:
		return "the right password is wrong"
	case !a.known && !a.stranger && o.refused > 0:
		return "refused"
	}
	// Nobody is let in by counters that were at a limit when they were read.
	for _, c := range o.failing {
		switch account := int(c.read[w.account]); {
		case account >= 100:
			return "checked when everybody was stopped"
		case a.stranger && account >= 80:
			return "a stranger was checked when strangers were stopped"
		case a.name != "guess elsewhere" && a.stranger && c.read[w.network] >= 10:
			return "a stranger of a network was checked that was stopped"
		}
	}
	return ""
}

// judgeLimits says where more was checked than a limit: of failures in a row, the first of
// which were counted before the execution.
func (w *guessWorld) judgeLimits(of []outcomes, e *interleave.Execution) string {
	if w.from.isLoose {
		return "" // only from two failures on they exclude one another
	}
	ofStrangers, ofAll := w.from.account, w.from.account
	next := make([]int, len(of)) // of what each has checked
	for _, turn := range e.Turns {
		o := of[turn.Call]
		switch {
		case turn.Step.Name == "forget" && turn.Outcome != interleave.Failed && turn.Outcome != interleave.Dead:
			ofStrangers, ofAll = 0, 0
		case turn.Step.Name == "check a password" && turn.Outcome == interleave.Done && o.action.guesses > 0:
			next[turn.Call]++
			ofAll++
			if o.action.stranger {
				ofStrangers++
			}
		default:
			continue
		}
		if ofStrangers > max(w.from.strangers, w.from.account) || ofAll > w.from.all {
			return fmt.Sprintf("more than the limit were checked: %d, of strangers %d", ofAll, ofStrangers)
		}
	}
	return ""
}

// judgeCounts says what is wrong with the counters.
func (w *guessWorld) judgeCounts(of []outcomes, resets bool, e *interleave.Execution, account, network, own int) string {
	forgot := -1
	ofDevice := w.from.own
	for i, o := range of {
		forgot = max(forgot, o.forgot)
		if counted := w.guessers[i].read[w.account]; o.in && !o.forgets && (counted > 0 || !o.action.known && !o.action.stranger) {
			return fmt.Sprintf("%s: nothing was forgotten of %d", o.action.name, counted)
		}
		for _, c := range o.failing {
			if o.action.known && c.read[w.own] < 10 {
				ofDevice++
			}
		}
	}
	if own > ofDevice {
		return fmt.Sprintf("the device stands at %d; by what it read it was none from %d on", own, ofDevice)
	}
	var invalid, open, after, mayAfter, gaveBack, ofNetwork, ofOwn, failing, lost int
	for i, o := range of {
		gaveBack += o.gaveBack
		invalid += o.invalid
		failing += len(o.failing)
		if o.lostCount || e.Died(i) {
			lost++
		}
		if o.unavailable > 0 || e.Died(i) {
			open += max(1, o.action.guesses)
		}
		if o.action.name == "guess" || o.action.name == "guess twice" {
			ofNetwork += o.invalid
		}
		if o.action.known {
			ofOwn += o.invalid
		}
		if o.firstCount > forgot { // all of it was counted since
			after += o.invalid
		}
		mayAfter += max(1, o.action.guesses)
	}
	switch {
	case resets && account < after-gaveBack:
		return fmt.Sprintf("%d failures were told since the last success, and %d are counted", after, account)
	case resets && forgot >= 0 && account > mayAfter:
		return fmt.Sprintf("the account stands at %d after a success", account)
	case resets:
		return ""
	case account < w.from.account+invalid:
		return fmt.Sprintf("%d failures were told, and the account went from %d to %d", invalid, w.from.account, account)
	case account < w.from.account+failing-lost: // a process in which one was not counted counts before it checks
		return fmt.Sprintf("%d passwords were checked, and %d were counted", failing, account-w.from.account)
	case account > w.from.account+invalid+open:
		return fmt.Sprintf("%d failures are not explained", account-w.from.account-invalid-open)
	case network < w.from.network+ofNetwork || network > w.from.network+ofNetwork+open:
		return fmt.Sprintf("the network stands at %d", network)
	case w.from.own == 0 && (own < ofOwn || own > ofOwn+open):
		return fmt.Sprintf("the device stands at %d", own)
	}
	return ""
}
