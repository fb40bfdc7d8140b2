package mysqltest

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestNoOrphan runs this test binary again as one that panics with a server
// running: nothing in it gets the chance to tidy up.
func TestNoOrphan(t *testing.T) {
	if os.Getenv("AUTH_TEST_PANIC") != "" {
		s := Start(t)
		os.Stdout.WriteString("server " + strconv.Itoa(s.proc.cmd.Process.Pid) + " in " + s.dir + "\n")
		go panic("on purpose")
		select {}
	}
	Start(t) // skips where there is no server
	cmd := exec.Command(os.Args[0], "-test.run=^TestNoOrphan$")
	cmd.Env = append(os.Environ(), "AUTH_TEST_PANIC=1")
	out, err := cmd.Output()
	if err == nil {
		t.Fatalf("did not panic: %s", out)
	}
	_, rest, ok := strings.Cut(string(out), "server ")
	fields := strings.Fields(rest)
	if !ok || len(fields) < 3 {
		t.Fatalf("no server started: %s", out)
	}
	pid, err := strconv.Atoi(fields[0])
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if syscall.Kill(pid, 0) != nil || zombie(pid) {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if syscall.Kill(pid, 0) == nil && !zombie(pid) {
		syscall.Kill(pid, syscall.SIGKILL)
		t.Error("the server outlived a test that panicked")
	}
	Start(t) // removes the folder that was left
	if _, err := os.Stat(fields[2]); err == nil {
		t.Errorf("%s was left", fields[2])
	}
}

// zombie reports a process that ended and waits for an init that reaps, which
// containers often lack.
func zombie(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && strings.Contains(string(stat), ") Z ")
}
