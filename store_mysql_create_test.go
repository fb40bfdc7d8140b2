package auth_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
	"github.com/seed89488a0c/auth/internal/mysqltest"
)

// profiles is a service with a table of its own beside the users.
type profiles struct {
	store *auth.MySQLStore
	a     *auth.Authenticator // with sessions in the same store
	pool  *sql.DB             // the store's, of one connection
	look  *sql.DB             // another
	wire  *wire
	calls int // of write
}

func newProfiles(t *testing.T, c auth.MySQLConfig, opts ...auth.Options) *profiles {
	t.Helper()
	p := &profiles{}
	dsn := mysqltest.DSN(t)
	p.look = openPool(t, dsn)
	migrate(t, openMySQL(t, dsn, c))
	idType := "VARBINARY(64)"
	if c.IntegerIDs {
		idType = "BIGINT UNSIGNED"
	}
	mustExec(t, p.look, "CREATE TABLE profiles (user_id "+idType+" PRIMARY KEY, name VARCHAR(20) UNIQUE, FOREIGN KEY (user_id) REFERENCES auth_users (id)) ENGINE=InnoDB")
	p.wire, dsn = newWire(t, withParams(t, dsn, "interpolateParams=true"))
	p.pool = openPool(t, dsn)
	p.pool.SetMaxOpenConns(1)
	p.store = newMySQLStore(t, p.pool, c)
	p.a = newSessions(t, p.store, auth.SessionConfig{}, opts...)
	return p
}

// write writes the profile of a user.
func (p *profiles) write(ctx context.Context, tx *sql.Tx, u auth.User) error {
	p.calls++
	_, err := tx.ExecContext(ctx, "INSERT INTO profiles VALUES (?, ?)", u.ID, u.Username)
	return err
}

// register registers a user beside whom f writes.
func (p *profiles) register(t testing.TB, f func(ctx context.Context, tx *sql.Tx, u auth.User) error) (auth.Result, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	return p.a.WithStore(p.store.OnCreateUser(f)).Register(ctx, registration())
}

// want wants so many users, each with a profile, and the connection to be free.
func (p *profiles) want(t testing.TB, users int) {
	t.Helper()
	var both, all, own int
	err := p.look.QueryRowContext(t.Context(), `SELECT (SELECT COUNT(*) FROM auth_users JOIN profiles ON user_id = id),
		(SELECT COUNT(*) FROM auth_users), (SELECT COUNT(*) FROM profiles)`).Scan(&both, &all, &own)
	if err != nil || both != users || all != users || own != users {
		t.Errorf("%d users, %d profiles, %d of both, want %d; %v", all, own, both, users, err)
	}
	if n := p.pool.Stats().InUse; n != 0 {
		t.Errorf("%d connections are held", n)
	}
}

// A user and the service's own row are written together, with the session behind them.
func TestMySQLOnCreateUser(t *testing.T) {
	for name, c := range map[string]auth.MySQLConfig{"own IDs": {}, "integer IDs": {IntegerIDs: true}} {
		t.Run(name, func(t *testing.T) {
			p := newProfiles(t, c)
			var order []string
			store := p.store.OnCreateUser(func(ctx context.Context, tx *sql.Tx, u auth.User) error {
				order = append(order, "first "+u.ID)
				if _, err := openMySQL(t, mysqltest.DSN(t)).UserByID(ctx, "1"); err == nil { // of another pool
					return errors.New("another database has the user")
				}
				var seen int
				if err := p.look.QueryRowContext(ctx, "SELECT COUNT(*) FROM auth_users").Scan(&seen); err != nil || seen > 0 {
					t.Errorf("%d users are seen before the commit, %v", seen, err)
				}
				return p.write(ctx, tx, u)
			}).OnCreateUser(func(_ context.Context, _ *sql.Tx, u auth.User) error {
				order = append(order, "second "+u.ID)
				return nil
			})
			a := p.a.WithStore(store)
			result, err := a.Register(t.Context(), registration())
			if err != nil {
				t.Fatal(err)
			}
			id := result.User.ID
			if got, want := fmt.Sprint(order), fmt.Sprintf("[first %s second %[1]s]", id); got != want {
				t.Errorf("called were %s, want %s", got, want)
			}
			p.want(t, 1)
			if who, err := a.Verify(t.Context(), result.Tokens.Access); err != nil || who.UserID != id {
				t.Errorf("the token is of %q, %v", who.UserID, err)
			}

			// The store stands for the one that it is of, which also keeps the sessions.
			next := refreshed(t, p.a, result.Tokens.Refresh)
			before := p.wire.writes.Load()
			next = refreshed(t, p.a, next.Refresh)
			plain := p.wire.writes.Load() - before
			refreshed(t, a, next.Refresh)
			if got := p.wire.writes.Load() - before - plain; got != plain {
				t.Errorf("a refresh takes %d writes, want %d", got, plain)
			}
			_, err = a.Register(t.Context(), registration())
			wantErr(t, err, auth.ErrUserExists)
			if _, err := p.a.Import(t.Context(), auth.UserRecord{User: auth.User{Email: "plain@example.com"}}); err != nil || len(order) != 2 {
				t.Errorf("the store itself: %v, called were %v", err, order)
			}
			if err := store.Check(t.Context()); err != nil {
				t.Error(err)
			}
			if err := store.Close(); err != nil {
				t.Error(err)
			}
			if err := p.store.Check(t.Context()); err != nil {
				t.Errorf("its pool was closed: %v", err)
			}
		})
	}
	defer func() {
		if recover() == nil {
			t.Error("a nil function is accepted")
		}
	}()
	(&auth.MySQLStore{}).OnCreateUser(nil)
}

// ownError is an error of the service's own.
type ownError struct{ invite string }

func (e *ownError) Error() string { return "no invitation " + e.invite }

// What goes wrong undoes everything and gives the connection back; what the service's
// function returned is the service's own, whole.
func TestMySQLOnCreateUserUndoes(t *testing.T) {
	p := newProfiles(t, auth.MySQLConfig{})
	own := &ownError{"7"}
	_, err := p.register(t, func(ctx context.Context, tx *sql.Tx, u auth.User) error {
		return errors.Join(p.write(ctx, tx, u), own, context.Canceled)
	})
	var got *ownError
	if !errors.As(err, &got) || got != own || errors.Is(err, auth.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	wantErr(t, err, context.Canceled)
	p.want(t, 0)
	if _, err := p.register(t, func(context.Context, *sql.Tx, auth.User) error { return own }); err != own {
		t.Errorf("got %#v, want the error itself", err)
	}
	_, err = p.a.WithStore(p.store.OnCreateUser(func(context.Context, *sql.Tx, auth.User) error { return own })).
		Import(t.Context(), auth.UserRecord{User: auth.User{Email: email}})
	if err != own {
		t.Errorf("an import gave %#v, want the error itself", err)
	}

	_, err = p.register(t, func(ctx context.Context, tx *sql.Tx, u auth.User) error {
		if err := p.write(ctx, tx, u); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO profiles VALUES (?, ?)", u.ID, "again")
		return fmt.Errorf("profile: %w", err)
	})
	var duplicate *mysql.MySQLError
	if !errors.As(err, &duplicate) || duplicate.Number != 1062 || errors.Is(err, auth.ErrUserExists) {
		t.Errorf("a duplicate of the service's own gave %v", err)
	}
	p.want(t, 0)

	func() {
		defer func() {
			if recover() != "bug" {
				t.Error("the panic is lost")
			}
		}()
		p.register(t, func(ctx context.Context, tx *sql.Tx, u auth.User) error {
			if err := p.write(ctx, tx, u); err != nil {
				return err
			}
			panic("bug")
		})
	}()
	p.want(t, 0)

	ctx, cancel := context.WithCancel(t.Context())
	_, err = p.a.WithStore(p.store.OnCreateUser(func(ctx context.Context, tx *sql.Tx, u auth.User) error {
		defer cancel()
		return p.write(ctx, tx, u)
	})).Register(ctx, registration())
	wantErr(t, err, auth.ErrUnavailable, context.Canceled)
	conn, err := p.pool.Conn(t.Context()) // database/sql rolls back behind the call
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	p.want(t, 0)
}

// A function that ignores an error by which the server has rolled back everything, or
// ends the transaction, makes no success of nothing.
func TestMySQLOnCreateUserWhoseTransactionIsOver(t *testing.T) {
	p := newProfiles(t, auth.MySQLConfig{})
	for name, end := range map[string]func(ctx context.Context, tx *sql.Tx) error{
		"by the server": func(ctx context.Context, tx *sql.Tx) error { _, err := tx.ExecContext(ctx, "ROLLBACK"); return err },
		"by itself":     func(_ context.Context, tx *sql.Tx) error { return tx.Rollback() },
	} {
		_, err := p.register(t, func(ctx context.Context, tx *sql.Tx, u auth.User) error {
			return errors.Join(p.write(ctx, tx, u), end(ctx, tx))
		})
		wantStoreError(t, err, "create user", "transaction ended", nil)
		p.calls = 0
		p.want(t, 0)
		if t.Failed() {
			t.Fatal(name)
		}
	}
	if _, err := p.register(t, func(ctx context.Context, tx *sql.Tx, u auth.User) error {
		return errors.Join(p.write(ctx, tx, u), tx.Commit())
	}); err != nil {
		t.Errorf("a transaction that the function committed: %v", err)
	}
	p.want(t, 1)
}

// What the server has rolled back is repeated as a whole, within the context.
func TestMySQLOnCreateUserIsRepeated(t *testing.T) {
	p := newProfiles(t, auth.MySQLConfig{})
	for i, number := range []uint16{1213, 1205, 1020} {
		p.calls = 0
		r := registration()
		r.Email = fmt.Sprint(number) + email
		r.Username = fmt.Sprint(number)
		_, err := p.a.WithStore(p.store.OnCreateUser(func(ctx context.Context, tx *sql.Tx, u auth.User) error {
			if err := p.write(ctx, tx, u); err != nil || p.calls == 3 {
				return err
			}
			return fmt.Errorf("profile: %w", &mysql.MySQLError{Number: number})
		})).Register(t.Context(), r)
		if err != nil || p.calls != 3 {
			t.Errorf("%d: %v after %d calls, want 3", number, err, p.calls)
		}
		p.want(t, i+1)
	}
	ctx, cancel := context.WithCancel(t.Context())
	p.calls = 0
	deadlock := fmt.Errorf("profile: %w", &mysql.MySQLError{Number: 1213})
	_, err := p.a.WithStore(p.store.OnCreateUser(func(context.Context, *sql.Tx, auth.User) error {
		p.calls++
		cancel()
		return deadlock
	})).Register(ctx, registration())
	if !errors.Is(err, deadlock) || !errors.Is(err, auth.ErrUnavailable) || p.calls != 1 {
		t.Errorf("with a context that has ended: %v after %d calls", err, p.calls)
	}
}

// Two that really are in each other's way both register.
func TestMySQLOnCreateUserInADeadlock(t *testing.T) {
	p := newProfiles(t, auth.MySQLConfig{})
	p.pool.SetMaxOpenConns(4)
	mustExec(t, p.look, "CREATE TABLE counters (id INT PRIMARY KEY, n INT) ENGINE=InnoDB")
	mustExec(t, p.look, "INSERT INTO counters VALUES (0, 0), (1, 0)")
	var both, done sync.WaitGroup
	var calls atomic.Int64
	both.Add(2)
	for i := range 2 {
		done.Go(func() {
			first := true
			store := p.store.OnCreateUser(func(ctx context.Context, tx *sql.Tx, u auth.User) error {
				calls.Add(1)
				for _, id := range []int{i, 1 - i} {
					if _, err := tx.ExecContext(ctx, "UPDATE counters SET n = n + 1 WHERE id = ?", id); err != nil {
						return err
					}
					if first {
						first = false
						both.Done()
						both.Wait()
					}
				}
				_, err := tx.ExecContext(ctx, "INSERT INTO profiles VALUES (?, ?)", u.ID, u.Username)
				return err
			})
			r := registration()
			r.Email, r.Username = fmt.Sprint(i)+email, fmt.Sprint(i)
			if _, err := p.a.WithStore(store).Register(t.Context(), r); err != nil {
				t.Error(err)
			}
		})
	}
	done.Wait()
	p.want(t, 2)
	var sum int
	if err := p.look.QueryRowContext(t.Context(), "SELECT SUM(n) FROM counters").Scan(&sum); err != nil || sum != 4 || calls.Load() < 3 {
		t.Errorf("counted %d in %d calls, want 4 in 3; %v", sum, calls.Load(), err)
	}
}

// The server commits and the answer is lost: nothing is repeated, and Register finds out.
func TestMySQLOnCreateUserOverALostAnswer(t *testing.T) {
	for name, c := range map[string]auth.MySQLConfig{"own IDs": {}, "integer IDs": {IntegerIDs: true}} {
		t.Run(name, func(t *testing.T) {
			p := newProfiles(t, c)
			p.wire.loseAnswer("COMMIT")
			result, err := p.register(t, p.write)
			if err != nil || p.calls != 1 {
				t.Fatalf("%v after %d calls", err, p.calls)
			}
			stored, err := p.store.UserByEmail(t.Context(), email)
			if err != nil || stored.ID != result.User.ID {
				t.Errorf("stored is %q, %v, registered was %q", stored.ID, err, result.User.ID)
			}
			refreshed(t, p.a, result.Tokens.Refresh)
			p.want(t, 1)

			p.wire.loseAnswer("COMMIT")
			_, err = p.store.OnCreateUser(p.write).CreateUser(t.Context(), auth.UserRecord{User: auth.User{ID: "7", Username: "b"}, EmailKey: "b"})
			wantStoreError(t, err, "create user", "connection lost", nil)
			p.want(t, 2)

			p.wire.loseAnswer("INSERT INTO `auth_users`")
			_, err = p.a.WithStore(p.store.OnCreateUser(p.write)).Register(t.Context(), auth.Registration{Email: "c@example.com", Password: auth.NewPassword(password)})
			wantStoreError(t, err, "create user", "connection lost", nil) // before the commit there is nothing
			p.want(t, 2)
			if p.calls != 2 {
				t.Errorf("%d calls, want 2", p.calls)
			}
		})
	}
}

// freeHasher fails the test where a hash is computed while a connection is held.
type freeHasher struct {
	auth.Hasher
	free func(what string)
}

func (h freeHasher) Hash(ctx context.Context, p auth.Password) (string, error) {
	h.free("Hash")
	return h.Hasher.Hash(ctx, p)
}

func (h freeHasher) Verify(ctx context.Context, encoded string, p auth.Password) (bool, error) {
	h.free("Verify")
	return h.Hasher.Verify(ctx, encoded, p)
}

type freeIssuer struct {
	auth.TokenIssuer
	free func(what string)
}

func (i freeIssuer) Issue(ctx context.Context, s auth.Subject) (auth.IssuedToken, error) {
	i.free("Issue")
	return i.TokenIssuer.Issue(ctx, s)
}

// Nothing hashes, asks for breaches, calls the service or signs while it holds a
// connection: one connection is enough for any number who register.
func TestNothingIsComputedWithAConnectionInHand(t *testing.T) {
	for name, c := range map[string]auth.MySQLConfig{"own IDs": {}, "integer IDs": {IntegerIDs: true}} {
		t.Run(name, func(t *testing.T) {
			var p *profiles
			seen := map[string]int{}
			var mu sync.Mutex
			alone := true // no other call holds one
			free := func(what string) {
				mu.Lock()
				defer mu.Unlock()
				seen[what]++
				if p != nil && alone && p.pool.Stats().InUse > 0 {
					t.Errorf("%s with a connection in hand", what)
				}
			}
			o := auth.Options{
				Hasher:    freeHasher{authtest.Hasher{}, free},
				Passwords: auth.PasswordPolicy{Breached: func(context.Context, auth.Password) (bool, error) { free("Breached"); return false, nil }},
				Claims:    func(context.Context, auth.User) (any, error) { free("Claims"); return nil, nil },
				Events:    func(context.Context, auth.Event) { free("Events") },
			}
			p = newProfiles(t, c)
			o.Sessions.Store = p.store
			a, err := auth.New(p.store, freeIssuer{newIssuer(t, auth.JWTConfig{}), free}, o)
			if err != nil {
				t.Fatal(err)
			}
			write := func(ctx context.Context, tx *sql.Tx, u auth.User) error {
				_, err := tx.ExecContext(ctx, "INSERT INTO profiles VALUES (?, ?)", u.ID, u.Username)
				return err
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			created := a.WithStore(p.store.OnCreateUser(write))
			result, err := created.Register(ctx, registration())
			if err != nil {
				t.Fatal(err)
			}
			second := auth.NewPassword(password + "2")
			if err := a.SetPassword(ctx, result.User.ID, second); err != nil {
				t.Fatal(err)
			}
			if result, err = created.Login(ctx, credentials(email, second.Reveal())); err != nil {
				t.Fatal(err)
			}
			refreshed(t, created, result.Tokens.Refresh)
			for _, what := range []string{"Hash", "Verify", "Issue", "Breached", "Claims", "Events"} {
				if seen[what] == 0 {
					t.Errorf("%s was never called", what)
				}
			}

			alone = false
			const users = 16
			var all sync.WaitGroup
			for i := range users {
				all.Go(func() {
					r := registration()
					r.Email, r.Username = fmt.Sprint(i)+email, fmt.Sprint(i)
					if _, err := created.Register(ctx, r); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			p.want(t, 1+users)
		})
	}
}

// With the context of its function nothing is done that would wait for a second
// connection, with the first in hand, or hash.
func TestMySQLOnCreateUserHoldsItsConnection(t *testing.T) {
	hashes := 0
	counting := freeHasher{authtest.Hasher{}, func(string) { hashes++ }}
	p := newProfiles(t, auth.MySQLConfig{}, auth.Options{Hasher: counting})
	other := newSessions(t, auth.NewMemoryStore(), auth.SessionConfig{}, auth.Options{Hasher: counting})
	hashes = 0
	result, err := p.register(t, func(ctx context.Context, tx *sql.Tx, u auth.User) error {
		before := hashes
		for name, call := range map[string]func() error{
			"Register":        func() error { return second(p.a.Register(ctx, registration())) },
			"Login":           func() error { return second(p.a.Login(ctx, credentials(email, password))) },
			"Login elsewhere": func() error { return second(other.Login(ctx, credentials(email, password))) },
			"SetPassword":     func() error { return p.a.SetPassword(ctx, u.ID, auth.NewPassword(password)) },
			"User":            func() error { return second(p.a.User(ctx, u.ID)) },
			"Import":          func() error { return second(p.a.Import(ctx, auth.UserRecord{User: auth.User{Email: "x@example.com"}})) },
			"Sessions":        func() error { return second(p.store.Sessions(ctx, u.ID)) },
			"Migrate":         func() error { return p.store.Migrate(ctx) },
			"OnCreateUser inside": func() error {
				return second(p.store.OnCreateUser(p.write).CreateUser(ctx, auth.UserRecord{User: auth.User{ID: "x"}}))
			},
		} {
			if err := call(); !errors.Is(err, auth.ErrUnavailable) || ctx.Err() != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if hashes != before {
			t.Errorf("%d hashes were computed", hashes-before)
		}
		wantStoreError(t, p.store.Check(ctx), "check schema", "inside transaction", nil)
		return p.write(ctx, tx, u)
	})
	if err != nil {
		t.Fatal(err)
	}
	refreshed(t, p.a, result.Tokens.Refresh)
	p.want(t, 1)
}

// A driver's text in the error of the service's function, which can hold what people
// entered, reaches the caller and no event; an outage in it is one.
func TestMySQLOnCreateUserTellsNoDriversText(t *testing.T) {
	dsn := mysqltest.DSN(t)
	s := migrate(t, openMySQL(t, dsn))
	mustExec(t, openPool(t, dsn), "CREATE TABLE phones (number VARCHAR(30) PRIMARY KEY)")
	mustExec(t, openPool(t, dsn), "INSERT INTO phones VALUES ('canary-phone')")
	var events []auth.Event
	a := newAuth(t, s, auth.Options{Events: func(_ context.Context, e auth.Event) { events = append(events, e) }})
	for _, tt := range []struct {
		name   string
		f      func(ctx context.Context, tx *sql.Tx) error
		kind   string
		code   string
		outage bool
	}{
		{"a duplicate", func(ctx context.Context, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, "INSERT INTO phones VALUES ('canary-phone')")
			return fmt.Errorf("phone: %w", err)
		}, "registration_refused", "mysql 1062", false},
		{"a lost connection", func(context.Context, *sql.Tx) error {
			return fmt.Errorf("phone canary-phone: %w", mysql.ErrInvalidConn)
		}, "unavailable", "connection lost", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			events = nil
			var own error
			beside := s.OnCreateUser(func(ctx context.Context, tx *sql.Tx, _ auth.User) error {
				own = tt.f(ctx, tx)
				return own
			})
			_, err := a.WithStore(beside).Register(t.Context(), registration())
			if !errors.Is(err, own) || errors.Is(err, auth.ErrUnavailable) != tt.outage {
				t.Errorf("got %v", err)
			}
			if len(events) != 1 || events[0].Kind != tt.kind || events[0].Code != tt.code || strings.Contains(fmt.Sprint(events[0], events[0].Err), "canary") {
				t.Errorf("events %v", events)
			}
		})
	}
}
