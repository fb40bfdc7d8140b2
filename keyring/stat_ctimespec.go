//go:build darwin || freebsd || netbsd

package keyring

import (
	"syscall"
	"time"
)

func ctime(s *syscall.Stat_t) time.Time { return time.Unix(s.Ctimespec.Unix()) }
