package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"

	"github.com/seed89488a0c/auth/internal/mysqltest"
)

const database = "tutorial"

// secretFile returns a file that makes tokens outlive a process.
func secretFile(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(name, []byte("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// unavailable checks that every way into the database is a 503 that says nothing, and
// an event that says which way it was.
func (s *server) unavailable(t *testing.T, token string) {
	t.Helper()
	var wg sync.WaitGroup
	before := len(s.stderr.String())
	defer func() {
		wg.Wait()
		log := s.stderr.String()[before:]
		for _, op := range []string{"login", "register", "refresh", "user", "sessions", "end_session", "reauthenticate", "change_password"} {
			if !strings.Contains(log, `"level":"ERROR","msg":"security event","kind":"unavailable","op":"`+op+`"`) {
				t.Errorf("no event of %s:\n%s", op, log)
			}
		}
	}()
	for _, request := range []struct{ method, path, token, body string }{
		{"POST", "/users/login", "", credentials("canary@example.com", "1234")},
		{"POST", "/users/register", "", credentials("canary-new@example.com", "1234")},
		{"POST", "/users/refresh", "", `{"refresh_token":"` + s.refresh + `"}`},
		{"GET", "/users/me", token, ""},
		{"GET", "/users/me/sessions", token, ""},
		{"DELETE", "/users/me/sessions/canary", token, ""},
		{"POST", "/users/me/reauthenticate", token, `{"password":"1234"}`},
		{"POST", "/users/me/password", token, `{"current":"wrong","new":"4321"}`},
		{"GET", "/healthz", "", ""},
	} {
		wg.Go(func() {
			got, err := s.do(request.method, request.path, request.token, request.body)
			if err != nil {
				t.Error(err)
			}
			silent503(t, request.path, got)
		})
	}
}

func silent503(t *testing.T, path string, got reply) {
	t.Helper()
	if got.status != 503 || got.header.Get("Retry-After") == "" || got.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%s: %v, want 503", path, got)
	}
	for _, word := range []string{"canary", "mysql", "MySQL", "MariaDB", "sql", "Error ", "dial", "socket", "connection", database} {
		if strings.Contains(got.text, word) {
			t.Errorf("%s: %q on the wire: %s", path, word, got.text)
		}
	}
}

// recovers waits until a login succeeds again, by itself. Nobody was logged out
// meanwhile: what was refreshed in vain can be refreshed again.
func (s *server) recovers(t *testing.T) {
	t.Helper()
	var got reply
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if got = s.must(t, "POST", "/users/login", "", credentials("canary@example.com", "1234")); got.status == 200 {
			s.must(t, "GET", "/healthz", "", "").want(t, 200, "")
			s.must(t, "GET", "/users/me", got.token(), "").want(t, 200, "")
			got = s.must(t, "POST", "/users/refresh", "", `{"refresh_token":"`+s.refresh+`"}`).want(t, 200, "")
			s.refresh = got.refreshToken()
			return
		}
	}
	t.Fatalf("the server does not recover: %v", got)
}

// quiet checks that the log has no personal data and nothing of the driver's.
func (s *server) quiet(t *testing.T) {
	t.Helper()
	for _, word := range []string{"canary", "Duplicate", "SELECT", "INSERT", `"panic"`, "argon2"} {
		if log := s.stderr.String(); strings.Contains(log, word) {
			t.Errorf("the log holds %q:\n%s", word, log)
		}
	}
}

func TestMySQLRestartKeepsUsers(t *testing.T) {
	dsn, secret := mysqltest.DSN(t), secretFile(t)
	first := start(t, "-dsn", dsn, "-secret-file", secret)
	token := first.must(t, "POST", "/users/register", "",
		`{"username":"홍길동","email":"abc@naver.com","password":"1234"}`).want(t, 200, "").token()
	if err := first.stop(); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(first.stdout.String(), "random key") {
		t.Error("with a secret file tokens do not die")
	}
	second := start(t, "-dsn", dsn, "-secret-file", secret) // migrates again
	me := second.must(t, "GET", "/users/me", token, "").want(t, 200, "")
	if me.body["username"] != "홍길동" || me.body["email"] != "abc@naver.com" {
		t.Errorf("me: %v", me)
	}
	second.must(t, "POST", "/users/login", "", credentials("ABC@naver.com", "1234")).want(t, 200, "")
	second.must(t, "POST", "/users/register", "", credentials("abc@NAVER.com", "1234")).want(t, 409, "user_exists")

	third := start(t, "-dsn", dsn)
	if strings.Count(third.stdout.String(), "random key") != 1 {
		t.Errorf("nothing says that tokens die with the process:\n%s", third.stdout)
	}
	third.must(t, "GET", "/users/me", token, "").want(t, 401, "invalid_token")
	for _, s := range []*server{first, second, third} {
		if all := s.stdout.String() + s.stderr.String(); strings.Contains(all, dsn) {
			t.Errorf("the DSN is printed: %s", all)
		}
	}
}

// Users who were told that they are registered are, whatever is killed, and
// the others can try again.
func TestMySQLKill(t *testing.T) {
	db := mysqltest.Start(t, mysqltest.TCP, mysqltest.Durable)
	dsn := db.AppDSN(database)
	for round, kill := range []struct {
		name             string
		server, database bool
	}{
		{"server", true, false},
		{"database", false, true},
		{"both", true, true},
	} {
		t.Run(kill.name, func(t *testing.T) {
			s := startProcess(t, dsn)
			var (
				mu           sync.Mutex
				acknowledged []string
				open         []string
				wg           sync.WaitGroup
			)
			enough, done := make(chan struct{}), make(chan struct{})
			for worker := range 4 {
				wg.Go(func() {
					for i := 0; ; i++ {
						select {
						case <-done:
							return
						default:
						}
						email := fmt.Sprintf("canary-%d-%d-%d@example.com", round, worker, i)
						got, err := s.do("POST", "/users/register", "", credentials(email, "1234"))
						mu.Lock()
						if err == nil && got.status == 200 {
							if acknowledged = append(acknowledged, email); len(acknowledged) == 8 {
								close(enough)
							}
						} else if open = append(open, email); err == nil {
							silent503(t, "/users/register", got)
						}
						stop := err != nil || len(open) > 8
						mu.Unlock()
						if stop {
							return
						}
					}
				})
			}
			select {
			case <-enough:
			case <-time.After(time.Minute):
				t.Error("too few registrations in a minute")
			}
			if kill.database {
				db.Kill()
			}
			if kill.server {
				s.kill()
			}
			time.Sleep(100 * time.Millisecond)
			close(done)
			wg.Wait()
			if kill.database {
				db.Restart()
			}
			if kill.server {
				s.quiet(t)
				s = startProcess(t, dsn)
			}
			t.Logf("%d acknowledged, %d not", len(acknowledged), len(open))
			for _, email := range acknowledged {
				s.must(t, "POST", "/users/login", "", credentials(email, "1234")).want(t, 200, "")
			}
			for _, email := range open {
				got := s.must(t, "POST", "/users/register", "", credentials(email, "1234"))
				if got.status != 200 && got.status != 409 {
					t.Errorf("registering again: %v", got)
				}
				s.must(t, "POST", "/users/login", "", credentials(email, "1234")).want(t, 200, "")
			}
			s.quiet(t)
			if err := s.stop(); err != nil {
				t.Error(err)
			}
		})
	}
}

// Every way in which a database can be gone, with one server that lives on.
func TestMySQLOutages(t *testing.T) {
	db := mysqltest.Start(t, mysqltest.TCP, mysqltest.Flags("--max-connections=10"))
	dsn := db.AppDSN(database)
	s := start(t, "-dsn", dsn)
	registered := s.must(t, "POST", "/users/register", "", credentials("canary@example.com", "1234")).want(t, 200, "")
	token := registered.token()
	s.refresh = registered.refreshToken()

	t.Run("killed", func(t *testing.T) {
		db.Kill()
		s.unavailable(t, token)
		db.Restart()
		s.recovers(t)
	})
	t.Run("stalled", func(t *testing.T) {
		db.Pause()
		began := time.Now()
		s.unavailable(t, token)
		if took := time.Since(began); took > requestTimeout+2*time.Second {
			t.Errorf("the answers took %v", took)
		}
		db.Resume()
		s.recovers(t)
	})
	t.Run("read-only", func(t *testing.T) {
		db.Exec("SET GLOBAL read_only = 1")
		silent503(t, "/users/register", s.must(t, "POST", "/users/register", "", credentials("canary-new@example.com", "1234")))
		silent503(t, "/users/login", s.must(t, "POST", "/users/login", "", credentials("canary@example.com", "1234"))) // has a session to write
		s.must(t, "GET", "/users/me", token, "").want(t, 200, "")
		s.must(t, "GET", "/users/me/sessions", token, "").want(t, 200, "")
		db.Exec("SET GLOBAL read_only = 0")
		s.recovers(t)
	})
	t.Run("full", func(t *testing.T) {
		db.Restart() // so that the server's own connections are gone
		others, err := sql.Open("mysql", dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer others.Close()
		var held []*sql.Conn
		for err == nil && len(held) < 20 {
			var conn *sql.Conn
			if conn, err = others.Conn(t.Context()); err == nil {
				held = append(held, conn)
			}
		}
		if err == nil {
			t.Error("the database has no limit of connections")
		}
		s.unavailable(t, token)
		for _, conn := range held {
			conn.Close()
		}
		others.Close()
		s.recovers(t)
	})
	t.Run("missing tables", func(t *testing.T) {
		const users, sessions = database + ".auth_users", database + ".auth_users_sessions"
		db.Exec("RENAME TABLE " + users + " TO " + users + "_elsewhere, " + sessions + " TO " + sessions + "_elsewhere")
		s.unavailable(t, token)
		db.Exec("RENAME TABLE " + users + "_elsewhere TO " + users + ", " + sessions + "_elsewhere TO " + sessions)
		s.recovers(t)
	})
	t.Run("nothing half-written", func(t *testing.T) {
		s.must(t, "POST", "/users/login", "", credentials("canary-new@example.com", "1234")).want(t, 401, "")
		s.must(t, "POST", "/users/register", "", credentials("canary-new@example.com", "1234")).want(t, 200, "")
		s.must(t, "POST", "/users/login", "", credentials("canary-new@example.com", "1234")).want(t, 200, "")
	})
	t.Run("missing database", func(t *testing.T) {
		db.Exec("DROP DATABASE " + database)
		s.unavailable(t, token)
	})
	s.quiet(t)
}

// A server that cannot reach its database says so in one line and ends.
func TestMySQLStart(t *testing.T) {
	db := mysqltest.Start(t, mysqltest.TCP)
	for name, dsn := range map[string]string{
		"no such database": db.DSN("canary_missing"),
		"wrong password":   strings.Replace(db.AppDSN(database), "@", "canary@", 1),
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			err := run(ctx, []string{"-addr", "127.0.0.1:0"}, func(name string) string {
				return map[string]string{"AUTH_DSN": dsn}[name]
			}, &buffer{}, &buffer{})
			if err == nil || strings.ContainsAny(err.Error(), "\n@") || strings.Contains(err.Error(), "canary") {
				t.Errorf("error %v", err)
			}
		})
	}
}
