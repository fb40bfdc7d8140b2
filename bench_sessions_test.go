package auth_test

import (
	"database/sql"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/internal/mysqltest"
)

// sessionsBeside returns what refreshes the i-th of some living sessions, in a
// database that holds so many rows, and its pool.
func sessionsBeside(b *testing.B, dsn string, rows, living int) (refresh func(i int), pool *sql.DB) {
	b.Helper()
	store := migrate(b, openMySQL(b, dsn))
	a := newSessions(b, store, auth.SessionConfig{Grace: -1})
	register(b, a)
	tokens := make([]string, living)
	for i := range tokens {
		tokens[i] = loggedIn(b, a).Tokens.Refresh
	}
	pool = openPool(b, dsn)
	for have := living + 1; have < rows; {
		n := min(have, rows-have, 50_000)
		mustExec(b, pool, fmt.Sprintf(`INSERT INTO auth_users_sessions
			(session_id, user_id, amr, audience, repeats, epoch, family, token, parent, sibling, nonce, address, user_agent, label, created_at, last_used_at, auth_time, idle_until, expires_at)
			SELECT SUBSTRING(SHA2(UUID(), 256), 1, 22), SUBSTRING(SHA2(UUID(), 256), 1, 36), amr, audience, repeats, 0, family, token, parent, sibling, nonce, address, user_agent, label,
			created_at, last_used_at, auth_time, idle_until, expires_at - INTERVAL FLOOR(RAND() * 1000000) SECOND FROM auth_users_sessions LIMIT %d`, n))
		have += n
	}
	return func(i int) {
		result, err := a.Refresh(b.Context(), auth.Renewal{Token: tokens[i%living]})
		if err != nil {
			b.Fatal(err)
		}
		tokens[i%living] = result.Tokens.Refresh
	}, pool
}

// BenchmarkRefreshMillion compares a refresh among a million sessions with one
// among ten thousand.
func BenchmarkRefreshMillion(b *testing.B) {
	server := mysqltest.Start(b, mysqltest.Flags("--innodb-buffer-pool-size=2G", "--innodb-log-file-size=512M"))
	for _, name := range []string{"few", "many"} {
		server.Exec("CREATE DATABASE " + name)
	}
	few, _ := sessionsBeside(b, server.DSN("few"), 10_000, 100)
	many, _ := sessionsBeside(b, server.DSN("many"), 1_000_000, 100)
	pairs(b, few, many)
}

// BenchmarkRefreshes compares refreshes a second with bare updates of one row,
// by as many clients.
func BenchmarkRefreshes(b *testing.B) {
	for _, clients := range []int{1, 8, 64} {
		b.Run(fmt.Sprint(clients), func(b *testing.B) {
			refresh, pool := sessionsBeside(b, mysqltest.DSN(b), 0, clients)
			var ids []string
			if err := sqlx.NewDb(pool, "mysql").SelectContext(b.Context(), &ids, "SELECT session_id FROM auth_users_sessions"); err != nil {
				b.Fatal(err)
			}
			pool.SetMaxOpenConns(16)
			pool.SetMaxIdleConns(16)
			rate := func(do func(client int)) float64 {
				var done atomic.Int64
				var all sync.WaitGroup
				start := time.Now()
				for client := range clients {
					all.Go(func() {
						for time.Since(start) < time.Second {
							do(client)
							done.Add(1)
						}
					})
				}
				all.Wait()
				return float64(done.Load()) / time.Since(start).Seconds()
			}
			var bare, ours float64
			for range b.N {
				bare += rate(func(client int) {
					if _, err := pool.ExecContext(b.Context(), "UPDATE auth_users_sessions SET version = version + 1 WHERE session_id = ?", ids[client]); err != nil {
						b.Fatal(err)
					}
				})
				ours += rate(refresh)
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(bare/float64(b.N), "updates/s")
			b.ReportMetric(ours/float64(b.N), "refreshes/s")
			b.ReportMetric(ours/bare, "ratio")
		})
	}
}
