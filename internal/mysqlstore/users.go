package mysqlstore

import (
	"context"
	"database/sql"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed89488a0c/auth/internal/row"
)

// userColumns are what is read of a user, each with the type it is cast to.
var userColumns = []string{
	"id BINARY", "email_key BINARY", "email BINARY", "username BINARY", "password_hash BINARY", "epoch UNSIGNED",
	"created_at CHAR", "updated_at CHAR", "disabled_at CHAR", "email_verified_at CHAR",
}

// statements have the table's name in them; values are never part of a
// statement's text.
type statements struct {
	insert, byID, byEmail, exists, delete string
	forLogin, forProof                    string // byEmail and byID, and whether there are sessions beyond so many
	forLoginBeside                        string // forLogin, and counters
	update, whereID                       string // with the assignments between them
	check                                 string
}

func newStatements(c Config, sessions sessionStatements, attempts attemptStatements) statements {
	users, schema := "`"+c.Table+"`", "`"+c.Table+"_schema`"
	columns := selected("u", "", userColumns...)
	whereID := " WHERE id = " + c.asID()
	// One row is always found by the primary key, sent and read: where no user has the
	// key it is that of the first one, who is not the one asked for. Else the time that a
	// row takes would tell whose address is registered.
	byEmail := " FROM " + users + " u WHERE u.id = COALESCE(" +
		"(SELECT k.id FROM " + users + " k WHERE k.email_key = " + asBytes + "), (SELECT MIN(m.id) FROM " + users + " m))"
	idType := func(table, column string) string {
		return "(SELECT data_type FROM information_schema.columns" +
			" WHERE table_schema = DATABASE() AND table_name = '" + table + "' AND column_name = '" + column + "')"
	}
	return statements{
		insert: "INSERT INTO " + users +
			" (id, email_key, email, username, password_hash, epoch, created_at, updated_at, disabled_at, email_verified_at)" +
			" VALUES (" + c.asID() + ", " + asBytes + ", " + asText + ", " + asText + ", " + asBytes + ", ?, ?, ?, ?, ?)",
		byID:           "SELECT " + columns + " FROM " + users + " u" + whereID,
		byEmail:        "SELECT " + columns + byEmail,
		forLogin:       "SELECT " + columns + ", " + sessions.beyond + " AS `beyond`" + byEmail,
		forLoginBeside: "SELECT " + columns + ", " + sessions.beyond + " AS `beyond`, " + attempts.beside + byEmail,
		forProof:       "SELECT " + columns + ", " + sessions.beyond + " AS `beyond` FROM " + users + " u" + whereID,
		// Of what is there now, wherever reads are sent and whatever a transaction sees.
		exists:  "SELECT 1 FROM " + users + whereID + " FOR UPDATE",
		delete:  "DELETE FROM " + users + whereID,
		update:  "UPDATE " + users + " SET ",
		whereID: whereID,
		check: "SELECT COALESCE(MAX(version), 0) AS version, @@autocommit AS autocommit," +
			" " + idType(c.Table, "id") + " AS id_type," +
			" " + idType(c.sessionsTable(), "user_id") + " AS user_id_type," +
			" EXISTS (SELECT version, " + columns + " FROM " + users + " u WHERE FALSE)" +
			" OR EXISTS (SELECT version, " + sessions.columns + " FROM " + sessions.table + " s WHERE FALSE)" +
			" OR EXISTS (SELECT " + attempts.columns + " FROM " + attempts.table + " a WHERE FALSE) AS found" +
			" FROM " + schema,
	}
}

// maxOwnID is the highest ID that a table of integers is given: it chooses higher
// ones from then on, and must not run out of them.
const maxOwnID = 1 << 62

// CreateUser adds a user; a table of integer IDs chooses one for an ID that is none.
func (s *Store) CreateUser(ctx context.Context, u row.User) (string, error) {
	const op = "create user"
	var v values
	id, ok := s.config.id(u.ID)
	if n, isInteger := id.(uint64); isInteger && n > maxOwnID {
		ok = false
	}
	switch {
	case ok:
		v.add(id)
	case s.config.IntegerIDs:
		v.add(nil) // the table chooses
	default:
		v.fail(codeValueTooLong)
	}
	v.bytes(u.EmailKey, row.MaxEmail)
	v.text(u.Email, row.MaxEmail)
	v.text(u.Username, row.MaxUsername)
	v.bytes(u.PasswordHash, row.MaxPasswordHash)
	v.add(u.Epoch)
	v.times(u.CreatedAt, u.UpdatedAt, u.DisabledAt, u.EmailVerifiedAt)
	if len(s.onCreate) > 0 {
		return s.createWithin(ctx, op, u.Profile, v, ok)
	}
	result, err := s.execResult(ctx, op, s.statements.insert, v)
	if err != nil {
		return "", err
	}
	if ok {
		return u.ID, nil
	}
	chosen, err := chosenID(result)
	if err != nil {
		return "", failure(ctx, op, err)
	}
	return chosen, nil
}

// chosenID returns the ID that a table of integers has chosen.
func chosenID(result sql.Result) (string, error) {
	id, err := result.LastInsertId()
	return strconv.FormatUint(uint64(id), 10), err
}

// UserByEmail returns the user with an e-mail key.
func (s *Store) UserByEmail(ctx context.Context, key string) (row.User, error) {
	const op = "user by email"
	if len(key) > row.MaxEmail {
		return row.User{}, unlessEnded(ctx, op, row.ErrNotFound)
	}
	var r userRow
	if err := s.get(ctx, op, &r, s.statements.byEmail, hexDigits(key)); err != nil {
		return row.User{}, err
	}
	return r.withKey(ctx, op, key)
}

// UserForLogin returns the user with an e-mail key, whether so many sessions of the user or
// more are stored, ended ones too, and counters, also where there is no such user.
func (s *Store) UserForLogin(ctx context.Context, key string, sessions int, attempts []row.AttemptKey) (row.User, bool, []row.AttemptRecord, error) {
	const op = "user by email"
	if len(key) > row.MaxEmail {
		return s.nobody(ctx, op, attempts)
	}
	var r reachingRow
	query, args := s.statements.forLogin, []any{int64(sessions - 1), hexDigits(key)}
	beside := len(attempts) > 0 && len(attempts) <= besideKeys
	if beside {
		query, args = s.statements.forLoginBeside, slices.Concat(args[:1], besideArgs(attempts), args[1:])
	}
	switch err := s.get(ctx, op, &r, query, args...); {
	case err == row.ErrNotFound: // there are no users at all, and so no row with the counters
		return s.nobody(ctx, op, attempts)
	case err != nil:
		return row.User{}, false, nil, err
	}
	var found []row.AttemptRecord
	var err error
	if beside {
		found, err = attemptsOf(r.Attempts)
	} else {
		found, err = s.Attempts(ctx, attempts)
	}
	if err != nil {
		return row.User{}, false, nil, err
	}
	u, err := r.withKey(ctx, op, key)
	return u, r.Beyond && err == nil, found, err
}

// nobody returns counters beside no user.
func (s *Store) nobody(ctx context.Context, op string, attempts []row.AttemptKey) (row.User, bool, []row.AttemptRecord, error) {
	found, err := s.Attempts(ctx, attempts)
	if err == nil {
		err = unlessEnded(ctx, op, row.ErrNotFound)
	}
	return row.User{}, false, found, err
}

// reachingRow is a user, whether so many sessions or more are stored, and counters.
type reachingRow struct {
	userRow
	Beyond   bool   `db:"beyond"`
	Attempts string `db:"attempts"`
}

// UserForProof is UserForLogin by the user's ID, without counters.
func (s *Store) UserForProof(ctx context.Context, id string, sessions int) (row.User, bool, error) {
	const op = "user by id"
	value, ok := s.config.id(id)
	if !ok {
		return row.User{}, false, unlessEnded(ctx, op, row.ErrNotFound)
	}
	var r reachingRow
	if err := s.get(ctx, op, &r, s.statements.forProof, int64(sessions-1), value); err != nil {
		return row.User{}, false, err
	}
	u, err := r.user()
	if err != nil {
		return row.User{}, false, failure(ctx, op, err)
	}
	return u, r.Beyond, nil
}

// UserByID returns the user with an ID.
func (s *Store) UserByID(ctx context.Context, id string) (row.User, error) {
	const op = "user by id"
	value, ok := s.config.id(id)
	if !ok {
		return row.User{}, unlessEnded(ctx, op, row.ErrNotFound)
	}
	return s.user(ctx, op, s.statements.byID, value)
}

func (s *Store) user(ctx context.Context, op, query string, arg any) (row.User, error) {
	var r userRow
	if err := s.get(ctx, op, &r, query, arg); err != nil {
		return row.User{}, err
	}
	u, err := r.user()
	if err != nil {
		return row.User{}, failure(ctx, op, err)
	}
	return u, nil
}

// UpdateUser changes a user that is as the update demands.
func (s *Store) UpdateUser(ctx context.Context, u row.UserUpdate) error {
	const op = "update user"
	id, ok := s.config.id(u.ID)
	if !ok {
		return unlessEnded(ctx, op, row.ErrNotFound)
	}
	// The version makes every update change its row, so that the count of
	// changed rows is that of matching rows, whichever the DSN has reported.
	assignments := []string{"version = version + 1", "updated_at = ?"}
	var v values
	if u.At.IsZero() {
		assignments = assignments[:1]
	} else {
		v.times(u.At)
	}
	if u.PasswordHash != nil {
		assignments = append(assignments, "password_hash = "+asBytes)
		v.bytes(*u.PasswordHash, row.MaxPasswordHash)
	}
	if u.Email != nil {
		assignments = append(assignments, "email = "+asText)
		v.text(*u.Email, row.MaxEmail)
	}
	if u.EmailKey != nil {
		assignments = append(assignments, "email_key = "+asBytes)
		v.bytes(*u.EmailKey, row.MaxEmail)
	}
	if u.Username != nil {
		assignments = append(assignments, "username = "+asText)
		v.text(*u.Username, row.MaxUsername)
	}
	if u.DisabledAt != nil {
		assignments = append(assignments, "disabled_at = ?")
		v.times(*u.DisabledAt)
	}
	if u.EmailVerifiedAt != nil {
		assignments = append(assignments, "email_verified_at = ?")
		v.times(*u.EmailVerifiedAt)
	}
	if u.RaiseEpoch > 0 {
		assignments = append(assignments, "epoch = epoch + ?")
		v.add(u.RaiseEpoch)
	}
	v.add(id)
	condition := s.statements.whereID
	if u.IfPasswordHash != nil {
		if len(*u.IfPasswordHash) > row.MaxPasswordHash { // no row has it
			return s.explainNoMatch(ctx, op, id)
		}
		condition += " AND password_hash = " + asBytes
		v.bytes(*u.IfPasswordHash, row.MaxPasswordHash)
	}
	if u.IfEpoch != nil {
		condition += " AND epoch = ?"
		v.add(*u.IfEpoch)
	}
	switch n, err := s.exec(ctx, op, s.statements.update+strings.Join(assignments, ", ")+condition+limitOne, v); {
	case err != nil:
		return err
	case n > 0:
		return nil
	case u.IfPasswordHash == nil && u.IfEpoch == nil:
		return row.ErrNotFound
	}
	return s.explainNoMatch(ctx, op, id)
}

// explainNoMatch tells why no row has this ID and what is demanded.
func (s *Store) explainNoMatch(ctx context.Context, op string, id any) error {
	var one int
	if err := s.get(ctx, op, &one, s.statements.exists, id); err != nil {
		return err
	}
	return row.ErrConflict
}

// DeleteUser removes a user.
func (s *Store) DeleteUser(ctx context.Context, id string) error {
	const op = "delete user"
	value, ok := s.config.id(id)
	if !ok {
		return unlessEnded(ctx, op, row.ErrNotFound)
	}
	n, err := s.exec(ctx, op, s.statements.delete, values{args: []any{value}})
	if err == nil && n == 0 {
		err = row.ErrNotFound
	}
	return err
}

// userRow is a row of the table; all is NULL beside a session without its user.
type userRow struct {
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

// withKey returns the user if it is the one with this e-mail key. Rows of others are
// read as far, so that they take as long.
func (r userRow) withKey(ctx context.Context, op, key string) (row.User, error) {
	u, err := r.user()
	switch {
	case r.EmailKey.String != key:
		return row.User{}, row.ErrNotFound
	case err != nil:
		return row.User{}, failure(ctx, op, err)
	}
	return u, nil
}

func (r userRow) user() (row.User, error) {
	u := row.User{
		Profile:      row.Profile{ID: r.ID.String, Email: r.Email.String, Username: r.Username.String},
		EmailKey:     r.EmailKey.String,
		PasswordHash: r.PasswordHash.String,
		Epoch:        r.Epoch.V,
	}
	err := readTimes(map[*time.Time]sql.NullString{
		&u.CreatedAt:       r.CreatedAt,
		&u.UpdatedAt:       r.UpdatedAt,
		&u.DisabledAt:      r.DisabledAt,
		&u.EmailVerifiedAt: r.EmailVerifiedAt,
	})
	return u, err
}
