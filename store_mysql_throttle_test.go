package auth_test

import (
	"net/netip"
	"regexp"
	"slices"
	"testing"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/internal/mysqltest"
)

var (
	quotedDigits = regexp.MustCompile(`'[0-9A-Fa-f]*'`)
	digits       = regexp.MustCompile(`[0-9]+`)
)

// withoutDigits returns statements without what may differ in them: keys and addresses,
// which are hexadecimal digits, counts and times.
func withoutDigits(statements []string) (plain []string) {
	for _, s := range statements {
		plain = append(plain, digits.ReplaceAllString(quotedDigits.ReplaceAllString(s, "'x'"), "0"))
	}
	return plain
}

// What MySQL is sent is the same for every account too, statement by statement.
func TestMySQLStatementsThrottled(t *testing.T) {
	w, dsn := newWire(t, mysqltest.DSN(t))
	users := migrate(t, openMySQL(t, dsn))
	beside, besideDSN := newWire(t, mysqltest.DSN(t))
	counters := migrate(t, openMySQL(t, besideDSN))
	pools := []string{dsn, besideDSN}
	secrets := withSecrets(0xFE)
	said, saidBeside := w.said(), beside.said()
	take := func() []string { return append(said(), saidBeside()...) }
	for _, stores := range []struct {
		name string
		auth.Options
		counters auth.AttemptStore
		more     int // statements of each login that reads counters
	}{
		{"one store", auth.Options{Sessions: auth.SessionConfig{Store: users}}, users, 0},
		{"two stores", auth.Options{Throttle: auth.Throttle{Store: counters}}, counters, 1},
	} {
		for _, tt := range []struct {
			throttleState
			answer     string
			statements []int // of one try after another
		}{
			{throttleState{name: "clean"}, "wrong", []int{2, 2, 3}},
			{throttleState{name: "counted in advance", account: 4}, "wrong", []int{3}},
			{throttleState{name: "slowed", account: 60}, "429", []int{1, 0}},
			{throttleState{name: "stopped by the network's", account: 10, pair: 10}, "429, stopped", []int{1, 0}},
			{throttleState{name: "stopped by all", account: 80}, "429, stopped", []int{1, 0}},
			{throttleState{name: "IPv6", from: "IPv6"}, "wrong", []int{2}},
			{throttleState{name: "no address", from: "none"}, "wrong", []int{2}},
			{throttleState{name: "no address, counted in advance", from: "none", account: 4}, "wrong", []int{2}},
			{throttleState{name: "a device", device: true}, "wrong", []int{2}},
			{throttleState{name: "a device where strangers are stopped", device: true, account: 80}, "wrong", []int{3}},
		} {
			t.Run(stores.name+"/"+tt.name, func(t *testing.T) {
				for _, dsn := range pools {
					pool := openPool(t, dsn)
					mustExec(t, pool, "DELETE FROM auth_users")
					mustExec(t, pool, "DELETE FROM auth_users_attempts")
				}
				o := stores.Options
				o.Secrets = secrets
				a := newAuth(t, users, o)
				accounts := guessedAccounts(t, a, users, tt.from)
				for _, g := range accounts {
					tt.put(t, stores.counters, secrets, g)
				}
				for i, n := range tt.statements {
					if n > 0 {
						n += stores.more
					}
					var first []string
					for _, g := range accounts {
						if g.password == password && !g.disabled && tt.answer == "wrong" {
							continue
						}
						take()
						_, err := a.Login(t.Context(), tt.credentials(g, accounts))
						if got := answered(err); got[:min(len(got), len(tt.answer))] != tt.answer {
							t.Errorf("%s, try %d: the answer is %s, want %s", g.name, i+1, got, tt.answer)
						}
						got := withoutDigits(take())
						if first == nil {
							first = got
						}
						if len(got) != n || !slices.Equal(got, first) {
							t.Errorf("%s, try %d: %d statements were sent, want %d like those for %s:\n%q\n%q", g.name, i+1, len(got), n, accounts[0].name, got, first)
						}
					}
				}
			})
		}
	}
}

// What the throttle adds to each call, in round trips.
func TestMySQLThrottleRoundTrips(t *testing.T) {
	client := auth.Client{Address: netip.MustParseAddr("203.0.113.1")}
	other := auth.Client{Address: netip.MustParseAddr("203.0.113.2")}
	for name, config := range map[string]auth.MySQLConfig{
		"own IDs":     {},
		"integer IDs": {IntegerIDs: true},
	} {
		t.Run(name, func(t *testing.T) {
			// Each step is taken with the throttle, and without.
			type world struct {
				*auth.Authenticator
				*wire
				auth.Tokens
				store *auth.MySQLStore
			}
			open := func(throttle auth.Throttle) *world {
				w, dsn := newWire(t, mysqltest.DSN(t))
				s := migrate(t, openMySQL(t, dsn, config))
				return &world{newSessions(t, s, auth.SessionConfig{}, auth.Options{Throttle: throttle}), w, auth.Tokens{}, s}
			}
			limited, unlimited := open(auth.Throttle{}), open(auth.Throttle{InsecureOff: true})
			register := func(email string, c auth.Client) func(*world) error {
				return func(w *world) error {
					r := registration()
					r.Email, r.Client = email, c
					return second(w.Register(t.Context(), r))
				}
			}
			login := func(c auth.Client, text string, want error) func(*world) error {
				return func(w *world) error {
					with := credentials(email, text)
					with.Client = c
					result, err := w.Login(t.Context(), with)
					if err == nil {
						w.Tokens = result.Tokens
					}
					if want != nil {
						if err != want {
							t.Errorf("the answer is %v", err)
						}
						err = nil
					}
					return err
				}
			}
			again := func(text string) func(*world) error {
				return func(w *world) error {
					result, err := w.Reauthenticate(t.Context(), auth.Reauthentication{Identity: identity(t, w.Authenticator, w.Tokens), Password: auth.NewPassword(text), Client: client})
					if err == nil {
						w.Tokens = result.Tokens
					} else if text != password && err == auth.ErrInvalidCredentials {
						err = nil
					}
					return err
				}
			}
			wrong := login(client, "wrong", auth.ErrInvalidCredentials)
			right := login(client, password, nil)
			for _, step := range []struct {
				name string
				want int64 // more than without
				do   func(*world) error
			}{
				{"registration without an address", 0, register("grace@example.com", auth.Client{})},
				{"registration", 1, register(email, client)},
				{"login", 0, right},
				{"failure", 1, wrong},
				{"login after a failure", 1, right},
				{"first failure", 1, wrong},
				{"second failure", 1, wrong},
				{"third failure", 2, wrong},
				{"fourth failure", 2, login(other, "wrong", auth.ErrInvalidCredentials)},
				{"login after four", 2, right},
				{"login after that", 0, right},
				{"Refresh", 0, func(w *world) error {
					return second(w.Authenticator.Refresh(t.Context(), auth.Renewal{Token: w.Tokens.Refresh}))
				}},
				{"Verify", 0, func(w *world) error { return second(w.Authenticator.Verify(t.Context(), w.Tokens.Access)) }},
				{"Reauthenticate", 1, again(password)},
				{"Reauthenticate by a wrong password", 2, again("wrong")},
				{"Reauthenticate after a failure", 2, again(password)},
				{"ChangePassword", 1, func(w *world) error {
					result, err := w.ChangePassword(t.Context(), auth.PasswordChange{Identity: identity(t, w.Authenticator, w.Tokens), Current: auth.NewPassword(password), New: auth.NewPassword(password), Client: client})
					w.Tokens = result.Tokens
					return err
				}},
			} {
				var took [2]int64
				for i, w := range []*world{limited, unlimited} {
					before := w.writes.Load()
					if err := step.do(w); err != nil {
						t.Fatalf("%s: %v", step.name, err)
					}
					took[i] = w.writes.Load() - before
				}
				if got := took[0] - took[1]; got != step.want {
					t.Errorf("%s: %d round trips, without the throttle %d: %+d, want %+d", step.name, took[0], took[1], got, step.want)
				}
			}
			// Whoever has to wait costs one read, and a moment later none.
			state := throttleState{account: 60}
			state.put(t, limited.store, nil, guessedAccount{email: email, address: client.Address})
			for i, want := range []int64{1, 0} {
				before := limited.writes.Load()
				with := credentials(email, password)
				with.Client = client
				_, err := limited.Login(t.Context(), with)
				wantErr(t, err, auth.ErrTooManyAttempts)
				if got := limited.writes.Load() - before; got != want {
					t.Errorf("refusal %d: %d round trips, want %d", i+1, got, want)
				}
			}
		})
	}
}
