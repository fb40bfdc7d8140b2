package auth_test

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/internal/mysqltest"
)

// ASVS 5.0 15.4.2
func TestMySQLConcurrentRefreshes(t *testing.T) {
	concurrentRefreshes(t, migrate(t, openMySQL(t, mysqltest.DSN(t))), 20)
}

// Register and Login with sessions are two round trips, Refresh is two.
func TestMySQLRefreshRoundTrips(t *testing.T) {
	for name, opts := range map[string]auth.MySQLConfig{
		"own IDs":     {},
		"integer IDs": {IntegerIDs: true},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			w, dsn := newWire(t, mysqltest.DSN(t))
			s := migrate(t, openMySQL(t, dsn, opts))
			a := newSessions(t, s, auth.SessionConfig{})
			limited := newSessions(t, s, auth.SessionConfig{MaxPerUser: 10})
			checking := newSessions(t, s, auth.SessionConfig{Staleness: time.Minute})
			apart := newAuth(t, s, auth.Options{Sessions: auth.SessionConfig{Store: &otherStore{s}}})
			var first, second auth.Result
			var old string
			refresh := func(a *auth.Authenticator) error {
				old = aged(t, s, first.Tokens.Refresh)
				result, err := a.Refresh(ctx, auth.Renewal{Token: old})
				first.Tokens = result.Tokens
				return err
			}
			for _, step := range []struct {
				name string
				want int64
				do   func() error
			}{
				{"Register", 2, func() (err error) { first, err = a.Register(ctx, registration()); return err }},
				{"Login", 2, func() (err error) { second, err = a.Login(ctx, credentials(email, password)); return err }},
				{"Login with a limit", 2, func() error { _, err := limited.Login(ctx, credentials(email, password)); return err }},
				{"Refresh of a young token", 1, func() error {
					_, err := a.Refresh(ctx, auth.Renewal{Token: first.Tokens.Refresh})
					return err
				}},
				// Three make the token old.
				{"Refresh of two stores", 3 + 3, func() error { return refresh(apart) }},
				{"Refresh", 3 + 2, func() error { return refresh(a) }},
				{"Refresh by the parent", 2, func() error { _, err := a.Refresh(ctx, auth.Renewal{Token: old}); return err }},
				{"Verify", 0, func() error { _, err := a.Verify(ctx, first.Tokens.Access); return err }},
				{"Sessions", 2, func() error { _, err := a.Sessions(ctx, first.User.ID); return err }},
				{"Logout", 2, func() error { return a.Logout(ctx, second.Tokens.Refresh) }},
				{"EndSession", 1, func() error { return a.EndSession(ctx, first.User.ID, "x") }},
				{"a token of nothing", 0, func() error {
					_, err := a.Refresh(ctx, auth.Renewal{Token: "x"})
					wantErr(t, err, auth.ErrInvalidToken)
					return nil
				}},
				{"EndSessions", 3, func() error { return a.EndSessions(ctx, first.User.ID) }},
				{"DeleteExpired", 4, func() error { _, err := a.DeleteExpired(ctx, 1000); return err }},
			} {
				before := w.writes.Load()
				if err := step.do(); err != nil {
					t.Fatalf("%s: %v", step.name, err)
				}
				if got := w.writes.Load() - before; got != step.want {
					t.Errorf("%s: %d writes to the server, want %d", step.name, got, step.want)
				}
			}
			result, err := checking.Login(ctx, credentials(email, password))
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range []int64{1, 0, 0} {
				before := w.writes.Load()
				if _, err := checking.Verify(ctx, result.Tokens.Access); err != nil {
					t.Fatal(err)
				}
				if got := w.writes.Load() - before; got != want {
					t.Errorf("Verify %d with Staleness: %d writes to the server, want %d", i, got, want)
				}
			}
		})
	}
}

// otherStore keeps sessions, and is not the one that keeps users.
type otherStore struct{ auth.SessionStore }

// The rotation was committed, and the connection died before the answer: the
// client's retry gets the successor.
func TestMySQLRefreshOverALostAnswer(t *testing.T) {
	w, dsn := newWire(t, mysqltest.DSN(t))
	s := migrate(t, openMySQL(t, dsn))
	a := newSessions(t, s, auth.SessionConfig{})
	token := aged(t, s, register(t, a).Tokens.Refresh)
	w.loseAnswer("UPDATE")
	result, err := a.Refresh(t.Context(), auth.Renewal{Token: token})
	wantErr(t, err, auth.ErrUnavailable)
	if errors.Is(err, auth.ErrInvalidToken) || result != (auth.Result{}) {
		t.Errorf("got %v", err)
	}
	next := refreshed(t, a, token)
	if again := refreshed(t, a, token); again.Refresh != next.Refresh {
		t.Error("another successor")
	}
	refreshed(t, a, next.Refresh)
}

// What was answered is still there after kill -9, as is that the parent was used.
func TestMySQLRefreshSurvivesAKill(t *testing.T) {
	server := mysqltest.Start(t, mysqltest.Durable)
	server.Exec("CREATE DATABASE d")
	a := newSessions(t, migrate(t, openMySQL(t, server.DSN("d"))), auth.SessionConfig{Grace: -1})
	token := register(t, a).Tokens.Refresh
	for range 5 {
		next := refreshed(t, a, token).Refresh
		server.Kill()
		result, err := a.Refresh(t.Context(), auth.Renewal{Token: next})
		wantErr(t, err, auth.ErrUnavailable)
		if errors.Is(err, auth.ErrInvalidToken) || result != (auth.Result{}) {
			t.Errorf("got %v", err)
		}
		server.Restart()
		token = next
	}
	old := token
	next := refreshed(t, a, token).Refresh
	refused(t, a, old, auth.ErrSessionReplayed)
	refused(t, a, next, auth.ErrInvalidToken)
}

// Whoever refreshes at the moment of a kill -9 is given one successor of a token, by
// whichever replica, and it is there afterwards.
func TestMySQLRacedRefreshesSurviveAKill(t *testing.T) {
	server := mysqltest.Start(t, mysqltest.Durable)
	server.Exec("CREATE DATABASE d")
	s := migrate(t, openMySQL(t, server.DSN("d")))
	replicas := []*auth.Authenticator{newSessions(t, s, auth.SessionConfig{}), newSessions(t, migrate(t, openMySQL(t, server.DSN("d"))), auth.SessionConfig{})}
	register(t, replicas[0])
	const sessions = 40
	answered := 0
	for range 3 {
		tokens := make([]string, sessions)
		for i := range tokens {
			tokens[i] = aged(t, s, loggedIn(t, replicas[0]).Tokens.Refresh)
		}
		got := make([][2]string, sessions)
		var all sync.WaitGroup
		for i, token := range tokens {
			for j, a := range replicas {
				all.Go(func() {
					result, err := a.Refresh(t.Context(), auth.Renewal{Token: token})
					if errors.Is(err, auth.ErrInvalidToken) {
						t.Errorf("a client is told to drop its token: %v", err)
					}
					got[i][j] = result.Tokens.Refresh
					if i == sessions/3 && j == 0 {
						server.Kill()
					}
				})
			}
		}
		all.Wait()
		server.Restart()
		for i, pair := range got {
			one, other := pair[0], pair[1]
			if one != "" && other != "" && one != other {
				t.Errorf("two successors of one token were given out")
			}
			if next := cmp.Or(one, other); next != "" {
				answered++
				refreshed(t, replicas[0], next)
			}
			refreshed(t, replicas[1], tokens[i])
		}
		if err := replicas[0].EndSessions(t.Context(), identity(t, replicas[0], loggedIn(t, replicas[0]).Tokens).UserID); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d of %d sessions were answered before the kill", answered, 3*sessions)
}

// A change of the password, or a log-out of all others, whose commit was answered by a
// broken connection is told to have been done.
func TestMySQLPasswordCallsOverALostAnswer(t *testing.T) {
	for name, call := range passwordCalls {
		if name == "Reauthenticate" {
			continue // changes no user
		}
		w, dsn := newWire(t, mysqltest.DSN(t))
		a := newSessions(t, migrate(t, openMySQL(t, dsn)), auth.SessionConfig{})
		first := register(t, a)
		w.loseAnswer("UPDATE `auth_users` ")
		result, err := call(t.Context(), a, identity(t, a, first.Tokens), password)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		refreshed(t, a, result.Tokens.Refresh)
		refused(t, a, first.Tokens.Refresh, auth.ErrInvalidToken)
	}
}

// refreshEnv makes the test binary refresh a token of its standard input.
const refreshEnv = "AUTH_TEST_REFRESH_DSN"

// TestRefreshProcess is the process of TestMySQLRefreshByProcesses.
func TestRefreshProcess(t *testing.T) {
	dsn := os.Getenv(refreshEnv)
	if dsn == "" {
		return
	}
	a := newSessions(t, openMySQL(t, dsn), auth.SessionConfig{})
	fmt.Println("ready")
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var all sync.WaitGroup
		var mu sync.Mutex
		for range 8 {
			all.Go(func() {
				result, err := a.Refresh(t.Context(), auth.Renewal{Token: lines.Text()})
				mu.Lock()
				defer mu.Unlock()
				fmt.Println(result.Tokens.Refresh, err)
			})
		}
		all.Wait()
	}
}

// Four processes with eight goroutines each refresh with one token at once.
func TestMySQLRefreshByProcesses(t *testing.T) {
	dsn := mysqltest.DSN(t)
	s := migrate(t, openMySQL(t, dsn))
	a := newSessions(t, s, auth.SessionConfig{})
	token := register(t, a).Tokens.Refresh
	type process struct {
		in  interface{ Write([]byte) (int, error) }
		out *bufio.Scanner
	}
	var processes []process
	for range 4 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestRefreshProcess$")
		cmd.Env = append(os.Environ(), refreshEnv+"="+dsn)
		cmd.Stderr = os.Stderr
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		p := process{in, bufio.NewScanner(out)}
		t.Cleanup(func() {
			in.Close()
			for p.out.Scan() {
			}
			cmd.Wait()
		})
		if !p.out.Scan() || p.out.Text() != "ready" {
			t.Fatalf("the process says %q", p.out.Text())
		}
		processes = append(processes, p)
	}
	for range 20 {
		aged(t, s, token)
		for _, p := range processes {
			fmt.Fprintln(p.in, token)
		}
		successors := map[string]bool{}
		for _, p := range processes {
			for range 8 {
				if !p.out.Scan() {
					t.Fatal("a process has ended")
				}
				next, err, _ := strings.Cut(p.out.Text(), " ")
				if err != "<nil>" {
					t.Fatal(err)
				}
				successors[next] = true
			}
		}
		if len(successors) != 1 {
			t.Fatalf("%d successors", len(successors))
		}
		for token = range successors {
		}
	}
	refreshed(t, a, token)
}
