package auth_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	"weak"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
	"github.com/seed89488a0c/auth/internal/ci"
)

// countingHasher takes a MiB for each hash, and counts what was not collected yet.
type countingHasher struct {
	auth.Hasher
	mu    sync.Mutex
	calls int
	most  int // MiB at once
	taken []weak.Pointer[[mib]byte]
}

// work takes a MiB, and leaves it to the collector.
func (h *countingHasher) work() {
	buffer := new([mib]byte)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls++
	h.taken = append(h.taken, weak.Make(buffer))
	var alive int
	for _, p := range h.taken {
		if p.Value() != nil {
			alive++
		}
	}
	h.most = max(h.most, alive)
}

func (h *countingHasher) Hash(ctx context.Context, p auth.Password) (string, error) {
	h.work()
	return h.Hasher.Hash(ctx, p)
}

func (h *countingHasher) Verify(ctx context.Context, encoded string, p auth.Password) (bool, error) {
	h.work()
	return h.Hasher.Verify(ctx, encoded, p)
}

// New stays within the budget that it enforces, what it has not given back included,
// and so does what comes after it. What cannot fit is an error before any work.
func TestNewStaysWithinItsBudget(t *testing.T) {
	for budget := range 4 {
		hasher := &countingHasher{Hasher: heavyHasher{authtest.Hasher{}}}
		a, err := auth.New(auth.NewMemoryStore(), newIssuer(t, auth.JWTConfig{}), auth.Options{Hasher: hasher, HashMemory: int64(max(budget*mib, 1))})
		if budget == 0 {
			if err == nil || hasher.calls > 0 {
				t.Errorf("a budget of one byte: %v, after %d hashes", err, hasher.calls)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if hasher.calls != 2 || hasher.most > budget {
			t.Errorf("New took %d MiB in %d hashes, its budget is %d", hasher.most, hasher.calls, budget)
		}
		for range 8 {
			_ = login(t, a, password)
		}
		if hasher.most > budget {
			t.Errorf("%d MiB were taken after New, the budget is %d", hasher.most, budget)
		}
	}
	hasher := &countingHasher{Hasher: hugeHasher{authtest.Hasher{}}}
	for name, o := range map[string]auth.Options{
		"no budget":                     {Hasher: hasher},
		"a budget that nobody can have": {Hasher: hasher, HashMemory: 1 << 62},
	} {
		if _, err := auth.New(auth.NewMemoryStore(), newIssuer(t, auth.JWTConfig{}), o); err == nil || hasher.calls > 0 {
			t.Errorf("%s for hashes of 2^60 bytes: %v, after %d hashes", name, err, hasher.calls)
		}
	}
}

// hugeHasher says of its hashes that they take more than any machine has.
type hugeHasher struct{ auth.Hasher }

func (h hugeHasher) Inspect(encoded string) auth.HashInfo {
	info := h.Hasher.Inspect(encoded)
	if info.Scheme != "" {
		info.MemoryBytes = 1 << 60
	}
	return info
}

// lyingHasher makes hashes that take more memory than it said before.
type lyingHasher struct{ auth.Hasher }

func (h lyingHasher) Inspect(encoded string) auth.HashInfo {
	info := h.Hasher.Inspect(encoded)
	if info.Scheme != "" && encoded != "" {
		info.MemoryBytes = 3 * mib
	}
	return info
}

func TestNewRefusesAHasherThatUnderstatesItsMemory(t *testing.T) {
	o := auth.Options{Hasher: lyingHasher{authtest.Hasher{}}, HashMemory: 2 * mib}
	if _, err := auth.New(auth.NewMemoryStore(), newIssuer(t, auth.JWTConfig{}), o); err == nil {
		t.Error("it was accepted")
	}
}

// controlGroup runs a command in a control group of its own, with so much memory, and
// returns what it wrote and whether the kernel killed it. Where no such group can be made
// the test is skipped, or fails if CI is set.
func controlGroup(t *testing.T, limit int64, command string, args ...string) (output string, killed bool) {
	t.Helper()
	own := map[string]string{} // the path by the version
	text, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		ci.Missing(t, "no control groups: ", err)
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) == 3 && fields[0] == "0" {
			own["2"] = fields[2]
		} else if len(fields) == 3 && fields[1] == "memory" {
			own["1"] = fields[2]
		}
	}
	name := fmt.Sprintf("auth-test-%d-%d", os.Getpid(), time.Now().UnixNano())
	var group string
	for _, place := range []struct{ dir, limit, swap, swapLimit string }{
		{filepath.Join("/sys/fs/cgroup/memory", own["1"]), "memory.limit_in_bytes", "memory.memsw.limit_in_bytes", fmt.Sprint(limit)},
		{"/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.memsw.limit_in_bytes", fmt.Sprint(limit)},
		{filepath.Join("/sys/fs/cgroup", own["2"]), "memory.max", "memory.swap.max", "0"},
		{"/sys/fs/cgroup", "memory.max", "memory.swap.max", "0"},
	} {
		dir := filepath.Join(place.dir, name)
		if os.Mkdir(dir, 0o755) != nil {
			continue
		}
		if os.WriteFile(filepath.Join(dir, place.limit), []byte(fmt.Sprint(limit)), 0) == nil {
			_ = os.WriteFile(filepath.Join(dir, place.swap), []byte(place.swapLimit), 0) // there may be no swap
			group = dir
			break
		}
		os.Remove(dir)
	}
	if group == "" {
		ci.Missing(t, "no control group can be made here (root can); TestNewStaysWithinItsBudget shows the same by counting")
	}
	defer func() {
		for range 100 { // the kernel may need a moment after the last process
			if os.Remove(group) == nil {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	script := `echo $$ >"$0/cgroup.procs" && exec "$@"`
	cmd := exec.CommandContext(t.Context(), "sh", append([]string{"-c", script, group, command}, args...)...)
	cmd.Env = append(os.Environ(), "GOMEMLIMIT=off", "GOGC=100", "GODEBUG=")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(out.String()), cmd.ProcessState.ExitCode() < 0
}

// In a container that is too small New says so, and in any other it works, and what
// comes after it: nowhere does the kernel end the process before a line is printed.
func TestNewInAControlGroup(t *testing.T) {
	main := filepath.Join(t.TempDir(), "main")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", main, "./testdata/controlgroup").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, test := range []struct {
		containerMiB, hashMiB int64
		want                  string // the beginning of the output; "" = either
	}{
		{128, 64, "peak "}, // was killed: two hashes
		{96, 64, "peak "},
		{80, 64, ""}, {76, 64, ""}, {72, 64, ""}, {40, 19, ""}, {32, 19, ""},
		{64, 64, "auth: New: one hash needs 67108864 bytes"},
	} {
		out, killed := controlGroup(t, test.containerMiB<<20, main, fmt.Sprint(test.hashMiB<<10))
		t.Logf("%d MiB for hashes of %d MiB: %s", test.containerMiB, test.hashMiB, out)
		if killed || !strings.HasPrefix(out, test.want) {
			t.Errorf("%d MiB for hashes of %d MiB: killed %t, %q, want %q", test.containerMiB, test.hashMiB, killed, out, test.want)
		}
		if !strings.HasPrefix(out, "peak ") && !strings.HasPrefix(out, "auth: New: one hash needs") {
			t.Errorf("neither works nor says what is wrong: %q", out)
		}
	}
}
