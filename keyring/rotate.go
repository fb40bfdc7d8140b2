package keyring

import (
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// algorithms are those that [newPrivateKey] knows.
const algorithms = "EdDSA ES256 ES384 ES512 RS256"

const (
	// autoSuffix marks the files that rotation made, and may remove.
	autoSuffix = "-auto.pem"

	// tempPrefix begins the names of files that are being written. One that is
	// left behind is removed by rotation after tempAge.
	tempPrefix = ".keyring-"
	tempAge    = time.Hour
)

// firstKey is the file that rotation makes in an empty directory. It has no time
// of the clock's: replicas that start at once must make the same file, also
// around the end of a period.
const firstKey = "19700101T000000Z" + autoSuffix

// Generate makes a key file in the directory at path, for a key that signs from
// signsFrom on, rounded up to a second, and returns its base name. The algorithm
// is one of Config.Algorithm. The file appears complete or not at all, with mode
// 0600. One that exists is not touched; the error matches [fs.ErrExist] then.
//
// The time should be a lead in the future, as the package comment explains; that of
// the first key may be any that is past.
func Generate(path, algorithm string, signsFrom time.Time) (file string, err error) {
	from := signsFrom.UTC().Add(time.Second - 1).Truncate(time.Second)
	file = from.Format(layout) + ".pem"
	if t, _ := parseName(file); t.IsZero() || !t.Equal(from) {
		return "", errors.New("keyring: Generate: signsFrom is not within the years 1970 to 9999")
	}
	err = makeKey(path, file, cmp.Or(algorithm, "EdDSA"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", fileError(path, "", err)
	case err != nil:
		return "", fileError(path, file, err)
	}
	return file, nil
}

// rotate makes the key of the next period if it is time for it, and removes keys
// that are of no use to anybody. It reports whether anything changed.
//
// What is removed is lost to all replicas, also if only this one's clock said so: it
// has to say so for a lead, in which a clock that jumped is set right.
func (d *Directory) rotate(files []*file, now time.Time) (changed bool, problems []*FileError) {
	c, before := &d.config, d.useless
	d.useless = map[*file]time.Time{}
	report := func(name string, err error) {
		changed = changed || err == nil
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrExist) {
			problems = append(problems, fileError(c.Path, name, err))
		}
	}
	period := int64(c.Rotate / time.Second)
	next := time.Unix((now.Unix()/period+1)*period, 0).UTC()
	due := !now.Before(next.Add(-c.ahead())) && !now.After(next.Add(-c.latest()))
	states, _ := c.states(files, now)
	for i, s := range states {
		if stamp, _ := parseName(s.File); stamp.Equal(next) {
			due = false // also if somebody else made it
		}
		if s.State != Retired || !now.After(s.VerifiesUntil.Add(c.lead())) || !strings.HasSuffix(s.File, autoSuffix) {
			continue
		}
		since, known := before[files[i]]
		if !known {
			since = time.Now()
		}
		d.useless[files[i]] = since
		if time.Since(since) >= c.lead() {
			report(s.File, os.Remove(filepath.Join(c.Path, s.File)))
		}
	}
	if due {
		name := next.Format(layout) + autoSuffix
		report(name, makeKey(c.Path, name, c.Algorithm))
	}
	return changed, problems
}

// tidy removes what a process that ended while it made a key has left behind. It
// fails where no key could be made either, which is better known at the start.
func (c *Config) tidy(now time.Time) error {
	temp, err := os.CreateTemp(c.Path, tempPrefix+"*")
	if err != nil {
		return err
	}
	temp.Close()
	if err := os.Remove(temp.Name()); err != nil {
		return err
	}
	entries, err := os.ReadDir(c.Path)
	for _, e := range entries {
		if info, err := e.Info(); err == nil && strings.HasPrefix(e.Name(), tempPrefix) && now.Sub(info.ModTime()) > tempAge {
			os.Remove(filepath.Join(c.Path, e.Name())) // or another replica did
		}
	}
	return err
}

// makeKey writes a new key to a file that does not exist. The file's name appears
// with all of its content, and for one of those who make it at once.
func makeKey(dir, name, algorithm string) error {
	private, err := newPrivateKey(algorithm)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return err
	}
	temp, err := os.CreateTemp(dir, tempPrefix+"*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	err = pem.Encode(temp, &pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if err == nil {
		err = temp.Sync()
	}
	if closed := temp.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	if err := os.Link(temp.Name(), filepath.Join(dir, name)); err != nil { // unlike a rename it never replaces
		return err
	}
	return syncDir(dir)
}

// syncDir makes a new name in a directory survive a power failure.
func syncDir(path string) error {
	if !posix {
		return nil // Windows cannot
	}
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

// newPrivateKey returns a key whose PEM form [auth.ParseKey] takes for the algorithm.
func newPrivateKey(algorithm string) (crypto.Signer, error) {
	switch algorithm {
	case "EdDSA":
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	case "ES256":
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ES384":
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "ES512":
		return ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case "RS256":
		return rsa.GenerateKey(rand.Reader, 2048)
	}
	return nil, errors.New("unknown algorithm")
}
