package auth

import (
	"database/sql"
	"encoding/hex"
	"strconv"
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
}

func newMySQLStatements(table string, integerIDs bool) mysqlStatements {
	const columns = "CAST(id AS BINARY) AS id," +
		" CAST(email_key AS BINARY) AS email_key," +
		" CAST(email AS BINARY) AS email," +
		" CAST(username AS BINARY) AS username," +
		" CAST(password_hash AS BINARY) AS password_hash," +
		" CAST(epoch AS UNSIGNED) AS epoch," +
		" CAST(created_at AS CHAR) AS created_at," +
		" CAST(updated_at AS CHAR) AS updated_at," +
		" CAST(disabled_at AS CHAR) AS disabled_at," +
		" CAST(email_verified_at AS CHAR) AS email_verified_at"
	id := "UNHEX(?)"
	if integerIDs {
		id = "?"
	}
	users, schema := "`"+table+"`", "`"+table+"_schema`"
	whereID := " WHERE id = " + id
	return mysqlStatements{
		insert: "INSERT INTO " + users +
			" (id, email_key, email, username, password_hash, epoch, created_at, updated_at, disabled_at, email_verified_at)" +
			" VALUES (" + id + ", UNHEX(?), CONVERT(UNHEX(?) USING utf8mb4), CONVERT(UNHEX(?) USING utf8mb4), UNHEX(?), ?, ?, ?, ?, ?)",
		byID:    "SELECT " + columns + " FROM " + users + whereID,
		byEmail: "SELECT " + columns + " FROM " + users + " WHERE email_key = UNHEX(?)",
		exists:  "SELECT 1 FROM " + users + whereID,
		delete:  "DELETE FROM " + users + whereID,
		update:  "UPDATE " + users + " SET ",
		whereID: whereID,
		check: "SELECT COALESCE(MAX(version), 0) AS version, @@autocommit AS autocommit," +
			" (SELECT data_type FROM information_schema.columns" +
			" WHERE table_schema = DATABASE() AND table_name = '" + table + "' AND column_name = 'id') AS id_type," +
			" EXISTS (SELECT version, " + columns + " FROM " + users + " WHERE FALSE) AS found" +
			" FROM " + schema,
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

// mysqlUser is a row of the table.
type mysqlUser struct {
	ID              string         `db:"id"`
	EmailKey        string         `db:"email_key"`
	Email           string         `db:"email"`
	Username        string         `db:"username"`
	PasswordHash    string         `db:"password_hash"`
	Epoch           uint64         `db:"epoch"`
	CreatedAt       sql.NullString `db:"created_at"`
	UpdatedAt       sql.NullString `db:"updated_at"`
	DisabledAt      sql.NullString `db:"disabled_at"`
	EmailVerifiedAt sql.NullString `db:"email_verified_at"`
}

func (u mysqlUser) record() (UserRecord, error) {
	r := UserRecord{
		User:         User{ID: u.ID, Email: u.Email, Username: u.Username},
		EmailKey:     u.EmailKey,
		PasswordHash: u.PasswordHash,
		Epoch:        u.Epoch,
	}
	for _, column := range []struct {
		text sql.NullString
		time *time.Time
	}{
		{u.CreatedAt, &r.CreatedAt},
		{u.UpdatedAt, &r.UpdatedAt},
		{u.DisabledAt, &r.DisabledAt},
		{u.EmailVerifiedAt, &r.EmailVerifiedAt},
	} {
		if !column.text.Valid {
			continue
		}
		t, err := time.Parse(mysqlTime, column.text.String)
		if err != nil {
			return UserRecord{}, err
		}
		*column.time = t
	}
	return r, nil
}
