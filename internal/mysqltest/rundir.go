package mysqltest

import (
	"os"
	"path/filepath"
)

const runDirPrefix = "authdb"

// newRunDir makes the folder of one server, short for the socket's sake, and
// locks it while this process lives. Folders that nobody locks were left by
// test binaries that panicked or were killed: it removes them.
func newRunDir() (dir string, unlock func(), err error) {
	left, err := filepath.Glob(filepath.Join(os.TempDir(), runDirPrefix+"*"))
	if err != nil {
		return "", nil, err
	}
	for _, old := range left {
		if unlock, ok := lock(filepath.Join(old, "lock")); ok {
			os.RemoveAll(old)
			unlock()
		}
	}
	if dir, err = os.MkdirTemp("", runDirPrefix); err != nil {
		return "", nil, err
	}
	// Locked under another name first: a lock that others can see is held.
	path := filepath.Join(dir, "lock")
	if err := os.WriteFile(path+".new", nil, 0o600); err != nil {
		return "", nil, err
	}
	unlock, ok := lock(path + ".new")
	if !ok {
		return dir, func() {}, nil
	}
	return dir, unlock, os.Rename(path+".new", path)
}
