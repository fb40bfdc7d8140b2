package auth_test

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
	"github.com/seed89488a0c/auth/internal/mysqltest"
)

// guessHasher counts the passwords that are checked, each of which takes a while.
type guessHasher struct {
	auth.Hasher
	takes   time.Duration
	checked atomic.Int64
}

func (h *guessHasher) Verify(ctx context.Context, encoded string, p auth.Password) (bool, error) {
	h.checked.Add(1)
	time.Sleep(h.takes) // so that others are at the same point meanwhile
	return h.Hasher.Verify(ctx, encoded, p)
}

// guesses are what a process is told to try, all at once.
type guesses struct {
	Way      string // of those in wayToGuess
	Email    string
	Number   int
	Networks int // from how many they come; 0 = one
	Device   string
	Access   string // the token of a session
}

// guessed is what came of them.
type guessed struct {
	Checked                             int64
	Invalid, Refused, Ended, Unexpected int
	Example                             string // of what was not expected
}

// guessers is the process of one replica.
type guessers struct {
	a      *auth.Authenticator
	store  *auth.MySQLStore
	hasher *guessHasher
}

func newGuessers(t *testing.T, dsn string, takes time.Duration) *guessers {
	t.Helper()
	key, err := auth.HMACKey(append([]byte{0xFE, 0xFF, 1}, "a key that all the replicas have"...))
	if err != nil {
		t.Fatal(err)
	}
	g := &guessers{store: openMySQL(t, dsn), hasher: &guessHasher{Hasher: authtest.Hasher{}, takes: takes}}
	g.a, err = auth.New(g.store, newIssuer(t, auth.JWTConfig{Keys: []auth.Key{key}}), auth.Options{
		Hasher: g.hasher, Secrets: withSecrets(0xFE), Sessions: auth.SessionConfig{Store: g.store},
	})
	if err != nil {
		t.Fatal(err)
	}
	auth.SetHashSlots(g.a, 1000, 1<<40) // what is limited here is not how many are hashed at once
	return g
}

var wayToGuess = map[string]func(g *guessers, ctx context.Context, of guesses, i int) error{
	"log in": func(g *guessers, ctx context.Context, of guesses, i int) error {
		_, err := g.a.Login(ctx, auth.Credentials{Email: of.Email, Password: wrongOf(i), Client: of.client(i), Device: of.Device})
		return err
	},
	"reauthenticate": func(g *guessers, ctx context.Context, of guesses, i int) error {
		id, err := g.a.Verify(ctx, of.Access)
		if err == nil {
			_, err = g.a.Reauthenticate(ctx, auth.Reauthentication{Identity: id, Password: wrongOf(i), Client: of.client(i)})
		}
		return err
	},
	// What many services do, and what must not be taken for enough.
	"look, check and count": func(g *guessers, ctx context.Context, of guesses, i int) error {
		key := [32]byte{1}
		found, err := g.store.Attempts(ctx, [][32]byte{key})
		if err != nil {
			return err
		}
		if len(found) > 0 && found[0].Count >= 10 {
			return auth.ErrTooManyAttempts
		}
		user, err := g.store.UserByEmail(ctx, of.Email)
		if err != nil {
			return err
		}
		if match, err := g.hasher.Verify(ctx, user.PasswordHash, wrongOf(i)); match || err != nil {
			return errors.Join(err, errors.New("a wrong password is right"))
		}
		now := time.Now().UTC().Truncate(time.Microsecond)
		counted := auth.AttemptRecord{Key: key, At: now, ExpiresAt: now.Add(time.Hour)}
		if err := g.store.CountAttempts(ctx, now, []auth.AttemptRecord{counted}); err != nil {
			return err
		}
		return auth.ErrInvalidCredentials
	},
}

func wrongOf(i int) auth.Password {
	return auth.NewPassword(fmt.Sprintf("wrong %d of process %d", i, os.Getpid()))
}

// client is the one that tries for the time i.
func (of guesses) client(i int) auth.Client {
	if of.Networks == 0 {
		return from("203.0.113.9")
	}
	n := i % of.Networks
	return auth.Client{Address: netip.AddrFrom4([4]byte{198, 51, byte(n >> 8), byte(n)})}
}

// run tries them all at once. Whoever finds the queue full tries again.
func (g *guessers) run(ctx context.Context, of guesses) (r guessed) {
	before := g.hasher.checked.Load()
	var all sync.WaitGroup
	var mu sync.Mutex
	start := make(chan struct{})
	for i := range of.Number {
		all.Go(func() {
			<-start
			err := wayToGuess[of.Way](g, ctx, of, i)
			for errors.Is(err, auth.ErrOverloaded) {
				time.Sleep(5 * time.Millisecond) // as clients do; all the others go on meanwhile
				err = wayToGuess[of.Way](g, ctx, of, i)
			}
			mu.Lock()
			defer mu.Unlock()
			switch {
			case errors.Is(err, auth.ErrInvalidCredentials):
				r.Invalid++
			case errors.Is(err, auth.ErrTooManyAttempts):
				r.Refused++
			case errors.Is(err, auth.ErrInvalidToken):
				r.Ended++
			default:
				r.Unexpected++
				r.Example = fmt.Sprint(err)
			}
		})
	}
	close(start)
	all.Wait()
	r.Checked = g.hasher.checked.Load() - before
	return r
}

// guessEnv makes the test binary guess what its standard input says.
const guessEnv = "AUTH_TEST_GUESS_DSN"

// TestGuessProcess is the process of TestMySQLGuessesByProcesses.
func TestGuessProcess(t *testing.T) {
	dsn := os.Getenv(guessEnv)
	if dsn == "" {
		return
	}
	g := newGuessers(t, dsn, 20*time.Millisecond)
	fmt.Println("ready")
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var of guesses
		if err := in.Decode(&of); err != nil {
			return
		}
		if err := out.Encode(g.run(t.Context(), of)); err != nil {
			t.Fatal(err)
		}
	}
}

// guessProcess starts one.
func guessProcess(t *testing.T, dsn string) (*json.Encoder, *json.Decoder) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestGuessProcess$")
	cmd.Env = append(os.Environ(), guessEnv+"="+dsn)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	out := bufio.NewReader(pipe)
	t.Cleanup(func() {
		in.Close()
		out.WriteTo(new(strings.Builder))
		cmd.Wait()
	})
	if line, err := out.ReadString('\n'); line != "ready\n" {
		t.Fatalf("the process says %q, %v", line, err)
	}
	return json.NewEncoder(in), json.NewDecoder(out)
}

// stand has the counters of the one account that is counted stand at a number, of which the
// last was so many seconds ago. It is of parts of the account, or of the account too.
func stand(t *testing.T, admin *sql.DB, count int, account bool, secondsAgo int) {
	t.Helper()
	which := " WHERE SUBSTRING(`id`, 17) <> REPEAT(CHAR(0), 16)"
	if account {
		which = " WHERE `expires_at` > (UNIX_TIMESTAMP() + 86400) * 1000000" // and not of the network everywhere
	}
	mustExec(t, admin, "UPDATE `auth_users_attempts` SET `count` = ?, `at` = `at` - ? * 1000000"+which, count, secondsAgo)
}

// countersOf returns what is counted of the one account that is counted, and of all its parts.
func countersOf(t *testing.T, admin *sql.DB) (account, parts int64) {
	t.Helper()
	err := admin.QueryRow("SELECT MAX(a.`count`), SUM(p.`count`) FROM `auth_users_attempts` a JOIN `auth_users_attempts` p"+
		" ON LEFT(a.`id`, 16) = LEFT(p.`id`, 16) AND SUBSTRING(p.`id`, 17) <> REPEAT(CHAR(0), 16)"+
		" WHERE SUBSTRING(a.`id`, 17) = REPEAT(CHAR(0), 16)").Scan(&account, &parts)
	if err != nil {
		t.Fatal(err)
	}
	return account, parts
}

// Four processes guess at one account, 800 passwords at once. No more are hashed than the
// limit and two of each process, whether the account is anybody's or not, and each is counted.
// Without that care most of them are. ASVS 5.0 6.3.1, 15.4.2
func TestMySQLGuessesByProcesses(t *testing.T) {
	const processes, each = 4, 200
	dsn := mysqltest.DSN(t)
	admin := openPool(t, dsn)
	migrate(t, openMySQL(t, dsn))
	own := newGuessers(t, dsn, 0)
	var send []*json.Encoder
	var receive []*json.Decoder
	for range processes {
		in, out := guessProcess(t, dsn)
		send, receive = append(send, in), append(receive, out)
	}
	guess := func(of guesses) {
		of.Way = "log in"
		if r := own.run(t.Context(), of); r.Invalid != 1 {
			t.Fatalf("the first guess: %+v", r)
		}
	}
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "counted before\tguesses\tchecked\tcounted\tat most\tinvalid\trefused\tended\t")
	for _, tt := range []struct {
		name    string
		of      guesses
		nobody  bool
		limit   int64
		before  int64 // what is counted of the account
		parts   int64 // and of its parts, that is of the network
		prepare func(of guesses)
		loses   bool // it is how not to do it
	}{
		{name: "a user, one address", limit: 10},
		{name: "nobody, one address", limit: 10, nobody: true},
		{name: "a user, one address that may try once more", limit: 10, before: 9, parts: 9, prepare: func(of guesses) {
			guess(of)
			stand(t, admin, 9, true, 7200)
		}},
		{name: "nobody, one address that may try once more", limit: 10, nobody: true, before: 9, parts: 9, prepare: func(of guesses) {
			guess(of)
			stand(t, admin, 9, true, 7200)
		}},
		{name: "a user, 200 addresses", limit: 50, of: guesses{Networks: 200}},
		{name: "nobody, 200 addresses", limit: 50, nobody: true, of: guesses{Networks: 200}},
		// Its network is stopped, so that it cannot go on as a stranger.
		{name: "a known device", limit: 10, before: 1, parts: 10, of: guesses{Device: "own"}, prepare: func(of guesses) {
			of.Device = ""
			guess(of)
			stand(t, admin, 10, false, 0)
		}},
		{name: "a session", limit: 10, of: guesses{Way: "reauthenticate"}},
		{name: "without reservations", limit: 10, of: guesses{Way: "look, check and count"}, loses: true},
	} {
		of := tt.of
		of.Number, of.Email = 1, strings.ReplaceAll(tt.name, " ", ".")
		of.Email = strings.ReplaceAll(of.Email, ",", "") + "@example.com"
		mustExec(t, admin, "DELETE FROM `auth_users_attempts`")
		if !tt.nobody {
			r := registration()
			r.Email = of.Email
			result, err := own.a.Register(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			of.Access = result.Tokens.Access
			if of.Device != "" {
				of.Device = result.Tokens.Device
			}
		}
		if of.Way == "" {
			of.Way = "log in"
		}
		if tt.prepare != nil {
			tt.prepare(of)
		}
		of.Number = each
		for _, p := range send {
			if err := p.Encode(of); err != nil {
				t.Fatal(err)
			}
		}
		var sum guessed
		for _, p := range receive {
			var r guessed
			if err := p.Decode(&r); err != nil {
				t.Fatal(err)
			}
			sum.Checked += r.Checked
			sum.Invalid, sum.Refused, sum.Ended, sum.Unexpected = sum.Invalid+r.Invalid, sum.Refused+r.Refused, sum.Ended+r.Ended, sum.Unexpected+r.Unexpected
			sum.Example += r.Example
		}
		most := tt.limit + 2*processes
		if tt.of.Device != "" {
			most++ // of the account one was counted that is not its own
		}
		counted := tt.before + sum.Checked
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t\n", tt.name, tt.before, processes*each, sum.Checked, counted, most, sum.Invalid, sum.Refused, sum.Ended)
		if sum.Unexpected > 0 {
			t.Errorf("%s: %d were answered otherwise, by %s", tt.name, sum.Unexpected, sum.Example)
		}
		if tt.loses {
			if counted < 2*most {
				t.Errorf("%s: %d were checked; this test would not notice", tt.name, sum.Checked)
			}
			continue
		}
		if counted > most || sum.Checked == 0 || int64(sum.Invalid) != sum.Checked {
			t.Errorf("%s: %d failures, and at most %d may be; %d of %d that were checked were told so", tt.name, counted, most, sum.Invalid, sum.Checked)
		}
		if account, parts := countersOf(t, admin); account != counted || parts != tt.parts+sum.Checked {
			t.Errorf("%s: %d were checked, and the counters went from %d and %d to %d and %d", tt.name, sum.Checked, tt.before, tt.parts, account, parts)
		}
		if of.Way == "reauthenticate" {
			if err := wayToGuess[of.Way](own, t.Context(), of, 0); !errors.Is(err, auth.ErrInvalidToken) {
				t.Errorf("%s: it goes on: %v", tt.name, err)
			}
		}
	}
	w.Flush()
	t.Logf("%d processes:\n%s", processes, &table)
}
