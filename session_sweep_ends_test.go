package auth_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
)

// A session that was idle for too long cannot come back, and does not keep the address
// until it would have expired.
// ASVS 5.0 14.2.7
func TestDeleteExpiredSweepsTheIdle(t *testing.T) {
	sweptStores(t, func(t *testing.T, s userSessions) {
		now := time.Now().UTC().Truncate(time.Microsecond)
		a := newSessions(t, s, auth.SessionConfig{})
		first := registered(t, a, "ada", 1)
		u, err := s.UserByID(t.Context(), first.User.ID)
		if err != nil {
			t.Fatal(err)
		}
		for id, idle := range map[string]time.Time{"past": now.Add(-time.Hour), "now": now, "later": now.Add(30 * time.Minute)} {
			r := storedSession(id, u.ID, now.Add(time.Hour))
			r.Epoch, r.IdleUntil = u.Epoch, idle
			if err := s.CreateSession(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		}
		swept(t, a, 100, 2)
		swept(t, a, 100, 0)
		rowsOf(t, s, u.ID, 2)
		if _, err := s.SessionByID(t.Context(), "later"); err != nil {
			t.Error(err)
		}
		refreshed(t, a, first.Tokens.Refresh)
	})
}

// expiredSessions returns a store in memory with sessions that are over, of so many users.
func expiredSessions(t testing.TB, sessions, users int) *auth.MemoryStore {
	t.Helper()
	store := auth.NewMemoryStore()
	end := time.Now().Add(-time.Hour)
	for i := range sessions {
		r := auth.SessionRecord{Session: auth.Session{
			ID: fmt.Sprint(i), UserID: fmt.Sprint("u", i%users), CreatedAt: end.Add(-time.Duration(i) * time.Second), IdleUntil: end, ExpiresAt: end,
		}}
		if err := store.CreateSession(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	return store
}

// A sweep in memory looks at each session once: four times as many take about four times the
// memory to collect. Where each batch collects all that is over it is sixteen times.
func TestMemorySweepIsLinear(t *testing.T) {
	collected := func(sessions int) uint64 {
		a := newSessions(t, expiredSessions(t, sessions, sessions/4), auth.SessionConfig{})
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		swept(t, a, sessions, sessions)
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	few, many := collected(25_000), collected(100_000)
	if many > 7*few {
		t.Errorf("%d bytes for 25,000 sessions, %d for 100,000", few, many)
	}
}

// BenchmarkMemorySweep measures the sweep of sessions in memory that are all over, against
// one of a tenth of them, of as many users and of one in ten.
func BenchmarkMemorySweep(b *testing.B) {
	const sessions = 100_000
	for _, each := range []int{1, 10} {
		b.Run(fmt.Sprint(each), func(b *testing.B) {
			var all, tenth time.Duration
			for range b.N {
				for n, took := range map[int]*time.Duration{sessions: &all, sessions / 10: &tenth} {
					a := newSessions(b, expiredSessions(b, n, n/each), auth.SessionConfig{})
					start := time.Now()
					swept(b, a, n, n)
					*took += time.Since(start)
				}
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(all.Seconds()*1e3/float64(b.N), "ms-100000")
			b.ReportMetric(float64(all)/float64(tenth), "ratio")
		})
	}
}
