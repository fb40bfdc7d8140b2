package auth_test

import (
	"database/sql"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
	"github.com/seed89488a0c/auth/internal/mysqltest"
)

func TestMain(m *testing.M) { mysqltest.Main(m) }

// mysqlSettings are DSN parameters that change how statements or rows are read.
// The store must not notice any of them.
var mysqlSettings = map[string]string{
	"defaults":                "",
	"lax mode":                "sql_mode=''",
	"strict mode":             "sql_mode='TRADITIONAL,ONLY_FULL_GROUP_BY'",
	"ANSI mode":               "sql_mode='ANSI,ANSI_QUOTES,PIPES_AS_CONCAT'",
	"NO_BACKSLASH_ESCAPES":    "sql_mode='NO_BACKSLASH_ESCAPES'",
	"odd modes":               "sql_mode='PAD_CHAR_TO_FULL_LENGTH,HIGH_NOT_PRECEDENCE,NO_AUTO_VALUE_ON_ZERO,NO_UNSIGNED_SUBTRACTION'",
	"parsed times, Seoul":     "parseTime=true&loc=Asia/Seoul&time_zone='+09:00'",
	"unparsed times, west":    "parseTime=false&loc=America/New_York&time_zone='-11:30'",
	"clientFoundRows":         "clientFoundRows=true",
	"columnsWithAlias":        "columnsWithAlias=true",
	"latin1":                  "charset=latin1&collation=latin1_swedish_ci",
	"ascii":                   "charset=ascii",
	"gbk":                     "charset=gbk", // where an escaped quote can end a text: 0x5c is a second byte
	"a folding collation":     "charset=utf8mb4&collation=utf8mb4_unicode_ci",
	"no charset of results":   "character_set_results=NULL",
	"several statements":      "multiStatements=true",
	"compression":             "compress=true",
	"safe updates":            "sql_safe_updates=1",
	"serializable":            "tx_isolation='SERIALIZABLE'",
	"read uncommitted":        "tx_isolation='READ-UNCOMMITTED'",
	"locks are waited for 1s": "innodb_lock_wait_timeout=1",
}

func TestMySQLStore(t *testing.T) {
	dsn := mysqltest.DSN(t)
	admin := openPool(t, dsn)
	for _, name := range slices.Sorted(maps.Keys(mysqlSettings)) {
		setting := mysqlSettings[name]
		if mysqltest.Flavor(t, dsn) == "mysql" { // MariaDB took this name over in 11.1
			setting = strings.Replace(setting, "tx_isolation", "transaction_isolation", 1)
		}
		t.Run(name, func(t *testing.T) {
			pool := openPool(t, withParams(t, dsn, setting))
			testMySQLStore(t, newMySQLStore(t, pool), admin, "auth_users")
		})
		t.Run(name+", integer IDs, interpolated", func(t *testing.T) {
			pool := openPool(t, withParams(t, dsn, setting, "interpolateParams=true"))
			testMySQLStore(t, newMySQLStore(t, pool, auth.MySQLConfig{IntegerIDs: true, Table: "order"}), admin, "order")
		})
	}
}

func TestMySQLStoreWhereDefaultsFold(t *testing.T) {
	for _, defaults := range []string{
		"CHARACTER SET latin1 COLLATE latin1_swedish_ci",
		"CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci",
	} {
		t.Run(defaults, func(t *testing.T) {
			dsn := mysqltest.DSN(t)
			pool := openPool(t, dsn)
			mustExec(t, pool, "ALTER DATABASE "+defaults)
			testMySQLStore(t, newMySQLStore(t, pool), pool, "auth_users")
		})
	}
}

func TestOpenMySQLStore(t *testing.T) {
	dsn := mysqltest.DSN(t)
	admin := openPool(t, dsn)
	testMySQLStore(t, openMySQL(t, dsn), admin, "auth_users")
	testMySQLStore(t, openMySQL(t, dsn, auth.MySQLConfig{IntegerIDs: true, Table: "people"}), admin, "people")
}

// In gbk 0xbf and the backslash of an escaped quote are one character, so that
// the quote would end the text.
// ASVS 5.0 1.2.4
func TestMySQLInjection(t *testing.T) {
	dsn := mysqltest.DSN(t)
	for _, params := range []string{"charset=gbk", "charset=sjis", "charset=utf8mb4", "sql_mode='NO_BACKSLASH_ESCAPES'", "sql_mode='ANSI_QUOTES'"} {
		s := migrate(t, newMySQLStore(t, openPool(t, withParams(t, dsn, params, "interpolateParams=true"))))
		_, err := s.CreateUser(t.Context(), auth.UserRecord{User: auth.User{ID: params}, EmailKey: params})
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{"\xbf' OR 1=1 -- ", "\x95' OR 1=1 -- ", "' OR 1=1 -- ", "\\' OR 1=1 -- ", "\" OR 1=1 -- ", "\x00' OR 1=1 -- "} {
			for _, err := range []error{
				second(s.UserByEmail(t.Context(), text)),
				second(s.UserByID(t.Context(), text)),
				s.UpdateUser(t.Context(), auth.UserUpdate{ID: text, RaiseEpoch: 1}),
				s.DeleteUser(t.Context(), text),
			} {
				if !errors.Is(err, auth.ErrUserNotFound) {
					t.Errorf("%s, %q: %v", params, text, err)
				}
			}
		}
		if u, err := s.UserByID(t.Context(), params); err != nil || u.Epoch != 0 {
			t.Errorf("%s: the user was changed: %v", params, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// testMySQLStore runs the conformance suite, on one table that it empties for
// every rule.
func testMySQLStore(t *testing.T, s *auth.MySQLStore, admin *sql.DB, table string) {
	t.Helper()
	migrate(t, s)
	authtest.TestUserStore(t, func(t *testing.T) auth.UserStore {
		mustExec(t, admin, "DELETE FROM `"+table+"`")
		return s
	})
}

// withParams adds parameters, as in "a=1&b='x'", to a DSN.
func withParams(t testing.TB, dsn string, params ...string) string {
	t.Helper()
	for _, p := range params {
		if p == "" {
			continue
		}
		values, err := url.ParseQuery(strings.ReplaceAll(p, "+", "%2B"))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(dsn, "?") {
			dsn += "&" + values.Encode()
		} else {
			dsn += "?" + values.Encode()
		}
	}
	return dsn
}

// openPool is sql.Open with a driver that logs nothing and enough connections.
func openPool(t testing.TB, dsn string) *sql.DB {
	t.Helper()
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Logger = &mysql.NopLogger{}
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		t.Fatal(err)
	}
	pool := sql.OpenDB(connector)
	t.Cleanup(func() { pool.Close() })
	pool.SetMaxOpenConns(8)
	pool.SetMaxIdleConns(8)
	return pool
}

func newMySQLStore(t testing.TB, pool *sql.DB, opts ...auth.MySQLConfig) *auth.MySQLStore {
	t.Helper()
	s, err := auth.NewMySQLStore(pool, only(opts))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func openMySQL(t testing.TB, dsn string, opts ...auth.MySQLConfig) *auth.MySQLStore {
	t.Helper()
	s, err := auth.OpenMySQL(t.Context(), dsn, only(opts))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func migrate(t testing.TB, s *auth.MySQLStore) *auth.MySQLStore {
	t.Helper()
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

func mustExec(t testing.TB, pool *sql.DB, query string, args ...any) {
	t.Helper()
	if _, err := pool.ExecContext(t.Context(), query, args...); err != nil {
		t.Fatalf("%.60s: %v", query, err)
	}
}
