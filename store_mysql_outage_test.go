package auth_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/internal/mysqltest"
)

// What was acknowledged is there after the server was killed, and the same
// store goes on when the server is back.
func TestMySQLKilledServer(t *testing.T) {
	server := mysqltest.Start(t, mysqltest.Durable)
	server.Exec("CREATE DATABASE d")
	s := migrate(t, openMySQL(t, server.DSN("d")))

	var (
		mu           sync.Mutex
		acknowledged []string
		wg           sync.WaitGroup
		enough       = make(chan struct{})
	)
	for worker := range 4 {
		wg.Go(func() {
			for i := 0; ; i++ {
				id := fmt.Sprintf("%d-%d", worker, i)
				got, err := s.CreateUser(t.Context(), auth.UserRecord{User: auth.User{ID: id}, EmailKey: id})
				if err != nil {
					wantErr(t, err, auth.ErrUnavailable)
					return
				}
				mu.Lock()
				if acknowledged = append(acknowledged, got); len(acknowledged) == 100 {
					close(enough)
				}
				mu.Unlock()
			}
		})
	}
	<-enough
	server.Kill()
	wg.Wait()
	wantErr(t, s.Check(t.Context()), auth.ErrUnavailable)

	server.Restart()
	for _, id := range acknowledged {
		if _, err := s.UserByID(t.Context(), id); err != nil {
			t.Errorf("user %s was acknowledged: %v", id, err)
		}
	}
	if _, err := s.CreateUser(t.Context(), auth.UserRecord{User: auth.User{ID: "new"}, EmailKey: "new"}); err != nil {
		t.Errorf("after the restart: %v", err)
	}
}

// ASVS 5.0 13.2.6
func TestMySQLServerThatDoesNotAnswer(t *testing.T) {
	server := mysqltest.Start(t)
	server.Exec("CREATE DATABASE d")
	patient := migrate(t, openMySQL(t, server.DSN("d")))
	hasty := openMySQL(t, withParams(t, server.DSN("d"), "readTimeout=50ms&writeTimeout=50ms&timeout=50ms"))
	if _, err := hasty.UserByID(t.Context(), "x"); !errors.Is(err, auth.ErrUserNotFound) {
		t.Fatal(err)
	}

	server.Pause()
	calls := maps.Clone(mysqlCalls)
	maps.Copy(calls, mysqlSessionCalls)
	for op, call := range calls {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		wantStoreError(t, call(ctx, patient), op, "context ended", context.DeadlineExceeded)
		cancel()
		// Without a deadline the driver's timeouts end the waiting.
		err := call(t.Context(), hasty)
		wantErr(t, err, auth.ErrUnavailable)
		if errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v matches the error of a context that has not ended", op, err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := newAuth(t, patient).Login(ctx, credentials(email, password))
	wantErr(t, err, auth.ErrUnavailable, context.DeadlineExceeded)
	if errors.Is(err, auth.ErrInvalidCredentials) {
		t.Error("an outage is a wrong password")
	}

	server.Resume()
	for _, s := range []*auth.MySQLStore{patient, hasty} {
		if _, err := s.UserByID(t.Context(), "x"); !errors.Is(err, auth.ErrUserNotFound) {
			t.Errorf("after the pause: %v", err)
		}
	}
}

func TestMySQLReadOnlyServer(t *testing.T) {
	server := mysqltest.Start(t)
	dsn := server.AppDSN("d")
	opened := migrate(t, openMySQL(t, dsn))
	plain := newMySQLStore(t, openPool(t, dsn))
	create := mysqlCalls["create user"]

	server.Exec("SET GLOBAL read_only = 1")
	wantStoreError(t, create(t.Context(), plain), "create user", "mysql 1290", nil)
	wantStoreError(t, create(t.Context(), opened), "create user", "bad connection", nil)
	for _, s := range []*auth.MySQLStore{plain, opened} {
		if _, err := s.UserByID(t.Context(), "x"); !errors.Is(err, auth.ErrUserNotFound) {
			t.Errorf("reading: %v", err)
		}
		if err := s.Check(t.Context()); err != nil {
			t.Errorf("Check: %v", err)
		}
	}
	server.Exec("SET GLOBAL read_only = 0")
	if err := create(t.Context(), opened); err != nil {
		t.Errorf("writable again: %v", err)
	}
}

// ASVS 5.0 13.2.6
func TestMySQLTooManyConnections(t *testing.T) {
	server := mysqltest.Start(t, mysqltest.Flags("--max-connections=10"))
	dsn := server.AppDSN("d")
	s := newMySQLStore(t, openPool(t, dsn))
	hog := openPool(t, dsn)
	hog.SetMaxOpenConns(0)
	var held []*sql.Conn
	for {
		conn, err := hog.Conn(t.Context())
		if err != nil {
			break
		}
		held = append(held, conn)
		if len(held) > 100 {
			t.Fatal("the server has no limit")
		}
	}
	wantStoreError(t, s.Check(t.Context()), "check schema", "mysql 1040", nil)
	_, err := auth.OpenMySQL(t.Context(), dsn, auth.MySQLConfig{})
	wantStoreError(t, err, "open", "mysql 1040", nil)
	for _, conn := range held {
		conn.Close()
	}
	hog.Close()
	// The server may take a moment to notice that they have gone.
	err = s.Migrate(t.Context())
	for failure := (*auth.StoreError)(nil); errors.As(err, &failure) && failure.Code == "mysql 1040"; {
		err = s.Migrate(t.Context())
	}
	if err != nil {
		t.Errorf("after the rush: %v", err)
	}
}

// A statement that the server rolls back to end a deadlock is sent again.
func TestMySQLDeadlock(t *testing.T) {
	dsn := mysqltest.DSN(t)
	s := migrate(t, openMySQL(t, dsn))
	pool := openPool(t, dsn)
	for _, id := range []string{"a", "b"} {
		if _, err := s.CreateUser(t.Context(), auth.UserRecord{User: auth.User{ID: id}, EmailKey: id}); err != nil {
			t.Fatal(err)
		}
	}
	mustExec(t, pool, "CREATE TABLE weight (id INT PRIMARY KEY) ENGINE=InnoDB")

	// The other transaction has changed more rows, so the store's is the victim.
	other, err := pool.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Rollback()
	for _, q := range []string{
		"INSERT INTO weight VALUES (1),(2),(3),(4),(5),(6),(7),(8),(9),(10)",
		"UPDATE auth_users SET email_key = 'taken' WHERE id = 'b'",
	} {
		if _, err := other.ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	deadlocks := deadlockCount(t, pool)
	key := "taken"
	done := make(chan error)
	go func() {
		// Locks the row of a, then waits for the key that the other one holds.
		done <- s.UpdateUser(t.Context(), auth.UserUpdate{ID: "a", EmailKey: &key})
	}()
	for waiting := 0; waiting == 0; {
		// The server renews this view when it was not read for a tenth of a second.
		select {
		case err := <-done:
			t.Fatalf("the update did not wait: %v", err)
		case <-time.After(150 * time.Millisecond):
		}
		err := pool.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'").Scan(&waiting)
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := other.ExecContext(t.Context(), "UPDATE auth_users SET epoch = 9 WHERE id = 'a'"); err != nil {
		t.Fatalf("the other transaction was the victim: %v", err)
	}
	if err := other.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Errorf("after a deadlock: %v", err)
	}
	if deadlockCount(t, pool) == deadlocks {
		t.Error("there was no deadlock")
	}
}

func deadlockCount(t *testing.T, pool *sql.DB) (n int) {
	t.Helper()
	err := pool.QueryRowContext(t.Context(), "SELECT count FROM information_schema.innodb_metrics WHERE name = 'lock_deadlocks'").Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
