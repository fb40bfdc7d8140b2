package auth_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/internal/mysqltest"
)

// testLoginRead reads users and counters from a store that has neither.
func testLoginRead(t *testing.T, s userSessions, read func(key string, sessions int, attempts [][32]byte) (auth.UserRecord, bool, []auth.AttemptRecord, error)) {
	var stored []auth.AttemptRecord
	for i := range 8 {
		r := storedAttempt(byte(1+i/3), byte(i))
		if i == 1 {
			r.At = time.Time{}
		}
		if err := s.CountAttempts(t.Context(), sessionsEnd, []auth.AttemptRecord{r}); err != nil {
			t.Fatal(err)
		}
		r.Count = 1
		stored = append(stored, r)
	}
	unknown := storedAttempt(99, 99)
	user := auth.UserRecord{User: auth.User{ID: "7", Email: email, Username: "Ada", CreatedAt: sessionsEnd, UpdatedAt: sessionsEnd}, EmailKey: email, PasswordHash: "hash", Epoch: 3}
	check := func(when string, there bool) {
		t.Helper()
		for _, key := range []string{email, "nobody@example.com", strings.Repeat("x", 400)} {
			for _, asked := range [][]auth.AttemptRecord{nil, stored[:1], stored[1:3], {stored[4], unknown, stored[0]}, stored[:6], stored, {unknown}} {
				var keys [][32]byte
				var want []auth.AttemptRecord
				for _, r := range asked {
					keys = append(keys, r.Key)
					if r.Key != unknown.Key {
						want = append(want, r)
					}
				}
				given := slices.Clone(keys)
				u, crowded, got, err := read(key, 1, keys)
				byKey := func(a, b auth.AttemptRecord) int { return strings.Compare(string(a.Key[:]), string(b.Key[:])) }
				slices.SortFunc(got, byKey)
				slices.SortFunc(want, byKey)
				if !slices.Equal(got, want) || !slices.Equal(keys, given) {
					t.Errorf("%s: of %d keys %v were read, want %v", when, len(keys), got, want)
				}
				if found := there && key == email; found != (err == nil) || !found && !errors.Is(err, auth.ErrUserNotFound) {
					t.Errorf("%s: %.30q: %v", when, key, err)
				} else if found && (u != user || !crowded) || !found && (u != auth.UserRecord{} || crowded) {
					t.Errorf("%s: %.30q: %+v, %v", when, key, u, crowded)
				}
			}
		}
	}
	check("no users", false)
	if _, err := s.CreateUser(t.Context(), user); err != nil {
		t.Fatal(err)
	}
	if err := s.CreateSession(t.Context(), storedSession("id", "7", sessionsEnd)); err != nil {
		t.Fatal(err)
	}
	check("a user", true)
}

// A login's read gives the counters that it asks for, whoever there is.
func TestLoginRead(t *testing.T) {
	t.Run("memory", func(t *testing.T) {
		s := auth.NewMemoryStore()
		testLoginRead(t, s, func(key string, sessions int, attempts [][32]byte) (auth.UserRecord, bool, []auth.AttemptRecord, error) {
			return auth.UserForLogin(t.Context(), s, key, sessions, attempts)
		})
	})
	for name := range mysqlSettings {
		for _, interpolated := range []string{"true", "false"} {
			t.Run(name+", interpolateParams="+interpolated, func(t *testing.T) {
				t.Parallel()
				dsn := mysqltest.DSN(t)
				s := migrate(t, newMySQLStore(t, openPool(t, withParams(t, dsn, mysqlSetting(t, dsn, name), "interpolateParams="+interpolated))))
				testLoginRead(t, s, func(key string, sessions int, attempts [][32]byte) (auth.UserRecord, bool, []auth.AttemptRecord, error) {
					return auth.UserForLogin(t.Context(), s, key, sessions, attempts)
				})
			})
		}
	}
}

// A login's read is one statement of one length, whoever and whatever there is.
func TestMySQLLoginReadRoundTrips(t *testing.T) {
	w, dsn := newWire(t, mysqltest.DSN(t))
	s := migrate(t, openMySQL(t, dsn))
	if _, err := s.CreateUser(t.Context(), auth.UserRecord{User: auth.User{ID: "7", Email: email}, EmailKey: email}); err != nil {
		t.Fatal(err)
	}
	if err := s.CountAttempts(t.Context(), sessionsEnd, []auth.AttemptRecord{storedAttempt(1, 1)}); err != nil {
		t.Fatal(err)
	}
	said := w.said()
	lengths := map[int]bool{}
	for _, key := range []string{email, strings.Replace(email, "a", "b", 1)} {
		for n := 1; n <= 6; n++ {
			var keys [][32]byte
			for part := range n {
				keys = append(keys, storedAttempt(1, byte(part)).Key)
			}
			_, _, _, err := auth.UserForLogin(t.Context(), s, key, 100, keys)
			if err != nil && !errors.Is(err, auth.ErrUserNotFound) {
				t.Fatal(err)
			}
			statements := said()
			if len(statements) != 1 {
				t.Fatalf("%d statements", len(statements))
			}
			lengths[len(statements[0])] = true
		}
	}
	if len(lengths) != 1 {
		t.Errorf("the statements are of the lengths %v", lengths)
	}
	if _, _, _, err := auth.UserForLogin(t.Context(), s, email, 100, nil); err != nil {
		t.Fatal(err)
	}
	if statements := said(); len(statements) != 1 || strings.Contains(statements[0], "attempts") {
		t.Errorf("without keys: %q", statements)
	}
}

// What the server has cut off is no counter that is not there.
func TestMySQLCountersAreNotCutShort(t *testing.T) {
	dsn := mysqltest.DSN(t)
	migrate(t, openMySQL(t, dsn))
	var keys [][32]byte
	for i := range 6 {
		r := storedAttempt(byte(i+1), byte(i))
		r.ExpiresAt = time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
		keys = append(keys, r.Key)
		if err := openMySQL(t, dsn).CountAttempts(t.Context(), sessionsEnd, []auth.AttemptRecord{r}); err != nil {
			t.Fatal(err)
		}
	}
	pool := openPool(t, dsn)
	mustExec(t, pool, "UPDATE auth_users_attempts SET count = 4294967295, at = -62135596800000000, expires_at = 253402300799999999") // the longest
	pool.SetMaxOpenConns(1)
	s := newMySQLStore(t, pool)
	if _, err := s.CreateUser(t.Context(), auth.UserRecord{User: auth.User{ID: "7", Email: email}, EmailKey: email}); err != nil {
		t.Fatal(err)
	}
	cut := 0
	for length := 4; length <= 1024; length++ {
		mustExec(t, pool, fmt.Sprintf("SET SESSION group_concat_max_len = %d", length))
		_, _, got, err := auth.UserForLogin(t.Context(), s, email, 100, keys)
		if err == nil && len(got) == 6 && got[5].ExpiresAt.Year() == 9999 {
			continue
		}
		cut++
		if err == nil || len(got) > 0 {
			t.Fatalf("of %d bytes %d counters were read, %v", length, len(got), err)
		}
		wantStoreError(t, err, "user by email", "counters cut short", nil)
	}
	if cut < 600 || cut > 700 {
		t.Errorf("%d lengths cut", cut)
	}
}
