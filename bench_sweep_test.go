package auth_test

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/internal/mysqltest"
)

// sweepBench is a server with room in memory, and a database on it with so many users who
// have ten living sessions each.
func sweepBench(b *testing.B, server *mysqltest.Server, name string, living int) (*auth.Authenticator, bulk) {
	b.Helper()
	server.Exec("CREATE DATABASE " + name)
	store := migrate(b, openMySQL(b, server.DSN(name)))
	rows := bulk{b, openPool(b, withParams(b, server.DSN(name), "interpolateParams=true")), "auth_users"}
	rows.users(living/10, 1_000_000, 10)
	rows.sessions(living, "living", fmt.Sprintf("1000000 + i %% %d", living/10), 10, "UTC_TIMESTAMP(6) + INTERVAL 20 DAY + INTERVAL i SECOND")
	return newSessions(b, store, auth.SessionConfig{Grace: -1}), rows
}

// BenchmarkRefreshBesideASweep measures refreshes of eight clients in a closed loop: alone,
// beside a sweep of 100,000 sessions that are over and 10,000 that were left behind, among
// 100,000 that live, and beside the same sweep of another database of the server, whose
// locks are nothing to them.
func BenchmarkRefreshBesideASweep(b *testing.B) {
	const clients, over, left = 8, 100_000, 10_000
	server := mysqltest.Start(b, mysqltest.Flags("--innodb-buffer-pool-size=1G"))
	var alone, beside, elsewhere []time.Duration
	var sweeps time.Duration
	build := func(name string) *auth.Authenticator {
		a, rows := sweepBench(b, server, name, 100_000)
		rows.sessions(over, "over", "1000000 + i % 10000", 10, "UTC_TIMESTAMP(6) - INTERVAL 1 DAY + INTERVAL i % 1000 SECOND")
		rows.sessions(left/2, "gone", "5000000 + i % 1000", 10, "UTC_TIMESTAMP(6) + INTERVAL 10 DAY")
		rows.sessions(left/2, "before", "1000000 + i * 2", 9, "UTC_TIMESTAMP(6) + INTERVAL 10 DAY")
		rows.analyzed()
		return a
	}
	for i := range b.N {
		name := fmt.Sprintf("d%d_%d", b.N, i)
		a, other := build(name), build(name+"_other")
		tokens := make([]string, clients)
		for i := range tokens {
			tokens[i] = registered(b, a, fmt.Sprint("client", i), 1).Tokens.Refresh
		}
		load := func(done <-chan struct{}) (took []time.Duration) {
			var all sync.WaitGroup
			each := make([][]time.Duration, clients)
			for i := range clients {
				all.Go(func() {
					for {
						select {
						case <-done:
							return
						default:
						}
						start := time.Now()
						tokens[i] = refreshed(b, a, tokens[i]).Refresh
						each[i] = append(each[i], time.Since(start))
					}
				})
			}
			all.Wait()
			return slices.Concat(each...)
		}
		sweep := func(a *auth.Authenticator, took *time.Duration) <-chan struct{} {
			done := make(chan struct{})
			go func() {
				defer close(done)
				start := time.Now()
				swept(b, a, 1_000_000, over+left)
				*took += time.Since(start)
			}()
			return done
		}
		load(after(time.Second)) // until all have a connection
		alone = append(alone, load(after(5*time.Second))...)
		elsewhere = append(elsewhere, load(sweep(other, new(time.Duration)))...)
		beside = append(beside, load(sweep(a, &sweeps))...)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(sweeps.Seconds()/float64(b.N), "s-sweep")
	for name, took := range map[string][]time.Duration{"alone": alone, "beside": beside, "elsewhere": elsewhere} {
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)/2])/1e6, "ms-p50-"+name)
		b.ReportMetric(float64(took[len(took)*99/100])/1e6, "ms-p99-"+name)
		b.ReportMetric(float64(took[len(took)-1])/1e6, "ms-max-"+name)
	}
	b.ReportMetric(float64(beside[len(beside)*99/100])/float64(elsewhere[len(elsewhere)*99/100]), "ratio-p99")
}

// after returns what is closed after a time.
func after(d time.Duration) <-chan struct{} {
	done := make(chan struct{})
	time.AfterFunc(d, func() { close(done) })
	return done
}

// BenchmarkSweepOfNothing measures a sweep that finds nothing, among so many living
// sessions, beside the server's own count of the same rows.
func BenchmarkSweepOfNothing(b *testing.B) {
	server := mysqltest.Start(b, mysqltest.Flags("--innodb-buffer-pool-size=3G"))
	for _, living := range []int{100_000, 1_000_000} {
		b.Run(fmt.Sprint(living), func(b *testing.B) {
			a, rows := sweepBench(b, server, fmt.Sprintf("d%d_%d", living, b.N), living)
			rows.analyzed()
			swept(b, a, 1000, 0)
			var sweeps, counts []time.Duration
			for range max(b.N, 5) {
				start := time.Now()
				swept(b, a, 1000, 0)
				sweeps = append(sweeps, time.Since(start))
				start = time.Now()
				rows.count("auth_users_sessions s LEFT JOIN auth_users u ON u.id = s.user_id WHERE s.idle_until <= UTC_TIMESTAMP(6) OR u.id IS NULL OR u.epoch > s.epoch")
				counts = append(counts, time.Since(start))
			}
			slices.SortFunc(sweeps, cmp.Compare)
			slices.SortFunc(counts, cmp.Compare)
			sweep, count := sweeps[len(sweeps)/2], counts[len(counts)/2]
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(sweep)/1e6, "ms-sweep")
			b.ReportMetric(float64(count)/1e6, "ms-one-statement")
			b.ReportMetric(float64(sweep)/float64(count), "ratio")
		})
	}
}
