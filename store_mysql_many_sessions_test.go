package auth_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/internal/mysqltest"
)

// createSessions stores n sessions, each ending a second later than the one
// before; user gives the user of each.
func createSessions(t *testing.T, s *auth.MySQLStore, n int, user func(i int) string) []auth.SessionRecord {
	t.Helper()
	all := make([]auth.SessionRecord, n)
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i := worker; i < n; i += 8 {
				all[i] = storedSession(fmt.Sprintf("id-%04d", i), user(i), sessionsEnd.Add(time.Duration(i)*time.Second))
				if err := s.CreateSession(t.Context(), all[i]); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	return all
}

// Each statement finds its rows by a key. Where a batch of what has ended is most
// of the table, a server may read the table instead, but only one of so few pages
// that a limit is more than they are: the locks stay in proportion to the limit.
func TestMySQLSessionStatementsUseAKey(t *testing.T) {
	dsn := mysqltest.DSN(t)
	for kind, opts := range map[string]auth.MySQLConfig{
		"auth_users": {},
		"numbers":    {IntegerIDs: true, Table: "numbers"},
	} {
		s := migrate(t, openMySQL(t, dsn, opts))
		createSessions(t, s, 2000, func(i int) string { // user 1 has every twentieth
			if i%20 == 0 {
				return "1"
			}
			return fmt.Sprint(1 + i)
		})
		db := sqlx.NewDb(openPool(t, withParams(t, dsn, "interpolateParams=true")), "mysql")
		rows, err := db.QueryContext(t.Context(), "ANALYZE TABLE `"+kind+"_sessions`")
		if err != nil {
			t.Fatal(err)
		}
		rows.Close()
		deleting := func(f auth.SessionFilter) func(ctx context.Context, s *auth.MySQLStore) error {
			return func(ctx context.Context, s *auth.MySQLStore) error { return second(s.DeleteSessions(ctx, f)) }
		}
		listing := func(userID string) func(ctx context.Context, s *auth.MySQLStore) error {
			return func(ctx context.Context, s *auth.MySQLStore) error { return second(s.Sessions(ctx, userID)) }
		}
		ended := func(i, limit int) auth.SessionFilter {
			return auth.SessionFilter{ExpiredBy: sessionsEnd.Add(time.Duration(i) * time.Second), Limit: limit}
		}
		for _, test := range []struct {
			name string
			call func(ctx context.Context, s *auth.MySQLStore) error
			key  string // "" = any
			most int    // rows, as the server guesses
		}{
			{"by ID", func(ctx context.Context, s *auth.MySQLStore) error { return second(s.SessionByID(ctx, "id-0007")) }, "PRIMARY", 1},
			{"update", func(ctx context.Context, s *auth.MySQLStore) error {
				return s.UpdateSession(ctx, auth.SessionUpdate{ID: "id-0007", At: sessionsEnd})
			}, "PRIMARY", 1},
			{"update of any digests", func(ctx context.Context, s *auth.MySQLStore) error {
				return s.UpdateSession(ctx, auth.SessionUpdate{ID: "id-0007", AnyDigests: true, RepeatsBelow: 100, At: sessionsEnd})
			}, "PRIMARY", 1},
			{"delete one", deleting(auth.SessionFilter{ID: "id-0007"}), "PRIMARY", 1},
			{"delete one of a family", deleting(auth.SessionFilter{ID: "id-0007", Family: [32]byte{1}}), "PRIMARY", 1},
			{"delete one of a user", deleting(auth.SessionFilter{ID: "id-0007", UserID: "8"}), "", 1},
			{"list", listing("8"), "user_newest", 5},
			{"list many", listing("1"), "user_newest", 200},
			{"delete some of a user", deleting(auth.SessionFilter{IDs: []string{"id-0007", "id-0008", "id-0020"}, UserID: "8"}), "", 5},
			{"delete a user's", deleting(auth.SessionFilter{UserID: "8"}), "user_id", 5},
			{"delete a user's before an epoch", deleting(auth.SessionFilter{UserID: "8", BeforeEpoch: 7}), "user_id", 5},
			{"delete one of a user's", deleting(auth.SessionFilter{UserID: "8", BeforeEpoch: 7, Limit: 1}), "user_id", 5},
			{"delete many of a user", deleting(auth.SessionFilter{UserID: "1", BeforeEpoch: 7}), "user_id", 200},
			{"none has ended", deleting(ended(-1, 1000)), "expires_at", 1},
			{"few have ended", deleting(ended(3, 1000)), "expires_at", 10},
			{"more have ended", deleting(ended(150, 1000)), "expires_at", 300},
			{"many have ended", deleting(ended(1500, 20)), "expires_at", 2000},
			{"all have ended", deleting(ended(5000, 20)), "expires_at", 2000},
		} {
			plan := explain(t, db, test.call, opts)
			guess := 0
			if plan["rows"] != "<nil>" {
				if _, err := fmt.Sscan(plan["rows"], &guess); err != nil {
					t.Fatal(err)
				}
			}
			noRow := strings.Contains(plan["Extra"], "no matching row") || strings.Contains(plan["Extra"], "Impossible WHERE")
			if !noRow && (plan["type"] == "ALL" || test.key != "" && plan["key"] != test.key) || strings.Contains(plan["Extra"], "filesort") || guess > test.most {
				t.Errorf("%s: %v", test.name, plan)
			}
		}
	}
}

// While a batch is deleted everybody else can refresh and log in.
func TestMySQLDeleteSessionsLocksWhatItDeletes(t *testing.T) {
	dsn := mysqltest.DSN(t)
	s := migrate(t, openMySQL(t, dsn))
	all := createSessions(t, s, 200, func(i int) string { return fmt.Sprint(i % 10) })
	for name, test := range map[string]struct {
		f      auth.SessionFilter
		chosen func(i int) bool
	}{
		"ended": {auth.SessionFilter{ExpiredBy: all[100].ExpiresAt, Limit: 20}, func(i int) bool { return i < 20 }},
		"user":  {auth.SessionFilter{UserID: "7"}, func(i int) bool { return i%10 == 7 }},
		"one":   {auth.SessionFilter{ID: all[3].ID, UserID: "3"}, func(i int) bool { return i == 3 }},
	} {
		t.Run(name, func(t *testing.T) {
			pool := openPool(t, withParams(t, dsn, "autocommit=0"))
			pool.SetMaxOpenConns(1)
			defer pool.Close() // which commits nothing
			uncommitted := newMySQLStore(t, pool)
			want := 0
			for i := range all {
				if test.chosen(i) {
					want++
				}
			}
			if n, err := uncommitted.DeleteSessions(t.Context(), test.f); err != nil || n != want {
				t.Fatalf("%d deleted, %v, want %d", n, err, want)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			for i := range all {
				if test.chosen(i) {
					continue
				}
				r := all[i]
				if err := s.UpdateSession(ctx, rotation(&r, r.CreatedAt)); err != nil {
					t.Fatalf("the refresh of session %d: %v", i, err)
				}
				all[i] = r
			}
			if err := s.CreateSession(ctx, storedSession("new "+name, "5", sessionsEnd.AddDate(1, 0, 0))); err != nil {
				t.Errorf("a login: %v", err)
			}
		})
	}
}

// Housekeepers of several replicas delete what has ended, in batches, while
// sessions are refreshed and made: nothing that lives is lost, nothing fails.
// ASVS 5.0 14.2.7
func TestMySQLDeleteSessionsInBatchesUnderLoad(t *testing.T) {
	s := migrate(t, openMySQL(t, mysqltest.DSN(t)))
	const ended, living = 600, 8
	now := sessionsEnd.Add(ended * time.Second)
	createSessions(t, s, ended, func(i int) string { return fmt.Sprint(i % 50) })
	var refreshing, keeping sync.WaitGroup
	var deleted, rotations atomic.Int64
	var done atomic.Bool
	final := make([]auth.SessionRecord, living)
	for i := range living {
		refreshing.Go(func() {
			r := storedSession(fmt.Sprintf("living %d", i), fmt.Sprint(i), now.AddDate(1, 0, 0))
			if err := s.CreateSession(t.Context(), r); err != nil {
				t.Error(err)
			}
			for n := 0; n < 20 || !done.Load(); n++ {
				if err := s.UpdateSession(t.Context(), rotation(&r, now)); err != nil {
					t.Errorf("refresh %d: %v", n, err)
					return
				}
				rotations.Add(1)
				short := storedSession(fmt.Sprintf("short %d %d", i, n), fmt.Sprint(i), now) // which has ended at once
				if err := s.CreateSession(t.Context(), short); err != nil {
					t.Errorf("login %d: %v", n, err)
					return
				}
				deleted.Add(-1)
			}
			final[i] = r
		})
	}
	for range 3 {
		keeping.Go(func() {
			for {
				n, err := s.DeleteSessions(t.Context(), auth.SessionFilter{ExpiredBy: now, Limit: 50})
				if err != nil {
					t.Error(err)
					return
				}
				deleted.Add(int64(n))
				if n < 50 {
					return
				}
			}
		})
	}
	keeping.Wait()
	done.Store(true)
	refreshing.Wait()
	n, err := s.DeleteSessions(t.Context(), auth.SessionFilter{ExpiredBy: now})
	if err != nil {
		t.Fatal(err)
	}
	if got := deleted.Load() + int64(n); got != ended {
		t.Errorf("%d more were counted than had been made, want %d", got, ended)
	}
	for i, want := range final {
		list, err := s.Sessions(t.Context(), fmt.Sprint(i))
		if err != nil || len(list) != 1 || list[0] != want {
			t.Errorf("user %d has %d sessions, %v, want the living one", i, len(list), err)
		}
	}
	t.Logf("%d refreshes meanwhile", rotations.Load())
}

// A refresh that was acknowledged is there after the server was killed: the old
// token stays worthless, and the new one is worth something.
func TestMySQLKilledServerKeepsRotations(t *testing.T) {
	server := mysqltest.Start(t, mysqltest.Durable)
	server.Exec("CREATE DATABASE d")
	s := migrate(t, openMySQL(t, server.DSN("d")))
	const sessions = 4
	acknowledged, attempted := make([]auth.SessionRecord, sessions), make([]auth.SessionRecord, sessions)
	var total atomic.Int64
	enough := make(chan struct{})
	var wg sync.WaitGroup
	for i := range sessions {
		r := storedSession(fmt.Sprint(i), "1", sessionsEnd)
		if err := s.CreateSession(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			for {
				acknowledged[i] = r
				err := s.UpdateSession(t.Context(), rotation(&r, r.CreatedAt))
				attempted[i] = r
				if err != nil {
					wantErr(t, err, auth.ErrUnavailable)
					return
				}
				if total.Add(1) == 100 {
					close(enough)
				}
			}
		})
	}
	<-enough
	server.Kill()
	wg.Wait()
	server.Restart()
	for i := range sessions {
		got, err := s.SessionByID(t.Context(), fmt.Sprint(i))
		if err != nil || got != acknowledged[i] && got != attempted[i] {
			t.Errorf("session %d was rotated and is another one now: %v", i, err)
			continue
		}
		old := acknowledged[i]
		old.Token = old.Parent
		wantErr(t, s.UpdateSession(t.Context(), rotation(&old, old.CreatedAt)), auth.ErrConflict)
		if err := s.UpdateSession(t.Context(), rotation(&got, got.CreatedAt)); err != nil {
			t.Errorf("after the restart: %v", err)
		}
	}
}

// A database of version 1 with users becomes one of today while replicas
// that know version 1 only go on.
func TestMySQLMigrateFromVersion1(t *testing.T) {
	for name, opts := range map[string]auth.MySQLConfig{
		"own IDs":     {},
		"integer IDs": {IntegerIDs: true},
	} {
		t.Run(name, func(t *testing.T) {
			dsn := mysqltest.DSN(t)
			pool := openPool(t, withParams(t, dsn, "multiStatements=true"))
			first := schemaFiles(t)[0]
			if opts.IntegerIDs {
				first = strings.Replace(first, "`id` VARBINARY(64) NOT NULL,", "`id` BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,", 1)
			}
			mustExec(t, pool, first)
			s := openMySQL(t, dsn, opts)
			wantErr(t, s.Check(t.Context()), auth.ErrSchema)
			user := auth.UserRecord{User: auth.User{ID: "7", Email: email, Username: "Ada", CreatedAt: sessionsEnd, UpdatedAt: sessionsEnd},
				EmailKey: email, PasswordHash: "hash", Epoch: 3, DisabledAt: sessionsEnd}
			if _, err := s.CreateUser(t.Context(), user); err != nil {
				t.Fatal(err)
			}
			for op, call := range mysqlSessionCalls {
				if err := call(t.Context(), s); !errors.Is(err, auth.ErrSchema) {
					t.Errorf("%s on version 1: %v", op, err)
				}
			}
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					if err := s.Migrate(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if got, err := s.UserByID(t.Context(), "7"); err != nil || got != user {
				t.Errorf("the user is another one: %v", err)
			}
			if err := s.CreateSession(t.Context(), storedSession("id", "7", sessionsEnd)); err != nil {
				t.Fatal(err)
			}
			if r, err := s.SessionByID(t.Context(), "id"); err != nil || r.User == nil || *r.User != user {
				t.Errorf("the session is without its user: %v", err)
			}
			// What version 1 demands of the schema, and its migration, are still right.
			var version int
			if err := pool.QueryRowContext(t.Context(), "SELECT MAX(version) FROM auth_users_schema").Scan(&version); err != nil || version != len(schemaFiles(t)) {
				t.Errorf("version %d, %v", version, err)
			}
			mustExec(t, pool, first)
			if err := s.Check(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}
