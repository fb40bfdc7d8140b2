package auth_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/internal/mysqltest"
)

// storedAttempt is a counter that lives for an hour from sessionsEnd on.
func storedAttempt(account, part byte) auth.AttemptRecord {
	return auth.AttemptRecord{Key: [32]byte{0: account, 31: part}, At: sessionsEnd, ExpiresAt: sessionsEnd.Add(time.Hour)}
}

// mysqlAttemptCalls calls each method that sends a statement.
var mysqlAttemptCalls = map[string]func(ctx context.Context, s *auth.MySQLStore) error{
	"attempts": func(ctx context.Context, s *auth.MySQLStore) error {
		return second(s.Attempts(ctx, [][32]byte{storedAttempt(1, 1).Key}))
	},
	"count attempts": func(ctx context.Context, s *auth.MySQLStore) error {
		return s.CountAttempts(ctx, sessionsEnd, []auth.AttemptRecord{storedAttempt(1, 1), storedAttempt(2, 1)})
	},
	"reserve attempt": func(ctx context.Context, s *auth.MySQLStore) error {
		return s.ReserveAttempt(ctx, auth.AttemptReservation{AttemptRecord: storedAttempt(3, 1), Now: sessionsEnd, NotAfter: sessionsEnd})
	},
	"return attempt": func(ctx context.Context, s *auth.MySQLStore) error {
		return s.ReturnAttempt(ctx, auth.AttemptReservation{AttemptRecord: storedAttempt(4, 1), Now: sessionsEnd})
	},
	"delete attempts": func(ctx context.Context, s *auth.MySQLStore) error {
		return second(s.DeleteAttempts(ctx, auth.AttemptFilter{Account: [16]byte{5}}))
	},
}

func TestMySQLAttemptErrors(t *testing.T) {
	calls := map[string]func(ctx context.Context, s *auth.MySQLStore) error{
		"reserve attempt": func(ctx context.Context, s *auth.MySQLStore) error {
			return s.ReserveAttempt(ctx, auth.AttemptReservation{AttemptRecord: storedAttempt(1, 1), Now: sessionsEnd})
		},
		"delete attempts": func(ctx context.Context, s *auth.MySQLStore) error {
			return second(s.DeleteAttempts(ctx, auth.AttemptFilter{ExpiredBy: sessionsEnd}))
		},
	}
	for _, calls := range []map[string]func(context.Context, *auth.MySQLStore) error{mysqlAttemptCalls, calls} {
		for op, call := range calls {
			t.Run(op, func(t *testing.T) {
				_, _, s := newScripted(t, serverError(1040))
				err := call(t.Context(), s)
				wantStoreError(t, err, op, "mysql 1040", nil)
				if strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), "canary") {
					t.Errorf("the driver's text shows: %#v", err)
				}
				_, _, s = newScripted(t, serverError(1146))
				wantErr(t, call(t.Context(), s), auth.ErrSchema)
				server, _, s := newScripted(t, repeat(serverError(1213), 2)...)
				call(t.Context(), s)
				if got := len(server.statements); got != 3 {
					t.Errorf("%d statements were sent, want 3", got)
				}
			})
		}
	}
	// A number that is too large says of one statement alone that a bucket is full.
	for op, call := range mysqlAttemptCalls {
		_, _, s := newScripted(t, serverError(1690))
		if err := call(t.Context(), s); op == "reserve attempt" {
			wantErr(t, err, auth.ErrConflict)
		} else {
			wantStoreError(t, err, op, "mysql 1690", nil)
		}
	}
}

func TestMySQLAttemptRoundTrips(t *testing.T) {
	w, dsn := newWire(t, mysqltest.DSN(t))
	s := migrate(t, openMySQL(t, dsn))
	r := storedAttempt(1, 1)
	reservation := auth.AttemptReservation{AttemptRecord: r, Now: sessionsEnd, Before: auth.AttemptRecord{Count: 1}}
	bucket := auth.AttemptReservation{AttemptRecord: storedAttempt(2, 1), Now: sessionsEnd.Add(-time.Second), NotAfter: sessionsEnd.Add(-time.Microsecond)}
	conflicts := func(r auth.AttemptReservation) func() error {
		return func() error { wantErr(t, s.ReserveAttempt(t.Context(), r), auth.ErrConflict); return nil }
	}
	deleting := func(f auth.AttemptFilter) func() error {
		return func() error { return second(s.DeleteAttempts(t.Context(), f)) }
	}
	for _, step := range []struct {
		name string
		want int64
		do   func() error
	}{
		{"Attempts", 1, func() error { return second(s.Attempts(t.Context(), [][32]byte{r.Key})) }},
		{"Attempts of none", 0, func() error { return second(s.Attempts(t.Context(), nil)) }},
		{"CountAttempts", 1, func() error {
			return s.CountAttempts(t.Context(), sessionsEnd, []auth.AttemptRecord{r, storedAttempt(1, 2), storedAttempt(9, 3)})
		}},
		{"CountAttempts of none", 0, func() error { return s.CountAttempts(t.Context(), sessionsEnd, nil) }},
		{"ReserveAttempt", 1, func() error { return s.ReserveAttempt(t.Context(), reservation) }},
		{"ReserveAttempt that conflicts", 1, conflicts(reservation)},
		{"ReserveAttempt in a bucket", 1, func() error { return s.ReserveAttempt(t.Context(), bucket) }},
		{"ReserveAttempt in a full bucket", 1, conflicts(bucket)},
		{"ReturnAttempt", 1, func() error { return s.ReturnAttempt(t.Context(), reservation) }},
		{"ReturnAttempt of a bucket", 1, func() error { return s.ReturnAttempt(t.Context(), bucket) }},
		{"DeleteAttempts of keys", 1, deleting(auth.AttemptFilter{Keys: [][32]byte{r.Key, {7}}})},
		{"DeleteAttempts of an account", 1, deleting(auth.AttemptFilter{Account: [16]byte{1}})},
		{"DeleteAttempts of what has expired, where nothing has", 1, deleting(auth.AttemptFilter{ExpiredBy: sessionsEnd})},
		{"DeleteAttempts of what has expired", 2, deleting(auth.AttemptFilter{ExpiredBy: sessionsEnd.Add(time.Hour)})},
		{"DeleteAttempts of nothing", 0, deleting(auth.AttemptFilter{Limit: 5})},
	} {
		before := w.writes.Load()
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if got := w.writes.Load() - before; got != step.want {
			t.Errorf("%s: %d writes to the server, want %d", step.name, got, step.want)
		}
	}
}

// A count whose outcome is unknown is not sent again.
func TestMySQLLostCountIsNotRetried(t *testing.T) {
	w, dsn := newWire(t, mysqltest.DSN(t))
	s := migrate(t, openMySQL(t, dsn))
	r := storedAttempt(1, 1)
	for i, step := range []struct {
		statement, op string
		call          func() error
	}{
		{"INSERT INTO", "count attempts", func() error { return s.CountAttempts(t.Context(), sessionsEnd, []auth.AttemptRecord{r}) }},
		{"UPDATE", "reserve attempt", func() error {
			return s.ReserveAttempt(t.Context(), auth.AttemptReservation{AttemptRecord: r, Now: sessionsEnd, Before: auth.AttemptRecord{Count: 1}})
		}},
		{"INSERT INTO", "reserve attempt", func() error {
			return s.ReserveAttempt(t.Context(), auth.AttemptReservation{AttemptRecord: r, Now: sessionsEnd, NotAfter: sessionsEnd})
		}},
	} {
		w.loseAnswer(step.statement)
		wantStoreError(t, step.call(), step.op, "connection lost", nil)
		r.Count = uint32(i + 1)
		if got := storedAttempts(t, s, [][32]byte{r.Key}); len(got) != 1 || got[0] != r {
			t.Errorf("%s: %v is stored, want %v", step.op, got, r)
		}
	}
}

func TestMySQLRefusesAttemptsItCannotKeep(t *testing.T) {
	s := migrate(t, newMySQLStore(t, openPool(t, withParams(t, mysqltest.DSN(t), "sql_mode=''"))))
	for name, wrong := range map[string]time.Time{
		"year 1969":  time.Unix(0, -1000).UTC(),
		"year 10000": time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC),
		"year 1":     time.Time{}.Add(time.Microsecond),
	} {
		good := storedAttempt(1, 1)
		at, end := storedAttempt(1, 2), storedAttempt(1, 2)
		at.At, end.ExpiresAt = wrong, wrong
		for op, err := range map[string]error{
			"count attempts":  s.CountAttempts(t.Context(), sessionsEnd, []auth.AttemptRecord{good, at}),
			"reserve attempt": s.ReserveAttempt(t.Context(), auth.AttemptReservation{AttemptRecord: end, Now: sessionsEnd, NotAfter: sessionsEnd}),
			"return attempt":  s.ReturnAttempt(t.Context(), auth.AttemptReservation{AttemptRecord: good, Now: sessionsEnd, Before: at}),
			"delete attempts": second(s.DeleteAttempts(t.Context(), auth.AttemptFilter{ExpiredBy: wrong})),
		} {
			t.Run(name+", "+op, func(t *testing.T) { wantStoreError(t, err, op, "time out of range", nil) })
		}
		if got := storedAttempts(t, s, [][32]byte{good.Key, at.Key}); len(got) > 0 {
			t.Errorf("%s: %v is stored", name, got)
		}
	}
}

func TestMySQLCountStopsAtTheHighest(t *testing.T) {
	for _, params := range []string{"", "clientFoundRows=true", "sql_mode=''&interpolateParams=true", "sql_mode='NO_UNSIGNED_SUBTRACTION,STRICT_ALL_TABLES'"} {
		dsn := mysqltest.DSN(t)
		pool := openPool(t, withParams(t, dsn, params))
		s := migrate(t, newMySQLStore(t, pool))
		r := storedAttempt(1, 1)
		if err := s.CountAttempts(t.Context(), sessionsEnd, []auth.AttemptRecord{r}); err != nil {
			t.Fatal(err)
		}
		mustExec(t, pool, "UPDATE auth_users_attempts SET count = 4294967294")
		reservation := auth.AttemptReservation{AttemptRecord: r, Now: sessionsEnd, Before: auth.AttemptRecord{Count: math.MaxUint32}}
		inBucket := reservation
		inBucket.NotAfter = sessionsEnd
		for name, err := range map[string]error{
			"CountAttempts":              s.CountAttempts(t.Context(), sessionsEnd, []auth.AttemptRecord{r}),
			"CountAttempts again":        s.CountAttempts(t.Context(), sessionsEnd, []auth.AttemptRecord{r}),
			"ReserveAttempt":             s.ReserveAttempt(t.Context(), reservation), // which changes nothing, and has counted
			"ReserveAttempt in a bucket": s.ReserveAttempt(t.Context(), inBucket),
		} {
			if err != nil {
				t.Errorf("%s: %s: %v", params, name, err)
			}
		}
		r.Count = math.MaxUint32
		if got := storedAttempts(t, s, [][32]byte{r.Key}); len(got) != 1 || got[0] != r {
			t.Errorf("%s: got %v, want %v", params, got, r)
		}
		if err := s.ReturnAttempt(t.Context(), reservation); err != nil {
			t.Error(err)
		}
		r.Count--
		if got := storedAttempts(t, s, [][32]byte{r.Key}); len(got) != 1 || got[0] != r {
			t.Errorf("%s: got %v after a return, want %v", params, got, r)
		}
	}
}

// Each statement finds its rows by a key, however many counters there are.
func TestMySQLAttemptsByKeys(t *testing.T) {
	dsn := mysqltest.DSN(t)
	w, wired := newWire(t, dsn)
	s := migrate(t, openMySQL(t, wired))
	pool := openPool(t, withParams(t, dsn, "interpolateParams=true"))
	b := bulk{t, pool, "auth_users"}
	b.users(2000, 1, 1)
	b.attempts(20_000, "i * 1000000")
	b.analyzed()
	said := w.said()
	for op, call := range mysqlAttemptCalls {
		if err := call(t.Context(), s); err != nil {
			t.Errorf("%s: %v", op, err)
		}
	}
	if _, err := s.DeleteAttempts(t.Context(), auth.AttemptFilter{ExpiredBy: time.UnixMicro(150_000_000)}); err != nil {
		t.Error(err)
	}
	if err := s.ReserveAttempt(t.Context(), auth.AttemptReservation{AttemptRecord: storedAttempt(1, 1), Now: sessionsEnd, Before: auth.AttemptRecord{Count: 1}}); err != nil {
		t.Error(err)
	}
	if _, _, _, err := auth.UserForLogin(t.Context(), s, "user7@example.com", 100, [][32]byte{storedAttempt(1, 1).Key, storedAttempt(1, 2).Key}); err != nil {
		t.Error(err)
	}
	explained := 0
	for _, statement := range said() {
		if strings.HasPrefix(statement, "INSERT") || !strings.Contains(statement, "_attempts`") {
			continue
		}
		explained++
		var plan []struct {
			Table, Type, Key *string
			Rows             *int
		}
		if err := sqlx.NewDb(pool, "mysql").Unsafe().SelectContext(t.Context(), &plan, "EXPLAIN "+statement); err != nil {
			t.Fatalf("%.80s: %v", statement, err)
		}
		for _, step := range plan {
			if step.Table != nil && step.Type != nil && (*step.Type == "ALL" || *step.Type == "index" || step.Rows != nil && *step.Rows > 200) {
				t.Errorf("%.120s…: table %s by %s, %v rows", statement, *step.Table, *step.Type, *step.Rows)
			}
		}
	}
	if explained < 7 {
		t.Errorf("%d statements were explained", explained)
	}
}

// attempts adds n counters; expires is an expression of i.
func (b bulk) attempts(n int, expires string) {
	b.t.Helper()
	mustExec(b.t, b.pool, fmt.Sprintf("INSERT INTO `%s_attempts` (id, count, at, expires_at) SELECT UNHEX(SHA2(i, 256)), 1, i, %s", b.table, expires)+b.each(n))
}

// A database of version 2 becomes one of today while replicas that know version 2 only go
// on.
func TestMySQLMigrateFromVersion2(t *testing.T) {
	dsn := mysqltest.DSN(t)
	pool := openPool(t, withParams(t, dsn, "multiStatements=true"))
	before := strings.Join(schemaFiles(t)[:2], "")
	mustExec(t, pool, before)
	s := openMySQL(t, dsn)
	wantErr(t, s.Check(t.Context()), auth.ErrSchema)
	for op, call := range mysqlAttemptCalls {
		if err := call(t.Context(), s); !errors.Is(err, auth.ErrSchema) {
			t.Errorf("%s on version 2: %v", op, err)
		}
	}
	user := auth.UserRecord{User: auth.User{ID: "7", Email: email}, EmailKey: email}
	if _, err := s.CreateUser(t.Context(), user); err != nil {
		t.Fatal(err)
	}
	session := storedSession("id", "7", sessionsEnd)
	if err := s.CreateSession(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	// A login that asks for no counters does not need them.
	if _, crowded, _, err := auth.UserForLogin(t.Context(), s, email, 1, nil); err != nil || !crowded {
		t.Errorf("%v, %v", crowded, err)
	}
	migrate(t, s)
	for op, call := range mysqlAttemptCalls {
		if err := call(t.Context(), s); err != nil {
			t.Errorf("%s: %v", op, err)
		}
	}
	if got, err := s.SessionByID(t.Context(), "id"); err != nil || got.User == nil || *got.User != user {
		t.Errorf("the session is another one: %v", err)
	}
	mustExec(t, pool, before)
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// What has expired goes without a wait for the counters beside it, and they are counted
// meanwhile.
func TestMySQLDeleteAttemptsLocksWhatItDeletes(t *testing.T) {
	dsn := mysqltest.DSN(t)
	s := migrate(t, openMySQL(t, dsn))
	b := bulk{t, openPool(t, withParams(t, dsn, "interpolateParams=true")), "auth_users"}
	b.attempts(5000, "i * 1000000")
	holder, err := b.pool.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer holder.Rollback()
	// The first two that live.
	if _, err := holder.ExecContext(t.Context(), "UPDATE auth_users_attempts SET count = count + 1 WHERE id IN (UNHEX(SHA2(2001, 256)), UNHEX(SHA2(2002, 256)))"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for _, want := range []int{1000, 1000, 1, 0} {
		n, err := s.DeleteAttempts(ctx, auth.AttemptFilter{ExpiredBy: time.UnixMicro(2_000_000_000)})
		if err != nil || n != want {
			t.Fatalf("%d, %v, want %d", n, err, want)
		}
	}
	if err := s.CountAttempts(ctx, time.UnixMicro(2_000_000_000), []auth.AttemptRecord{storedAttempt(1, 1)}); err != nil {
		t.Error(err)
	}
	if n := b.count("auth_users_attempts"); n != 3000 {
		t.Errorf("%d counters are left, want 3000", n)
	}
}

// A counter that begins anew between the read and the delete of a sweep stays.
func TestMySQLDeleteAttemptsComparesOnceMore(t *testing.T) {
	dsn := mysqltest.DSN(t)
	w, wired := newWire(t, dsn)
	direct := migrate(t, openMySQL(t, dsn))
	s := openMySQL(t, wired)
	for part := range byte(3) {
		if err := direct.CountAttempts(t.Context(), sessionsEnd, []auth.AttemptRecord{storedAttempt(1, part)}); err != nil {
			t.Fatal(err)
		}
	}
	anew := storedAttempt(1, 1)
	anew.At, anew.ExpiresAt = anew.ExpiresAt, anew.ExpiresAt.Add(time.Hour)
	w.onWrite = func(b []byte) {
		if strings.Contains(string(b), "DELETE") {
			if err := direct.CountAttempts(context.WithoutCancel(t.Context()), anew.At, []auth.AttemptRecord{anew}); err != nil {
				t.Error(err)
			}
		}
	}
	if n, err := s.DeleteAttempts(t.Context(), auth.AttemptFilter{ExpiredBy: anew.At}); err != nil || n != 2 {
		t.Errorf("%d, %v, want 2", n, err)
	}
	anew.Count = 1
	if got := storedAttempts(t, direct, [][32]byte{anew.Key}); len(got) != 1 || got[0] != anew {
		t.Errorf("%v is stored, want %v", got, anew)
	}
}
