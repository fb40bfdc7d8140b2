package mysqlstore

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"strings"
	"time"

	"github.com/seed89488a0c/auth/internal/row"
	"github.com/seed89488a0c/auth/migrations"
)

// schemaVersion is the number of the newest file in migrations/mysql.
const schemaVersion = 3

// DefaultTable is the name in the files of the schema.
const DefaultTable = "auth_users"

// The lines of the schema that are not the same in every table.
const (
	idColumn      = "`id` VARBINARY(64) NOT NULL,"
	integerID     = "`id` BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,"
	userIDColumn  = "`user_id` VARBINARY(64) NOT NULL,"
	integerUserID = "`user_id` BIGINT UNSIGNED NOT NULL,"
)

// Check reports whether the store can be used, with two statements.
func (s *Store) Check(ctx context.Context) error {
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
	if s.config.IntegerIDs {
		idType = "bigint"
	}
	switch {
	case !is.Autocommit:
		return outage(op, codeAutocommitOff)
	case is.Version < schemaVersion:
		return row.ErrSchema
	case !strings.EqualFold(is.IDType.String, idType), !strings.EqualFold(is.UserIDType.String, idType):
		return outage(op, codeIDColumnType)
	}
	return s.checkSyncWait(ctx, op)
}

// Migrate makes or updates the schema, where Check finds that it must.
func (s *Store) Migrate(ctx context.Context) error {
	const op = "migrate"
	if err := s.Check(ctx); !errors.Is(err, row.ErrSchema) {
		return err
	}
	if err := s.CheckAutocommit(ctx, op); err != nil {
		return err
	}
	if err := s.applySchema(ctx, op); err != nil {
		return err
	}
	return s.Check(ctx)
}

// applySchema runs all files on one connection, which is back in the pool when
// it returns: there may be no second one.
func (s *Store) applySchema(ctx context.Context, op string) error {
	statements, err := s.schema()
	if err != nil {
		return failure(ctx, op, err)
	}
	conn, err := s.pool.Conn(ctx)
	if err != nil {
		return failure(ctx, op, err)
	}
	defer conn.Close()
	// On a cluster the lock may be that of one node only, and some servers have
	// none: the statements bear being run by several at once. It spares them that.
	unlock, err := s.lock(ctx, conn)
	if err != nil {
		return failure(ctx, op, err)
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

// CheckAutocommit asks the server: without autocommit every write would be lost
// when its connection is closed, and every read be of an old snapshot.
func (s *Store) CheckAutocommit(ctx context.Context, op string) error {
	var on bool
	if err := s.get(ctx, op, &on, "SELECT @@autocommit"); err != nil {
		return err
	}
	if !on {
		return outage(op, codeAutocommitOff)
	}
	return nil
}

// lock takes the lock of all who migrate this table, if the server has locks.
// It asks again and again rather than once for long, which a read timeout may end.
func (s *Store) lock(ctx context.Context, conn *sql.Conn) (unlock func(), err error) {
	name := "'auth_migrate_" + s.config.Table + "'"
	for {
		var got sql.NullBool
		err := conn.QueryRowContext(ctx, "SELECT GET_LOCK("+name+", 0)").Scan(&got)
		switch {
		case number(err) != 0, err == nil && !got.Valid: // no locks here
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
func (s *Store) schema() ([]string, error) {
	names := []string{"`" + DefaultTable, "`" + s.config.Table}
	if s.config.IntegerIDs {
		names = append(names, idColumn, integerID, userIDColumn, integerUserID)
	}
	replace := strings.NewReplacer(names...)
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
