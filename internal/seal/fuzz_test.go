package seal_test

import (
	"encoding/base64"
	"errors"
	"testing"
	"time"

	"github.com/seed89488a0c/auth/internal/seal"
)

// Of all texts one opens: the one that was sealed.
func FuzzOpen(f *testing.F) {
	b := box(0x90, 0x80)
	end := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	f.Add(known, "user-id", int64(0))
	f.Add(known+"A", "user-id", int64(1))
	f.Fuzz(func(t *testing.T, text, bound string, later int64) {
		at := end.Add(time.Duration(later))
		plain, err := b.Open(text, at, bound, "", "ab")
		authentic := text == known && bound == "user-id"
		switch {
		case authentic && later < 0:
			if err != nil || string(plain) != "a short text" {
				t.Errorf("got %q, %v", plain, err)
			}
		case plain != nil || authentic != errors.Is(err, seal.ErrExpired) || !errors.Is(err, seal.ErrInvalid):
			t.Errorf("got %q, %v", plain, err)
		}
	})
}

// What is sealed opens for what it is bound to, and for nothing else; a byte of it that is
// changed makes it worthless.
func FuzzSeal(f *testing.F) {
	b := box(0x80)
	f.Add([]byte("a short text"), "ab", "c", "a", "bc", int64(1893456000), uint(0), byte(1))
	f.Add([]byte{}, "", "", "", "\x00", int64(-1), uint(30), byte(0x80))
	f.Fuzz(func(t *testing.T, plain []byte, x, y, x2, y2 string, seconds int64, at uint, change byte) {
		end := time.Unix(seconds, 0)
		text, err := b.Seal(plain, end, x, y)
		switch tooLong := len(plain) > seal.MaxPlain || 8+len(x)+len(y) > seal.MaxBound; {
		case tooLong != (err == seal.ErrSize):
			t.Fatalf("%v", err)
		case tooLong:
			return
		case (seconds < 0 || seconds >= 253402300800) != (err == seal.ErrExpiry):
			t.Fatalf("expiry %d: %v", seconds, err)
		case err != nil:
			return
		}
		if got, err := b.Open(text, end.Add(-1), x, y); err != nil || string(got) != string(plain) {
			t.Errorf("got %q, %v, want %q", got, err, plain)
		}
		refuses(t, b, text, end, seal.ErrExpired, x, y)
		if x != x2 || y != y2 {
			refuses(t, b, text, end.Add(-1), seal.ErrInvalid, x2, y2)
		}
		raw, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		if raw[at%uint(len(raw))] ^= change; change != 0 {
			refuses(t, b, base64.RawURLEncoding.EncodeToString(raw), end.Add(-1), seal.ErrInvalid, x, y)
		}
	})
}
