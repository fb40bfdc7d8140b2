package hibp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/seed89488a0c/auth"
)

// The longest line: a hash, a colon, a count and a CRLF.
const maxLine = hashDigits + 1 + maxCountDigits + 2

// File looks into a copy of Pwned Passwords on disk, as the service's own
// downloader (github.com/HaveIBeenPwned/PwnedPasswordsDownloader) writes it into
// a single file: lines "HASH:COUNT" by LF or CRLF, in upper-case, sorted by hash.
// It searches by halves, at most 36 small reads in a file of 10^9 lines, and
// keeps nothing in memory. It is safe for concurrent use; the file must not
// change meanwhile.
//
// A list cut short at the end of a line, as by a download that was interrupted,
// looks like a shorter one: the complete one ends with a hash in FFFFF.
type File struct {
	file *os.File
	size int64
}

// OpenFile opens the file at path. It tries one search, so that an empty file,
// or one of another format or order, is found out at the start. The caller
// closes the File.
func OpenFile(path string) (*File, error) {
	file, err := os.Open(path) //nolint:gosec // the path is the caller's configuration
	if err != nil {
		return nil, fmt.Errorf("hibp: open file: %w", err)
	}
	f := &File{file: file}
	info, err := file.Stat()
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		err = errors.New("not a regular file")
	default:
		f.size = info.Size()
		_, err = f.Breached(context.Background(), auth.Password{})
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("hibp: open file: %w", err)
	}
	return f, nil
}

// Close closes the file. A check that runs meanwhile fails.
func (f *File) Close() error { return f.file.Close() }

// Breached reports whether p is in the file, with a count of at least one. It
// returns an *[Error] if ctx ends, the file cannot be read, or a line on the way
// is not of the format or out of order; what lies elsewhere it does not see.
func (f *File) Breached(ctx context.Context, p auth.Password) (bool, error) {
	count, code := lookUp(ctx, f.file, f.size, hash(p))
	if code != "" {
		return false, failure(ctx, "file", code)
	}
	return count > 0, nil
}

// lookUp returns the count beside hash in the first size bytes of r, 0 if it is
// not there, or the code of an [Error].
func lookUp(ctx context.Context, r io.ReaderAt, size int64, hash string) (count uint64, code string) {
	if size == 0 {
		return 0, "malformed"
	}
	// The line wanted starts at low or after, and before high; the lines around
	// have the hashes below and above, which are less and more than any at first.
	low, high, below, above := int64(0), size, "", "G"
	for low < high {
		if ctx.Err() != nil {
			return 0, "context"
		}
		start, line, err := lineAt(r, low+(high-low)/2, size)
		if err != nil {
			return 0, "read"
		}
		hex, count, ok := parseRow(line, hashDigits)
		switch {
		case !ok || hex <= below || hex >= above:
			return 0, "malformed"
		case hex == hash:
			return count, ""
		case hex < hash:
			low, below = start+int64(len(line)), hex
		default:
			high, above = start, hex
		}
	}
	return 0, ""
}

// lineAt returns the line that the byte at offset belongs to, its line break
// included, and where it starts. Of a line longer than any it returns a part that
// is longer than any, too.
func lineAt(r io.ReaderAt, offset, size int64) (start int64, line string, err error) {
	first := max(0, offset-maxLine)
	window := make([]byte, min(size, offset+maxLine)-first)
	if n, err := r.ReadAt(window, first); n < len(window) {
		return 0, "", err
	}
	at := int(offset - first)
	begin, end := bytes.LastIndexByte(window[:at], '\n')+1, len(window)
	if i := bytes.IndexByte(window[at:], '\n'); i >= 0 {
		end = at + i + 1
	}
	return first + int64(begin), string(window[begin:end]), nil
}
