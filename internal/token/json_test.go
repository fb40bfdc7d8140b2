package token_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/seed89488a0c/auth/internal/token"
)

// jsonTexts are texts at the edges of RFC 8259, valid and not.
func jsonTexts() []string {
	return []string{
		"", " ", "{", "}", "[", "]", `"`, "{}", "[]", `""`, " {} ", "[1]", "[1,2]", "[1,]", "[,1]", "[,]", "[1 2]", "[[1]]", "[1]]", "[1}", "{]",
		`{"a":1}`, `{"a":1,}`, `{,"a":1}`, `{"a"}`, `{"a":}`, `{"a" 1}`, `{"a":1 "b":2}`, `{"a":1,,"b":2}`, `{a:1}`, `{1:1}`, `{"a":1}{}`, `{"a":1}x`,
		"true", "false", "null", "True", "tru", "truex", "nul", "nullnull", "NaN", "Infinity", "undefined",
		"0", "-0", "00", "01", "-01", "1", "-1", "+1", "1.0", "1.", ".1", "-.1", "-", "--1", "1e1", "1E1", "1e+1", "1e-1", "1e", "1e+", "1.e1", "1.5e10", "0.0", "0e0", "1e1.0",
		"0x1", "1_0", "1 1", "1,", "12345678901234567890123456789", "1e999999",
		`"a"`, `"\""`, `"\\"`, `"\/"`, `"\b\f\n\r\t"`, `"\a"`, `"\v"`, `"\0"`, `"\'"`, `"\u0041"`, `"\u00e9"`, `"\u004"`, `"\u004g"`, `"\U0041"`, `"\u"`, `"\`, `"\u0041`,
		`"\ud83e\udd8a"`, `"\uD83E\uDD8A"`, `"\ud83e"`, `"\udd8a"`, `"\ud83e\ud83e"`, `"\ud83e\u0041"`, `"\ud83e\n"`, `"\ud83e\"`, `"\ud83e\u`, `"\ud83e"\udd8a"`, `"\ufffd"`, `"\uffff"`,
		"\"\x00\"", "\"\x1f\"", "\" \"", "\"\x7f\"", "\"\n\"", "\"\\n\n\"", "\"\\n\x00\"", "[" + strings.Repeat("[],", 20) + "{}]", "\"é\"", "\"\xff\"", "\"\xed\xa0\x80\"", "\ufeff{}", "{}\x00", "\x00", "{\x00}", "\v1", "\f1", "\u00a01", "\t\n\r 1\t\n\r ",
		nested("[", "]", 16), nested("[", "]", 17), nested(`{"a":`, "}", 16), `{"a":1,"a":1}`, `{"a":{"a":1}}`, `[{"a":1},{"a":1}]`, `{"a":1,"\u0061":1}`, "// c\n1", "/* c */1", "1#",
	}
}

func TestJSON(t *testing.T) {
	for _, src := range jsonTexts() {
		checkJSON(t, src)
	}
}

// checkJSON holds the scanner against encoding/json: what it accepts is valid
// and, if it is a string, means the same; what is valid it refuses only for
// what it is stricter in, as stricter finds in its own way.
func checkJSON(t *testing.T, src string) {
	t.Helper()
	err := token.ScanJSON(src)
	if valid := json.Valid([]byte(src)) && !stricter(src); (err == nil) != valid {
		t.Errorf("%q: %v, want valid: %t", src, err, valid)
	}
	v, err := token.ScanString(src)
	if err != nil {
		return
	}
	var want string
	if err := json.Unmarshal([]byte(src), &want); err != nil || v != want {
		t.Errorf("%q: %q, want %q, %v", src, v, want, err)
	}
}

func TestDate(t *testing.T) {
	for src, want := range map[string]int64{
		"0": 0, "1": 1, " 9 ": 9, "1700000000": 1700000000, "253402300799": 253402300799,
		"253402300800": -1, "00": -1, "01": -1, "": -1, " ": -1, "-0": -1, "-1": -1, "1.0": -1, "1e1": -1, `"1"`: -1, "１": -1, "1 1": -1,
	} {
		got, err := token.ScanDate(src)
		if want < 0 {
			if err == nil {
				t.Errorf("%q: accepted as %v", src, got)
			}
			continue
		}
		if err != nil || got != time.Unix(want, 0).UTC() {
			t.Errorf("%q: %v, %v", src, got, err)
		}
	}
}
