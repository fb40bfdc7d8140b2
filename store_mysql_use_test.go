package auth_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/internal/mysqltest"
)

func TestNewMySQLStoreRefuses(t *testing.T) {
	if s, err := auth.NewMySQLStore(nil, auth.MySQLConfig{}); s != nil || err == nil {
		t.Error("a nil pool is accepted")
	}
	_, pool, _ := newScripted(t)
	for _, name := range []string{"a b", "a`b", "a.b", "a-b", "é", strings.Repeat("x", 49), "a\n"} {
		if s, err := auth.NewMySQLStore(pool, auth.MySQLConfig{Table: name}); s != nil || err == nil {
			t.Errorf("table %q is accepted", name)
		}
	}
}

// An epoch uses all bits of its column. Where it would begin anew, and so be one that
// it was, the server refuses, whatever its mode.
func TestMySQLEpochDoesNotWrap(t *testing.T) {
	dsn := mysqltest.DSN(t)
	const most = math.MaxUint64
	for name, params := range map[string][]string{
		"defaults":               {},
		"interpolated":           {"interpolateParams=true"},
		"lax mode":               {"sql_mode=''"},
		"lax mode, interpolated": {"sql_mode=''", "interpolateParams=true"},
		"odd mode":               {"sql_mode='NO_UNSIGNED_SUBTRACTION'"},
	} {
		t.Run(name, func(t *testing.T) {
			s := migrate(t, newMySQLStore(t, openPool(t, withParams(t, dsn, params...)), auth.MySQLConfig{Table: "epochs"}))
			r := auth.UserRecord{User: auth.User{ID: name}, EmailKey: name, Epoch: 7}
			if _, err := s.CreateUser(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			raise := func(from, by uint64) error {
				return s.UpdateUser(t.Context(), auth.UserUpdate{ID: name, IfEpoch: &from, RaiseEpoch: by})
			}
			wantErr(t, raise(7, most-7-3), nil)
			wantErr(t, raise(most, 1), auth.ErrConflict)
			for range 2 {
				wantStoreError(t, raise(most-3, 4), "update user", "mysql 1690", nil)
				wantStoreError(t, raise(most-3, most), "update user", "mysql 1690", nil)
			}
			wantErr(t, raise(most-3, 3), nil)
			wantStoreError(t, raise(most, 1), "update user", "mysql 1690", nil)
			r.Epoch = most
			if got, err := s.UserByID(t.Context(), name); err != nil || got != r {
				t.Errorf("epoch %d, %v", got.Epoch, err)
			}
		})
	}
}

func TestMySQLIntegerIDs(t *testing.T) {
	dsn := mysqltest.DSN(t)
	s := migrate(t, openMySQL(t, dsn, auth.MySQLConfig{IntegerIDs: true}))
	a := newAuth(t, s)
	result, err := a.Register(t.Context(), registration())
	if err != nil || result.User.ID != "1" {
		t.Fatalf("the first user is %q, %v", result.User.ID, err)
	}
	id, err := a.Verify(t.Context(), result.Tokens.Access)
	if err != nil || id.UserID != "1" {
		t.Errorf("the token is of %q, %v", id.UserID, err)
	}
	for _, id := range []string{"41", "4611686018427387904"} {
		imported, err := a.Import(t.Context(), auth.UserRecord{User: auth.User{ID: id, Email: id + "@example.com"}})
		if err != nil || imported.ID != id {
			t.Errorf("import of %s: %q, %v", id, imported.ID, err)
		}
		if u, err := s.UserByID(t.Context(), id); err != nil || u.ID != id {
			t.Errorf("user %s is %q, %v", id, u.ID, err)
		}
	}
	// Behind the last ID of all nobody could register.
	imported, err := a.Import(t.Context(), auth.UserRecord{User: auth.User{ID: "18446744073709551615", Email: "last@example.com"}})
	if err != nil || imported.ID != "4611686018427387905" {
		t.Errorf("import of the last ID: %q, %v", imported.ID, err)
	}
	_, err = a.Import(t.Context(), auth.UserRecord{User: auth.User{ID: "41", Email: "other@example.com"}})
	wantErr(t, err, auth.ErrUserExists)
	for _, hostile := range []string{"", "0", "01", " 1", "1 ", "1abc", "1e0", "1.0", "+1", "-1", "0x1", "1_0", "１", "' OR 1=1 --", "1\x00", "18446744073709551616", "true", strings.Repeat("1", 10<<20)} {
		_, read := s.UserByID(t.Context(), hostile)
		update := s.UpdateUser(t.Context(), auth.UserUpdate{ID: hostile, RaiseEpoch: 1})
		remove := s.DeleteUser(t.Context(), hostile)
		for _, err := range []error{read, update, remove} {
			if !errors.Is(err, auth.ErrUserNotFound) {
				t.Errorf("%.20q: %v", hostile, err)
			}
		}
	}
}

// The Authenticator has checked all this; a server in a lax mode would cut it.
func TestMySQLStoreRefusesWhatItCannotKeep(t *testing.T) {
	dsn := mysqltest.DSN(t)
	s := migrate(t, newMySQLStore(t, openPool(t, withParams(t, dsn, "sql_mode=''"))))
	fits := auth.UserRecord{User: auth.User{ID: "id", Email: email, Username: "Ada"}, EmailKey: email, PasswordHash: "hash"}
	if _, err := s.CreateUser(t.Context(), fits); err != nil {
		t.Fatal(err)
	}
	long := func(n int) string { return strings.Repeat("x", n) }
	for name, test := range map[string]struct {
		change func(r *auth.UserRecord)
		code   string
	}{
		"ID":                  {func(r *auth.UserRecord) { r.ID = long(65) }, "value too long"},
		"key":                 {func(r *auth.UserRecord) { r.EmailKey = long(321) }, "value too long"},
		"hash":                {func(r *auth.UserRecord) { r.PasswordHash = long(1025) }, "value too long"},
		"e-mail":              {func(r *auth.UserRecord) { r.Email = long(321) }, "value too long"},
		"username":            {func(r *auth.UserRecord) { r.Username = long(101) }, "value too long"},
		"huge hash":           {func(r *auth.UserRecord) { r.PasswordHash = long(10 << 20) }, "value too long"},
		"huge username":       {func(r *auth.UserRecord) { r.Username = long(10 << 20) }, "value too long"},
		"e-mail not UTF-8":    {func(r *auth.UserRecord) { r.Email = "\xff" }, "value not UTF-8"},
		"username not UTF-8":  {func(r *auth.UserRecord) { r.Username = "\xed\xa0\x80" }, "value not UTF-8"},
		"disabled in 10000":   {func(r *auth.UserRecord) { r.DisabledAt = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }, "time out of range"},
		"verified before BCE": {func(r *auth.UserRecord) { r.EmailVerifiedAt = time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC) }, "time out of range"},
	} {
		t.Run(name, func(t *testing.T) {
			r := fits
			r.ID, r.EmailKey = "other", "other"
			test.change(&r)
			_, err := s.CreateUser(t.Context(), r)
			wantStoreError(t, err, "create user", test.code, nil)
			if name == "ID" {
				return
			}
			err = s.UpdateUser(t.Context(), auth.UserUpdate{ID: "id", PasswordHash: &r.PasswordHash, Email: &r.Email, EmailKey: &r.EmailKey,
				Username: &r.Username, DisabledAt: &r.DisabledAt, EmailVerifiedAt: &r.EmailVerifiedAt})
			wantStoreError(t, err, "update user", test.code, nil)
		})
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.UserByID(canceled, long(65))
	wantStoreError(t, err, "user by id", "context ended", context.Canceled)
	huge := long(10 << 20)
	err = s.UpdateUser(t.Context(), auth.UserUpdate{ID: "id", IfPasswordHash: &huge})
	wantErr(t, err, auth.ErrConflict)
	err = s.UpdateUser(t.Context(), auth.UserUpdate{ID: "nobody", IfPasswordHash: &huge})
	wantErr(t, err, auth.ErrUserNotFound)
	if got, err := s.UserByID(t.Context(), "id"); err != nil || got != fits {
		t.Errorf("changed: %v", err)
	}
}

func TestMySQLStoreKeepsInstants(t *testing.T) {
	s := migrate(t, openMySQL(t, mysqltest.DSN(t)))
	seoul := time.Date(2026, 1, 1, 3, 0, 0, 1000, time.FixedZone("KST", 9*60*60))
	if _, err := s.CreateUser(t.Context(), auth.UserRecord{User: auth.User{ID: "id", CreatedAt: seoul}, EmailKey: "key"}); err != nil {
		t.Fatal(err)
	}
	if r, err := s.UserByID(t.Context(), "id"); err != nil || r.CreatedAt != seoul.UTC() {
		t.Errorf("%v became %v, %v", seoul, r.CreatedAt, err)
	}
}

// A time that others wrote and that looks like none, as if the user were not disabled,
// is an outage.
func TestMySQLTimesThatStandForNone(t *testing.T) {
	dsn := mysqltest.DSN(t)
	s := migrate(t, openMySQL(t, dsn))
	if _, err := s.CreateUser(t.Context(), auth.UserRecord{User: auth.User{ID: "id"}, EmailKey: "key"}); err != nil {
		t.Fatal(err)
	}
	pool := openPool(t, withParams(t, dsn, "sql_mode=''"))
	for _, time := range []string{"0001-01-01", "0000-00-00"} {
		mustExec(t, pool, "UPDATE auth_users SET disabled_at = '"+time+"'")
		_, err := s.UserByID(t.Context(), "id")
		wantErr(t, err, auth.ErrUnavailable)
	}
}

// Each statement finds its row by a whole unique key.
func TestMySQLStatementsUseAKey(t *testing.T) {
	dsn := mysqltest.DSN(t)
	for _, opts := range []auth.MySQLConfig{{}, {IntegerIDs: true, Table: "numbers"}} {
		s := migrate(t, openMySQL(t, dsn, opts))
		db := sqlx.NewDb(openPool(t, withParams(t, dsn, "interpolateParams=true")), "mysql")
		for i := range 20 {
			id := fmt.Sprint(i + 1)
			if _, err := s.CreateUser(t.Context(), auth.UserRecord{User: auth.User{ID: id}, EmailKey: id}); err != nil {
				t.Fatal(err)
			}
		}
		long := strings.Repeat("x", 2000)
		for name, call := range map[string]func(ctx context.Context, s *auth.MySQLStore) error{
			"UserByID":    func(ctx context.Context, s *auth.MySQLStore) error { return second(s.UserByID(ctx, "1")) },
			"UserByEmail": func(ctx context.Context, s *auth.MySQLStore) error { return second(s.UserByEmail(ctx, "1")) },
			"UpdateUser": func(ctx context.Context, s *auth.MySQLStore) error {
				return s.UpdateUser(ctx, auth.UserUpdate{ID: "1"})
			},
			"UpdateUser with a demand": func(ctx context.Context, s *auth.MySQLStore) error {
				return s.UpdateUser(ctx, auth.UserUpdate{ID: "1", IfEpoch: new(uint64)})
			},
			"UpdateUser, conflicts": func(ctx context.Context, s *auth.MySQLStore) error {
				return s.UpdateUser(ctx, auth.UserUpdate{ID: "1", IfPasswordHash: &long})
			},
			"DeleteUser": func(ctx context.Context, s *auth.MySQLStore) error { return s.DeleteUser(ctx, "1") },
		} {
			plan := explain(t, db, call, opts)
			if kind := plan["type"]; kind != "const" && kind != "range" || plan["rows"] != "1" {
				t.Errorf("%s: %v", name, plan)
			}
		}
	}
}

func TestMySQLStoreLeavesAForeignPoolOpen(t *testing.T) {
	dsn := mysqltest.DSN(t)
	pool := openPool(t, dsn)
	s := newMySQLStore(t, pool)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := pool.PingContext(t.Context()); err != nil {
		t.Error(err)
	}
	opened := openMySQL(t, dsn)
	if err := opened.Close(); err != nil {
		t.Fatal(err)
	}
	wantErr(t, opened.Check(t.Context()), auth.ErrUnavailable)
}
