package mysqltest

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

func TestMain(m *testing.M) { Main(m) }

func TestDSNIsAFreshDatabase(t *testing.T) {
	first, second := DSN(t), DSN(t)
	if err := run(first, "CREATE TABLE x (id INT)"); err != nil {
		t.Fatal(err)
	}
	if err := run(second, "CREATE TABLE x (id INT)"); err != nil {
		t.Errorf("a second database is not empty: %v", err)
	}
}

func TestDSNDropsItsDatabase(t *testing.T) {
	var dsn string
	t.Run("inner", func(t *testing.T) { dsn = DSN(t) })
	if dsn == "" {
		t.SkipNow() // as the inner test was
	}
	if got, want := mysqlErrno(run(dsn, "DO 0")), uint16(1049); got != want {
		t.Errorf("error %d, want %d (unknown database)", got, want)
	}
}

func TestKilledServerKeepsWhatWasCommitted(t *testing.T) {
	s := Start(t, Durable)
	s.Exec("CREATE DATABASE d")
	s.Exec("CREATE TABLE d.x (id INT PRIMARY KEY) ENGINE=InnoDB")
	s.Exec("INSERT INTO d.x VALUES (?)", 42)
	s.Kill()
	if err := run(s.DSN("d"), "DO 0"); err == nil {
		t.Fatal("a killed server answers")
	}
	s.Restart()
	db, err := sql.Open("mysql", s.DSN("d"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var id int
	if err := db.QueryRow("SELECT id FROM x").Scan(&id); err != nil || id != 42 {
		t.Errorf("after the restart: %d, %v", id, err)
	}
}

func TestPausedServerDoesNotAnswer(t *testing.T) {
	s := Start(t)
	db, err := open(s.DSN(""))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Ping(); err != nil {
		t.Fatal(err)
	}
	s.Pause()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := db.ExecContext(ctx, "DO 0"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("paused: %v, want a deadline", err)
	}
	s.Resume()
	if _, err := db.ExecContext(t.Context(), "DO 0"); err != nil {
		t.Errorf("resumed: %v", err)
	}
}

func TestFlagsAndAppAccount(t *testing.T) {
	for name, opts := range map[string][]Option{
		"unix": {Flags("--read-only=1")},
		"tcp":  {Flags("--read-only=1"), TCP},
	} {
		t.Run(name, func(t *testing.T) {
			s := Start(t, opts...)
			if got, want := mysqlErrno(run(s.AppDSN("d"), "CREATE TABLE x (id INT)")), uint16(1290); got != want {
				t.Errorf("error %d, want %d (read-only)", got, want)
			}
			s.Exec("SET GLOBAL read_only = 0")
			if err := run(s.AppDSN("d"), "CREATE TABLE x (id INT)"); err != nil {
				t.Errorf("no longer read-only: %v", err)
			}
		})
	}
}

func TestServerLeavesNothing(t *testing.T) {
	var s *Server
	t.Run("inner", func(t *testing.T) { s = Start(t) })
	if s == nil {
		t.SkipNow() // as the inner test was
	}
	if s.proc != nil {
		t.Error("the server was not stopped")
	}
	if _, err := os.Stat(s.dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its folder is still there: %v", err)
	}
}

func mysqlErrno(err error) uint16 {
	var e *mysql.MySQLError
	if errors.As(err, &e) {
		return e.Number
	}
	return 0
}

func TestRunIsForPrograms(t *testing.T) {
	Start(t) // skips where there is no server
	e, err := findEngine()
	if err != nil {
		t.Fatal(err)
	}
	dsn, version, stop, err := Run(e.server)
	if err != nil {
		t.Fatal(err)
	}
	if err := run(dsn, "CREATE TABLE x (id INT)"); err != nil || version != e.version {
		t.Errorf("%v, version %q", err, version)
	}
	stop()
	if err := run(dsn, "DO 0"); err == nil {
		t.Error("a server that was stopped answers")
	}
}
