package mysqlstore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/seed89488a0c/auth/internal/row"
)

// OnCreate writes what belongs to a new user, in the transaction that adds it.
type OnCreate func(ctx context.Context, tx *sql.Tx, u row.Profile) error

// OnCreateUser returns the same store, whose CreateUser runs f too, after those that it
// has already.
func (s *Store) OnCreateUser(f OnCreate) *Store {
	t := *s
	t.onCreate = append(s.onCreate[:len(s.onCreate):len(s.onCreate)], f)
	return &t
}

// insideKey is where the context of an [OnCreate] has the pool of its transaction.
type insideKey struct{}

// Inside reports whether a context is that of an [OnCreate], which holds a connection.
func Inside(ctx context.Context) bool { return ctx.Value(insideKey{}) != nil }

// createWithin adds a user in a transaction with what the service adds. All of it is
// repeated where the server has rolled it back. given says that the user has an ID.
func (s *Store) createWithin(ctx context.Context, op string, u row.Profile, v values, given bool) (id string, err error) {
	if v.code != "" {
		return "", outage(op, v.code)
	}
	err = s.retry(ctx, op, func() (err error) {
		id, err = s.createOnce(ctx, u, v, given)
		return err
	})
	if err != nil {
		return "", err
	}
	return id, nil
}

func (s *Store) createOnce(ctx context.Context, u row.Profile, v values, given bool) (string, error) {
	tx, err := s.pool.BeginTx(ctx, nil)
	if err != nil {
		return "", err
	}
	defer tx.Rollback() // gives the connection back, after a panic and after the commit too
	result, err := tx.ExecContext(ctx, s.statements.insert, v.args...)
	if err != nil {
		return "", err
	}
	if !given {
		if u.ID, err = chosenID(result); err != nil {
			return "", err
		}
	}
	for _, f := range s.onCreate {
		if err := f(context.WithValue(ctx, insideKey{}, s.pool), tx, u); err != nil {
			return "", &row.ServiceError{Err: err}
		}
	}
	// The function may have ignored an error by which the server has rolled back
	// everything: the commit of nothing would be a success.
	var one int
	value, _ := s.config.id(u.ID)
	switch err := tx.QueryRowContext(ctx, s.statements.exists, value).Scan(&one); {
	case errors.Is(err, sql.ErrNoRows):
		return "", sql.ErrTxDone
	case err != nil:
		return "", err
	}
	// By Exec, since Commit would wait for the server whatever the context says.
	_, err = tx.ExecContext(ctx, "COMMIT")
	return u.ID, err
}
