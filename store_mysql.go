package auth

import (
	"context"
	"database/sql"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jmoiron/sqlx"
	"github.com/jmoiron/sqlx/reflectx"
)

// MySQLStore keeps users and sessions in MySQL, MariaDB or another server of
// their protocol. It is safe for concurrent use and keeps the whole contract of
// [UserStore] and [SessionStore].
//
// Each method sends one statement that meets one row by one unique key, or some
// sessions by an index; only an UpdateUser that conflicts sends a second, to tell
// why. A statement that
// the server rolled back, as after a deadlock, is sent again a few times while
// the context lasts; one whose outcome is unknown never is.
//
// Beside the errors of these two every method can return [ErrSchema], and a
// [*StoreError] whose Code is "mysql" and the server's error number, or
//
//	connection lost     while the statement ran: its outcome is unknown
//	bad connection      no connection was usable; with [OpenMySQL] also: the server is read-only
//	network             no connection could be made
//	context ended       before the answer came: the outcome of a write is unknown
//	transaction ended   the transaction given to WithTx is over
//	value too long      for its column; nothing was sent
//	value not UTF-8     in a text that people read; nothing was sent
//	time out of range   not in the years 1000 to 9999, or zero where a session ends; nothing was sent
//	id not an integer   a session of a user that a table of integer IDs cannot have; nothing was sent
//	autocommit is off   the connections would lose every write
//	id column type      the table was made with or without [MySQLIntegerIDs], the store is not
//	inside transaction  Migrate was called on a store made by WithTx
//	driver              anything else, with the Go type of the driver's error
type MySQLStore struct {
	db         sqlx.ExtContext // the pool, or the caller's transaction
	pool       *sql.DB         // nil on a caller's transaction
	opened     bool            // by OpenMySQL, so that Close closes the pool
	table      string
	integerIDs bool
	statements mysqlStatements
}

var _ UserStore = (*MySQLStore)(nil)

// MySQLOption changes what [NewMySQLStore] and [OpenMySQL] build.
type MySQLOption func(*MySQLStore) error

// MySQLTable replaces the table's name, auth_users. The name is 1 to 48 ASCII
// letters, digits and underscores. The table of the sessions and that of the
// schema's version have the same name with _sessions and _schema behind it.
func MySQLTable(name string) MySQLOption {
	return func(s *MySQLStore) error {
		if !regexp.MustCompile(`^[A-Za-z0-9_]{1,48}$`).MatchString(name) {
			return errors.New("auth: MySQLTable: the name is not 1 to 48 letters, digits and underscores")
		}
		s.table = name
		return nil
	}
}

// MySQLIntegerIDs is for tables whose id column is BIGINT UNSIGNED
// AUTO_INCREMENT. The table chooses the ID of every user that registers. An
// import keeps an ID from 1 to 18446744073709551615 without leading zeros and
// gets a new one for anything else. No other text is ever looked up, since
// MySQL takes '1abc' for 1.
func MySQLIntegerIDs() MySQLOption {
	return func(s *MySQLStore) error {
		s.integerIDs = true
		return nil
	}
}

// NewMySQLStore returns a store on a pool that stays the caller's, of the
// driver github.com/go-sql-driver/mysql, which may be wrapped. It asks nothing
// of the server: call [MySQLStore.Check] or [MySQLStore.Migrate] at start.
//
// Autocommit must be on, and MariaDB's EMPTY_STRING_IS_NULL off. Beyond that
// nothing depends on the DSN or on the server's settings, except for speed:
// without interpolateParams=true each statement takes two round trips instead of
// one, and without a readTimeout only the context ends the waiting for a server
// that does not answer.
func NewMySQLStore(db *sql.DB, opts ...MySQLOption) (*MySQLStore, error) {
	if db == nil {
		return nil, errors.New("auth: NewMySQLStore: the pool is nil")
	}
	s := &MySQLStore{
		// A mapper of its own: sqlx's is a global that others may change.
		db:    &sqlx.DB{DB: db, Mapper: reflectx.NewMapper("db")},
		pool:  db,
		table: mysqlTableName,
	}
	for _, opt := range opts {
		if err := opt(s); err != nil {
			return nil, err
		}
	}
	s.statements = newMySQLStatements(s.table, s.integerIDs)
	return s, nil
}

// OpenMySQL opens a pool of its own with settings that suit the store: one
// round trip a statement, at most 16 connections, which stay open while they
// are used and are replaced after five minutes, and, where the DSN says nothing
// else, 5 s to connect and 10 s for the server to answer. Connections to a
// server that turned read-only, as after a failover, are given up. The driver
// logs nothing. Everything else is as the DSN says.
//
// It asks the server once, so that a wrong DSN is found now. The error never
// contains the DSN; it is a [*StoreError], such as "mysql 1045" (wrong user or
// password) or "mysql 1049" (no such database), unless the DSN cannot be read at
// all. It does not look at the schema:
// call [MySQLStore.Check] or [MySQLStore.Migrate] next, and
// [MySQLStore.Close] at the end.
func OpenMySQL(ctx context.Context, dsn string, opts ...MySQLOption) (*MySQLStore, error) {
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil { // whose text quotes the DSN
		return nil, errors.New("auth: OpenMySQL: not a DSN of github.com/go-sql-driver/mysql")
	}
	cfg.InterpolateParams = true
	cfg.RejectReadOnly = true
	cfg.Logger = &mysql.NopLogger{}
	if cfg.Timeout == 0 {
		cfg.Timeout = 5 * time.Second
	}
	if cfg.ReadTimeout == 0 {
		cfg.ReadTimeout = 10 * time.Second
	}
	if cfg.WriteTimeout == 0 {
		cfg.WriteTimeout = 10 * time.Second
	}
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, errors.New("auth: OpenMySQL: the DSN's collation is none that parameters can be interpolated in")
	}
	pool := sql.OpenDB(connector)
	// As many idle as open ones: with fewer, load would open and close them all the time.
	pool.SetMaxOpenConns(16)
	pool.SetMaxIdleConns(16)
	pool.SetConnMaxIdleTime(90 * time.Second)
	pool.SetConnMaxLifetime(5 * time.Minute)
	s, err := NewMySQLStore(pool, opts...)
	if err == nil {
		s.opened = true
		err = s.checkAutocommit(ctx, "open")
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
	if err := s.pool.Close(); err != nil {
		return mysqlError(context.Background(), "close", err)
	}
	return nil
}

// WithTx returns the same store on a transaction of the caller's, so that a
// user and the service's own rows are written together or not at all. It never
// commits, rolls back or retries. What Register returns and the event that it
// raises are true only once the transaction is committed; the password is hashed
// while it is open, so that the pool needs a connection for everybody who
// registers. A transaction is not safe for concurrent use,
// and after a [*StoreError] it can only be rolled back: the server may have done
// so already.
func (s *MySQLStore) WithTx(tx *sql.Tx) *MySQLStore {
	t := *s
	t.db = &sqlx.Tx{Tx: tx, Mapper: reflectx.NewMapper("db")}
	t.pool, t.opened = nil, false
	return &t
}

// CreateUser is as [UserStore] has it.
func (s *MySQLStore) CreateUser(ctx context.Context, r UserRecord) (string, error) {
	const op = "create user"
	var row mysqlValues
	id, ok := s.idValue(r.ID)
	switch {
	case ok:
		row.add(id)
	case s.integerIDs:
		row.add(nil) // the table chooses
	default:
		row.fail(codeValueTooLong)
	}
	row.bytes(r.EmailKey, maxMySQLKey)
	row.text(r.Email, maxEmailBytes)
	row.text(r.Username, maxUsernameCharacters)
	row.bytes(r.PasswordHash, maxHashBytes)
	row.add(r.Epoch)
	row.time(r.CreatedAt)
	row.time(r.UpdatedAt)
	row.time(r.DisabledAt)
	row.time(r.EmailVerifiedAt)
	result, err := s.exec(ctx, op, s.statements.insert, row)
	if err != nil {
		return "", err
	}
	if ok {
		return r.ID, nil
	}
	chosen, err := result.LastInsertId()
	if err != nil {
		return "", mysqlError(ctx, op, err)
	}
	return strconv.FormatUint(uint64(chosen), 10), nil
}

// UserByEmail is as [UserStore] has it.
func (s *MySQLStore) UserByEmail(ctx context.Context, key string) (UserRecord, error) {
	const op = "user by email"
	if len(key) > maxMySQLKey {
		return UserRecord{}, unlessEnded(ctx, op, ErrUserNotFound)
	}
	return s.user(ctx, op, s.statements.byEmail, mysqlHex(key))
}

// UserByID is as [UserStore] has it.
func (s *MySQLStore) UserByID(ctx context.Context, id string) (UserRecord, error) {
	const op = "user by id"
	value, ok := s.idValue(id)
	if !ok {
		return UserRecord{}, unlessEnded(ctx, op, ErrUserNotFound)
	}
	return s.user(ctx, op, s.statements.byID, value)
}

// UpdateUser is as [UserStore] has it.
func (s *MySQLStore) UpdateUser(ctx context.Context, u UserUpdate) error {
	const op = "update user"
	id, ok := s.idValue(u.ID)
	if !ok {
		return unlessEnded(ctx, op, ErrUserNotFound)
	}
	// The version makes every update change its row, so that the count of
	// changed rows is that of matching rows, whichever the DSN has reported.
	assignments := []string{"version = version + 1", "updated_at = ?"}
	var values mysqlValues
	values.time(u.At)
	if u.PasswordHash != nil {
		assignments = append(assignments, "password_hash = UNHEX(?)")
		values.bytes(*u.PasswordHash, maxHashBytes)
	}
	if u.Email != nil {
		assignments = append(assignments, "email = CONVERT(UNHEX(?) USING utf8mb4)")
		values.text(*u.Email, maxEmailBytes)
	}
	if u.EmailKey != nil {
		assignments = append(assignments, "email_key = UNHEX(?)")
		values.bytes(*u.EmailKey, maxMySQLKey)
	}
	if u.Username != nil {
		assignments = append(assignments, "username = CONVERT(UNHEX(?) USING utf8mb4)")
		values.text(*u.Username, maxUsernameCharacters)
	}
	if u.DisabledAt != nil {
		assignments = append(assignments, "disabled_at = ?")
		values.time(*u.DisabledAt)
	}
	if u.EmailVerifiedAt != nil {
		assignments = append(assignments, "email_verified_at = ?")
		values.time(*u.EmailVerifiedAt)
	}
	if u.EndSessions {
		assignments = append(assignments, "epoch = epoch + 1")
	}
	values.add(id)
	condition := s.statements.whereID
	if u.IfPasswordHash != nil {
		if len(*u.IfPasswordHash) > maxHashBytes { // no row has it
			return s.explainNoMatch(ctx, op, id)
		}
		condition += " AND password_hash = UNHEX(?)"
		values.bytes(*u.IfPasswordHash, maxHashBytes)
	}
	result, err := s.exec(ctx, op, s.statements.update+strings.Join(assignments, ", ")+condition, values)
	if err != nil {
		return err
	}
	switch n, err := result.RowsAffected(); {
	case err != nil:
		return mysqlError(ctx, op, err)
	case n > 0:
		return nil
	case u.IfPasswordHash == nil:
		return ErrUserNotFound
	}
	return s.explainNoMatch(ctx, op, id)
}

// explainNoMatch tells why no row has both this ID and the hash demanded.
func (s *MySQLStore) explainNoMatch(ctx context.Context, op string, id any) error {
	var one int
	if err := s.get(ctx, op, &one, s.statements.exists, id); err != nil {
		return err
	}
	return ErrConflict
}

// DeleteUser is as [UserStore] has it.
func (s *MySQLStore) DeleteUser(ctx context.Context, id string) error {
	const op = "delete user"
	value, ok := s.idValue(id)
	if !ok {
		return unlessEnded(ctx, op, ErrUserNotFound)
	}
	result, err := s.exec(ctx, op, s.statements.delete, mysqlValues{args: []any{value}})
	if err != nil {
		return err
	}
	switch n, err := result.RowsAffected(); {
	case err != nil:
		return mysqlError(ctx, op, err)
	case n == 0:
		return ErrUserNotFound
	}
	return nil
}

func (s *MySQLStore) user(ctx context.Context, op, query string, arg any) (UserRecord, error) {
	var row mysqlUser
	if err := s.get(ctx, op, &row, query, arg); err != nil {
		return UserRecord{}, err
	}
	record, err := row.record()
	if err != nil {
		return UserRecord{}, mysqlError(ctx, op, err)
	}
	return record, nil
}

// get reads one row.
func (s *MySQLStore) get(ctx context.Context, op string, dest any, query string, args ...any) error {
	return s.retry(ctx, op, func() error {
		return sqlx.GetContext(ctx, s.db, dest, query, args...)
	})
}

// exec runs one statement, unless one of its values fits no column.
func (s *MySQLStore) exec(ctx context.Context, op, statement string, values mysqlValues) (result sql.Result, err error) {
	if values.code != "" {
		return nil, &StoreError{Op: op, Code: values.code}
	}
	err = s.retry(ctx, op, func() (err error) {
		result, err = s.db.ExecContext(ctx, statement, values.args...)
		return err
	})
	return result, err
}
