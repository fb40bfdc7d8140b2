package auth_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/internal/mysqltest"
)

// A row that cannot be deleted, as while a transaction holds it, is an error, and keeps
// none of the others but those of its own statement.
func TestMySQLSweepPastARowThatIsHeld(t *testing.T) {
	for name, expired := range map[string]bool{"left behind": false, "expired": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := mysqltest.DSN(t)
			s := migrate(t, openMySQL(t, withParams(t, dsn, "innodb_lock_wait_timeout=1")))
			a := newSessions(t, s, auth.SessionConfig{})
			b := bulk{t, openPool(t, dsn), "auth_users"}
			b.users(2, 1, 10)
			b.sessions(2_500, "gone", "3000 + i", 9, "UTC_TIMESTAMP(6) + INTERVAL 1 DAY")
			held := storedSession("!", "gone", time.Now().AddDate(0, 0, 9)) // before all others
			if expired {
				held.ExpiresAt = time.Now().UTC().Truncate(time.Microsecond).Add(-time.Hour)
				held.IdleUntil = held.ExpiresAt
			}
			if err := s.CreateSession(t.Context(), held); err != nil {
				t.Fatal(err)
			}
			holder, err := b.pool.BeginTx(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer holder.Rollback()
			if _, err := holder.ExecContext(t.Context(), "UPDATE auth_users_sessions SET repeats = 1 WHERE session_id = '!'"); err != nil {
				t.Fatal(err)
			}
			if n, err := a.DeleteExpired(t.Context(), 100_000); n != 0 || !errors.Is(err, auth.ErrUnavailable) {
				t.Errorf("beside the held row: %d, %v", n, err)
			}
			if left := b.count("auth_users_sessions"); left > 100 {
				t.Errorf("%d rows are left", left)
			}
			if err := holder.Rollback(); err != nil {
				t.Fatal(err)
			}
			if _, err := a.DeleteExpired(t.Context(), 100_000); err != nil {
				t.Error(err)
			}
			if left := b.count("auth_users_sessions"); left != 0 {
				t.Errorf("%d rows are left at the end", left)
			}
		})
	}
}

// A thousand sessions of a user that are deleted by their IDs are found by a key: what
// somebody else holds is not waited for.
func TestMySQLThousandIDs(t *testing.T) {
	dsn := mysqltest.DSN(t)
	s := migrate(t, openMySQL(t, withParams(t, dsn, "innodb_lock_wait_timeout=1")))
	b := bulk{t, openPool(t, dsn), "auth_users"}
	b.sessions(2_500, "others", "3000 + i", 9, "UTC_TIMESTAMP(6) + INTERVAL 1 DAY")
	var ids []string
	for i := range 1_000 {
		r := storedSession(fmt.Sprintf("own%d", i), "own", time.Now().Add(time.Hour))
		if err := s.CreateSession(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, r.ID)
	}
	if err := s.CreateSession(t.Context(), storedSession("!", "held", time.Now().Add(time.Hour))); err != nil {
		t.Fatal(err)
	}
	holder, err := b.pool.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer holder.Rollback()
	if _, err := holder.ExecContext(t.Context(), "UPDATE auth_users_sessions SET repeats = 1 WHERE session_id = '!'"); err != nil {
		t.Fatal(err)
	}
	if n, err := s.DeleteSessions(t.Context(), auth.SessionFilter{IDs: ids, UserID: "own"}); n != 1_000 || err != nil {
		t.Errorf("%d deleted, %v", n, err)
	}
}
