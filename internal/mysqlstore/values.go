package mysqlstore

import (
	"database/sql"
	"encoding/hex"
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/seed89488a0c/auth/internal/row"
)

// Texts travel as hexadecimal digits: whatever the connection's character set,
// escaping rules and SQL mode are, and whoever interpolates the parameters,
// there is nothing in them to misread. What is read is cast, so that the driver
// converts nothing, and named, so that columnsWithAlias renames nothing.
const (
	asBytes = "UNHEX(?)"
	asText  = "CONVERT(UNHEX(?) USING utf8mb4)"
)

// limitOne is behind what changes one row. A server whose binary log is of statements, or
// mixed, writes even those that met no row, but a statement with a limit by its rows: so a
// made-up token costs no write.
const limitOne = " LIMIT 1"

// timeFormat is how times travel, always UTC.
const timeFormat = "2006-01-02 15:04:05.000000"

// selected returns what selects columns of a table, each given with the type
// that it is cast to, under their names with a prefix.
func selected(table, prefix string, columns ...string) string {
	var list []string
	for _, column := range columns {
		name, kind, _ := strings.Cut(column, " ")
		list = append(list, "CAST("+table+"."+name+" AS "+kind+") AS `"+prefix+name+"`")
	}
	return strings.Join(list, ", ")
}

func hexDigits(s string) string { return hex.EncodeToString([]byte(s)) }

// asID is how a user's ID is compared.
func (c Config) asID() string {
	if c.IntegerIDs {
		return "?"
	}
	return asBytes
}

// id returns what a column of users' IDs is compared with; ok is false for what
// no row can have.
func (c Config) id(id string) (value any, ok bool) {
	if len(id) > row.MaxID {
		return nil, false
	}
	if c.IntegerIDs {
		n, err := strconv.ParseUint(id, 10, 64)
		return n, err == nil && n > 0 && strconv.FormatUint(n, 10) == id
	}
	return hexDigits(id), true
}

// values collects the values of a statement. Those that do not fit their column
// are found here, since a server in a lax SQL mode cuts them silently.
type values struct {
	args []any
	code string // of the first failure, "" = none
}

func (v *values) add(value any) { v.args = append(v.args, value) }

func (v *values) fail(code string) {
	if v.code == "" {
		v.code = code
	}
}

func (v *values) bytes(s string, max int) {
	if len(s) > max {
		v.fail(codeValueTooLong)
		return
	}
	v.add(hexDigits(s))
}

func (v *values) text(s string, maxCharacters int) {
	switch {
	case len(s) > maxCharacters*utf8.UTFMax:
		v.fail(codeValueTooLong)
	case !utf8.ValidString(s):
		v.fail(codeValueNotUTF8)
	default:
		if utf8.RuneCountInString(s) > maxCharacters {
			v.fail(codeValueTooLong)
		}
		v.add(hexDigits(s))
	}
}

// short adds a text that is limited in bytes.
func (v *values) short(s string, maxBytes int) {
	if len(s) > maxBytes {
		v.fail(codeValueTooLong)
		return
	}
	v.text(s, maxBytes)
}

// client adds what a session keeps of who refreshed it last.
func (v *values) client(address netip.Addr, userAgent, label string) {
	text, _ := address.MarshalText() // "" if there is none
	v.short(string(text), row.MaxAddress)
	v.short(userAgent, row.MaxUserAgent)
	v.short(label, row.MaxLabel)
}

func (v *values) digests(digests ...[32]byte) {
	for _, d := range digests {
		v.add(hex.EncodeToString(d[:]))
	}
}

// times adds times that are NULL where they are zero.
func (v *values) times(times ...time.Time) {
	for _, t := range times {
		switch t = t.UTC(); {
		case t.IsZero():
			v.add(nil)
		case t.Year() < 1000 || t.Year() > 9999:
			v.fail(codeTimeOutOfRange)
		default:
			v.add(t.Format(timeFormat))
		}
	}
}

// moments adds times that are never NULL.
func (v *values) moments(times ...time.Time) {
	for _, t := range times {
		if t.IsZero() {
			v.fail(codeTimeOutOfRange)
			return
		}
		v.times(t)
	}
}

// readTimes sets times to what was read; NULL is the zero time.
func readTimes(columns map[*time.Time]sql.NullString) (err error) {
	for field, text := range columns {
		if !text.Valid {
			continue
		}
		if *field, err = time.Parse(timeFormat, text.String); err != nil {
			return err
		}
		if field.IsZero() { // which nobody writes here: a user disabled then would not be
			return errors.New("a time that stands for none")
		}
	}
	return nil
}

// anyOf is the condition that a column is one of so many values, as [values.bytes] adds them.
func anyOf(column string, n int) string {
	return column + " IN (" + strings.Repeat(asBytes+", ", max(n-1, 0)) + asBytes + ")"
}
