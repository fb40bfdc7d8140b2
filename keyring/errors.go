package keyring

import (
	"errors"
	"io/fs"
	"os"

	"github.com/seed89488a0c/auth"
)

// FileError says what is wrong with a key file, or with the directory. It
// matches [auth.ErrUnavailable] where the file system failed, and what Err
// matches, such as [fs.ErrPermission]. It contains no path and nothing of a key.
type FileError struct {
	Name string // of the file, without its directory; "" = the directory itself
	Err  error

	outage bool
}

func (e *FileError) Error() string {
	if e.Name == "" {
		return "keyring: directory: " + e.Err.Error()
	}
	return "keyring: " + e.Name + ": " + e.Err.Error()
}

// Unwrap returns what the error matches.
func (e *FileError) Unwrap() []error {
	if e.outage {
		return []error{auth.ErrUnavailable, e.Err}
	}
	return []error{e.Err}
}

// fileError takes the path out of an error of the file system.
func fileError(name string, err error) *FileError {
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		return &FileError{name, e.Err, true}
	}
	if e := (*os.LinkError)(nil); errors.As(err, &e) {
		return &FileError{name, e.Err, true}
	}
	return &FileError{name, err, false}
}
