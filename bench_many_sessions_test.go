package auth_test

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/internal/mysqltest"
)

// A crowd is a database in which one user has many sessions that have not ended, and
// another has one.
type crowd struct {
	store   *auth.MySQLStore
	a       *auth.Authenticator
	many    string // the ID of the user who has them
	refresh func() // of the other's session
}

func newCrowd(b *testing.B, dsn string, sessions int) crowd {
	b.Helper()
	store := migrate(b, openMySQL(b, dsn))
	c := crowd{store: store, a: newSessions(b, store, auth.SessionConfig{Grace: -1})}
	c.many = register(b, c.a).User.ID
	crowdSessions(b, dsn, c.many, sessions)
	other := registration()
	other.Email = "other@example.com"
	result, err := c.a.Register(b.Context(), other)
	if err != nil {
		b.Fatal(err)
	}
	c.refresh = func() {
		if result, err = c.a.Refresh(b.Context(), auth.Renewal{Token: result.Tokens.Refresh}); err != nil {
			b.Fatal(err)
		}
	}
	return c
}

// crowdSessions adds sessions of a user, of whom there is one, until there are n: each
// a second older than the one before.
func crowdSessions(t testing.TB, dsn, userID string, n int) {
	t.Helper()
	pool := openPool(t, withParams(t, dsn, "interpolateParams=true"))
	for have := 1; have < n; {
		more := min(have, n-have, 10_000)
		mustExec(t, pool, fmt.Sprintf(`INSERT INTO auth_users_sessions
			(session_id, user_id, amr, audience, repeats, epoch, family, token, parent, sibling, nonce, address, user_agent, label, created_at, last_used_at, auth_time, idle_until, expires_at)
			SELECT SUBSTRING(SHA2(UUID(), 256), 1, 22), user_id, amr, audience, repeats, epoch, family, token, parent, sibling, nonce, address, user_agent, label,
			created_at - INTERVAL %d SECOND, last_used_at, auth_time, idle_until, expires_at - INTERVAL %d SECOND
			FROM auth_users_sessions WHERE user_id = '%s' ORDER BY created_at DESC LIMIT %d`, have, have, userID, more))
		have += more
	}
	rows, err := pool.QueryContext(t.Context(), "ANALYZE TABLE auth_users_sessions")
	if err != nil {
		t.Fatal(err)
	}
	rows.Close()
}

// latencies returns how long do takes, again and again, while others do besides in a
// closed loop each: the median and the 99th percentile.
func latencies(times, others int, do func(), besides func()) (median, late time.Duration) {
	var stop atomic.Bool
	var all sync.WaitGroup
	for range others {
		all.Go(func() {
			for !stop.Load() {
				besides()
			}
		})
	}
	time.Sleep(200 * time.Millisecond) // until all have a connection
	took := make([]time.Duration, times)
	for i := range took {
		start := time.Now()
		do()
		took[i] = time.Since(start)
	}
	stop.Store(true)
	all.Wait()
	slices.Sort(took)
	return took[times/2], took[times*99/100]
}

// BenchmarkSessionsOfOneUser lists a user's sessions, of whom so many are stored. A
// list has a thousand at most.
func BenchmarkSessionsOfOneUser(b *testing.B) {
	server := mysqltest.Start(b, mysqltest.Flags("--innodb-buffer-pool-size=1G"))
	var thousand time.Duration
	for _, n := range []int{1000, 100, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			name := fmt.Sprintf("d%d_%d", n, b.N)
			server.Exec("CREATE DATABASE " + name)
			c := newCrowd(b, server.DSN(name), n)
			list := func() {
				if list, err := c.a.Sessions(b.Context(), c.many); err != nil || len(list) != min(n, 1000) {
					b.Fatal(len(list), err)
				}
			}
			median, _ := latencies(200, 0, list, nil)
			if n == 1000 {
				thousand = median
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(median)/1e6, "ms")
			b.ReportMetric(float64(median)/float64(thousand), "of-1000")
		})
	}
}

// BenchmarkRefreshBesideListers compares a user's refresh beside 16 who list another's
// hundred sessions with one beside 16 who read that user.
func BenchmarkRefreshBesideListers(b *testing.B) {
	c := newCrowd(b, mysqltest.DSN(b), 100)
	var points, lists time.Duration
	for range b.N {
		reading, _ := latencies(300, 16, c.refresh, func() {
			if _, err := c.store.UserByID(b.Context(), c.many); err != nil {
				b.Error(err)
			}
		})
		listing, _ := latencies(300, 16, c.refresh, func() {
			if list, err := c.a.Sessions(b.Context(), c.many); err != nil || len(list) != 100 {
				b.Error(len(list), err)
			}
		})
		points, lists = points+reading, lists+listing
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(points)/float64(b.N)/1e6, "ms-points")
	b.ReportMetric(float64(lists)/float64(b.N)/1e6, "ms-lists")
	b.ReportMetric(float64(lists)/float64(points), "ratio")
}

// BenchmarkRefreshBesideAnEnding compares the latest of a user's refreshes while all of
// another's 100,000 sessions are deleted, as far as one call does, with the latest alone.
func BenchmarkRefreshBesideAnEnding(b *testing.B) {
	server := mysqltest.Start(b, mysqltest.Flags("--innodb-buffer-pool-size=1G"))
	var alone, beside, call time.Duration
	for i := range b.N {
		name := fmt.Sprintf("d%d_%d", b.N, i)
		server.Exec("CREATE DATABASE " + name)
		c := newCrowd(b, server.DSN(name), 100_000)
		_, late := latencies(300, 0, c.refresh, nil)
		alone += late
		var all sync.WaitGroup
		var done atomic.Bool
		start := time.Now()
		all.Go(func() {
			defer done.Store(true)
			if _, err := c.store.DeleteSessions(b.Context(), auth.SessionFilter{UserID: c.many}); err != nil {
				b.Error(err)
			}
			call += time.Since(start)
		})
		var latest time.Duration
		for n := 0; n < 300 || !done.Load(); n++ {
			start := time.Now()
			c.refresh()
			latest = max(latest, time.Since(start))
		}
		all.Wait()
		beside += latest
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(call)/float64(b.N)/1e6, "ms-ending")
	b.ReportMetric(float64(alone)/float64(b.N)/1e6, "ms-alone")
	b.ReportMetric(float64(beside)/float64(b.N)/1e6, "ms-beside")
	b.ReportMetric(float64(beside)/float64(alone), "ratio")
}

// BenchmarkMemorySessionsOfOneUser compares a list and an ending of a user who has
// 100,000 sessions in memory with those of one who has a thousand.
func BenchmarkMemorySessionsOfOneUser(b *testing.B) {
	of := func(n int) func(int) {
		s := auth.NewMemoryStore()
		for i := range n {
			if err := s.CreateSession(b.Context(), storedSession(fmt.Sprint(i), "1", sessionsEnd.Add(time.Duration(i)*time.Second))); err != nil {
				b.Fatal(err)
			}
		}
		return func(i int) {
			list, err := s.Sessions(b.Context(), "1")
			if err != nil || len(list) != 1000 {
				b.Fatal(len(list), err)
			}
			if n, err := s.DeleteSessions(b.Context(), auth.SessionFilter{UserID: "1", Limit: 1}); err != nil || n != 1 {
				b.Fatal(n, err)
			}
			if err := s.CreateSession(b.Context(), storedSession(fmt.Sprint("new", i), "1", sessionsEnd.Add(time.Duration(n+i)*time.Second))); err != nil {
				b.Fatal(err)
			}
		}
	}
	pairs(b, of(1000), of(100_000))
}
