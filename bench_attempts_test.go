package auth_test

import (
	"cmp"
	"encoding/binary"
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/internal/mysqltest"
)

var loginReadUsers = flag.Int("login-read-users", 10_000, "how many users BenchmarkLoginRead has")

// BenchmarkLoginRead compares the read of a login that gives six counters too with the
// plain one, beside as many users and counters, in turns on one connection: of users who
// are there, and of addresses that are nobody's. -login-read-users says how many.
func BenchmarkLoginRead(b *testing.B) {
	users := *loginReadUsers
	server := mysqltest.Start(b, mysqltest.Flags("--innodb-buffer-pool-size=3G", "--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0"))
	server.Exec("CREATE DATABASE d")
	s := migrate(b, openMySQL(b, server.DSN("d")))
	rows := bulk{b, openPool(b, withParams(b, server.DSN("d"), "interpolateParams=true")), "auth_users"}
	for first := 0; first < users; first += 1_000_000 { // of which the server can undo each
		n := min(users-first, 1_000_000)
		rows.users(n, 1+first, 10)
		rows.attemptsFrom(first, n)
	}
	rows.analyzed()
	// The counters of a login are those of the address, of two parts of it, and of networks:
	// some are there.
	keys := func(i int) (keys [][32]byte) {
		for part := range uint64(6) {
			var key [32]byte
			binary.BigEndian.PutUint64(key[:], (uint64(i)*7919+part)*0x9e3779b97f4a7c15)
			if part < 3 {
				key = rows.attemptKey(i + int(part))
			}
			keys = append(keys, key)
		}
		return keys
	}
	for _, who := range []string{"users", "nobody"} {
		b.Run(who, func(b *testing.B) {
			var plain, fused []time.Duration
			var found int
			read := func(i int, attempts [][32]byte) time.Duration {
				i = i * 7919 % users
				key := fmt.Sprintf("user%d@example.com", 1+i)
				if who == "nobody" {
					key = fmt.Sprintf("user%d@example.org", 1+i)
				}
				start := time.Now()
				_, _, got, err := auth.UserForLogin(b.Context(), s, key, 100, attempts)
				took := time.Since(start)
				if (err == nil) != (who == "users") {
					b.Fatal(err)
				}
				found += len(got)
				return took
			}
			for i := range max(b.N, 5000) {
				// Each reads what the other has not just brought in.
				if i%2 == 0 {
					plain, fused = append(plain, read(2*i, nil)), append(fused, read(2*i+1, keys(2*i+1)))
				} else {
					fused = append(fused, read(2*i, keys(2*i)))
					plain = append(plain, read(2*i+1, nil))
				}
			}
			if found == 0 {
				b.Error("no counter was read")
			}
			slices.SortFunc(plain, cmp.Compare)
			slices.SortFunc(fused, cmp.Compare)
			b.ReportMetric(0, "ns/op")
			for name, took := range map[string][]time.Duration{"plain": plain, "fused": fused} {
				b.ReportMetric(float64(took[len(took)/2])/1e3, "us-p50-"+name)
				b.ReportMetric(float64(took[len(took)*99/100])/1e3, "us-p99-"+name)
			}
			b.ReportMetric(float64(fused[len(fused)/2])/float64(plain[len(plain)/2]), "ratio")
		})
	}
}

// attemptsFrom adds n counters, one of each account, that live for a day.
func (b bulk) attemptsFrom(first, n int) {
	b.t.Helper()
	mustExec(b.t, b.pool, fmt.Sprintf("INSERT INTO `%s_attempts` (id, count, at, expires_at) SELECT CONCAT(UNHEX(LPAD(HEX(%d + i), 16, '0')), REPEAT('x', 24)), 1, %d, %d",
		b.table, first, time.Now().UnixMicro(), time.Now().Add(24*time.Hour).UnixMicro())+b.each(n))
}

func (b bulk) attemptKey(i int) (key [32]byte) {
	binary.BigEndian.PutUint64(key[:], uint64(i))
	copy(key[8:], slices.Repeat([]byte{'x'}, 24))
	return key
}

// BenchmarkMemoryAttemptsUnderAttack compares a count of ever new keys, where the store is
// full, with a count of one key.
func BenchmarkMemoryAttemptsUnderAttack(b *testing.B) {
	at := time.Now().UTC()
	of := func(mask uint64, filled int) func(int) {
		s := auth.NewMemoryStore()
		count := func(i uint64) {
			r := auth.AttemptRecord{At: at, ExpiresAt: at.Add(time.Hour)}
			binary.BigEndian.PutUint64(r.Key[:], i&mask)
			if err := s.CountAttempts(b.Context(), at, []auth.AttemptRecord{r}); err != nil {
				b.Fatal(err)
			}
		}
		for i := range filled {
			count(1<<40 + uint64(i))
		}
		return func(i int) { count(uint64(i)) }
	}
	pairs(b, of(0, 100_000), of(1<<63-1, 100_000))
}
