package legacyhash_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
	"github.com/seed89488a0c/auth/legacyhash"
)

// Why a row cannot be taken over: a code for each reason, the scheme where it is
// known, and by how much which cap is exceeded. The same through Combine and Import.
func TestReasons(t *testing.T) {
	b53 := strings.Repeat(".", 53)
	h := combineAll(t, authtest.Hasher{})
	a := authtest.New(t, auth.Options{Hasher: h})
	for _, test := range []struct {
		stored string
		want   auth.HashError
	}{
		{"$y$j9T$salt$digest", auth.HashError{Code: "hash_unknown"}},
		{"plaintext", auth.HashError{Code: "hash_unknown"}},
		{"*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19", auth.HashError{Code: "hash_unknown"}}, // MySQL's PASSWORD
		{"{noop}password", auth.HashError{Code: "hash_unknown"}},

		{"!", auth.HashError{Code: "hash_no_password"}},
		{"!wLZQqAzkS5nRNfHqyVK6wKkRBVSrSPzqwDdvpEGM", auth.HashError{Code: "hash_no_password"}}, // Django's
		{"!$6$salt$" + strings.Repeat(".", 86), auth.HashError{Code: "hash_no_password"}},       // shadow's, locked
		{"*", auth.HashError{Code: "hash_no_password", Scheme: "crypt"}},
		{"*LK*", auth.HashError{Code: "hash_no_password", Scheme: "crypt"}},
		{"{SASL}ada@EXAMPLE.COM", auth.HashError{Code: "hash_no_password", Scheme: "ldap-sasl"}},
		{"{CRYPT}*", auth.HashError{Code: "hash_no_password", Scheme: "ldap-crypt"}},

		{"$2b$12$" + b53[:40], auth.HashError{Code: "hash_damaged", Scheme: "bcrypt"}}, // cut by a column
		{"$2b$03$" + b53, auth.HashError{Code: "hash_damaged", Scheme: "bcrypt"}},
		{"$pbkdf2-sha256$1000$" + zero16 + "$" + zero32[1:], auth.HashError{Code: "hash_damaged", Scheme: "pbkdf2-sha256"}},
		{"$pbkdf2-sha256$01000$" + zero16 + "$" + zero32, auth.HashError{Code: "hash_damaged", Scheme: "pbkdf2-sha256"}},
		{"$argon2id$v=16$m=64,t=1,p=1$" + zero16 + "$" + zero32, auth.HashError{Code: "hash_damaged", Scheme: "argon2id"}},
		{"$argon2i$v=19$m=64,t=1,p=1$" + zero16 + "$", auth.HashError{Code: "hash_damaged", Scheme: "argon2i"}},
		{"$scrypt$ln=4,r=8,p=1$" + zero16 + "$AA", auth.HashError{Code: "hash_damaged", Scheme: "scrypt"}},
		{"$P$9short", auth.HashError{Code: "hash_damaged", Scheme: "phpass"}},
		{"$S$Dshort", auth.HashError{Code: "hash_damaged", Scheme: "drupal"}},
		{"$6$salt$short", auth.HashError{Code: "hash_damaged", Scheme: "sha512-crypt"}},
		{"{SSHA}AAAA", auth.HashError{Code: "hash_damaged", Scheme: "ldap-ssha"}},
		{"{MD5-CRYPT}$1$salt$short", auth.HashError{Code: "hash_damaged", Scheme: "ldap-md5-crypt"}},
		{"{pbkdf2}00", auth.HashError{Code: "hash_damaged", Scheme: "spring-pbkdf2"}},
		{"pbkdf2_sha256$1000$salt$AA==", auth.HashError{Code: "hash_damaged", Scheme: "django-pbkdf2_sha256"}},
		{"pbkdf2:sha256:1000$salt$00", auth.HashError{Code: "hash_damaged", Scheme: "werkzeug-pbkdf2"}},
		{"AQAAAAEAACcQ", auth.HashError{Code: "hash_damaged", Scheme: "aspnet-identity"}},
		{"$bcrypt-sha256$v=2,t=2b,r=04$", auth.HashError{Code: "hash_damaged", Scheme: "bcrypt-sha256"}},
		{"$firebase-scrypt$AAAA$AAAA", auth.HashError{Code: "hash_damaged", Scheme: "firebase-scrypt"}},
		{":B:salt:00", auth.HashError{Code: "hash_damaged", Scheme: "mediawiki-b"}},
		{"$digest$md5(q)$$00", auth.HashError{Code: "hash_damaged", Scheme: "digest"}},

		{"$2b$16$" + b53, costly("bcrypt", "cost", 16, 15)},
		{"$argon2id$v=19$m=4194304,t=1,p=1$" + zero16 + "$" + zero32, costly("argon2id", "memory", 4<<30, 256<<20)},
		{"$argon2i$v=19$m=65536,t=17,p=1$" + zero16 + "$" + zero32, costly("argon2i", "passes", 17, 16)},
		{"$argon2id$v=19$m=262144,t=5,p=1$" + zero16 + "$" + zero32, costly("argon2id", "work", 1280<<20, 1<<30)},
		{"$argon2id$v=19$m=65536,t=1,p=17$" + zero16 + "$" + zero32, costly("argon2id", "threads", 17, 16)},
		{"$scrypt$ln=20,r=8,p=1$" + zero16 + "$" + zero32, costly("scrypt", "memory", 1<<30, 256<<20)},
		{"$scrypt$ln=18,r=8,p=3$" + zero16 + "$" + zero32, costly("scrypt", "work", 3<<21, 1<<22)},
		{"$scrypt$ln=64,r=4294967295,p=1$" + zero16 + "$" + zero32, costly("scrypt", "memory", 1<<64-1, 256<<20)},
		{"$pbkdf2-sha256$10000000$" + zero16 + "$" + zero32, costly("pbkdf2-sha256", "rounds", 10_000_000, 5_000_000)},
		{"$pbkdf2-sha512$99999999999999999999$" + zero16 + "$" + zero64[:86], costly("pbkdf2-sha512", "rounds", 1<<64-1, 2_000_000)},
		{"$6$rounds=5000000$salt$" + strings.Repeat(".", 86), costly("sha512-crypt", "rounds", 5_000_000, 1_000_000)},
		{"$P$I........" + strings.Repeat(".", 22), costly("phpass", "rounds", 1<<20, 1<<19)},
		{"$S$J" + b53[:51], costly("drupal", "rounds", 1<<21, 1<<20)},
		{"scrypt:1048576:8:1$salt$" + hex32 + hex32, costly("werkzeug-scrypt", "memory", 1<<30, 256<<20)},

		// A file that was edited, a column that pads, an export that wraps.
		{"$2b$12$" + b53 + "\n", auth.HashError{Code: "hash_white_space", Scheme: "bcrypt"}},
		{" $2b$12$" + b53, auth.HashError{Code: "hash_white_space", Scheme: "bcrypt"}},
		{"$2b$12$" + b53 + "\x00\x00", auth.HashError{Code: "hash_white_space", Scheme: "bcrypt"}},
		{"\ufeff$2b$12$" + b53, auth.HashError{Code: "hash_white_space", Scheme: "bcrypt"}},
		{"pbkdf2_sha256$1000$salt$" + zero32[:20] + "\r\n" + zero32[20:] + "=", auth.HashError{Code: "hash_white_space", Scheme: "django-pbkdf2_sha256"}},
		{"   ", auth.HashError{Code: "hash_white_space"}},
	} {
		if info := h.Inspect(test.stored); info != (auth.HashInfo{}) {
			t.Errorf("Inspect of %s returned %+v", test.stored, info)
		}
		_, err := a.Import(t.Context(), auth.UserRecord{User: auth.User{Email: "ada@example.com"}, PasswordHash: test.stored})
		input, ok := errors.AsType[*auth.InputError](err)
		if !ok || input.Field != "password_hash" || input.Hash == nil || input.Code != test.want.Code {
			t.Errorf("Import of %s returned %v", test.stored, err)
			continue
		}
		got := *input.Hash
		if strings.HasPrefix(test.stored, "!") {
			got.Scheme = "" // Django's as well as crypt(3)'s
		}
		if got != test.want {
			t.Errorf("Import of %s says %+v, want %+v", test.stored, got, test.want)
		}
	}
}

// Django's mark is its own, where crypt(3) is not combined with it.
func TestUnusableDjango(t *testing.T) {
	for _, stored := range []string{"!", "!wLZQqAzkS5nRNfHqyVK6wKkRBVSrSPzqwDdvpEGM"} {
		_, err := legacyhash.Django{}.Verify(t.Context(), stored, auth.NewPassword(""))
		why, ok := errors.AsType[*auth.HashError](err)
		if !ok || *why != (auth.HashError{Code: "hash_no_password", Scheme: "django"}) {
			t.Errorf("Verify of %s returned %v", stored, err)
		}
	}
}

func costly(scheme, limit string, value, most uint64) auth.HashError {
	return auth.HashError{Code: "hash_too_costly", Scheme: scheme, Limit: limit, Value: value, Max: most}
}

// What is weak is told, and what is not is not.
func TestWeak(t *testing.T) {
	weak := map[string]bool{}
	for scheme, k := range samples(t) {
		info := hasherOf(k.Family).Inspect(k.Stored)
		if weak[scheme] = info.Weak; info.Weak && !info.Outdated {
			t.Errorf("%s is weak and not outdated", scheme)
		}
	}
	for _, scheme := range []string{
		"phpass", "wordpress-phpass", "wordpress-md5", "md5-crypt", "apr1-crypt", "sha512-crypt", "django-md5", "django-sha1", "werkzeug-sha256", "digest",
		"ldap-ssha", "ldap-sha512", "ldap-smd5", "mediawiki-a", "mediawiki-b", "aspnet-identity-sha1", "pbkdf2-sha256", "drupal-md5",
	} {
		if !weak[scheme] {
			t.Errorf("%s is not told as weak", scheme)
		}
	}
	for _, scheme := range []string{"bcrypt", "bcrypt-sha256", "wordpress-bcrypt", "scrypt", "argon2i", "argon2id", "spring-bcrypt", "ldap-argon2", "devise"} {
		if weak[scheme] {
			t.Errorf("%s is told as weak", scheme)
		}
	}
	for stored, want := range map[string]bool{
		"$pbkdf2-sha256$10000$" + zero16 + "$" + zero32:              false,
		"$pbkdf2-sha256$9999$" + zero16 + "$" + zero32:               true,
		"$6$rounds=10000$salt$" + strings.Repeat(".", 86):            false, // Moodle's
		"$6$salt$" + strings.Repeat(".", 86):                         true,
		"$S$D" + strings.Repeat(".", 51):                             false, // 2^15
		"$P$B" + strings.Repeat(".", 30):                             true,  // 2^13, WordPress's
		"{SHA512-CRYPT}$6$salt$" + strings.Repeat(".", 86):           true,
		"$pbkdf2-sha512$i=210000,l=64$" + zero16 + "$" + zero64[:86]: false,
	} {
		if info := combineAll(t, authtest.Hasher{}).Inspect(stored); info.Scheme == "" || info.Weak != want {
			t.Errorf("Inspect of %s returned %+v, want weak: %t", stored, info, want)
		}
	}
	if w := newWrapper(t, authtest.Hasher{}, legacyhash.PHPass{}); w.Inspect(mustWrap(t, w, "$P$8ohUJ.1sdFw09/bMaAQPTGDNi2BIUt1")).Weak {
		t.Error("a wrapped hash is told as weak")
	}
}

func mustWrap(t *testing.T, w *legacyhash.Wrapper, stored string) string {
	t.Helper()
	wrapped, err := w.Wrap(t.Context(), stored)
	if err != nil {
		t.Fatal(err)
	}
	return wrapped
}

// Where the origin stops at a NUL no password has one; elsewhere it is as any byte,
// but no new hash has one.
func TestNUL(t *testing.T) {
	for _, test := range []struct{ family, stored, password string }{
		{"bcrypt", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"},
		{"crypt", "$1$salt$qJH7.N4xYta3aEG/dfqo/0", "password"},
		{"ldap", "{CRYPT}$1$salt$qJH7.N4xYta3aEG/dfqo/0", "password"},
	} {
		for password, want := range map[string]bool{test.password: true, test.password + "\x00": false, test.password + "\x00" + test.password: false} {
			if match, err := hasherOf(test.family).Verify(t.Context(), test.stored, auth.NewPassword(password)); err != nil || match != want {
				t.Errorf("Verify of %q against %s returned %t, %v, want %t", password, test.stored, match, err, want)
			}
		}
	}
	for name, h := range cheap() {
		if name == "appended" {
			continue // which is as the hasher inside
		}
		for _, password := range []string{"\x00", "a\x00", "a\x00b"} {
			if encoded, err := h.Hash(t.Context(), auth.NewPassword(password)); encoded != "" || err == nil {
				t.Errorf("%s hashes %q: %v", name, password, err)
			}
		}
	}
}

// What crypt(3) and Drupal do not take is refused after a bounded amount of work.
func TestLongPasswords(t *testing.T) {
	long := strings.Repeat("x", 4096)
	for _, test := range []struct {
		family, password string
		most             int
	}{{"crypt", "x", 511}, {"drupal", "x", 512}} {
		checked := 0
		for _, k := range readKnown(t, "known.jsonl") {
			if k.Family != test.family || !k.Match || len(k.Password) != test.most {
				continue
			}
			checked++
			w := newWrapper(t, authtest.Hasher{}, hasherOf(k.Family))
			wrapped := mustWrap(t, w, k.Stored)
			for password, want := range map[string]bool{k.Password: true, k.Password + "x": false, long: false} {
				if match, err := hasherOf(k.Family).Verify(t.Context(), k.Stored, auth.NewPassword(password)); err != nil || match != want {
					t.Errorf("Verify of %d bytes against %s returned %t, %v, want %t", len(password), k.Stored, match, err, want)
				}
				if match, err := w.Verify(t.Context(), wrapped, auth.NewPassword(password)); err != nil || match != want {
					t.Errorf("Verify of %d bytes against %s returned %t, %v, want %t", len(password), wrapped, match, err, want)
				}
			}
		}
		if checked == 0 {
			t.Errorf("no known answer of %s has %d bytes", test.family, test.most)
		}
	}
}
