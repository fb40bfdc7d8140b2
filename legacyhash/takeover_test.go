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

// A table of a thousand users, whose hashes the original implementations made,
// is taken over: all log in, are upgraded unless their hash has only the beginning of
// their password, and log in again. What nobody logged
// in with is as it was, so that the originals could still verify it.
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
	foreign := families()
	others := make([]auth.Hasher, 0, len(foreign))
	for _, h := range foreign {
		others = append(others, h)
	}
	hasher, err := legacyhash.Combine(authtest.Hasher{}, others...)
	if err != nil {
		t.Fatal(err)
	}
	issuer, err := auth.NewJWTIssuer(auth.JWTConfig{Issuer: "i", Audience: "a", Keys: []auth.Key{auth.GenerateKey()}})
	if err != nil {
		t.Fatal(err)
	}
	a, err := auth.New(store, issuer, auth.Options{Hasher: hasher})
	if err != nil {
		t.Fatal(err)
	}

	rows := slices.DeleteFunc(readKnown(t, "known.jsonl"), func(k known) bool {
		return !k.Match || foreign[k.Family] == nil || k.Password == "" // of families that cannot be told apart, and no password at all
	})
	seen := map[string]bool{}
	const users = 1000
	for i := range users {
		row := rows[i%len(rows)]
		seen[row.Family] = true
		_, err := a.Import(t.Context(), auth.UserRecord{
			User:         auth.User{ID: fmt.Sprint(i), Email: fmt.Sprintf("user%d@example.com", i)},
			PasswordHash: row.Stored,
		})
		if err != nil {
			t.Fatalf("%s: %v", row.Stored, err)
		}
	}
	if len(seen) < 10 {
		t.Errorf("the table has hashes of %d families, want ten", len(seen))
	}
	for i := range users {
		row, email := rows[i%len(rows)], fmt.Sprintf("user%d@example.com", i)
		wrong := auth.Credentials{Email: email, Password: auth.NewPassword("not " + row.Password)}
		right := auth.Credentials{Email: email, Password: auth.NewPassword(row.Password)}
		if i < 2*len(foreign) {
			if _, err := a.Login(t.Context(), wrong); err != auth.ErrInvalidCredentials {
				t.Errorf("%s: a wrong password gave %v", row.Stored, err)
			}
			if r, err := store.UserByID(t.Context(), fmt.Sprint(i)); err != nil || r.PasswordHash != row.Stored {
				t.Errorf("%s: a wrong password changed the hash, %v", row.Stored, err)
			}
		}
		for range 2 {
			if _, err := a.Login(t.Context(), right); err != nil {
				t.Errorf("%s: %v", row.Stored, err)
			}
		}
		at := hasher.Inspect(row.Stored).CutAt
		upgraded := at == 0 || len(row.Password) < at // else it may be another password
		if r, err := store.UserByID(t.Context(), fmt.Sprint(i)); err != nil || strings.HasPrefix(r.PasswordHash, "$authtest$") != upgraded {
			t.Errorf("%s was upgraded: %t, %v", row.Stored, !upgraded, err)
		}
	}
}
