// Package mysqltest gives tests a real MySQL-speaking server.
//
// [DSN] hands out a fresh database on a server that the whole test binary
// shares; [Start] gives one test a server of its own, which it may kill, pause
// and start again. Environment variables choose the server:
//
//   - AUTH_TEST_MYSQL_DSN: a running server for [DSN]. Its account must be
//     allowed to create and drop databases.
//   - AUTH_TEST_MYSQLD: a mysqld or mariadbd to run, in place of the mariadbd
//     found on the machine.
//   - AUTH_TEST_REQUIRE_MYSQL, or CI: with either set, a missing server fails
//     a test that would otherwise be skipped.
//
// AUTH_TEST_MYSQL_ASKED names a file: a line is added to it with the name of each test
// that asks for a server, without its subtests, so that those can be run over another.
//
// Servers that this package runs listen on a unix socket, or on the loopback
// address where a test asks for [TCP]. They end with the test binary, also
// with one that panics or is killed (on Linux).
package mysqltest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

const noServer = "no MySQL-speaking server: `make test` gets one; or apt-get install mariadb-server-core mariadb-client-core, or set AUTH_TEST_MYSQL_DSN or AUTH_TEST_MYSQLD"

// shared is the server behind DSN. The first test that asks starts it, so a
// run that needs no database does not wait for one.
var shared struct {
	once   sync.Once
	server *Server // nil with AUTH_TEST_MYSQL_DSN
	dsn    string
	err    error
}

// Main runs the tests of m, stops the server that they shared and exits:
//
//	func TestMain(m *testing.M) { mysqltest.Main(m) }
func Main(m *testing.M) {
	code := m.Run()
	if shared.server != nil {
		shared.server.close()
	}
	os.Exit(code)
}

// DSN creates an empty database for t, dropped when t ends, and returns a DSN
// of it that has no parameters but those of AUTH_TEST_MYSQL_DSN. It needs
// [Main].
//
// Without a server t is skipped, or fails where a server is required.
func DSN(t testing.TB) string {
	t.Helper()
	asks(t)
	shared.once.Do(openShared)
	if shared.err != nil {
		missing(t, shared.err)
	}
	cfg, err := mysql.ParseDSN(shared.dsn)
	if err != nil {
		// Not err itself: it may quote the DSN, which may hold a password.
		t.Fatal("AUTH_TEST_MYSQL_DSN is no DSN of go-sql-driver/mysql")
	}
	var suffix [8]byte
	rand.Read(suffix[:])
	name := "auth_test_" + hex.EncodeToString(suffix[:])
	if err := run(shared.dsn, "CREATE DATABASE "+name); err != nil {
		t.Fatalf("mysqltest: create a database: %v", err)
	}
	t.Cleanup(func() {
		if err := run(shared.dsn, "DROP DATABASE "+name); err != nil {
			t.Errorf("mysqltest: drop %s (does the test leave a transaction open?): %v", name, err)
		}
	})
	cfg.DBName = name
	return cfg.FormatDSN()
}

// Flavor names what answers at dsn: "mariadb", "mysql" or "tidb".
func Flavor(t testing.TB, dsn string) string {
	t.Helper()
	db, err := open(dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var version string
	if err := db.QueryRow("SELECT VERSION()").Scan(&version); err != nil {
		t.Fatal(err)
	}
	switch {
	case strings.Contains(version, "MariaDB"):
		return "mariadb"
	case strings.Contains(version, "TiDB"):
		return "tidb"
	default:
		return "mysql"
	}
}

func openShared() {
	if shared.dsn = os.Getenv("AUTH_TEST_MYSQL_DSN"); shared.dsn != "" {
		return
	}
	if shared.server, shared.err = newServer(config{}); shared.err == nil {
		shared.dsn = shared.server.DSN("")
	}
}

// asks adds the test to the file that AUTH_TEST_MYSQL_ASKED names.
func asks(t testing.TB) {
	t.Helper()
	path := os.Getenv("AUTH_TEST_MYSQL_ASKED")
	if path == "" {
		return
	}
	name, _, _ := strings.Cut(t.Name(), "/")
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o600)
	if err == nil {
		_, err = f.WriteString(name + "\n")
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		t.Fatalf("mysqltest: AUTH_TEST_MYSQL_ASKED: %v", err)
	}
}

// missing ends t: an engine that is not there may skip it, one that does not
// work may not.
func missing(t testing.TB, err error) {
	t.Helper()
	switch {
	case !errors.Is(err, errNoEngine):
		t.Fatalf("mysqltest: %v", err)
	case os.Getenv("CI") != "" || os.Getenv("AUTH_TEST_REQUIRE_MYSQL") != "":
		t.Fatal(noServer)
	default:
		t.Skip(noServer)
	}
}

// run runs one statement on a connection of its own.
func run(dsn, query string, args ...any) error {
	db, err := open(dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	_, err = db.ExecContext(ctx, query, args...)
	return err
}

// open is sql.Open with a silent driver: while a server starts or is away,
// every attempt would otherwise write to the test's output.
func open(dsn string) (*sql.DB, error) {
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		return nil, err
	}
	cfg.Logger = &mysql.NopLogger{}
	cfg.InterpolateParams = true // DDL cannot be prepared with parameters
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}
