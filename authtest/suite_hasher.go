package authtest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
)

// TestHasher holds an implementation against the contract of [auth.Hasher]. It
// computes some hundred hashes.
func TestHasher(t *testing.T, h auth.Hasher) {
	rules := []struct {
		name string
		test func(s hasher, t *testing.T)
	}{
		{"a hash verifies its password", hasher.roundTrip},
		{"a hash verifies no other password, however close", hasher.mismatch},
		{"a long password is never cut", hasher.long},
		{"every hash has a salt of its own", hasher.salted},
		{"Inspect describes what Hash makes", hasher.inspect},
		{"a string that is no hash is an error, never a match or a panic", hasher.garbage},
		{"Inspect is zero exactly where Verify returns an error", hasher.damaged},
		{"a *HashError says one thing that is so", hasher.reasons},
		{"no stored hash takes memory or time without bound", hasher.bounded},
		{"errors do not repeat the password", hasher.silentErrors},
		{"many may use it at once", hasher.concurrent},
	}
	for _, rule := range rules {
		if !wanted(t, rule.name) {
			continue
		}
		t.Run(rule.name, func(t *testing.T) { rule.test(hasher{Hasher: h}, t) })
	}
}

type hasher struct {
	auth.Hasher
	own time.Duration // that verifying a hash of its own takes, 0 = not measured
}

func (s hasher) hash(t testing.TB, password string) string {
	t.Helper()
	encoded, err := s.Hash(t.Context(), auth.NewPassword(password))
	if err != nil {
		t.Fatalf("Hash: %v", err)
	}
	if encoded == "" || len(encoded) > 1024 {
		t.Fatalf("Hash returned %d bytes, want 1 to 1024", len(encoded))
	}
	return encoded
}

func (s hasher) verify(t testing.TB, encoded, password string, want bool) {
	t.Helper()
	got, err := s.Verify(t.Context(), encoded, auth.NewPassword(password))
	if err != nil {
		t.Fatalf("Verify: %v", err)
	}
	if got != want {
		t.Errorf("Verify of %q returned %t, want %t", password, got, want)
	}
}

func (s hasher) roundTrip(t *testing.T) {
	for _, password := range []string{"correct horse", " ", " spaces at the ends ", "비밀번호", "👩🏽‍🚀", "e\u0301", "\xff\xfe not UTF-8", "\t\n"} {
		s.verify(t, s.hash(t, password), password, true)
	}
}

func (s hasher) mismatch(t *testing.T) {
	password := "Pass\u00e9word"
	encoded := s.hash(t, password)
	for _, other := range []string{
		"", "Pass", "Pass\u00e9wor", "pass\u00e9word", "Passeword", "Passe\u0301word", "\uff30ass\u00e9word", encoded,
		password + " ", " " + password, password + "\n", password + "\r\n", "\t" + password, password + "\x00x",
		"\ufeff" + password, "Pass\u200b\u00e9word", "Pass\u00e9word\u00ad", "Pass\u2060\u00e9word",
	} {
		s.verify(t, encoded, other, false)
	}
	encoded = s.hash(t, "Pass\xffword") // not UTF-8
	for _, other := range []string{"Pass\xfeword", "Pass\ufffdword", "Pass?word", "Password", "Pass\u00ffword", "Pass"} {
		s.verify(t, encoded, other, false)
	}
	encoded, err := s.Hash(t.Context(), auth.NewPassword("Pass\x00word"))
	if err != nil {
		return // refusing is not cutting; nobody has a password with a NUL at its end
	}
	for _, other := range []string{"Pass", "Pass\x00", "Pass\x00worm", "Password", "Pass\x00word\x00"} {
		s.verify(t, encoded, other, false)
	}
	s.verify(t, encoded, "Pass\x00word", true)
}

func (s hasher) long(t *testing.T) {
	for _, n := range []int{55, 56, 71, 72, 73, 127, 128, 255, 256, 1024, 4096} {
		password := strings.Repeat("x", n)
		encoded, err := s.Hash(t.Context(), auth.NewPassword(password))
		if err != nil {
			continue // refusing is not cutting
		}
		if at := s.Inspect(encoded).CutAt; at != 0 && n >= at {
			t.Errorf("Hash took a password of %d bytes, and Inspect says that it is cut at %d", n, at)
		}
		s.verify(t, encoded, password, true)
		s.verify(t, encoded, password[:n-1], false)
		s.verify(t, encoded, password[:n-1]+"y", false)
		s.verify(t, encoded, password+"x", false)
	}
}

func (s hasher) salted(t *testing.T) {
	if first, second := s.hash(t, "password"), s.hash(t, "password"); first == second {
		t.Error("two hashes of one password are the same")
	}
}

func (s hasher) inspect(t *testing.T) {
	next, made := s.Inspect(""), s.Inspect(s.hash(t, "password"))
	if next.Scheme == "" || next.MemoryBytes < 0 || next.Outdated || next.Weak {
		t.Errorf("Inspect of the empty string returned %+v, want what Hash makes now", next)
	}
	if next != made {
		t.Errorf("Inspect returned %+v for the empty string and %+v for a new hash", next, made)
	}
}

func (s hasher) silentErrors(t *testing.T) {
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	_, hash := s.Hash(canceled, auth.NewPassword("canary\x00"+strings.Repeat("canary", 2000)))
	_, verify := s.Verify(canceled, "$canary$", auth.NewPassword("canary"))
	for _, err := range []error{hash, verify} {
		if err != nil && strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), "canary") {
			t.Error("an error repeats the password or the hash")
		}
	}
}

func (s hasher) concurrent(t *testing.T) {
	encoded := s.hash(t, "password")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			password := []string{"password", "another"}[i%2]
			match, err := s.Verify(t.Context(), encoded, auth.NewPassword(password))
			if err != nil || match != (i%2 == 0) {
				t.Errorf("Verify returned %t, %v", match, err)
			}
			if _, err := s.Hash(t.Context(), auth.NewPassword(password)); err != nil {
				t.Errorf("Hash: %v", err)
			}
		})
	}
	wg.Wait()
}
