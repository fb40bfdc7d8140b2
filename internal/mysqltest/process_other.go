//go:build !linux

package mysqltest

import (
	"errors"
	"os/exec"
)

// Elsewhere a test binary that is killed leaves its server and its folder.

func tether(*exec.Cmd) {}

func lockThread() {}

func (*process) pause() error  { return errors.ErrUnsupported }
func (*process) resume() error { return errors.ErrUnsupported }

func lock(string) (unlock func(), ok bool) { return nil, false }
