package auth_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/internal/mysqltest"
)

// pairs times ours beside a baseline, b.N times, in turns, and reports the
// median of each and how they compare: machines are noisy, so that only what
// ran in the same moments can be compared.
func pairs(b *testing.B, baseline, ours func(i int)) {
	b.Helper()
	var times [2][]time.Duration
	run := func(which, i int, f func(int)) {
		start := time.Now()
		f(i)
		times[which] = append(times[which], time.Since(start))
	}
	for i := range b.N {
		if i%2 == 0 {
			run(0, i, baseline)
			run(1, i, ours)
		} else {
			run(1, i, ours)
			run(0, i, baseline)
		}
	}
	b.ReportMetric(0, "ns/op")
	for which := range times {
		slices.Sort(times[which])
	}
	base, own := times[0][b.N/2], times[1][b.N/2]
	b.ReportMetric(float64(base.Nanoseconds())/1e3, "baseline-µs")
	b.ReportMetric(float64(own.Nanoseconds())/1e3, "ours-µs")
	b.ReportMetric(float64(own)/float64(base), "ratio")
}

func bareHash() { argon2.IDKey([]byte(password), []byte("0123456789abcdef"), 2, 19456, 1, 32) }

func benchmarkStores(b *testing.B, run func(b *testing.B, a *auth.Authenticator)) {
	stores := map[string]func(b *testing.B) auth.UserStore{
		"memory": func(*testing.B) auth.UserStore { return auth.NewMemoryStore() },
		"mysql": func(b *testing.B) auth.UserStore {
			store, err := auth.OpenMySQL(b.Context(), mysqltest.DSN(b), auth.MySQLConfig{})
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { store.Close() })
			if err := store.Migrate(b.Context()); err != nil {
				b.Fatal(err)
			}
			return store
		},
	}
	for _, name := range []string{"memory", "mysql"} {
		b.Run(name, func(b *testing.B) {
			a, err := auth.New(stores[name](b), newIssuer(b, auth.JWTConfig{}), auth.Options{})
			if err != nil {
				b.Fatal(err)
			}
			if _, err := a.Register(b.Context(), registration()); err != nil {
				b.Fatal(err)
			}
			run(b, a)
		})
	}
}

// BenchmarkLogin shows what a login takes beside one Argon2id of the same
// parameters: go test -run '^$' -bench 'Login|Register' -benchtime 400x
func BenchmarkLogin(b *testing.B) {
	benchmarkStores(b, func(b *testing.B, a *auth.Authenticator) {
		pairs(b, func(int) { bareHash() }, func(int) {
			if _, err := a.Login(b.Context(), credentials(email, password)); err != nil {
				b.Fatal(err)
			}
		})
	})
}

// BenchmarkRegister does the same for a registration.
func BenchmarkRegister(b *testing.B) {
	round := 0 // the function runs more than once
	benchmarkStores(b, func(b *testing.B, a *auth.Authenticator) {
		round++
		pairs(b, func(int) { bareHash() }, func(i int) {
			r := registration()
			r.Email = fmt.Sprintf("user%d.%d@example.com", round, i)
			if _, err := a.Register(b.Context(), r); err != nil {
				b.Fatal(err)
			}
		})
	})
}

// BenchmarkLoginMemory shows what 64 logins at once take at their peak beyond
// the idle process, and what 64 bare hashes do. The kernel keeps the peak:
// go test -run '^$' -bench LoginMemory -benchtime 1x
func BenchmarkLoginMemory(b *testing.B) {
	const logins = 64
	a, err := auth.New(auth.NewMemoryStore(), newIssuer(b, auth.JWTConfig{}), auth.Options{})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := a.Register(b.Context(), registration()); err != nil {
		b.Fatal(err)
	}
	atOnce := func(f func()) func() {
		return func() {
			var wg sync.WaitGroup
			for range logins {
				wg.Go(f)
			}
			wg.Wait()
		}
	}
	login := atOnce(func() {
		if _, err := a.Login(context.Background(), credentials(email, password)); err != nil {
			b.Error(err)
		}
	})
	for range b.N {
		b.ReportMetric(peakMiB(b, login), "ours-MiB")
		b.ReportMetric(peakMiB(b, atOnce(bareHash)), "baseline-MiB")
	}
	b.ReportMetric(0, "ns/op")
}

// peakMiB returns by how much f raises the memory that the process has resident.
func peakMiB(b *testing.B, f func()) float64 {
	b.Helper()
	debug.FreeOSMemory()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil { // proc(5): resets the peak
		b.Fatalf("this benchmark needs Linux: %v", err)
	}
	idle := residentPeakMiB(b)
	f()
	return residentPeakMiB(b) - idle
}

func residentPeakMiB(b *testing.B) float64 {
	b.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Fatal(err)
	}
	var kib float64
	_, rest, _ := bytes.Cut(status, []byte("VmHWM:"))
	if _, err := fmt.Sscan(string(rest), &kib); err != nil {
		b.Fatal(err)
	}
	return kib / 1024
}
