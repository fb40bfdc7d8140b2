package keyring

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed89488a0c/auth/internal/ci"
)

const (
	oldName = "19990101T000000Z.pem"
	okName  = "20010101T000000Z.pem"
)

// What a bad file does at the start, and to those who know better already.
func TestBadFiles(t *testing.T) {
	text, _ := private(t)
	other, public := private(t)
	write := func(text []byte, mode fs.FileMode) func(t *testing.T, path string) {
		return func(t *testing.T, path string) {
			if err := os.WriteFile(path, text, mode); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
		}
	}
	encrypted := []byte("-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIGbMFcGCSqGSIb3DQEFDTBK\n-----END ENCRYPTED PRIVATE KEY-----\n")
	for _, test := range []struct {
		what string
		name string
		make func(t *testing.T, path string)
	}{
		{"empty", okName, write(nil, 0o600)},
		{"garbage", okName, write([]byte("SECRET garbage"), 0o600)},
		{"truncated", okName, write(other[:len(other)/2], 0o600)},
		{"encrypted", okName, write(encrypted, 0o600)},
		{"two keys", okName, write(append(bytes.Clone(other), text...), 0o600)},
		{"1 MB", okName, write(bytes.Repeat([]byte("SECRET"), 1<<20/6), 0o600)},
		{"1 MB after a key", okName, write(append(bytes.Clone(other), bytes.Repeat([]byte("\n"), 1<<20)...), 0o600)},
		{"private without time", "private.pem", write(other, 0o600)},
		{"public with time", okName, write(public, 0o600)},
		{"readable for others", okName, write(other, 0o644)},
		{"writable for others", okName, write(other, 0o602)},
		{"public, writable for others", "public.pem", write(public, 0o646)},
		{"symlink loop", okName, func(t *testing.T, path string) {
			if err := os.Symlink(filepath.Base(path), path); err != nil {
				t.Fatal(err)
			}
		}},
		{"symlink to nothing", okName, func(t *testing.T, path string) {
			if err := os.Symlink("nowhere", path); err != nil {
				t.Fatal(err)
			}
		}},
		{"no permission", okName, func(t *testing.T, path string) {
			if os.Geteuid() == 0 {
				t.Skip("root may read everything") // TestUnreadable has another error of the system
			}
			write(other, 0)(t, path)
		}},
		{"the same key twice", okName, write(text, 0o600)},
	} {
		t.Run(test.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dir := t.TempDir()
				put(t, dir, oldName, text)
				c := config(dir)
				var told []error
				c.OnError = func(_ context.Context, err error) { told = append(told, err) }
				d := open(t, c)
				before := keys(t, d)

				test.make(t, filepath.Join(dir, test.name))
				opened, err := Open(t.Context(), c)
				wantFileError(t, err, test.name)
				if opened != nil || err == nil {
					t.Fatal("opened")
				}
				if test.what == "the same key twice" && !strings.Contains(err.Error(), oldName) {
					t.Errorf("got %v, want both names", err)
				}
				if strings.Contains(err.Error(), dir) || strings.Contains(err.Error(), "SECRET") {
					t.Errorf("says too much: %v", err)
				}
				for range 5 {
					time.Sleep(c.Poll)
					if keys(t, d) != before {
						t.Fatal("a bad file changed the keys")
					}
				}
				if len(told) != 1 || told[0].Error() != err.Error() {
					t.Errorf("OnError was told %v, want once %v", told, err)
				}

				// It is gone, and comes back: that is told again.
				os.Remove(filepath.Join(dir, test.name))
				time.Sleep(c.Poll)
				keys(t, d)
				test.make(t, filepath.Join(dir, test.name))
				time.Sleep(c.Poll)
				keys(t, d)
				if len(told) != 2 {
					t.Errorf("OnError was told %v", told)
				}
			})
		})
	}
}

// Who may make a file cannot write lines of a log with its name.
// ASVS 5.0 16.4.1
func TestFileErrorQuotesNames(t *testing.T) {
	base := t.TempDir()
	dir := filepath.Join(base, "keys\nall is well")
	if err := os.Mkdir(dir, 0o700); err != nil {
		ci.Missing(t, err)
	}
	c := config(dir)
	_, err := Open(t.Context(), c)
	if want := `keyring: directory "keys\nall is well": no key that can sign`; err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	text, _ := private(t)
	for _, name := range []string{"20010101T000000Z-\x1b[2J\xff.pem", "20010101T000000Z-\nlevel=info.pem"} {
		put(t, dir, name, text) // the second error names both
		_, err = Open(t.Context(), c)
	}
	wantFileError(t, err, "20010101T000000Z-\x1b[2J\xff.pem")
	if want := `keyring: "20010101T000000Z-\x1b[2J\xff.pem": the key ID is that of "20010101T000000Z-\nlevel=info.pem" too`; err.Error() != want {
		t.Errorf("got %q", err)
	}
	for _, rotate := range []time.Duration{0, time.Minute} {
		c.Path, c.Rotate = filepath.Join(base, "none"), rotate
		if _, err = Open(t.Context(), c); !errors.Is(err, fs.ErrNotExist) || !strings.HasPrefix(err.Error(), "keyring: directory none: ") {
			t.Errorf("a directory that is missing: %v", err)
		}
	}
}

// What is no key file is not looked at.
func TestIgnored(t *testing.T) {
	dir := t.TempDir()
	putKey(t, dir, time.Now())
	for _, name := range []string{".hidden.pem", "README", okName + "~", "20010101T000000Z.PEM", "key.txt"} {
		put(t, dir, name, []byte("garbage"))
	}
	for _, name := range []string{"folder.pem", okName, "..2026_data"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("folder.pem", filepath.Join(dir, "20020101T000000Z.pem")); err != nil {
		t.Fatal(err)
	}
	if n := len(keys(t, open(t, config(dir))).Keys); n != 1 {
		t.Errorf("%d keys", n)
	}
}

// As Kubernetes does it: files are links into a folder that a link is switched to.
func TestKubernetesMount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		link := func(to, from string) {
			t.Helper()
			os.Remove(filepath.Join(dir, from+".tmp"))
			if err := os.Symlink(to, filepath.Join(dir, from+".tmp")); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(filepath.Join(dir, from+".tmp"), filepath.Join(dir, from)); err != nil {
				t.Fatal(err)
			}
		}
		text, _ := private(t)
		next, public := private(t)
		for _, version := range []string{"..1", "..2"} {
			if err := os.Mkdir(filepath.Join(dir, version), 0o700); err != nil {
				t.Fatal(err)
			}
			put(t, dir, version+"/"+oldName, text)
		}
		later := time.Now().Add(time.Hour).UTC().Format(layout) + ".json"
		put(t, dir, "..2/"+later, next)
		link("..1", "..data")
		link("..data/"+oldName, oldName)
		d := open(t, config(dir))
		before := keys(t, d)
		link("..2", "..data")
		link("..data/"+later, later)
		time.Sleep(time.Second)
		set := keys(t, d)
		if len(set.Keys) != 2 || set.Keys[0].ID() != before.Keys[0].ID() {
			t.Errorf("got %v", set.Keys)
		}
		put(t, dir, "public.pem", public) // of a key that is there
		time.Sleep(time.Second)
		if keys(t, d) != set {
			t.Error("a second file of one key changed the keys")
		}
	})
}

func TestAtMost64Files(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		for i := range 64 {
			putKey(t, dir, time.Now().Add(time.Duration(i)*time.Hour))
		}
		var told []error
		c := config(dir)
		c.OnError = func(_ context.Context, err error) { told = append(told, err) }
		d := open(t, c)
		before := keys(t, d)
		putKey(t, dir, time.Now().Add(-time.Hour))
		_, err := Open(t.Context(), c)
		wantFileError(t, err, "")
		time.Sleep(c.Poll)
		if set := keys(t, d); set != before || len(set.Keys) != 64 || len(told) != 1 {
			t.Errorf("%d keys, told %v", len(set.Keys), told)
		}
	})
}
