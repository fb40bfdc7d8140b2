package legacyhash_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
	"github.com/seed89488a0c/auth/internal/mysqltest"
	"github.com/seed89488a0c/auth/legacyhash"
)

func TestMain(m *testing.M) { mysqltest.Main(m) }

// A table of two thousand users, with a hash of every known answer at least once, which
// the original implementations made, is taken over: all log in, are upgraded unless
// their hash has only the beginning of their password, or the password has a NUL, and log in
// again. What nobody logged in with is as it was, so that the originals could
// still verify it. Families that claim one form are in tables of their own.
func TestTakeOverOnMySQL(t *testing.T) {
	t.Parallel()
	store, err := auth.OpenMySQL(t.Context(), mysqltest.DSN(t), auth.MySQLConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	issuer, err := auth.NewJWTIssuer(auth.JWTConfig{Issuer: "i", Audience: "a", Keys: []auth.Key{auth.GenerateKey()}})
	if err != nil {
		t.Fatal(err)
	}
	all := slices.DeleteFunc(readKnown(t, "known.jsonl"), func(k known) bool {
		return !k.Match || k.Password == "" // no password at all
	})
	users, seen := 0, map[string]bool{}
	for _, families := range [][]string{
		{"argon2id", "argon2i", "bcrypt", "bcrypt-sha256", "scrypt", "pbkdf2", "django", "spring", "phpass", "aspnet", "firebase", "crypt", "drupal", "mediawiki", "ldap", "digest"},
		{"werkzeug", "wordpress", "devise", "appended"},
	} {
		var others []auth.Hasher
		for _, family := range families {
			others = append(others, hasherOf(family))
		}
		hasher, err := legacyhash.Combine(authtest.Hasher{}, others...)
		if err != nil {
			t.Fatal(err)
		}
		a, err := auth.New(store, issuer, auth.Options{Hasher: hasher})
		if err != nil {
			t.Fatal(err)
		}
		rows := slices.DeleteFunc(slices.Clone(all), func(k known) bool {
			return !slices.Contains(families, k.Family)
		})
		for i := range max(len(rows), 1000) {
			row := rows[i%len(rows)]
			seen[hasher.Inspect(row.Stored).Scheme] = true
			takeOver(t, a, hasher, store, fmt.Sprint(users), row, i < 100)
			users++
		}
	}
	if users < 2000 || len(seen) < 60 {
		t.Errorf("the tables have %d users and hashes of %d schemes", users, len(seen))
	}
	t.Logf("%d users, %d schemes", users, len(seen))
}

// takeOver imports one user and logs it in twice, after a wrong password where asked.
func takeOver(t *testing.T, a *auth.Authenticator, hasher auth.Hasher, store *auth.MySQLStore, id string, row known, tryWrong bool) {
	t.Helper()
	email := "user" + id + "@example.com"
	_, err := a.Import(t.Context(), auth.UserRecord{User: auth.User{ID: id, Email: email}, PasswordHash: row.Stored})
	if err != nil {
		t.Fatalf("%s: %v", row.Stored, err)
	}
	if tryWrong {
		if _, err := a.Login(t.Context(), auth.Credentials{Email: email, Password: auth.NewPassword("not " + row.Password)}); err != auth.ErrInvalidCredentials {
			t.Errorf("%s: a wrong password gave %v", row.Stored, err)
		}
		if r, err := store.UserByID(t.Context(), id); err != nil || r.PasswordHash != row.Stored {
			t.Errorf("%s: a wrong password changed the hash, %v", row.Stored, err)
		}
	}
	for range 2 {
		if _, err := a.Login(t.Context(), auth.Credentials{Email: email, Password: auth.NewPassword(row.Password)}); err != nil {
			t.Errorf("%s: %v", row.Stored, err)
		}
	}
	at := hasher.Inspect(row.Stored).CutAt
	upgraded := (at == 0 || len(row.Password) < at) && !strings.Contains(row.Password, "\x00") // else it may be another password
	if r, err := store.UserByID(t.Context(), id); err != nil || strings.HasPrefix(r.PasswordHash, "$authtest$") != upgraded {
		t.Errorf("%s was upgraded: %t, %v", row.Stored, !upgraded, err)
	}
}
