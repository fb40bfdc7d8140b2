package token

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strings"
	"unicode"
)

// readable reports whether encoding/json reads an object into what v points to
// without taking one name for another. The first, quick look is at the object alone.
func readable(object string, v any) bool {
	for _, into := range []reflect.Value{{}, reflect.ValueOf(v)} {
		s, err := newScanner(object, ReasonClaims)
		if err != nil {
			return false
		}
		if s.caseless = !into.IsValid(); s.caseless {
			err = s.skip()
		} else {
			err = s.into(into)
		}
		if err == nil {
			return s.end() == nil
		}
	}
	return false
}

// into skips a value that encoding/json would read into v, and fails where two names
// of an object are one field of a struct.
func (s *scanner) into(v reflect.Value) error {
	if v = target(v); !v.IsValid() {
		return s.skip()
	}
	c := s.next()
	switch k := v.Kind(); {
	case c == '{' && k == reflect.Struct:
		fields, seen := fieldsOf(v), map[string]bool{}
		return s.object(func(name string) error {
			name = strings.Map(fold, name)
			field, ok := fields[name]
			if !ok {
				return s.skip()
			}
			if seen[name] {
				return reject(ReasonDuplicateMember)
			}
			seen[name] = true
			return s.into(field)
		})
	case c == '{' && k == reflect.Map:
		return s.object(func(string) error { return s.into(reflect.New(v.Type().Elem()).Elem()) })
	case c == '[' && (k == reflect.Slice || k == reflect.Array):
		return s.array(func() error { return s.into(reflect.New(v.Type().Elem()).Elem()) })
	}
	return s.skip()
}

// target returns what encoding/json would read into, where v is that, or points to
// it; the zero Value for what reads itself, and for an interface that is to hold
// whatever comes.
func target(v reflect.Value) reflect.Value {
	for v.IsValid() && !unmarshals(v.Type()) {
		switch v.Kind() {
		case reflect.Pointer:
			if v.IsNil() {
				v = reflect.New(v.Type().Elem())
			}
			v = v.Elem()
		case reflect.Interface:
			if v = v.Elem(); v.Kind() != reflect.Pointer {
				return reflect.Value{}
			}
		default:
			return v
		}
	}
	return reflect.Value{}
}

// unmarshals reports whether encoding/json leaves a value to its type.
func unmarshals(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return t.Kind() != reflect.Interface && (p.Implements(reflect.TypeFor[json.Unmarshaler]()) || p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]()))
}

// fieldsOf returns the fields of a struct by the names that encoding/json may read
// into them, folded; those of embedded structs give way to those around them. There
// may be more than encoding/json reads: it passes over two of one name.
func fieldsOf(v reflect.Value) map[string]reflect.Value {
	fields, seen := map[string]reflect.Value{}, map[reflect.Type]bool{}
	for queue := []reflect.Value{v}; len(queue) > 0; queue = queue[1:] {
		v := queue[0]
		if seen[v.Type()] {
			continue
		}
		seen[v.Type()] = true
		for i := range v.NumField() {
			f, value := v.Type().Field(i), v.Field(i)
			tag := f.Tag.Get("json")
			name, _, _ := strings.Cut(tag, ",")
			if tag == "-" {
				continue
			}
			exported := f.IsExported()
			if f.Anonymous {
				if value.Kind() == reflect.Pointer {
					value = reflect.New(f.Type.Elem()).Elem()
				}
				if value.Kind() == reflect.Struct && !isName(name) {
					queue = append(queue, value)
					continue
				}
				exported = exported || value.Kind() == reflect.Struct // as its fields may be
			}
			if !isName(name) {
				name = f.Name
			}
			if name = strings.Map(fold, name); exported {
				if _, ok := fields[name]; !ok {
					fields[name] = value
				}
			}
		}
	}
	return fields
}

// isName reports whether encoding/json takes the name in a tag.
func isName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("!#$%&()*+-./:;<=>?@[]^_{|}~ ", r)
	})
}

// fold returns the least of the runes that encoding/json takes for one another.
func fold(r rune) rune {
	least := r
	for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
		least = min(least, next)
	}
	return least
}
