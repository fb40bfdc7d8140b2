package authtest

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
)

// The rules of this file are about hashes that Hash did not make: whoever can
// write one row of the store must not be able to log in with it, or to stop the
// service.

// What verifying one hash may take where that is less than the multiple, of what
// the hasher's own takes, that is allowed too.
const memoryAllowed, memoryFactor, timeFactor = 1 << 30, 64, 200

var timeAllowed = func(*testing.T) time.Duration { return 10 * time.Second } // other in the tests of this package

// attempt verifies a hash that may be damaged, hostile or none at all. It stops
// the test where that panics or is out of proportion.
func (s hasher) attempt(t *testing.T, stored string) (match bool, info auth.HashInfo, err error) {
	t.Helper()
	var panicked any
	watch := func(allowed time.Duration, f func()) {
		t.Helper()
		done := make(chan struct{})
		go func() {
			defer close(done)
			defer func() { panicked = recover() }()
			f()
		}()
		select {
		case <-done:
		case <-time.After(allowed):
			t.Fatalf("the hash %.80q takes more than %v: the hasher has no cap", stored, allowed)
		}
		if panicked != nil {
			t.Fatalf("the hash %.80q makes the hasher panic: %v", stored, panicked)
		}
	}
	watch(timeAllowed(t), func() { info = s.Inspect(stored) })
	// Asked first, so that nothing is allocated here that a hasher without caps would take.
	if allowed := max(memoryAllowed, memoryFactor*s.Inspect("").MemoryBytes); info.MemoryBytes > allowed {
		t.Fatalf("the hash %.80q takes %d bytes, more than %d: the hasher has no cap", stored, info.MemoryBytes, allowed)
	}
	watch(max(timeAllowed(t), timeFactor*s.own), func() { match, err = s.Verify(t.Context(), stored, auth.NewPassword("password")) })
	return match, info, err
}

// timed returns a hash of "password", and a hasher that knows how long it takes.
func (s hasher) timed(t *testing.T) (timed hasher, encoded string) {
	t.Helper()
	encoded = s.hash(t, "password")
	start := time.Now()
	s.verify(t, encoded, "password", true)
	s.own = time.Since(start)
	return s, encoded
}

func isHashError(err error) bool {
	return errors.Is(err, auth.ErrUnknownHash) || errors.Is(err, auth.ErrMalformedHash)
}

func (s hasher) garbage(t *testing.T) {
	for _, stored := range []string{
		"", " ", "\x00", "\xff", "$", "$$", "$$$$$$$$", "password", "*", "!", "{noop}password", "$0$", "$unknown$v=1$m=1$c2FsdHNhbHQ$aGFzaGhhc2g",
		strings.Repeat("$", 1<<20), strings.Repeat("x", 1<<20),
	} {
		match, info, err := s.attempt(t, stored)
		if match || !isHashError(err) {
			t.Errorf("Verify of %.80q returned %t, %v, want false and ErrUnknownHash or ErrMalformedHash", stored, match, err)
		}
		if stored != "" && info != (auth.HashInfo{}) { // "" stands for what Hash makes
			t.Errorf("Inspect of %.80q returned %+v, want zero", stored, info)
		}
	}
}

func (s hasher) damaged(t *testing.T) {
	s, encoded := s.timed(t)
	damaged := []string{
		encoded + " ", encoded + "\n", encoded + "\x00", encoded + "$", encoded + "$a", " " + encoded, encoded + encoded,
		strings.ToUpper(encoded), strings.Repeat(encoded, 10_000),
	}
	for i := 0; i < len(encoded); i += 1 + len(encoded)/24 {
		damaged = append(damaged, encoded[:i], encoded[i:], encoded[:i]+"\x00"+encoded[i+1:], encoded[:i]+"9"+encoded[i:])
	}
	for i := range min(4, len(encoded)) {
		damaged = append(damaged, encoded[:len(encoded)-1-i])
	}
	for _, n := range numbers(encoded) {
		for _, value := range []string{"", "0", "-1", "+" + n.text, "0" + n.text, " " + n.text} {
			damaged = append(damaged, n.replaced(value))
		}
	}
	for _, stored := range damaged {
		if stored == "" || stored == encoded {
			continue
		}
		match, info, err := s.attempt(t, stored)
		if match {
			t.Errorf("the damaged hash %.80q verifies the password", stored)
		}
		if err != nil && !isHashError(err) {
			t.Errorf("Verify of the damaged hash %.80q returned %v, want ErrUnknownHash or ErrMalformedHash", stored, err)
		}
		if (info == auth.HashInfo{}) != (err != nil) {
			t.Errorf("of the damaged hash %.80q Inspect says %+v and Verify %v", stored, info, err)
		}
	}
}

// bounded doubles each number in a hash, its costs among them, until the hasher
// refuses it, which it has to before attempt does.
func (s hasher) bounded(t *testing.T) {
	s, encoded := s.timed(t)
	for _, n := range numbers(encoded) {
		value, err := strconv.ParseUint(n.text, 10, 64)
		for value = max(value, 1); err == nil && value < 1<<63; {
			value *= 2
			_, _, err = s.attempt(t, n.replaced(fmt.Sprint(value)))
		}
	}
}

// number is a decimal number between two separators of an encoded hash.
type number struct{ before, text, after string }

func (n number) replaced(text string) string { return n.before + text + n.after }

func numbers(encoded string) []number {
	var found []number
	const separators = "$=,:|"
	for start := 0; start < len(encoded); {
		end := start
		for end < len(encoded) && !strings.ContainsRune(separators, rune(encoded[end])) {
			end++
		}
		if text := encoded[start:end]; text != "" && strings.Trim(text, "0123456789") == "" {
			found = append(found, number{encoded[:start], text, encoded[end:]})
		}
		start = end + 1
	}
	return found
}
