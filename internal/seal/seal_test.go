package seal_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed89488a0c/auth/internal/seal"
)

const purpose = "a test"

var (
	now     = time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	expires = now.Add(time.Minute)
)

// secretOf returns a secret of bytes that begin with one.
func secretOf(first byte) []byte {
	secret := make([]byte, 32)
	for i := range secret {
		secret[i] = first + byte(i)
	}
	return secret
}

func box(first ...byte) *seal.Box {
	var secrets [][]byte
	for _, b := range first {
		secrets = append(secrets, secretOf(b))
	}
	return seal.New(secrets, purpose)
}

func sealed(t testing.TB, b *seal.Box, plain string, bound ...string) string {
	t.Helper()
	text, err := b.Seal([]byte(plain), expires, bound...)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func refuses(t testing.TB, b *seal.Box, text string, at time.Time, want error, bound ...string) {
	t.Helper()
	plain, err := b.Open(text, at, bound...)
	if plain != nil || err != want || !errors.Is(err, seal.ErrInvalid) {
		t.Errorf("got %q, %v, want %v", plain, err, want)
	}
}

func opens(t testing.TB, b *seal.Box, text, want string, bound ...string) {
	t.Helper()
	if plain, err := b.Open(text, now, bound...); err != nil || string(plain) != want {
		t.Errorf("got %q, %v, want %q", plain, err, want)
	}
}

func TestSealAndOpen(t *testing.T) {
	b := box(0x80)
	for _, plain := range []string{"", "x", "a short text", strings.Repeat("\x00", seal.MaxPlain)} {
		for _, bound := range [][]string{nil, {""}, {"user-id"}, {"user-id", "", "ab"}, {strings.Repeat("x", seal.MaxBound-4)}} {
			text := sealed(t, b, plain, bound...)
			opens(t, b, text, plain, bound...)
			if len(text) > seal.MaxText || len(plain) > 4 && strings.Contains(text, plain) {
				t.Errorf("%d characters", len(text))
			}
			if text == sealed(t, b, plain, bound...) {
				t.Error("the same text twice")
			}
		}
	}
	if n := len(sealed(t, b, strings.Repeat("x", seal.MaxPlain))); n != seal.MaxText {
		t.Errorf("the longest text is of %d characters, want %d", n, seal.MaxText)
	}
}

// What is bound, and the purpose, are told apart, however they are cut.
func TestBoundAndPurposeAreToldApart(t *testing.T) {
	lists := [][]string{
		nil, {""}, {"", ""}, {"abc"}, {"ab", "c"}, {"a", "bc"}, {"c", "ab"}, {"abc", ""}, {"", "abc"}, {"ABC"},
		{"a", "b", "c"}, {"a\x00\x00\x00\x01b"}, {strings.Repeat("x", 256), "y"}, {strings.Repeat("x", 257)},
	}
	b := box(0x80)
	for i, bound := range lists {
		text := sealed(t, b, "x", bound...)
		for j, other := range lists {
			if i == j {
				opens(t, b, text, "x", other...)
			} else {
				refuses(t, b, text, now, seal.ErrInvalid, other...)
			}
		}
	}
	secrets := [][]byte{secretOf(0x80)}
	for _, other := range []string{purpose + " ", "a", "another", "A test"} {
		refuses(t, seal.New(secrets, other), sealed(t, b, "x"), now, seal.ErrInvalid)
	}
	refuses(t, seal.New(secrets, "a"), sealed(t, seal.New(secrets, "ab"), "x", "c"), now, seal.ErrInvalid, "bc")
}

// A new secret comes in front, and old ones go on opening until they are dropped.
func TestRotationOfSecrets(t *testing.T) {
	first, both, second := box(0x80), box(0x90, 0x80), box(0x90)
	old, young := sealed(t, first, "old"), sealed(t, both, "young")
	opens(t, both, old, "old")
	opens(t, both, young, "young")
	opens(t, second, young, "young")
	refuses(t, second, old, now, seal.ErrInvalid)
	refuses(t, first, young, now, seal.ErrInvalid)
	opens(t, box(0x80, 0x90), young, "young")
	// An expired text of any listed secret is one that has expired.
	refuses(t, both, old, expires, seal.ErrExpired)
	refuses(t, second, old, expires, seal.ErrInvalid)
}

// A text is open until the second of its expiry, and nothing but an authentic one expires.
func TestExpiry(t *testing.T) {
	b := box(0x80)
	text, err := b.Seal([]byte("x"), expires.Add(999*time.Millisecond), "me")
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := b.Open(text, expires.Add(-1), "me"); err != nil || string(plain) != "x" {
		t.Errorf("%q, %v", plain, err)
	}
	refuses(t, b, text, expires, seal.ErrExpired, "me")
	refuses(t, b, text, expires.AddDate(500, 0, 0), seal.ErrExpired, "me")
	refuses(t, b, text, expires, seal.ErrInvalid, "you")
	refuses(t, b, text[:len(text)-2], expires, seal.ErrInvalid, "me")
	if plain, err := b.Open(text, expires.Add(-1).In(time.FixedZone("", 3600)), "me"); err != nil || string(plain) != "x" {
		t.Errorf("in another zone: %q, %v", plain, err)
	}
	for _, at := range []time.Time{{}, time.Unix(-1, 0), time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)} {
		if text, err := b.Seal(nil, at); text != "" || err != seal.ErrExpiry {
			t.Errorf("%v: %q, %v", at, text, err)
		}
	}
	for _, at := range []time.Time{time.Unix(0, 0), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)} {
		if text, err := b.Seal(nil, at); err != nil {
			t.Errorf("%v: %v", at, err)
		} else if _, err := b.Open(text, at.Add(-1)); err != nil {
			t.Errorf("%v: %v", at, err)
		}
	}
}

func TestSizes(t *testing.T) {
	b := box(0x80)
	for _, tt := range []struct {
		plain int
		bound []string
	}{
		{seal.MaxPlain + 1, nil},
		{0, []string{strings.Repeat("x", seal.MaxBound-3)}},
		{0, []string{strings.Repeat("x", seal.MaxBound-8), "y"}},
		{0, make([]string, seal.MaxBound/4+1)},
	} {
		if text, err := b.Seal(make([]byte, tt.plain), expires, tt.bound...); text != "" || err != seal.ErrSize {
			t.Errorf("%d bytes: %d characters, %v", tt.plain, len(text), err)
		}
		refuses(t, b, sealed(t, b, ""), now, seal.ErrInvalid, append(tt.bound, strings.Repeat("x", seal.MaxBound))...)
	}
}

// What is refused costs no work: a megabyte is not decoded.
func TestLongTextsAreNotRead(t *testing.T) {
	b, long := box(0x80), strings.Repeat("A", 1<<20)
	for name, open := range map[string]func(){
		"a text":        func() { b.Open(long, now) },
		"what is bound": func() { b.Open(known, now, long) },
	} {
		if n := testing.AllocsPerRun(100, open); n != 0 {
			t.Errorf("%v allocations for %s that is too long", n, name)
		}
	}
}

// Every spelling but the one that was sealed is refused.
func TestOneSpelling(t *testing.T) {
	b := box(0x80)
	for _, plain := range []string{"a", "ab", "abc"} { // of each length of the last group
		text := sealed(t, b, plain)
		raw, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
		for _, c := range letters {
			if last := text[:len(text)-1] + string(c); last != text {
				refuses(t, b, last, now, seal.ErrInvalid)
			}
		}
		for _, other := range []string{
			"", "A", text + "A", text + "=", text + "==", text + "\n", "\n" + text, text + "\r\n", text[:8] + "\n" + text[8:], " " + text, text + " ", text + "\x00",
			text + text, text[:len(text)-1] + "\n", strings.Repeat("A", len(text)), strings.Repeat("_", len(text)), strings.Repeat("A", seal.MaxText+1), strings.Repeat("é", len(text)/2),
			"Ag" + text[2:], "AA" + text[2:], // of versions 2 and 0
			base64.StdEncoding.EncodeToString(append(raw, 0xfb, 0xff)), base64.URLEncoding.EncodeToString(append(raw, 0)),
		} {
			refuses(t, b, other, now, seal.ErrInvalid)
		}
	}
}

func TestEveryBitAndEveryCut(t *testing.T) {
	b := box(0x80, 0x90)
	text := sealed(t, b, "a short text", "me")
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	refusesBytes := func(raw []byte) {
		t.Helper()
		refuses(t, b, base64.RawURLEncoding.EncodeToString(raw), now, seal.ErrInvalid, "me")
	}
	for i := range raw {
		for bit := range 8 {
			flipped := bytes.Clone(raw)
			flipped[i] ^= 1 << bit
			refusesBytes(flipped)
		}
		refusesBytes(raw[:i])
		refusesBytes(raw[i+1:])
		refusesBytes(append(bytes.Clone(raw[:i]), raw[i+1:]...))
		refusesBytes(append(append(bytes.Clone(raw[:i]), 0), raw[i:]...))
	}
	for i := range text {
		refuses(t, b, text[:i], now, seal.ErrInvalid, "me")
	}
	// Two texts of one Box cannot be made one.
	other, err := base64.RawURLEncoding.DecodeString(sealed(t, b, "a short text", "me"))
	if err != nil {
		t.Fatal(err)
	}
	for i := 2; i < len(raw); i++ { // they begin with the same version
		refusesBytes(append(bytes.Clone(raw[:i]), other[i:]...))
	}
	opens(t, b, text, "a short text", "me")
}

// What was sealed before must open after an update, and on other replicas. The text is that
// of Python's cryptography 48.0.0:
//
//	secret, salt, nonce = bytes(range(0x80, 0xa0)), bytes(range(0x10, 0x20)), bytes(range(0x20, 0x2c))
//	of_purpose = HKDF(SHA256(), 32, None, b"auth seal a test").derive(secret)
//	key = HKDF(SHA256(), 32, salt, b"").derive(of_purpose)
//	expiry = (1893456000).to_bytes(8, "big")
//	data = b"\x01" + expiry + b"\x00\x00\x00\x07user-id" + b"\x00\x00\x00\x00" + b"\x00\x00\x00\x02ab"
//	sealed = b"\x01" + salt + expiry + nonce + AESGCM(key).encrypt(nonce, b"a short text", data)
//	base64.urlsafe_b64encode(sealed).rstrip(b"=")
func TestKnownAnswer(t *testing.T) {
	end := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	bound := []string{"user-id", "", "ab"}
	if plain, err := box(0x80).Open(known, end.Add(-1), bound...); err != nil || string(plain) != "a short text" {
		t.Errorf("got %q, %v", plain, err)
	}
	refuses(t, box(0x80), known, end, seal.ErrExpired, bound...)
	// The same with version 2 in both places, which is authentic as far as it goes.
	refuses(t, box(0x80), "AhAREhMUFRYXGBkaGxwdHh8AAAAAcNvYgCAhIiMkJSYnKCkqK0Fk5Sr-YdxHeQy9EWr3Q194iLZPsExhFY-ZN1Y", end.Add(-1), seal.ErrInvalid, bound...)
}

const known = "ARAREhMUFRYXGBkaGxwdHh8AAAAAcNvYgCAhIiMkJSYnKCkqK0Fk5Sr-YdxHeQy9EWgFkcL-H2W5thaZPkIrO0o"

func TestNewPanics(t *testing.T) {
	for name, call := range map[string]func(){
		"no secret":    func() { seal.New(nil, purpose) },
		"no purpose":   func() { seal.New([][]byte{secretOf(0x80)}, "") },
		"short secret": func() { seal.New([][]byte{secretOf(0x80)[:31]}, purpose) },
		"empty secret": func() { seal.New([][]byte{secretOf(0x80), nil}, purpose) },
		"text":         func() { seal.New([][]byte{[]byte(strings.Repeat("canary ", 5))}, purpose) },
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.HasPrefix(got, "seal: New: ") || strings.Contains(got, "canary") {
					t.Errorf("%s: the panic says %q", name, got)
				}
			}()
			call()
		}()
	}
}

// The Box keeps no secret of the caller's, and shows none.
func TestBoxShowsNothing(t *testing.T) {
	secret := secretOf(0x80)
	b := seal.New([][]byte{secret}, purpose)
	text := sealed(t, b, "x")
	clear(secret)
	opens(t, b, text, "x")
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, v := range []any{b, *b} {
			if got := fmt.Sprintf(format, v); got != "REDACTED" {
				t.Errorf("%s prints %s", format, got)
			}
		}
	}
	if got, err := json.Marshal(b); err != nil || string(got) != `"REDACTED"` {
		t.Errorf("encoding/json: %s, %v", got, err)
	}
	for _, err := range []error{seal.ErrInvalid, seal.ErrExpired, seal.ErrSize, seal.ErrExpiry} {
		if strings.Contains(err.Error(), "x ") {
			t.Error(err)
		}
	}
}
