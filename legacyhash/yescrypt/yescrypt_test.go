package yescrypt_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
	"github.com/seed89488a0c/auth/legacyhash"
	"github.com/seed89488a0c/auth/legacyhash/yescrypt"
)

type known struct {
	Stored, Password string
	Match            bool
}

// knownAnswers were made by libxcrypt 4.4.33: mkpasswd -m yescrypt -R 1, 3 and 5.
func knownAnswers(t testing.TB) []known {
	t.Helper()
	file, err := os.Open("testdata/known.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var list []known
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var k known
		if err := json.Unmarshal(lines.Bytes(), &k); err != nil {
			t.Fatal(err)
		}
		list = append(list, k)
	}
	return list
}

func TestKnownAnswers(t *testing.T) {
	h, err := legacyhash.Combine(authtest.Hasher{}, yescrypt.Hasher{}, legacyhash.Crypt{})
	if err != nil {
		t.Fatal(err)
	}
	list := knownAnswers(t)
	for _, k := range list {
		if match, err := h.Verify(t.Context(), k.Stored, auth.NewPassword(k.Password)); err != nil || match != k.Match {
			t.Errorf("Verify of %q against %s returned %t, %v, want %t", k.Password, k.Stored, match, err, k.Match)
		}
		if info := h.Inspect(k.Stored); info.Scheme != "yescrypt" || !info.Outdated || info.Weak {
			t.Errorf("Inspect of %s returned %+v", k.Stored, info)
		}
	}
	if len(list) < 10 {
		t.Errorf("%d known answers", len(list))
	}
	if info := h.Inspect(list[len(list)-1].Stored); info.MemoryBytes != 16<<20 {
		t.Errorf("libxcrypt's default is %+v", info)
	}
}

func TestRefused(t *testing.T) {
	digest := strings.Repeat(".", 43)
	for stored, want := range map[string]auth.HashError{
		"$gy$j9T$salt$" + digest:        {},
		"$7$salt$" + digest:             {},
		"":                              {},
		"$y$j9T$" + digest:              {Code: "hash_damaged"},
		"$y$k9T$..$" + digest:           {Code: "hash_damaged"},
		"$y$j0T$..$" + digest:           {Code: "hash_damaged"},
		"$y$jIT$..$" + digest:           {Code: "hash_damaged"},
		"$y$j9!$..$" + digest:           {Code: "hash_damaged"},
		"$y$j9T$..$" + digest[1:]:       {Code: "hash_damaged"},
		"$y$j9T$..$" + digest[1:] + "z": {Code: "hash_damaged"},
		"$y$j9T$.z$" + digest:           {Code: "hash_damaged"},
		"$y$j9T$..$" + digest + "\n":    {Code: "hash_damaged"},
		"$y$j9T$..$" + digest + strings.Repeat("$", 1<<20): {Code: "hash_damaged"},
		"$y$jET$..$" + digest:                              {Code: "hash_too_costly", Limit: "memory", Value: 512 << 20, Max: 256 << 20},
		"$y$jFT$..$" + digest:                              {Code: "hash_too_costly", Limit: "memory", Value: 1 << 30, Max: 256 << 20},
	} {
		match, err := yescrypt.Hasher{}.Verify(t.Context(), stored, auth.NewPassword("password"))
		why, _ := errors.AsType[*auth.HashError](err)
		if want.Code == "" {
			if match || err != auth.ErrUnknownHash {
				t.Errorf("Verify of %.60q returned %t, %v", stored, match, err)
			}
		} else if want.Scheme = "yescrypt"; match || why == nil || *why != want {
			t.Errorf("Verify of %.60q returned %t, %+v, want %+v", stored, match, err, want)
		}
		if info := (yescrypt.Hasher{}).Inspect(stored); info != (auth.HashInfo{}) {
			t.Errorf("Inspect of %.60q returned %+v", stored, info)
		}
	}
	if encoded, err := (yescrypt.Hasher{}).Hash(t.Context(), auth.NewPassword("password")); encoded != "" || err == nil {
		t.Errorf("Hash returned %q, %v", encoded, err)
	}
}

// No password has a NUL or 512 bytes, and no damaged hash one.
func TestDamaged(t *testing.T) {
	for _, k := range knownAnswers(t) {
		if !k.Match || !strings.HasPrefix(k.Stored, "$y$j75$") {
			continue // the cheapest
		}
		for _, password := range []string{k.Password + "\x00", k.Password + strings.Repeat("x", 512-min(len(k.Password), 511))} {
			if match, err := (yescrypt.Hasher{}).Verify(t.Context(), k.Stored, auth.NewPassword(password)); match || err != nil {
				t.Errorf("Verify of %d bytes returned %t, %v", len(password), match, err)
			}
		}
		for i := range len(k.Stored) {
			for _, stored := range []string{k.Stored[:i], k.Stored[:i] + "\x00" + k.Stored[i+1:], k.Stored[:i] + "\n" + k.Stored[i:]} {
				match, err := (yescrypt.Hasher{}).Verify(t.Context(), stored, auth.NewPassword(k.Password))
				info := (yescrypt.Hasher{}).Inspect(stored)
				if match || err == nil || info != (auth.HashInfo{}) {
					t.Fatalf("Verify of %q returned %t, %v, Inspect %+v", stored, match, err, info)
				}
			}
		}
		return
	}
	t.Error("no cheap hash")
}

// Whatever is stored: Inspect is zero exactly where Verify returns an error, and nothing
// is beyond the caps.
func FuzzVerify(f *testing.F) {
	for _, k := range knownAnswers(f) {
		f.Add(k.Stored)
	}
	f.Add("$y$jET$..$" + strings.Repeat(".", 43))
	f.Fuzz(func(t *testing.T, stored string) {
		info := yescrypt.Hasher{}.Inspect(stored)
		if info.MemoryBytes > 256<<20 {
			t.Fatalf("%+v is over the cap", info)
		}
		if info.MemoryBytes > 4<<20 {
			return // dear
		}
		_, err := yescrypt.Hasher{}.Verify(t.Context(), stored, auth.NewPassword("password"))
		if (info == auth.HashInfo{}) != (err != nil) || err != nil && !errors.Is(err, auth.ErrUnknownHash) && !errors.Is(err, auth.ErrMalformedHash) {
			t.Fatalf("Inspect is %+v and Verify %v", info, err)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	list := knownAnswers(b)
	k := list[4] // of libxcrypt's default cost
	for b.Loop() {
		if _, err := (yescrypt.Hasher{}).Verify(b.Context(), k.Stored, auth.NewPassword(k.Password)); err != nil {
			b.Fatal(err)
		}
	}
}
