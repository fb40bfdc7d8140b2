package auth_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
	"github.com/seed89488a0c/auth/internal/mysqltest"
)

func TestMySQLAttemptStore(t *testing.T) {
	t.Parallel()
	run := func(t *testing.T, dsn string, s *auth.MySQLStore, table string) {
		admin := openPool(t, dsn)
		migrate(t, s)
		authtest.TestAttemptStore(t, func(t *testing.T) auth.AttemptStore {
			mustExec(t, admin, "DELETE FROM `"+table+"`")
			return s
		})
	}
	names := slices.Concat(slices.Collect(maps.Keys(mysqlSettings)), slices.Collect(maps.Keys(attemptSettings)))
	slices.Sort(names)
	for i, name := range names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := mysqltest.DSN(t)
			if name == "simultaneous assignment" && mysqltest.Flavor(t, dsn) == "mysql" {
				t.Skip("a mode of MariaDB")
			}
			setting, more := attemptSettings[name]
			if !more {
				setting = mysqlSetting(t, dsn, name)
			}
			params := []string{setting}
			if i/2%2 == 0 && !more {
				params = append(params, "interpolateParams=true")
			}
			pool := openPool(t, withParams(t, dsn, params...))
			if i%2 == 0 {
				run(t, dsn, newMySQLStore(t, pool), "auth_users_attempts")
			} else {
				run(t, dsn, newMySQLStore(t, pool, auth.MySQLConfig{IntegerIDs: true, Table: "order"}), "order_attempts")
			}
		})
	}
	t.Run("opened", func(t *testing.T) {
		t.Parallel()
		dsn := mysqltest.DSN(t)
		run(t, dsn, openMySQL(t, dsn), "auth_users_attempts")
	})
}

// attemptSettings are those that statements with arithmetic could notice, with both ways
// of sending parameters.
var attemptSettings = map[string]string{
	"clientFoundRows, interpolated":        "clientFoundRows=true&interpolateParams=true",
	"clientFoundRows, prepared":            "clientFoundRows=true&interpolateParams=false",
	"no unsigned subtraction":              "sql_mode='NO_UNSIGNED_SUBTRACTION'&interpolateParams=false",
	"no unsigned subtraction, in lax mode": "sql_mode='NO_UNSIGNED_SUBTRACTION'&interpolateParams=true",
	"simultaneous assignment":              "sql_mode='SIMULTANEOUS_ASSIGNMENT,STRICT_TRANS_TABLES'",
	"division by zero is an error":         "sql_mode='STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO'&div_precision_increment=0",
}
