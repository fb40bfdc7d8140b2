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
	names, err := c.list()
	if err != nil {
		return known, []*FileError{fileError("", err)}
	}
	full := len(names) > maxFiles
	if full {
		problems = append(problems, fileError("", fmt.Errorf("more than %d key files", maxFiles)))
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
		f, err := c.open(name, old, known == nil)
		if err != nil {
			problems, f = append(problems, fileError(name, err)), old
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
		problems = append(problems, fileError(f.name, fmt.Errorf("the key ID is that of %s too", files[i].name)))
		if old := byName[f.name]; old != nil {
			files = append(files, old)
		}
	}
	slices.SortFunc(files, func(a, b *file) int {
		return cmp.Or(a.from.Compare(b.from), cmp.Compare(a.name, b.name))
	})
	if known != nil && signer(files, time.Time{}) < 0 {
		return known, append(problems, fileError("", errNoKey))
	}
	return files, problems
}

var errNoKey = errors.New("no key that can sign")

// list returns the names of the key files, sorted.
func (c *Config) list() ([]string, error) {
	dir, err := os.Open(c.Path)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	info, err := dir.Stat()
	if err != nil {
		return nil, err
	}
	if posix && info.Mode()&0o002 != 0 && info.Mode()&fs.ModeSticky == 0 {
		return nil, errors.New("writable for others")
	}
	entries, err := dir.ReadDir(maxEntries + 1)
	if err != nil && err != io.EOF {
		return nil, err
	}
	if len(entries) > maxEntries {
		return nil, fmt.Errorf("more than %d entries", maxEntries)
	}
	var names []string
	for _, e := range entries {
		if _, ok := parseName(e.Name()); ok && !e.IsDir() {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

// posix is where a file's mode says who may do what.
const posix = runtime.GOOS != "windows"

// open returns what a file holds: old if that is still the same, nil if it is a
// folder or gone.
func (c *Config) open(name string, old *file, first bool) (*file, error) {
	text, info, err := readFile(filepath.Join(c.Path, name))
	if err != nil || info == nil {
		return nil, err
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
		f.arrive(c, wall(), info.ModTime(), first)
	}
	return f, nil
}

// readFile returns what a key file holds; of a folder, or of a file that is gone
// meanwhile, nothing.
func readFile(path string) (text []byte, info fs.FileInfo, err error) {
	info, err = os.Stat(path) // first, since to open a pipe is to wait
	switch {
	case err != nil:
	case info.IsDir():
		return nil, nil, nil
	case !info.Mode().IsRegular():
		return nil, nil, errors.New("not a regular file")
	default:
		text, info, err = readSmall(path)
	}
	if errors.Is(err, fs.ErrNotExist) { // or a link to nothing
		if _, gone := os.Lstat(path); gone != nil {
			return nil, nil, nil
		}
	}
	return text, info, err
}

func readSmall(path string) (text []byte, info fs.FileInfo, err error) {
	f, err := os.Open(path) //nolint:gosec // the directory is the caller's configuration
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil {
		return nil, nil, err
	}
	text, err = io.ReadAll(io.LimitReader(f, maxSize+1)) // auth.ParseKey refuses more than maxSize
	return text, info, err
}
