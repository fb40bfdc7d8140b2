package token_test

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed89488a0c/auth/internal/token"
)

// remembering is a parser that keeps so many tokens.
func remembering(t testing.TB, tokens int) parser {
	t.Helper()
	r := ourRules(t)
	r.Leeway, r.Skew, r.Cache = 30*time.Second, 5*time.Second, tokens
	return newParser(t, r)
}

// TestCacheChecksTime parses one token at many times: what is remembered is the
// signature, never that the token was valid.
func TestCacheChecksTime(t *testing.T) {
	p := remembering(t, 8)
	for _, s := range signers() {
		text := s.mint(t, s.header, payload)
		id, err := p.Parse(text, at(1))
		wantIdentity(t, id, err, claims())
		for _, tt := range []struct {
			now    time.Time
			reason string
		}{
			{at(lifetime + 30).Add(-1), ""},
			{at(lifetime + 30), token.ReasonExpired},
			{at(lifetime + 1000), token.ReasonExpired},
			{at(-5), ""},
			{at(-5).Add(-1), token.ReasonNotYetValid},
			{at(1), ""},
		} {
			id, err := p.Parse(text, tt.now)
			if tt.reason != "" {
				wantReason(t, id, err, tt.reason)
			} else {
				wantIdentity(t, id, err, claims())
			}
		}
	}
}

// TestCacheChecksKey takes keys away from under a token that is remembered.
func TestCacheChecksKey(t *testing.T) {
	p := remembering(t, 8)
	s := hmacSigner()
	text := s.mint(t, s.header, payload)
	id, err := p.Parse(text, at(1))
	wantIdentity(t, id, err, claims())

	same := p.keys
	for name, tt := range map[string]struct {
		keys   []token.Key
		reason string
	}{
		"gone":                      {[]token.Key{withID(t, edKey(t, "e"), "e")}, token.ReasonUnknownKey},
		"another of its ID":         {[]token.Key{withID(t, hmacKey(t, "other"), "h")}, token.ReasonSignature},
		"another kind of its ID":    {[]token.Key{withID(t, edKey(t, "e"), "h")}, token.ReasonAlgorithm},
		"the same one, read again":  {[]token.Key{withID(t, hmacKey(t, "h"), "h"), edKey(t, "e")}, ""},
		"the same one under two ID": {[]token.Key{withID(t, hmacKey(t, "h"), "h"), withID(t, hmacKey(t, "h"), "i")}, ""},
	} {
		set, err := token.NewSet(tt.keys)
		p.keys = must(t, set, err)
		id, err := p.Parse(text, at(1))
		if tt.reason == "" {
			wantIdentity(t, id, err, claims())
		} else if err == nil {
			t.Errorf("%s: accepted", name)
		} else {
			wantReason(t, id, err, tt.reason)
		}
		p.keys = same
		id, err = p.Parse(text, at(1))
		wantIdentity(t, id, err, claims())
	}
	p.keys = nil
	id, err = p.Parse(text, at(1))
	wantReason(t, id, err, token.ReasonUnknownKey)
}

// TestCacheComparesAll changes each byte of a token that is remembered.
func TestCacheComparesAll(t *testing.T) {
	p := remembering(t, 1)
	s := hmacSigner()
	text := s.mint(t, s.header, payload)
	for i := range len(text) {
		if _, err := p.Parse(text, at(1)); err != nil {
			t.Fatal(err)
		}
		for _, c := range []string{"", "A", "x", "."} {
			if c == text[i:i+1] {
				continue
			}
			if id, err := p.Parse(text[:i]+c+text[i+1:], at(1)); err == nil || id != (token.Identity{}) {
				t.Fatalf("accepted with %q at %d", c, i)
			}
		}
	}
}

// A remembered token costs no allocation, and neither does being refused by it.
func TestCacheAllocatesNothing(t *testing.T) {
	p := remembering(t, 8)
	for _, s := range signers() {
		text := s.mint(t, s.header, payload)
		if n := testing.AllocsPerRun(100, func() {
			if _, err := p.Parse(text, at(1)); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", s.method.Alg(), n)
		}
	}
}

// Tokens are remembered in a bounded number, whoever comes.
func TestCacheIsBounded(t *testing.T) {
	p := remembering(t, 64)
	live := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	s := hmacSigner()
	mint := func(i int) string {
		return s.mint(t, s.header, change(t, payload, "token-1", fmt.Sprintf("token-%d", i)))
	}
	for i := range 1000 {
		if _, err := p.Parse(mint(i), at(1)); err != nil {
			t.Fatal(err)
		}
	}
	before := live()
	for i := range 10_000 {
		if _, err := p.Parse(mint(i), at(1)); err != nil {
			t.Fatal(err)
		}
	}
	good := mint(0)
	for i := range 100_000 { // hostile, each another
		text := good[:len(good)-8] + fmt.Sprintf("%08d", i)
		if _, err := p.Parse(text, at(1)); err == nil {
			t.Fatal("accepted")
		}
	}
	if after := live(); after > before+1<<20 {
		t.Errorf("from %d to %d bytes", before, after)
	}
	runtime.KeepAlive(p)
}

// A token that takes more room than others is not remembered, and still parsed.
func TestCacheLeavesOutLarge(t *testing.T) {
	p := remembering(t, 8)
	s := hmacSigner()
	text := s.mint(t, s.header, change(t, payload, "user-1", strings.Repeat("u", 3000)))
	for range 3 {
		if _, err := p.Parse(text, at(1)); err != nil {
			t.Error(err)
		}
		if n := testing.AllocsPerRun(1, func() { p.Parse(text, at(1)) }); n == 0 {
			t.Error("it was remembered")
		}
	}
}

// ASVS 5.0 15.4.1
func TestCacheConcurrent(t *testing.T) {
	p := remembering(t, 4)
	var texts []string
	s := hmacSigner()
	for i := range 16 {
		texts = append(texts, s.mint(t, s.header, change(t, payload, "user-1", fmt.Sprint("user-", i))))
	}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 400 {
				n := (i*7 + g) % len(texts)
				id, err := p.Parse(texts[n], at(1))
				if err != nil || id.UserID != fmt.Sprint("user-", n) {
					t.Errorf("token %d is %q, %v", n, id.UserID, err)
				}
			}
		})
	}
	wg.Wait()
}
