package mysqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/seed89488a0c/auth/internal/row"
)

// sessionStatements are as [statements].
type sessionStatements struct {
	table, columns         string
	insert, byID, list     string
	update, where          string // with the assignments between them
	whereDigests           string // behind it
	delete                 string // with conditions and the order behind it
	id, family, userID     string // conditions
	beforeEpoch, expiredBy string
	idleBy, oldestFirst    string
	beyond                 string // whether a user u has more sessions than so many
}

// sessionsTable names the table of the sessions beside that of the users.
func (c Config) sessionsTable() string { return c.Table + "_sessions" }

func newSessionStatements(c Config) sessionStatements {
	table := "`" + c.sessionsTable() + "`"
	columns := selected("s", "", "session_id BINARY", "user_id BINARY", "amr BINARY", "audience BINARY", "epoch UNSIGNED",
		"family BINARY", "token BINARY", "parent BINARY", "sibling BINARY", "nonce BINARY", "repeats UNSIGNED", "address BINARY", "user_agent BINARY", "label BINARY",
		"created_at CHAR", "last_used_at CHAR", "rotated_at CHAR", "grace_until CHAR", "auth_time CHAR", "idle_until CHAR", "expires_at CHAR")
	return sessionStatements{
		table:   table,
		columns: columns,
		insert: "INSERT INTO " + table +
			" (session_id, user_id, amr, audience, epoch, family, token, parent, sibling, nonce, repeats, address, user_agent, label," +
			" created_at, last_used_at, rotated_at, grace_until, auth_time, idle_until, expires_at)" +
			" VALUES (" + asBytes + ", " + c.asID() + ", " + asBytes + ", " + asBytes + ", ?" +
			strings.Repeat(", "+asBytes, 5) + ", ?" + strings.Repeat(", "+asText, 3) + strings.Repeat(", ?", 7) + ")",
		byID: "SELECT " + columns + ", " + selected("u", "user.", userColumns...) +
			" FROM " + table + " s LEFT JOIN `" + c.Table + "` u ON u.id = s.user_id WHERE s.session_id = " + asBytes,
		list: "SELECT " + columns + " FROM " + table + " s WHERE s.user_id = " + c.asID() +
			fmt.Sprintf(" ORDER BY s.created_at DESC, s.session_id DESC LIMIT %d", row.MaxListed),
		update:       "UPDATE " + table + " SET ",
		where:        " WHERE session_id = " + asBytes + " AND idle_until > ? AND expires_at > ?",
		whereDigests: " AND family = " + asBytes + " AND token = " + asBytes,
		delete:       "DELETE FROM " + table + " WHERE ",
		id:           "session_id = " + asBytes,
		family:       "family = " + asBytes,
		userID:       "user_id = " + c.asID(),
		beforeEpoch:  "epoch < ?",
		expiredBy:    "expires_at <= ?",
		idleBy:       "idle_until <= ?",
		oldestFirst:  " ORDER BY expires_at LIMIT ?",
		beyond:       "(SELECT s.user_id FROM " + table + " s WHERE s.user_id = u.id LIMIT 1 OFFSET ?) IS NOT NULL",
	}
}

// CreateSession adds a session.
func (s *Store) CreateSession(ctx context.Context, r row.Session) error {
	var v values
	v.bytes(r.ID, row.MaxID)
	switch userID, ok := s.config.id(r.UserID); {
	case ok:
		v.add(userID)
	case s.config.IntegerIDs:
		v.fail(codeIDNoInteger)
	default:
		v.fail(codeValueTooLong)
	}
	v.bytes(r.AMR, row.MaxAMR)
	v.bytes(r.Audience, row.MaxAudience)
	v.add(r.Epoch)
	v.digests(r.Family, r.Token, r.Parent, r.Sibling, r.Nonce)
	v.add(r.Repeats)
	v.client(r.Address, r.UserAgent, r.Label)
	v.times(r.CreatedAt, r.LastUsedAt, r.RotatedAt, r.GraceUntil, r.AuthTime)
	v.moments(r.IdleUntil, r.ExpiresAt)
	_, err := s.exec(ctx, "create session", s.sessions.insert, v)
	return err
}

// SessionByID returns a session with its user, if there is one.
func (s *Store) SessionByID(ctx context.Context, id string) (row.Session, error) {
	const op = "session by id"
	if len(id) > row.MaxID {
		return row.Session{}, unlessEnded(ctx, op, row.ErrNotFound)
	}
	var r sessionAndUserRow
	if err := s.get(ctx, op, &r, s.sessions.byID, hexDigits(id)); err != nil {
		return row.Session{}, err
	}
	found, err := r.session()
	if err != nil {
		return row.Session{}, failure(ctx, op, err)
	}
	return found, nil
}

// UpdateSession changes a session that is as the update demands.
func (s *Store) UpdateSession(ctx context.Context, u row.SessionUpdate) error {
	const op = "update session"
	if len(u.ID) > row.MaxID {
		return unlessEnded(ctx, op, row.ErrConflict)
	}
	assignments := []string{"version = version + 1"} // as for a user
	var v values
	if r := u.Rotation; r != nil {
		assignments = append(assignments, "token = "+asBytes, "parent = "+asBytes, "sibling = "+asBytes, "nonce = "+asBytes,
			"address = "+asText, "user_agent = "+asText, "label = "+asText, "repeats = 0",
			"rotated_at = ?", "last_used_at = ?", "grace_until = ?", "idle_until = ?")
		v.digests(r.Token, r.Parent, r.Sibling, r.Nonce)
		v.client(r.Address, r.UserAgent, r.Label)
		v.times(u.At, u.At, r.GraceUntil)
		v.moments(r.IdleUntil)
	} else if u.RepeatsBelow > 0 {
		assignments = append(assignments, "repeats = repeats + 1", "last_used_at = ?")
		v.times(u.At)
	}
	v.bytes(u.ID, row.MaxID)
	v.moments(u.At, u.At)
	conditions := s.sessions.where
	if !u.AnyDigests {
		conditions += s.sessions.whereDigests
		v.digests(u.IfFamily, u.IfToken)
	}
	if u.RepeatsBelow > 0 {
		conditions += " AND repeats < ?"
		v.add(u.RepeatsBelow)
	}
	n, err := s.exec(ctx, op, s.sessions.update+strings.Join(assignments, ", ")+conditions+limitOne, v)
	if err == nil && n == 0 {
		err = row.ErrConflict
	}
	return err
}

// Sessions returns the newest sessions of a user, newest first.
func (s *Store) Sessions(ctx context.Context, userID string) ([]row.Session, error) {
	const op = "sessions"
	id, ok := s.config.id(userID)
	if !ok {
		return nil, unlessEnded(ctx, op, nil)
	}
	var rows []sessionRow
	err := s.retry(ctx, op, func() error {
		rows = nil
		return sqlx.SelectContext(ctx, s.db, &rows, s.sessions.list, id)
	})
	if err != nil {
		return nil, err
	}
	found := make([]row.Session, len(rows))
	for i, r := range rows {
		if found[i], err = r.session(); err != nil {
			return nil, failure(ctx, op, err)
		}
	}
	return found, nil
}

// DeleteSessions removes what a filter chooses, oldest end first.
func (s *Store) DeleteSessions(ctx context.Context, f row.SessionFilter) (int, error) {
	const op = "delete sessions"
	none := f.ChoosesNone()
	var conditions []string
	var v values
	if f.ID != "" {
		none = none || len(f.ID) > row.MaxID
		conditions = append(conditions, s.sessions.id)
		v.bytes(f.ID, row.MaxID)
	}
	if f.Family != [32]byte{} {
		conditions = append(conditions, s.sessions.family)
		v.digests(f.Family)
	}
	if f.IDs != nil {
		places := 0
		for _, id := range f.IDs {
			if len(id) <= row.MaxID {
				places++
				v.bytes(id, row.MaxID)
			}
		}
		none = none || places == 0
		conditions = append(conditions, anyOf("session_id", places))
	}
	if f.UserID != "" {
		id, ok := s.config.id(f.UserID)
		none = none || !ok
		conditions = append(conditions, s.sessions.userID)
		v.add(id)
	}
	if f.BeforeEpoch != 0 {
		conditions = append(conditions, s.sessions.beforeEpoch)
		v.add(f.BeforeEpoch)
	}
	if !f.ExpiredBy.IsZero() {
		conditions = append(conditions, s.sessions.expiredBy)
		v.moments(f.ExpiredBy)
	}
	if !f.IdleBy.IsZero() {
		conditions = append(conditions, s.sessions.idleBy)
		v.moments(f.IdleBy)
	}
	if none {
		return 0, unlessEnded(ctx, op, nil)
	}
	order := limitOne
	if f.IDs != nil {
		order = ""
	}
	if f.ID == "" && (f.IDs == nil || f.Limit > 0) { // else they are found by the primary key
		order = s.sessions.oldestFirst
		v.add(int64(f.AtMost()))
	}
	n, err := s.exec(ctx, op, s.sessions.delete+strings.Join(conditions, " AND ")+order, v)
	return int(n), err
}

// sessionRow is a row of the table.
type sessionRow struct {
	ID         string         `db:"session_id"`
	UserID     string         `db:"user_id"`
	AMR        string         `db:"amr"`
	Audience   string         `db:"audience"`
	Epoch      uint64         `db:"epoch"`
	Family     []byte         `db:"family"`
	Token      []byte         `db:"token"`
	Parent     []byte         `db:"parent"`
	Sibling    []byte         `db:"sibling"`
	Nonce      []byte         `db:"nonce"`
	Repeats    uint32         `db:"repeats"`
	Address    string         `db:"address"`
	UserAgent  string         `db:"user_agent"`
	Label      string         `db:"label"`
	CreatedAt  sql.NullString `db:"created_at"`
	LastUsedAt sql.NullString `db:"last_used_at"`
	RotatedAt  sql.NullString `db:"rotated_at"`
	GraceUntil sql.NullString `db:"grace_until"`
	AuthTime   sql.NullString `db:"auth_time"`
	IdleUntil  sql.NullString `db:"idle_until"`
	ExpiresAt  sql.NullString `db:"expires_at"`
}

func (r sessionRow) session() (row.Session, error) {
	s := row.Session{
		ID:        r.ID,
		UserID:    r.UserID,
		AMR:       r.AMR,
		Audience:  r.Audience,
		Epoch:     r.Epoch,
		Repeats:   r.Repeats,
		UserAgent: r.UserAgent,
		Label:     r.Label,
	}
	// Nothing is decided by the address: one that others wrote there is none.
	s.Address, _ = netip.ParseAddr(r.Address)
	copy(s.Family[:], r.Family)
	copy(s.Token[:], r.Token)
	copy(s.Parent[:], r.Parent)
	copy(s.Sibling[:], r.Sibling)
	copy(s.Nonce[:], r.Nonce)
	err := readTimes(map[*time.Time]sql.NullString{
		&s.CreatedAt:  r.CreatedAt,
		&s.LastUsedAt: r.LastUsedAt,
		&s.RotatedAt:  r.RotatedAt,
		&s.GraceUntil: r.GraceUntil,
		&s.AuthTime:   r.AuthTime,
		&s.IdleUntil:  r.IdleUntil,
		&s.ExpiresAt:  r.ExpiresAt,
	})
	return s, err
}

// sessionAndUserRow is a row of both tables; all of the user is NULL where it is gone.
type sessionAndUserRow struct {
	sessionRow
	User userRow `db:"user"`
}

func (r sessionAndUserRow) session() (row.Session, error) {
	s, err := r.sessionRow.session()
	if err != nil || !r.User.ID.Valid {
		return s, err
	}
	user, err := r.User.user()
	s.User = &user
	return s, err
}
