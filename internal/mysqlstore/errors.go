package mysqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/seed89488a0c/auth/internal/row"
)

// The server's errors that mean something to the store. Numbers decide, never
// texts: they differ between servers, and that of a duplicate holds the address.
const (
	numberUnknownColumn = 1054
	numberDuplicate     = 1062
	numberUnknownTable  = 1146
	numberUnknownName   = 1193 // of a system variable
	numberOutOfRange    = 1690 // too large to compute with

	// The statement was rolled back because of another transaction.
	numberRecordChanged = 1020 // MariaDB with innodb_snapshot_isolation
	numberLockTimeout   = 1205
	numberDeadlock      = 1213
)

// Codes of a [row.Error] that are no server's; all are at auth.MySQLStore.
const (
	codeValueTooLong      = "value too long"
	codeValueNotUTF8      = "value not UTF-8"
	codeTimeOutOfRange    = "time out of range"
	codeAutocommitOff     = "autocommit is off"
	codeSyncWait          = "no wsrep_sync_wait"
	codeIDColumnType      = "id column type"
	codeIDNoInteger       = "id not an integer"
	codeInsideTransaction = "inside transaction"
	codeCutShort          = "counters cut short"
)

// errCutShort says that the server has not told of all the counters that it has.
var errCutShort = outage("user by email", codeCutShort)

// tries is how often a statement is sent at most. The waits between grow to a
// second or so: many that insert one key which was just deleted can keep each
// other deadlocked for as long as new ones arrive.
const tries = 8

// retry runs f, again where the server has rolled it back.
func (s *Store) retry(ctx context.Context, op string, f func() error) error {
	if ctx.Value(insideKey{}) == s.pool { // f would wait for a second connection, with the first in hand
		return outage(op, codeInsideTransaction)
	}
	for try := 1; ; try++ {
		err := f()
		if err == nil {
			return nil
		}
		if try == tries || !rolledBack(err) || !pause(ctx, 10*time.Millisecond<<try) {
			return failure(ctx, op, err)
		}
	}
}

func rolledBack(err error) bool {
	switch number(err) {
	case numberRecordChanged, numberLockTimeout, numberDeadlock:
		return true
	}
	return false
}

// pause waits for a random time, so that those who met do not meet again. It
// reports false if ctx ended.
func pause(ctx context.Context, atMost time.Duration) bool {
	timer := time.NewTimer(rand.N(atMost))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// failure says in the terms of package row what err means; what is the service's own
// means what it means to the service.
func failure(ctx context.Context, op string, err error) error {
	if own, ok := err.(*row.ServiceError); ok {
		lost := errors.Is(own.Err, mysql.ErrInvalidConn) || errors.Is(own.Err, driver.ErrBadConn) || errors.Is(own.Err, sql.ErrTxDone) || ended(ctx) != nil
		if own.Outage = lost || rolledBack(own.Err); own.Outage || number(own.Err) != 0 {
			own.Told = &row.Error{Op: op, Code: code(ctx, own.Err), Context: ended(ctx)}
		}
		return own
	}
	switch number(err) {
	case numberDuplicate:
		return row.ErrTaken
	case numberUnknownTable, numberUnknownColumn:
		return row.ErrSchema
	}
	if errors.Is(err, sql.ErrNoRows) {
		return row.ErrNotFound
	}
	return &row.Error{Op: op, Code: code(ctx, err), Context: ended(ctx)}
}

func outage(op, code string) error { return &row.Error{Op: op, Code: code} }

func code(ctx context.Context, err error) string {
	var network net.Error
	switch n := number(err); {
	case n != 0:
		return serverCode(n)
	case ended(ctx) != nil:
		return "context ended"
	case errors.Is(err, mysql.ErrInvalidConn):
		return "connection lost"
	case errors.Is(err, driver.ErrBadConn), errors.Is(err, sql.ErrConnDone):
		return "bad connection"
	case errors.Is(err, sql.ErrTxDone):
		return "transaction ended"
	case errors.As(err, &network):
		return "network"
	}
	return fmt.Sprintf("driver %T", err)
}

func serverCode(number int) string { return "mysql " + strconv.Itoa(number) }

// number returns the server's error number, 0 = it is not the server's.
func number(err error) int {
	var answer *mysql.MySQLError
	if errors.As(err, &answer) {
		return int(answer.Number)
	}
	return 0
}

// ended returns why ctx has ended, or nil. The driver and the network keep the
// deadline by timers of their own, which can be a moment ahead of ctx's.
func ended(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return nil
}

// unlessEnded answers what need not be sent.
func unlessEnded(ctx context.Context, op string, answer error) error {
	if err := ctx.Err(); err != nil {
		return failure(ctx, op, err)
	}
	return answer
}
