package keyring

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
)

// private returns a new private key as PEM, and the PEM of its public half.
func private(t testing.TB) (text, public []byte) {
	t.Helper()
	pub, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	der, err = x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	return text, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// TestMain takes the time of a file's modification, which a test can set, for that
// of its change.
func TestMain(m *testing.M) {
	changed = fs.FileInfo.ModTime
	m.Run()
}

// put writes a file that is as old as it can be by the clock of the test.
func put(t testing.TB, dir, name string, text []byte) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, time.Now(), time.Now()); err != nil {
		t.Fatal(err)
	}
}

// putKey writes a new key that signs from then on.
func putKey(t testing.TB, dir string, from time.Time) (name string) {
	t.Helper()
	text, _ := private(t)
	name = from.UTC().Format(layout) + ".pem"
	put(t, dir, name, text)
	return name
}

func remove(t testing.TB, dir, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

// config is one with a lead of 5 + 2 + 10 seconds, in which a key verifies for
// 60 + 2 + 10 after it signed.
func config(dir string) Config {
	return Config{Path: dir, Poll: time.Second, MaxAge: 5 * time.Second, MaxTTL: time.Minute}
}

func open(t testing.TB, c Config) *Directory {
	t.Helper()
	d, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func keys(t testing.TB, d *Directory) *auth.KeySet {
	t.Helper()
	set, err := d.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// states returns the state of every file, after a call of Keys.
func states(t testing.TB, d *Directory) map[string]State {
	t.Helper()
	set := keys(t, d)
	all := map[string]State{}
	for _, s := range d.Status() {
		all[s.File] = s.State
		if s.State == Active && set.Keys[0].ID() != s.ID {
			t.Errorf("%s is active, and another key signs", s.File)
		}
	}
	return all
}

func activeFile(t testing.TB, d *Directory) string {
	t.Helper()
	for name, s := range states(t, d) {
		if s == Active {
			return name
		}
	}
	t.Fatal("no key is active")
	return ""
}

func wantFileError(t testing.TB, err error, name string) {
	t.Helper()
	if e, ok := errors.AsType[*FileError](err); !ok || e.Name != name {
		t.Errorf("got %v, want a FileError of %q", err, name)
	}
}
