package auth_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/jmoiron/sqlx"
	"github.com/seed89488a0c/auth"
)

// scripted is a driver that answers every statement with an error of its script
// and, when that is used up, with success and no rows.
type scripted struct {
	mu         sync.Mutex
	script     []error
	statements []string
	args       []any // of the last statement
	onAnswer   func()
}

func (s *scripted) Connect(context.Context) (driver.Conn, error) { return scriptedConn{s}, nil }
func (s *scripted) Driver() driver.Driver                        { return nil }

func (s *scripted) answer(statement string, args []driver.NamedValue) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.statements, s.args = append(s.statements, statement), nil
	for _, arg := range args {
		s.args = append(s.args, arg.Value)
	}
	if s.onAnswer != nil {
		s.onAnswer()
	}
	if len(s.script) == 0 {
		return nil
	}
	err := s.script[0]
	s.script = s.script[1:]
	return err
}

type scriptedConn struct{ *scripted }

func (scriptedConn) Prepare(string) (driver.Stmt, error)            { return nil, errors.ErrUnsupported }
func (scriptedConn) Close() error                                   { return nil }
func (c scriptedConn) Begin() (driver.Tx, error)                    { return c, nil }
func (scriptedConn) Commit() error                                  { return nil }
func (scriptedConn) Rollback() error                                { return nil }
func (scriptedConn) CheckNamedValue(value *driver.NamedValue) error { return nil }

func (c scriptedConn) ExecContext(_ context.Context, statement string, args []driver.NamedValue) (driver.Result, error) {
	return driver.RowsAffected(1), c.answer(statement, args)
}

func (c scriptedConn) QueryContext(_ context.Context, statement string, args []driver.NamedValue) (driver.Rows, error) {
	return noRows{}, c.answer(statement, args)
}

type noRows struct{}

func (noRows) Columns() []string         { return nil }
func (noRows) Close() error              { return nil }
func (noRows) Next([]driver.Value) error { return io.EOF }

func serverError(number uint16) error {
	return fmt.Errorf("wrapped canary: %w", &mysql.MySQLError{Number: number, Message: "canary"})
}

func repeat(err error, n int) []error {
	errs := make([]error, n)
	for i := range errs {
		errs[i] = err
	}
	return errs
}

// mysqlCalls calls each method that sends a statement.
var mysqlCalls = map[string]func(ctx context.Context, s *auth.MySQLStore) error{
	"create user": func(ctx context.Context, s *auth.MySQLStore) error {
		_, err := s.CreateUser(ctx, auth.UserRecord{User: auth.User{ID: "id"}, EmailKey: "key"})
		return err
	},
	"user by email": func(ctx context.Context, s *auth.MySQLStore) error {
		_, err := s.UserByEmail(ctx, "key")
		return err
	},
	"user by id": func(ctx context.Context, s *auth.MySQLStore) error {
		_, err := s.UserByID(ctx, "id")
		return err
	},
	"update user": func(ctx context.Context, s *auth.MySQLStore) error {
		return s.UpdateUser(ctx, auth.UserUpdate{ID: "id"})
	},
	"delete user": func(ctx context.Context, s *auth.MySQLStore) error {
		return s.DeleteUser(ctx, "id")
	},
	"check schema": func(ctx context.Context, s *auth.MySQLStore) error {
		return s.Check(ctx)
	},
}

func newScripted(t *testing.T, script ...error) (*scripted, *sql.DB, *auth.MySQLStore) {
	t.Helper()
	server := &scripted{script: script}
	pool := sql.OpenDB(server)
	t.Cleanup(func() { pool.Close() })
	return server, pool, newMySQLStore(t, pool)
}

// explain returns what a server plans for the statement that call sends.
func explain(t *testing.T, db *sqlx.DB, call func(ctx context.Context, s *auth.MySQLStore) error, opts ...auth.MySQLConfig) map[string]string {
	t.Helper()
	server := &scripted{}
	pool := sql.OpenDB(server)
	defer pool.Close()
	_ = call(t.Context(), newMySQLStore(t, pool, opts...)) // which finds no row
	if len(server.statements) != 1 {
		t.Fatalf("%d statements were sent, want 1: %q", len(server.statements), server.statements)
	}
	row := map[string]any{}
	if err := db.QueryRowxContext(t.Context(), "EXPLAIN FORMAT=TRADITIONAL "+server.statements[0], server.args...).MapScan(row); err != nil {
		t.Fatalf("%s: %v", server.statements[0], err)
	}
	plan := map[string]string{}
	for column, v := range row {
		if b, ok := v.([]byte); ok {
			v = string(b)
		}
		plan[column] = fmt.Sprint(v)
	}
	return plan
}

func TestMySQLErrors(t *testing.T) {
	tests := []struct {
		name string
		err  error
		want error  // a sentinel, or
		code string // a *StoreError
	}{
		{"duplicate", serverError(1062), auth.ErrUserExists, ""},
		{"no table", serverError(1146), auth.ErrSchema, ""},
		{"no column", serverError(1054), auth.ErrSchema, ""},
		{"too many connections", serverError(1040), nil, "mysql 1040"},
		{"read-only", serverError(1290), nil, "mysql 1290"},
		{"killed", serverError(1317), nil, "mysql 1317"},
		{"access denied", serverError(1045), nil, "mysql 1045"},
		{"lost while it ran", mysql.ErrInvalidConn, nil, "connection lost"},
		{"bad connections", driver.ErrBadConn, nil, "bad connection"},
		{"nobody listens", &net.OpError{Op: "dial", Err: errors.New("canary")}, nil, "network"},
		{"dialled for too long", &net.OpError{Op: "dial", Err: context.DeadlineExceeded}, nil, "network"},
		{"transaction over", sql.ErrTxDone, nil, "transaction ended"},
		{"something else", errors.New("canary"), nil, "driver *errors.errorString"},
	}
	for _, test := range tests {
		for op, call := range mysqlCalls {
			t.Run(test.name+", "+op, func(t *testing.T) {
				_, _, s := newScripted(t, repeat(test.err, 3)...) // database/sql tries bad connections thrice
				err := call(t.Context(), s)
				if test.want != nil {
					wantErr(t, err, test.want)
				} else {
					wantStoreError(t, err, op, test.code, nil)
				}
				if strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), "canary") {
					t.Errorf("the driver's text shows: %#v", err)
				}
			})
		}
	}
}

func TestMySQLRetries(t *testing.T) {
	tests := []struct {
		name       string
		script     []error
		statements int
		code       string // "" = success
	}{
		{"a deadlock", repeat(serverError(1213), 1), 2, ""},
		{"a lock timeout", repeat(serverError(1205), 2), 3, ""},
		{"a changed record", repeat(serverError(1020), 4), 5, ""},
		{"deadlocks without end", repeat(serverError(1213), 100), 8, "mysql 1213"},
		{"an unknown outcome", repeat(mysql.ErrInvalidConn, 1), 1, "connection lost"},
		{"a killed statement", repeat(serverError(1317), 1), 1, "mysql 1317"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server, _, s := newScripted(t, test.script...)
			err := mysqlCalls["create user"](t.Context(), s)
			if test.code != "" {
				wantStoreError(t, err, "create user", test.code, nil)
			} else if err != nil {
				t.Error(err)
			}
			if got := len(server.statements); got != test.statements {
				t.Errorf("%d statements were sent, want %d", got, test.statements)
			}
		})
	}
}

func TestMySQLRetriesEndWithTheContext(t *testing.T) {
	server, _, s := newScripted(t, repeat(serverError(1213), 100)...)
	ctx, cancel := context.WithCancel(t.Context())
	server.onAnswer = cancel
	wantStoreError(t, mysqlCalls["create user"](ctx, s), "create user", "mysql 1213", context.Canceled)
	if got := len(server.statements); got != 1 {
		t.Errorf("%d statements were sent, want 1", got)
	}
}
