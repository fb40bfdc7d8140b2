// Package ci is what a test does that lacks something of the machine it runs on.
package ci

import (
	"os"
	"testing"
)

// Missing skips a test for what is missing. Where the variable CI is set it fails: there
// everything has to be installed, and a test that was skipped has shown nothing.
func Missing(t testing.TB, what ...any) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(what...)
	}
	t.Skip(what...)
}
