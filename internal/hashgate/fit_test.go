package hashgate_test

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/seed89488a0c/auth/internal/hashgate"
)

func TestFit(t *testing.T) {
	before := debug.SetMemoryLimit(math.MaxInt64)
	t.Cleanup(func() { debug.SetMemoryLimit(before) })
	const mib = 1 << 20
	most := min(runtime.GOMAXPROCS(0), runtime.NumCPU())
	for _, tt := range []struct {
		name                             string
		machine, resident, bytes, budget int64 // MiB
		slots                            int
		settled                          int64
		err                              string
	}{
		{"half of the machine", 4096, 10, 19, 0, most, 2048, ""},
		{"a budget", 4096, 10, 19, 1000, most, 1000, ""},
		{"a budget for one", 4096, 10, 19, 37, 1, 37, ""},
		{"a hash of more than half", 100, 10, 70, 0, 1, 70, ""},
		{"a hasher that takes none", 100, 99, 0, 0, most, 50, ""},
		{"all of the machine", 100, 10, 19, 100, min(most, 5), 100, ""},
		{"more than that", 100, 10, 19, 101, 0, 0, "auth: Options: HashMemory: the process may use 104857600 bytes"},
		{"a budget for none", 100, 10, 19, 18, 0, 0, "auth: Options: HashMemory: one hash needs 19922944 bytes"},
		{"what is left but for the spare", 100, 22, 70, 0, 1, 70, ""},
		{"less", 100, 23, 70, 0, 0, 0, "auth: New: one hash needs 73400320 bytes; the process may use 104857600, and has 24117248"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			pages := tt.resident * mib / int64(os.Getpagesize())
			root := fstest.MapFS{
				"proc/meminfo":    {Data: fmt.Appendf(nil, "MemTotal: %d kB\n", tt.machine<<10)},
				"proc/self/statm": {Data: fmt.Appendf(nil, "%d %d 0 0 0 0 0\n", 2*pages, pages)},
			}
			slots, settled, err := hashgate.Fit(root, tt.bytes*mib, tt.budget*mib)
			if err != nil && (tt.err == "" || !strings.Contains(err.Error(), tt.err)) || err == nil && tt.err != "" {
				t.Errorf("got %v, want %q", err, tt.err)
			}
			if slots != tt.slots || settled != tt.settled*mib {
				t.Errorf("%d slots of %d bytes, want %d of %d MiB", slots, settled, tt.slots, tt.settled)
			}
		})
	}
}

func TestDoLeavesTheGate(t *testing.T) {
	gate := hashgate.New(1, 100)
	for range 3 {
		if got, err := hashgate.Do(gate, 100, func() (string, error) { return "hash", nil }); got != "hash" || err != nil {
			t.Fatalf("got %q and %v", got, err)
		}
	}
	func() {
		defer func() { recover() }()
		_, _ = hashgate.Do(gate, 0, func() (int, error) { panic("of the hasher") })
	}()
	if !gate.TryAcquire(0) {
		t.Error("the gate is still held")
	}
}
