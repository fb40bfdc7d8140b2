package keyring

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/seed89488a0c/auth"
)

// FileError says what is wrong with a key file, or with the directory. It
// matches [auth.ErrUnavailable] where the file system failed, and what Err
// matches, such as [fs.ErrPermission]. It contains nothing of a key, and of a path
// the last element. Error quotes a name with anything outside of printable ASCII.
type FileError struct {
	Name string // of the file, without its directory; "" = the directory itself
	Err  error

	dir    string // base name of the directory
	outage bool
}

func (e *FileError) Error() string {
	what := quoted(e.Name)
	if e.Name == "" {
		what = strings.TrimSpace("directory " + quoted(e.dir))
	}
	return "keyring: " + what + ": " + e.Err.Error()
}

// quoted returns a name so that it cannot begin a line of its own in a log.
func quoted(name string) string {
	if strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r > '~' }) {
		return strconv.QuoteToASCII(name)
	}
	return name
}

// Unwrap returns what the error matches.
func (e *FileError) Unwrap() []error {
	if e.outage {
		return []error{auth.ErrUnavailable, e.Err}
	}
	return []error{e.Err}
}

// fileError takes the path out of an error of the file system.
func fileError(path, name string, err error) *FileError {
	dir := filepath.Base(path)
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return &FileError{name, e.Err, dir, true}
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		return &FileError{name, e.Err, dir, true}
	}
	return &FileError{name, err, dir, false}
}
