package legacyhash_test

import (
	"crypto/md5"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"hash"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
	"golang.org/x/crypto/scrypt"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/legacyhash"
)

// BenchmarkVerify measures what verifying a hash of each form takes, with the costs
// that its origin writes today, beside the primitive alone in the same run: the
// metric "×primitive" is their ratio. For the forms that iterate a digest, the
// primitive is as many sums of one block.
func BenchmarkVerify(b *testing.B) {
	const password = "correct horse battery"
	bcryptOf := func(cost int) func() {
		return func() {
			if _, err := bcrypt.GenerateFromPassword([]byte(password), cost); err != nil {
				b.Fatal(err)
			}
		}
	}
	pbkdf2Of := func(function func() hash.Hash, rounds, size int) func() {
		return func() {
			if _, err := pbkdf2.Key(function, password, []byte("0123456789abcdef"), rounds, size); err != nil {
				b.Fatal(err)
			}
		}
	}
	scryptOf := func(n, r, p int) func() {
		return func() {
			if _, err := scrypt.Key([]byte(password), []byte("0123456789abcdef"), n, r, p, 32); err != nil {
				b.Fatal(err)
			}
		}
	}
	sums := func(function func() hash.Hash, rounds int) func() {
		return func() {
			h := function()
			sum := make([]byte, 0, h.Size())
			for range rounds {
				h.Reset()
				h.Write(sum[:cap(sum)])
				h.Sum(sum)
			}
		}
	}
	dots := func(n int) string { return strings.Repeat(".", n) }
	for _, bench := range []struct {
		name      string
		h         auth.Hasher
		stored    string
		primitive func()
	}{
		{"WordPress 6.8, cost 10", legacyhash.WordPress{}, "$wp$2y$10$" + dots(53), bcryptOf(10)},
		{"WordPress phpass, 2^13", legacyhash.WordPress{}, "$P$B" + dots(30), sums(md5.New, 1<<13)},
		{"sha512-crypt, 656000 rounds", legacyhash.Crypt{}, "$6$rounds=656000$saltsaltsaltsalt$" + dots(86), sums(sha512.New, 656_000)},
		{"sha512-crypt, 5000 rounds", legacyhash.Crypt{}, "$6$saltsaltsaltsalt$" + dots(86), sums(sha512.New, 5000)},
		{"sha256-crypt, 535000 rounds", legacyhash.Crypt{}, "$5$rounds=535000$saltsaltsaltsalt$" + dots(43), sums(sha256.New, 535_000)},
		{"md5-crypt", legacyhash.Crypt{}, "$1$saltsalt$" + dots(22), sums(md5.New, 1000)},
		{"Drupal 7, 2^15", legacyhash.Drupal{}, "$S$D" + dots(51), sums(sha512.New, 1<<15)},
		{"MediaWiki pbkdf2, 30000 rounds", legacyhash.MediaWiki{}, ":pbkdf2:sha512:30000:64:AAAAAAAAAAAAAAAAAAAAAA==:" + zero64[:86] + "==", pbkdf2Of(sha512.New, 30_000, 64)},
		{"MediaWiki B", legacyhash.MediaWiki{}, ":B:salt:" + hex32[:32], sums(md5.New, 2)},
		{"LDAP SSHA", legacyhash.LDAP{}, "{SSHA}" + strings.Repeat("A", 32), sums(sha1.New, 1)},
		{"LDAP PBKDF2-SHA256, 10000 rounds", legacyhash.LDAP{}, "{PBKDF2-SHA256}10000$" + zero16 + "$" + zero32, pbkdf2Of(sha256.New, 10_000, 32)},
		{"PHC PBKDF2-SHA256, 600000 rounds", legacyhash.PBKDF2{}, "$pbkdf2-sha256$i=600000,l=32$" + zero16 + "$" + zero32, pbkdf2Of(sha256.New, 600_000, 32)},
		{"Keycloak, 27500 rounds, 64 bytes", legacyhash.PBKDF2{}, "$pbkdf2-sha256$i=27500,l=64$" + zero16 + "$" + zero64[:86], pbkdf2Of(sha256.New, 27_500, 64)},
		{"Werkzeug sha256", legacyhash.Werkzeug{}, "sha256$saltsalt$" + hex32, sums(sha256.New, 4)},
		{"Django md5", legacyhash.Django{}, "md5$saltsalt$" + hex32[:32], sums(md5.New, 1)},
		{"Digest md5(md5(p).s)", legacyhash.Digest{}, "$digest$md5(md5(p).s)$00$" + hex32[:32], sums(md5.New, 2)},
		{"bcrypt, cost 10", legacyhash.Bcrypt{}, "$2b$10$" + dots(53), bcryptOf(10)},
		{"Devise, cost 10", legacyhash.Devise{}, "$2b$10$" + dots(53), nil},
		{"scrypt, ln 14", legacyhash.Scrypt{}, "$scrypt$ln=14,r=8,p=1$" + zero16 + "$" + zero32, scryptOf(1<<14, 8, 1)},
		{"Argon2id, 19 MiB, 2 passes", auth.Argon2id{}, "$argon2id$v=19$m=19456,t=2,p=1$" + zero16 + "$" + zero32, nil},
	} {
		b.Run(bench.name, func(b *testing.B) {
			p := auth.NewPassword(password)
			var alone time.Duration
			n := 0
			for b.Loop() {
				if _, err := bench.h.Verify(b.Context(), bench.stored, p); err != nil {
					b.Fatal(err)
				}
				if bench.primitive != nil {
					b.StopTimer()
					start := time.Now()
					bench.primitive()
					alone += time.Since(start)
					b.StartTimer()
				}
				n++
			}
			if bench.primitive != nil {
				b.ReportMetric(float64(b.Elapsed())/float64(alone), "×primitive")
			}
		})
	}
}

// BenchmarkVerifyLong measures the longest password that is hashed at the caps.
func BenchmarkVerifyLong(b *testing.B) {
	for name, bench := range map[string]struct {
		h      auth.Hasher
		stored string
		length int
	}{
		"sha512-crypt": {legacyhash.Crypt{}, fmt.Sprintf("$6$rounds=1000000$saltsaltsaltsalt$%s", strings.Repeat(".", 86)), 4096},
		"drupal":       {legacyhash.Drupal{}, "$S$I" + strings.Repeat(".", 51), 4096},
	} {
		b.Run(name, func(b *testing.B) {
			p := auth.NewPassword(strings.Repeat("x", bench.length))
			for b.Loop() {
				if _, err := bench.h.Verify(b.Context(), bench.stored, p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
