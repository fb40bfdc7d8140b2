package secrets_test

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/seed89488a0c/auth/internal/secrets"
)

func TestWrong(t *testing.T) {
	good, other := bytes.Repeat([]byte{0xFE}, 32), bytes.Repeat([]byte{0xFD}, 33)
	for _, tt := range []struct {
		name    string
		secrets [][]byte
		want    []string
	}{
		{"none", nil, nil},
		{"two", [][]byte{good, other}, nil},
		{"short", [][]byte{good[:31]}, []string{"one has fewer than 32 bytes"}},
		{"text", [][]byte{[]byte(strings.Repeat("a long passphrase ", 3))}, []string{"one is text, not random bytes"}},
		{"twice", [][]byte{good, other, bytes.Clone(good)}, []string{"one is there twice"}},
		{"all", [][]byte{[]byte("abc"), []byte("abc")}, []string{
			"one has fewer than 32 bytes", "one is text, not random bytes",
			"one has fewer than 32 bytes", "one is text, not random bytes", "one is there twice",
		}},
	} {
		if got := secrets.Wrong(tt.secrets); !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// What was made of a secret must not change: other replicas make it too.
func TestKey(t *testing.T) {
	secret := bytes.Repeat([]byte{0x0B}, 32)
	// RFC 5869 by hand: HMAC(HMAC(32 zeros, secret), "auth decoys" \x01).
	const want = "98befd294d5800e3aba6d2acf9d35178e878935c11f7b0a266b23c91b43ce71c"
	if got := hex.EncodeToString(secrets.Key(secret, "auth decoys")); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if bytes.Equal(secrets.Key(secret, "auth decoys"), secrets.Key(secret, "another")) {
		t.Error("two purposes have one key")
	}
}
