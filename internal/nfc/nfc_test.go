package nfc_test

import (
	"strings"
	"testing"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/seed89488a0c/auth/internal/nfc"
)

// Every character alone, and with others around it that it may compose with,
// is what x/text makes of it.
func TestEveryCharacter(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !unicode.IsGraphic(r) && !unicode.IsControl(r) || unicode.Is(unicode.Han, r) && string(r) == norm.NFD.String(string(r)) {
			continue // nothing composes with it
		}
		for _, s := range []string{string(r), "e\u0323" + string(r), string(r) + "\u0301\u0323", "\u1100" + string(r) + "\u11a8"} {
			if got, want := nfc.String(s), norm.NFC.String(s); got != want {
				t.Fatalf("%+q: got %+q, want %+q", s, got, want)
			}
		}
	}
}

// x/text breaks runs of more than 30 marks, which is not NFC.
func TestManyMarks(t *testing.T) {
	marks := strings.Repeat("\u0330", 40)
	if got, want := nfc.String("a"+marks+"\u0301"), "\u00e1"+marks; got != want {
		t.Errorf("got %+q, want %+q", got, want)
	}
	if got, want := nfc.String("\u0344\u0330"), "\u0330\u0308\u0301"; got != want { // decomposed and put in order
		t.Errorf("got %+q, want %+q", got, want)
	}
}

// With fewer marks the outcome is x/text's, and it is a fixed point.
func FuzzString(f *testing.F) {
	f.Add("e\u0301")
	f.Add("\u1112\u1161\u11ab\u0330")
	f.Add("\u0958\u2adc\u0344")
	f.Fuzz(func(t *testing.T, s string) {
		s = strings.ToValidUTF8(s, "")
		got := nfc.String(s)
		if again := nfc.String(got); again != got {
			t.Fatalf("%+q gives %+q, which gives %+q", s, got, again)
		}
		if len(s) <= 30 && got != norm.NFC.String(s) {
			t.Fatalf("%+q gives %+q, want %+q", s, got, norm.NFC.String(s))
		}
	})
}
