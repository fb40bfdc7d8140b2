package token_test

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed89488a0c/auth/internal/token"
)

func TestReadFile(t *testing.T) {
	random := []byte(strings.Repeat("\xffsecret\n", 4))
	want, err := token.NewSecret(random)
	must(t, want, err)
	path := filepath.Join(t.TempDir(), "key")
	for _, tt := range []struct{ name, content, refused string }{
		{"random bytes", string(random), ""},
		{"hexadecimal", hex.EncodeToString(random) + "\n", ""},
		{"a passphrase", "the canary of a tutorial, as a passphrase", "passphrase"},
		{"as much as a key has, and white space", hex.EncodeToString(random) + strings.Repeat(" ", token.MaxKeyText-64), ""},
		{"one byte more", hex.EncodeToString(random) + strings.Repeat(" ", token.MaxKeyText-63), "too long"},
	} {
		if err := os.WriteFile(path, []byte(tt.content), 0o600); err != nil {
			t.Fatal(err)
		}
		key, err := token.ReadFile(path)
		if tt.refused == "" && (err != nil || key.ID() != want.ID()) {
			t.Errorf("%s: got %v, %v", tt.name, key, err)
		}
		if tt.refused != "" && (err == nil || key.ID() != "" || strings.Contains(err.Error(), "canary")) {
			t.Errorf("%s: got %v, %v", tt.name, key, err)
		}
	}
	for path, why := range map[string]string{path + "x": "key file: ", t.TempDir(): "key file: not a regular file", os.DevNull: "key file: not a regular file"} {
		if key, err := token.ReadFile(path); err == nil || !strings.HasPrefix(err.Error(), why) || key.ID() != "" {
			t.Errorf("%s: got %v, %v", path, key, err)
		}
	}
}
