package authtest

import (
	"crypto/sha256"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
)

var (
	timeType = reflect.TypeFor[time.Time]()
	addrType = reflect.TypeFor[netip.Addr]()
)

// wanted reports whether a suite is to look at a rule: at all of them, but in this
// package's tests, where a wrong implementation meets the one that finds it.
var wanted = func(_ *testing.T, rule string) bool { return true }

// fill sets every exported field below v to a value of its own, not zero, so
// that an implementation that drops a field, or takes one for another, is found
// out, also where the field was added later. Values made with different seeds
// differ in every field.
func fill(t testing.TB, v reflect.Value, seed int) {
	t.Helper()
	fields := 0
	fillFields(t, v, seed, &fields)
}

// fillFields counts the fields, since those of an embedded struct must not get
// the values of those around it.
func fillFields(t testing.TB, v reflect.Value, seed int, fields *int) {
	t.Helper()
	for i := range v.NumField() {
		field, name := v.Field(i), v.Type().Field(i).Name
		*fields++
		switch {
		case !v.Type().Field(i).IsExported():
		case name == "TTL", name == "Claims", name == "Audience" && field.Kind() == reflect.Slice, name == "Granted": // of a Subject: they have rules of their own
		case field.Kind() == reflect.Pointer && name == "User": // of a SessionRecord, which the store fills
		case field.Type() == timeType:
			// Fields differ in the minute, seeds in the day.
			at := time.Date(2001, 2, 3, 4, *fields, 6, 7000, time.UTC).AddDate(0, 0, seed)
			field.Set(reflect.ValueOf(at))
		case field.Type() == addrType:
			field.Set(reflect.ValueOf(netip.AddrFrom4([4]byte{10, byte(seed >> 8), byte(seed), byte(*fields)})))
		case field.Kind() == reflect.Array && field.Type().Elem().Kind() == reflect.Uint8:
			digest := sha256.Sum256(fmt.Appendf(nil, "%s-%d", name, seed))
			reflect.Copy(field, reflect.ValueOf(digest))
		case field.Kind() == reflect.String:
			field.SetString(fmt.Sprintf("%s-%d", strings.ToLower(name), seed))
		case field.CanUint():
			field.SetUint(uint64(1000*seed + *fields))
		case field.Kind() == reflect.Struct:
			fillFields(t, field, seed, fields)
		default:
			t.Fatalf("authtest cannot fill the field %s of kind %s: the suite must learn it", name, field.Kind())
		}
	}
}

// diff names the exported fields in which got and want, structs of one type,
// differ. Times are the same if they are the same instant, written in UTC.
func diff(got, want reflect.Value) []string {
	var names []string
	for i := range want.NumField() {
		field := want.Type().Field(i)
		if !field.IsExported() {
			continue
		}
		g, w := got.Field(i), want.Field(i)
		switch {
		case field.Type == timeType:
			gt, wt := g.Interface().(time.Time), w.Interface().(time.Time)
			if !gt.Equal(wt) || gt.Location() != time.UTC {
				names = append(names, fmt.Sprintf("%s (%v, want %v)", field.Name, gt, wt))
			}
		case field.Type != addrType && field.Type.Kind() == reflect.Struct:
			names = append(names, diff(g, w)...)
		case !reflect.DeepEqual(g.Interface(), w.Interface()):
			names = append(names, field.Name)
		}
	}
	return names
}
