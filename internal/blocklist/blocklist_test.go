package blocklist_test

import (
	_ "embed"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/seed89488a0c/auth/internal/blocklist"
)

//go:embed passwords.txt
var text string

// ASVS 5.0 6.2.4
func TestContains(t *testing.T) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) != 10_000 || !slices.IsSorted(lines) || len(slices.Compact(slices.Clone(lines))) != len(lines) {
		t.Fatalf("want 10,000 sorted, distinct lines, got %d", len(lines))
	}
	eight := 0
	for _, line := range lines {
		if line == "" || line != strings.ToLower(line) {
			t.Errorf("line %q is empty or not in lower case", line)
		}
		if !blocklist.Contains(line) {
			t.Errorf("%q is not found", line)
		}
		for _, near := range []string{line + "\x00", line + "\n", "\n" + line, line[:len(line)-1] + "\xff"} {
			if blocklist.Contains(near) {
				t.Errorf("%q is found", near)
			}
		}
		if utf8.RuneCountInString(line) >= 8 {
			eight++
		}
	}
	if eight < 3000 {
		t.Errorf("%d have eight characters or more, want 3,000 (ASVS 5.0 6.2.4)", eight)
	}
	for _, absent := range []string{"", "\n", "correct horse battery staple", "~~~~~~~~~~", "\x00", lines[0] + "\n" + lines[1]} {
		if blocklist.Contains(absent) {
			t.Errorf("%q is found", absent)
		}
	}
}

func BenchmarkContains(b *testing.B) {
	for b.Loop() {
		blocklist.Contains("correct horse battery staple")
	}
}
