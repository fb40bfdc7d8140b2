package hibp_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/bits"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/hibp"
)

func write(t testing.TB, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pwnedpasswords.txt")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func open(t testing.TB, content string) *hibp.File {
	t.Helper()
	f, err := hibp.OpenFile(write(t, content))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// list returns the sorted lines of these passwords, with counts of many lengths.
func list(passwords ...string) []string {
	var lines []string
	for i, p := range passwords {
		lines = append(lines, fmt.Sprintf("%s:%d", hibp.Hash(auth.NewPassword(p)), uint64(1)<<(i%64)))
	}
	slices.Sort(lines)
	return lines
}

// Every line of a list is found, whatever the line breaks, and nothing else is.
func TestFile(t *testing.T) {
	for n := 1; n < 40; n++ {
		var passwords []string
		for i := range n {
			passwords = append(passwords, fmt.Sprint("known ", i))
		}
		for _, lineBreak := range []string{"\n", "\r\n"} {
			for _, end := range []string{"", lineBreak} {
				f := open(t, strings.Join(list(passwords...), lineBreak)+end)
				for i, p := range passwords {
					if breached, err := f.Breached(t.Context(), auth.NewPassword(p)); !breached || err != nil {
						t.Errorf("line %d of %d by %q: got %v, %v", i, n, lineBreak, breached, err)
					}
					if breached, err := f.Breached(t.Context(), auth.NewPassword("un"+p)); breached || err != nil {
						t.Errorf("no line %d of %d by %q: got %v, %v", i, n, lineBreak, breached, err)
					}
				}
			}
		}
	}
}

// Lines as long as they can be, among others of any length, which a search has to
// see whole wherever it meets them.
func TestFileLongestLines(t *testing.T) {
	line := func(hash uint64, digits int) string {
		return fmt.Sprintf("%s:%0*d\r\n", generatedHash(hash), digits, hash)
	}
	for i := 1; i <= 20; i++ {
		for j := 1; j <= 20; j++ {
			for k := 1; k <= 20; k++ {
				content := line(1, i) + line(2, 20) + line(3, j) + line(4, k)
				for hash := range uint64(6) {
					count, code := hibp.LookUp(t.Context(), strings.NewReader(content), int64(len(content)), generatedHash(hash))
					if count != hash%5 || code != "" {
						t.Errorf("counts of %d, 20, %d and %d digits: line %d: got %d, %q", i, j, k, hash, count, code)
					}
				}
			}
		}
	}
}

// Lines out of order, and lines twice, are noticed on the way down and on the way up.
func TestFileOrder(t *testing.T) {
	for _, hashes := range [][]uint64{{9, 5, 5, 5, 1}, {9, 5, 1}, {5, 5, 5}} {
		content := ""
		for _, n := range hashes {
			content += generatedHash(n) + ":1\n"
		}
		for _, n := range []uint64{0, 10} {
			if count, code := hibp.LookUp(t.Context(), strings.NewReader(content), int64(len(content)), generatedHash(n)); count != 0 || code != "malformed" {
				t.Errorf("%d in %d: got %d, %q", n, hashes, count, code)
			}
		}
	}
}

// A line longer than any is never taken for a row that its middle looks like,
// wherever the search cuts it.
func TestFileOverlongLines(t *testing.T) {
	hash := hibp.Hash(auth.NewPassword("password"))
	for before := range 200 {
		for _, after := range []int{100, 200} {
			content := strings.Repeat("0", before) + hash + ":1" + strings.Repeat("0", after) + "\n"
			if count, code := hibp.LookUp(t.Context(), strings.NewReader(content), int64(len(content)), hash); count != 0 || code != "malformed" {
				t.Errorf("%d, %d: got %d, %q", before, after, count, code)
			}
		}
	}
}

func TestFileKnownAnswers(t *testing.T) {
	// Three lines of the published list, and one of padding.
	f := open(t, "000000005AD76BD555C1D6D771DE417A4B87E4B4:10\r\n"+
		"21BD12DC183F740EE76F27B78EB39C8AD972A757:0\r\n"+
		"5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:10434004\r\n"+
		"FFFFFFFEE791CBAC0F6305CAF0CEE06BBE131160:2\r\n")
	for text, want := range map[string]bool{"password": true, "P@ssw0rd": false, "Password": false, "": false} {
		if breached, err := f.Breached(t.Context(), auth.NewPassword(text)); breached != want || err != nil {
			t.Errorf("%q: got %v, %v", text, breached, err)
		}
	}
}

func TestOpenFileRefuses(t *testing.T) {
	good := list("a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p")
	reversed := slices.Clone(good)
	slices.Reverse(reversed)
	each := func(change func(string) string) string {
		var lines []string
		for _, line := range good {
			lines = append(lines, change(line))
		}
		return strings.Join(lines, "\n") + "\n"
	}
	for name, content := range map[string]string{
		"empty":         "",
		"line break":    "\n",
		"blank lines":   strings.Repeat("\n", 200),
		"hashes alone":  each(func(s string) string { return s[:40] }),
		"suffixes":      each(func(s string) string { return s[5:] }), // the downloader's file for one range
		"NTLM":          each(func(s string) string { return s[:32] + s[40:] }),
		"lower case":    each(strings.ToLower),
		"spaces":        each(func(s string) string { return s + " " }),
		"reversed":      strings.Join(reversed, "\n"),
		"one line":      each(func(s string) string { return s + "," }),
		"without break": strings.Repeat("0", 4096),
		"binary":        strings.Repeat("7z\xbc\xaf'\x1c\x00\x04", 512),
		"UTF-16":        strings.Join(strings.Split(each(strings.ToUpper), ""), "\x00"),
		"long counts":   each(func(s string) string { return s[:41] + strings.Repeat("0", 60) + s[41:] }),
	} {
		f, err := hibp.OpenFile(write(t, content))
		var e *hibp.Error
		if f != nil || !errors.As(err, &e) || *e != (hibp.Error{Op: "file", Code: "malformed"}) || !errors.Is(err, auth.ErrUnavailable) {
			t.Errorf("%s: got %v, %v", name, f, err)
		}
	}
	if f, err := hibp.OpenFile(t.TempDir()); f != nil || err == nil || err.Error() != "hibp: open file: not a regular file" {
		t.Errorf("a folder: got %v, %v", f, err)
	}
	if f, err := hibp.OpenFile(filepath.Join(t.TempDir(), "none")); f != nil || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("nothing: got %v, %v", f, err)
	}
}

// Damage is an error where a search meets it, and never "not breached" of the
// line that is damaged.
func TestFileDamaged(t *testing.T) {
	good := list("a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m")
	for i, line := range good {
		for name, damaged := range map[string]string{
			"count":     line[:41],
			"colon":     line[:40] + line[41:],
			"hash":      "X" + line[1:],
			"case":      line[:39] + "g" + line[40:],
			"empty":     "",
			"cut":       line[:20],
			"too long":  line + strings.Repeat("0", 100),
			"two lines": line + "," + line,
		} {
			lines := slices.Clone(good)
			lines[i] = damaged
			content := strings.Join(lines, "\n") + "\n"
			count, code := hibp.LookUp(t.Context(), strings.NewReader(content), int64(len(content)), line[:40])
			if count != 0 || code != "malformed" {
				t.Errorf("%s of line %d: got %d, %q", name, i, count, code)
			}
		}
	}
}

// A list sorted by count has lines of the format, in no order: nearly every
// search notices, and OpenFile does one.
func TestFileByCount(t *testing.T) {
	var lines []string
	for i := range 10000 {
		lines = append(lines, fmt.Sprintf("%s:%d", hibp.Hash(auth.NewPassword(fmt.Sprint(i))), 10000-i))
	}
	if _, err := hibp.OpenFile(write(t, strings.Join(lines, "\n"))); !errors.Is(err, auth.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}

func TestFileFails(t *testing.T) {
	path := write(t, strings.Join(list("a", "b", "c"), "\n"))
	f, err := hibp.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	breached, err := f.Breached(ctx, auth.NewPassword("a"))
	wantError(t, breached, err, "file", "context", context.Canceled)

	if err := os.Truncate(path, 10); err != nil {
		t.Fatal(err)
	}
	breached, err = f.Breached(t.Context(), auth.NewPassword("a"))
	wantError(t, breached, err, "file", "read", nil)

	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	breached, err = f.Breached(t.Context(), auth.NewPassword("a"))
	wantError(t, breached, err, "file", "read", nil)

	breached, err = new(hibp.File).Breached(t.Context(), auth.NewPassword("a"))
	wantError(t, breached, err, "file", "malformed", nil)
}

// countingReader counts reads, and their bytes.
type countingReader struct {
	io.ReaderAt
	reads, bytes int
}

func (r *countingReader) ReadAt(p []byte, offset int64) (int, error) {
	r.reads++
	r.bytes += len(p)
	return r.ReaderAt.ReadAt(p, offset)
}

// generated is a file of 2^30 lines that nobody has to write: the hash of line i
// is i times 4 in eight digits, and zeros.
type generated struct{}

const generatedLines, generatedLine = 1 << 30, 40 + 1 + 3 + 2

func generatedHash(n uint64) string { return fmt.Sprintf("%08X%032d", n, 0) }

func (generated) ReadAt(p []byte, offset int64) (int, error) {
	var text bytes.Buffer
	first := offset / generatedLine
	for i := first; text.Len() < len(p)+generatedLine && i < generatedLines; i++ {
		fmt.Fprintf(&text, "%s:100\r\n", generatedHash(uint64(i)*4))
	}
	text.Next(int(offset - first*generatedLine))
	return text.Read(p)
}

func TestFileReads(t *testing.T) {
	check := func(r io.ReaderAt, size int64, hash string, want uint64) {
		t.Helper()
		counting := &countingReader{ReaderAt: r}
		if count, code := hibp.LookUp(t.Context(), counting, size, hash); count != want || code != "" {
			t.Errorf("%s: got %d, %q, want %d", hash, count, code, want)
		}
		if limit := bits.Len64(uint64(size)); counting.reads > limit || counting.bytes > 128*limit {
			t.Errorf("%s: %d reads of %d bytes, want at most %d of 128 each", hash, counting.reads, counting.bytes, limit)
		}
	}

	var passwords []string
	for i := range 200_000 {
		passwords = append(passwords, fmt.Sprint(i))
	}
	content := strings.Join(list(passwords...), "\r\n")
	for i := 0; i < len(passwords); i += 97 {
		check(strings.NewReader(content), int64(len(content)), hibp.Hash(auth.NewPassword(passwords[i])), 1<<(i%64))
		check(strings.NewReader(content), int64(len(content)), hibp.Hash(auth.NewPassword("x"+passwords[i])), 0)
	}

	const size = generatedLines * generatedLine // bits.Len64 of it is 36, as the documentation says
	for i := uint64(0); i < generatedLines; i += 9_999_991 {
		check(generated{}, size, generatedHash(4*i), 100)
		check(generated{}, size, generatedHash(4*i+1), 0)
	}
	check(generated{}, size, generatedHash(4*generatedLines-4), 100)
	check(generated{}, size, generatedHash(4*generatedLines-1), 0)
}

func TestConcurrentLookUps(t *testing.T) {
	f := open(t, strings.Join(list("a", "b", "c", "d", "e"), "\n"))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for _, p := range []string{"a", "b", "c", "d", "e", "f"} {
				if breached, err := f.Breached(t.Context(), auth.NewPassword(p)); breached != (p < "f") || err != nil {
					t.Errorf("%s: got %v, %v", p, breached, err)
				}
			}
		})
	}
	wg.Wait()
}

// A search of a well-formed file agrees with a walk over it.
func FuzzFile(f *testing.F) {
	f.Add([]byte("password 1 2 3 4 5 6"), uint32(3), true, true)
	f.Add([]byte{}, uint32(0), false, false)
	f.Fuzz(func(t *testing.T, seed []byte, wanted uint32, crlf, ended bool) {
		lineBreak := "\n"
		if crlf {
			lineBreak = "\r\n"
		}
		counts := map[string]uint64{generatedHash(7): 7}
		for ; len(seed) >= 4; seed = seed[4:] {
			n := binary.BigEndian.Uint32(seed)
			counts[generatedHash(uint64(n))] = uint64(n>>3) << (n & 31)
		}
		var lines []string
		for hash, count := range counts {
			lines = append(lines, fmt.Sprintf("%s:%d", hash, count))
		}
		slices.Sort(lines)
		content := strings.Join(lines, lineBreak)
		if ended {
			content += lineBreak
		}
		for _, hash := range append(slices.Collect(maps.Keys(counts)), generatedHash(uint64(wanted))) {
			count, code := hibp.LookUp(t.Context(), strings.NewReader(content), int64(len(content)), hash)
			if count != counts[hash] || code != "" {
				t.Errorf("%s: got %d, %q, want %d", hash, count, code, counts[hash])
			}
		}
	})
}

var lineFormat = regexp.MustCompile(`(?m)^([0-9A-F]{40}):([0-9]{1,20})\r?$`)

// Of any bytes at all a search says that a line is there only if it is, ends,
// and stays within its reads.
func FuzzFileBytes(f *testing.F) {
	good := strings.Join(list("a", "b", "c", "d"), "\n")
	for _, line := range strings.Split(good, "\n") {
		f.Add([]byte(good), line[:40])
	}
	f.Add([]byte("\n\n\n"), strings.Repeat("0", 40))
	f.Fuzz(func(t *testing.T, content []byte, hash string) {
		if !regexp.MustCompile(`^[0-9A-F]{40}$`).MatchString(hash) {
			return
		}
		r := &countingReader{ReaderAt: bytes.NewReader(content)}
		count, code := hibp.LookUp(t.Context(), r, int64(len(content)), hash)
		if limit := bits.Len64(uint64(len(content))); r.reads > limit {
			t.Errorf("%d reads, want at most %d", r.reads, limit)
		}
		if code != "" && (count != 0 || code != "malformed") {
			t.Errorf("got %d, %q", count, code)
		}
		if count > 0 {
			for _, m := range lineFormat.FindAllSubmatch(content, -1) {
				if string(m[1]) == hash && strings.TrimLeft(string(m[2]), "0") == fmt.Sprint(count) {
					return
				}
			}
			t.Errorf("found %s:%d, which is not there", hash, count)
		}
	})
}
