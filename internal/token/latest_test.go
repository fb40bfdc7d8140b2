package token_test

import (
	"testing"

	"github.com/seed89488a0c/auth/internal/token"
)

func TestLatestCompilesOnce(t *testing.T) {
	type source struct{ keys []token.Key }
	calls := 0
	keys := func(s *source) []token.Key {
		if calls++; s == nil {
			return nil
		}
		return s.keys
	}
	var latest token.Latest[source]
	a, b := &source{[]token.Key{token.Generate()}}, &source{[]token.Key{token.Generate()}}
	first, err := latest.Set(a, keys)
	must(t, first, err)
	if again, err := latest.Set(a, keys); again != first || err != nil || calls != 1 {
		t.Errorf("another set, or %v; compiled %d times", err, calls)
	}
	for name, bad := range map[string]*source{"no keys": {}, "nothing": nil} {
		if set, err := latest.Set(bad, keys); set != nil || err == nil {
			t.Errorf("%s: got %v, %v", name, set, err)
		}
	}
	calls = 0
	if again, err := latest.Set(a, keys); again != first || err != nil || calls != 0 {
		t.Errorf("a set that is refused replaced the one before, or %v", err)
	}
	if next, err := latest.Set(b, keys); next == first || err != nil || calls != 1 {
		t.Errorf("the same set of other keys, or %v", err)
	}
	if allocs := testing.AllocsPerRun(100, func() { _, _ = latest.Set(b, keys) }); allocs != 0 {
		t.Errorf("%v allocations for what is kept", allocs)
	}
}

func TestGenerate(t *testing.T) {
	a, b := token.Generate(), token.Generate()
	if a.ID() == b.ID() || a.Algorithm() != "HS256" || !a.CanSign() {
		t.Errorf("%s and %s, for %s", a.ID(), b.ID(), a.Algorithm())
	}
}
