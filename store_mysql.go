package auth

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/seed89488a0c/auth/internal/mysqlstore"
	"github.com/seed89488a0c/auth/internal/row"
)

// MySQLStore keeps users, sessions and counters in MySQL, MariaDB or another server of
// their protocol. It is safe for concurrent use and keeps the whole contract of
// [UserStore], [SessionStore] and [AttemptStore].
//
// Each method sends one statement that meets one row by one unique key, or at most a
// thousand by an index, whatever a user has stored. Only an UpdateUser that conflicts sends
// a second, to tell why, and a DeleteAttempts of all that has expired one more for each
// hundred counters. A statement that the server rolled back, as after a deadlock, is sent again a
// few times while the context lasts; one whose outcome is unknown never is.
//
// Beside the errors of these three every method can return [ErrSchema], and a
// [*StoreError] whose Code is "mysql" and the server's error number, or
//
//	connection lost     while the statement ran: its outcome is unknown
//	bad connection      no connection was usable; with [OpenMySQL] also: the server is read-only
//	network             no connection could be made
//	context ended       before the answer came: the outcome of a write is unknown
//	transaction ended   that of OnCreateUser was over before it could be committed
//	value too long      for its column; nothing was sent
//	value not UTF-8     in a text that people read; nothing was sent
//	time out of range   not in the years 1000 to 9999, of a counter 1970 to 9999, or zero where a session ends; nothing was sent
//	id not an integer   a session of a user that a table of integer IDs cannot have; nothing was sent
//	autocommit is off   the connections would lose every write
//	no wsrep_sync_wait  a node of a Galera cluster does not wait for the writes of others
//	id column type      the table was made with or without IntegerIDs, the store is not
//	counters cut short  the server's group_concat_max_len is below 1024, its default
//	inside transaction  it was called with the context of a function of OnCreateUser
//	driver              anything else, with the Go type of the driver's error
type MySQLStore struct {
	rowStore
	tables *mysqlstore.Store // the rows
	opened bool              // by OpenMySQL, so that Close closes the pool
}

var _ AttemptStore = (*MySQLStore)(nil)

// MySQLConfig says which tables there are. The zero value is what most services want.
type MySQLConfig struct {
	// Table is the name of the users' table: 1 to 48 ASCII letters, digits and
	// underscores; "" = auth_users. The tables of the sessions, of the counters and of the
	// schema's version have the same name with _sessions, _attempts and _schema behind it.
	Table string

	// IntegerIDs is for a table whose id column is BIGINT UNSIGNED AUTO_INCREMENT. The
	// table chooses the ID of every user that registers. An import keeps an ID from 1
	// to 1<<62 without leading zeros, beyond which a table would soon have none left,
	// and gets a new one for anything else. No other text is ever looked up, since
	// MySQL takes '1abc' for 1. A server before MySQL 8.0 can give the ID of a deleted
	// user again: access tokens of the deleted one that have not expired are then the
	// other's, unless [SessionConfig.Staleness] has Verify ask.
	IntegerIDs bool
}

// NewMySQLStore returns a store on a pool that stays the caller's, of the
// driver github.com/go-sql-driver/mysql, which may be wrapped. It asks nothing
// of the server: call [MySQLStore.Check] or [MySQLStore.Migrate] at start.
//
// Autocommit must be on, and MariaDB's EMPTY_STRING_IS_NULL off. On a node of a Galera
// cluster wsrep_sync_wait must have its bits 1 and 2, as with wsrep_sync_wait=3 in the
// DSN: else a session that was made at another node a moment ago is not found, and not
// ended by what ends it. Beyond that
// nothing depends on the DSN or on the server's settings, except for speed:
// without interpolateParams=true each statement takes two round trips instead of
// one, and without a readTimeout only the context ends the waiting for a server
// that does not answer.
func NewMySQLStore(db *sql.DB, c MySQLConfig) (*MySQLStore, error) {
	tables, err := mysqlstore.New(db, mysqlstore.Config(c))
	if err != nil {
		return nil, err
	}
	return MySQLStore{}.on(tables), nil
}

// on returns the store on other tables.
func (s MySQLStore) on(tables *mysqlstore.Store) *MySQLStore {
	s.rowStore, s.tables = rowStore{tables}, tables
	return &s
}

// OpenMySQL opens a pool of its own with settings that suit the store: one
// round trip a statement, at most 16 connections, which stay open while they
// are used and are replaced after five minutes, and, where the DSN says nothing
// else, 5 s to connect and 10 s for the server to answer. Connections to a
// server that turned read-only, as after a failover, are given up. On a node of a Galera
// cluster they wait for what other nodes have committed (wsrep_sync_wait=3). The driver
// logs nothing. Everything else is as the DSN says.
//
// It asks the server once, so that a wrong DSN is found now. The error never
// contains the DSN; it is a [*StoreError], such as "mysql 1045" (wrong user or
// password) or "mysql 1049" (no such database), unless the DSN cannot be read at
// all. It does not look at the schema:
// call [MySQLStore.Check] or [MySQLStore.Migrate] next, and
// [MySQLStore.Close] at the end.
func OpenMySQL(ctx context.Context, dsn string, c MySQLConfig) (*MySQLStore, error) {
	pool, err := mysqlstore.Open(dsn)
	if err != nil {
		return nil, fmt.Errorf("auth: OpenMySQL: %w", err)
	}
	s, err := NewMySQLStore(pool, c)
	if err == nil {
		s.opened = true
		err = userError(s.tables.CheckAutocommit(ctx, "open"))
	}
	if err != nil {
		pool.Close()
		return nil, err
	}
	return s, nil
}

// Close closes the pool if [OpenMySQL] opened it, after the statements that run.
func (s *MySQLStore) Close() error {
	if !s.opened {
		return nil
	}
	return userError(s.tables.Close())
}

// OnCreateUser returns the same store, which writes rows of the service's own beside
// every user that it creates, in one transaction: both are there or neither. So
// a.WithStore(s.OnCreateUser(f)).Register(ctx, r) registers a user with a profile.
//
// f is called when everything else is ready, so that nobody waits for a connection while
// a password is hashed. It writes by tx, and must not end it; u has its final ID, also
// with [MySQLConfig.IntegerIDs]. Its error undoes everything, and is what Register and
// Import return, whole: it must hold no secrets, and errors of tx must be in it. Where
// the server has rolled the transaction back, as after a deadlock, all of it is repeated:
// f may run more than once, and does nothing but write by tx. With f's context no other
// connection can be used by s, nor anything be hashed, since f holds one; a log-in, a
// mail or a second pool have their place after Register. Further functions run after f.
//
// A COMMIT whose answer was lost is never repeated; Register finds out what became of it.
// The session that it begins is stored afterwards. A nil f is a panic.
// An error with one of the driver's in it also matches [ErrUnavailable] where the
// database failed; events are told its code alone.
func (s *MySQLStore) OnCreateUser(f func(ctx context.Context, tx *sql.Tx, u User) error) *MySQLStore {
	if f == nil {
		panic("auth: OnCreateUser: the function is nil")
	}
	t := s.on(s.tables.OnCreateUser(func(ctx context.Context, tx *sql.Tx, u row.Profile) error { return f(ctx, tx, User(u)) }))
	t.opened = false
	return t
}

// Check reports whether the store can be used, with two statements: the server
// answers, its connections commit by themselves and on a node of a Galera cluster wait
// for the others, and the schema is that of this version of the library or a newer one.
// Newer ones are accepted, so that old
// and new replicas can run side by side while a service is updated.
//
// Errors: [ErrSchema], or a [*StoreError] such as "autocommit is off" or
// "no wsrep_sync_wait".
func (s *MySQLStore) Check(ctx context.Context) error { return userError(s.tables.Check(ctx)) }

// Migrate makes or updates the schema; where [MySQLStore.Check] finds nothing
// wrong it does no more than that. Any number of replicas may call it at once,
// and again after one that was cut short. It needs the right to create and to
// alter tables; a service whose account lacks it applies the files of package
// [github.com/seed89488a0c/auth/migrations] by other means, with [MySQLConfig.Table]'s
// name in place of auth_users, and with [MySQLConfig.IntegerIDs] BIGINT UNSIGNED NOT
// NULL as the type of user_id, and the same with AUTO_INCREMENT as that of id.
//
// Errors: a [*StoreError].
func (s *MySQLStore) Migrate(ctx context.Context) error { return userError(s.tables.Migrate(ctx)) }
