package mysqltest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
)

// copyTemplate makes a fresh data directory. Making one from nothing takes half
// a second (MariaDB) to some seconds (MySQL), copying one takes milliseconds,
// so the first is kept in the user's cache, one per version of the server.
func copyTemplate(e engine, dir string) error {
	template, err := template(e)
	if err != nil {
		return err
	}
	if template == "" {
		return e.initialize(dir)
	}
	return os.CopyFS(dir, os.DirFS(template))
}

// template returns "" where this user can keep no cache.
func template(e engine) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", nil
	}
	cache = filepath.Join(cache, "auth-test", "data")
	if err := os.MkdirAll(cache, 0o700); err != nil {
		return "", nil
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s %d", e.server, e.version, os.Geteuid()))
	path := filepath.Join(cache, hex.EncodeToString(sum[:8]))
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	// Packages are tested in parallel: each builds beside and renames, the
	// first wins and the others throw theirs away.
	building, err := os.MkdirTemp(cache, "new")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(building)
	if err := e.initialize(building); err != nil {
		return "", err
	}
	if err := os.Rename(building, path); err != nil {
		if _, statErr := os.Stat(path); statErr != nil {
			return "", err
		}
	}
	return path, nil
}
