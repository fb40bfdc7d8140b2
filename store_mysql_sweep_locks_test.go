package auth_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/internal/mysqltest"
)

// A transaction that holds one user's row keeps no sweep waiting, and a sweep locks no
// user who is there, also where its own locks stay.
func TestMySQLSweepLocksNoUser(t *testing.T) {
	dsn := mysqltest.DSN(t)
	migrate(t, openMySQL(t, dsn))
	b := bulk{t, openPool(t, dsn), "auth_users"}
	b.users(900, 1, 10)
	const later = "UTC_TIMESTAMP(6) + INTERVAL 1 DAY"
	b.sessions(900, "before an epoch", "1 + i", 9, later)
	b.sessions(100, "gone", "3000 + i", 9, later)
	b.sessions(300, "idle", "1 + i", 10, later)
	mustExec(t, b.pool, "UPDATE auth_users_sessions SET idle_until = UTC_TIMESTAMP(6) - INTERVAL 1 HOUR WHERE epoch = 10")
	b.sessions(900, "living", "1 + i", 10, later)
	b.analyzed()

	holder, err := b.pool.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer holder.Rollback()
	if _, err := holder.ExecContext(t.Context(), "UPDATE auth_users SET username = 'Eve' WHERE id = '500'"); err != nil {
		t.Fatal(err)
	}
	pool := openPool(t, withParams(t, dsn, "autocommit=0"))
	pool.SetMaxOpenConns(1)
	defer pool.Close()                                             // which commits nothing
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second) // less than a wait for a lock
	defer cancel()
	n, err := newSessions(t, newMySQLStore(t, pool), auth.SessionConfig{}).DeleteExpired(ctx, 10_000)
	if err != nil || n != 1_300 {
		t.Errorf("%d deleted, %v, want 1300", n, err)
	}
	rows, err := b.pool.QueryContext(t.Context(), "SELECT id FROM auth_users FOR UPDATE SKIP LOCKED")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	free := 0
	for rows.Next() {
		free++
	}
	if err := rows.Err(); err != nil || free != 899 {
		t.Errorf("%d of 899 users can be changed, %v", free, err)
	}
}

// Of a session that was idle when it was read, and is refreshed before it is deleted,
// nothing goes.
func TestMySQLSweepBesideARefresh(t *testing.T) {
	dsn := mysqltest.DSN(t)
	w, wired := newWire(t, dsn)
	s, other := migrate(t, openMySQL(t, wired)), openMySQL(t, dsn)
	a := newSessions(t, s, auth.SessionConfig{})
	id := registered(t, a, "ada", 1).User.ID
	u, err := s.UserByID(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	var records []auth.SessionRecord
	for i := range 3 {
		r := storedSession(fmt.Sprint("idle", i), id, now.Add(time.Hour))
		r.Epoch, r.IdleUntil = u.Epoch, now.Add(-time.Minute)
		if err := s.CreateSession(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
	var once sync.Once
	w.onWrite = func(p []byte) {
		if len(p) > 6 && string(p[5:11]) == "DELETE" && !strings.Contains(string(p), "ORDER BY") {
			once.Do(func() {
				r := records[1]
				change := rotation(&r, now.Add(-2*time.Minute)) // by a clock that is behind
				change.Rotation.IdleUntil = now.Add(30 * time.Minute)
				if err := other.UpdateSession(t.Context(), change); err != nil {
					t.Error(err)
				}
			})
		}
	}
	swept(t, a, 100, 2)
	w.onWrite = nil
	if r, err := s.SessionByID(t.Context(), "idle1"); err != nil || !r.IdleUntil.Equal(now.Add(30*time.Minute)) {
		t.Errorf("idle until %v, %v", r.IdleUntil, err)
	}
	rowsOf(t, s, id, 2)
}

// A walk that is cut short each time reaches the last sessions all the same: each goes on
// where the one before it ended, and round to there.
func TestMySQLSweepGoesOn(t *testing.T) {
	const later = "UTC_TIMESTAMP(6) + INTERVAL 1 DAY"
	add := func(t *testing.T, s auth.SessionStore, ids ...string) {
		t.Helper()
		for _, id := range ids {
			if err := s.CreateSession(t.Context(), storedSession(id, "gone", time.Now().AddDate(0, 0, 9))); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Run("limit", func(t *testing.T) {
		t.Parallel()
		w, wired := newWire(t, mysqltest.DSN(t))
		s := migrate(t, openMySQL(t, wired))
		a := newSessions(t, s, auth.SessionConfig{})
		add(t, s, "b", "c", "d", "e")
		swept(t, a, 2, 2)
		add(t, s, "a", "b")
		statements := w.said()
		swept(t, a, 3, 3) // d and e, and a, which is behind
		read := ofSessions(statements())[1]
		if !strings.Contains(read, "session_id > UNHEX('63')") { // c
			t.Errorf("it went on by %s", read)
		}
		swept(t, a, 10, 1)
		rowsOf(t, s, "gone", 0)
		swept(t, a, 10, 0)
	})
	t.Run("context", func(t *testing.T) {
		t.Parallel()
		dsn := mysqltest.DSN(t)
		w, wired := newWire(t, dsn)
		s := migrate(t, openMySQL(t, wired))
		a := newSessions(t, s, auth.SessionConfig{})
		b := bulk{t, openPool(t, dsn), "auth_users"}
		b.users(2, 1, 10)
		b.sessions(25_000, "living", "1", 10, later)
		add(t, s, "z")
		for range 3 { // of ten thousand each
			ctx, cancel := context.WithCancel(t.Context())
			reads := 0
			w.onWrite = func(p []byte) {
				if strings.Contains(string(p), "OFFSET") {
					if reads++; reads == 2 {
						cancel()
					}
				}
			}
			_, err := a.DeleteExpired(ctx, 10_000)
			wantStoreError(t, err, "delete sessions", "context ended", context.Canceled)
			cancel()
		}
		rowsOf(t, s, "gone", 0)
	})
	for held, other := range map[string]string{"!": "z", "z": "!"} { // the first and the last
		t.Run("held by another transaction: "+held, func(t *testing.T) {
			t.Parallel()
			dsn := mysqltest.DSN(t)
			s := migrate(t, openMySQL(t, withParams(t, dsn, "innodb_lock_wait_timeout=0")))
			a := newSessions(t, s, auth.SessionConfig{})
			b := bulk{t, openPool(t, dsn), "auth_users"}
			b.users(2, 1, 10)
			b.sessions(12_000, "living", "1", 10, later)
			add(t, s, held)
			holder, err := b.pool.BeginTx(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer holder.Rollback()
			if _, err := holder.ExecContext(t.Context(), "UPDATE auth_users_sessions SET repeats = 1 WHERE session_id = ?", held); err != nil {
				t.Fatal(err)
			}
			wantErr(t, second(a.DeleteExpired(t.Context(), 10_000)), auth.ErrUnavailable)
			add(t, s, other)
			wantErr(t, second(a.DeleteExpired(t.Context(), 10_000)), auth.ErrUnavailable)
			rowsOf(t, s, "gone", 1)
			if err := holder.Rollback(); err != nil {
				t.Fatal(err)
			}
			swept(t, a, 10_000, 1)
		})
	}
}
