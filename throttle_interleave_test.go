package auth_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
	"github.com/seed89488a0c/auth/internal/interleave"
)

// guesser is a process in which one call is made, and what it has come upon.
type guesser struct {
	a      *auth.Authenticator
	read   map[[32]byte]uint32 // the counters as it read them last
	checks []checked
}

// checked is a password that was hashed, by counters as they were read before.
type checked struct {
	turn int // of all that were hashed in the execution
	read map[[32]byte]uint32
}

type guesserKey struct{}

func guesserOf(ctx context.Context) *guesser {
	g, _ := ctx.Value(guesserKey{}).(*guesser)
	return g
}

// guessStore asks for a turn before each call.
type guessStore struct {
	*auth.MemoryStore
	blind bool // a reservation compares nothing
	loses bool // a count is lost, and nobody is told
	seen  func([]auth.AttemptRecord)
}

func counterStep(name string, reads bool, keys ...[32]byte) interleave.Step {
	s := interleave.Step{Name: name, Reads: reads}
	for _, key := range keys {
		s.Keys = append(s.Keys, "attempts/"+hex.EncodeToString(key[:]))
	}
	return s
}

func (s *guessStore) UserByEmail(ctx context.Context, key string) (r auth.UserRecord, err error) {
	err = turn(ctx, userStep("read the user", true), func() (err error) {
		r, err = s.MemoryStore.UserByEmail(ctx, key)
		return err
	})
	return r, err
}

func (s *guessStore) UserByID(ctx context.Context, id string) (r auth.UserRecord, err error) {
	err = turn(ctx, userStep("read the user", true), func() (err error) {
		r, err = s.MemoryStore.UserByID(ctx, id)
		return err
	})
	return r, err
}

func (s *guessStore) UpdateUser(ctx context.Context, u auth.UserUpdate) error {
	return turn(ctx, userStep("change the user", false), func() error { return s.MemoryStore.UpdateUser(ctx, u) })
}

func (s *guessStore) Attempts(ctx context.Context, keys [][32]byte) (found []auth.AttemptRecord, err error) {
	err = turn(ctx, counterStep("read counters", true, keys...), func() (err error) {
		found, err = s.MemoryStore.Attempts(ctx, keys)
		if g := guesserOf(ctx); g != nil {
			g.read = map[[32]byte]uint32{}
			for _, r := range found {
				g.read[r.Key] = r.Count
			}
		}
		return err
	})
	return found, err
}

func (s *guessStore) CountAttempts(ctx context.Context, now time.Time, counts []auth.AttemptRecord) error {
	if s.seen != nil {
		s.seen(counts)
	}
	var keys [][32]byte
	for _, r := range counts {
		keys = append(keys, r.Key)
	}
	return turn(ctx, counterStep("count", false, keys...), func() error {
		if s.loses {
			return nil
		}
		return s.MemoryStore.CountAttempts(ctx, now, counts)
	})
}

func (s *guessStore) ReserveAttempt(ctx context.Context, r auth.AttemptReservation) error {
	return turn(ctx, counterStep("reserve", false, r.Key), func() error {
		if s.blind {
			return s.MemoryStore.CountAttempts(ctx, r.Now, []auth.AttemptRecord{r.AttemptRecord})
		}
		return s.MemoryStore.ReserveAttempt(ctx, r)
	})
}

func (s *guessStore) ReturnAttempt(ctx context.Context, r auth.AttemptReservation) error {
	return turn(ctx, counterStep("give back", false, r.Key), func() error { return s.MemoryStore.ReturnAttempt(ctx, r) })
}

func (s *guessStore) DeleteAttempts(ctx context.Context, f auth.AttemptFilter) (n int, err error) {
	step := counterStep("forget", false, f.Keys...)
	if f.Keys == nil {
		step.Keys = []string{"attempts/" + hex.EncodeToString(f.Account[:])}
	}
	err = turn(ctx, step, func() (err error) {
		n, err = s.MemoryStore.DeleteAttempts(ctx, f)
		return err
	})
	return n, err
}

// turnHasher does so before a password is checked.
type turnHasher struct {
	auth.Hasher
	checked *int
}

func (h turnHasher) Verify(ctx context.Context, encoded string, p auth.Password) (match bool, err error) {
	err = turn(ctx, interleave.Step{Name: "check a password", Reads: true}, func() (err error) {
		if g := guesserOf(ctx); g != nil {
			*h.checked++
			g.checks = append(g.checks, checked{*h.checked, g.read})
		}
		match, err = h.Hasher.Verify(ctx, encoded, p)
		return err
	})
	return match, err
}

// standing is what is counted before an execution.
type standing struct {
	name                    string
	account, network, own   int
	strangers, all, ofOwn   int // the limits
	mayRefuseKnown, isLoose bool
}

// The networks of the strangers and of the owner's device.
const (
	oneAddress   = "203.0.113.9"
	otherAddress = "198.51.100.7"
	ownAddress   = "192.0.2.1"
)

// guessWorld is what guesses meet: a user with a known device.
type guessWorld struct {
	a           *auth.Authenticator
	store       *guessStore
	user        auth.UserRecord
	device      string
	account     [32]byte
	network     [32]byte // of strangers from oneAddress
	own         [32]byte // of the device
	from        standing
	hashed      int
	guessers    []*guesser
	longAgo, in time.Time
}

func newGuessWorld(t *testing.T, from standing) *guessWorld {
	t.Helper()
	w := &guessWorld{store: &guessStore{MemoryStore: auth.NewMemoryStore()}, from: from}
	w.a = newAuth(t, w.store, auth.Options{
		Hasher: turnHasher{authtest.Hasher{}, &w.hashed}, Secrets: withSecrets(0xFE), Throttle: auth.Throttle{Store: w.store},
	})
	auth.SetHashSlots(w.a, 100, 1<<40) // nobody waits but for a turn
	first := register(t, w.a)
	w.device = first.Tokens.Device
	var err error
	if w.user, err = w.store.MemoryStore.UserByID(t.Context(), first.User.ID); err != nil {
		t.Fatal(err)
	}
	var keys [][32]byte
	w.store.seen = func(counts []auth.AttemptRecord) {
		for _, r := range counts {
			if string(r.Key[:16]) == string(counts[0].Key[:16]) {
				keys = append(keys, r.Key)
			}
		}
	}
	for _, g := range []func(context.Context, *auth.Authenticator) error{w.guess(oneAddress, "", "wrong"), w.guess(ownAddress, w.device, "wrong")} {
		wantErr(t, g(t.Context(), w.a), auth.ErrInvalidCredentials)
	}
	if w.store.seen = nil; len(keys) != 4 || keys[0] != keys[2] {
		t.Fatalf("%d counters were counted", len(keys))
	}
	w.account, w.network, w.own = keys[0], keys[1], keys[3]
	w.in = time.Now().UTC().Truncate(time.Microsecond).Add(24 * time.Hour)
	w.longAgo = w.in.Add(-26 * time.Hour)
	return w
}

// guess is a login with a password.
func (w *guessWorld) guess(address, device, password string) func(context.Context, *auth.Authenticator) error {
	return func(ctx context.Context, a *auth.Authenticator) error {
		result, err := a.Login(ctx, auth.Credentials{Email: email, Password: auth.NewPassword(password), Client: from(address), Device: device})
		if err != nil && result != (auth.Result{}) {
			return errors.New("a result beside an error")
		}
		return err
	}
}

// again puts the world back to its beginning, with so many processes.
func (w *guessWorld) again(t *testing.T, processes int) {
	ctx := t.Context()
	w.store.MemoryStore, w.hashed, w.guessers = auth.NewMemoryStore(), 0, nil
	if _, err := w.store.MemoryStore.CreateUser(ctx, w.user); err != nil {
		t.Fatal(err)
	}
	for key, count := range map[[32]byte]int{w.account: w.from.account, w.network: w.from.network, w.own: w.from.own} {
		for range count {
			r := auth.AttemptRecord{Key: key, At: w.longAgo, ExpiresAt: w.in}
			if err := w.store.MemoryStore.CountAttempts(ctx, w.longAgo, []auth.AttemptRecord{r}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range processes {
		w.guessers = append(w.guessers, &guesser{a: auth.Restarted(w.a)})
	}
}

// guessAction is what one process does.
type guessAction struct {
	name     string
	guesses  int // wrong passwords
	stranger bool
	known    bool
	forgets  bool
	do       func(i int) []func(context.Context, *auth.Authenticator) error
}

func (w *guessWorld) actions() map[string]guessAction {
	type call = func(context.Context, *auth.Authenticator) error
	wrong := func(address, device string, times int) func(int) []call {
		return func(i int) (calls []call) {
			for n := range times {
				calls = append(calls, w.guess(address, device, fmt.Sprintf("wrong %d of %d", n, i)))
			}
			return calls
		}
	}
	one := func(c call) func(int) []call { return func(int) []call { return []call{c} } }
	list := []guessAction{
		{"guess", 1, true, false, false, wrong(oneAddress, "", 1)},
		{"guess elsewhere", 1, true, false, false, wrong(otherAddress, "", 1)},
		{"guess twice", 2, true, false, false, wrong(oneAddress, "", 2)},
		{"device errs", 1, false, true, false, wrong(ownAddress, w.device, 1)},
		{"device errs twice", 2, false, true, false, wrong(ownAddress, w.device, 2)},
		{"log in", 0, true, false, true, one(w.guess(otherAddress, "", password))},
		{"log in with the device", 0, false, true, true, one(w.guess(ownAddress, w.device, password))},
		{"clear", 0, false, false, true, one(func(ctx context.Context, a *auth.Authenticator) error { return a.ClearAttempts(ctx, w.user.ID) })},
		{"set the password", 0, false, false, true, one(func(ctx context.Context, a *auth.Authenticator) error {
			return a.SetPassword(ctx, w.user.ID, auth.NewPassword(password))
		})},
	}
	byName := map[string]guessAction{}
	for _, a := range list {
		byName[a.name] = a
	}
	return byName
}

// explore runs actions through all that can happen.
func (w *guessWorld) explore(t *testing.T, faults int, names ...string) (executions int, wrong string) {
	t.Helper()
	known := w.actions()
	actions := make([]guessAction, len(names))
	for i, name := range names {
		actions[i] = known[name]
	}
	executions = interleave.Explore(faults, func() ([]func(context.Context), func(*interleave.Execution) bool) {
		w.again(t, len(actions))
		answers := make([][]error, len(actions))
		calls := make([]func(context.Context), len(actions))
		for i, a := range actions {
			calls[i] = func(ctx context.Context) {
				g := w.guessers[i]
				for _, do := range a.do(i) {
					answers[i] = append(answers[i], do(context.WithValue(ctx, guesserKey{}, g), g.a))
				}
			}
		}
		return calls, func(e *interleave.Execution) bool {
			what := w.judge(actions, answers, e)
			if what == "" {
				return true
			}
			wrong = what
			for _, turn := range e.Turns {
				wrong += fmt.Sprintf("\n\t%s: %s: %s", names[turn.Call], turn.Step.Name, turn.Outcome)
			}
			for i, errs := range answers {
				wrong += fmt.Sprintf("\n\t%s returned %v", names[i], errs)
			}
			return false
		}
	})
	return executions, wrong
}

var (
	guessActions = []string{"guess", "guess elsewhere", "device errs", "log in", "log in with the device", "clear", "set the password"}
	guessWorlds  = []standing{
		{name: "from nothing", strangers: 50, all: 100, ofOwn: 10, isLoose: true},
		{name: "one below the limit of a network", account: 9, network: 9, strangers: 50, all: 100, ofOwn: 10},
		{name: "one below where strangers wait", account: 49, strangers: 50, all: 100, ofOwn: 10},
		{name: "one below where strangers are stopped", account: 79, strangers: 80, all: 100, ofOwn: 10},
		{name: "one below where everybody is stopped", account: 99, strangers: 80, all: 100, ofOwn: 10, mayRefuseKnown: true},
		{name: "one below the limit of a device", account: 9, own: 9, strangers: 50, all: 100, ofOwn: 10},
	}
)

// Every order of two calls with a fault at every turn, and of three calls, in a process each,
// from just below each limit: no more is checked than the limits say, no owner is refused for
// what strangers did, and no failure is told that was not counted. AUTH_TEST_INTERLEAVE=1
// tries all sets of three calls, and faults with some of them too.
func TestInterleavedGuesses(t *testing.T) {
	t.Parallel()
	for _, from := range guessWorlds {
		t.Run(from.name, func(t *testing.T) {
			t.Parallel()
			for _, tt := range []struct {
				calls, faults int
				full          bool
				names         []string
			}{
				{1, 2, false, append([]string{"guess twice", "device errs twice"}, guessActions...)},
				{2, 1, false, guessActions},
				{2, 1, true, append([]string{"guess twice"}, guessActions...)},
				{3, 0, false, []string{"guess", "device errs", "log in with the device"}},
				{3, 0, true, guessActions},
				{3, 1, true, []string{"guess", "device errs", "log in with the device"}},
			} {
				if tt.full && os.Getenv("AUTH_TEST_INTERLEAVE") == "" {
					continue
				}
				start, executions, sets := time.Now(), 0, multisets(tt.names, tt.calls)
				w := newGuessWorld(t, from)
				for _, names := range sets {
					n, wrong := w.explore(t, tt.faults, names...)
					executions += n
					if wrong != "" {
						t.Errorf("%s: %s", strings.Join(names, " | "), wrong)
					}
				}
				t.Logf("%d calls, %d faults at most: %d executions of %d scenarios in %v", tt.calls, tt.faults, executions, len(sets), time.Since(start).Round(time.Millisecond))
			}
		})
	}
}

// Stores that are wrong are found out: one whose reservations compare nothing at each limit
// that they keep, and one that loses counts.
func TestInterleavedGuessesFindRaces(t *testing.T) {
	for _, tt := range []struct {
		store guessStore
		from  int
		names []string
		what  string
	}{
		{guessStore{blind: true}, 2, []string{"guess", "guess elsewhere"}, "more than the limit were checked: 51"},
		{guessStore{blind: true}, 3, []string{"guess", "guess elsewhere"}, "more than the limit were checked: 81"},
		{guessStore{blind: true}, 4, []string{"device errs", "device errs"}, "more than the limit were checked: 101"},
		{guessStore{loses: true}, 0, []string{"guess"}, "1 failures were told, and the account went from 0 to 0"},
	} {
		w := newGuessWorld(t, guessWorlds[tt.from])
		if n, wrong := w.explore(t, 0, tt.names...); wrong != "" {
			t.Fatalf("in execution %d: %s", n, wrong)
		}
		w.store.blind, w.store.loses = tt.store.blind, tt.store.loses
		n, wrong := w.explore(t, 0, tt.names...)
		if !strings.Contains(wrong, tt.what) {
			t.Errorf("%v: nothing is wrong in %d executions: %s", tt.names, n, wrong)
		}
		t.Logf("%v: in execution %d: %s", tt.names, n, wrong)
	}
}
