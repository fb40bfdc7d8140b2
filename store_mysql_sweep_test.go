package auth_test

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/internal/mysqltest"
)

// bulk adds rows by INSERT … SELECT to the tables of a store.
type bulk struct {
	t     testing.TB
	pool  *sql.DB
	table string
}

// each is what the numbers from 0 to n-1 are selected from, as i.
func (b bulk) each(n int) string {
	var places, sum []string
	for scale := 1; scale < n; scale *= 10 {
		digits := "(SELECT 0 v" + strings.Repeat(" UNION ALL SELECT %d", 9) + ") d%d"
		places = append(places, fmt.Sprintf(digits, 1, 2, 3, 4, 5, 6, 7, 8, 9, scale))
		sum = append(sum, fmt.Sprintf("d%d.v * %d", scale, scale))
	}
	return fmt.Sprintf(" FROM (SELECT %s AS i FROM %s) numbers WHERE i < %d", strings.Join(sum, " + "), strings.Join(places, ", "), n)
}

// users adds n users, whose IDs begin at first.
func (b bulk) users(n, first int, epoch uint64) {
	b.t.Helper()
	mustExec(b.t, b.pool, fmt.Sprintf("INSERT INTO `%s` (id, email_key, email, username, password_hash, epoch, created_at, updated_at)"+
		" SELECT %d + i, CONCAT('user', %d + i, '@example.com'), CONCAT('user', %d + i, '@example.com'), 'Ada', REPEAT('x', 97), %d, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6)",
		b.table, first, first, first, epoch)+b.each(n))
}

// sessions adds n sessions; user is an expression of i.
func (b bulk) sessions(n int, name, user string, epoch uint64, expires string) {
	b.t.Helper()
	mustExec(b.t, b.pool, fmt.Sprintf("INSERT INTO `%s_sessions` (session_id, user_id, amr, audience, epoch, family, token, parent, sibling, nonce, repeats, address, user_agent, label,"+
		" created_at, last_used_at, rotated_at, grace_until, auth_time, idle_until, expires_at)"+
		" SELECT SUBSTRING(SHA2(CONCAT('%s', i), 256), 1, 22), %s, 'pwd', '', %d, UNHEX(SHA2(i, 256)), UNHEX(SHA2(i, 256)), UNHEX(SHA2(i, 256)), UNHEX(SHA2(i, 256)), UNHEX(SHA2(i, 256)), 0,"+
		" '203.0.113.7', REPEAT('Mozilla/5.0 ', 9), '', e - INTERVAL 30 DAY, e, e, e, e, e, e FROM (SELECT i, %s AS e%s) s",
		b.table, name, user, epoch, expires, b.each(n)))
}

// analyzed has the server count its rows.
func (b bulk) analyzed() {
	b.t.Helper()
	rows, err := b.pool.QueryContext(b.t.Context(), fmt.Sprintf("ANALYZE TABLE `%s`, `%s_sessions`", b.table, b.table))
	if err != nil {
		b.t.Fatal(err)
	}
	rows.Close()
}

func (b bulk) count(what string) (n int) {
	b.t.Helper()
	if err := b.pool.QueryRowContext(b.t.Context(), "SELECT COUNT(*) FROM "+what).Scan(&n); err != nil {
		b.t.Fatal(err)
	}
	return n
}

// said collects the statements that are sent over a wire.
func (w *wire) said() func() []string {
	var mu sync.Mutex
	var statements []string
	w.onWrite = func(b []byte) {
		mu.Lock()
		defer mu.Unlock()
		if len(b) > 5 {
			statements = append(statements, string(b[5:])) // behind the packet's header and the command
		}
	}
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		taken := statements
		statements = nil
		return taken
	}
}

// ofSessions returns the statements that are not of counters.
func ofSessions(statements []string) []string {
	return slices.DeleteFunc(statements, func(s string) bool { return strings.Contains(s, "_attempts`") })
}

var deleteLimit = regexp.MustCompile(`LIMIT (\d+)$`)

// A sweep of many rows: each statement deletes a thousand at most, and looks at a part of
// the table, by keys. Nothing else goes, and the limit is exact.
func TestMySQLSweepInBatches(t *testing.T) {
	const later, before = "UTC_TIMESTAMP(6) + INTERVAL 1 DAY + INTERVAL i SECOND", "UTC_TIMESTAMP(6) - INTERVAL 1 DAY"
	for table, opts := range map[string]auth.MySQLConfig{
		"auth_users": {},
		"numbers":    {IntegerIDs: true, Table: "numbers"},
	} {
		t.Run(table, func(t *testing.T) {
			t.Parallel()
			dsn := mysqltest.DSN(t)
			w, wired := newWire(t, dsn)
			s := migrate(t, openMySQL(t, wired, opts))
			a := newSessions(t, s, auth.SessionConfig{})
			b := bulk{t, openPool(t, withParams(t, dsn, "interpolateParams=true")), table}
			b.users(300, 1, 10)
			b.sessions(24_000, "living", "1 + i % 300", 10, later)
			b.sessions(300, "beginning", "1 + i", 11, later)
			b.sessions(3, "before an epoch", "1 + 149 * i", 9, later)
			b.sessions(12_000, "of one who is gone", "400", 10, later) // more than one statement looks at
			b.sessions(1_500, "of some who are gone", "500000 + i % 3", 10, later)
			b.sessions(3_300, "over", "1 + i % 300", 10, before)
			b.sessions(1_200, "idle", "1 + i % 300", 12, later)
			mustExec(t, b.pool, fmt.Sprintf("UPDATE `%s_sessions` SET idle_until = created_at WHERE epoch = 12", table))
			b.analyzed()
			const kept, left, over = 24_300, 3 + 12_000 + 1_500 + 1_200, 3_300

			statements := w.said()
			// batches wants that the deletes asked for so many rows in all, none for more
			// than a thousand.
			batches := func(want int) {
				t.Helper()
				all := 0
				for _, statement := range ofSessions(statements()) {
					limit := 0
					switch {
					case strings.HasPrefix(statement, "DELETE") && strings.Contains(statement, " IN ("):
						limit = strings.Count(statement, "UNHEX(")
					case strings.HasPrefix(statement, "DELETE"):
						fmt.Sscan(deleteLimit.FindStringSubmatch(statement)[1], &limit)
					case !strings.HasPrefix(statement, "SELECT") || strings.Contains(statement, "FOR UPDATE"):
						t.Errorf("%.60s", statement)
					}
					if all += limit; limit > 1000 {
						t.Errorf("a batch of %d", limit)
					}
				}
				if all != want {
					t.Errorf("batches of %d rows, want %d", all, want)
				}
			}
			swept(t, a, 1_000, 1_000)
			batches(1_000)
			swept(t, a, 1_500, 1_500)
			batches(1_500)
			swept(t, a, 1_500, 1_500)
			batches(1_000 + 700) // 800 were over
			swept(t, a, 2_345, 2_345)
			batches(1_000 + 2_345) // none is over
			remaining := over + left - 1_000 - 1_500 - 1_500 - 2_345
			explained(t, b, func() { swept(t, a, 1_000_000, remaining) }, statements)
			swept(t, a, 1_000_000, 0)
			batches(1_000)

			sessions := "`" + table + "_sessions` s"
			if n := b.count(sessions); n != kept {
				t.Errorf("%d sessions are kept, want %d", n, kept)
			}
			if n := b.count(sessions + " JOIN `" + table + "` u ON u.id = s.user_id WHERE s.epoch >= u.epoch AND s.idle_until > UTC_TIMESTAMP(6)"); n != kept {
				t.Errorf("%d of them live, want %d", n, kept)
			}
		})
	}
}

// explained wants that each statement that a sweep sends finds its rows by a key, and reads
// sessions in the order in which they are stored.
func explained(t *testing.T, b bulk, sweep func(), statements func() []string) {
	t.Helper()
	kinds := map[string]string{} // one of each
	digits := regexp.MustCompile(`'?\b[0-9a-f]+\b'?|UNHEX\([^)]*\)(, )?`)
	statements()
	sweep()
	for _, statement := range statements() {
		kind := digits.ReplaceAllString(statement, "")
		kinds[kind] = max(kinds[kind], statement) // of the deletes one that is not of the few at the end
	}
	if len(kinds) < 7 { // DELETE by time, border, ended between and last, three DELETE by IDs
		t.Errorf("%d kinds of statements", len(kinds))
	}
	db := sqlx.NewDb(b.pool, "mysql")
	for kind, statement := range kinds {
		rows, err := db.QueryxContext(t.Context(), "EXPLAIN FORMAT=TRADITIONAL "+statement)
		if err != nil {
			t.Fatalf("%.100s: %v", statement, err)
		}
		for rows.Next() {
			plan := map[string]any{}
			if err := rows.MapScan(plan); err != nil {
				t.Fatal(err)
			}
			text := func(column string) string {
				if v, ok := plan[column].([]byte); ok {
					return string(v)
				}
				return fmt.Sprint(plan[column])
			}
			bad := text("type") == "ALL" || strings.Contains(text("Extra"), "filesort") || strings.Contains(text("Extra"), "temporary")
			switch {
			case text("table") == "a": // of the counters
				bad = bad || text("key") != "expires_at" // of a short table all of it may be read
			case text("table") == "u":
				bad = bad || text("type") != "eq_ref" || text("key") != "PRIMARY"
			case strings.HasPrefix(kind, "SELECT"):
				bad = bad || text("type") != "range" || text("key") != "PRIMARY"
			}
			if bad {
				t.Errorf("%.200s: %s of %s by %s, %s", kind, text("type"), text("table"), text("key"), text("Extra"))
			}
		}
		if err := rows.Close(); err != nil {
			t.Error(err)
		}
	}
}

// What a server that is behind takes for the row of nobody stays, since its user is there.
func TestMySQLSweepReadsBehind(t *testing.T) {
	dsn := mysqltest.DSN(t)
	s := migrate(t, openMySQL(t, dsn))
	for i := range 4 {
		r := storedSession(fmt.Sprint("s", i), fmt.Sprint(i), time.Now().Add(time.Hour))
		r.Epoch = 5
		if err := s.CreateSession(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	pool := openPool(t, dsn)
	pool.SetMaxOpenConns(1)
	mustExec(t, pool, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
	mustExec(t, pool, "START TRANSACTION WITH CONSISTENT SNAPSHOT")
	mustExec(t, pool, "SELECT 1 FROM auth_users")
	behind := newSessions(t, newMySQLStore(t, pool), auth.SessionConfig{})
	// The session of the first lives, that of the second is about to begin, that of the third
	// has ended, and the fourth is nobody.
	for i, epoch := range []uint64{5, 4, 6} {
		if _, err := s.CreateUser(t.Context(), auth.UserRecord{User: auth.User{ID: fmt.Sprint(i)}, EmailKey: fmt.Sprint(i), Epoch: epoch}); err != nil {
			t.Fatal(err)
		}
	}
	swept(t, behind, 100, 1)
	swept(t, behind, 2, 0) // and it ends, though it reads the same again
	mustExec(t, pool, "COMMIT")
	swept(t, behind, 100, 1)
	for i, want := range []int{1, 1, 0, 0} {
		rowsOf(t, s, fmt.Sprint(i), want)
	}
}

// A sweep whose context ends in the middle says nothing of what it did before, which is
// done.
func TestMySQLSweepIsCutShort(t *testing.T) {
	dsn := mysqltest.DSN(t)
	w, wired := newWire(t, dsn)
	a := newSessions(t, migrate(t, openMySQL(t, wired)), auth.SessionConfig{})
	b := bulk{t, openPool(t, dsn), "auth_users"}
	b.sessions(3_000, "left", "400", 10, "UTC_TIMESTAMP(6) + INTERVAL 1 DAY")
	ctx, cancel := context.WithCancel(t.Context())
	reads := 0
	w.onWrite = func(p []byte) {
		if strings.Contains(string(p), "LEFT JOIN") {
			if reads++; reads == 2 {
				cancel()
			}
		}
	}
	n, err := a.DeleteExpired(ctx, 10_000)
	w.onWrite = nil
	if n != 0 {
		t.Errorf("%d beside an error", n)
	}
	wantStoreError(t, err, "delete sessions", "context ended", context.Canceled)
	if n := b.count("auth_users_sessions"); n != 2_000 {
		t.Errorf("%d are left, want 2000", n)
	}
	swept(t, a, 10_000, 2_000)
}

// While a batch is being removed all others can register, log in, refresh and change. A
// table of a few pages is read as a whole, and locked for as long; here it is larger.
func TestMySQLSweepLocksWhatItDeletes(t *testing.T) {
	dsn := mysqltest.DSN(t)
	s := migrate(t, openMySQL(t, dsn))
	a := newSessions(t, s, auth.SessionConfig{Grace: -1})
	b := bulk{t, openPool(t, dsn), "auth_users"}
	b.users(2_000, 1, 10)
	b.sessions(2_000, "living", "1 + i", 10, "UTC_TIMESTAMP(6) + INTERVAL 1 DAY")
	b.sessions(20, "before an epoch", "1 + i % 2", 9, "UTC_TIMESTAMP(6) + INTERVAL 1 DAY")
	b.sessions(20, "gone", "3000 + i", 9, "UTC_TIMESTAMP(6) + INTERVAL 1 DAY")
	ada := registered(t, a, "ada", 1)
	b.analyzed()

	pool := openPool(t, withParams(t, dsn, "autocommit=0"))
	pool.SetMaxOpenConns(1)
	defer pool.Close() // which commits nothing
	swept(t, newSessions(t, newMySQLStore(t, pool), auth.SessionConfig{}), 100, 40)

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for name, call := range map[string]func() error{
		"register": func() error {
			return second(a.Register(ctx, auth.Registration{Email: "new@example.com", Password: auth.NewPassword(password)}))
		},
		"log in":  func() error { return second(a.Login(ctx, credentials("ada@example.com", password))) },
		"refresh": func() error { return second(a.Refresh(ctx, auth.Renewal{Token: ada.Tokens.Refresh})) },
		"disable": func() error { return a.SetDisabled(ctx, "5", true) },
		// Who logs in while the rows of their older sessions are removed. It ends later than
		// all others: a session that is over before any other one is waits.
		"log in again": func() error {
			return s.CreateSession(ctx, storedSession("of 1", "1", time.Now().AddDate(0, 0, 2)))
		},
	} {
		if err := call(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
