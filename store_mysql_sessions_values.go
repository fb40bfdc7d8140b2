package auth

import (
	"database/sql"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// maxAddressBytes is for an address as text, which may have a zone.
const maxAddressBytes = 64

const maxAMRBytes = 64

// mysqlSessionStatements are as [mysqlStatements].
type mysqlSessionStatements struct {
	table, columns      string
	insert, byID, list  string
	update, where       string // with the assignments between them
	delete              string // with conditions and the order behind it
	id, userID          string // conditions
	exceptID, expiredBy string
	oldestFirst         string
}

func newMySQLSessionStatements(users string, integerIDs bool) mysqlSessionStatements {
	userID := "UNHEX(?)"
	if integerIDs {
		userID = "?"
	}
	table := "`" + mysqlSessionsTable(users) + "`"
	columns := mysqlColumns("s", "", "session_id BINARY, user_id BINARY, amr BINARY, epoch UNSIGNED,"+
		" family BINARY, token BINARY, parent BINARY, nonce BINARY, address BINARY, user_agent BINARY, label BINARY,"+
		" created_at CHAR, last_used_at CHAR, rotated_at CHAR, auth_time CHAR, idle_until CHAR, expires_at CHAR")
	return mysqlSessionStatements{
		table:   table,
		columns: columns,
		insert: "INSERT INTO " + table +
			" (session_id, user_id, amr, epoch, family, token, parent, nonce, address, user_agent, label," +
			" created_at, last_used_at, rotated_at, auth_time, idle_until, expires_at)" +
			" VALUES (UNHEX(?), " + userID + ", UNHEX(?), ?, UNHEX(?), UNHEX(?), UNHEX(?), UNHEX(?)" +
			strings.Repeat(", CONVERT(UNHEX(?) USING utf8mb4)", 3) + ", ?, ?, ?, ?, ?, ?)",
		byID: "SELECT " + columns + ", " + mysqlColumns("u", "user.", mysqlUserColumns) +
			" FROM " + table + " s LEFT JOIN `" + users + "` u ON u.id = s.user_id WHERE s.session_id = UNHEX(?)",
		list: "SELECT " + columns + " FROM " + table + " s WHERE s.user_id = " + userID +
			fmt.Sprintf(" ORDER BY s.created_at, s.session_id LIMIT %d", maxListedSessions),
		update: "UPDATE " + table + " SET ",
		where: " WHERE session_id = UNHEX(?) AND family = UNHEX(?) AND token = UNHEX(?)" +
			" AND idle_until > ? AND expires_at > ?",
		delete:      "DELETE FROM " + table + " WHERE ",
		id:          "session_id = UNHEX(?)",
		userID:      "user_id = " + userID,
		exceptID:    "session_id <> UNHEX(?)",
		expiredBy:   "expires_at <= ?",
		oldestFirst: " ORDER BY expires_at LIMIT ?",
	}
}

// mysqlSessionsTable names the table of the sessions beside that of the users.
func mysqlSessionsTable(users string) string { return users + "_sessions" }

func (v *mysqlValues) digests(digests ...[32]byte) {
	for _, d := range digests {
		v.add(hex.EncodeToString(d[:]))
	}
}

func (v *mysqlValues) client(c Client) {
	address := ""
	if c.Address.IsValid() {
		address = c.Address.String()
	}
	for _, text := range []struct {
		value    string
		maxBytes int
	}{
		{address, maxAddressBytes},
		{c.UserAgent, maxUserAgentBytes},
		{c.Label, maxLabelBytes},
	} {
		if len(text.value) > text.maxBytes {
			v.fail(codeValueTooLong)
			return
		}
		v.text(text.value, text.maxBytes)
	}
}

// mysqlSession is a row of the table.
type mysqlSession struct {
	ID         string         `db:"session_id"`
	UserID     string         `db:"user_id"`
	AMR        string         `db:"amr"`
	Epoch      uint64         `db:"epoch"`
	Family     []byte         `db:"family"`
	Token      []byte         `db:"token"`
	Parent     []byte         `db:"parent"`
	Nonce      []byte         `db:"nonce"`
	Address    string         `db:"address"`
	UserAgent  string         `db:"user_agent"`
	Label      string         `db:"label"`
	CreatedAt  sql.NullString `db:"created_at"`
	LastUsedAt sql.NullString `db:"last_used_at"`
	RotatedAt  sql.NullString `db:"rotated_at"`
	AuthTime   sql.NullString `db:"auth_time"`
	IdleUntil  sql.NullString `db:"idle_until"`
	ExpiresAt  sql.NullString `db:"expires_at"`
}

func (s mysqlSession) record() (SessionRecord, error) {
	r := SessionRecord{
		Session: Session{ID: s.ID, UserID: s.UserID, AMR: s.AMR, Client: Client{UserAgent: s.UserAgent, Label: s.Label}},
		Epoch:   s.Epoch,
	}
	// Nothing is decided by the address: one that others wrote there is none.
	r.Client.Address, _ = netip.ParseAddr(s.Address)
	copy(r.Family[:], s.Family)
	copy(r.Token[:], s.Token)
	copy(r.Parent[:], s.Parent)
	copy(r.Nonce[:], s.Nonce)
	err := readMySQLTimes(map[*time.Time]sql.NullString{
		&r.CreatedAt:  s.CreatedAt,
		&r.LastUsedAt: s.LastUsedAt,
		&r.RotatedAt:  s.RotatedAt,
		&r.AuthTime:   s.AuthTime,
		&r.IdleUntil:  s.IdleUntil,
		&r.ExpiresAt:  s.ExpiresAt,
	})
	if err != nil {
		return SessionRecord{}, err
	}
	return r, nil
}

// mysqlSessionAndUser is a row of both tables; all of the user is NULL where it is gone.
type mysqlSessionAndUser struct {
	mysqlSession
	User mysqlUser `db:"user"`
}

func (s mysqlSessionAndUser) record() (SessionRecord, error) {
	r, err := s.mysqlSession.record()
	if err != nil || !s.User.ID.Valid {
		return r, err
	}
	user, err := s.User.record()
	if err != nil {
		return SessionRecord{}, err
	}
	r.User = &user
	return r, nil
}
