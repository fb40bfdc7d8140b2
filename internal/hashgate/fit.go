package hashgate

import (
	"fmt"
	"io/fs"
	"runtime"
	"runtime/debug"

	"github.com/seed89488a0c/auth/internal/memlimit"
)

// spareMemory is what [Fit] leaves of the memory that the process may use, beside a
// hash: the kernel counts more than the process sees of its own.
const spareMemory = 8 << 20

// Fit settles a budget of bytes, of which 0 stands for half of what the process may
// use, and returns how many hashes of so many bytes may run at once within it: at least
// one, or there is an error, and no more than there are processors. A budget that the
// process cannot have, and a hash for which it has no room now, are errors. root is the
// root of the file system, os.DirFS("/").
func Fit(root fs.FS, bytes, budget int64) (slots int, settled int64, err error) {
	limit := memlimit.Hard(root)
	if budget > limit {
		return 0, 0, fmt.Errorf("auth: Options: HashMemory: the process may use %d bytes", limit)
	}
	if budget == 0 {
		budget = max(bytes, memlimit.Bytes(root)/2)
	}
	slots = int(min(int64(runtime.GOMAXPROCS(0)), int64(runtime.NumCPU()), budget/max(bytes, 1)))
	if slots == 0 {
		return 0, 0, fmt.Errorf("auth: Options: HashMemory: one hash needs %d bytes", bytes)
	}
	fits := func() bool { return bytes <= limit-spareMemory-memlimit.Resident(root) }
	if bytes > 0 && !fits() {
		debug.FreeOSMemory() // what the service read at its start may be garbage
		if !fits() {
			return 0, 0, fmt.Errorf("auth: New: one hash needs %d bytes; the process may use %d, and has %d", bytes, limit, memlimit.Resident(root))
		}
	}
	return slots, budget, nil
}
