package auth

import (
	"context"
	"math"
	"strings"

	"github.com/jmoiron/sqlx"
)

var _ SessionStore = (*MySQLStore)(nil)

// CreateSession is as [SessionStore] has it.
func (s *MySQLStore) CreateSession(ctx context.Context, r SessionRecord) error {
	var row mysqlValues
	row.bytes(r.ID, maxIDBytes)
	switch userID, ok := s.idValue(r.UserID); {
	case ok:
		row.add(userID)
	case s.integerIDs:
		row.fail(codeIDNoInteger)
	default:
		row.fail(codeValueTooLong)
	}
	row.bytes(r.AMR, maxAMRBytes)
	row.add(r.Epoch)
	row.digests(r.Family, r.Token, r.Parent, r.Nonce)
	row.client(r.Client)
	row.time(r.CreatedAt)
	row.time(r.LastUsedAt)
	row.time(r.RotatedAt)
	row.time(r.AuthTime)
	row.moment(r.IdleUntil)
	row.moment(r.ExpiresAt)
	_, err := s.exec(ctx, "create session", s.statements.sessions.insert, row)
	return sessionError(err)
}

// SessionByID is as [SessionStore] has it.
func (s *MySQLStore) SessionByID(ctx context.Context, id string) (SessionRecord, error) {
	const op = "session by id"
	if len(id) > maxIDBytes {
		return SessionRecord{}, unlessEnded(ctx, op, ErrSessionNotFound)
	}
	var row mysqlSessionAndUser
	if err := s.get(ctx, op, &row, s.statements.sessions.byID, mysqlHex(id)); err != nil {
		return SessionRecord{}, sessionError(err)
	}
	r, err := row.record()
	if err != nil {
		return SessionRecord{}, mysqlError(ctx, op, err)
	}
	return r, nil
}

// UpdateSession is as [SessionStore] has it.
func (s *MySQLStore) UpdateSession(ctx context.Context, u SessionUpdate) error {
	const op = "update session"
	if len(u.ID) > maxIDBytes {
		return unlessEnded(ctx, op, ErrConflict)
	}
	assignments := []string{"version = version + 1"} // as for a user
	var values mysqlValues
	if r := u.Rotation; r != nil {
		assignments = append(assignments, "token = UNHEX(?), parent = UNHEX(?), nonce = UNHEX(?), rotated_at = ?, last_used_at = ?, idle_until = ?")
		values.digests(r.Token, r.Parent, r.Nonce)
		values.moment(u.At)
		values.moment(u.At)
		values.moment(r.IdleUntil)
	}
	if u.AuthTime != nil {
		assignments = append(assignments, "auth_time = ?")
		values.time(*u.AuthTime)
	}
	if u.Epoch != nil {
		assignments = append(assignments, "epoch = ?")
		values.add(*u.Epoch)
	}
	values.bytes(u.ID, maxIDBytes)
	values.digests(u.IfFamily, u.IfToken)
	values.moment(u.At)
	values.moment(u.At)
	result, err := s.exec(ctx, op, s.statements.sessions.update+strings.Join(assignments, ", ")+s.statements.sessions.where, values)
	if err != nil {
		return sessionError(err)
	}
	switch n, err := result.RowsAffected(); {
	case err != nil:
		return mysqlError(ctx, op, err)
	case n == 0:
		return ErrConflict
	}
	return nil
}

// Sessions is as [SessionStore] has it.
func (s *MySQLStore) Sessions(ctx context.Context, userID string) ([]SessionRecord, error) {
	const op = "sessions"
	value, ok := s.idValue(userID)
	if !ok {
		return nil, unlessEnded(ctx, op, nil)
	}
	var rows []mysqlSession
	err := s.retry(ctx, op, func() error {
		rows = nil
		return sqlx.SelectContext(ctx, s.db, &rows, s.statements.sessions.list, value)
	})
	if err != nil {
		return nil, err
	}
	found := make([]SessionRecord, len(rows))
	for i, row := range rows {
		if found[i], err = row.record(); err != nil {
			return nil, mysqlError(ctx, op, err)
		}
	}
	return found, nil
}

// DeleteSessions is as [SessionStore] has it.
func (s *MySQLStore) DeleteSessions(ctx context.Context, f SessionFilter) (int, error) {
	const op = "delete sessions"
	none := f.choosesNone()
	q := s.statements.sessions
	var conditions []string
	var values mysqlValues
	if f.ID != "" {
		none = none || len(f.ID) > maxIDBytes
		conditions = append(conditions, q.id)
		values.bytes(f.ID, maxIDBytes)
	}
	if f.UserID != "" {
		value, ok := s.idValue(f.UserID)
		none = none || !ok
		conditions = append(conditions, q.userID)
		values.add(value)
	}
	if f.ExceptID != "" && len(f.ExceptID) <= maxIDBytes { // else it is nobody's
		conditions = append(conditions, q.exceptID)
		values.bytes(f.ExceptID, maxIDBytes)
	}
	if !f.ExpiredBy.IsZero() {
		conditions = append(conditions, q.expiredBy)
		values.moment(f.ExpiredBy)
	}
	if none {
		return 0, unlessEnded(ctx, op, nil)
	}
	order := ""
	if f.ID == "" {
		// Always with a limit: without one sql_safe_updates may refuse it.
		order = q.oldestFirst
		limit := int64(math.MaxInt64)
		if f.Limit > 0 {
			limit = int64(f.Limit)
		}
		values.add(limit)
	}
	result, err := s.exec(ctx, op, q.delete+strings.Join(conditions, " AND ")+order, values)
	if err != nil {
		return 0, err
	}
	n, err := result.RowsAffected()
	if err != nil {
		return 0, mysqlError(ctx, op, err)
	}
	return int(n), nil
}
