//go:build unix

package keyring

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed89488a0c/auth"
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

// owned is a file of somebody.
type owned struct {
	fs.FileInfo
	by uint32
}

func (o owned) Sys() any { return &syscall.Stat_t{Uid: o.by} }

// unowned is one whose owner cannot be told.
type unowned struct{ fs.FileInfo }

func (unowned) Sys() any { return nil }

func TestForeign(t *testing.T) {
	const self = 12344
	for _, test := range []struct {
		file, dir fs.FileInfo
		want      bool
	}{
		{owned{by: 0}, owned{by: 12345}, false},
		{owned{by: self}, owned{by: 12345}, false},
		{owned{by: 12345}, owned{by: 12345}, false},
		{owned{by: 12346}, owned{by: 12345}, true},
		{owned{by: 12346}, owned{by: 0}, true},
		{unowned{}, owned{by: 0}, false},
	} {
		if got := foreign(test.file, test.dir, self); got != test.want {
			t.Errorf("a file of %v in a directory of %v: %v", test.file.Sys(), test.dir.Sys(), got)
		}
	}
}

// In a directory where others may make files, theirs add no key, and do not keep
// one that was removed.
func TestSharedDirectory(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root may give files away")
	}
	const stranger = 12345
	synctest.Test(t, func(t *testing.T) {
		base := t.TempDir()
		dir := filepath.Join(base, "keys")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir, 0o777|fs.ModeSticky); err != nil {
			t.Fatal(err)
		}
		_, public := private(t)
		give := func(path string) {
			t.Helper()
			if err := os.Lchown(path, stranger, stranger); err != nil {
				t.Fatal(err)
			}
		}
		link := func(target, name string) {
			t.Helper()
			if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
		first := putKey(t, dir, time.Now().Add(-time.Hour))
		second := putKey(t, dir, time.Now())
		var told []error
		c := config(dir)
		c.OnError = func(_ context.Context, err error) { told = append(told, err) }
		d := open(t, c)
		before := keys(t, d)

		put(t, base, "ours.pem", public)
		for name, make := range map[string]func(path string){
			"theirs.pem": func(path string) {
				put(t, dir, "theirs.pem", public)
				give(path)
			},
			"their-link.pem": func(path string) { // to what belongs to us
				link("../ours.pem", "their-link.pem")
				give(path)
			},
			"to-theirs.pem": func(string) {
				put(t, base, "hers.pem", public)
				give(filepath.Join(base, "hers.pem"))
				link("../hers.pem", "to-theirs.pem")
			},
		} {
			make(filepath.Join(dir, name))
			_, err := Open(t.Context(), c)
			wantFileError(t, err, name)
			told = nil
			time.Sleep(c.Poll)
			if keys(t, d) != before || len(told) != 1 || told[0].Error() != err.Error() {
				t.Errorf("%s: %v", name, told)
			}
			remove(t, dir, name)
			time.Sleep(c.Poll)
			keys(t, d)
		}

		// Nor is what they made looked at, or it would be enough to be unreadable.
		remove(t, dir, second)
		link("nowhere", second)
		give(filepath.Join(dir, second))
		time.Sleep(c.Poll)
		if got := states(t, d); len(got) != 1 || got[first] != Active {
			t.Errorf("a key that was removed: %v", got)
		}
		remove(t, dir, second)

		// It is theirs, or not for others: they may.
		put(t, dir, "theirs.pem", public)
		give(filepath.Join(dir, "theirs.pem"))
		give(dir)
		open(t, c)
		if err := os.Chown(dir, 0, 0); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir, 0o775); err != nil {
			t.Fatal(err)
		}
		open(t, c)
	})
}

// changedBySystem is what others than tests use.
var changedBySystem = changed

// A file that comes late is late, whatever time of modification it was copied with,
// and a link to an old file too.
func TestLateCopyOfAnOldFile(t *testing.T) {
	defer func() { changed = fs.FileInfo.ModTime }()
	now := time.Now()
	for _, how := range []string{"copy", "link"} {
		dir := t.TempDir()
		old := putKey(t, dir, now.Add(-60*24*time.Hour))
		running := issuer(t, open(t, config(dir)))
		late := now.Add(-24*time.Hour).UTC().Format(layout) + ".pem"
		text, _ := private(t)
		path := filepath.Join(dir, late)
		changed = changedBySystem
		if how == "link" {
			changed = fs.FileInfo.ModTime // as if the target's change were as old
			path = filepath.Join(t.TempDir(), late)
			put(t, filepath.Dir(path), late, text)
			if err := os.Symlink(path, filepath.Join(dir, late)); err != nil {
				t.Fatal(err)
			}
		} else {
			put(t, dir, late, text)
		}
		week := now.Add(-7 * 24 * time.Hour)
		if err := os.Chtimes(path, week, week); err != nil { // as cp -p does
			t.Fatal(err)
		}
		d := open(t, config(dir))
		if got := states(t, d); got[old] != Retiring || got[late] != Active {
			t.Errorf("%s: %v", how, got)
		}
		issued, err := running.Issue(t.Context(), auth.Subject{UserID: "1", AuthTime: now})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := issuer(t, d).Parse(t.Context(), issued.Token); err != nil {
			t.Errorf("%s: a live token at a replica that starts: %v", how, err)
		}
	}
}

func issuer(t *testing.T, d *Directory) *auth.JWTIssuer {
	t.Helper()
	j, err := auth.NewJWTIssuer(auth.JWTConfig{Issuer: "a", Audience: "b", Source: d, TTL: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	return j
}
