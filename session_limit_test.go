package auth_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
	"github.com/seed89488a0c/auth/internal/mysqltest"
)

// otherMemory keeps both, and is a store of which nothing is known.
type otherMemory struct{ *auth.MemoryStore }

// limitedStores are the kinds of store that a limit is kept in.
var limitedStores = map[string]func() userAndSessionStore{
	"ours":      func() userAndSessionStore { return auth.NewMemoryStore() },
	"another's": func() userAndSessionStore { return otherMemory{auth.NewMemoryStore()} },
}

func stored(t testing.TB, s auth.SessionStore, userID string) int {
	t.Helper()
	list, err := s.Sessions(t.Context(), userID)
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

func TestMaxPerUserIsAHundred(t *testing.T) {
	for name, newStore := range limitedStores {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStore()
				a := newSessions(t, s, auth.SessionConfig{})
				first := register(t, a)
				for range 99 {
					time.Sleep(time.Second)
					loggedIn(t, a)
				}
				first.Tokens = refreshed(t, a, first.Tokens.Refresh)
				time.Sleep(time.Second)
				loggedIn(t, a)
				refused(t, a, first.Tokens.Refresh, auth.ErrInvalidToken)
				if n := stored(t, s, first.User.ID); n != 100 {
					t.Errorf("%d sessions, want 100", n)
				}
			})
		})
	}
}

// What was stored before there was a limit goes a thousand at once, the oldest of those
// that were listed first, and all at one login where there are no more.
func TestMaxPerUserOfManyStored(t *testing.T) {
	for name, newStore := range limitedStores {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStore()
				ended := 0
				a := newSessions(t, s, auth.SessionConfig{MaxPerUser: 100}, auth.Options{Events: func(_ context.Context, e auth.Event) {
					if e.Kind == "session_ended" {
						ended++
					}
				}})
				user, err := s.UserByID(t.Context(), register(t, a).User.ID)
				if err != nil {
					t.Fatal(err)
				}
				for i := range 1499 {
					r := storedSession(fmt.Sprint(i), user.ID, time.Now().Add(time.Hour).Add(-time.Duration(i)*time.Second).Truncate(time.Microsecond))
					r.Epoch = user.Epoch
					if err := s.CreateSession(t.Context(), r); err != nil {
						t.Fatal(err)
					}
				}
				for _, want := range []int{1501 - 900, 100, 100} {
					time.Sleep(time.Second)
					loggedIn(t, a)
					if n := stored(t, s, user.ID); n != want {
						t.Errorf("%d sessions after a login, want %d", n, want)
					}
				}
				if ended != 900+502+1 {
					t.Errorf("%d sessions were told to have ended", ended)
				}
				for i := range 98 { // beside those of Register and three logins the newest are left
					if _, err := s.SessionByID(t.Context(), fmt.Sprint(i)); i < 96 != (err == nil) {
						t.Errorf("session %d: %v", i, err)
					}
				}
			})
		})
	}
}

// Sessions that have ended are not counted, and do not stay to be listed at each login.
func TestMaxPerUserRemovesWhatHasEnded(t *testing.T) {
	for name, newStore := range limitedStores {
		for _, refuse := range []bool{false, true} {
			t.Run(fmt.Sprint(name, refuse), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := newStore()
					a := newSessions(t, s, auth.SessionConfig{MaxPerUser: 3, RefuseMore: refuse, IdleTTL: time.Hour})
					user := register(t, a)
					alive := user.Tokens.Refresh
					time.Sleep(time.Second)
					loggedIn(t, a) // is not refreshed any more
					old := storedSession("of an old epoch", user.User.ID, time.Now().Add(time.Hour).Truncate(time.Microsecond))
					if err := s.CreateSession(t.Context(), old); err != nil {
						t.Fatal(err)
					}
					for range 3 {
						time.Sleep(30 * time.Minute)
						alive = refreshed(t, a, alive).Refresh
					}
					loggedIn(t, a)
					if n := stored(t, s, user.User.ID); n != 2 {
						t.Errorf("%d sessions are stored, want the two that live", n)
					}
					refreshed(t, a, alive)
				})
			})
		}
	}
}

// behind is a store whose lists are of an hour ago, as those of a replica can be.
type behind struct {
	*auth.MemoryStore
	lists map[string][]auth.SessionRecord
}

func (b *behind) Sessions(_ context.Context, userID string) ([]auth.SessionRecord, error) {
	return b.lists[userID], nil
}

// A session that was refreshed since the list was made is not taken for ended.
func TestMaxPerUserIsDecidedByTheWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &behind{MemoryStore: auth.NewMemoryStore(), lists: map[string][]auth.SessionRecord{}}
		a := newSessions(t, s, auth.SessionConfig{MaxPerUser: 3, IdleTTL: time.Hour})
		user := register(t, a)
		list, err := s.MemoryStore.Sessions(t.Context(), user.User.ID)
		if err != nil {
			t.Fatal(err)
		}
		s.lists[user.User.ID] = list
		time.Sleep(40 * time.Minute)
		alive := refreshed(t, a, user.Tokens.Refresh).Refresh
		time.Sleep(40 * time.Minute)
		loggedIn(t, a)
		refreshed(t, a, alive)
	})
}

// The read of a login says whether there can be too many sessions: only then, and only
// as long as it is so, is there a trip more.
func TestMySQLLoginRoundTripsWithALimit(t *testing.T) {
	for name, opts := range map[string]auth.MySQLConfig{
		"own IDs":     {},
		"integer IDs": {IntegerIDs: true},
	} {
		t.Run(name, func(t *testing.T) {
			w, dsn := newWire(t, mysqltest.DSN(t))
			s := migrate(t, openMySQL(t, dsn, opts))
			a := newSessions(t, s, auth.SessionConfig{MaxPerUser: 3})
			refusing := newSessions(t, s, auth.SessionConfig{MaxPerUser: 3, RefuseMore: true})
			user := register(t, a).User
			login := func(what string, a *auth.Authenticator, want int64, wantErr error) {
				t.Helper()
				before := w.writes.Load()
				_, err := a.Login(t.Context(), credentials(email, password))
				if got := w.writes.Load() - before; got != want || !errors.Is(err, wantErr) {
					t.Errorf("%s: %d writes to the server, %v, want %d", what, got, err, want)
				}
			}
			login("the second", a, 2, nil)
			login("the third", refusing, 2, nil)
			login("one too many", refusing, 2, auth.ErrTooManySessions)
			login("the fourth", a, 4, nil)
			login("the fifth", a, 4, nil)
			if n := stored(t, s, user.ID); n != 3 {
				t.Errorf("%d sessions are stored", n)
			}
			if _, err := openPool(t, dsn).ExecContext(t.Context(), "UPDATE auth_users_sessions SET idle_until = created_at WHERE user_id = ?", user.ID); err != nil {
				t.Fatal(err)
			}
			login("after they have ended", a, 4, nil)
			login("after they were removed", a, 2, nil)
			if n := stored(t, s, user.ID); n != 2 {
				t.Errorf("%d sessions are stored", n)
			}
		})
	}
}

// The limit is kept whatever a pool of the service's own has been told.
func TestMySQLMaxPerUserOnAnyPool(t *testing.T) {
	for name, setting := range mysqlSettings {
		for kind, opts := range map[string]auth.MySQLConfig{"": {}, "interpolateParams=true": {IntegerIDs: true}} {
			t.Run(name+" "+kind, func(t *testing.T) {
				dsn := mysqltest.DSN(t)
				if mysqltest.Flavor(t, dsn) == "mysql" {
					setting = strings.Replace(setting, "tx_isolation", "transaction_isolation", 1)
				}
				s := migrate(t, newMySQLStore(t, openPool(t, withParams(t, dsn, setting, kind)), opts))
				a := newSessions(t, s, auth.SessionConfig{MaxPerUser: 2})
				user := register(t, a).User
				for want := range 4 {
					loggedIn(t, a)
					if n := stored(t, s, user.ID); n != min(want+2, 2) {
						t.Errorf("%d sessions after login %d", n, want+1)
					}
				}
				if n, err := s.DeleteSessions(t.Context(), auth.SessionFilter{UserID: user.ID}); err != nil || n != 2 {
					t.Errorf("%d deleted, %v", n, err)
				}
			})
		}
	}
}

// handled returns what the server counted of one call on one connection: the rows that
// it read and wrote, and the bytes that it sent.
func handled(t testing.TB, db *sqlx.DB, call func() error) (rows, bytes int64) {
	t.Helper()
	status := func() map[string]int64 {
		var list []struct {
			Name  string `db:"Variable_name"`
			Value string `db:"Value"`
		}
		if err := db.SelectContext(t.Context(), &list, "SHOW SESSION STATUS WHERE Variable_name LIKE 'Handler_%' OR Variable_name = 'Bytes_sent'"); err != nil {
			t.Fatal(err)
		}
		counts := map[string]int64{}
		for _, v := range list {
			if n, err := strconv.ParseInt(v.Value, 10, 64); err == nil {
				counts[v.Name] = n
			}
		}
		return counts
	}
	difference := func(call func() error) (rows, bytes int64) {
		before := status()
		if err := call(); err != nil {
			t.Fatal(err)
		}
		for name, n := range status() {
			switch {
			case name == "Bytes_sent":
				bytes = n - before[name]
			case strings.HasPrefix(name, "Handler_read_"), name == "Handler_delete":
				rows += n - before[name]
			}
		}
		return rows, bytes
	}
	noRows, noBytes := difference(func() error { return nil }) // what asking takes
	rows, bytes = difference(call)
	return rows - noRows, bytes - noBytes
}

// oneConnection returns a store on a pool of one connection, and the pool.
func oneConnection(t testing.TB, dsn string, opts ...auth.MySQLConfig) (*auth.MySQLStore, *sqlx.DB) {
	t.Helper()
	pool := openPool(t, withParams(t, dsn, "interpolateParams=true"))
	pool.SetMaxOpenConns(1)
	return newMySQLStore(t, pool, opts...), sqlx.NewDb(pool, "mysql")
}

// However many sessions of a user are stored, nothing looks at more than some of them.
func TestMySQLManySessionsOfAUserStayFlat(t *testing.T) {
	dsn := mysqltest.DSN(t)
	a := newSessions(t, migrate(t, openMySQL(t, dsn)), auth.SessionConfig{})
	user := register(t, a).User
	crowdSessions(t, dsn, user.ID, 20_000)
	s, db := oneConnection(t, dsn)
	alone := newSessions(t, s, auth.SessionConfig{})
	var ids []string
	if err := db.SelectContext(t.Context(), &ids, "SELECT session_id FROM auth_users_sessions LIMIT 900"); err != nil {
		t.Fatal(err)
	}
	deleting := func(f auth.SessionFilter, want int) func() error {
		return func() error {
			n, err := s.DeleteSessions(t.Context(), f)
			if n != want {
				err = errors.Join(err, fmt.Errorf("%d were deleted", n))
			}
			return err
		}
	}
	for _, test := range []struct {
		name string
		call func() error
		most int64 // rows
	}{
		{"list", func() error { return second(s.Sessions(t.Context(), user.ID)) }, 1100},
		{"a wrong password", func() error {
			_, err := alone.Login(t.Context(), credentials(email, "wrong"))
			if errors.Is(err, auth.ErrInvalidCredentials) {
				err = nil
			}
			return err
		}, 110},
		{"a login", func() error { return second(alone.Login(t.Context(), credentials(email, password))) }, 1100 + 110 + 4*900},
		{"delete some", deleting(auth.SessionFilter{UserID: user.ID, IDs: ids}, 900), 4 * 900},
		{"delete of an epoch that none has", deleting(auth.SessionFilter{UserID: user.ID, IDs: ids, BeforeEpoch: 1}, 0), 4 * 900},
		{"delete all of older epochs", deleting(auth.SessionFilter{UserID: user.ID, BeforeEpoch: 1 << 63}, 1000), 3 * 1000},
		{"delete all", deleting(auth.SessionFilter{UserID: user.ID}, 1000), 3 * 1000},
		{"delete what has expired", deleting(auth.SessionFilter{ExpiredBy: time.Now().AddDate(1, 0, 0), Limit: 1000}, 1000), 3 * 1000},
	} {
		if rows, _ := handled(t, db, test.call); rows > test.most {
			t.Errorf("%s: %d rows were met, want at most %d", test.name, rows, test.most)
		}
	}
}

// An address that nobody has takes what one takes that somebody has: one row is sent,
// which is another's and is not answered.
func TestMySQLUnknownAddressTakesARow(t *testing.T) {
	for name, opts := range map[string]auth.MySQLConfig{
		"own IDs":     {},
		"integer IDs": {IntegerIDs: true},
	} {
		t.Run(name, func(t *testing.T) {
			dsn := mysqltest.DSN(t)
			migrate(t, openMySQL(t, dsn, opts))
			s, db := oneConnection(t, dsn, opts)
			a := newSessions(t, s, auth.SessionConfig{})
			plain := newAuth(t, s, auth.Options{Hasher: authtest.Hasher{}})
			refusal := func(a *auth.Authenticator, address string) func() error {
				return func() error {
					_, err := a.Login(t.Context(), credentials(address, password+"x"))
					if errors.Is(err, auth.ErrInvalidCredentials) {
						err = nil
					}
					return err
				}
			}
			if err := refusal(a, "none@example.com")(); err != nil { // of no user at all
				t.Error(err)
			}
			var users []auth.User
			for _, address := range []string{"ada1@example.com", "ada2@example.com"} {
				r := registration()
				r.Email = address
				result, err := a.Register(t.Context(), r)
				if err != nil {
					t.Fatal(err)
				}
				users = append(users, result.User)
			}
			for kind, a := range map[string]*auth.Authenticator{"with sessions": a, "without": plain} {
				rows, bytes := map[string]int64{}, map[string]int64{}
				for _, address := range []string{"ada1@example.com", "ada2@example.com", "ada3@example.com", "ABC@example.com1"} {
					rows[address], bytes[address] = handled(t, db, refusal(a, address))
				}
				// It is the first user's row. The counts are in the answers that count them.
				for _, address := range []string{"ada3@example.com", "ABC@example.com1"} {
					if own, mine := rows["ada1@example.com"], bytes["ada1@example.com"]; rows[address] < own-1 || rows[address] > own+1 || max(bytes[address], mine)-min(bytes[address], mine) > 8 {
						t.Errorf("%s: rows %v, bytes %v", kind, rows, bytes)
						break
					}
				}
			}
			for _, key := range []string{"ada3@example.com", "", "ADA1@example.com", "ada1@example.com ", "ada1@example.com\x00", strings.Repeat("x", 321)} {
				if u, err := s.UserByEmail(t.Context(), key); !errors.Is(err, auth.ErrUserNotFound) || u != (auth.UserRecord{}) {
					t.Errorf("%q: %v, %v", key, u, err)
				}
				if _, err := a.Login(t.Context(), credentials(key, password)); !errors.Is(err, auth.ErrInvalidCredentials) && key != "ADA1@example.com" {
					t.Errorf("%q: %v", key, err)
				}
			}
			for _, u := range users {
				if got, err := s.UserByEmail(t.Context(), u.Email); err != nil || got.User != u {
					t.Errorf("%v, %v", got, err)
				}
			}
		})
	}
}

// Of two logins at once that leave room for one session, one keeps it.
func TestLoginsAtOnceEndNotBoth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &failingStore{MemoryStore: auth.NewMemoryStore()}
		a := newSessions(t, store, auth.SessionConfig{MaxPerUser: 1})
		register(t, a)
		var inner auth.Result
		both := &bothStore{failingStore: store, meet: func() { inner = loggedIn(t, a) }}
		b := newSessions(t, both, auth.SessionConfig{MaxPerUser: 1})
		time.Sleep(time.Second)
		outer := loggedIn(t, b)
		list, err := a.Sessions(t.Context(), outer.User.ID)
		if err != nil || len(list) != 1 {
			t.Fatalf("%d sessions, %v", len(list), err)
		}
		lives := 0
		for _, token := range []string{inner.Tokens.Refresh, outer.Tokens.Refresh} {
			if _, err := a.Refresh(t.Context(), auth.Renewal{Token: token}); err == nil {
				lives++
			}
		}
		if lives != 1 {
			t.Errorf("%d of them live", lives)
		}
	})
}

// bothStore lets another login in between the insert of a session and what follows.
type bothStore struct {
	*failingStore
	meet func()
}

func (s *bothStore) CreateSession(ctx context.Context, r auth.SessionRecord) error {
	err := s.failingStore.CreateSession(ctx, r)
	if meet := s.meet; meet != nil {
		s.meet = nil
		time.Sleep(time.Second)
		meet()
	}
	return err
}
