package legacyhash_test

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/legacyhash"
)

const appendedText = "a constant text"

// firebase is the project of the example in the README of firebase/scrypt.
func firebase() legacyhash.FirebaseScrypt {
	key, err := base64.StdEncoding.DecodeString("jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==")
	if err != nil {
		panic(err)
	}
	return legacyhash.FirebaseScrypt{SignerKey: key, SaltSeparator: []byte{7}}
}

// families are those that share no form.
func families() map[string]auth.Hasher {
	return map[string]auth.Hasher{
		"argon2id":      auth.Argon2id{},
		"argon2i":       legacyhash.Argon2i{},
		"bcrypt":        legacyhash.Bcrypt{},
		"bcrypt-sha256": legacyhash.BcryptSHA256{},
		"scrypt":        legacyhash.Scrypt{},
		"pbkdf2":        legacyhash.PBKDF2{},
		"django":        legacyhash.Django{},
		"werkzeug":      legacyhash.Werkzeug{},
		"spring":        legacyhash.Spring{},
		"phpass":        legacyhash.PHPass{},
		"aspnet":        legacyhash.ASPNETIdentity{},
		"firebase":      firebase(),
		"crypt":         legacyhash.Crypt{},
		"drupal":        legacyhash.Drupal{},
		"mediawiki":     legacyhash.MediaWiki{},
		"ldap":          legacyhash.LDAP{},
		"digest":        legacyhash.Digest{},
	}
}

func hasherOf(family string) auth.Hasher {
	switch family {
	case "devise":
		return legacyhash.Devise{Pepper: auth.NewPassword(appendedText)}
	case "wordpress": // whose $P$ is phpass's too
		return legacyhash.WordPress{}
	case "appended":
		return legacyhash.Appended{Text: auth.NewPassword(appendedText)}
	}
	return families()[family]
}

type known struct {
	Family, Source, Stored, Password string
	Match                            bool
}

func readKnown(t testing.TB, name string) []known {
	t.Helper()
	file, err := os.Open("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var list []known
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var k known
		if err := json.Unmarshal(lines.Bytes(), &k); err != nil {
			t.Fatal(err)
		}
		list = append(list, k)
	}
	return list
}

// known.jsonl was made by the original implementations: see generate.py.
func TestKnownAnswers(t *testing.T) {
	count := map[string]int{}
	for i, k := range readKnown(t, "known.jsonl") {
		h := hasherOf(k.Family)
		info := h.Inspect(k.Stored)
		count[fmt.Sprintf("%s %t", info.Scheme, k.Match)]++
		if info.Scheme == "" || !info.Outdated {
			t.Errorf("%s: Inspect of %s returned %+v, want an outdated hash", k.Source, k.Stored, info)
		}
		t.Run(fmt.Sprintf("%s %d", k.Family, i/2), func(t *testing.T) {
			t.Parallel()
			if match, err := h.Verify(t.Context(), k.Stored, auth.NewPassword(k.Password)); err != nil || match != k.Match {
				t.Errorf("%s: Verify of %q against %s returned %t, %v, want %t", k.Source, k.Password, k.Stored, match, err, k.Match)
			}
		})
	}
	for _, scheme := range []string{
		"argon2id", "argon2i", "bcrypt", "bcrypt-sha256", "devise", "scrypt", "pbkdf2-sha1", "pbkdf2-sha256", "pbkdf2-sha512",
		"django-pbkdf2_sha256", "django-pbkdf2_sha1", "django-argon2", "django-scrypt", "django-bcrypt", "django-bcrypt_sha256",
		"werkzeug-pbkdf2-sha1", "werkzeug-pbkdf2-sha256", "werkzeug-pbkdf2-sha512", "werkzeug-scrypt",
		"spring-bcrypt", "spring-pbkdf2", "spring-argon2", "spring-scrypt", "phpass",
		"aspnet-identity-sha1", "aspnet-identity-sha256", "aspnet-identity-sha512", "firebase-scrypt",
		"sha512-crypt", "sha256-crypt", "md5-crypt", "apr1-crypt", "wordpress-bcrypt", "wordpress-phpass", "wordpress-md5",
		"werkzeug-md5", "werkzeug-sha1", "werkzeug-sha224", "werkzeug-sha256", "werkzeug-sha384", "werkzeug-sha512", "django-md5", "django-sha1",
		"drupal", "drupal-md5", "mediawiki-pbkdf2", "mediawiki-argon2", "mediawiki-b", "mediawiki-a", "digest",
		"ldap-ssha", "ldap-ssha256", "ldap-ssha384", "ldap-ssha512", "ldap-smd5", "ldap-sha", "ldap-sha256", "ldap-sha384", "ldap-sha512", "ldap-md5",
		"ldap-ldap-md5", "ldap-plain-md5", "ldap-pbkdf2", "ldap-pbkdf2-sha1", "ldap-pbkdf2-sha256", "ldap-pbkdf2-sha512",
		"ldap-sha512-crypt", "ldap-sha256-crypt", "ldap-md5-crypt", "ldap-bcrypt", "ldap-argon2", "ldap-argon2id", "ldap-argon2i",
	} {
		if right, wrong := count[scheme+" true"], count[scheme+" false"]; right < 5 || wrong < 5 {
			t.Errorf("%s: %d positive and %d negative known answers, want at least 5", scheme, right, wrong)
		}
	}
}

// vectors are published ones.
var vectors = []known{
	// John the Ripper's and OpenBSD's test vectors, in the crypt_blowfish distribution.
	{"bcrypt", "crypt_blowfish", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U", true},
	{"bcrypt", "crypt_blowfish", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK", "U*U*", true},
	{"bcrypt", "crypt_blowfish", "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a", "U*U*U", true},
	{"bcrypt", "crypt_blowfish", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy", "", true},
	{"bcrypt", "a NUL is no part of it", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U\x00U*U", false},
	// The examples of Ulrich Drepper's "Unix crypt using SHA-256 and SHA-512".
	{"crypt", "Drepper", "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1", "Hello world!", true},
	{"crypt", "Drepper", "$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v.", "Hello world!", true},
	{"crypt", "Drepper", "$6$rounds=5000$toolongsaltstrin$lQ8jolhgVRVhY4b5pZKaysCLi0QBxGoNeKQzQ3glMhwllF7oGDZxUhx1yxdYcz/e1JSbq3y6JMxxl8audkUEm0", "This is just a test", true},
	{"crypt", "Drepper", "$6$rounds=1400$anotherlongsalts$POfYwTEok97VWcjxIiSOjiykti.o/pQs.wPvMxQ6Fm7I6IoYN3CmLs66x9t0oSwbtEW7o7UmJEiDwGqd8p4ur1", "a very much longer text to encrypt.  This one even stretches over morethan one line.", true},
	{"crypt", "Drepper", "$6$rounds=77777$short$WuQyW2YR.hBNpjjRhpYD/ifIw05xdfeEyQoMxIXbkvr0gge1a1x3yRULJ5CCaUeOxFmtlcGZelFl5CxtgfiAc0", "we have a short salt string but not a short password", true},
	{"crypt", "Drepper", "$6$rounds=123456$asaltof16chars..$BtCwjqMJGx5hrJhZywWvt0RLE8uZ4oPwcelCjmw2kSYu.Ec6ycULevoBK25fs2xXgMNrCzIMVcgEJAstJeonj1", "a short string", true},
	{"crypt", "Drepper", "$6$rounds=1000$roundstoolow$kUMsbe306n21p9R.FRkW3IGn.S9NPN0x50YhH1xhLsPuWGsUSklZt58jaTfF4ZEQpyUNGc0dqbpBYYBaHHrsX.", "the minimum number is still observed", true},
	{"crypt", "Drepper", "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5", "Hello world!", true},
	// The documentation and the tests of passlib; the second scrypt is that of RFC 7914.
	{"pbkdf2", "passlib", "$pbkdf2-sha256$29000$N2YMIWQsBWBMae09x1jrPQ$1t8iyB2A.WF/Z5JZv.lfCIhXXN33N23OSgQYThBYRfk", "toomanysecrets", true},
	{"phpass", "passlib", "$P$8ohUJ.1sdFw09/bMaAQPTGDNi2BIUt1", "password", true},
	{"scrypt", "passlib", "$scrypt$ln=1,r=4,p=2$yhnD+J+Tci4lZCwFgHCuVQ$fAsEWmxSHuC0cHKMwKVFPzrQukgvK09Sj+NueTSxKds", "nacl", true},
	{"scrypt", "passlib, RFC 7914, without a salt", "$scrypt$ln=4,r=1,p=1$$d9ZXYjhleyA7GcpCwYoEl/FrSETjB0ro39/6P+3iFEI", "", true},
	{"scrypt", "passlib, RFC 7914, without a salt", "$scrypt$ln=4,r=1,p=1$$d9ZXYjhleyA7GcpCwYoEl/FrSETjB0ro39/6P+3iFEI", " ", false},
	{"scrypt", "passlib", "$scrypt$ln=10,r=8,p=16$TmFDbA$/bq+HJ00cgB4VucZDQHp/nxq18vII3gw53N2Y0s3MWI", "password", true},
	{"bcrypt-sha256", "passlib", "$bcrypt-sha256$v=2,t=2b,r=5$5Hg1DKFqPE8C2aflZ5vVoe$wOK1VFFtS8IGTrGa7.h5fs0u84qyPbS", "password", true},
	{"bcrypt-sha256", "passlib", "$bcrypt-sha256$v=2,t=2b,r=5$X1g1nh3g0v4h6970O68cxe$CBF9csfEdW68xv3DwE6xSULXMtqEFP.", strings.Repeat("abc123", 12) + "qwr", true},
	{"bcrypt-sha256", "passlib", "$bcrypt-sha256$v=2,t=2b,r=5$X1g1nh3g0v4h6970O68cxe$CBF9csfEdW68xv3DwE6xSULXMtqEFP.", strings.Repeat("abc123", 12) + "xyz", false},
	{"bcrypt-sha256", "passlib", "$bcrypt-sha256$2a,5$5Hg1DKFqPE8C2aflZ5vVoe$12BjNE0p7axMg55.Y/mHsYiVuFBDQyu", "password", true},
	{"bcrypt-sha256", "passlib", "$bcrypt-sha256$2b,5$X1g1nh3g0v4h6970O68cxe$021KLEif6epjot5yoxk0m8I0929ohEa", strings.Repeat("abc123", 12) + "qwr", true},
}

func TestPublishedVectors(t *testing.T) {
	for _, k := range vectors {
		if match, err := hasherOf(k.Family).Verify(t.Context(), k.Stored, auth.NewPassword(k.Password)); err != nil || match != k.Match {
			t.Errorf("%s: Verify of %q against %s returned %t, %v, want %t", k.Source, k.Password, k.Stored, match, err, k.Match)
		}
	}
}

var write = flag.Bool("write", false, "write testdata/produced.jsonl")

// What this package makes, the originals verify: produced.jsonl is checked by
// generate.py --verify, and -write makes it anew.
func TestProduced(t *testing.T) {
	if *write {
		writeProduced(t)
	}
	for _, k := range readKnown(t, "produced.jsonl") {
		h := hasherOf(strings.SplitN(k.Family, "-", 2)[0])
		if match, err := h.Verify(t.Context(), k.Stored, auth.NewPassword(k.Password)); err != nil || !match {
			t.Errorf("%s: Verify of %q returned %t, %v", k.Stored, k.Password, match, err)
		}
	}
}

func writeProduced(t *testing.T) {
	file, err := os.Create("testdata/produced.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, password := range []string{"correct horse", "비밀번호", "\u1107\u1175", "👩🏽‍🚀", " spaces ", strings.Repeat("x", 71)} {
		for family, h := range map[string]auth.Hasher{
			"bcrypt":        legacyhash.Cheap{Hasher: legacyhash.Bcrypt{Cost: 4}},
			"scrypt":        legacyhash.Cheap{Hasher: legacyhash.Scrypt{LogN: 5, R: 8, P: 2}},
			"pbkdf2-sha256": legacyhash.Cheap{Hasher: legacyhash.PBKDF2{Rounds: 500}},
			"pbkdf2-sha512": legacyhash.Cheap{Hasher: legacyhash.PBKDF2{Rounds: 500, SHA512: true}},
		} {
			stored, err := h.Hash(t.Context(), auth.NewPassword(password))
			if err != nil {
				t.Fatal(err)
			}
			if err := json.NewEncoder(file).Encode(map[string]string{"family": family, "stored": stored, "password": password}); err != nil {
				t.Fatal(err)
			}
		}
	}
}
