//go:build unix

package keyring

import (
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// To open a pipe is to wait for somebody who writes.
func TestPipe(t *testing.T) {
	dir := t.TempDir()
	putKey(t, dir, time.Now())
	if err := syscall.Mkfifo(filepath.Join(dir, okName), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), config(dir))
	wantFileError(t, err, okName)
}
