package legacyhash_test

import (
	"crypto/md5"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strings"
	"testing"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/crypto/scrypt"
	"golang.org/x/text/unicode/norm"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
	"github.com/seed89488a0c/auth/legacyhash"
)

// Whatever is stored: an error or an answer, Inspect is zero exactly where Verify
// returns an error, and no parameter exceeds the caps.
func FuzzVerifyAnything(f *testing.F) {
	for form := range strings.FieldsSeq(legacyhash.Forms) {
		f.Add(form)
	}
	for _, k := range samples(f) {
		f.Add(k.Stored)
	}
	wrapper, err := legacyhash.NewWrapper(authtest.Hasher{}, legacyhash.PHPass{}, legacyhash.PBKDF2{}, legacyhash.Django{}, legacyhash.Argon2i{})
	if err != nil {
		f.Fatal(err)
	}
	wrapped, err := wrapper.Wrap(f.Context(), "$P$8ohUJ.1sdFw09/bMaAQPTGDNi2BIUt1")
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{wrapped, "", "$", "$digest$sha1(s.sha1(s.sha1(p)))$00$" + hex32[:40], "$6$rounds=1000$a$" + strings.Repeat(".", 86), "{SSHA}AAAA", ":B:a:b", "{noop}x", "!", "$2z$04$", "$scrypt$ln=1,r=1,p=1$YQ$", "$argon2i$v=19$m=8,t=0,p=0$c2FsdHNhbHQ$YWFhYWFhYWFhYWFhYWFhYQ", "\xff$\x00"} {
		f.Add(s)
	}
	hashers := families()
	hashers["wordpress"] = legacyhash.WordPress{}
	hashers["prepared"] = legacyhash.Prepared{Prepare: strings.ToLower, Hasher: legacyhash.Digest{}}
	hashers["devise"], hashers["wrapper"], hashers["combined"] = legacyhash.Devise{}, wrapper, combineAll(f, authtest.Hasher{})
	p := auth.NewPassword("password")
	f.Fuzz(func(t *testing.T, stored string) {
		for name, h := range hashers {
			info := h.Inspect(stored)
			if stored == "" {
				continue
			}
			if info.MemoryBytes > 257<<20 {
				t.Fatalf("%s: %+v is over the caps", name, info)
			}
			if info.Scheme == "" {
				match, err := h.Verify(t.Context(), stored, p)
				if match || !errors.Is(err, auth.ErrUnknownHash) && !errors.Is(err, auth.ErrMalformedHash) {
					t.Fatalf("%s: Inspect is zero and Verify %t, %v", name, match, err)
				}
				continue
			}
			if len(stored) > 1024 {
				t.Fatalf("%s claims %d bytes", name, len(stored))
			}
			if expensive(stored, info) || name == "combined" {
				continue
			}
			if _, err := h.Verify(t.Context(), stored, p); err != nil {
				t.Fatalf("%s: Inspect is %+v and Verify %v", name, info, err)
			}
		}
	})
}

// expensive says that verifying takes more than some milliseconds: much memory,
// or a number of more than three digits, or a cost that is not a number.
func expensive(stored string, info auth.HashInfo) bool {
	if info.MemoryBytes > 1<<17 || strings.HasPrefix(info.Scheme, "spring-pbkdf2") || strings.HasPrefix(info.Scheme, "aspnet") || strings.Contains(info.Scheme, "phpass") ||
		strings.Contains(info.Scheme, "-crypt") || strings.HasPrefix(info.Scheme, "drupal") {
		return true
	}
	if strings.Contains(info.Scheme, "bcrypt") || info.Scheme == "devise" {
		return !strings.Contains(stored, "$04$") && !strings.Contains(stored, "r=4$") && !strings.Contains(stored, ",4$")
	}
	return longNumber(stored)
}

func longNumber(s string) bool {
	run := 0
	for _, c := range s {
		if c < '0' || c > '9' {
			run = 0
		} else if run++; run > 3 {
			return true
		}
	}
	return false
}

// check verifies stored, which was made with the primitive alone.
func check(t *testing.T, h auth.Hasher, stored, password string) {
	t.Helper()
	checkOf(t, h, stored, password, true)
}

// checkText is check where the origin has no password with a NUL.
func checkText(t *testing.T, h auth.Hasher, stored, password string) {
	t.Helper()
	checkOf(t, h, stored, password, !strings.Contains(password, "\x00"))
}

func checkOf(t *testing.T, h auth.Hasher, stored, password string, want bool) {
	t.Helper()
	for text, want := range map[string]bool{password: want, password + "x": false} {
		if match, err := h.Verify(t.Context(), stored, auth.NewPassword(text)); err != nil || match != want {
			t.Fatalf("Verify of %q against %s returned %t, %v, want %t", text, stored, match, err, want)
		}
	}
}

func addSeeds(f *testing.F) {
	for _, password := range []string{"", "password", "비밀번호", "a\x00", strings.Repeat("x", 100)} {
		f.Add(password, []byte("0123456789abcdef"), uint8(3))
	}
}

func FuzzPBKDF2(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, password string, salt []byte, cost uint8) {
		if len(salt) == 0 || len(salt) > 64 || len(password) > 4096 {
			return
		}
		if strings.HasSuffix(password, "\x00") {
			password += "." // to HMAC it is the same without
		}
		rounds, std := int(cost)+1, base64.StdEncoding
		ab64 := func(b []byte) string { return strings.ReplaceAll(base64.RawStdEncoding.EncodeToString(b), "+", ".") }
		text := hex.EncodeToString(salt)
		for name, function := range map[string]func() hash.Hash{"sha1": sha1.New, "sha256": sha256.New, "sha512": sha512.New} {
			key := func(salt []byte, size int) []byte {
				b, err := pbkdf2.Key(function, password, salt, rounds, size)
				if err != nil {
					t.Fatal(err)
				}
				return b
			}
			size := function().Size()
			id := strings.TrimSuffix("pbkdf2-"+name, "-sha1")
			check(t, legacyhash.PBKDF2{}, fmt.Sprintf("$%s$%d$%s$%s", id, rounds, ab64(salt), ab64(key(salt, size))), password)
			check(t, legacyhash.PBKDF2{}, fmt.Sprintf("$%s$%d$%s$%s", id, rounds, ab64(salt), ab64(key(salt, size+int(cost)))), password)
			raw, length := base64.RawStdEncoding, 16+2*int(cost)%497
			check(t, legacyhash.PBKDF2{}, fmt.Sprintf("$%s$i=%d,l=%d$%s$%s", id, rounds, length, raw.EncodeToString(salt), raw.EncodeToString(key(salt, length))), password)
			check(t, legacyhash.LDAP{}, fmt.Sprintf("{PBKDF2-%s}%d$%s$%s", strings.ToUpper(name), rounds, ab64(salt), ab64(key(salt, size))), password)
			check(t, legacyhash.LDAP{}, fmt.Sprintf("{PBKDF2}$1$%s$%d$%x", text, rounds, sha1Key(t, password, text, rounds)), password)
			if norm.NFC.IsNormalString(password) && norm.NFC.IsNormalString(password+"x") {
				check(t, legacyhash.MediaWiki{}, fmt.Sprintf(":pbkdf2:%s:%d:%d:%s:%s", name, rounds, length, std.EncodeToString(salt), std.EncodeToString(key(salt, length))), password)
			}
			check(t, legacyhash.Werkzeug{}, fmt.Sprintf("pbkdf2:%s:%d$%s$%x", name, rounds, text, key([]byte(text), size)), password)
			if name != "sha512" {
				check(t, legacyhash.Django{}, fmt.Sprintf("pbkdf2_%s$%d$%s$%s", name, rounds, text, std.EncodeToString(key([]byte(text), size))), password)
			}
			if len(salt) == 16 {
				b := []byte{1}
				for _, n := range []int{map[string]int{"sha256": 1, "sha512": 2}[name], rounds, 16} {
					b = binary.BigEndian.AppendUint32(b, uint32(n))
				}
				check(t, legacyhash.ASPNETIdentity{}, std.EncodeToString(append(append(b, salt...), key(salt, 32)...)), password)
			}
		}
	})
}

func sha1Key(t *testing.T, password, salt string, rounds int) []byte {
	t.Helper()
	b, err := pbkdf2.Key(sha1.New, password, []byte(salt), rounds, sha1.Size)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func FuzzScrypt(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, password string, salt []byte, cost uint8) {
		if len(salt) == 0 || len(salt) > 64 || len(password) > 4096 {
			return
		}
		logN, r, p := int(cost&3)+1, int(cost>>2&7)+1, int(cost>>5)+1
		key := func(salt []byte, size int) []byte {
			b, err := scrypt.Key([]byte(password), salt, 1<<logN, r, p, size)
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		text, raw, std := hex.EncodeToString(salt), base64.RawStdEncoding, base64.StdEncoding
		check(t, legacyhash.Scrypt{}, fmt.Sprintf("$scrypt$ln=%d,r=%d,p=%d$%s$%s", logN, r, p, raw.EncodeToString(salt), raw.EncodeToString(key(salt, 32))), password)
		check(t, legacyhash.Werkzeug{}, fmt.Sprintf("scrypt:%d:%d:%d$%s$%x", 1<<logN, r, p, text, key([]byte(text), 64)), password)
		check(t, legacyhash.Django{}, fmt.Sprintf("scrypt$%d$%s$%d$%d$%s", 1<<logN, text, r, p, std.EncodeToString(key([]byte(text), 64))), password)
		check(t, legacyhash.Spring{}, fmt.Sprintf("{scrypt}$%x$%s$%s", logN<<16|r<<8|p, std.EncodeToString(salt), std.EncodeToString(key(salt, 32))), password)
	})
}

func FuzzArgon2(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, password string, salt []byte, cost uint8) {
		if len(salt) < 8 || len(salt) > 64 || len(password) > 4096 {
			return
		}
		time, threads, size := uint32(cost&3)+1, cost>>2&3+1, uint32(cost>>4)+16
		memory, raw := 8*uint32(threads)+uint32(cost&7), base64.RawStdEncoding
		i := argon2.Key([]byte(password), salt, time, memory, threads, size)
		id := argon2.IDKey([]byte(password), salt, time, memory, threads, size)
		tail := fmt.Sprintf("$v=19$m=%d,t=%d,p=%d$%s$", memory, time, threads, raw.EncodeToString(salt))
		check(t, legacyhash.Argon2i{}, "$argon2i"+tail+raw.EncodeToString(i), password)
		check(t, legacyhash.Django{}, "argon2$argon2id"+tail+raw.EncodeToString(id), password)
		check(t, legacyhash.Spring{}, "{argon2}$argon2id"+tail+raw.EncodeToString(id), password)
	})
}

func FuzzBcrypt(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, password string, salt []byte, _ uint8) {
		if len(password) > 60 || len(salt) > 64 {
			return
		}
		hash := func(text string) string {
			b, err := bcrypt.GenerateFromPassword([]byte(text), bcrypt.MinCost)
			if err != nil {
				t.Fatal(err)
			}
			return string(b)
		}
		plain := hash(password)
		checkText(t, legacyhash.Bcrypt{}, plain, password)
		checkText(t, legacyhash.Spring{}, "{bcrypt}"+plain, password)
		checkText(t, legacyhash.LDAP{}, "{CRYPT}"+plain, password)
		checkText(t, legacyhash.Devise{Pepper: auth.NewPassword("pepper")}, hash(password+"pepper"), password)
		check(t, legacyhash.Django{}, "bcrypt_sha256$"+hash(fmt.Sprintf("%x", sha256.Sum256([]byte(password)))), password)
		sum := sha256.Sum256([]byte(password))
		v1 := hash(base64.StdEncoding.EncodeToString(sum[:]))
		check(t, legacyhash.BcryptSHA256{}, "$bcrypt-sha256$2a,4$"+v1[7:29]+"$"+v1[29:], password)
		// x/crypto takes no salt, so there is no version 2 to compare with; at least it is another hash.
		v2 := "$bcrypt-sha256$v=2,t=2b,r=4$" + v1[7:29] + "$" + v1[29:]
		if match, err := (legacyhash.BcryptSHA256{}).Verify(t.Context(), v2, auth.NewPassword(password)); match || err != nil {
			t.Fatalf("version 2 verifies a digest of version 1: %t, %v", match, err)
		}
	})
}

func FuzzPHPass(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, password string, salt []byte, cost uint8) {
		const chars = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		if len(salt) != 8 || len(password) > 4096 {
			salt = []byte("saltsalt")
		}
		for i := range salt {
			salt[i] = chars[salt[i]&63]
		}
		log := 7 + cost&3
		sum := md5.Sum(append(append([]byte(nil), salt...), password...))
		for range 1 << log {
			sum = md5.Sum(append(sum[:], password...))
		}
		stored := "$H$" + string(chars[log]) + string(salt)
		for i := 0; i < 16; i += 3 { // three bytes are four characters, least significant bits first
			n := uint32(sum[i])
			width := 2
			if i < 15 {
				n |= uint32(sum[i+1])<<8 | uint32(sum[i+2])<<16
				width = 4
			}
			for range width {
				stored += string(chars[n&63])
				n >>= 6
			}
		}
		check(t, legacyhash.PHPass{}, stored, password)
	})
}
