package auth_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/internal/mysqltest"
	"github.com/seed89488a0c/auth/migrations"
)

func schemaFiles(t *testing.T) []string {
	t.Helper()
	files, err := fs.Glob(migrations.FS, "mysql/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, file := range files {
		text, err := fs.ReadFile(migrations.FS, file)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(text))
	}
	return texts
}

func TestSchemaFiles(t *testing.T) {
	files := schemaFiles(t)
	for i, text := range files {
		if want := fmt.Sprintf("INSERT IGNORE INTO `auth_users_schema` (`version`, `applied_at`) VALUES (%d, UTC_TIMESTAMP(6));\n", i+1); !strings.HasSuffix(text, want) {
			t.Errorf("file %d does not end by recording its number", i+1)
		}
	}
	all := strings.Join(files, "")
	for _, line := range []string{"`id` VARBINARY(64) NOT NULL,", "`user_id` VARBINARY(64) NOT NULL,"} {
		if strings.Count(all, line) != 1 {
			t.Errorf("the line %q is not there once", line)
		}
	}
}

// The files are plain SQL for any tool, which may run them twice or in several
// places at once, and end in what Check wants.
func TestSchemaFilesAppliedByOthers(t *testing.T) {
	dsn := mysqltest.DSN(t)
	s := openMySQL(t, dsn)
	wantErr(t, s.Check(t.Context()), auth.ErrSchema)
	var wg sync.WaitGroup
	for range 8 {
		pool := openPool(t, withParams(t, dsn, "multiStatements=true"))
		wg.Go(func() {
			for _, text := range schemaFiles(t) {
				if _, err := pool.ExecContext(t.Context(), text); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestMigrateFromManyReplicas(t *testing.T) {
	dsn := mysqltest.DSN(t)
	var wg sync.WaitGroup
	for range 8 {
		s := openMySQL(t, dsn)
		wg.Go(func() {
			if err := s.Migrate(t.Context()); err != nil {
				t.Error(err)
			}
			if _, err := s.UserByID(t.Context(), "x"); !errors.Is(err, auth.ErrUserNotFound) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	var held bool
	if err := openPool(t, dsn).QueryRow("SELECT IS_USED_LOCK('auth_migrate_auth_users') IS NOT NULL").Scan(&held); err != nil || held {
		t.Errorf("the lock is held: %v, %v", held, err)
	}
}

func TestMigrateOverOneConnection(t *testing.T) {
	pool := openPool(t, mysqltest.DSN(t))
	pool.SetMaxOpenConns(1)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := newMySQLStore(t, pool).Migrate(ctx); err != nil {
		t.Error(err)
	}
}

// Somebody else migrates and does not finish.
func TestMigrateWaitsForTheLockWhileTheContextLasts(t *testing.T) {
	dsn := mysqltest.DSN(t)
	w, wired := newWire(t, dsn)
	asked := make(chan struct{})
	var times int
	w.onWrite = func(b []byte) {
		if bytes.Contains(b, []byte("GET_LOCK")) {
			if times++; times == 2 {
				close(asked)
			}
		}
	}
	s := openMySQL(t, wired)
	holder, err := openPool(t, dsn).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer holder.Close()
	if _, err := holder.ExecContext(t.Context(), "DO GET_LOCK('auth_migrate_auth_users', 0)"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.Migrate(ctx) }()
	select {
	case <-asked: // again, so the first answer was no
	case err := <-done:
		t.Fatalf("Migrate did not wait: %v", err)
	}
	cancel()
	wantErr(t, <-done, context.Canceled, auth.ErrUnavailable)
	wantErr(t, s.Check(t.Context()), auth.ErrSchema)
	if _, err := holder.ExecContext(t.Context(), "DO RELEASE_LOCK('auth_migrate_auth_users')"); err != nil {
		t.Fatal(err)
	}
	migrate(t, s)
}

func TestMySQLSchemaIsChecked(t *testing.T) {
	for name, test := range map[string]struct {
		damage   string
		want     error // nil = none
		everyOne bool  // method fails, not Check alone
	}{
		"nothing":           {"DO 0", nil, false},
		"a newer version":   {"INSERT INTO auth_users_schema VALUES (1000, NOW())", nil, false},
		"an older version":  {"DELETE FROM auth_users_schema ORDER BY version DESC LIMIT 1", auth.ErrSchema, false},
		"no version":        {"DROP TABLE auth_users_schema", auth.ErrSchema, false},
		"no table":          {"DROP TABLE auth_users", auth.ErrSchema, true},
		"a column too few":  {"ALTER TABLE auth_users DROP COLUMN epoch", auth.ErrSchema, false},
		"no sessions":       {"DROP TABLE auth_users_sessions", auth.ErrSchema, false},
		"no token column":   {"ALTER TABLE auth_users_sessions DROP COLUMN token", auth.ErrSchema, false},
		"no counters":       {"DROP TABLE auth_users_attempts", auth.ErrSchema, false},
		"no count column":   {"ALTER TABLE auth_users_attempts DROP COLUMN count", auth.ErrSchema, false},
		"another user ID":   {"ALTER TABLE auth_users_sessions MODIFY user_id BIGINT UNSIGNED NOT NULL", auth.ErrUnavailable, false},
		"an ID like others": {"ALTER TABLE auth_users MODIFY id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT", auth.ErrUnavailable, false},
	} {
		t.Run(name, func(t *testing.T) {
			dsn := mysqltest.DSN(t)
			s := migrate(t, openMySQL(t, dsn))
			mustExec(t, openPool(t, dsn), test.damage)
			if err := s.Check(t.Context()); !errors.Is(err, test.want) {
				t.Errorf("Check: %v, want %v", err, test.want)
			}
			for op, call := range mysqlCalls {
				if test.everyOne {
					wantErr(t, call(t.Context(), s), test.want)
				} else if op == "user by id" && strings.HasPrefix(test.damage, "ALTER TABLE auth_users DROP") {
					wantErr(t, call(t.Context(), s), test.want)
				}
			}
			if errors.Is(test.want, auth.ErrSchema) && !strings.HasPrefix(test.damage, "ALTER") {
				migrate(t, s)
			}
		})
	}
}

func TestMySQLSchemaOfTheOtherKind(t *testing.T) {
	dsn := mysqltest.DSN(t)
	texts, numbers := openMySQL(t, dsn), openMySQL(t, dsn, auth.MySQLConfig{IntegerIDs: true})
	migrate(t, texts)
	wantStoreError(t, numbers.Check(t.Context()), "check schema", "id column type", nil)
	wantStoreError(t, numbers.Migrate(t.Context()), "check schema", "id column type", nil)
}

func TestMySQLDemandsAutocommit(t *testing.T) {
	dsn := mysqltest.DSN(t)
	off := newMySQLStore(t, openPool(t, withParams(t, dsn, "autocommit=0")))
	wantStoreError(t, off.Migrate(t.Context()), "migrate", "autocommit is off", nil)
	migrate(t, openMySQL(t, dsn))
	wantStoreError(t, off.Migrate(t.Context()), "check schema", "autocommit is off", nil)
	wantStoreError(t, off.Check(t.Context()), "check schema", "autocommit is off", nil)
}
