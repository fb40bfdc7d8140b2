package row_test

import (
	"strings"
	"testing"
	"unsafe"

	"github.com/seed89488a0c/auth/internal/row"
)

func TestCut(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"", ""},
		{"abcde", "abcde"},
		{"abcdef", "abcde"},
		{"abcdé", "abcd"}, // whole characters
		{"\xffab\xc3", "ab"},
		{"\xff\xff\xff\xffabcde", "abcde"},
	} {
		if got := row.Cut(tt.in, 5); got != tt.want {
			t.Errorf("%q becomes %q, want %q", tt.in, got, tt.want)
		}
	}
	// What is kept is not a piece of a megabyte.
	long := strings.Repeat("x", 1<<20)
	if cut := row.Cut(long, 5); unsafe.StringData(cut) == unsafe.StringData(long) {
		t.Error("the whole text is kept")
	}
}
