package authhttp_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/seed89488a0c/auth/authhttp"
)

// ASVS 5.0 15.3.3, 15.3.5, 15.3.7
func TestDecodeStrings(t *testing.T) {
	for _, tt := range []struct{ name, body, email, password string }{
		{"nothing", `{}`, "", ""},
		{"both", `{"email":"a","password":"b"}`, "a", "b"},
		{"other order", ` { "password" : "b" , "email" : "a" } ` + "\n", "a", "b"},
		{"escapes", `{"\u0065mail":"\u0061\"\\\/\b\f\n\r\t"}`, "a\"\\/\b\f\n\r\t", ""},
		{"NUL", `{"email":"a\u0000b"}`, "a\x00b", ""},
		{"pair", `{"email":"\ud83d\ude00\uD83D\uDE00!"}`, "😀😀!", ""},
		{"backslashes before a u", `{"email":"\\ud83d"}`, `\ud83d`, ""},
		{"replacement character, meant", `{"email":"\ufffd` + "\ufffd" + `"}`, "\ufffd\ufffd", ""},
		{"spaces are kept", `{"email":" a ","password":"  "}`, " a ", "  "},
		{"not normalised", `{"email":"e` + "\u0301" + `"}`, "e\u0301", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			email, password, err := decode(tt.body)
			if err != nil || email != tt.email || password != tt.password {
				t.Errorf("got %q, %q, %v", email, password, err)
			}
		})
	}
}

func decode(body string) (email, password string, err error) {
	err = authhttp.DecodeStrings([]byte(body), map[string]func(string){
		"email":    func(s string) { email = s },
		"password": func(s string) { password = s },
	})
	return email, password, err
}

// What is accepted means to encoding/json what it means to us, and nothing else.
// ASVS 5.0 1.5.3
func FuzzDecode(f *testing.F) {
	for _, tt := range malformed {
		f.Add(tt.body)
	}
	f.Add(`{"email":"a","password":"\ud83d\ude00\\\u0000"}`)
	f.Fuzz(func(t *testing.T, body string) {
		email, password, err := decode(body)
		if err != nil {
			return
		}
		var want struct {
			Email    *string `json:"email"`
			Password *string `json:"password"`
		}
		d := json.NewDecoder(strings.NewReader(body))
		d.DisallowUnknownFields()
		if err := d.Decode(&want); err != nil {
			t.Fatalf("accepted %q: %v", body, err)
		}
		if want.Email == nil && email != "" || want.Email != nil && *want.Email != email ||
			want.Password == nil && password != "" || want.Password != nil && *want.Password != password {
			t.Fatalf("%q gives %q, %q", body, email, password)
		}
		// Nothing was replaced on the way: writing and reading it again changes nothing.
		again, err := json.Marshal(map[string]string{"email": email, "password": password})
		if err != nil || bytes.Contains(again, []byte(`\ufffd`)) {
			t.Fatalf("%q becomes %s, %v", body, again, err)
		}
		email2, password2, err := decode(string(again))
		if err != nil || email2 != email || password2 != password {
			t.Fatalf("%q becomes %s and %q, %q, %v", body, again, email2, password2, err)
		}
	})
}
