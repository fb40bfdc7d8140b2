package email_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/seed89488a0c/auth/internal/email"
)

// FuzzParse checks addresses made of two parts, which are more often valid than
// the texts of FuzzKey.
func FuzzParse(f *testing.F) {
	for _, s := range [][2]string{
		{"", ""},
		{"Bob", "Example.COM"},
		{"POSTMASTER", "example.com"},
		{"rene\u0301", "bu\u0308cher.example"},
		{"mar\u212aeting", "XN--BCHER-KVA.example"},
		{"straße", "STRAẞE.example"},
		{"Σίσυφος", "ες.example"},
		{"a" + strings.Repeat("\u0330", 40), "a" + strings.Repeat("\u0330", 40) + ".example"},
		{"\u1112\u1161\u11ab", "ア・ア.example"},
		{"x", "אבג.ب٣.example"},
		{"x", "xn---80ak6aa92e.com"},
		{"x", "col·lega．Ⴀ。example"},
		{`"a b"`, "[192.0.2.1]"},
		{"Bob <bob", "example.com>"},
	} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, local, domain string) {
		checkProperties(t, local+"@"+domain)
	})
}

// FuzzKey checks texts of any kind.
func FuzzKey(f *testing.F) {
	for _, s := range []string{
		"",
		"Bob.Smith@example.com",
		"admin@intranet",
		"Ⱥ@intranet",
		"α\u0342\u0345 Α\u0345\u0304",
		"not UTF-8 \xff",
		strings.Repeat("E\u0301", 60) + "@XN--BCHER-KVA.example",
		strings.Repeat("\u0301\u0327", 100),
		"ada@example.com\u00a0\x00",
		"a\u200b\u200dbé\u200c\u200d ",
	} {
		f.Add(s)
	}
	f.Fuzz(checkProperties)
}

// checkProperties reports what does not hold for s although it holds for every
// text.
func checkProperties(t *testing.T, s string) {
	t.Helper()
	checkImport(t, s)

	key, ok := email.Key(s)
	if again, okAgain := email.Key(key); again != key || okAgain != ok {
		t.Errorf("Key(%+q) = %+q, %t; its own key is %+q, %t", s, key, ok, again, okAgain)
	}
	if ok && (key == "" || len(key) > 320 || !utf8.ValidString(key)) || !ok && key != "" {
		t.Errorf("Key(%+q) = %+q, %t", s, key, ok)
	}

	a, err := email.Parse(s)
	if err != nil {
		if _, isCode := err.(email.Code); !isCode || a != (email.Address{}) {
			t.Errorf("Parse(%+q) = %+q, %#v; want nothing but a Code", s, a, err)
		}
		if len(s) > 30 && strings.Contains(err.Error(), s) {
			t.Errorf("Parse(%+q): the error contains the input", s)
		}
		return
	}
	if !ok || key != a.Key {
		t.Errorf("Parse(%+q).Key = %+q, but Key = %+q, %t", s, a.Key, key, ok)
	}
	if len(s) > 254 || len(a.Address) > 254 || len(a.ASCII) > 254 {
		t.Errorf("Parse(%+q) = %+q: too long", s, a)
	}
	if b, err := email.Parse(a.Address); err != nil || b != a {
		t.Errorf("Parse(%+q) = %+q, but of its canonical form %+q, %v", s, a, b, err)
	}
	if a.ASCII == "" {
		return
	}
	if b, err := email.Parse(a.ASCII); err != nil || b != a {
		t.Errorf("Parse(%+q) = %+q, but of its ASCII form %+q, %v", s, a, b, err)
	}
	// What is ASCII is the same mailbox in any case.
	if b, err := email.Parse(strings.ToUpper(a.ASCII)); err != nil || b.Key != a.Key {
		t.Errorf("Parse(%+q) = %+q, but in capitals %+q, %v", s, a, b, err)
	}
}
