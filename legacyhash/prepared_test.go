package legacyhash_test

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
	"github.com/seed89488a0c/auth/legacyhash"
)

const toomany = "$pbkdf2-sha256$29000$N2YMIWQsBWBMae09x1jrPQ$1t8iyB2A.WF/Z5JZv.lfCIhXXN33N23OSgQYThBYRfk" // of "toomanysecrets"

func TestPrepared(t *testing.T) {
	lower := legacyhash.Prepared{Prepare: strings.ToLower, Hasher: legacyhash.PBKDF2{}}
	twice := legacyhash.Prepared{Prepare: strings.TrimSpace, Hasher: lower}
	md5Twice := "$digest$md5(p)$$" + hex.EncodeToString(sum(legacyhash.MD5Hex("ﬁt"))) // not normalised
	nfkc := legacyhash.Prepared{Prepare: norm.NFKC.String, Hasher: legacyhash.Digest{}}
	for _, test := range []struct {
		h                auth.Hasher
		stored, password string
		want             bool
	}{
		{lower, toomany, "TooManySecrets", true},
		{lower, toomany, "toomanysecrets", true},
		{lower, toomany, " toomanysecrets", false},
		{twice, toomany, " TooManySecrets\n", true},
		{nfkc, "$digest$md5(p)$$" + legacyhash.MD5Hex("fit"), "ﬁt", true},
		{legacyhash.Prepared{Prepare: legacyhash.MD5Hex, Hasher: legacyhash.Digest{}}, md5Twice, "ﬁt", true},
		{legacyhash.Prepared{Prepare: strings.ToLower, Hasher: legacyhash.Appended{Text: auth.NewPassword("secrets")}}, toomany, "TOOMANY", true},
		{legacyhash.Appended{Text: auth.NewPassword("SECRETS"), Hasher: lower}, toomany, "toomany", true},
	} {
		if match, err := test.h.Verify(t.Context(), test.stored, auth.NewPassword(test.password)); err != nil || match != test.want {
			t.Errorf("Verify of %q returned %t, %v, want %t", test.password, match, err, test.want)
		}
		w := newWrapper(t, authtest.Hasher{}, test.h)
		if match, err := w.Verify(t.Context(), mustWrap(t, w, test.stored), auth.NewPassword(test.password)); err != nil || match != test.want {
			t.Errorf("wrapped, Verify of %q returned %t, %v, want %t", test.password, match, err, test.want)
		}
		if info := test.h.Inspect(test.stored); info.Scheme == "" || !info.Outdated {
			t.Errorf("Inspect returned %+v", info)
		}
	}
	if info := (legacyhash.Prepared{Prepare: strings.ToLower, Hasher: legacyhash.PBKDF2{Rounds: 600_000}}).Inspect("$pbkdf2-sha256$600000$" + zero16 + "$" + zero32); !info.Outdated {
		t.Error("a prepared hash of today's strength is not replaced by one of the password itself")
	}
}

func sum(text string) []byte { b := md5.Sum([]byte(text)); return b[:] }

// Without what makes it one, a Prepared knows no hash.
func TestPreparedWithoutParts(t *testing.T) {
	for _, h := range []auth.Hasher{
		legacyhash.Prepared{}, legacyhash.Prepared{Hasher: legacyhash.PBKDF2{}}, legacyhash.Prepared{Prepare: strings.ToLower},
	} {
		match, err := h.Verify(t.Context(), toomany, auth.NewPassword("toomanysecrets"))
		if match || !errors.Is(err, auth.ErrUnknownHash) || h.Inspect(toomany) != (auth.HashInfo{}) {
			t.Errorf("got %t, %v, %+v", match, err, h.Inspect(toomany))
		}
		w := newWrapper(t, authtest.Hasher{}, h)
		if _, err := w.Wrap(t.Context(), toomany); !errors.Is(err, auth.ErrUnknownHash) {
			t.Errorf("Wrap returned %v", err)
		}
	}
	h := legacyhash.Prepared{Prepare: strings.ToLower, Hasher: legacyhash.PBKDF2{}}
	if _, err := h.Verify(t.Context(), "", auth.Password{}); !errors.Is(err, auth.ErrUnknownHash) {
		t.Errorf("Verify of the empty hash returned %v", err)
	}
}

// By PHP 8.2: addslashes, and htmlspecialchars with ENT_COMPAT.
func TestPrepareFunctions(t *testing.T) {
	for _, test := range []struct {
		f        func(string) string
		in, want string
	}{
		{legacyhash.Slashed, `it's`, `it\'s`},
		{legacyhash.Slashed, `a"b\c` + "\x00", `a\"b\\c\0`},
		{legacyhash.Slashed, "비밀 <&>", "비밀 <&>"},
		{legacyhash.PHPBBInput, `a&b<c>d"e'f`, `a&amp;b&lt;c&gt;d&quot;e'f`},
		{legacyhash.PHPBBInput, "&amp;", "&amp;amp;"},
		{legacyhash.PHPBBInput, "a\r\nb\rc\x00d ", "a\nb\ncd "},
		{legacyhash.PHPBBInput, "e\u0301", "\u00e9"},
		{legacyhash.PHPBBInput, ">\u0338", "&gt;\u0338"}, // NFC would join them
		{legacyhash.PHPBBInput, "\xff", ""},
		{legacyhash.SHA256Hex, "password", "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8"},
		{legacyhash.MD5Hex, "password", "5f4dcc3b5aa765d61d8327deb882cf99"},
	} {
		if got := test.f(test.in); got != test.want {
			t.Errorf("%q became %q, want %q", test.in, got, test.want)
		}
	}
}

// own is a service's own hasher, of one MD5: "own$" and the digest.
type own struct{ auth.Hasher }

func (own) Hash(context.Context, auth.Password) (string, error) {
	return "", errors.New("verifies only")
}

func (o own) Verify(_ context.Context, encoded string, p auth.Password) (bool, error) {
	if o.Inspect(encoded).Scheme == "" {
		return false, auth.ErrUnknownHash
	}
	return encoded == "own$"+legacyhash.MD5Hex(p.Reveal()), nil
}

func (own) Inspect(encoded string) auth.HashInfo {
	if len(encoded) != 36 || !strings.HasPrefix(encoded, "own$") {
		return auth.HashInfo{}
	}
	return auth.HashInfo{Scheme: "own", Outdated: true, Weak: true}
}

func (own) Split(encoded string) (string, []byte, error) {
	digest, err := hex.DecodeString(strings.TrimPrefix(encoded, "own$"))
	return "own$" + strings.Repeat("0", 32), digest, err
}

func (own) Derive(_ string, p auth.Password) ([]byte, error) { return sum(p.Reveal()), nil }

// A service's own hasher can be wrapped, also behind a Prepared, beside those of this
// package, and is claimed by no other.
func TestWrapDigester(t *testing.T) {
	stored := "own$" + legacyhash.MD5Hex("it's me")
	for name, test := range map[string]struct {
		inner    auth.Hasher
		stored   string
		password string
	}{
		"plain":    {own{}, stored, "it's me"},
		"prepared": {legacyhash.Prepared{Prepare: strings.ToLower, Hasher: own{}}, stored, "It's Me"},
		"appended": {legacyhash.Appended{Text: auth.NewPassword(" me"), Hasher: own{}}, stored, "it's"},
	} {
		w := newWrapper(t, authtest.Hasher{}, legacyhash.PHPass{}, test.inner, legacyhash.Digest{})
		wrapped := mustWrap(t, w, test.stored)
		if strings.Contains(wrapped, legacyhash.MD5Hex("it's me")) {
			t.Errorf("%s: %s still has the digest", name, wrapped)
		}
		for password, want := range map[string]bool{test.password: true, test.password + ".": false, "": false} {
			if match, err := w.Verify(t.Context(), wrapped, auth.NewPassword(password)); err != nil || match != want {
				t.Errorf("%s: Verify of %q returned %t, %v, want %t", name, password, match, err, want)
			}
		}
		if info := w.Inspect(wrapped); info.Scheme != "own+authtest" || !info.Outdated || info.Weak {
			t.Errorf("%s: Inspect returned %+v", name, info)
		}
		damage(t, w, wrapped, test.password)
		if _, err := w.Wrap(t.Context(), "own$short"); !errors.Is(err, auth.ErrUnknownHash) {
			t.Errorf("%s: Wrap of a damaged hash returned %v", name, err)
		}
	}
}
