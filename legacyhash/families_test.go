package legacyhash_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
	"github.com/seed89488a0c/auth/legacyhash"
)

// cheap are the hashers that hash, below the floors.
func cheap() map[string]auth.Hasher {
	return map[string]auth.Hasher{
		"bcrypt":        legacyhash.Cheap{Hasher: legacyhash.Bcrypt{Cost: 4}},
		"scrypt":        legacyhash.Cheap{Hasher: legacyhash.Scrypt{LogN: 4, R: 8, P: 1}},
		"pbkdf2-sha256": legacyhash.Cheap{Hasher: legacyhash.PBKDF2{Rounds: 10}},
		"pbkdf2-sha512": legacyhash.Cheap{Hasher: legacyhash.PBKDF2{Rounds: 10, SHA512: true}},
		"appended":      legacyhash.Appended{Text: auth.NewPassword(appendedText), Hasher: authtest.Hasher{}},
	}
}

func TestHashers(t *testing.T) {
	for name, h := range cheap() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			authtest.TestHasher(t, h)
		})
	}
}

// samples has one cheap stored hash of every scheme.
func samples(t testing.TB) map[string]known {
	t.Helper()
	list := map[string]known{}
	for _, k := range readKnown(t, "known.jsonl") {
		scheme := hasherOf(k.Family).Inspect(k.Stored).Scheme
		if _, ok := list[scheme]; !ok && k.Match && scheme != "spring-pbkdf2" {
			list[scheme] = k
		}
	}
	return list
}

// The rule "damaged" of authtest.TestHasher, for the families that do not hash.
func TestDamaged(t *testing.T) {
	for scheme, k := range samples(t) {
		h, encoded := hasherOf(k.Family), k.Stored
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			stored := []string{
				"", " ", "\x00", "\xff", "$", "$$$$$$$$", "password", "*", "!", "!" + encoded, "{noop}password", "$unknown$v=1$m=1$c2FsdHNhbHQ$aGFzaGhhc2g",
				encoded + " ", encoded + "\n", encoded + "\x00", encoded + "$", encoded + "$a", encoded + "=", " " + encoded, encoded + encoded,
				strings.ToUpper(encoded), strings.Repeat("$", 1<<20), strings.Repeat(encoded, 10_000), encoded + strings.Repeat("A", 1<<20),
			}
			for i := range len(encoded) {
				stored = append(stored, encoded[:i], encoded[:i]+"\x00"+encoded[i+1:], encoded[:i]+"\n"+encoded[i:])
			}
			for i := 0; i < len(encoded); i += 1 + len(encoded)/24 {
				stored = append(stored, encoded[i:], encoded[:i]+"9"+encoded[i:])
			}
			for _, s := range stored {
				if s == encoded || s == "" {
					continue
				}
				info := h.Inspect(s)
				if info.MemoryBytes > 1<<20 {
					continue // another parameter, within the caps
				}
				match, err := h.Verify(t.Context(), s, auth.NewPassword(k.Password))
				if match {
					t.Errorf("the damaged hash %.80q verifies the password", s)
				}
				if err != nil && !errors.Is(err, auth.ErrUnknownHash) && !errors.Is(err, auth.ErrMalformedHash) {
					t.Errorf("Verify of %.80q returned %v", s, err)
				}
				if (info == auth.HashInfo{}) != (err != nil) {
					t.Errorf("of %.80q Inspect says %+v and Verify %v", s, info, err)
				}
			}
			anyLength := strings.Contains(scheme, "argon2") || saltedAtTheEnd(scheme) // of the digest, or of the salt behind it
			for i := 1; i < len(encoded); i++ {
				match, err := h.Verify(t.Context(), encoded[:len(encoded)-i], auth.NewPassword(k.Password))
				if match || err == nil && !anyLength {
					t.Errorf("cut by %d bytes, %s is verified", i, encoded)
				}
			}
		})
	}
}

func saltedAtTheEnd(scheme string) bool {
	return strings.HasPrefix(scheme, "ldap-ss") || scheme == "ldap-smd5"
}

const (
	zero16 = "AAAAAAAAAAAAAAAAAAAAAA"
	zero32 = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	zero64 = zero32 + zero32
	hex32  = "0000000000000000000000000000000000000000000000000000000000000000"
)

func TestRefused(t *testing.T) {
	malformed, unknown := auth.ErrMalformedHash, auth.ErrUnknownHash
	b53 := strings.Repeat(".", 53)
	for _, test := range []struct {
		family, stored string
		want           error
	}{
		// Over the caps.
		{"argon2i", "$argon2i$v=19$m=262145,t=1,p=1$" + zero16 + "$" + zero32, malformed},
		{"argon2i", "$argon2i$v=19$m=65537,t=16,p=1$" + zero16 + "$" + zero32, malformed},
		{"argon2i", "$argon2i$v=19$m=64,t=17,p=1$" + zero16 + "$" + zero32, malformed},
		{"argon2i", "$argon2i$v=19$m=65536,t=1,p=257$" + zero16 + "$" + zero32, malformed},
		{"argon2i", "$argon2i$v=19$m=4294967295,t=4294967295,p=1$" + zero16 + "$" + zero32, malformed},
		{"bcrypt", "$2b$16$" + b53, malformed},
		{"bcrypt", "$2b$31$" + b53, malformed},
		{"bcrypt", "$2b$03$" + b53, malformed},
		{"bcrypt-sha256", "$bcrypt-sha256$v=2,t=2b,r=16$" + b53[:22] + "$" + b53[22:], malformed},
		{"scrypt", "$scrypt$ln=21,r=8,p=1$" + zero16 + "$" + zero32, malformed},
		{"scrypt", "$scrypt$ln=18,r=8,p=3$" + zero16 + "$" + zero32, malformed},
		{"scrypt", "$scrypt$ln=4,r=65,p=1$" + zero16 + "$" + zero32, malformed},
		{"scrypt", "$scrypt$ln=4,r=1,p=65$" + zero16 + "$" + zero32, malformed},
		{"scrypt", "$scrypt$ln=4294967295,r=8,p=1$" + zero16 + "$" + zero32, malformed},
		{"scrypt", "$scrypt$ln=64,r=4294967295,p=4294967295$" + zero16 + "$" + zero32, malformed},
		{"pbkdf2", "$pbkdf2-sha256$5000001$" + zero16 + "$" + zero32, malformed},
		{"pbkdf2", "$pbkdf2-sha512$2000001$" + zero16 + "$" + zero64, malformed},
		{"pbkdf2", "$pbkdf2-sha256$9223372036854775807$" + zero16 + "$" + zero32, malformed},
		{"pbkdf2", "$pbkdf2-sha256$0$" + zero16 + "$" + zero32, malformed},
		{"pbkdf2", "$pbkdf2-sha256$-1$" + zero16 + "$" + zero32, malformed},
		{"django", "pbkdf2_sha256$5000001$salt$" + zero32 + "=", malformed},
		{"django", "scrypt$4194304$salt$8$1$" + zero64, malformed},
		{"werkzeug", "pbkdf2:sha256:5000001$salt$" + hex32, malformed},
		{"werkzeug", "scrypt:4194304:8:1$salt$" + hex32 + hex32, malformed},
		{"werkzeug", "scrypt:99999999999999999999:8:1$salt$" + hex32 + hex32, malformed},
		{"spring", "{scrypt}$ff0801$AAAA$" + zero32 + "=", malformed},
		{"spring", "{scrypt}$150801$AAAA$" + zero32 + "=", malformed},
		{"phpass", "$P$I........" + strings.Repeat(".", 22), malformed},
		{"phpass", "$P$z........" + strings.Repeat(".", 22), malformed},
		{"crypt", "$6$rounds=1000001$salt$" + strings.Repeat(".", 86), malformed},
		{"crypt", "$5$rounds=99999999999999999999$salt$" + strings.Repeat(".", 43), malformed},
		{"crypt", "$5$rounds=999$salt$" + strings.Repeat(".", 43), malformed},
		{"crypt", "$6$" + strings.Repeat("s", 17) + "$" + strings.Repeat(".", 86), malformed},
		{"crypt", "$1$" + strings.Repeat("s", 9) + "$" + strings.Repeat(".", 22), malformed},
		{"drupal", "$S$J" + b53[:51], malformed},
		{"drupal", "$S$4" + b53[:51], malformed},
		{"wordpress", "$wp$2y$16$" + b53, malformed},
		{"mediawiki", ":pbkdf2:sha512:2000001:64:AAAA:" + zero64[:86] + "==", malformed},
		{"ldap", "{PBKDF2-SHA256}5000001$AAAA$" + zero32, malformed},
		{"ldap", "{PBKDF2}$1$salt$5000001$" + hex32[:40], malformed},
		{"ldap", "{CRYPT}$6$rounds=1000001$salt$" + strings.Repeat(".", 86), malformed},
		{"ldap", "{BLF-CRYPT}$2y$16$" + b53, malformed},
		{"ldap", "{ARGON2ID}$argon2id$v=19$m=262145,t=1,p=1$" + zero16 + "$" + zero32, malformed},
		{"ldap", "{SSHA}" + strings.Repeat("A", 116), malformed},
		{"pbkdf2", "$pbkdf2-sha256$i=5000001,l=32$" + zero16 + "$" + zero32, malformed},
		{"pbkdf2", "$pbkdf2-sha256$i=2500001,l=64$" + zero16 + "$" + zero64[:86], malformed},
		{"pbkdf2", "$pbkdf2-sha256$2500001$" + zero16 + "$" + zero64[:86], malformed},
		{"pbkdf2", "$pbkdf2-sha256$i=1,l=513$" + zero16 + "$" + strings.Repeat("A", 684), malformed},
		{"digest", "$digest$md5(md5(md5(md5(md5(p)))))$$" + hex32[:32], malformed},
		{"digest", "$digest$md5(" + strings.Repeat("p.", 16) + "p)$$" + hex32[:32], malformed},
		{"digest", "$digest$md5(p.s)$" + strings.Repeat("00", 129) + "$" + hex32[:32], malformed},
		{"phpass", "$P$4........" + strings.Repeat(".", 22), malformed},
		{"aspnet", "AQAAAAEATEtBAAAAE" + zero64[:67], malformed},

		// Versions and functions that are not computed.
		{"argon2i", "$argon2i$v=16$m=64,t=1,p=1$" + zero16 + "$" + zero32, malformed},
		{"argon2i", "$argon2i$m=64,t=1,p=1$" + zero16 + "$" + zero32, malformed},
		{"argon2i", "$argon2d$v=19$m=64,t=1,p=1$" + zero16 + "$" + zero32, unknown},
		{"django", "argon2$argon2d$v=19$m=64,t=1,p=1$" + zero16 + "$" + zero32, malformed},
		{"django", "crypt$$saDigest123", unknown},
		{"django", "!abcdefghijklmnopqrstuvwxyz0123456789ABCD", unknown},
		{"werkzeug", "pbkdf2:md5:1000$salt$5f4dcc3b5aa765d61d8327deb882cf99", malformed},
		{"werkzeug", "sha256$" + hex32, malformed},
		{"werkzeug", "plain$$password", unknown},
		{"werkzeug", "md4$salt$" + hex32[:32], unknown},
		{"werkzeug", "scrypt$16384$salt$8$1$AAAA", unknown},
		{"mediawiki", ":pbkdf2-legacyB:sha512:1000:64!salt:" + hex32[:32], unknown},
		{"mediawiki", ":bcrypt:9$....", unknown},
		{"mediawiki", ":pbkdf2:md5:1000:16:AAAA:" + zero16, malformed},
		{"crypt", "$y$j9T$salt$" + zero32, unknown},
		{"crypt", "$2y$05$" + b53, unknown},
		{"crypt", "saDigest12345", unknown},
		{"wordpress", "$wp$2b$05$" + b53, unknown},
		{"wordpress", "$H$9" + b53[:30], unknown},
		{"ldap", "{CRYPT}saDigest12345", unknown},
		{"ldap", "{pbkdf2}" + hex32 + "0000000000000000", unknown},
		{"ldap", "{ssha256}" + zero32 + "AAAA", unknown},
		{"ldap", "{bcrypt}$2a$05$" + b53, unknown},
		{"ldap", "{MD4}" + zero16, unknown},
		{"digest", "$digest", unknown},
		{"drupal", "$P$9" + b53[:30], unknown},
		{"drupal", "U$P$9" + b53[:30], unknown},
		{"spring", "{noop}password", unknown},
		{"spring", "{MD5}5f4dcc3b5aa765d61d8327deb882cf99", unknown},
		{"spring", "{bcrypt@SpringSecurity_v5_8}$2b$04$" + b53, unknown},
		{"spring", "{scrypt@SpringSecurity_v9}$e0801$AAAA$" + zero32 + "=", unknown},
		{"spring", "$2b$04$" + b53, unknown},
		{"spring", "bcrypt}$2b$04$" + b53, unknown},
		{"bcrypt", "$2$04$" + b53, unknown},
		{"bcrypt", "$2x$04$" + b53, unknown},
		{"bcrypt", "$2z$04$" + b53, unknown},
		{"pbkdf2", "$pbkdf2-sha1$1000$" + zero16 + "$" + zero32, unknown},
		{"pbkdf2", "$sha256$1000$" + zero16 + "$" + zero32, unknown},

		// Other spellings, some of which the originals take.
		{"bcrypt", "$2b$+5$" + b53, malformed},
		{"bcrypt", "$2b$ 5$" + b53, malformed},
		{"bcrypt", "$2b$04$" + b53 + ".", malformed},
		{"bcrypt", "$2b$04$" + b53[:21] + "/" + b53[22:], malformed},
		{"bcrypt", "$2b$04$" + b53[:52] + "/", malformed},
		{"bcrypt-sha256", "$bcrypt-sha256$v=2,t=2b,r=04$" + b53[:22] + "$" + b53[22:], malformed},
		{"bcrypt-sha256", "$bcrypt-sha256$v=2,t=2a,r=4$" + b53[:22] + "$" + b53[22:], malformed},
		{"bcrypt-sha256", "$bcrypt-sha256$2y,4$" + b53[:22] + "$" + b53[22:], malformed},
		{"bcrypt-sha256", "$bcrypt-sha256$2b,4$" + b53[:21] + "$" + b53[21:], malformed},
		{"pbkdf2", "$pbkdf2-sha256$01000$" + zero16 + "$" + zero32, malformed},
		{"pbkdf2", "$pbkdf2-sha256$+1000$" + zero16 + "$" + zero32, malformed},
		{"pbkdf2", "$pbkdf2-sha256$1000$" + zero16 + "==$" + zero32, malformed},
		{"pbkdf2", "$pbkdf2-sha256$1000$" + zero16[1:] + "+$" + zero32, malformed},
		{"pbkdf2", "$pbkdf2-sha256$1000$" + zero16 + "$" + zero32[:42] + "B", malformed},
		{"pbkdf2", "$pbkdf2-sha256$i=1000,l=33$" + zero16 + "$" + zero32, malformed},
		{"pbkdf2", "$pbkdf2-sha256$i=1000$" + zero16 + "$" + zero32, malformed},
		{"pbkdf2", "$pbkdf2-sha256$l=32,i=1000$" + zero16 + "$" + zero32, malformed},
		{"pbkdf2", "$pbkdf2-sha256$i=01000,l=32$" + zero16 + "$" + zero32, malformed},
		{"pbkdf2", "$pbkdf2-sha256$i=1000,l=032$" + zero16 + "$" + zero32, malformed},
		{"pbkdf2", "$pbkdf2-sha256$i=1000,l=32$" + zero16[1:] + ".$" + zero32, malformed},
		{"crypt", "$6$rounds=05000$salt$" + strings.Repeat(".", 86), malformed},
		{"crypt", "$6$rounds=$salt$" + strings.Repeat(".", 86), malformed},
		{"crypt", "$6$s:lt$" + strings.Repeat(".", 86), malformed},
		{"crypt", "$6$sält$" + strings.Repeat(".", 86), malformed},
		{"crypt", "$6$salt$" + strings.Repeat(".", 85) + "2", malformed}, // more bits than a byte
		{"wordpress", strings.ToUpper("5f4dcc3b5aa765d61d8327deb882cf99"), malformed},
		{"mediawiki", ":pbkdf2:sha512:1000:63:AAAA:" + zero64[:86] + "==", malformed},
		{"mediawiki", ":B:" + hex32[:32], malformed},
		{"ldap", "{SSHA}" + zero32[:27] + "=", malformed}, // no salt
		{"ldap", "{SHA}" + zero32, malformed},             // more than a digest
		{"ldap", "{PLAIN-MD5}5F4DCC3B5AA765D61D8327DEB882CF99", malformed},
		{"digest", "$digest$md5(p)$00$" + hex32[:32], malformed},
		{"digest", "$digest$md5(p.s)$$" + hex32[:32], malformed},
		{"digest", "$digest$md5(s)$00$" + hex32[:32], malformed},
		{"digest", "$digest$p$$" + hex32[:32], malformed},
		{"digest", "$digest$md5()$$" + hex32[:32], malformed},
		{"digest", "$digest$md5(p$$" + hex32[:32], malformed},
		{"digest", "$digest$md5(p))$$" + hex32[:32], malformed},
		{"digest", "$digest$md5(p).$$" + hex32[:32], malformed},
		{"digest", "$digest$md5(p.)$$" + hex32[:32], malformed},
		{"digest", "$digest$md4(p)$$" + hex32[:32], malformed},
		{"digest", "$digest$md5(sha1)$$" + hex32[:32], malformed},
		{"digest", "$digest$sha1(p)$$" + hex32[:32], malformed},
		{"scrypt", "$scrypt$r=8,ln=4,p=1$" + zero16 + "$" + zero32, malformed},
		{"scrypt", "$scrypt$ln=04,r=8,p=1$" + zero16 + "$" + zero32, malformed},
		{"scrypt", "$scrypt$v=1$ln=4,r=8,p=1$" + zero16 + "$" + zero32, malformed},
		{"django", "pbkdf2_sha256$01000$salt$" + zero32 + "=", malformed},
		{"django", "pbkdf2_sha256$1000$$" + zero32 + "=", malformed},
		{"django", "pbkdf2_sha256$1000$salt$" + zero32, malformed},
		{"django", "scrypt$15$salt$8$1$" + zero64, malformed},
		{"werkzeug", "pbkdf2:sha256$salt$" + hex32, malformed},
		{"werkzeug", "pbkdf2:sha256:1000$salt$" + strings.ReplaceAll(hex32, "0", "A"), malformed},
		{"werkzeug", "scrypt:64:8:1:1$salt$" + hex32 + hex32, malformed},
		{"spring", "{scrypt}$0e0801$AAAA$" + zero32 + "=", malformed},
		{"spring", "{pbkdf2}" + hex32, malformed},
		{"aspnet", "AQAAAAEAAAPoAAAAI" + zero64[:67], malformed},

		// Digests cut short.
		{"argon2i", "$argon2i$v=19$m=64,t=1,p=1$" + zero16 + "$AA", malformed},
		{"scrypt", "$scrypt$ln=4,r=8,p=1$" + zero16 + "$AA", malformed},
		{"scrypt", "$scrypt$ln=4,r=8,p=1$" + zero16 + "$", malformed},
		{"pbkdf2", "$pbkdf2-sha256$1000$" + zero16 + "$AA", malformed},
		{"pbkdf2", "$pbkdf2-sha256$i=1000,l=1$" + zero16 + "$AA", malformed},
		{"pbkdf2", "$pbkdf2-sha256$i=1000,l=15$" + zero16 + "$" + zero32[:20], malformed},
		{"mediawiki", ":pbkdf2:sha512:1000:1:AAAA:AA==", malformed},
		{"pbkdf2", "$pbkdf2-sha256$1000$" + zero16 + "$", malformed},
		{"werkzeug", "scrypt:64:8:1$salt$", malformed},
		{"firebase", "$firebase-scrypt$AAAA$AAAA", malformed},
		{"firebase", "$firebase-scrypt$AAAA$", malformed},
	} {
		h := hasherOf(test.family)
		match, err := h.Verify(t.Context(), test.stored, auth.NewPassword("password"))
		if match || !errors.Is(err, test.want) {
			t.Errorf("Verify of %s returned %t, %v, want %v", test.stored, match, err, test.want)
		}
		if info := h.Inspect(test.stored); info != (auth.HashInfo{}) {
			t.Errorf("Inspect of %s returned %+v", test.stored, info)
		}
	}
}

func TestFirebaseWithoutSignerKey(t *testing.T) {
	for _, stored := range []string{"$firebase-scrypt$AAAA$", "$firebase-scrypt$AAAA$AAAA"} {
		if _, err := (legacyhash.FirebaseScrypt{}).Verify(t.Context(), stored, auth.Password{}); !errors.Is(err, auth.ErrMalformedHash) {
			t.Errorf("got %v", err)
		}
	}
}

// Families that only verify say so, and Inspect claims nothing in their name.
func TestVerifyOnly(t *testing.T) {
	hashers := families()
	maps.DeleteFunc(hashers, func(name string, _ auth.Hasher) bool {
		return slices.Contains([]string{"argon2id", "bcrypt", "scrypt", "pbkdf2"}, name)
	})
	hashers["devise"], hashers["wordpress"] = legacyhash.Devise{}, legacyhash.WordPress{}
	hashers["prepared"] = legacyhash.Prepared{Prepare: strings.ToLower, Hasher: legacyhash.Bcrypt{}}
	for name, h := range hashers {
		if encoded, err := h.Hash(t.Context(), auth.NewPassword("password")); encoded != "" || err == nil {
			t.Errorf("%s: Hash returned %q, %v", name, encoded, err)
		}
		if info := h.Inspect(""); info != (auth.HashInfo{}) {
			t.Errorf("%s: Inspect of the empty string returned %+v", name, info)
		}
	}
}

func TestBcryptLimits(t *testing.T) {
	h := legacyhash.Cheap{Hasher: legacyhash.Bcrypt{Cost: 4}}
	for password, ok := range map[string]bool{
		"": true, strings.Repeat("x", 71): true, strings.Repeat("x", 72): false, strings.Repeat("x", 73): false,
		strings.Repeat("비", 23) + "xy": true, strings.Repeat("비", 24): false, "a\x00": false,
	} {
		if _, err := h.Hash(t.Context(), auth.NewPassword(password)); (err == nil) != ok {
			t.Errorf("Hash of %d bytes returned %v", len(password), err)
		}
	}
	encoded, err := h.Hash(t.Context(), auth.NewPassword("a"))
	if err != nil {
		t.Fatal(err)
	}
	// bcrypt repeats the key with a NUL in between.
	if match, err := h.Verify(t.Context(), encoded, auth.NewPassword("a\x00a")); match || err != nil {
		t.Errorf("Verify of a password with a NUL returned %t, %v", match, err)
	}
}

func TestFloors(t *testing.T) {
	for _, h := range []auth.Hasher{
		legacyhash.Bcrypt{Cost: 9}, legacyhash.Bcrypt{Cost: 16}, legacyhash.Bcrypt{Cost: -1},
		legacyhash.PBKDF2{Rounds: 599_999}, legacyhash.PBKDF2{Rounds: 5_000_001}, legacyhash.PBKDF2{Rounds: -1},
		legacyhash.PBKDF2{Rounds: 209_999, SHA512: true}, legacyhash.PBKDF2{Rounds: 2_000_001, SHA512: true},
		legacyhash.Scrypt{LogN: 12, P: 20}, legacyhash.Scrypt{LogN: 13, P: 9}, legacyhash.Scrypt{LogN: 14, P: 4}, legacyhash.Scrypt{LogN: 15, P: 2},
		legacyhash.Scrypt{LogN: 16, P: 1}, legacyhash.Scrypt{R: 7}, legacyhash.Scrypt{LogN: 19}, legacyhash.Scrypt{LogN: -1}, legacyhash.Scrypt{P: -1}, legacyhash.Scrypt{LogN: 40},
	} {
		if encoded, err := h.Hash(t.Context(), auth.NewPassword("password")); encoded != "" || err == nil {
			t.Errorf("%+v: Hash returned %q, %v, want an error", h, encoded, err)
		}
	}
	for _, h := range []auth.Hasher{legacyhash.Bcrypt{Cost: 10}, legacyhash.PBKDF2{}, legacyhash.PBKDF2{SHA512: true}, legacyhash.Scrypt{LogN: 13, P: 10}} {
		encoded, err := h.Hash(t.Context(), auth.NewPassword("password"))
		if err != nil {
			t.Fatal(err)
		}
		if info := h.Inspect(encoded); info.Scheme == "" || info != h.Inspect("") {
			t.Errorf("%+v: Inspect returned %+v for a new hash and %+v for the next", h, info, h.Inspect(""))
		}
	}
}

// ASVS 5.0 11.4.1
func TestOutdatedAndMemory(t *testing.T) {
	b53 := strings.Repeat(".", 53)
	for _, test := range []struct {
		h        auth.Hasher
		stored   string
		memory   int64
		outdated bool
	}{
		{legacyhash.Bcrypt{}, "$2b$12$" + b53, 4096, false},
		{legacyhash.Bcrypt{}, "$2y$12$" + b53, 4096, false},
		{legacyhash.Bcrypt{}, "$2b$11$" + b53, 4096, true},
		{legacyhash.Bcrypt{Cost: 10}, "$2b$11$" + b53, 4096, false},
		{legacyhash.Bcrypt{}, "$2b$14$" + b53, 4096, false},
		{legacyhash.Bcrypt{}, "$2b$15$" + b53, 4096, true}, // eight times as dear
		{legacyhash.Bcrypt{Cost: 10}, "$2b$13$" + b53, 4096, true},
		{legacyhash.PBKDF2{}, "$pbkdf2-sha256$600000$" + zero16 + "$" + zero32, 0, false},
		{legacyhash.PBKDF2{}, "$pbkdf2-sha256$599999$" + zero16 + "$" + zero32, 0, true},
		{legacyhash.PBKDF2{}, "$pbkdf2-sha256$600000$AAAA$" + zero32, 0, true},
		{legacyhash.PBKDF2{Rounds: 700_000}, "$pbkdf2-sha256$600000$" + zero16 + "$" + zero32, 0, true},
		{legacyhash.PBKDF2{}, "$pbkdf2-sha512$210000$" + zero16 + "$" + zero64, 0, false},
		{legacyhash.PBKDF2{}, "$pbkdf2-sha256$2400000$" + zero16 + "$" + zero32, 0, false},
		{legacyhash.PBKDF2{}, "$pbkdf2-sha256$2400001$" + zero16 + "$" + zero32, 0, true},
		{legacyhash.PBKDF2{}, "$pbkdf2-sha512$840000$" + zero16 + "$" + zero64, 0, false},
		{legacyhash.PBKDF2{}, "$pbkdf2-sha512$840001$" + zero16 + "$" + zero64, 0, true},
		{legacyhash.PBKDF2{SHA512: true}, "$pbkdf2-sha256$2400001$" + zero16 + "$" + zero32, 0, true},
		{legacyhash.PBKDF2{}, "$pbkdf2-sha256$1200000$" + zero16 + "$" + strings.Repeat("A", 86), 0, false}, // two blocks
		{legacyhash.PBKDF2{}, "$pbkdf2-sha256$1200001$" + zero16 + "$" + strings.Repeat("A", 86), 0, true},
		{legacyhash.PBKDF2{}, "$pbkdf2$5000000$" + zero16 + "$" + zero32[:27], 0, true},
		{legacyhash.Scrypt{}, "$scrypt$ln=17,r=8,p=1$" + zero16 + "$" + zero32, 128*8<<17 + 1024, false},
		{legacyhash.Scrypt{}, "$scrypt$ln=13,r=8,p=10$" + zero16 + "$" + zero32, 128*8<<13 + 10240, true},
		{legacyhash.Scrypt{LogN: 13, P: 10}, "$scrypt$ln=13,r=8,p=10$" + zero16 + "$" + zero32, 128*8<<13 + 10240, false},
		{legacyhash.Scrypt{LogN: 13, P: 10}, "$scrypt$ln=16,r=8,p=1$" + zero16 + "$" + zero32, 128*8<<16 + 1024, true},
		{legacyhash.Scrypt{LogN: 13, P: 10}, "$scrypt$ln=13,r=8,p=40$" + zero16 + "$" + zero32, 128*8<<13 + 128*8*40, false},
		{legacyhash.Scrypt{LogN: 13, P: 10}, "$scrypt$ln=13,r=8,p=41$" + zero16 + "$" + zero32, 128*8<<13 + 128*8*41, true},
		{legacyhash.Argon2i{}, "$argon2i$v=19$m=65536,t=4,p=1$" + zero16 + "$" + zero32, 64 << 20, true},
		{legacyhash.Spring{}, "{scrypt@SpringSecurity_v5_8}$100801$AAAA$" + zero32 + "=", 128*8<<16 + 1024, true},
		{firebase(), "$firebase-scrypt$AAAA$" + strings.Repeat("A", 86) + "==", 128*8<<14 + 1024, true},
	} {
		if info := test.h.Inspect(test.stored); info.Scheme == "" || info.MemoryBytes != test.memory || info.Outdated != test.outdated {
			t.Errorf("%+v: Inspect of %s returned %+v", test.h, test.stored, info)
		}
	}
}

func TestAppended(t *testing.T) {
	ctx := context.Background()
	h := legacyhash.Appended{Text: auth.NewPassword("pepper"), Hasher: authtest.Hasher{}}
	encoded, err := h.Hash(ctx, auth.NewPassword("password"))
	if err != nil {
		t.Fatal(err)
	}
	for password, want := range map[string]bool{"password": true, "passwordpepper": false, "": false} {
		if match, err := h.Verify(ctx, encoded, auth.NewPassword(password)); err != nil || match != want {
			t.Errorf("Verify of %q returned %t, %v", password, match, err)
		}
	}
	if match, _ := (authtest.Hasher{}).Verify(ctx, encoded, auth.NewPassword("passwordpepper")); !match {
		t.Error("the hash is not that of the password and the text")
	}
	if got, want := (legacyhash.Appended{}).Inspect(""), (legacyhash.PBKDF2{}).Inspect(""); got != want {
		t.Errorf("the zero value hashes as %+v, want %+v", got, want)
	}
}
