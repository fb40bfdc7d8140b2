package hashing_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/seed89488a0c/auth/internal/fault"
	"github.com/seed89488a0c/auth/internal/hashgate"
	"github.com/seed89488a0c/auth/internal/hashing"
	"github.com/seed89488a0c/auth/internal/input"
	"github.com/seed89488a0c/auth/internal/token"
)

type password string

func (p password) Reveal() string { return string(p) }

// hasher knows hashes such as "plain:secret", and "large:" of which each needs too much.
type hasher struct {
	hash     func(password) (string, error) // nil: "plain:" and the password
	verified *[]string
}

func (h hasher) Hash(_ context.Context, p password) (string, error) {
	if h.hash != nil {
		return h.hash(p)
	}
	return "plain:" + string(p), nil
}

func (h hasher) Verify(_ context.Context, encoded string, p password) (bool, error) {
	scheme, text, _ := strings.Cut(encoded, ":")
	switch scheme {
	case "plain", "old":
		if h.verified != nil {
			*h.verified = append(*h.verified, scheme)
		}
		return text == string(p), nil
	case "torn":
		return false, &input.HashError{Code: input.HashDamaged, Scheme: "torn"}
	case "down":
		return false, errors.New("canary")
	}
	return false, input.ErrUnknownHash
}

func (h hasher) Inspect(encoded string) hashing.Info {
	scheme, _, _ := strings.Cut(encoded, ":")
	switch scheme {
	case "", "plain", "down":
		return hashing.Info{Scheme: "plain", MemoryBytes: 10}
	case "old":
		return hashing.Info{Scheme: "old", MemoryBytes: 10, Outdated: true, CutAt: 6}
	case "large":
		return hashing.Info{Scheme: "large", MemoryBytes: 101}
	}
	return hashing.Info{}
}

func never(context.Context) bool { return false }

func room(t *testing.T, h hasher) hashing.Room[password] {
	t.Helper()
	r, err := hashing.New(h, func(text string) password { return password(text) }, never, 100, []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestNewRefusesAHasherThatDoesNotWork(t *testing.T) {
	for name, hash := range map[string]func(password) (string, error){
		"an error":            func(password) (string, error) { return "", errors.New("broken") },
		"of another password": func(password) (string, error) { return "plain:another", nil },
		"of no scheme":        func(p password) (string, error) { return "unknown:" + string(p), nil },
		"too large":           func(p password) (string, error) { return "large:" + string(p), nil },
		"nothing":             func(password) (string, error) { return "", nil },
	} {
		if _, err := hashing.New(hasher{hash: hash}, func(text string) password { return password(text) }, never, 100, nil); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestHash(t *testing.T) {
	answer, failure := "", error(nil)
	h := hasher{hash: func(p password) (string, error) {
		if p == "asked" {
			return answer, failure
		}
		return "plain:" + string(p), nil
	}}
	r := room(t, h)
	refused := &input.Error{Field: "password", Code: "too_long"}
	for _, tt := range []struct {
		name    string
		encoded string
		err     error
		want    string // of the error; "" = none
	}{
		{"a hash", "plain:asked", nil, ""},
		{"refused", "", refused, refused.Error()},
		{"an outage", "", errors.New("canary"), "auth: hash password: *errors.errorString"},
		{"more than a store keeps", strings.Repeat("x", 1025), nil, "auth: hash password: *errors.errorString"},
	} {
		answer, failure = tt.encoded, tt.err
		for what, hash := range map[string]func() (string, error){
			"hash": func() (string, error) { return r.Hash(t.Context(), hashgate.Turn{}, "asked") },
			"try":  func() (string, error) { return r.TryHash(t.Context(), "asked") },
		} {
			got, err := hash()
			if tt.want == "" && (err != nil || got != tt.encoded) || tt.want != "" && (err == nil || err.Error() != tt.want || got != "") {
				t.Errorf("%s, %s: got %q, %v", tt.name, what, got, err)
			}
		}
	}
	r.Gate = hashgate.New(1, 0) // that nothing fits into
	if _, err := r.TryHash(t.Context(), "asked"); err != fault.ErrOverloaded {
		t.Errorf("without a place: %v", err)
	}
}

func TestCheck(t *testing.T) {
	var verified []string
	r := room(t, hasher{verified: &verified})
	for _, tt := range []struct {
		name, encoded string
		p             password
		want          hashing.Checked // but for Unlike
		unlike        string          // its code
		scheme        string          // of what is verified
	}{
		{"right", "plain:secret", "secret", hashing.Checked{Match: true}, "", "plain"},
		{"wrong", "plain:secret", "wrong", hashing.Checked{}, "", "plain"},
		{"outdated", "old:old", "old", hashing.Checked{Match: true, Outdated: true}, "", "old"},
		{"outdated, and wrong", "old:old", "wrong", hashing.Checked{}, "", "old"},
		{"cut", "old:secret", "secret", hashing.Checked{Match: true, Outdated: true}, "too_long", "old"},
		{"with a NUL", "plain:a\x00", "a\x00", hashing.Checked{Match: true}, "invalid_character", "plain"},
		{"nobody", "", "secret", hashing.Checked{}, "", "plain"},
		{"unknown", "unknown:secret", "secret", hashing.Checked{Unreadable: input.ErrMalformedHash}, "", "plain"},
		{"too large", "large:secret", "secret", hashing.Checked{Unreadable: input.ErrMalformedHash}, "", "plain"},
	} {
		verified = nil
		got, err := r.Check(t.Context(), hashgate.Turn{}, "key", tt.encoded, tt.p)
		code := ""
		if wrong, ok := errors.AsType[*input.Error](got.Unlike); ok {
			code = wrong.Code
		}
		got.Unlike = nil
		if err != nil || got != tt.want || code != tt.unlike || len(verified) != 1 || verified[0] != tt.scheme {
			t.Errorf("%s: got %+v, %q, %v, and %q verified", tt.name, got, code, err, verified)
		}
	}
	if _, err := r.Check(t.Context(), hashgate.Turn{}, "key", "down:", ""); err == nil || err.Error() != "auth: verify password: *errors.errorString" {
		t.Errorf("of a hasher that is down: %v", err)
	}
}

func TestDecoys(t *testing.T) {
	var verified []string
	r := room(t, hasher{verified: &verified})
	for encoded, works := range map[string]bool{"": true, "old:": true, "unknown:": false, "large:": false} {
		if err := r.AddDecoy(encoded, 1); (err == nil) != works {
			t.Errorf("%q: %v", encoded, err)
		}
	}
	drawn := map[string]int{}
	for range 2 {
		for _, key := range strings.Split("abcdefghijklmnopqrstuvwxyz", "") {
			verified = nil
			if _, err := r.Check(t.Context(), hashgate.Turn{}, key, "", "secret"); err != nil {
				t.Fatal(err)
			}
			drawn[key+" "+verified[0]]++
		}
	}
	if len(drawn) != 26 {
		t.Errorf("a key draws several: %v", drawn)
	}
}

func TestUnreadable(t *testing.T) {
	r := room(t, hasher{})
	for encoded, want := range map[string]*input.HashError{
		"":              nil,
		"plain:secret":  nil,
		"large:":        {Code: "hash_too_costly", Scheme: "large", Limit: "memory", Value: 101, Max: 100},
		" \n":           {Code: "hash_white_space"},
		"\ufeffplain: ": {Code: "hash_white_space", Scheme: "plain"},
		"torn:":         {Code: "hash_damaged", Scheme: "torn"},
		"unknown:":      {Code: "hash_unknown"},
	} {
		got := r.Unreadable(t.Context(), encoded)
		if (got == nil) != (want == nil) || got != nil && *got != *want {
			t.Errorf("%q: got %+v, want %+v", encoded, got, want)
		}
	}
}

func TestAdmit(t *testing.T) {
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	gate := hashgate.ForCalls(1, 0)
	for _, tt := range []struct {
		name string
		ctx  context.Context
		held bool
		want string
	}{
		{"gone", gone, false, "auth: check password: *errors.errorString"},
		{"with a connection", t.Context(), true, "auth: check password: inside transaction"},
		{"first", t.Context(), false, ""},
		{"with no room to wait", t.Context(), false, "auth: overloaded"},
	} {
		err := hashing.Admit(tt.ctx, gate, "check password", hashgate.Turn{}, 0, tt.held)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || err.Error() != tt.want || !errors.Is(err, token.ErrUnavailable)) {
			t.Errorf("%s: got %v", tt.name, err)
		}
	}
}
