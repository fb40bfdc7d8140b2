// Package mysqlstore keeps rows in MySQL, MariaDB or another server of their
// protocol, in three tables and by one statement a method.
package mysqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/jmoiron/sqlx"
	"github.com/jmoiron/sqlx/reflectx"
)

// Config is what tables there are.
type Config struct {
	Table      string // of the users; also the beginning of the other tables' names
	IntegerIDs bool   // the table's id column is BIGINT UNSIGNED AUTO_INCREMENT
}

// Store is safe for concurrent use.
type Store struct {
	db         *sqlx.DB // the pool
	pool       *sql.DB
	config     Config
	onCreate   []OnCreate
	statements statements
	sessions   sessionStatements
	attempts   attemptStatements
	sweep      sweepStatements
	swept      *cursor // also of those that OnCreateUser makes of it
}

// New returns a store on a pool, which stays the caller's, or says what is wrong, as
// with the name of the table; "" is [DefaultTable].
func New(pool *sql.DB, c Config) (*Store, error) {
	if pool == nil {
		return nil, errors.New("auth: NewMySQLStore: the pool is nil")
	}
	c.Table = cmp.Or(c.Table, DefaultTable)
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"
	if len(c.Table) > 48 || strings.Trim(c.Table, letters) != "" {
		return nil, errors.New("auth: MySQLConfig: Table is not 1 to 48 letters, digits and underscores")
	}
	s := &Store{
		// A mapper of its own: sqlx's is a global that others may change.
		db:       &sqlx.DB{DB: pool, Mapper: reflectx.NewMapper("db")},
		pool:     pool,
		config:   c,
		sessions: newSessionStatements(c),
		attempts: newAttemptStatements(c),
		sweep:    newSweepStatements(c),
		swept:    &cursor{},
	}
	s.statements = newStatements(c, s.sessions, s.attempts)
	return s, nil
}

// Same reports whether two stores are the same tables by the same pool.
func (s *Store) Same(t *Store) bool { return s.pool == t.pool && s.config == t.config }

// get reads one row.
func (s *Store) get(ctx context.Context, op string, dest any, query string, args ...any) error {
	return s.retry(ctx, op, func() error {
		return sqlx.GetContext(ctx, s.db, dest, query, args...)
	})
}

// exec runs one statement and returns how many rows it met. It is not sent if
// one of its values fits no column.
func (s *Store) exec(ctx context.Context, op, statement string, v values) (int64, error) {
	result, err := s.execResult(ctx, op, statement, v)
	if err != nil {
		return 0, err
	}
	n, err := result.RowsAffected()
	if err != nil {
		return 0, failure(ctx, op, err)
	}
	return n, nil
}

func (s *Store) execResult(ctx context.Context, op, statement string, v values) (result sql.Result, err error) {
	if v.code != "" {
		return nil, outage(op, v.code)
	}
	err = s.retry(ctx, op, func() (err error) {
		result, err = s.db.ExecContext(ctx, statement, v.args...)
		return err
	})
	return result, err
}
