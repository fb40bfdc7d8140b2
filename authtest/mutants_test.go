package authtest

import (
	"errors"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// mutant is an implementation with one defect. It shows that the suite looks
// for it.
type mutant[T any] struct {
	name string
	rule string // of the suite, that finds the defect
	make func() T
}

// childVariable tells a process that it is to be the child of catch.
const childVariable = "AUTHTEST_MUTANTS"

// catch fails unless suite passes the right implementation and fails each
// mutant under the rule it breaks (others are not run), and unless each rule has a mutant: one that
// finds nothing would be worth nothing.
//
// A suite that finds something fails its test. Therefore this test runs once
// more in a process of its own, with the suites as subtests.
func catch[T any](t *testing.T, suite func(t *testing.T, implementation func() T), right func() T, mutants []mutant[T]) {
	t.Helper()
	t.Parallel()
	const control = "none"
	if os.Getenv(childVariable) != "" {
		timeAllowed = 2 * time.Second // for the mutant that takes years
		hugeText = 10 << 10           // for the sake of the many
		finder := map[string]string{}
		for _, m := range mutants {
			finder[testName(m.name)] = m.rule
		}
		wanted = func(t *testing.T, rule string) bool {
			_, name, _ := strings.Cut(t.Name(), "/")
			return name == control || finder[name] == rule
		}
		for _, m := range append(mutants, mutant[T]{name: control, make: right}) {
			t.Run(m.name, func(t *testing.T) {
				t.Parallel()
				suite(t, m.make)
			})
		}
		return
	}
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.parallel=16", "-test.timeout=5m")
	child.Env = append(os.Environ(), childVariable+"=1")
	output, err := child.CombinedOutput()
	if exit := new(exec.ExitError); !errors.As(err, &exit) {
		t.Fatalf("the tests of the mutants ended with %v, want an exit status that is not 0", err)
	}
	passed := verdicts(t, string(output))
	rules := map[string]bool{}
	for rule, ok := range passed[control] {
		rules[rule] = true
		if !ok {
			t.Errorf("the right implementation breaks the rule %q", rule)
		}
	}
	if len(rules) == 0 {
		t.Fatalf("the suite did not run:\n%s", output)
	}
	for _, m := range mutants {
		rule := testName(m.rule)
		if !rules[rule] {
			t.Fatalf("the mutant %q is for the rule %q, which the suite does not have", m.name, m.rule)
		}
		if ok, ran := passed[testName(m.name)][rule]; ok || !ran {
			t.Errorf("the mutant %q is not found by the rule %q", m.name, m.rule)
		}
	}
	for _, m := range mutants {
		delete(rules, testName(m.rule))
	}
	for rule := range rules {
		t.Errorf("no mutant shows that the rule %q finds anything", rule)
	}
	if t.Failed() {
		t.Logf("%s", output)
	}
}

// verdicts reads from the output of a verbose test which rules passed, by mutant.
func verdicts(t *testing.T, output string) map[string]map[string]bool {
	passed := map[string]map[string]bool{}
	line := regexp.MustCompile(`(?m)^ *--- (PASS|FAIL): ` + t.Name() + `/([^/\n]+)/([^/\n]+) \([0-9.]+s\)$`)
	for _, m := range line.FindAllStringSubmatch(output, -1) {
		verdict, mutant, rule := m[1], m[2], m[3]
		if passed[mutant] == nil {
			passed[mutant] = map[string]bool{}
		}
		passed[mutant][rule] = verdict == "PASS"
	}
	return passed
}

// testName is how the testing package writes the name of a subtest.
func testName(name string) string { return strings.ReplaceAll(name, " ", "_") }
