package keyring

import (
	"path/filepath"
	"strings"
	"time"

	"github.com/seed89488a0c/auth"
)

// State is where in its life a key is.
type State string

// The states of a key, in the order of its life. VerifyOnly is that of a public
// key without a time.
const (
	PrePublished State = "pre-published" // published and verifies, so that others know it when it signs
	Active       State = "active"        // signs
	Retiring     State = "retiring"      // verifies what was signed with it
	Retired      State = "retired"       // is not used; its file is still there
	VerifyOnly   State = "verify-only"   // verifies while its file is there
)

// KeyStatus is what may be known of a key by everybody. Times are UTC.
type KeyStatus struct {
	File      string // base name
	ID        string
	Algorithm string
	State     State

	SignsFrom     time.Time // later than the file's name says if it came late; zero: never. Where no key's time has come the earliest signs
	VerifiesUntil time.Time // exclusive; zero: no other key takes over yet
}

// file is a key file with a good key. It is immutable.
type file struct {
	name string
	sum  [32]byte // of its content
	key  auth.Key
	from time.Time // when its key signs by its name; zero: a public key

	signs    time.Time // when it signs here
	handover time.Time // when it signs wherever it was seen no sooner than here
}

// arrive sets the times of a file that was last changed when written, and is read now. At
// the first reading it may be there for long, and what was written before counts.
func (f *file) arrive(c *Config, now, written time.Time, first bool) {
	if f.from.IsZero() {
		return
	}
	seen := now
	if first && written.Before(now) {
		seen = written.UTC()
	}
	f.handover = f.from
	if known := seen.Add(c.lead()); known.After(f.from) {
		f.handover = known
	}
	f.signs = f.handover
	if first {
		f.signs = f.from
	}
}

// signer returns the index of the file whose key signs. The files are sorted; -1:
// there is none.
func signer(files []*file, now time.Time) int {
	late, named, earliest := -1, -1, -1
	for i, f := range files {
		if f.from.IsZero() {
			continue
		}
		if earliest < 0 {
			earliest = i
		}
		if !f.from.After(now) {
			named = i
		}
		if !f.signs.After(now) {
			late = i
		}
	}
	switch {
	case late >= 0:
		return late
	case named >= 0: // too late, but there is no other
		return named
	}
	return earliest
}

// states returns the state of every file, and when that changes next; zero: never.
func (c *Config) states(files []*file, now time.Time) (list []KeyStatus, change time.Time) {
	next := func(t time.Time) {
		if t.After(now) && (change.IsZero() || t.Before(change)) {
			change = t
		}
	}
	active := signer(files, now)
	list = make([]KeyStatus, len(files))
	var until time.Time // of the file at hand, by the first of its successors to take over
	for i := len(files) - 1; i >= 0; i-- {
		f := files[i]
		list[i] = KeyStatus{File: f.name, ID: f.key.ID(), Algorithm: f.key.Algorithm()}
		if f.from.IsZero() {
			list[i].State = VerifyOnly
			continue
		}
		list[i].SignsFrom, list[i].VerifiesUntil = f.signs, until
		switch {
		case i == active:
			list[i].State = Active
		case i > active:
			list[i].State = PrePublished
		case now.Before(until):
			list[i].State = Retiring
		default:
			list[i].State = Retired
		}
		next(f.from)
		next(f.signs)
		next(until)
		if end := f.handover.Add(c.after()); until.IsZero() || end.Before(until) {
			until = end
		}
	}
	return list, change
}

// layout is that of the time in a file's name.
const layout = "20060102T150405Z"

// parseName returns the time in a file's name, zero if there is none, and whether
// it is the name of a key file at all.
func parseName(name string) (from time.Time, ok bool) {
	ext := filepath.Ext(name)
	if strings.HasPrefix(name, ".") || ext != ".pem" && ext != ".jwk" && ext != ".json" {
		return time.Time{}, false
	}
	stamp, _, _ := strings.Cut(strings.TrimSuffix(name, ext), "-")
	t, err := time.Parse(layout, stamp)
	if err != nil || t.Format(layout) != stamp || t.Unix() < 0 {
		return time.Time{}, true
	}
	return t, true
}
