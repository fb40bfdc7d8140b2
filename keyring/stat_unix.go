//go:build unix

package keyring

import (
	"io/fs"
	"syscall"
	"time"
)

// stat returns the user that owns a file, and when the file or its place was last
// changed; zero where that cannot be told.
func stat(info fs.FileInfo) (owner int, changed time.Time) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, time.Time{}
	}
	return int(s.Uid), ctime(s)
}
