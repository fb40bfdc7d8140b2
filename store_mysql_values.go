package auth

import (
	"database/sql"
	"encoding/hex"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// What the columns hold beyond the limits of other files.
const (
	maxMySQLKey = 320 // bytes
)

// mysqlTime is how times travel, always UTC.
const mysqlTime = "2006-01-02 15:04:05.000000"

// mysqlStatements have the table's name in them; values are never part of a
// statement's text.
//
// Texts travel as hexadecimal digits: whatever the connection's character set,
// escaping rules and SQL mode are, and whoever interpolates the parameters,
// there is nothing in them to misread. What is read is cast, so that the driver
// converts nothing, and named, so that columnsWithAlias renames nothing.
type mysqlStatements struct {
	insert, byID, byEmail, exists, delete string
	update, whereID                       string // with the assignments between them
	check                                 string
	sessions                              mysqlSessionStatements
}

// mysqlUserColumns are what is read of a user, each with the type it is cast to.
const mysqlUserColumns = "id BINARY, email_key BINARY, email BINARY, username BINARY, password_hash BINARY, epoch UNSIGNED," +
	" created_at CHAR, updated_at CHAR, disabled_at CHAR, email_verified_at CHAR"

// mysqlColumns returns what selects columns of a table, under their names with
// a prefix.
func mysqlColumns(table, prefix, columns string) string {
	var selected []string
	for column := range strings.SplitSeq(columns, ", ") {
		name, kind, _ := strings.Cut(column, " ")
		selected = append(selected, "CAST("+table+"."+name+" AS "+kind+") AS `"+prefix+name+"`")
	}
	return strings.Join(selected, ", ")
}

func newMySQLStatements(table string, integerIDs bool) mysqlStatements {
	id := "UNHEX(?)"
	if integerIDs {
		id = "?"
	}
	users, schema := "`"+table+"`", "`"+table+"_schema`"
	sessions := newMySQLSessionStatements(table, integerIDs)
	columns := mysqlColumns("u", "", mysqlUserColumns)
	idType := func(table, column string) string {
		return "(SELECT data_type FROM information_schema.columns" +
			" WHERE table_schema = DATABASE() AND table_name = '" + table + "' AND column_name = '" + column + "')"
	}
	whereID := " WHERE id = " + id
	return mysqlStatements{
		insert: "INSERT INTO " + users +
			" (id, email_key, email, username, password_hash, epoch, created_at, updated_at, disabled_at, email_verified_at)" +
			" VALUES (" + id + ", UNHEX(?), CONVERT(UNHEX(?) USING utf8mb4), CONVERT(UNHEX(?) USING utf8mb4), UNHEX(?), ?, ?, ?, ?, ?)",
		byID:    "SELECT " + columns + " FROM " + users + " u" + whereID,
		byEmail: "SELECT " + columns + " FROM " + users + " u WHERE email_key = UNHEX(?)",
		exists:  "SELECT 1 FROM " + users + whereID,
		delete:  "DELETE FROM " + users + whereID,
		update:  "UPDATE " + users + " SET ",
		whereID: whereID,
		check: "SELECT COALESCE(MAX(version), 0) AS version, @@autocommit AS autocommit," +
			" " + idType(table, "id") + " AS id_type," +
			" " + idType(mysqlSessionsTable(table), "user_id") + " AS user_id_type," +
			" EXISTS (SELECT version, " + columns + " FROM " + users + " u WHERE FALSE)" +
			" OR EXISTS (SELECT version, " + sessions.columns + " FROM " + sessions.table + " s WHERE FALSE) AS found" +
			" FROM " + schema,
		sessions: sessions,
	}
}

func mysqlHex(s string) string { return hex.EncodeToString([]byte(s)) }

// idValue returns what the id column is compared with; ok is false for what no
// row can have as its ID.
func (s *MySQLStore) idValue(id string) (value any, ok bool) {
	if len(id) > maxIDBytes {
		return nil, false
	}
	if s.integerIDs {
		n, err := strconv.ParseUint(id, 10, 64)
		return n, err == nil && n > 0 && strconv.FormatUint(n, 10) == id
	}
	return mysqlHex(id), true
}

// mysqlValues collects the values of a statement. Those that do not fit their
// column are found here, since a server in a lax SQL mode cuts them silently.
type mysqlValues struct {
	args []any
	code string // of the first failure, "" = none
}

func (v *mysqlValues) add(value any) { v.args = append(v.args, value) }

func (v *mysqlValues) fail(code string) {
	if v.code == "" {
		v.code = code
	}
}

func (v *mysqlValues) bytes(s string, max int) {
	if len(s) > max {
		v.fail(codeValueTooLong)
		return
	}
	v.add(mysqlHex(s))
}

func (v *mysqlValues) text(s string, maxCharacters int) {
	switch {
	case len(s) > maxCharacters*utf8.UTFMax:
		v.fail(codeValueTooLong)
	case !utf8.ValidString(s):
		v.fail(codeValueNotUTF8)
	default:
		if utf8.RuneCountInString(s) > maxCharacters {
			v.fail(codeValueTooLong)
		}
		v.add(mysqlHex(s))
	}
}

func (v *mysqlValues) time(t time.Time) {
	switch t = t.UTC(); {
	case t.IsZero():
		v.add(nil)
	case t.Year() < 1000 || t.Year() > 9999:
		v.fail(codeTimeOutOfRange)
	default:
		v.add(t.Format(mysqlTime))
	}
}

// moment adds a time that is never NULL.
func (v *mysqlValues) moment(t time.Time) {
	if t.IsZero() {
		v.fail(codeTimeOutOfRange)
		return
	}
	v.time(t)
}

// mysqlUser is a row of the table; all is NULL beside a session without its user.
type mysqlUser struct {
	ID              sql.NullString   `db:"id"`
	EmailKey        sql.NullString   `db:"email_key"`
	Email           sql.NullString   `db:"email"`
	Username        sql.NullString   `db:"username"`
	PasswordHash    sql.NullString   `db:"password_hash"`
	Epoch           sql.Null[uint64] `db:"epoch"`
	CreatedAt       sql.NullString   `db:"created_at"`
	UpdatedAt       sql.NullString   `db:"updated_at"`
	DisabledAt      sql.NullString   `db:"disabled_at"`
	EmailVerifiedAt sql.NullString   `db:"email_verified_at"`
}

func (u mysqlUser) record() (UserRecord, error) {
	r := UserRecord{
		User:         User{ID: u.ID.String, Email: u.Email.String, Username: u.Username.String},
		EmailKey:     u.EmailKey.String,
		PasswordHash: u.PasswordHash.String,
		Epoch:        u.Epoch.V,
	}
	err := readMySQLTimes(map[*time.Time]sql.NullString{
		&r.CreatedAt:       u.CreatedAt,
		&r.UpdatedAt:       u.UpdatedAt,
		&r.DisabledAt:      u.DisabledAt,
		&r.EmailVerifiedAt: u.EmailVerifiedAt,
	})
	if err != nil {
		return UserRecord{}, err
	}
	return r, nil
}

// readMySQLTimes sets times to what was read; NULL is the zero time.
func readMySQLTimes(columns map[*time.Time]sql.NullString) (err error) {
	for field, text := range columns {
		if !text.Valid {
			continue
		}
		if *field, err = time.Parse(mysqlTime, text.String); err != nil {
			return err
		}
	}
	return nil
}
