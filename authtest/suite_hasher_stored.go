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
	for _, stored := range damages(encoded) {
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
		if info.Weak && !info.Outdated {
			t.Errorf("of the damaged hash %.80q Inspect says that it is weak and not outdated", stored)
		}
	}
}

// damages returns what may become of a stored hash.
func damages(encoded string) []string {
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
	return damaged
}

// reasons holds what a *HashError says against what can be known of it here. A hasher
// that returns none passes.
func (s hasher) reasons(t *testing.T) {
	s, encoded := s.timed(t)
	stored := append(damages(encoded), "$unknown$canary$canary", "!canary", "canary "+encoded, encoded+"canary")
	for _, n := range numbers(encoded) {
		for value := uint64(1); value != 0; value *= 16 {
			stored = append(stored, n.replaced(fmt.Sprint(value)))
		}
		stored = append(stored, n.replaced("99999999999999999999"))
	}
	for _, stored := range stored {
		if stored == encoded || s.Inspect(stored).Scheme != "" {
			continue
		}
		_, _, err := s.attempt(t, stored)
		why, ok := errors.AsType[*auth.HashError](err)
		if !ok {
			continue
		}
		unknown, malformed := errors.Is(err, auth.ErrUnknownHash), errors.Is(err, auth.ErrMalformedHash)
		switch why.Code {
		case "hash_unknown", "hash_no_password":
			ok = unknown && !malformed
		case "hash_damaged", "hash_too_costly", "hash_white_space":
			ok = malformed && !unknown
		default:
			ok = false
		}
		costly := why.Code == "hash_too_costly"
		if !ok || costly != (why.Limit != "") || costly != (why.Value > why.Max) || !costly && why.Value+why.Max > 0 {
			t.Errorf("Verify of %.80q returned %+v, which matches ErrUnknownHash: %t, ErrMalformedHash: %t", stored, *why, unknown, malformed)
		}
		if costly && why.Scheme == "" || why.Code == "hash_unknown" && why.Scheme != "" {
			t.Errorf("Verify of %.80q returned %+v: the scheme is missing, or known", stored, *why)
		}
		if strings.Contains(why.Error(), "canary") {
			t.Errorf("the error for %.80q repeats it", stored)
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
