package auth_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/internal/interleave"
)

// turnStore asks for a turn before each call.
type turnStore struct {
	*auth.MemoryStore
	split bool // a session is compared in one turn, and changed in the next
	blind bool // nothing that an ending demands is looked at
}

// turn makes a step, or fails as a store does whose server is gone.
func turn(ctx context.Context, s interleave.Step, step func() error) error {
	switch interleave.Take(ctx, s) {
	case interleave.Done:
		return step()
	case interleave.Lost:
		step()
	}
	return errDown
}

func userStep(name string, reads bool) interleave.Step {
	return interleave.Step{Name: name, Reads: reads, Keys: []string{"user"}}
}

func sessionStep(name, id string, reads bool) interleave.Step {
	return interleave.Step{Name: name, Reads: reads, Keys: []string{"session/" + id}}
}

func (s *turnStore) UserByID(ctx context.Context, id string) (r auth.UserRecord, err error) {
	err = turn(ctx, userStep("read the user", true), func() (err error) {
		r, err = s.MemoryStore.UserByID(ctx, id)
		return err
	})
	return r, err
}

func (s *turnStore) UpdateUser(ctx context.Context, u auth.UserUpdate) error {
	if s.blind && u.RaiseEpoch > 0 {
		u.IfEpoch, u.IfPasswordHash = nil, nil
	}
	return turn(ctx, userStep("change the user", false), func() error { return s.MemoryStore.UpdateUser(ctx, u) })
}

func (s *turnStore) DeleteUser(ctx context.Context, id string) error {
	return turn(ctx, userStep("delete the user", false), func() error { return s.MemoryStore.DeleteUser(ctx, id) })
}

func (s *turnStore) CreateSession(ctx context.Context, r auth.SessionRecord) error {
	return turn(ctx, sessionStep("add a session", r.ID, false), func() error { return s.MemoryStore.CreateSession(ctx, r) })
}

func (s *turnStore) SessionByID(ctx context.Context, id string) (r auth.SessionRecord, err error) {
	err = turn(ctx, sessionStep("read a session", id, true), func() (err error) {
		r, err = s.MemoryStore.SessionByID(ctx, id)
		return err
	})
	return r, err
}

func (s *turnStore) UpdateSession(ctx context.Context, u auth.SessionUpdate) error {
	if s.split {
		r, err := s.SessionByID(ctx, u.ID)
		if err != nil || r.Family != u.IfFamily || r.Token != u.IfToken {
			return auth.ErrConflict
		}
		return turn(ctx, sessionStep("change a session", u.ID, false), func() error {
			r, err := s.MemoryStore.SessionByID(ctx, u.ID)
			u.IfToken = r.Token
			return errors.Join(err, s.MemoryStore.UpdateSession(ctx, u))
		})
	}
	return turn(ctx, sessionStep("change a session", u.ID, false), func() error { return s.MemoryStore.UpdateSession(ctx, u) })
}

func (s *turnStore) DeleteSessions(ctx context.Context, f auth.SessionFilter) (n int, err error) {
	err = turn(ctx, sessionStep("delete sessions", f.ID, false), func() (err error) {
		n, err = s.MemoryStore.DeleteSessions(ctx, f)
		return err
	})
	return n, err
}

// world is what calls meet: a user with one session, of which the owner has the current
// token and somebody may have its parent.
type world struct {
	a       *auth.Authenticator
	store   *turnStore
	user    auth.UserRecord
	session auth.SessionRecord
	who     auth.Identity
	token   string
	parent  string
}

// newWorld makes it, as it was after so long a time without a call.
func newWorld(t *testing.T, c auth.SessionConfig, since time.Duration) *world {
	t.Helper()
	ctx := t.Context()
	w := &world{store: &turnStore{MemoryStore: auth.NewMemoryStore()}}
	w.a = newSessions(t, w.store, c)
	first := register(t, w.a)
	w.parent = first.Tokens.Refresh
	if c.Grace >= 0 {
		aged(t, w.store.MemoryStore, w.parent)
	}
	next := refreshed(t, w.a, w.parent)
	w.token = next.Refresh
	w.who = identity(t, w.a, next)
	var err error
	if w.user, err = w.store.MemoryStore.UserByID(ctx, first.User.ID); err != nil {
		t.Fatal(err)
	}
	if w.session, err = w.store.MemoryStore.SessionByID(ctx, w.who.SessionID); err != nil {
		t.Fatal(err)
	}
	s := &w.session
	for _, at := range []*time.Time{&s.CreatedAt, &s.LastUsedAt, &s.RotatedAt, &s.IdleUntil, &s.ExpiresAt} {
		*at = at.Add(-since)
	}
	if !s.GraceUntil.IsZero() {
		s.GraceUntil = s.GraceUntil.Add(-since)
	}
	return w
}

// again puts the world back to its beginning.
func (w *world) again(t *testing.T) {
	w.store.MemoryStore = auth.NewMemoryStore()
	if _, err := w.store.MemoryStore.CreateUser(t.Context(), w.user); err != nil {
		t.Fatal(err)
	}
	if err := w.store.MemoryStore.CreateSession(t.Context(), w.session); err != nil {
		t.Fatal(err)
	}
}

// answer is what a call has returned.
type answer struct {
	result auth.Result
	err    error
}

// action is something that somebody does.
type action struct {
	name   string
	shows  string // the refresh token that it shows
	begins bool   // a new session
	ends   ending
	do     func(ctx context.Context, w *world) (auth.Result, error)
}

type ending int

const (
	nothing ending = iota
	theSession
	allSessions
	byReplay // ends the session where a copy is found out
)

func (w *world) actions() map[string]action {
	refresh := func(token string) func(context.Context, *world) (auth.Result, error) {
		return func(ctx context.Context, w *world) (auth.Result, error) {
			return w.a.Refresh(ctx, auth.Renewal{Token: token})
		}
	}
	reauthenticate := func(others bool) func(context.Context, *world) (auth.Result, error) {
		return func(ctx context.Context, w *world) (auth.Result, error) {
			return w.a.Reauthenticate(ctx, auth.Reauthentication{Identity: w.who, Password: auth.NewPassword(password), EndOthers: others})
		}
	}
	tabs := nothing
	if w.session.GraceUntil.IsZero() {
		tabs = byReplay // two of them are taken for a thief
	}
	list := []action{
		{"refresh", w.token, false, tabs, refresh(w.token)},
		{"thief", w.parent, false, byReplay, refresh(w.parent)},
		{"log out", "", false, theSession, func(ctx context.Context, w *world) (auth.Result, error) {
			return auth.Result{}, w.a.Logout(ctx, w.token)
		}},
		{"change", "", true, allSessions, func(ctx context.Context, w *world) (auth.Result, error) {
			return w.a.ChangePassword(ctx, auth.PasswordChange{Identity: w.who, Current: auth.NewPassword(password), New: auth.NewPassword("another horse battery")})
		}},
		{"step up", "", true, theSession, reauthenticate(false)},
		{"log out others", "", true, allSessions, reauthenticate(true)},
		{"end all", "", false, allSessions, func(ctx context.Context, w *world) (auth.Result, error) {
			return auth.Result{}, w.a.EndSessions(ctx, w.user.ID)
		}},
		{"disable", "", false, allSessions, func(ctx context.Context, w *world) (auth.Result, error) {
			return auth.Result{}, w.a.SetDisabled(ctx, w.user.ID, true)
		}},
		{"delete", "", false, allSessions, func(ctx context.Context, w *world) (auth.Result, error) {
			return auth.Result{}, w.a.DeleteUser(ctx, w.user.ID)
		}},
	}
	byName := map[string]action{}
	for _, a := range list {
		byName[a.name] = a
	}
	return byName
}

// secretDigest is what the store keeps of a refresh token.
func secretDigest(token string) [32]byte {
	raw, _ := base64.RawURLEncoding.DecodeString(token)
	return sha256.Sum256(raw[32:])
}

// judge returns what is wrong at the end of an execution, "" if nothing is.
func (w *world) judge(actions []action, answers []answer, e *interleave.Execution) string {
	ctx := context.Background()
	user, err := w.store.MemoryStore.UserByID(ctx, w.user.ID)
	gone := errors.Is(err, auth.ErrUserNotFound)
	rows, err := w.store.MemoryStore.Sessions(ctx, w.user.ID)
	if err != nil {
		return err.Error()
	}
	living := map[string]auth.SessionRecord{}
	for _, r := range rows {
		if !gone && r.Epoch == user.Epoch && user.DisabledAt.IsZero() {
			living[r.ID] = r
		}
	}
	_, old := living[w.session.ID]

	open := func(i int) bool { // whether it was done nobody was told
		return e.Died(i) || errors.Is(answers[i].err, auth.ErrUnavailable)
	}
	done := func(i int) bool { return !e.Died(i) && answers[i].err == nil }
	// may reports whether a call other than i can have had the effect.
	may := func(i int, effects ...ending) bool {
		for j, a := range actions {
			if j != i && slices.Contains(effects, a.ends) && (done(j) || open(j) || a.ends == byReplay) {
				return true
			}
		}
		return false
	}
	successors := map[string]map[string]bool{}
	answered := map[string]bool{}
	unseen, changes := 0, 0
	thief := slices.ContainsFunc(actions, func(a action) bool { return a.name == "thief" })
	strict := w.session.GraceUntil.IsZero()
	for i, a := range actions {
		got := answers[i]
		switch {
		case e.Died(i):
			if a.begins {
				unseen++
			}
			continue
		case a.begins && open(i) && e.Faults() > 1: // one of them kept the row from being removed
			unseen++
		case got.err != nil && got.result != (auth.Result{}):
			return a.name + ": a result beside an error"
		case errors.Is(got.err, auth.ErrUnavailable) && e.Faults() == 0:
			return a.name + ": unavailable, and nothing had failed: " + got.err.Error()
		case errors.Is(got.err, auth.ErrInvalidToken) && old && a.ends != byReplay: // a copy that was overtaken is refused
			return a.name + ": a client dropped the token of a session that lives: " + got.err.Error()
		case errors.Is(got.err, auth.ErrInvalidToken) && a.ends != byReplay && !(thief && strict) && !may(i, theSession, allSessions, byReplay):
			return a.name + ": refused, and nobody had ended the session: " + got.err.Error()
		case got.err != nil && !errors.Is(got.err, auth.ErrUnavailable) && !errors.Is(got.err, auth.ErrInvalidToken) &&
			!errors.Is(got.err, auth.ErrUserNotFound) && !errors.Is(got.err, auth.ErrInvalidCredentials) && !errors.Is(got.err, auth.ErrConflict):
			return a.name + ": " + got.err.Error()
		}
		if done(i) && (a.ends == theSession || a.ends == allSessions) && old {
			return a.name + ": the session lives after it was ended"
		}
		if !done(i) {
			continue
		}
		switch {
		case a.begins:
			id := got.result.Tokens.Refresh
			raw, _ := base64.RawURLEncoding.DecodeString(id)
			id = base64.RawURLEncoding.EncodeToString(raw[:16])
			answered[id] = true
			if _, lives := living[id]; !lives && !may(i, allSessions) {
				return a.name + ": the session that was begun is dead"
			}
			if a.name == "change" {
				changes++
			}
		case a.shows != "":
			if successors[a.shows] == nil {
				successors[a.shows] = map[string]bool{}
			}
			successors[a.shows][got.result.Tokens.Refresh] = true
			r, lives := living[w.session.ID]
			digest := secretDigest(got.result.Tokens.Refresh)
			if lives && digest != r.Token && (digest != r.Parent || r.GraceUntil.IsZero()) && !thief {
				return a.name + ": was given a token that is none"
			}
		}
	}
	for shown, next := range successors {
		if len(next) > 1 {
			return fmt.Sprintf("two successors of one token, of %.4s…", shown)
		}
	}
	for id := range living {
		if id != w.session.ID && !answered[id] {
			unseen--
		}
	}
	changed := !gone && user.PasswordHash != w.user.PasswordHash
	switch {
	case unseen < 0:
		return "a session lives that nobody was given"
	case !old && !may(-1, theSession, allSessions, byReplay):
		return "the session is gone, and nobody has ended it"
	case changes > 1:
		return "the password was changed twice, from the same one"
	case changed && !slices.ContainsFunc(actions, func(a action) bool { return a.name == "change" }):
		return "the password has changed"
	case changes == 1 && !changed && !gone:
		return "the password was changed, and is the old one"
	case changed && old:
		return "the session of the old password lives"
	}
	for i, a := range actions {
		if a.name == "change" && !done(i) && !open(i) && changed && changes == 0 && !may(i) {
			others := 0
			for j, b := range actions {
				if j != i && b.name == "change" && open(j) {
					others++
				}
			}
			if others == 0 {
				return "the password has changed, and who asked was refused"
			}
		}
	}
	return ""
}

// explore runs actions through all that can happen.
func (w *world) explore(t *testing.T, faults int, names ...string) (executions int, wrong string) {
	t.Helper()
	known := w.actions()
	actions := make([]action, len(names))
	for i, name := range names {
		actions[i] = known[name]
	}
	executions = interleave.Explore(faults, func() ([]func(context.Context), func(*interleave.Execution) bool) {
		w.again(t)
		answers := make([]answer, len(actions))
		calls := make([]func(context.Context), len(actions))
		for i, a := range actions {
			calls[i] = func(ctx context.Context) { answers[i].result, answers[i].err = a.do(ctx, w) }
		}
		return calls, func(e *interleave.Execution) bool {
			what := w.judge(actions, answers, e)
			if what == "" {
				return true
			}
			wrong = what
			for _, turn := range e.Turns {
				wrong += fmt.Sprintf("\n\t%s: %s %s: %s", names[turn.Call], turn.Step.Name, strings.Join(turn.Step.Keys, ","), turn.Outcome)
			}
			for i, a := range answers {
				wrong += fmt.Sprintf("\n\t%s returned %v", names[i], a.err)
			}
			return false
		}
	})
	return executions, wrong
}

// multisets returns the ways to take n of the names, in their order.
func multisets(names []string, n int) (all [][]string) {
	if n == 0 {
		return [][]string{nil}
	}
	for i, name := range names {
		for _, rest := range multisets(names[i:], n-1) {
			all = append(all, append([]string{name}, rest...))
		}
	}
	return all
}

var (
	sessionActions = []string{"refresh", "thief", "log out", "change", "step up", "log out others", "end all", "disable", "delete"}
	sessionWorlds  = []struct {
		name   string
		config auth.SessionConfig
		since  time.Duration
	}{
		{"within the grace", auth.SessionConfig{}, 0},
		{"after the grace", auth.SessionConfig{}, time.Hour},
		{"without a grace", auth.SessionConfig{Grace: -1}, time.Hour},
	}
)

// Every order of two calls with a fault at every turn, and of three calls: no state that
// no answer explains. AUTH_TEST_INTERLEAVE=1 tries the faults with three calls as well.
func TestInterleavings(t *testing.T) {
	for _, wd := range sessionWorlds {
		t.Run(wd.name, func(t *testing.T) {
			for _, tt := range []struct{ calls, faults int }{{1, 2}, {2, 1}, {3, 0}, {3, 1}} {
				if tt.calls == 3 && tt.faults == 1 && os.Getenv("AUTH_TEST_INTERLEAVE") == "" {
					continue
				}
				start, executions, sets := time.Now(), 0, multisets(sessionActions, tt.calls)
				w := newWorld(t, wd.config, wd.since)
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

// Races that are put back in on purpose are found.
func TestInterleavingsFindRaces(t *testing.T) {
	for _, tt := range []struct {
		store turnStore
		names []string
	}{
		{turnStore{split: true}, []string{"refresh", "refresh"}},
		{turnStore{blind: true}, []string{"change", "change"}},
	} {
		w := newWorld(t, auth.SessionConfig{}, time.Hour)
		w.store.split, w.store.blind = tt.store.split, tt.store.blind
		n, wrong := w.explore(t, 0, tt.names...)
		if wrong == "" {
			t.Errorf("%v: nothing is wrong in %d executions", tt.names, n)
		}
		t.Logf("%v: in execution %d: %s", tt.names, n, wrong)
	}
}
