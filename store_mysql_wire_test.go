package auth_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
	"github.com/seed89488a0c/auth/internal/mysqltest"
	"github.com/seed89488a0c/auth/pepper"
)

// A wire stands between the driver and the server.
type wire struct {
	writes   atomic.Int64
	dials    atomic.Int64
	patience atomic.Int64 // of the latest read, a time.Duration
	mu       sync.Mutex
	loseFor  string // the answer to the next statement with this text is lost
	onWrite  func(b []byte)
}

// newWire returns a DSN that leads over the wire.
func newWire(t *testing.T, dsn string) (*wire, string) {
	t.Helper()
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{}
	network := cfg.Net
	cfg.Net = "wire" + rand.Text()
	mysql.RegisterDialContext(cfg.Net, func(ctx context.Context, addr string) (net.Conn, error) {
		w.dials.Add(1)
		conn, err := new(net.Dialer).DialContext(ctx, network, addr)
		return &wireConn{conn, w}, err
	})
	t.Cleanup(func() { mysql.DeregisterDialContext(cfg.Net) })
	return w, cfg.FormatDSN()
}

func (w *wire) loseAnswer(statement string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.loseFor = statement
}

// loses reports whether the answer to b is to be lost, once.
func (w *wire) loses(b []byte) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.loseFor == "" || !bytes.Contains(b, []byte(w.loseFor)) {
		return false
	}
	w.loseFor = ""
	return true
}

type wireConn struct {
	net.Conn
	wire *wire
}

func (c *wireConn) Write(b []byte) (int, error) {
	c.wire.writes.Add(1)
	if c.wire.onWrite != nil {
		c.wire.onWrite(b)
	}
	n, err := c.Conn.Write(b)
	if err == nil && c.wire.loses(b) {
		// The server has answered, so it has committed.
		if _, err := c.Conn.Read(make([]byte, 1024)); err != nil {
			return 0, err
		}
		c.Conn.Close()
	}
	return n, err
}

// SetReadDeadline remembers how long the driver means to wait.
func (c *wireConn) SetReadDeadline(t time.Time) error {
	if !t.IsZero() {
		c.wire.patience.Store(int64(time.Until(t)))
	}
	return c.Conn.SetReadDeadline(t)
}

func TestOpenMySQLWaitsForSecondsUnlessTheDSNSaysElse(t *testing.T) {
	dsn := mysqltest.DSN(t)
	for params, limits := range map[string][2]time.Duration{
		"":               {0, 10 * time.Second},
		"readTimeout=1h": {time.Minute, time.Hour},
	} {
		w, wired := newWire(t, withParams(t, dsn, params))
		openMySQL(t, wired)
		if got := time.Duration(w.patience.Load()); got <= limits[0] || got > limits[1] {
			t.Errorf("%q: the driver waits for %v", params, got)
		}
	}
}

func TestMySQLRoundTrips(t *testing.T) {
	for name, opts := range map[string]auth.MySQLConfig{
		"own IDs":     {},
		"integer IDs": {IntegerIDs: true},
	} {
		t.Run(name, func(t *testing.T) {
			w, dsn := newWire(t, mysqltest.DSN(t))
			s := migrate(t, openMySQL(t, dsn, opts))
			a := newAuth(t, s)
			var user auth.Result
			newName, wrong := "Ada L.", "wrong"
			steps := []struct {
				name string
				want int64
				do   func() error
			}{
				{"Register", 1, func() (err error) { user, err = a.Register(t.Context(), registration()); return err }},
				{"Login", 1, func() error { _, err := a.Login(t.Context(), credentials(email, password)); return err }},
				{"Login that makes the hash anew", 2, func() error {
					peppered, err := pepper.New(authtest.Hasher{}, pepper.Pepper{ID: "new", MAC: func(context.Context, []byte) ([]byte, error) { return make([]byte, 32), nil }})
					if err != nil {
						return err
					}
					_, err = newAuth(t, s, auth.Options{Hasher: peppered}).Login(t.Context(), credentials(email, password))
					return err
				}},
				{"UserByID", 1, func() error { _, err := s.UserByID(t.Context(), user.User.ID); return err }},
				{"UpdateUser", 1, func() error {
					return s.UpdateUser(t.Context(), auth.UserUpdate{ID: user.User.ID, At: user.User.UpdatedAt, Username: &newName})
				}},
				{"UpdateUser of nothing", 1, func() error { return s.UpdateUser(t.Context(), auth.UserUpdate{ID: user.User.ID}) }},
				{"UpdateUser of nobody", 1, func() error {
					wantErr(t, s.UpdateUser(t.Context(), auth.UserUpdate{ID: "4294967296"}), auth.ErrUserNotFound)
					return nil
				}},
				{"UpdateUser that conflicts", 2, func() error {
					err := s.UpdateUser(t.Context(), auth.UserUpdate{ID: user.User.ID, At: user.User.UpdatedAt, IfPasswordHash: &wrong})
					wantErr(t, err, auth.ErrConflict)
					return nil
				}},
				{"Check", 2, func() error { return s.Check(t.Context()) }},
				{"Migrate", 2, func() error { return s.Migrate(t.Context()) }},
				{"DeleteUser", 1, func() error { return s.DeleteUser(t.Context(), user.User.ID) }},
				{"UserByID of an ID too long", 0, func() error {
					_, err := s.UserByID(t.Context(), strings.Repeat("1", 65))
					wantErr(t, err, auth.ErrUserNotFound)
					return nil
				}},
			}
			for _, step := range steps {
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

func TestMySQLPoolKeepsItsConnections(t *testing.T) {
	const users = 12
	w, dsn := newWire(t, mysqltest.DSN(t))
	s := migrate(t, openMySQL(t, dsn))
	for range 3 {
		var atOnce, done sync.WaitGroup
		atOnce.Add(users)
		w.onWrite = func(b []byte) {
			if bytes.Contains(b, []byte("email_key = UNHEX")) {
				atOnce.Done()
				atOnce.Wait() // so that each has a connection of its own
			}
		}
		for range users {
			done.Go(func() {
				if _, err := s.UserByEmail(t.Context(), "x"); !errors.Is(err, auth.ErrUserNotFound) {
					t.Error(err)
				}
			})
		}
		done.Wait()
		w.onWrite = nil
	}
	if n := w.dials.Load(); n != users {
		t.Errorf("%d connections were opened for %d users at once", n, users)
	}
}

// The server commits the insert and the answer is lost.
func TestRegisterOverALostAnswer(t *testing.T) {
	for name, opts := range map[string]auth.MySQLConfig{
		"own IDs":     {},
		"integer IDs": {IntegerIDs: true},
	} {
		t.Run(name, func(t *testing.T) {
			w, dsn := newWire(t, mysqltest.DSN(t))
			s := migrate(t, openMySQL(t, dsn, opts))
			a := newAuth(t, s)
			w.loseAnswer("INSERT INTO")
			result, err := a.Register(t.Context(), registration())
			if err != nil {
				t.Fatal(err)
			}
			stored, err := s.UserByEmail(t.Context(), email)
			if err != nil || stored.ID != result.User.ID {
				t.Errorf("stored is %q, %v, registered was %q", stored.ID, err, result.User.ID)
			}
			if id, err := a.Verify(t.Context(), result.Tokens.Access); err != nil || id.UserID != stored.ID {
				t.Errorf("the token is of %q, %v", id.UserID, err)
			}
		})
	}
}

// An outcome that is unknown is not tried again behind the caller's back.
func TestMySQLLostAnswerIsNotRetried(t *testing.T) {
	w, dsn := newWire(t, mysqltest.DSN(t))
	s := migrate(t, openMySQL(t, dsn))
	id, err := s.CreateUser(t.Context(), auth.UserRecord{User: auth.User{ID: "a"}, EmailKey: "a"})
	if err != nil {
		t.Fatal(err)
	}
	w.loseAnswer("UPDATE")
	err = s.UpdateUser(t.Context(), auth.UserUpdate{ID: id, RaiseEpoch: 1})
	wantStoreError(t, err, "update user", "connection lost", nil)
	if u, err := s.UserByID(t.Context(), id); err != nil || u.Epoch != 1 {
		t.Errorf("epoch %d, %v, want 1", u.Epoch, err)
	}
}

func wantStoreError(t testing.TB, err error, op, code string, cause error) {
	t.Helper()
	var failure *auth.StoreError
	if !errors.As(err, &failure) || failure.Op != op || failure.Code != code || failure.Context != cause {
		t.Errorf("got %#v, want %s: %s (%v)", err, op, code, cause)
	}
	wantErr(t, err, auth.ErrUnavailable)
}

// loudness counts what the driver writes to its default logger.
type loudness struct{ atomic.Int64 }

func (l *loudness) Print(...any) { l.Add(1) }

// ASVS 5.0 16.2.3
func TestOpenMySQLLogsNothing(t *testing.T) {
	w, dsn := newWire(t, mysqltest.DSN(t))
	var log loudness
	if err := mysql.SetLogger(&log); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { mysql.SetLogger(&mysql.NopLogger{}) })
	s := migrate(t, openMySQL(t, dsn))
	w.loseAnswer("SELECT")
	_, err := s.UserByEmail(t.Context(), "x")
	wantStoreError(t, err, "user by email", "connection lost", nil)
	if log.Load() != 0 {
		t.Error("the driver logged")
	}
}

func TestOpenMySQLRefuses(t *testing.T) {
	reachable := mysqltest.DSN(t)
	for name, dsn := range map[string]string{
		"no DSN":            "canary",
		"a bad parameter":   "canary:canary@tcp(127.0.0.1:1)/canary?parseTime=canary",
		"an unknown TLS":    "canary:canary@tcp(127.0.0.1:1)/canary?tls=canary",
		"nobody listens":    "canary:canary@unix(/nonexistent/canary)/canary",
		"an unknown net":    "canary:canary@canary(canary)/canary",
		"a bad session":     withParams(t, reachable, "canary=1"),
		"no such database":  strings.Replace(reachable, "/auth_test_", "/canary", 1),
		"unsafe collation":  withParams(t, reachable, "collation=gbk_chinese_ci"),
		"autocommit is off": withParams(t, reachable, "autocommit=0"),
	} {
		t.Run(name, func(t *testing.T) {
			s, err := auth.OpenMySQL(t.Context(), dsn, auth.MySQLConfig{})
			if s != nil || err == nil || strings.Contains(err.Error(), "canary") {
				t.Errorf("got %v", err)
			}
		})
	}
	_, err := auth.OpenMySQL(t.Context(), "x@unix(/nonexistent/s)/x", auth.MySQLConfig{})
	wantStoreError(t, err, "open", "network", nil)
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = auth.OpenMySQL(canceled, reachable, auth.MySQLConfig{})
	wantStoreError(t, err, "open", "context ended", context.Canceled)
}
