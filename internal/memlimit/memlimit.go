// Package memlimit finds out how much memory the process may use.
package memlimit

import (
	"bufio"
	"bytes"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path"
	"runtime/metrics"
	"strconv"
	"strings"
)

// Bytes returns the least of what limits the process: GOMEMLIMIT and what [Hard]
// finds. root is the root of the file system, os.DirFS("/").
func Bytes(root fs.FS) int64 { return min(goLimit(), Hard(root)) }

// Hard returns the bytes beyond which the kernel kills the process: the least of its
// control groups' limits (versions 1 and 2, also those that it lies in) and the
// machine's memory. It is math.MaxInt64 where nothing is known.
func Hard(root fs.FS) int64 {
	limit := int64(math.MaxInt64)
	for _, group := range groups(root) {
		for ; ; group = path.Dir(group) {
			limit = min(limit, number(root, path.Join("sys/fs/cgroup", group, "memory.max")),
				number(root, path.Join("sys/fs/cgroup/memory", group, "memory.limit_in_bytes")))
			if group == "/" {
				break
			}
		}
	}
	return min(limit, machine(root))
}

// Resident returns the bytes of memory that the process has now, 0 where that is not
// known.
func Resident(root fs.FS) int64 {
	text, err := fs.ReadFile(root, "proc/self/statm")
	if err != nil {
		return 0
	}
	var size, resident int64 // in pages, proc(5)
	if n, _ := fmt.Sscan(string(text), &size, &resident); n != 2 || resident < 0 {
		return 0
	}
	return resident * int64(os.Getpagesize())
}

func goLimit() int64 {
	sample := []metrics.Sample{{Name: "/gc/gomemlimit:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return math.MaxInt64
	}
	return int64(min(sample[0].Value.Uint64(), math.MaxInt64))
}

// groups returns the control groups of the process. Inside a container the
// path may be the host's; the container's own files lie at the root then.
func groups(root fs.FS) []string {
	found := []string{"/"}
	text, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return found
	}
	for line := range strings.Lines(string(text)) { // hierarchy:controllers:path
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) == 3 && (fields[1] == "" || strings.Contains(fields[1], "memory")) {
			found = append(found, path.Join("/", fields[2]))
		}
	}
	return found
}

// number reads a file with one number of bytes; "max" and files that are not
// there limit nothing.
func number(root fs.FS, name string) int64 {
	text, err := fs.ReadFile(root, name)
	if err != nil {
		return math.MaxInt64
	}
	n, err := strconv.ParseInt(string(bytes.TrimSpace(text)), 10, 64)
	if err != nil || n <= 0 {
		return math.MaxInt64
	}
	return n
}

func machine(root fs.FS) int64 {
	text, err := fs.ReadFile(root, "proc/meminfo")
	if err != nil {
		return math.MaxInt64
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		var kib int64
		if n, _ := fmt.Sscanf(lines.Text(), "MemTotal: %d kB", &kib); n == 1 && kib > 0 {
			return kib << 10
		}
	}
	return math.MaxInt64
}
