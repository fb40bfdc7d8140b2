package mysqlstore

import (
	"context"
	"database/sql/driver"
	"errors"

	"github.com/jmoiron/sqlx"
)

// A node of a Galera cluster waits, where wsrep_sync_wait says so, until it has applied
// what other nodes had committed: before reads with bit 1, before updates and deletes
// with bit 2. Without both "no row was met" is not true of a row that another node has
// just written: a session that was ended would live on.
const (
	setSyncWait    = "SET SESSION wsrep_sync_wait = @@wsrep_sync_wait | 3"
	withoutWaiting = "SELECT @@wsrep_on AND @@wsrep_sync_wait & 3 <> 3"
)

// waiting opens connections that wait for other nodes. What is no node does not know the
// variable, or, as MariaDB by itself, has no use for it.
type waiting struct{ driver.Connector }

func (w waiting) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := w.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	session, ok := conn.(driver.ExecerContext)
	if !ok {
		err = errors.New("connections of this driver cannot be configured")
	} else if _, err = session.ExecContext(ctx, setSyncWait, nil); number(err) == numberUnknownName {
		err = nil
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// checkSyncWait reports a node that does not wait for the others.
func (s *Store) checkSyncWait(ctx context.Context, op string) error {
	var without bool
	err := sqlx.GetContext(ctx, s.db, &without, withoutWaiting)
	switch {
	case number(err) == numberUnknownName:
		return nil
	case err != nil:
		return failure(ctx, op, err)
	case without:
		return outage(op, codeSyncWait)
	}
	return nil
}
