// Command storm shows what a thousand logins at once do to a process, and what
// those who are signed in notice of it:
//
//	go run ./internal/storm
//
// Each row of its table is a process of its own, since [auth.New] reads
// GOMAXPROCS. The Argon2id of 64 MiB in one pass runs under a budget of 512 MiB.
// Logins come all at once, each with a deadline; before and after them the same
// hashes run in a plain loop, one per core, for as long together. Beside one more
// storm a client in a process of its own sends requests that only verify a token,
// over HTTP, at a fixed pace and whether or not the last one was answered.
//
// "at New" is what GOMAXPROCS was when the Authenticator was built. Rows where
// that is less than GOMAXPROCS leave processors for everything else.
//
// The exit status is 1 where memory outgrows the budget by more than 96 MiB, or
// a login outlives its deadline by more than one hash. The throughput is only
// printed as kept or broken: on a machine with neighbours it varies.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"time"
)

// The names by which the command starts itself.
const (
	rowCommand    = "row"    // measures one row
	clientCommand = "client" // asks with a token
)

func main() {
	err := run(os.Args[1:], os.Stdin, os.Stdout)
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return
	}
	fmt.Fprintln(os.Stderr, "storm:", err)
	if errors.As(err, new(usageError)) {
		os.Exit(2)
	}
	os.Exit(1)
}

// usageError is one of the command line.
type usageError struct{ error }

func run(args []string, stdin io.Reader, stdout io.Writer) error {
	if len(args) == 1 && args[0] == rowCommand {
		var s setting
		if err := json.NewDecoder(stdin).Decode(&s); err != nil {
			return err
		}
		r, err := measure(s)
		if err != nil {
			return err
		}
		return json.NewEncoder(stdout).Encode(r)
	}
	if len(args) == 3 && args[0] == clientCommand {
		t, err := ask(stdin, args[1], args[2])
		if err != nil {
			return err
		}
		return json.NewEncoder(stdout).Encode(t)
	}
	settings, err := parse(args, stdout)
	if err != nil {
		return err
	}
	var rows []row
	for _, s := range settings {
		r, err := measureApart(s)
		if err != nil {
			return fmt.Errorf("GOMAXPROCS %d, %d at New: %w", s.Procs, s.AtNew, err)
		}
		rows = append(rows, r)
	}
	return report(stdout, rows)
}

// setting is what one row measures.
type setting struct {
	Procs    int           // GOMAXPROCS
	AtNew    int           // what it is while the Authenticator is built; 0 = there is none, and no limit
	Logins   int           // at once
	Deadline time.Duration // of each
	Rounds   int           // of which the median counts
	Loop     time.Duration // how long the plain loop runs
	Idle     time.Duration // how long tokens are verified beside nothing
}

func parse(args []string, stdout io.Writer) ([]setting, error) {
	s := setting{Idle: 4 * time.Second}
	f := flag.NewFlagSet("storm", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.IntVar(&s.Logins, "logins", 1000, "`number` of logins at once")
	f.DurationVar(&s.Deadline, "deadline", 5*time.Second, "of each login")
	f.IntVar(&s.Rounds, "rounds", 5, "`number` of storms of which the median counts")
	unlimited := f.Int("unlimited", 64, "`number` of hashes at once without a limit, of 64 MiB each; 0 leaves that row out")
	if err := f.Parse(args); errors.Is(err, flag.ErrHelp) {
		f.SetOutput(stdout)
		f.PrintDefaults()
		return nil, err
	} else if err != nil {
		return nil, usageError{err}
	}
	if f.NArg() > 0 || s.Logins < 1 || s.Deadline <= 0 || s.Rounds < 1 || *unlimited < 0 {
		return nil, usageError{errors.New("arguments beside the flags, or a number out of range")}
	}
	s.Loop = s.Deadline
	var settings []setting
	for _, pair := range pairs(runtime.NumCPU()) {
		s.Procs, s.AtNew = pair[0], pair[1]
		settings = append(settings, s)
	}
	if *unlimited > 0 {
		s.Procs, s.AtNew, s.Logins, s.Rounds = runtime.NumCPU(), 0, *unlimited, 1
		settings = append(settings, s)
	}
	return settings, nil
}

// pairs returns the values of GOMAXPROCS and of what it is at New: the machine's
// cores and 8, and fewer slots than that.
func pairs(cores int) [][2]int {
	var list [][2]int
	for _, p := range [][2]int{{cores, cores}, {cores, cores - 1}, {cores + 1, cores}, {8, 8}, {8, min(cores, 8)}} {
		if p[1] > 0 && !slices.Contains(list, p) {
			list = append(list, p)
		}
	}
	return list
}

// measureApart measures a row in a process of its own.
func measureApart(s setting) (row, error) {
	self, err := os.Executable()
	if err != nil {
		return row{}, err
	}
	cmd := exec.Command(self, rowCommand)
	cmd.Env = append(os.Environ(), "GOMAXPROCS="+strconv.Itoa(s.Procs), "GOGC=100", "GOMEMLIMIT=off")
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return row{}, err
	}
	go func() {
		json.NewEncoder(stdin).Encode(s) // where it fails, the process says what it misses
		stdin.Close()
	}()
	out, err := cmd.Output()
	if err != nil {
		return row{}, err
	}
	var r row
	return r, json.Unmarshal(out, &r)
}
