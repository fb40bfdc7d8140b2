package legacyhash_test

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"slices"
	"strings"
	"testing"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
	"github.com/seed89488a0c/auth/legacyhash"
)

// fuzzForm holds a parser against what must hold of any string:
// what is not read is an error that says one thing; what is read can be made anew for any
// password, which then verifies that password and no other, also when it is wrapped.
func fuzzForm(f *testing.F, h auth.Hasher, family string, more ...string) {
	for i, k := range readKnown(f, "known.jsonl") {
		if k.Family == family && k.Match && i%5 == 0 {
			f.Add(k.Stored, k.Password)
		}
	}
	for _, stored := range more {
		f.Add(stored, "password")
	}
	wrapper, err := legacyhash.NewWrapper(authtest.Hasher{}, h)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, stored, password string) {
		info := h.Inspect(stored)
		if info.Scheme == "" {
			match, err := h.Verify(t.Context(), stored, auth.NewPassword(password))
			why, typed := errors.AsType[*auth.HashError](err)
			if match || !typed && err != auth.ErrUnknownHash || typed && (why.Code == "hash_too_costly") != (why.Value > why.Max) {
				t.Fatalf("Inspect is zero and Verify %t, %+v", match, err)
			}
			return
		}
		if !info.Outdated || info.MemoryBytes > 257<<20 || len(stored) > 1024 || legacyhash.Spelling(h, stored) != stored {
			t.Fatalf("%q is read as %+v", stored, info)
		}
		if expensive(stored, info) && !strings.HasPrefix(stored, "$6$rounds=1000$") && !strings.HasPrefix(stored, "$5$rounds=1000$") &&
			!strings.HasPrefix(stored, "$1$") && !strings.HasPrefix(stored, "$S$5") && !strings.HasPrefix(stored, "$P$5") {
			return
		}
		made, takes := legacyhash.Remake(h, stored, password)
		if made == "" {
			return // bcrypt
		}
		if again := h.Inspect(made); again != info {
			t.Fatalf("%q is %+v, and %q %+v", stored, info, made, again)
		}
		for _, h := range []auth.Hasher{h, wrapper} {
			encoded := made
			if h == auth.Hasher(wrapper) && len(made) < 512 {
				if encoded, err = wrapper.Wrap(t.Context(), made); err != nil {
					t.Fatalf("Wrap of %q: %v", made, err)
				}
			} else if h == auth.Hasher(wrapper) {
				continue
			}
			match, err := h.Verify(t.Context(), encoded, auth.NewPassword(password))
			wrong, err2 := h.Verify(t.Context(), encoded, auth.NewPassword("x"+password))
			if err != nil || err2 != nil || match != takes || wrong {
				t.Fatalf("%T: %q verifies %q: %t, %v, and another: %t, %v", h, encoded, password, match, err, wrong, err2)
			}
		}
	})
}

func FuzzCrypt(f *testing.F) {
	fuzzForm(f, legacyhash.Crypt{}, "crypt", "$6$rounds=1000$$"+strings.Repeat(".", 86), "$5$rounds=1000$a$"+strings.Repeat(".", 43), "$1$$"+strings.Repeat(".", 22), "!", "*", "$6$rounds=", "$y$j9T$")
}

func FuzzWordPress(f *testing.F) {
	fuzzForm(f, legacyhash.WordPress{}, "wordpress", "$P$5........"+strings.Repeat(".", 22), "$wp", "$wp$2y$", "5f4dcc3b5aa765d61d8327deb882cf99")
}

func FuzzDrupal(f *testing.F) {
	fuzzForm(f, legacyhash.Drupal{}, "drupal", "$S$5"+strings.Repeat(".", 51), "U$S$5"+strings.Repeat(".", 51), "U$", "$S$")
}

func FuzzMediaWiki(f *testing.F) {
	fuzzForm(f, legacyhash.MediaWiki{}, "mediawiki", ":", ":A:", ":B:a:b:c", ":pbkdf2:sha1:1:20:AA==:"+zero32[:27]+"=", ":argon2:$argon2id$")
}

func FuzzLDAP(f *testing.F) {
	fuzzForm(f, legacyhash.LDAP{}, "ldap", "{SSHA}", "{crypt}*", "{CRYPT}$1$a$"+strings.Repeat(".", 22), "{PBKDF2}$1$a$1$"+hex32[:40], "{SASL}a", "{")
}

func FuzzDigest(f *testing.F) {
	fuzzForm(f, legacyhash.Digest{}, "digest", "$digest$md5(p.p.p)$$"+hex32[:32], "$digest$sha224(s.p)$00$"+hex32[:56], "$digest$md5(md5(md5(md5(p))))$$"+hex32[:32], "$digest$((($$")
}

func FuzzDjango(f *testing.F) {
	fuzzForm(f, legacyhash.Django{}, "django", "md5$$"+hex32[:32], "sha1$a$"+hex32[:40], hex32[:32], "!", "crypt$$a")
}

func FuzzWerkzeug(f *testing.F) {
	fuzzForm(f, legacyhash.Werkzeug{}, "werkzeug", "md5$a$"+hex32[:32], "sha224$a$"+hex32[:56], "sha256$$", "pbkdf2:sha1:1$a$"+hex32[:40])
}

func FuzzSpring(f *testing.F) {
	fuzzForm(f, legacyhash.Spring{}, "spring", "{scrypt}$10101$AAAA$"+zero32+"=", "{noop}a", "{}")
}

func FuzzASPNETIdentity(f *testing.F) {
	fuzzForm(f, legacyhash.ASPNETIdentity{}, "aspnet", "AQAAAAEAAAPoAAAAE")
}

func FuzzFirebaseScrypt(f *testing.F) {
	fuzzForm(f, firebase(), "firebase", "$firebase-scrypt$$", "$firebase-scrypt$AAAA$AAAA")
}

// Digests of one round, made with the functions alone.
func FuzzDigests(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, password string, salt []byte, _ uint8) {
		if len(salt) == 0 || len(salt) > 64 || len(password) > 4096 {
			return
		}
		text := hex.EncodeToString(salt)
		for name, function := range map[string]func() hash.Hash{
			"md5": md5.New, "sha1": sha1.New, "sha224": sha256.New224, "sha256": sha256.New, "sha384": sha512.New384, "sha512": sha512.New,
		} {
			sum := func(parts ...string) []byte {
				h := function()
				h.Write([]byte(strings.Join(parts, "")))
				return h.Sum(nil)
			}
			mac := hmac.New(function, []byte(text))
			mac.Write([]byte(password))
			check(t, legacyhash.Werkzeug{}, fmt.Sprintf("%s$%s$%x", name, text, mac.Sum(nil)), password)
			check(t, legacyhash.Digest{}, fmt.Sprintf("$digest$%s(p)$$%x", name, sum(password)), password)
			check(t, legacyhash.Digest{}, fmt.Sprintf("$digest$%s(s.p.s)$%x$%x", name, salt, sum(string(salt), password, string(salt))), password)
			check(t, legacyhash.Digest{}, fmt.Sprintf("$digest$%s(%s(p).s)$%x$%x", name, name, salt, sum(hex.EncodeToString(sum(password)), string(salt))), password)
			std := base64.StdEncoding
			salted := slices.Concat(sum(password, string(salt)), salt)
			switch name {
			case "md5", "sha1":
				check(t, legacyhash.Django{}, fmt.Sprintf("%s$%s$%x", name, text, sum(text, password)), password)
				upper := map[string]string{"md5": "MD5", "sha1": "SHA"}[name]
				check(t, legacyhash.LDAP{}, "{S"+upper+"}"+std.EncodeToString(salted), password)
				check(t, legacyhash.LDAP{}, "{"+upper+"}"+std.EncodeToString(sum(password)), password)
			case "sha256", "sha384", "sha512":
				check(t, legacyhash.LDAP{}, "{S"+strings.ToUpper(name)+"}"+std.EncodeToString(salted), password)
				check(t, legacyhash.LDAP{}, "{"+strings.ToUpper(name)+"}"+std.EncodeToString(sum(password)), password)
			}
		}
	})
}
