package mysqlstore

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/seed89488a0c/auth/internal/row"
)

// sweptRows is how many sessions one statement looks at: it ends long before a
// connection's read timeout, however many there are.
const sweptRows = 10_000

// sweepStatements are as [statements].
type sweepStatements struct {
	border, ended, upTo, limit string
	idle, orphans              string // conditions of a delete, with the session IDs behind them
}

func newSweepStatements(c Config) sweepStatements {
	sessions, users := "`"+c.sessionsTable()+"`", "`"+c.Table+"`"
	return sweepStatements{
		border: "SELECT CAST(s.session_id AS BINARY) FROM " + sessions + " s WHERE s.session_id > " + asBytes +
			fmt.Sprintf(" ORDER BY s.session_id LIMIT 1 OFFSET %d", sweptRows-1),
		ended: "SELECT CAST(s.session_id AS BINARY) AS session_id, u.id IS NULL AS orphan, COALESCE(u.epoch > s.epoch, FALSE) AS below" +
			" FROM " + sessions + " s LEFT JOIN " + users + " u ON u.id = s.user_id" +
			" WHERE (s.idle_until <= ? OR u.id IS NULL OR u.epoch > s.epoch) AND s.session_id > " + asBytes,
		upTo:  " AND s.session_id <= " + asBytes,
		limit: " ORDER BY s.session_id LIMIT ?",
		idle:  "idle_until <= ? AND ",
		// A value that is compared, since that is always looked up by the key.
		orphans: "(SELECT u.id FROM " + users + " u WHERE u.id = " + sessions + ".user_id) IS NULL AND ",
	}
}

// endedRow is a session that has ended: with its user, by its epoch, or else by idling.
type endedRow struct {
	ID     string `db:"session_id"`
	Orphan bool   `db:"orphan"`
	Below  bool   `db:"below"`
}

// cursor is where the last walk through the sessions ended before it had seen all, for
// this process alone; "" is the beginning. Without it a walk that is cut short each time
// would never reach the last ones.
type cursor struct {
	mu sync.Mutex
	at string
}

func (c *cursor) get() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *cursor) set(at string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = at
}

// DeleteEndedSessions removes up to limit sessions that are over by now, whose user is gone
// or whose user has a later epoch, and tells gone of each that was not over by its
// ExpiresAt. Those go first, by an index. The others are found by a walk through all rows
// from where the last one ended, and round to there, by reads that lock nothing: there is no
// index for them, which every refresh would have to change. What the walk finds is removed
// by IDs, a thousand at most at once.
func (s *Store) DeleteEndedSessions(ctx context.Context, now time.Time, limit int, gone func(id string)) (done int, err error) {
	var failed error // of rows that cannot be deleted: the others are, before it is told
	for n := row.MaxRemoved; n == row.MaxRemoved && done < limit; done += n {
		n, failed = s.DeleteSessions(ctx, row.SessionFilter{ExpiredBy: now, Limit: min(limit-done, row.MaxRemoved)})
		if failed != nil && ctx.Err() != nil {
			return 0, failed
		}
	}
	begin, round := s.swept.get(), false
	above := begin
	defer func() { s.swept.set(above) }()
	for done < limit {
		n, next, kept, err := s.sweepRows(ctx, now, above, min(limit-done, row.MaxRemoved), gone)
		if err != nil {
			return 0, err
		}
		failed = cmp.Or(failed, kept)
		done, above = done+n, next
		switch {
		case above == "" && begin != "" && !round:
			round = true
		case above == "", round && above >= begin: // all have been seen
			above = ""
			return told(done, failed)
		}
	}
	return told(done, failed)
}

func told(done int, err error) (int, error) {
	if err != nil {
		return 0, err
	}
	return done, nil
}

const opSweep = "delete sessions"

// border returns the last session ID of the next rows, "" if they are all that is left.
func (s *Store) border(ctx context.Context, above string) (id string, err error) {
	err = s.get(ctx, opSweep, &id, s.sweep.border, hexDigits(above))
	if err == row.ErrNotFound {
		err = nil
	}
	return id, err
}

// sweepRows removes up to limit ended sessions of the next rows, whose IDs are above one,
// and returns up to which it has come; "" is the end. kept says why some could not be
// removed, as while a transaction holds one, and keeps nobody from the rows behind them.
func (s *Store) sweepRows(ctx context.Context, now time.Time, above string, limit int, gone func(id string)) (done int, next string, kept, err error) {
	upTo, err := s.border(ctx, above)
	if err != nil {
		return 0, above, nil, err
	}
	var at values
	at.moments(now)
	query, args := s.sweep.ended, append(at.args, hexDigits(above))
	if upTo != "" {
		query, args = query+s.sweep.upTo, append(args, hexDigits(upTo))
	}
	var found []endedRow
	err = s.retry(ctx, opSweep, func() error {
		found = nil
		return sqlx.SelectContext(ctx, s.db, &found, query+s.sweep.limit, append(args, limit)...)
	})
	if err != nil {
		return 0, above, nil, err
	}
	if next = upTo; len(found) == limit {
		next = found[limit-1].ID
	}
	var below, orphans, idle []string
	for _, r := range found {
		switch {
		case r.Orphan:
			orphans = append(orphans, r.ID)
		case r.Below:
			below = append(below, r.ID)
		default:
			idle = append(idle, r.ID)
		}
	}
	// The read may be of a server that is behind. Epochs only rise: what was below one is so
	// for ever, and is deleted without a look at users, which would lock them. If another
	// user has the ID by now, with another epoch, the row was still the former's: it was read
	// beside the former's epoch, and a session is written after its user.
	// What was idle may have been refreshed since, and what was nobody's may have a user:
	// these are compared once more. Of users that meets none, unless the read was behind, so
	// that nobody's transaction is waited for.
	for _, part := range []struct {
		where string
		at    values
		ids   []string
	}{{"", values{}, below}, {s.sweep.orphans, values{}, orphans}, {s.sweep.idle, at, idle}} {
		n, err := s.deleteByIDs(ctx, part.where, part.at, part.ids, gone)
		if err != nil && ctx.Err() != nil {
			return 0, above, nil, err
		}
		done, kept = done+n, cmp.Or(kept, err)
	}
	return done, next, kept, nil
}

// listed is how many IDs one delete has: so few that they are found by the key in any
// table that is not small. A scan would lock what it passes, and wait for what others hold.
const listed = 100

// deleteByIDs removes those of some sessions that are as a condition has it, and tells gone
// of them. Beside an error is how many it has removed all the same.
func (s *Store) deleteByIDs(ctx context.Context, where string, at values, ids []string, gone func(id string)) (done int, kept error) {
	for part := range slices.Chunk(ids, listed) {
		v := values{args: slices.Clone(at.args)}
		for _, id := range part {
			v.bytes(id, row.MaxID)
		}
		n, err := s.exec(ctx, opSweep, s.sessions.delete+where+anyOf("session_id", len(part))+fmt.Sprintf(" LIMIT %d", listed), v)
		if err != nil {
			if kept = err; ctx.Err() != nil {
				return done, err
			}
			continue
		}
		for _, id := range part {
			gone(id)
		}
		done += int(n)
	}
	return done, kept
}
