// Package printers_test shows that a password stays hidden from the libraries
// that tests print failures with, all of which walk unexported fields.
package printers_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/alecthomas/repr"
	"github.com/davecgh/go-spew/spew"
	"github.com/google/go-cmp/cmp"
	"github.com/kr/pretty"
	"github.com/onsi/gomega"
	"github.com/stretchr/testify/assert"

	"github.com/seed89488a0c/auth"
)

const canary = "canary-secret"

// sink is what the libraries report a failure to.
type sink struct{ strings.Builder }

func (s *sink) Errorf(format string, args ...any) { fmt.Fprintf(s, format, args...) }
func (s *sink) Fatalf(format string, args ...any) { fmt.Fprintf(s, format, args...) }
func (s *sink) Helper()                           {}

func TestPasswordStaysHidden(t *testing.T) {
	password, other := auth.NewPassword(canary), auth.NewPassword(canary+"-other")
	key, err := auth.HMACKey([]byte(strings.Repeat(canary, 3) + "\xff"))
	if err != nil {
		t.Fatal(err)
	}
	type form struct {
		password *auth.Password
		list     []auth.Password
		key      auth.Key
	}
	pairs := map[string][2]any{
		"password":    {password, other},
		"credentials": {auth.Credentials{Email: "a", Password: password}, auth.Credentials{Email: "b", Password: other}},
		"unexported":  {form{&password, []auth.Password{password}, key}, form{&other, []auth.Password{other}, auth.Key{}}},
		"map":         {map[string]any{"p": password}, map[string]any{"p": other}},
	}
	printers := map[string]func(a, b any) string{
		"testify": func(a, b any) string {
			var s sink
			assert.Equal(&s, a, b)
			assert.ElementsMatch(&s, []any{a}, []any{b})
			return s.String()
		},
		"gomega": func(a, b any) string {
			var s sink
			gomega.NewGomega(func(message string, _ ...int) { s.WriteString(message) }).Expect(a).To(gomega.BeIdenticalTo(b))
			return s.String()
		},
		"go-cmp": func(a, b any) string {
			return cmp.Diff(a, b, cmp.Exporter(func(reflect.Type) bool { return true }))
		},
		"spew":   func(a, b any) string { return spew.Sdump(a, b) + (&spew.ConfigState{DisableMethods: true}).Sdump(a, b) },
		"pretty": func(a, b any) string { return pretty.Sprint(a, b) + strings.Join(pretty.Diff(a, b), "\n") },
		"repr":   func(a, b any) string { return repr.String(a) + repr.String(b) },
	}
	for what, pair := range pairs {
		for printer, print := range printers {
			text := print(pair[0], pair[1])
			if text == "" {
				t.Errorf("%s shows nothing of %s: the test shows nothing either", printer, what)
			}
			if strings.Contains(text, canary) || strings.Contains(text, fmt.Sprintf("%x", canary)) {
				t.Errorf("%s shows the %s:\n%s", printer, what, text)
			}
		}
	}
	if text := spew.Sdump(struct{ text string }{canary}); !strings.Contains(text, canary) {
		t.Error("a plain text stays hidden: the test shows nothing")
	}
}
