package mysqlstore

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/seed89488a0c/auth/internal/row"
)

// sweptRows is how many sessions one statement looks at, and those of one user more: it
// ends long before a connection's read timeout, however many there are.
const sweptRows = 10_000

// sweepStatements are as [statements].
type sweepStatements struct {
	border, ended string // with bounds of user IDs, and what is below, behind them
	above, upTo   string // bounds
	offset, limit string
	delete        string // with the session IDs and ")" behind it
}

func newSweepStatements(c Config) sweepStatements {
	sessions, users := "`"+c.sessionsTable()+"`", "`"+c.Table+"`"
	return sweepStatements{
		border: "SELECT CAST(s.user_id AS BINARY) FROM " + sessions + " s WHERE TRUE",
		ended: "SELECT CAST(s.session_id AS BINARY) FROM " + sessions + " s LEFT JOIN " + users + " u ON u.id = s.user_id" +
			" WHERE (u.id IS NULL OR u.epoch > s.epoch)",
		above:  " AND s.user_id > " + c.asID(),
		upTo:   " AND s.user_id <= " + c.asID(),
		offset: fmt.Sprintf(" ORDER BY s.user_id LIMIT 1 OFFSET %d", sweptRows-1),
		limit:  " LIMIT ?",
		delete: "DELETE FROM " + sessions + " WHERE NOT EXISTS (SELECT 1 FROM " + users + " u" +
			" WHERE u.id = " + sessions + ".user_id AND u.epoch <= " + sessions + ".epoch) AND session_id IN (",
	}
}

// DeleteEndedSessions removes up to limit sessions that have expired, or whose user is gone
// or has a later epoch, and tells gone of each of the latter. For those it goes through the users in the order of an index, by
// reads that lock nothing. What they find is removed by IDs, a thousand at once, if it is
// still so: the read may be of a server that is behind.
func (s *Store) DeleteEndedSessions(ctx context.Context, now time.Time, limit int, gone func(id string)) (done int, err error) {
	const op = "delete sessions"
	for n := row.MaxRemoved; n == row.MaxRemoved && done < limit; done += n {
		n, err = s.DeleteSessions(ctx, row.SessionFilter{ExpiredBy: now, Limit: min(limit-done, row.MaxRemoved)})
		if err != nil {
			return 0, err
		}
	}
	var above, upTo []any // the bounds, each one or none
	for next := true; done < limit; {
		if next {
			if upTo, err = s.border(ctx, op, above); err != nil {
				return 0, err
			}
		}
		query, args := bounded(s.sweep.ended, s.sweep.above, above, s.sweep.upTo, upTo)
		batch := min(limit-done, row.MaxRemoved)
		var ids []string
		err := s.retry(ctx, op, func() error {
			ids = nil
			return sqlx.SelectContext(ctx, s.db, &ids, query+s.sweep.limit, append(args, batch)...)
		})
		if err != nil {
			return 0, err
		}
		n, err := s.deleteEnded(ctx, op, ids)
		if err != nil {
			return 0, err
		}
		for _, id := range ids {
			gone(id)
		}
		done += n
		// A read that finds what is not there any more would find it again.
		if next = len(ids) < batch || n == 0; next {
			if above = upTo; upTo == nil {
				break
			}
		}
	}
	return done, nil
}

// border returns the last user ID of the next rows, none if they are all that is left.
func (s *Store) border(ctx context.Context, op string, above []any) ([]any, error) {
	query, args := bounded(s.sweep.border, s.sweep.above, above, "", nil)
	var id string
	switch err := s.get(ctx, op, &id, query+s.sweep.offset, args...); {
	case err == row.ErrNotFound:
		return nil, nil
	case err != nil:
		return nil, err
	case !s.config.IntegerIDs:
		return []any{hexDigits(id)}, nil
	}
	n, err := strconv.ParseUint(id, 10, 64)
	if err != nil {
		return nil, failure(ctx, op, err)
	}
	return []any{n}, nil
}

// bounded returns a query with those of two bounds that there are.
func bounded(query, lower string, above []any, upper string, upTo []any) (string, []any) {
	if len(above) > 0 {
		query += lower
	}
	if len(upTo) > 0 {
		query += upper
	}
	return query, append(append([]any(nil), above...), upTo...)
}

// deleteEnded removes those of some sessions that have ended.
func (s *Store) deleteEnded(ctx context.Context, op string, ids []string) (int, error) {
	if len(ids) == 0 {
		return 0, nil
	}
	var v values
	for _, id := range ids {
		v.bytes(id, row.MaxID)
	}
	n, err := s.exec(ctx, op, s.sweep.delete+strings.Repeat(asBytes+", ", len(ids)-1)+asBytes+")", v)
	return int(n), err
}
