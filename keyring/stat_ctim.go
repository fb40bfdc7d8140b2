//go:build unix && !darwin && !freebsd && !netbsd

package keyring

import (
	"syscall"
	"time"
)

func ctime(s *syscall.Stat_t) time.Time {
	return time.Unix(int64(s.Ctim.Sec), int64(s.Ctim.Nsec)) //nolint:unconvert // they may have 32 bits
}
