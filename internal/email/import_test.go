package email_test

import (
	"strings"
	"testing"

	"github.com/seed89488a0c/auth/internal/email"
)

func TestTyped(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, in, want string }{
		{"ordinary", "ada@example.com", "ada@example.com"},
		{"empty", "", ""},
		{"only padding", " \t\x00\u00a0\ufeff\u200b", ""},
		{"padding of a CHAR column", "ada@example.com   ", "ada@example.com"},
		{"padding of a BINARY column", "ada@example.com\x00\x00", "ada@example.com"},
		{"line break", "ada@example.com\r\n", "ada@example.com"},
		{"byte order mark", "\ufeffada@example.com", "ada@example.com"},
		{"ideographic space", "\u3000비밀@example.com", "비밀@example.com"},
		{"zero-width space inside", "ada@\u200bexample.com", "ada@example.com"},
		{"direction marks", "\u202aada@example.com\u202c", "ada@example.com"},
		{"tab inside", "ada\tlovelace", "ada lovelace"},
		{"ideographic space inside", "山田\u3000太郎", "山田\u3000太郎"},
		{"no-break space inside", "ada\u00a0lovelace", "ada lovelace"},
		{"space inside", "ada  lovelace", "ada  lovelace"},
		{"joiner between ASCII letters", "ada\u200d@example.com", "ada@example.com"},
		{"joiner in Persian", "علی\u200cرضا", "علی\u200cرضا"},
		{"joiner at an end, in Malayalam", "അനില്\u200d", "അനില്\u200d"},
		{"joiner in an emoji", "👩\u200d🔬", "👩\u200d🔬"},
		{"joiner behind a variation selector", "🏳\ufe0f\u200d🌈", "🏳\ufe0f\u200d🌈"},
		{"joiner in Latin", "rené\u200d@example.com", "rené@example.com"},
		{"joiner in Han", "山\u200c田", "山田"},
		{"joiner behind a space", "علی \u200c", "علی"},
		{"flag of tags", "🏴\U000E0067\U000E0062\U000E007F", "🏴\U000E0067\U000E0062\U000E007F"},
		{"tag behind a letter", "a\U000E0067", "a"},
		{"variation selector behind a letter", "vs\ufe0f@x", "vs@x"},
		{"variation selector of Han", "葛\U000E0100", "葛\U000E0100"},
		{"fillers", "a\u3164b\u115fc\u034fd\u17b4", "abcd"},
		{"empty Braille", "ada@example.com\u2800", "ada@example.com"},
		{"object replacement", "ada@example.com\ufffc", "ada@example.com"},
		{"emoji that is not known yet", "a\U0001fae9", "a\U0001fae9"},
		{"joiner after what is left out", "a\u200b\u200d", "a"},
		{"private use", "\ue000ada", "ada"},
		{"combining mark", "rene\u0301", "rene\u0301"},
	}
	for _, test := range tests {
		if got := email.Typed(test.in); got != test.want {
			t.Errorf("%s: Typed(%+q) = %+q, want %+q", test.name, test.in, got, test.want)
		}
	}
}

func TestParseImport(t *testing.T) {
	t.Parallel()
	tests := []struct{ in, address, key string }{
		{"Ada@EXAMPLE.com", "Ada@example.com", "ada@example.com"},
		{"admin@intranet", "admin@intranet", "admin@intranet"},
		{"Ada Lovelace", "Ada Lovelace", "ada lovelace"},
		{"Rene\u0301", "René", "rené"},
		{"山田\u3000太郎", "山田\u3000太郎", "山田\u3000太郎"},
		{"ada@example.com\ufe0f", "ada@example.com", "ada@example.com"}, // which IDNA leaves out
		{strings.Repeat("x", 320), strings.Repeat("x", 320), strings.Repeat("x", 320)},
	}
	for _, test := range tests {
		if got, err := email.ParseImport(test.in); err != nil || got.Address != test.address || got.Key != test.key {
			t.Errorf("ParseImport(%+q) = %+q, %v", test.in, got, err)
		}
	}
	refused := []struct {
		in   string
		want email.Code
	}{
		{"", email.Required},
		{" \x00", email.Required},
		{"\xff", email.InvalidEncoding},
		{strings.Repeat("x", 321), email.TooLong},
		{strings.Repeat("x", 2000), email.TooLong},
		{"ada@example.com ", email.Padded},
		{"\tada", email.Padded},
		{"ada@example.com" + strings.Repeat("\x00", 400), email.Padded},
		{"\ufe0fstart@example.com", email.Padded},
		{"vs\ufe0f@example.com", email.InvalidCharacter},
		{"rené\u200c@example.com", email.InvalidCharacter},
		{"filler\u3164@example.com", email.InvalidCharacter},
		{"ada\u200b@example.com", email.InvalidCharacter},
		{" ada\u200b@example.com", email.InvalidCharacter},
	}
	for _, test := range refused {
		if got, err := email.ParseImport(test.in); err != test.want || got != (email.Address{}) {
			t.Errorf("ParseImport(%+q) = %+q, %v, want %v", test.in, got, err, test.want)
		}
	}
}

// checkImport reports what does not hold for an imported text: that who types it as it
// is seen, with white space around it, logs in.
func checkImport(t *testing.T, s string) {
	t.Helper()
	typed := email.Typed(s)
	if again := email.Typed(typed); again != typed {
		t.Errorf("Typed(%+q) = %+q, and of that %+q", s, typed, again)
	}
	a, err := email.ParseImport(s)
	if err != nil {
		if _, isCode := err.(email.Code); !isCode || a != (email.Address{}) {
			t.Errorf("ParseImport(%+q) = %+q, %#v; want nothing but a Code", s, a, err)
		}
		if err == email.Padded || err == email.InvalidCharacter {
			if _, err := email.ParseImport(typed); err == email.Padded || err == email.InvalidCharacter {
				t.Errorf("ParseImport(%+q) is %v, though Typed", typed, err)
			}
		}
		return
	}
	if key, ok := email.Key(strings.TrimSpace(" " + s + "\t")); !ok || key != a.Key {
		t.Errorf("ParseImport(%+q) has the key %+q, a login looks for %+q", s, a.Key, key)
	}
	if key, ok := email.Key(a.Address); !ok || key != a.Key || a.Address == "" || len(a.Address) > 320 {
		t.Errorf("ParseImport(%+q) = %+q, whose address has the key %+q", s, a, key)
	}
}
