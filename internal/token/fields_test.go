package token_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/seed89488a0c/auth/internal/token"
)

// raw unmarshals itself: what it makes of two names is its own affair.
type raw struct{ Role string }

func (r *raw) UnmarshalJSON(text []byte) error { r.Role = string(text); return nil }

type inner struct{ Role string }

type deeper struct {
	Inner inner
	List  []inner
	Named map[string]*inner
}

type embedding struct {
	inner
	Other string `json:"role,omitempty"`
}

// tagged returns a struct whose one field, Role, has a tag that no linter lets pass.
func tagged(tag reflect.StructTag) any {
	field := reflect.StructField{Name: "Role", Type: reflect.TypeFor[any](), Tag: tag}
	return reflect.New(reflect.StructOf([]reflect.StructField{field})).Interface()
}

// TestClaimsIntoAMap: whatever names the data has, a map gets all of them.
func TestClaimsIntoAMap(t *testing.T) {
	const object = `{"role":"a","Role":"b","ROLE":"c","tags":{"Go":1,"go":2,"\u017f":3,"s":4,"S":5},"n":9007199254740993,"x":1e999}`
	id := token.Identity{}.WithClaims([]byte(object))
	var m map[string]json.RawMessage
	if err := id.Claims(&m); err != nil || len(m) != 6 || string(m["n"]) != "9007199254740993" || string(m["Role"]) != `"b"` || string(m["x"]) != "1e999" {
		t.Errorf("%s: %v", m, err)
	}
	id = token.Identity{}.WithClaims([]byte(strings.Replace(object, ",\"x\":1e999", "", 1)))
	var a any
	if err := id.Claims(&a); err != nil || len(a.(map[string]any)["tags"].(map[string]any)) != 5 {
		t.Errorf("%v: %v", a, err)
	}
	var mixed struct {
		Tags map[string]int
		N    json.Number
	}
	if err := id.Claims(&mixed); err != nil || len(mixed.Tags) != 5 || mixed.N != "9007199254740993" {
		t.Errorf("%+v: %v", mixed, err)
	}
	if err := id.Claims(&struct{ Role string }{}); !errors.Is(err, token.ErrInvalid) {
		t.Errorf("ambiguous: %v", err)
	}
}

// TestClaimsAmbiguous: two names are an error where they are one field, and nowhere
// else.
func TestClaimsAmbiguous(t *testing.T) {
	twins := `"role":"a","Role":"b"`
	var prefilled any = &inner{}
	for name, tt := range map[string]struct {
		object    string
		into      any
		ambiguous bool
	}{
		"a field":       {`{` + twins + `}`, &inner{}, true},
		"a field, once": {`{"ROLE":"a"}`, &inner{}, false},
		"no field":      {`{` + twins + `}`, &struct{ Name string }{}, false},
		"a tag": {`{` + twins + `}`, &struct {
			R string `json:"rOLE,omitempty"`
		}{}, true},
		"a field of another tag": {`{` + twins + `}`, &struct {
			Role string `json:"r"`
		}{}, false},
		"a tag that is no name": {`{` + twins + `}`, tagged(`json:"a\"b"`), true},
		"a tag of options": {`{` + twins + `}`, &struct {
			Role string `json:",omitempty"`
		}{}, true},
		"a field that is left out": {`{` + twins + `}`, &struct {
			Role string `json:"-"`
		}{}, false},
		"a field named -":     {`{"-":1,` + twins + `}`, tagged(`json:"-,"`), false},
		"an unexported field": {`{` + twins + `}`, &struct{ role string }{}, false},
		"embedded":            {`{` + twins + `}`, &struct{ inner }{}, true},
		"embedded pointer":    {`{` + twins + `}`, &struct{ *embedding }{}, true},
		"embedded, hidden":    {`{` + twins + `}`, &embedding{}, true},
		"an embedded struct with a tag": {`{"in":{` + twins + `}}`, &struct {
			inner `json:"in"`
		}{}, true}, // whose fields are exported
		"folded by Unicode":              {"{\"\u017f\":1,\"s\":2}", &struct{ S int }{}, true},
		"a pointer to a pointer":         {`{` + twins + `}`, new(*inner), true},
		"an interface of a pointer":      {`{` + twins + `}`, &prefilled, true},
		"an interface of a struct":       {`{` + twins + `}`, func() *any { var v any = inner{}; return &v }(), false},
		"a struct in a struct":           {`{"inner":{` + twins + `}}`, &deeper{}, true},
		"a struct in a list":             {`{"list":[{"role":"a"},{` + twins + `}]}`, &deeper{}, true},
		"two structs in a list":          {`{"x":{` + twins + `},"list":[{"role":"a"},{"Role":"b"}]}`, &deeper{}, false},
		"a struct in a map":              {`{"named":{"a":{` + twins + `}}}`, &deeper{}, true},
		"names of a map":                 {`{"named":{"a":{"role":"a"},"A":{"Role":"b"}}}`, &deeper{}, false},
		"structs in a map":               {`{"a":{` + twins + `}}`, &map[string]inner{}, true},
		"an array":                       {`{"a":[{},{` + twins + `}]}`, &struct{ A [1]inner }{}, true},
		"what is no field of ours":       {`{"x":{` + twins + `}}`, &deeper{}, false},
		"raw":                            {`{"inner":{` + twins + `}}`, &struct{ Inner json.RawMessage }{}, false},
		"what unmarshals itself":         {`{"inner":{` + twins + `}}`, &struct{ Inner raw }{}, false},
		"what unmarshals itself, at top": {`{` + twins + `}`, &raw{}, false},
		"a pointer to what does":         {`{"inner":{` + twins + `}}`, &struct{ Inner *raw }{}, false},
		"any":                            {`{"inner":{` + twins + `}}`, &struct{ Inner any }{}, false},
	} {
		err := token.Identity{}.WithClaims([]byte(tt.object)).Claims(tt.into)
		if (err != nil) != tt.ambiguous || err != nil && !errors.Is(err, token.ErrInvalid) {
			t.Errorf("%s: %v, want it ambiguous: %t", name, err, tt.ambiguous)
		}
	}
	// The same name twice is never right, wherever it is read to.
	for _, into := range []any{&map[string]any{}, &inner{}, &raw{}, new(any)} {
		for _, object := range []string{`{"role":1,"role":2}`, `{"Role":0,"role":1,"role":2}`, `{"x":{"a":1,"A":1,"a":1}}`} {
			if err := (token.Identity{}).WithClaims([]byte(object)).Claims(into); !errors.Is(err, token.ErrInvalid) {
				t.Errorf("%s into %T: %v", object, into, err)
			}
		}
	}
}

// FuzzClaims: a map gets every member of an object as it is written, and a struct what
// it gets of them in the other order too: then no name was taken for another.
func FuzzClaims(f *testing.F) {
	for _, object := range []string{
		`{"role":"a","Role":"b"}`, `{"role":"a"}`, `{"Inner":{"role":"a","ROLE":"b"}}`, `{"list":[{"role":"a","Role":"b"}]}`, `{"named":{"a":{"role":"a"},"A":{"Role":"b"}}}`,
		`{"named":{"a":{"role":"a","Role":"b"}}}`, `{"x":{"role":"a","Role":"b"},"list":[]}`, "{\"\u017f\":1,\"s\":2}", `{"a":1e999,"A":[]}`, `{"a":1,"a":2}`,
	} {
		f.Add(object)
	}
	f.Fuzz(func(t *testing.T, object string) {
		id := token.Identity{}.WithClaims([]byte(object))
		if object == "" || token.ScanJSON(object) != nil || strings.TrimLeft(object, " \t\r\n")[0] != '{' {
			if object != "" && id.Claims(&map[string]json.RawMessage{}) == nil && token.ScanJSON(object) != nil {
				t.Errorf("%q is read", object)
			}
			return
		}
		m := map[string]json.RawMessage{}
		if err := id.Claims(&m); err != nil {
			t.Fatalf("%q: %v", object, err)
		}
		if again, err := token.Members(object, ""); err != nil || !reflect.DeepEqual(again, m) {
			t.Errorf("%q: %q, and %q: %v", object, m, again, err)
		}
		var first, second deeper
		if id.Claims(&first) != nil {
			return
		}
		other := reversed(t, object)
		if err := (token.Identity{}).WithClaims([]byte(other)).Claims(&second); err != nil || !reflect.DeepEqual(first, second) {
			t.Errorf("%q gives %+v, and %q gives %+v: %v", object, first, other, second, err)
		}
	})
}

// reversed returns a text with the members of each object in the other order.
func reversed(t *testing.T, text string) string {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	first, err := d.Token()
	must(t, first, err)
	object := first == json.Delim('{')
	if !object && first != json.Delim('[') {
		return text
	}
	var parts []string
	for d.More() {
		var name string
		if object {
			token, err := d.Token()
			quoted, _ := json.Marshal(must(t, token, err))
			name = string(quoted) + ":"
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			t.Fatal(err)
		}
		parts = append(parts, name+reversed(t, string(value)))
	}
	if object {
		slices.Reverse(parts)
		return "{" + strings.Join(parts, ",") + "}"
	}
	return "[" + strings.Join(parts, ",") + "]"
}
