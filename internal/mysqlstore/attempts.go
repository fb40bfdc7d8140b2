package mysqlstore

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/seed89488a0c/auth/internal/row"
)

// attemptStatements are as [statements]. Of several columns that one statement sets, none
// is computed from one that was set before it: some servers take its new value then, and
// others, as MariaDB in the mode SIMULTANEOUS_ASSIGNMENT, the old one.
type attemptStatements struct {
	table, columns   string
	list             string // with the condition behind it
	insert, counted  string // with rows between them
	reserved         string // in place of counted
	reserve          string
	back, bucketBack string
	delete           string // with conditions behind it
	expired          string // the keys of what can be deleted
	beside           string // a column of a statement that reads something else
}

// besideKeys is how many keys a statement has that reads counters beside something else:
// always as many, so that it has one text.
const besideKeys = 6

func newAttemptStatements(c Config) attemptStatements {
	table := "`" + c.Table + "_attempts`"
	columns := selected("a", "", "id BINARY", "count UNSIGNED", "at SIGNED", "expires_at SIGNED")
	// What count is, where the counter has expired by now or has not.
	const once = "IF(`expires_at` <= ?, 1, LEAST(`count`, 4294967294) + 1)"
	// How far a bucket is from being empty already: it has not expired by now, and At is
	// after now, but not beyond what no right clock has written.
	const ahead = "IF(`expires_at` > ? AND `at` > ? AND `at` <= ?, `at` - ?, 0)"
	const rest = ", `at` = VALUES(`at`) + IF(VALUES(`at`) > ?, " + ahead + ", 0)" +
		", `expires_at` = IF(`expires_at` <= ?, VALUES(`expires_at`), GREATEST(`expires_at`, VALUES(`expires_at`)))"
	return attemptStatements{
		table:   table,
		columns: columns,
		list:    "SELECT " + columns + " FROM " + table + " a WHERE ",
		insert:  "INSERT INTO " + table + " (`id`, `count`, `at`, `expires_at`) VALUES ",
		counted: " ON DUPLICATE KEY UPDATE `count` = " + once + rest,
		// A bucket that is full refuses by an error, of a number that is too large, since
		// nothing could leave the columns as they are: whether it is full is seen in two of
		// them, so that the second to be set could not see it any more.
		reserved: " ON DUPLICATE KEY UPDATE `count` = IF(`expires_at` > ? AND `at` > ? AND `at` <= ?, `count` + 18446744073709551615 + 1, " + once + ")" + rest,
		// LAST_INSERT_ID tells of the row that was met, also where it is as it was.
		reserve: "UPDATE " + table + " SET `count` = LAST_INSERT_ID(LEAST(`count`, 4294967294) + 1), `at` = ? + IF(`at` > ? AND `at` <= ?, `at` - ?, 0), `expires_at` = GREATEST(`expires_at`, ?)" +
			" WHERE `id` = " + asBytes + " AND `count` = ? AND `expires_at` > ?" + limitOne,
		back: "UPDATE " + table + " SET `at` = IF(`count` = ?, ?, `at`), `count` = `count` - 1" +
			" WHERE `id` = " + asBytes + " AND `count` > 0" + limitOne,
		bucketBack: "UPDATE " + table + " SET `at` = `at` - ?, `count` = `count` - 1" +
			" WHERE `id` = " + asBytes + " AND `count` > 0" + limitOne,
		delete:  "DELETE FROM " + table + " WHERE ",
		expired: "SELECT CAST(a.`id` AS BINARY) FROM " + table + " a WHERE a.`expires_at` <= ? ORDER BY a.`expires_at` LIMIT ?",
		// The number in front and the points show where a server cuts off the end.
		beside: "CAST((SELECT CONCAT_WS(' ', COUNT(*), GROUP_CONCAT(CONCAT_WS(' ', HEX(a.`id`), a.`count`, a.`at`, a.`expires_at`, '.') SEPARATOR ' '))" +
			" FROM " + table + " a WHERE a." + anyOf("`id`", besideKeys) + ") AS BINARY) AS `attempts`",
	}
}

// attemptRow is a row of the table.
type attemptRow struct {
	ID        []byte `db:"id"`
	Count     uint32 `db:"count"`
	At        int64  `db:"at"`
	ExpiresAt int64  `db:"expires_at"`
}

func (r attemptRow) record() row.AttemptRecord {
	a := row.AttemptRecord{Count: r.Count, At: time.UnixMicro(r.At).UTC(), ExpiresAt: time.UnixMicro(r.ExpiresAt).UTC()}
	copy(a.Key[:], r.ID)
	return a
}

// keys adds keys in their order, so that statements lock them in one order.
func (v *values) keys(keys []row.AttemptKey) {
	v.digests(slices.SortedFunc(slices.Values(keys), compareKeys)...)
}

func compareKeys(a, b row.AttemptKey) int { return bytes.Compare(a[:], b[:]) }

// micros adds times as microseconds since 1970.
func (v *values) micros(times ...time.Time) {
	for _, t := range times {
		if t = t.UTC(); !t.IsZero() && (t.Year() < 1970 || t.Year() > 9999) {
			v.fail(codeTimeOutOfRange)
			return
		}
		v.add(t.UnixMicro())
	}
}

// Attempts returns the counters that there are of some keys.
func (s *Store) Attempts(ctx context.Context, keys []row.AttemptKey) ([]row.AttemptRecord, error) {
	const op = "attempts"
	if len(keys) == 0 {
		return nil, unlessEnded(ctx, op, nil)
	}
	var v values
	v.keys(keys)
	var rows []attemptRow
	err := s.retry(ctx, op, func() error {
		rows = nil
		return sqlx.SelectContext(ctx, s.db, &rows, s.attempts.list+"a."+anyOf("`id`", len(keys)), v.args...)
	})
	if err != nil {
		return nil, err
	}
	found := make([]row.AttemptRecord, len(rows))
	for i, r := range rows {
		found[i] = r.record()
	}
	return found, nil
}

// CountAttempts adds one to the counter of each key, all or none.
func (s *Store) CountAttempts(ctx context.Context, now time.Time, counts []row.AttemptRecord) error {
	const op = "count attempts"
	if len(counts) == 0 {
		return unlessEnded(ctx, op, nil)
	}
	var v values
	v.counts(counts)
	v.micros(now) // of count
	v.bucket(now)
	_, err := s.exec(ctx, op, s.attempts.insert+countRows(len(counts))+s.attempts.counted, v)
	return err
}

// countRows are so many rows of an insert, whose values counts adds.
func countRows(n int) string {
	const one = "(" + asBytes + ", 1, ?, ?)"
	return one + strings.Repeat(", "+one, n-1)
}

func (v *values) counts(counts []row.AttemptRecord) {
	byKey := func(a, b row.AttemptRecord) int { return compareKeys(a.Key, b.Key) }
	for _, r := range slices.SortedFunc(slices.Values(counts), byKey) {
		v.digests(r.Key)
		v.micros(r.At, r.ExpiresAt)
	}
}

// bucket adds what the assignments behind that of count compare with.
func (v *values) bucket(now time.Time) {
	v.micros(now, now, now)
	v.add(now.Add(row.MaxAhead).UnixMicro())
	v.micros(now, now)
}

// ReserveAttempt counts one try, if its counter is as the reservation demands.
func (s *Store) ReserveAttempt(ctx context.Context, r row.AttemptReservation) error {
	if r.NotAfter.IsZero() {
		return s.reserveCount(ctx, r)
	}
	const op = "reserve attempt"
	var v values
	v.counts([]row.AttemptRecord{r.AttemptRecord})
	v.micros(r.Now, r.NotAfter)
	v.add(r.Now.Add(row.MaxAhead).UnixMicro())
	v.micros(r.Now)
	v.bucket(r.Now)
	_, err := s.exec(ctx, op, s.attempts.insert+countRows(1)+s.attempts.reserved, v)
	if full := new(row.Error); errors.As(err, &full) && full.Code == serverCode(numberOutOfRange) {
		return row.ErrConflict
	}
	return err
}

// reserveCount counts one try, if its counter is as it was read.
func (s *Store) reserveCount(ctx context.Context, r row.AttemptReservation) error {
	const op = "reserve attempt"
	latest := r.Now // up to which At of a bucket counts; of what is none, up to where it begins
	if r.At.After(r.Now) {
		latest = r.Now.Add(row.MaxAhead)
	}
	var v values
	v.micros(r.At, r.Now)
	v.add(latest.UnixMicro())
	v.micros(r.Now, r.ExpiresAt)
	v.digests(r.Key)
	v.add(r.Before.Count)
	v.micros(r.Now)
	result, err := s.execResult(ctx, op, s.attempts.reserve, v)
	if err != nil {
		return err
	}
	if met, err := result.LastInsertId(); err != nil {
		return failure(ctx, op, err)
	} else if met == 0 {
		return row.ErrConflict
	}
	return nil
}

// ReturnAttempt takes back what the same reservation has counted.
func (s *Store) ReturnAttempt(ctx context.Context, r row.AttemptReservation) error {
	statement := s.attempts.back
	var v values
	if r.At.After(r.Now) {
		statement = s.attempts.bucketBack
		v.add(r.At.UnixMicro() - r.Now.UnixMicro())
	} else {
		v.add(uint64(r.Before.Count) + 1)
		v.micros(r.Before.At)
	}
	v.digests(r.Key)
	_, err := s.exec(ctx, "return attempt", statement, v)
	return err
}

const opDeleteAttempts = "delete attempts"

// DeleteAttempts removes the counters that a filter chooses.
func (s *Store) DeleteAttempts(ctx context.Context, f row.AttemptFilter) (int, error) {
	if f.ChoosesNone() {
		return 0, unlessEnded(ctx, opDeleteAttempts, nil)
	}
	if f.Keys == nil && f.Account == [16]byte{} {
		return s.deleteExpiredAttempts(ctx, f)
	}
	var conditions []string
	var v values
	if f.Keys != nil {
		conditions = append(conditions, anyOf("`id`", len(f.Keys)))
		v.keys(f.Keys)
	}
	if f.Account != [16]byte{} { // which is where its keys begin
		conditions = append(conditions, "`id` BETWEEN "+asBytes+" AND "+asBytes)
		account := hex.EncodeToString(f.Account[:])
		v.add(account + strings.Repeat("00", 16))
		v.add(account + strings.Repeat("ff", 16))
	}
	if !f.ExpiredBy.IsZero() {
		conditions = append(conditions, "`expires_at` <= ?")
		v.micros(f.ExpiredBy)
	}
	v.add(int64(f.AtMost()))
	n, err := s.exec(ctx, opDeleteAttempts, s.attempts.delete+strings.Join(conditions, " AND ")+" LIMIT ?", v)
	return int(n), err
}

// deleteExpiredAttempts reads what has expired without a lock, and deletes it by its keys,
// a hundred at once: one that has begun anew meanwhile stays. A statement that looked for
// them by itself would lock the place behind the last, where others are counted.
func (s *Store) deleteExpiredAttempts(ctx context.Context, f row.AttemptFilter) (done int, err error) {
	var by values
	by.micros(f.ExpiredBy)
	if by.code != "" {
		return 0, outage(opDeleteAttempts, by.code)
	}
	var ids [][]byte
	err = s.retry(ctx, opDeleteAttempts, func() error {
		ids = nil
		return sqlx.SelectContext(ctx, s.db, &ids, s.attempts.expired, append(slices.Clone(by.args), f.AtMost())...)
	})
	if err != nil {
		return 0, err
	}
	slices.SortFunc(ids, bytes.Compare)
	for part := range slices.Chunk(ids, listed) {
		v := values{args: slices.Clone(by.args)}
		for _, id := range part {
			v.add(hex.EncodeToString(id))
		}
		n, err := s.exec(ctx, opDeleteAttempts, s.attempts.delete+"`expires_at` <= ? AND "+anyOf("`id`", len(part))+fmt.Sprintf(" LIMIT %d", listed), v)
		if err != nil {
			return 0, err
		}
		done += int(n)
	}
	return done, nil
}

// besideArgs are the values of the column beside: up to besideKeys keys, the last of which
// is repeated.
func besideArgs(keys []row.AttemptKey) []any {
	var v values
	v.keys(keys)
	for len(v.args) < besideKeys {
		v.args = append(v.args, v.args[len(v.args)-1])
	}
	return v.args
}

// attemptsOf reads the column beside.
func attemptsOf(text string) ([]row.AttemptRecord, error) {
	const fields = 5
	all := strings.Fields(text)
	if len(all)%fields != 1 || all[0] != strconv.Itoa(len(all)/fields) {
		return nil, errCutShort
	}
	var found []row.AttemptRecord
	for f := range slices.Chunk(all[1:], fields) {
		id, idErr := hex.DecodeString(f[0])
		count, countErr := strconv.ParseUint(f[1], 10, 32)
		at, atErr := strconv.ParseInt(f[2], 10, 64)
		expiresAt, endErr := strconv.ParseInt(f[3], 10, 64)
		if errors.Join(idErr, countErr, atErr, endErr) != nil || f[4] != "." {
			return nil, errCutShort
		}
		found = append(found, attemptRow{id, uint32(count), at, expiresAt}.record())
	}
	return found, nil
}
