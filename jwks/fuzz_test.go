package jwks_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/seed89488a0c/auth/jwks"
)

// What chooses an issuer is what encoding/json reads, too, and neither a guess
// among several nor taken from a token that is out of bounds.
func FuzzPeek(f *testing.F) {
	for _, payload := range []string{
		`{"iss":"https://issuer.example"}`,
		`{"iss":"a","iss":"b"}`,
		`{"iss":"a","ISS":"b"}`,
		`{"\u0069ss":"\ud83d\ude00"}`,
		`{"x":{"iss":"a"},"iss":"b"}`,
		`{"x":[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]}`,
		`{"iss":null}`, `{"iss":1}`, `[]`, ``,
	} {
		f.Add(encode("{}", payload) + ".x")
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := jwks.Peek(text)
		if err != nil {
			if got != "" {
				t.Errorf("%q beside %v", got, err)
			}
			return
		}
		parts := strings.Split(text, ".")
		if len(text) > 8192 || len(parts) < 3 {
			t.Fatalf("%q chosen of %.100q", got, text)
		}
		payload, err := base64.RawURLEncoding.DecodeString(parts[1])
		var members map[string]json.RawMessage
		if err != nil || json.Unmarshal(payload, &members) != nil || members == nil {
			t.Fatalf("%q chosen of %q", got, payload)
		}
		// Of members that encoding/json takes for one another there is one.
		d := json.NewDecoder(strings.NewReader(string(payload)))
		d.Token()
		var want string
		named := 0
		for d.More() {
			name, _ := d.Token()
			var value json.RawMessage
			if err := d.Decode(&value); err != nil {
				t.Fatal(err)
			}
			if name == "iss" {
				if named++; json.Unmarshal(value, &want) != nil {
					t.Fatalf("%q chosen of %q", got, payload)
				}
			}
		}
		if named > 1 || want != got {
			t.Fatalf("%q chosen of %d in %q", got, named, payload)
		}
	})
}
