package auth_test

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/internal/mysqltest"
)

// BenchmarkRefreshBesideRegistrations compares how long another user's refresh takes
// beside 64 who register, each with a row of the service's own in the same transaction,
// with one beside 64 plain registrations: Argon2id, a pool of 16, turns of a second.
//
//	go test -run '^$' -bench RefreshBesideRegistrations -benchtime 10x
func BenchmarkRefreshBesideRegistrations(b *testing.B) {
	const clients, connections = 64, 16
	pool := openPool(b, withParams(b, mysqltest.DSN(b), "interpolateParams=true"))
	pool.SetMaxOpenConns(connections)
	pool.SetMaxIdleConns(connections)
	store := migrate(b, newMySQLStore(b, pool))
	mustExec(b, pool, "CREATE TABLE profiles (user_id VARBINARY(64) PRIMARY KEY, FOREIGN KEY (user_id) REFERENCES auth_users (id)) ENGINE=InnoDB")
	a := newSessions(b, store, auth.SessionConfig{Grace: -1}, auth.Options{Hasher: auth.Argon2id{}})
	token := register(b, a).Tokens.Refresh
	beside := a.WithStore(store.OnCreateUser(func(ctx context.Context, tx *sql.Tx, u auth.User) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO profiles VALUES (?)", u.ID)
		return err
	}))
	var registered atomic.Int64
	var times [2][]time.Duration
	turn := func(which int, a2 *auth.Authenticator) {
		stop := make(chan struct{})
		var all, begun sync.WaitGroup
		begun.Add(clients)
		for range clients {
			all.Go(func() {
				begun.Done()
				for {
					select {
					case <-stop:
						return
					default:
					}
					r := registration()
					r.Email = fmt.Sprintf("user%d@example.com", registered.Add(1))
					if _, err := a2.Register(context.Background(), r); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		begun.Wait()
		for start := time.Now(); time.Since(start) < time.Second; {
			began := time.Now()
			result, err := a.Refresh(b.Context(), auth.Renewal{Token: token})
			if err != nil {
				b.Fatal(err)
			}
			token = result.Tokens.Refresh
			times[which] = append(times[which], time.Since(began))
		}
		close(stop)
		all.Wait()
	}
	for i := range b.N {
		if i%2 == 0 {
			turn(0, a)
			turn(1, beside)
		} else {
			turn(1, beside)
			turn(0, a)
		}
	}
	at := func(which int, share float64) float64 {
		slices.Sort(times[which])
		return float64(times[which][int(share*float64(len(times[which])-1))].Microseconds())
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(at(0, 0.5), "plain-µs")
	b.ReportMetric(at(1, 0.5), "transactions-µs")
	b.ReportMetric(at(1, 0.5)/at(0, 0.5), "ratio")
	b.ReportMetric(at(1, 0.95)/at(0, 0.95), "ratio-p95")
}
