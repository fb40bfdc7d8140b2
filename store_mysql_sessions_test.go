package auth_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
	"github.com/seed89488a0c/auth/internal/mysqltest"
)

func TestMySQLSessionStore(t *testing.T) {
	dsn := mysqltest.DSN(t)
	admin := openPool(t, dsn)
	run := func(t *testing.T, s *auth.MySQLStore, table string) {
		migrate(t, s)
		authtest.TestSessionStore(t, func(t *testing.T) auth.SessionStore {
			mustExec(t, admin, "DELETE FROM `"+table+"`")
			return s
		})
	}
	// What settings do to values and to answers TestMySQLStore shows twice; here
	// each is met once, by every other kind of store.
	for i, name := range slices.Sorted(maps.Keys(mysqlSettings)) {
		params := []string{mysqlSettings[name]}
		if mysqltest.Flavor(t, dsn) == "mysql" {
			params[0] = strings.Replace(params[0], "tx_isolation", "transaction_isolation", 1)
		}
		if i/2%2 == 0 {
			params = append(params, "interpolateParams=true")
		}
		t.Run(name, func(t *testing.T) {
			pool := openPool(t, withParams(t, dsn, params...))
			if i%2 == 0 {
				run(t, newMySQLStore(t, pool), "auth_users_sessions")
			} else {
				run(t, newMySQLStore(t, pool, auth.MySQLConfig{IntegerIDs: true, Table: "order"}), "order_sessions")
			}
		})
	}
	t.Run("opened", func(t *testing.T) { run(t, openMySQL(t, dsn), "auth_users_sessions") })
	t.Run("opened, integer IDs", func(t *testing.T) {
		long := strings.Repeat("people_x", 6) // 48 bytes
		run(t, openMySQL(t, dsn, auth.MySQLConfig{IntegerIDs: true, Table: long}), long+"_sessions")
	})
}

// storedSession is a session of a user, with an ID and an end.
func storedSession(id, userID string, expiresAt time.Time) auth.SessionRecord {
	var r auth.SessionRecord
	r.ID, r.UserID = id, userID
	r.CreatedAt, r.IdleUntil, r.ExpiresAt = expiresAt.Add(-time.Hour), expiresAt, expiresAt
	r.Family, r.Token = sha256.Sum256([]byte("family"+id)), sha256.Sum256([]byte("token"+id))
	return r
}

// rotation replaces the token of r by the next, at a time.
func rotation(r *auth.SessionRecord, at time.Time) auth.SessionUpdate {
	u := auth.SessionUpdate{ID: r.ID, IfFamily: r.Family, IfToken: r.Token, At: at,
		Rotation: &auth.SessionRotation{Token: sha256.Sum256(r.Token[:]), Parent: r.Token, IdleUntil: r.IdleUntil}}
	r.Token, r.Parent, r.Nonce = u.Rotation.Token, u.Rotation.Parent, u.Rotation.Nonce
	r.RotatedAt, r.LastUsedAt = at, at
	return u
}

var sessionsEnd = time.Date(2026, 3, 4, 5, 6, 7, 8000, time.UTC)

func TestMySQLSessionRoundTrips(t *testing.T) {
	for name, opts := range map[string]auth.MySQLConfig{
		"own IDs":     {},
		"integer IDs": {IntegerIDs: true},
	} {
		t.Run(name, func(t *testing.T) {
			w, dsn := newWire(t, mysqltest.DSN(t))
			s := migrate(t, openMySQL(t, dsn, opts))
			r := storedSession("id", "1", sessionsEnd)
			r.Epoch = 7
			deleting := func(f auth.SessionFilter, want int) func() error {
				return func() error {
					n, err := s.DeleteSessions(t.Context(), f)
					if err == nil && n != want {
						return fmt.Errorf("%d deleted, want %d", n, want)
					}
					return err
				}
			}
			long := strings.Repeat("1", 65)
			for _, step := range []struct {
				name string
				want int64
				do   func() error
			}{
				{"CreateSession", 1, func() error { return s.CreateSession(t.Context(), r) }},
				{"SessionByID", 1, func() error { _, err := s.SessionByID(t.Context(), "id"); return err }},
				{"UpdateSession", 1, func() error { return s.UpdateSession(t.Context(), rotation(&r, r.CreatedAt)) }},
				{"UpdateSession that conflicts", 1, func() error {
					wantErr(t, s.UpdateSession(t.Context(), auth.SessionUpdate{ID: "id", At: r.CreatedAt}), auth.ErrConflict)
					return nil
				}},
				{"UpdateSession of nothing", 1, func() error {
					return s.UpdateSession(t.Context(), auth.SessionUpdate{ID: "id", IfFamily: r.Family, IfToken: r.Token, At: r.CreatedAt})
				}},
				{"UpdateSession that counts", 1, func() error {
					return s.UpdateSession(t.Context(), auth.SessionUpdate{ID: "id", AnyDigests: true, RepeatsBelow: 1, At: r.CreatedAt})
				}},
				{"UpdateSession at the bound", 1, func() error {
					wantErr(t, s.UpdateSession(t.Context(), auth.SessionUpdate{ID: "id", AnyDigests: true, RepeatsBelow: 1, At: r.CreatedAt}), auth.ErrConflict)
					return nil
				}},
				{"UpdateSession of none", 1, func() error {
					wantErr(t, s.UpdateSession(t.Context(), auth.SessionUpdate{ID: "unknown", AnyDigests: true, At: r.CreatedAt}), auth.ErrConflict)
					return nil
				}},
				{"Sessions", 1, func() error { _, err := s.Sessions(t.Context(), "1"); return err }},
				{"DeleteSessions before an epoch", 1, deleting(auth.SessionFilter{UserID: "1", BeforeEpoch: r.Epoch}, 0)},
				{"DeleteSessions that have ended", 1, deleting(auth.SessionFilter{ExpiredBy: r.CreatedAt, Limit: 1000}, 0)},
				{"DeleteSessions of an ID and another family", 1, deleting(auth.SessionFilter{ID: "id", Family: r.Token}, 0)},
				{"DeleteSessions of a family", 0, deleting(auth.SessionFilter{Family: r.Family}, 0)},
				{"DeleteSessions of an ID", 1, deleting(auth.SessionFilter{ID: "id", UserID: "1"}, 1)},
				{"DeleteSessions of none", 0, deleting(auth.SessionFilter{}, 0)},
				{"DeleteSessions of at most 5", 0, deleting(auth.SessionFilter{Limit: 5}, 0)},
				{"DeleteSessions of an ID too long", 0, deleting(auth.SessionFilter{ID: long}, 0)},
				{"DeleteSessions of a user too long", 0, deleting(auth.SessionFilter{UserID: long, ExpiredBy: sessionsEnd}, 0)},
				{"SessionByID of an ID too long", 0, func() error {
					wantErr(t, second(s.SessionByID(t.Context(), long)), auth.ErrSessionNotFound)
					return nil
				}},
				{"UpdateSession of an ID too long", 0, func() error {
					wantErr(t, s.UpdateSession(t.Context(), auth.SessionUpdate{ID: long, At: sessionsEnd}), auth.ErrConflict)
					return nil
				}},
				{"Sessions of a user too long", 0, func() error { return second(s.Sessions(t.Context(), long)) }},
			} {
				before := w.writes.Load()
				if err := step.do(); err != nil {
					t.Fatalf("%s: %v", step.name, err)
				}
				if got := w.writes.Load() - before; got != step.want {
					t.Errorf("%s: %d writes to the server, want %d", step.name, got, step.want)
				}
			}
		})
	}
}

// The Authenticator has seen to all this; a server in a lax mode would cut it.
func TestMySQLRefusesSessionsItCannotKeep(t *testing.T) {
	dsn := withParams(t, mysqltest.DSN(t), "sql_mode=''")
	s := migrate(t, newMySQLStore(t, openPool(t, dsn)))
	numbers := migrate(t, newMySQLStore(t, openPool(t, dsn), auth.MySQLConfig{IntegerIDs: true, Table: "numbers"}))
	long := func(n int) string { return strings.Repeat("x", n) }
	for name, test := range map[string]struct {
		change func(r *auth.SessionRecord)
		code   string
	}{
		"ID":         {func(r *auth.SessionRecord) { r.ID = long(65) }, "value too long"},
		"user ID":    {func(r *auth.SessionRecord) { r.UserID = long(65) }, "value too long"},
		"user agent": {func(r *auth.SessionRecord) { r.Client.UserAgent = long(257) }, "value too long"},
		"bytes":      {func(r *auth.SessionRecord) { r.Client.UserAgent = strings.Repeat("é", 129) }, "value too long"},
		"label":      {func(r *auth.SessionRecord) { r.Client.Label = long(101) }, "value too long"},
		"address":    {func(r *auth.SessionRecord) { r.Client.Address = netip.MustParseAddr("::1%" + long(61)) }, "value too long"},
		"AMR":        {func(r *auth.SessionRecord) { r.AMR = long(65) }, "value too long"},
		"audience":   {func(r *auth.SessionRecord) { r.Audience = long(1025) }, "value too long"},
		"grace":      {func(r *auth.SessionRecord) { r.GraceUntil = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }, "time out of range"},
		"not UTF-8":  {func(r *auth.SessionRecord) { r.Client.Label = "\xff" }, "value not UTF-8"},
		"year 10000": {func(r *auth.SessionRecord) { r.AuthTime = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }, "time out of range"},
		"no idle":    {func(r *auth.SessionRecord) { r.IdleUntil = time.Time{} }, "time out of range"},
		"no end":     {func(r *auth.SessionRecord) { r.ExpiresAt = time.Time{} }, "time out of range"},
	} {
		r := storedSession("id", "1", sessionsEnd)
		test.change(&r)
		t.Run(name, func(t *testing.T) {
			wantStoreError(t, s.CreateSession(t.Context(), r), "create session", test.code, nil)
			wantErr(t, second(s.SessionByID(t.Context(), "id")), auth.ErrSessionNotFound)
		})
	}
	for _, userID := range []string{"", "a", "0", "01", "1 ", "1abc", "18446744073709551616"} {
		err := numbers.CreateSession(t.Context(), storedSession("id", userID, sessionsEnd))
		wantStoreError(t, err, "create session", "id not an integer", nil)
	}
	r := storedSession("id", "1", sessionsEnd)
	for name, at := range map[string]time.Time{"no time": {}, "year 10000": time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)} {
		u := auth.SessionUpdate{ID: "id", IfFamily: r.Family, IfToken: r.Token, At: at}
		t.Run(name, func(t *testing.T) {
			wantStoreError(t, s.UpdateSession(t.Context(), u), "update session", "time out of range", nil)
		})
	}
	r.GraceUntil, r.RotatedAt = r.CreatedAt, r.CreatedAt
	if err := s.CreateSession(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		change func(n *auth.SessionRotation)
		code   string
	}{
		"rotation, user agent":    {func(n *auth.SessionRotation) { n.Client.UserAgent = long(257) }, "value too long"},
		"rotation, label":         {func(n *auth.SessionRotation) { n.Client.Label = long(101) }, "value too long"},
		"rotation, address":       {func(n *auth.SessionRotation) { n.Client.Address = netip.MustParseAddr("::1%" + long(61)) }, "value too long"},
		"rotation, not UTF-8":     {func(n *auth.SessionRotation) { n.Client.UserAgent = "\xff" }, "value not UTF-8"},
		"rotation, grace":         {func(n *auth.SessionRotation) { n.GraceUntil = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }, "time out of range"},
		"rotation, no idle end":   {func(n *auth.SessionRotation) { n.IdleUntil = time.Time{} }, "time out of range"},
		"rotation, idle for long": {func(n *auth.SessionRotation) { n.IdleUntil = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }, "time out of range"},
	} {
		t.Run(name, func(t *testing.T) {
			next := r
			u := rotation(&next, r.CreatedAt)
			test.change(u.Rotation)
			wantStoreError(t, s.UpdateSession(t.Context(), u), "update session", test.code, nil)
			if got, err := s.SessionByID(t.Context(), r.ID); err != nil || got != r {
				t.Errorf("changed: %v", err)
			}
		})
	}
	_, err := s.DeleteSessions(t.Context(), auth.SessionFilter{ExpiredBy: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)})
	wantStoreError(t, err, "delete sessions", "time out of range", nil)
}

// mysqlSessionCalls calls each method that sends a statement.
var mysqlSessionCalls = map[string]func(ctx context.Context, s *auth.MySQLStore) error{
	"create session": func(ctx context.Context, s *auth.MySQLStore) error {
		return s.CreateSession(ctx, storedSession("id", "1", sessionsEnd))
	},
	"session by id": func(ctx context.Context, s *auth.MySQLStore) error { return second(s.SessionByID(ctx, "id")) },
	"update session": func(ctx context.Context, s *auth.MySQLStore) error {
		return s.UpdateSession(ctx, auth.SessionUpdate{ID: "id", At: sessionsEnd})
	},
	"sessions": func(ctx context.Context, s *auth.MySQLStore) error { return second(s.Sessions(ctx, "1")) },
	"delete sessions": func(ctx context.Context, s *auth.MySQLStore) error {
		return second(s.DeleteSessions(ctx, auth.SessionFilter{UserID: "1"}))
	},
}

func TestMySQLSessionErrors(t *testing.T) {
	for op, call := range mysqlSessionCalls {
		t.Run(op, func(t *testing.T) {
			_, _, s := newScripted(t, serverError(1040))
			err := call(t.Context(), s)
			wantStoreError(t, err, op, "mysql 1040", nil)
			if strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), "canary") {
				t.Errorf("the driver's text shows: %#v", err)
			}
			_, _, s = newScripted(t, serverError(1146))
			wantErr(t, call(t.Context(), s), auth.ErrSchema)
			server, _, s := newScripted(t, repeat(serverError(1213), 2)...)
			if err := call(t.Context(), s); err != nil && op != "session by id" {
				t.Errorf("after two deadlocks: %v", err)
			}
			if got := len(server.statements); got != 3 {
				t.Errorf("%d statements were sent, want 3", got)
			}
		})
	}
	_, _, s := newScripted(t, serverError(1062))
	wantErr(t, mysqlSessionCalls["create session"](t.Context(), s), auth.ErrConflict)
}
