package legacyhash_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
	"github.com/seed89488a0c/auth/legacyhash"
)

func newWrapper(t testing.TB, outer auth.Hasher, inner ...auth.Hasher) *legacyhash.Wrapper {
	t.Helper()
	w, err := legacyhash.NewWrapper(outer, inner...)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestWrap(t *testing.T) {
	for scheme, k := range samples(t) {
		if k.Family == "argon2id" {
			continue // of the root package
		}
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			inner := hasherOf(k.Family)
			w := newWrapper(t, authtest.Hasher{}, inner)
			wrapped, err := w.Wrap(t.Context(), k.Stored)
			if strings.Contains(scheme, "bcrypt") || scheme == "devise" {
				if wrapped != "" || !errors.Is(err, auth.ErrUnknownHash) {
					t.Errorf("got %q, %v, want ErrUnknownHash", wrapped, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			digest := k.Stored[len(k.Stored)-12:]
			if saltedAtTheEnd(scheme) {
				digest = k.Stored[strings.Index(k.Stored, "}")+1:][:12]
			}
			text, _, _ := strings.Cut(strings.TrimPrefix(wrapped, "$wrapped$"), "$")
			settings, err := base64.RawURLEncoding.DecodeString(text)
			if err != nil || strings.Contains(wrapped, digest) || strings.Contains(string(settings), digest) {
				t.Errorf("%s still has the digest of %s", wrapped, k.Stored)
			}
			if _, err := inner.Verify(t.Context(), wrapped, auth.NewPassword(k.Password)); !errors.Is(err, auth.ErrUnknownHash) {
				t.Errorf("the inner hasher claims a wrapped hash: %v", err)
			}
			for password, want := range map[string]bool{k.Password: true, k.Password + ".": false, k.Stored: false, string(settings): false, k.Password + "\x00.": false} {
				if match, err := w.Verify(t.Context(), wrapped, auth.NewPassword(password)); err != nil || match != want {
					t.Errorf("Verify of %q returned %t, %v, want %t", password, match, err, want)
				}
			}
			info, plain := w.Inspect(wrapped), inner.Inspect(k.Stored)
			if want := (auth.HashInfo{Scheme: scheme + "+authtest", MemoryBytes: plain.MemoryBytes + 64, Outdated: true}); info != want {
				t.Errorf("Inspect returned %+v, want %+v", info, want)
			}
			if again, err := w.Wrap(t.Context(), wrapped); again != "" || !errors.Is(err, auth.ErrUnknownHash) {
				t.Errorf("a wrapped hash was wrapped: %q, %v", again, err)
			}
			damage(t, w, wrapped, k.Password)
		})
	}
}

func damage(t *testing.T, w *legacyhash.Wrapper, wrapped, password string) {
	stored := []string{"", "$wrapped$", "$wrapped$$", wrapped + "A", wrapped + "\n", " " + wrapped, wrapped + strings.Repeat("A", 1<<20), "$wrapped$" + strings.Repeat("A", 1<<20)}
	for i := range len(wrapped) {
		stored = append(stored, wrapped[:i], wrapped[:i]+"\x00"+wrapped[i+1:])
	}
	for i := 9; i < len(wrapped); i += 7 {
		stored = append(stored, wrapped[:i]+"w"+wrapped[i+1:])
	}
	for _, s := range stored {
		info := w.Inspect(s)
		if s == wrapped || info.MemoryBytes > 1<<20 {
			continue
		}
		match, err := w.Verify(t.Context(), s, auth.NewPassword(password))
		if match || err != nil && !errors.Is(err, auth.ErrUnknownHash) && !errors.Is(err, auth.ErrMalformedHash) || (info == auth.HashInfo{}) != (err != nil) {
			t.Errorf("of the damaged %.200q Inspect says %+v and Verify %t, %v", s, info, match, err)
		}
	}
}

// The settings of a wrapped hash have no digest: rows that have one are damaged.
func TestWrappedDigest(t *testing.T) {
	w := newWrapper(t, authtest.Hasher{}, legacyhash.PHPass{})
	outer, err := authtest.Hasher{}.Hash(t.Context(), auth.NewPassword("x"))
	if err != nil {
		t.Fatal(err)
	}
	stored := "$wrapped$" + base64.RawURLEncoding.EncodeToString([]byte("$P$8ohUJ.1sdFw09/bMaAQPTGDNi2BIUt1")) + "$" + outer
	if _, err := w.Verify(t.Context(), stored, auth.NewPassword("password")); !errors.Is(err, auth.ErrMalformedHash) {
		t.Errorf("got %v", err)
	}
}

func TestNewWrapperErrors(t *testing.T) {
	w := newWrapper(t, authtest.Hasher{}, legacyhash.PHPass{})
	for _, test := range []struct {
		outer auth.Hasher
		inner []auth.Hasher
	}{
		{nil, []auth.Hasher{legacyhash.PHPass{}}},
		{legacyhash.Django{}, []auth.Hasher{legacyhash.PHPass{}}}, // cannot hash
		{w, []auth.Hasher{legacyhash.PHPass{}}},
		{authtest.Hasher{}, nil},
		{authtest.Hasher{}, []auth.Hasher{nil}},
		{authtest.Hasher{}, []auth.Hasher{auth.Argon2id{}}}, // of another package
		{authtest.Hasher{}, []auth.Hasher{w}},               // nested
		{authtest.Hasher{}, []auth.Hasher{legacyhash.PBKDF2{}, legacyhash.Appended{}}},
	} {
		if w, err := legacyhash.NewWrapper(test.outer, test.inner...); w != nil || err == nil {
			t.Errorf("%T in %T: got %v, %v, want an error", test.inner, test.outer, w, err)
		}
	}
}

func TestWrapTooLong(t *testing.T) {
	w := newWrapper(t, authtest.Hasher{}, legacyhash.Django{})
	stored := "pbkdf2_sha256$10$" + strings.Repeat("s", 900) + "$" + zero32 + "="
	if wrapped, err := w.Wrap(t.Context(), stored); wrapped != "" || err == nil {
		t.Errorf("got %d bytes, %v", len(wrapped), err)
	}
}

func TestWrapAppended(t *testing.T) {
	const stored = "$pbkdf2-sha256$29000$N2YMIWQsBWBMae09x1jrPQ$1t8iyB2A.WF/Z5JZv.lfCIhXXN33N23OSgQYThBYRfk" // of "toomanysecrets"
	w := newWrapper(t, authtest.Hasher{}, legacyhash.Appended{Text: auth.NewPassword("secrets")})
	wrapped, err := w.Wrap(t.Context(), stored)
	if err != nil {
		t.Fatal(err)
	}
	for password, want := range map[string]bool{"toomany": true, "toomanysecrets": false} {
		if match, err := w.Verify(t.Context(), wrapped, auth.NewPassword(password)); err != nil || match != want {
			t.Errorf("Verify of %q returned %t, %v, want %t", password, match, err, want)
		}
	}
	foreign := newWrapper(t, authtest.Hasher{}, legacyhash.Appended{Hasher: auth.Argon2id{}})
	if _, err := foreign.Wrap(t.Context(), "$argon2id$v=19$m=19456,t=2,p=1$"+zero16+"$"+zero32); !errors.Is(err, auth.ErrUnknownHash) {
		t.Errorf("wrapping a hash of another package returned %v", err)
	}
}
