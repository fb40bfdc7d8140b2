package memlimit_test

import (
	"math"
	"os"
	"runtime/debug"
	"testing"
	"testing/fstest"

	"github.com/seed89488a0c/auth/internal/memlimit"
)

func TestBytes(t *testing.T) {
	const mib = 1 << 20
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	meminfo := file("MemTotal:        8388608 kB\nMemFree:  100 kB\n")
	tests := map[string]struct {
		root fstest.MapFS
		want int64
	}{
		"nothing":   {fstest.MapFS{}, math.MaxInt64},
		"garbage":   {fstest.MapFS{"proc/meminfo": file("x"), "proc/self/cgroup": file("::\n"), "sys/fs/cgroup/memory.max": file("-1\n")}, math.MaxInt64},
		"machine":   {fstest.MapFS{"proc/meminfo": meminfo}, 8192 * mib},
		"unlimited": {fstest.MapFS{"proc/meminfo": meminfo, "sys/fs/cgroup/memory.max": file("max\n")}, 8192 * mib},
		"container": {fstest.MapFS{"proc/meminfo": meminfo, "proc/self/cgroup": file("0::/\n"), "sys/fs/cgroup/memory.max": file("536870912\n")}, 512 * mib},
		"host's path in a container": {fstest.MapFS{"proc/meminfo": meminfo, "proc/self/cgroup": file("0::/docker/abc\n"),
			"sys/fs/cgroup/memory.max": file("536870912\n")}, 512 * mib},
		"own group": {fstest.MapFS{"proc/meminfo": meminfo, "proc/self/cgroup": file("0::/a/b\n"),
			"sys/fs/cgroup/a/b/memory.max": file("268435456\n"), "sys/fs/cgroup/a/memory.max": file("536870912\n")}, 256 * mib},
		"group around it": {fstest.MapFS{"proc/meminfo": meminfo, "proc/self/cgroup": file("0::/a/b\n"),
			"sys/fs/cgroup/a/b/memory.max": file("max\n"), "sys/fs/cgroup/a/memory.max": file("134217728\n")}, 128 * mib},
		"version 1": {fstest.MapFS{"proc/meminfo": meminfo, "proc/self/cgroup": file("5:cpu:/x\n4:memory:/a\n"),
			"sys/fs/cgroup/memory/a/memory.limit_in_bytes": file("67108864\n")}, 64 * mib},
		"version 1, unlimited": {fstest.MapFS{"proc/meminfo": meminfo, "proc/self/cgroup": file("4:memory:/\n"),
			"sys/fs/cgroup/memory/memory.limit_in_bytes": file("9223372036854771712\n")}, 8192 * mib},
	}
	for name, test := range tests {
		if got := memlimit.Bytes(test.root); got != test.want {
			t.Errorf("%s: got %d, want %d", name, got, test.want)
		}
	}
	if got := memlimit.Bytes(os.DirFS("/")); got <= 0 {
		t.Errorf("this machine: got %d", got)
	}
	pages := int64(os.Getpagesize())
	for text, want := range map[string]int64{"": 0, "x": 0, "9": 0, "9 -1": 0, "9000 300 20 1 0 80 0\n": 300 * pages} {
		if got := memlimit.Resident(fstest.MapFS{"proc/self/statm": file(text)}); got != want {
			t.Errorf("resident by %q: got %d, want %d", text, got, want)
		}
	}
	if got := memlimit.Resident(fstest.MapFS{}); got != 0 {
		t.Errorf("resident by nothing: got %d", got)
	}
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(32 * mib))
	if got := memlimit.Bytes(tests["machine"].root); got != 32*mib {
		t.Errorf("GOMEMLIMIT: got %d", got)
	}
	if got := memlimit.Hard(tests["machine"].root); got != 8192*mib { // which kills nobody
		t.Errorf("beside GOMEMLIMIT: got %d", got)
	}
}
