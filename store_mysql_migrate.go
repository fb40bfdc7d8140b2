package auth

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"strings"
	"time"

	"github.com/seed89488a0c/auth/migrations"
)

// mysqlSchema is the number of the newest file in migrations/mysql.
const mysqlSchema = 2

// The lines of the schema that are not the same in every table.
const (
	mysqlTableName     = "auth_users"
	mysqlIDColumn      = "`id` VARBINARY(64) NOT NULL,"
	mysqlIntegerID     = "`id` BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,"
	mysqlUserIDColumn  = "`user_id` VARBINARY(64) NOT NULL,"
	mysqlIntegerUserID = "`user_id` BIGINT UNSIGNED NOT NULL,"
)

// Check reports whether the store can be used, with one statement: the server
// answers, its connections commit by themselves, and the schema is that of this
// version of the library or a newer one. Newer ones are accepted, so that old
// and new replicas can run side by side while a service is updated.
//
// Errors: [ErrSchema], or a [*StoreError] such as "autocommit is off".
func (s *MySQLStore) Check(ctx context.Context) error {
	const op = "check schema"
	var is struct {
		Version    int            `db:"version"`
		Autocommit bool           `db:"autocommit"`
		IDType     sql.NullString `db:"id_type"`
		UserIDType sql.NullString `db:"user_id_type"`
		Found      bool           `db:"found"` // always false: the columns just have to exist
	}
	if err := s.get(ctx, op, &is, s.statements.check); err != nil {
		return err
	}
	idType := "varbinary"
	if s.integerIDs {
		idType = "bigint"
	}
	switch {
	case !is.Autocommit && s.pool != nil:
		return &StoreError{Op: op, Code: codeAutocommitOff}
	case is.Version < mysqlSchema:
		return ErrSchema
	case !strings.EqualFold(is.IDType.String, idType), !strings.EqualFold(is.UserIDType.String, idType):
		return &StoreError{Op: op, Code: codeIDColumnType}
	}
	return nil
}

// Migrate makes or updates the schema; where [MySQLStore.Check] finds nothing
// wrong it does no more than that. Any number of replicas may call it at once,
// and again after one that was cut short. It needs the right to create and to
// alter tables; a service whose account lacks it applies the files of package
// [github.com/seed89488a0c/auth/migrations] by other means, with [MySQLTable]'s
// name in place of auth_users, and with [MySQLIntegerIDs] BIGINT UNSIGNED NOT
// NULL as the type of user_id, and the same with AUTO_INCREMENT as that of id.
//
// Errors: a [*StoreError].
func (s *MySQLStore) Migrate(ctx context.Context) error {
	const op = "migrate"
	if s.pool == nil { // which the server would commit
		return &StoreError{Op: op, Code: codeInsideTransaction}
	}
	if err := s.Check(ctx); !errors.Is(err, ErrSchema) {
		return err
	}
	if err := s.checkAutocommit(ctx, op); err != nil {
		return err
	}
	if err := s.applySchema(ctx, op); err != nil {
		return err
	}
	return s.Check(ctx)
}

// applySchema runs all files on one connection, which is back in the pool when
// it returns: there may be no second one.
func (s *MySQLStore) applySchema(ctx context.Context, op string) error {
	statements, err := s.schema()
	if err != nil {
		return mysqlError(ctx, op, err)
	}
	conn, err := s.pool.Conn(ctx)
	if err != nil {
		return mysqlError(ctx, op, err)
	}
	defer conn.Close()
	// On a cluster the lock may be that of one node only, and some servers have
	// none: the statements bear being run by several at once. It spares them that.
	unlock, err := s.lock(ctx, conn)
	if err != nil {
		return mysqlError(ctx, op, err)
	}
	defer unlock()
	for _, statement := range statements {
		err := s.retry(ctx, op, func() error {
			_, err := conn.ExecContext(ctx, statement)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// checkAutocommit asks the server: without autocommit every write would be lost
// when its connection is closed, and every read be of an old snapshot.
func (s *MySQLStore) checkAutocommit(ctx context.Context, op string) error {
	var on bool
	if err := s.get(ctx, op, &on, "SELECT @@autocommit"); err != nil {
		return err
	}
	if !on {
		return &StoreError{Op: op, Code: codeAutocommitOff}
	}
	return nil
}

// lock takes the lock of all who migrate this table, if the server has locks.
// It asks again and again rather than once for long, which a read timeout may end.
func (s *MySQLStore) lock(ctx context.Context, conn *sql.Conn) (unlock func(), err error) {
	name := "'auth_migrate_" + s.table + "'"
	for {
		var got sql.NullBool
		err := conn.QueryRowContext(ctx, "SELECT GET_LOCK("+name+", 0)").Scan(&got)
		switch {
		case mysqlNumber(err) != 0, err == nil && !got.Valid: // no locks here
			return func() {}, nil
		case err != nil:
			return nil, err
		case got.Bool:
			return func() {
				// Where this fails the connection is broken, which frees the lock too.
				ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
				defer cancel()
				conn.ExecContext(ctx, "SELECT RELEASE_LOCK("+name+")")
			}, nil
		case !pause(ctx, 100*time.Millisecond):
			return nil, ctx.Err()
		}
	}
}

// schema returns the statements of all files, for this store's table.
func (s *MySQLStore) schema() ([]string, error) {
	replace := strings.NewReplacer("`"+mysqlTableName, "`"+s.table)
	if s.integerIDs {
		replace = strings.NewReplacer("`"+mysqlTableName, "`"+s.table,
			mysqlIDColumn, mysqlIntegerID, mysqlUserIDColumn, mysqlIntegerUserID)
	}
	files, err := fs.Glob(migrations.FS, "mysql/*.sql") // in the order of their names
	if err != nil {
		return nil, err
	}
	var statements []string
	for _, file := range files {
		text, err := fs.ReadFile(migrations.FS, file)
		if err != nil {
			return nil, err
		}
		for statement := range strings.SplitSeq(replace.Replace(string(text)), ";\n") {
			if strings.TrimSpace(statement) != "" {
				statements = append(statements, statement)
			}
		}
	}
	return statements, nil
}
