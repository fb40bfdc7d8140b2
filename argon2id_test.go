package auth_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
)

// ASVS 5.0 6.2.8
func TestArgon2id(t *testing.T) { authtest.TestHasher(t, auth.Argon2id{}) }

// From the test suite of the reference implementation (P-H-C/phc-winner-argon2,
// src/test.c).
var knownHashes = []struct{ password, encoded string }{
	{"password", "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"},
	{"password", "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"},
	{"password", "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc"},
	{"password", "$argon2id$v=19$m=65536,t=1,p=1$c29tZXNhbHQ$9qWtwbpyPd3vm1rB1GThgPzZ3/ydHL92zKL+15XZypg"},
	{"password", "$argon2id$v=19$m=65536,t=4,p=1$c29tZXNhbHQ$kCXUjmjvc5XMqQedpMTsOv+zyJEf5PhtGiUghW9jFyw"},
	{"differentpassword", "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$C4TWUs9rDEvq7w3+J4umqA32aWKB1+DSiRuBfYxFj94"},
	{"password", "$argon2id$v=19$m=65536,t=2,p=1$ZGlmZnNhbHQ$vfMrBczELrFdWP0ZsfhWsRPaHppYdP3MVEMIVlqoFBw"},
}

// ASVS 5.0 11.4.2
func TestArgon2idKnownAnswers(t *testing.T) {
	for _, known := range knownHashes {
		match, err := auth.Argon2id{}.Verify(t.Context(), known.encoded, auth.NewPassword(known.password))
		if err != nil || !match {
			t.Errorf("%s: got %t, %v", known.encoded, match, err)
		}
		match, err = auth.Argon2id{}.Verify(t.Context(), known.encoded, auth.NewPassword(known.password+"x"))
		if err != nil || match {
			t.Errorf("%s with another password: got %t, %v", known.encoded, match, err)
		}
	}
}

const (
	salt8    = "c29tZXNhbHQ"
	digest32 = "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
)

// A stored hash may be hostile: none of these may panic, or be computed.
func TestArgon2idRefuses(t *testing.T) {
	tests := []struct {
		name, encoded string
		want          error
	}{
		{"empty", "", auth.ErrUnknownHash},
		{"bcrypt", "$2b$12$abcdefghijklmnopqrstuuUYd9XmG9EQKmBFBa8Hz1bkHYzXRHrga", auth.ErrUnknownHash},
		{"argon2i", "$argon2i$v=19$m=19456,t=2,p=1$" + salt8 + "$" + digest32, auth.ErrUnknownHash},
		{"capitals", "$ARGON2ID$v=19$m=19456,t=2,p=1$" + salt8 + "$" + digest32, auth.ErrUnknownHash},
		{"only the scheme", "$argon2id$", auth.ErrMalformedHash},
		{"old version", "$argon2id$v=16$m=19456,t=2,p=1$" + salt8 + "$" + digest32, auth.ErrMalformedHash},
		{"no version", "$argon2id$m=19456,t=2,p=1$" + salt8 + "$" + digest32, auth.ErrMalformedHash},
		{"no passes", "$argon2id$v=19$m=19456,t=0,p=1$" + salt8 + "$" + digest32, auth.ErrMalformedHash},
		{"no threads", "$argon2id$v=19$m=19456,t=2,p=0$" + salt8 + "$" + digest32, auth.ErrMalformedHash},
		{"257 threads", "$argon2id$v=19$m=19456,t=2,p=257$" + salt8 + "$" + digest32, auth.ErrMalformedHash},
		{"17 threads", "$argon2id$v=19$m=19456,t=2,p=17$" + salt8 + "$" + digest32, auth.ErrMalformedHash},
		{"less memory than threads need", "$argon2id$v=19$m=15,t=2,p=2$" + salt8 + "$" + digest32, auth.ErrMalformedHash},
		{"no memory", "$argon2id$v=19$m=0,t=2,p=1$" + salt8 + "$" + digest32, auth.ErrMalformedHash},
		{"4 TiB", "$argon2id$v=19$m=4294967295,t=1,p=1$" + salt8 + "$" + digest32, auth.ErrMalformedHash},
		{"256 MiB and a little", "$argon2id$v=19$m=262145,t=1,p=1$" + salt8 + "$" + digest32, auth.ErrMalformedHash},
		{"a day of passes", "$argon2id$v=19$m=19456,t=4294967295,p=1$" + salt8 + "$" + digest32, auth.ErrMalformedHash},
		{"17 passes", "$argon2id$v=19$m=64,t=17,p=1$" + salt8 + "$" + digest32, auth.ErrMalformedHash},
		{"more than 1 GiB together", "$argon2id$v=19$m=262144,t=5,p=1$" + salt8 + "$" + digest32, auth.ErrMalformedHash},
		{"over 32 bits", "$argon2id$v=19$m=4294967296,t=2,p=1$" + salt8 + "$" + digest32, auth.ErrMalformedHash},
		{"a sign", "$argon2id$v=19$m=+19456,t=2,p=1$" + salt8 + "$" + digest32, auth.ErrMalformedHash},
		{"a leading zero", "$argon2id$v=19$m=019456,t=2,p=1$" + salt8 + "$" + digest32, auth.ErrMalformedHash},
		{"another order", "$argon2id$v=19$t=2,m=19456,p=1$" + salt8 + "$" + digest32, auth.ErrMalformedHash},
		{"an unknown parameter", "$argon2id$v=19$m=19456,t=2,p=1,keyid=1$" + salt8 + "$" + digest32, auth.ErrMalformedHash},
		{"no salt", "$argon2id$v=19$m=19456,t=2,p=1$$" + digest32, auth.ErrMalformedHash},
		{"short salt", "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbA$" + digest32, auth.ErrMalformedHash},
		{"no digest", "$argon2id$v=19$m=19456,t=2,p=1$" + salt8 + "$", auth.ErrMalformedHash},
		{"digest of one byte", "$argon2id$v=19$m=19456,t=2,p=1$" + salt8 + "$CQ", auth.ErrMalformedHash},
		{"digest of 15 bytes", "$argon2id$v=19$m=19456,t=2,p=1$" + salt8 + "$CTFhFdXPJO1aFaMaO6Mm", auth.ErrMalformedHash},
		{"padded digest", "$argon2id$v=19$m=19456,t=2,p=1$" + salt8 + "$" + digest32 + "=", auth.ErrMalformedHash},
		{"trailing bits", "$argon2id$v=19$m=19456,t=2,p=1$" + salt8 + "$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPd", auth.ErrMalformedHash},
		{"line break", "$argon2id$v=19$m=19456,t=2,p=1$" + salt8 + "$\n" + digest32, auth.ErrMalformedHash},
		{"10 MB", "$argon2id$v=19$m=19456,t=2,p=1$" + salt8 + "$" + strings.Repeat("A", 10<<20), auth.ErrMalformedHash},
	}
	for _, test := range tests {
		match, err := auth.Argon2id{}.Verify(t.Context(), test.encoded, auth.NewPassword("password"))
		if match || !errors.Is(err, test.want) {
			t.Errorf("%s: got %t, %v, want %v", test.name, match, err, test.want)
		}
		if info := (auth.Argon2id{}).Inspect(test.encoded); test.encoded != "" && info != (auth.HashInfo{}) {
			t.Errorf("%s: Inspect returned %+v", test.name, info)
		}
	}
}

// The caps are never below the hasher's own parameters.
func TestArgon2idCapsRiseWithTheParameters(t *testing.T) {
	encoded := "$argon2id$v=19$m=%d,t=%d,p=%d$" + salt8 + "$" + digest32
	tests := []struct {
		hasher                auth.Argon2id
		memory, time, threads int
		want                  bool
	}{
		{auth.Argon2id{}, 256 << 10, 4, 1, true},
		{auth.Argon2id{}, 512 << 10, 1, 1, false},
		{auth.Argon2id{MemoryKiB: 512 << 10}, 512 << 10, 2, 1, true},
		{auth.Argon2id{MemoryKiB: 512 << 10}, 512 << 10, 3, 1, false},
		{auth.Argon2id{Time: 40}, 19456, 40, 1, true},
		{auth.Argon2id{Time: 40}, 19456, 41, 1, false},
		{auth.Argon2id{Threads: 32}, 19456, 2, 32, true},
		{auth.Argon2id{Threads: 32}, 19456, 2, 33, false},
	}
	for _, test := range tests {
		info := test.hasher.Inspect(fmt.Sprintf(encoded, test.memory, test.time, test.threads))
		if got := info.Scheme != ""; got != test.want {
			t.Errorf("%+v reads m=%d t=%d p=%d: %t, want %t", test.hasher, test.memory, test.time, test.threads, got, test.want)
		}
		if test.want && info.MemoryBytes != int64(test.memory)<<10 {
			t.Errorf("%d KiB are said to take %d bytes", test.memory, info.MemoryBytes)
		}
	}
}

// ASVS 5.0 11.2.2
func TestArgon2idOutdated(t *testing.T) {
	const salt16 = "c29tZXNhbHRzb21lc2FsdA"
	tests := []struct {
		hasher auth.Argon2id
		params string
		salt   string
		want   bool
	}{
		{auth.Argon2id{}, "m=19456,t=2,p=1", salt16, false},
		{auth.Argon2id{}, "m=19456,t=2,p=1", salt8, true},
		{auth.Argon2id{}, "m=19455,t=2,p=1", salt16, true},
		{auth.Argon2id{}, "m=19456,t=1,p=1", salt16, true},
		{auth.Argon2id{}, "m=65536,t=2,p=4", salt16, false},
		{auth.Argon2id{}, "m=155648,t=1,p=1", salt16, false}, // four times as dear
		{auth.Argon2id{}, "m=155649,t=1,p=1", salt16, true},
		{auth.Argon2id{}, "m=65536,t=3,p=4", salt16, true},  // argon2-cffi's, five times
		{auth.Argon2id{}, "m=262144,t=4,p=1", salt16, true}, // thirty times
		{auth.Argon2id{Time: 3, MemoryKiB: 65536}, "m=262144,t=4,p=1", salt16, true},
		{auth.Argon2id{}, "m=47104,t=1,p=1", salt16, false}, // as strong, in OWASP's table
		{auth.Argon2id{}, "m=4096,t=16,p=1", salt16, true},  // as long, but below the floor
		{auth.Argon2id{Time: 3}, "m=19456,t=2,p=1", salt16, true},
		{auth.Argon2id{MemoryKiB: 65536, Time: 1}, "m=19456,t=2,p=1", salt16, true},
		{auth.Argon2id{MemoryKiB: 65536, Time: 1}, "m=19456,t=4,p=1", salt16, false}, // no going back and forth
		{auth.Argon2id{Time: 4}, "m=65536,t=1,p=1", salt16, true},
	}
	for _, test := range tests {
		info := test.hasher.Inspect("$argon2id$v=19$" + test.params + "$" + test.salt + "$" + digest32)
		if info.Scheme != "argon2id" || info.Outdated != test.want {
			t.Errorf("%+v says of %s: %+v, want outdated %t", test.hasher, test.params, info, test.want)
		}
	}
}

// Whoever can write a row cannot make every login of that user cost many times the
// usual: the next one makes the hash anew, as cheap as any.
func TestDearHashIsMadeCheaper(t *testing.T) {
	store := auth.NewMemoryStore()
	a := newAuth(t, store, auth.Options{Hasher: auth.Argon2id{}})
	dear, err := auth.Argon2id{MemoryKiB: 64 << 10, Time: 3}.Hash(t.Context(), auth.NewPassword(password))
	if err != nil {
		t.Fatal(err)
	}
	importUser(t, a, email, dear)
	for range 2 {
		if err := login(t, a, password); err != nil {
			t.Fatal(err)
		}
	}
	if r, err := store.UserByEmail(t.Context(), email); err != nil || !strings.HasPrefix(r.PasswordHash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("stored is %.40s…, %v", r.PasswordHash, err)
	}
}

// ASVS 5.0 11.4.2
func TestArgon2idFloors(t *testing.T) {
	tests := []struct {
		hasher auth.Argon2id
		ok     bool
	}{
		{auth.Argon2id{}, true},
		{auth.Argon2id{Time: 1, MemoryKiB: 46 << 10}, true},
		{auth.Argon2id{Time: 1, MemoryKiB: 46<<10 - 1}, false},
		{auth.Argon2id{Time: 2, MemoryKiB: 19<<10 - 1}, false},
		{auth.Argon2id{Time: 3, MemoryKiB: 12 << 10}, true},
		{auth.Argon2id{Time: 3, MemoryKiB: 12<<10 - 1}, false},
		{auth.Argon2id{Time: 9, MemoryKiB: 12<<10 - 1}, false},
		{auth.Argon2id{MemoryKiB: 4<<20 + 1}, false},
	}
	for _, test := range tests {
		encoded, err := test.hasher.Hash(t.Context(), auth.NewPassword("password"))
		if (err == nil) != test.ok || (encoded == "") != (err != nil) {
			t.Errorf("%+v: got %q, %v", test.hasher, encoded, err)
		}
	}
}
