package keyring

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/seed89488a0c/auth"
)

const (
	maxEntries = 1024
	maxFiles   = 64
	maxSize    = 64 << 10 // that of auth.ParseKey
)

// read returns the key files of the directory, sorted by time and name, and what
// is wrong with it. Of what is known that stays which is still there, or all if
// that cannot be told; nil is the first reading.
func (c *Config) read(known []*file) (files []*file, problems []*FileError) {
	names, shared, err := c.list()
	if err != nil {
		return known, []*FileError{fileError(c.Path, "", err)}
	}
	full := len(names) > maxFiles
	if full {
		problems = append(problems, fileError(c.Path, "", fmt.Errorf("more than %d key files", maxFiles)))
	}
	byName := make(map[string]*file, len(known))
	for _, f := range known {
		byName[f.name] = f
	}
	var fresh []*file
	for _, name := range names {
		old := byName[name]
		if full && old == nil {
			continue
		}
		f, err := c.open(name, old, known == nil, shared)
		if err != nil {
			problems = append(problems, fileError(c.Path, name, err))
			if !errors.Is(err, errForeign) { // or else who brings back a name would bring back its key
				f = old
			}
		}
		switch {
		case f == nil: // bad, a folder, or gone
		case f == old:
			files = append(files, f)
		default:
			fresh = append(fresh, f)
		}
	}
	for _, f := range fresh {
		i := slices.IndexFunc(files, func(other *file) bool { return other.key.ID() == f.key.ID() })
		if i < 0 {
			files = append(files, f)
			continue
		}
		problems = append(problems, fileError(c.Path, f.name, fmt.Errorf("the key ID is that of %s too", quoted(files[i].name))))
		if old := byName[f.name]; old != nil {
			files = append(files, old)
		}
	}
	slices.SortFunc(files, func(a, b *file) int {
		return cmp.Or(a.from.Compare(b.from), cmp.Compare(a.name, b.name))
	})
	if known != nil && signer(files, time.Time{}) < 0 {
		return known, append(problems, fileError(c.Path, "", errNoKey))
	}
	return files, problems
}

var (
	errNoKey   = errors.New("no key that can sign")
	errForeign = errors.New("others may write in the directory, and the owner is neither root, the directory's nor this process's")
)

// list returns the names of the key files, sorted, and the directory if others may
// write in it, so that a file's owner counts.
func (c *Config) list() (names []string, shared fs.FileInfo, err error) {
	dir, err := os.Open(c.Path)
	if err != nil {
		return nil, nil, err
	}
	defer dir.Close()
	info, err := dir.Stat()
	if err != nil {
		return nil, nil, err
	}
	if posix && info.Mode()&0o002 != 0 {
		if info.Mode()&fs.ModeSticky == 0 {
			return nil, nil, errors.New("writable for others")
		}
		shared = info
	}
	entries, err := dir.ReadDir(maxEntries + 1)
	if err != nil && err != io.EOF {
		return nil, nil, err
	}
	if len(entries) > maxEntries {
		return nil, nil, fmt.Errorf("more than %d entries", maxEntries)
	}
	for _, e := range entries {
		if _, ok := parseName(e.Name()); ok && !e.IsDir() {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, shared, nil
}

// posix is where a file's mode says who may do what.
const posix = runtime.GOOS != "windows"

// changed returns when a file was last changed, also by a copy that keeps the time
// of its modification. A variable, as a test cannot set this time.
var changed = func(info fs.FileInfo) time.Time {
	_, t := stat(info)
	return latest(t, info.ModTime())
}

func latest(times ...time.Time) time.Time { return slices.MaxFunc(times, time.Time.Compare) }

// foreign reports whether a file is of a user who has no business in a directory,
// as root, its owner and this process's user have.
func foreign(info, dir fs.FileInfo, self int) bool {
	owner, _ := stat(info)
	operator, _ := stat(dir)
	return owner != 0 && owner != operator && owner != self
}

// open returns what a file holds: old if that is still the same, nil if it is a
// folder or gone. In a shared directory what is foreign is not even looked at.
func (c *Config) open(name string, old *file, first bool, shared fs.FileInfo) (*file, error) {
	path := filepath.Join(c.Path, name)
	link, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case shared != nil && foreign(link, shared, os.Geteuid()):
		return nil, errForeign
	}
	text, info, err := readFile(path)
	if errors.Is(err, fs.ErrNotExist) { // or a link to nothing
		if _, gone := os.Lstat(path); gone != nil {
			return nil, nil
		}
	}
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, nil
	case shared != nil && foreign(info, shared, os.Geteuid()):
		return nil, errForeign
	}
	from, _ := parseName(name)
	f := &file{name: name, sum: sha256.Sum256(text), from: from}
	if old != nil && old.sum == f.sum {
		f = old
	} else if f.key, err = auth.ParseKey(text); err != nil {
		return nil, err
	}
	switch {
	case posix && f.key.CanSign() && info.Mode()&0o007 != 0:
		return nil, errors.New("a private key that others may read, write or execute")
	case posix && info.Mode()&0o002 != 0:
		return nil, errors.New("writable for others")
	case f.key.CanSign() && from.IsZero():
		return nil, errors.New("a private key, and no time in the file's name")
	case !f.key.CanSign() && !from.IsZero():
		return nil, errors.New("a public key, and a time in the file's name")
	}
	if f != old {
		f.arrive(c, wall(), latest(changed(link), changed(info)), first)
	}
	return f, nil
}

// readFile returns what a file holds, nothing of a folder.
func readFile(path string) (text []byte, info fs.FileInfo, err error) {
	info, err = os.Stat(path) // first, since to open a pipe is to wait
	if err != nil || info.IsDir() {
		return nil, info, err
	}
	if !info.Mode().IsRegular() {
		return nil, nil, errors.New("not a regular file")
	}
	f, err := os.Open(path) //nolint:gosec // the directory is the caller's configuration
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	if info, err = f.Stat(); err == nil {
		text, err = io.ReadAll(io.LimitReader(f, maxSize+1)) // auth.ParseKey refuses more than maxSize
	}
	return text, info, err
}
