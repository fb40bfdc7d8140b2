package auth_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
	"github.com/seed89488a0c/auth/internal/device"
	"github.com/seed89488a0c/auth/internal/memory"
	"github.com/seed89488a0c/auth/internal/row"
	"github.com/seed89488a0c/auth/internal/throttle"
)

// guessedAccount is an account at which passwords are guessed. Each has been registered, so that
// there is a device of it also where the user is gone.
type guessedAccount struct {
	name, email, password, device string
	disabled                      bool
	address                       netip.Addr // of the client; each account has another one
}

// guessedAccounts returns one of each kind. The last knows the right password.
func guessedAccounts(t testing.TB, a *auth.Authenticator, store auth.UserStore, from string) []guessedAccount {
	t.Helper()
	ctx := t.Context()
	hash := func(encoded string) func(id string) error {
		return func(id string) error {
			return store.UpdateUser(ctx, auth.UserUpdate{ID: id, PasswordHash: &encoded})
		}
	}
	disable := func(id string) error { return a.SetDisabled(ctx, id, true) }
	var accounts []guessedAccount
	for i, kind := range []struct {
		name, password string
		become         func(id string) error
	}{
		{"a user", "wrong", func(string) error { return nil }},
		{"nobody", "wrong", func(id string) error { return a.DeleteUser(ctx, id) }},
		{"disabled", "wrong", disable},
		{"disabled, right password", password, disable},
		{"no password set", "wrong", hash("")},
		{"unreadable hash", "wrong", hash("$md5$")},
		{"a user, right password", password, func(string) error { return nil }},
	} {
		g := guessedAccount{name: kind.name, email: fmt.Sprintf("user%d@example.com", i), password: kind.password}
		r := registration()
		r.Email = g.email
		result, err := a.Register(ctx, r)
		if err == nil {
			err = kind.become(result.User.ID)
		}
		if err != nil {
			t.Fatalf("%s: %v", g.name, err)
		}
		g.device, g.disabled = result.Tokens.Device, strings.HasPrefix(kind.name, "disabled")
		switch from {
		case "":
			g.address = netip.AddrFrom4([4]byte{203, 0, 113, byte(i)})
		case "IPv6":
			g.address = netip.AddrFrom16([16]byte{0x20, 0x01, 5: byte(i), 15: 1})
		}
		accounts = append(accounts, g)
	}
	return accounts
}

// throttleState is what is counted before somebody guesses.
type throttleState struct {
	name                        string
	account, pair, network, own int    // failures; own are of the device
	from                        string // "" = an IPv4 address
	device                      bool
	others                      bool   // the device is another account's
	suspect                     string // what Suspect does; "" = it is not asked
}

// put counts failures as if others had failed: of the account, of the client's network at
// it and everywhere, and of its device.
func (s throttleState) put(t testing.TB, store auth.AttemptStore, secrets [][]byte, g guessedAccount) {
	t.Helper()
	own, _ := device.NewKeys(secrets).Find(g.device, g.email, time.Now())
	l, err := throttle.New(throttle.Config{Keys: throttle.NewKeys(secrets)})
	if err != nil {
		t.Fatal(err)
	}
	var keys [][32]byte
	enough := errors.New("enough")
	_, err = l.Begin(t.Context(), throttle.Try{Account: g.email, Address: g.address, Own: own}, func(_ context.Context, asked [][32]byte) ([]auth.AttemptRecord, error) {
		keys = asked
		return nil, enough
	})
	if !errors.Is(err, enough) {
		t.Fatalf("no keys: %v", err)
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	count := func(n int, at time.Time, keys ...[32]byte) {
		for range n {
			for _, key := range keys {
				r := auth.AttemptRecord{Key: key, At: at, ExpiresAt: now.Add(24 * time.Hour)}
				if err := store.CountAttempts(t.Context(), now, []auth.AttemptRecord{r}); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	count(s.account, now, keys[0])
	networks := keys[1:]
	if own != "" {
		count(s.own, now, keys[len(keys)-1])
		networks = keys[1 : len(keys)-1]
	}
	if last := len(networks) - 1; last >= 0 {
		count(s.pair, now, networks[:last]...)
		count(s.network, now.Add(6*time.Second), networks[last])
	}
}

// credentials returns what is tried in this state.
func (s throttleState) credentials(g guessedAccount, accounts []guessedAccount) auth.Credentials {
	c := credentials(g.email, g.password)
	c.Client.Address = g.address
	if s.device {
		c.Device = g.device
	}
	if s.others {
		c.Device = accounts[0].device
		if g.email == accounts[0].email {
			c.Device = accounts[1].device
		}
	}
	return c
}

// answered says in a text what somebody was answered.
func answered(err error) string {
	refused, ok := errors.AsType[*auth.ThrottleError](err)
	switch {
	case err == auth.ErrInvalidCredentials:
		return "wrong"
	case !ok || !errors.Is(err, auth.ErrTooManyAttempts):
		return fmt.Sprintf("%#v", err)
	case refused.Suspect != nil:
		return fmt.Sprintf("429: %v", refused.Suspect)
	case refused.Stopped:
		return "429, stopped"
	}
	return fmt.Sprintf("429, wait %v", refused.After)
}

// recordingRows records calls of a store of this package.
type recordingRows struct {
	row.Keeper
	*trace
}

func (r recordingRows) UserByEmail(ctx context.Context, key string) (row.User, error) {
	r.add("UserByEmail")
	return r.Keeper.UserByEmail(ctx, key)
}

func (r recordingRows) UserForLogin(ctx context.Context, key string, sessions int, attempts []row.AttemptKey) (row.User, bool, []row.AttemptRecord, error) {
	r.add(fmt.Sprint("UserForLogin ", len(attempts)))
	return r.Keeper.UserForLogin(ctx, key, sessions, attempts)
}

func (r recordingRows) UserByID(ctx context.Context, id string) (row.User, error) {
	r.add("UserByID")
	return r.Keeper.UserByID(ctx, id)
}

func (r recordingRows) UpdateUser(ctx context.Context, u row.UserUpdate) error {
	r.add("UpdateUser")
	return r.Keeper.UpdateUser(ctx, u)
}

func (r recordingRows) CreateSession(ctx context.Context, s row.Session) error {
	r.add("CreateSession")
	return r.Keeper.CreateSession(ctx, s)
}

func (r recordingRows) Sessions(ctx context.Context, userID string) ([]row.Session, error) {
	r.add("Sessions")
	return r.Keeper.Sessions(ctx, userID)
}

func (r recordingRows) DeleteSessions(ctx context.Context, f row.SessionFilter) (int, error) {
	r.add("DeleteSessions")
	return r.Keeper.DeleteSessions(ctx, f)
}

func (r recordingRows) Attempts(ctx context.Context, keys []row.AttemptKey) ([]row.AttemptRecord, error) {
	r.add(fmt.Sprint("Attempts ", len(keys)))
	return r.Keeper.Attempts(ctx, keys)
}

func (r recordingRows) CountAttempts(ctx context.Context, now time.Time, counts []row.AttemptRecord) error {
	r.add(fmt.Sprint("CountAttempts ", len(counts)))
	return r.Keeper.CountAttempts(ctx, now, counts)
}

func (r recordingRows) ReserveAttempt(ctx context.Context, a row.AttemptReservation) error {
	r.add("ReserveAttempt")
	return r.Keeper.ReserveAttempt(ctx, a)
}

func (r recordingRows) ReturnAttempt(ctx context.Context, a row.AttemptReservation) error {
	r.add("ReturnAttempt")
	return r.Keeper.ReturnAttempt(ctx, a)
}

func (r recordingRows) DeleteAttempts(ctx context.Context, f row.AttemptFilter) (int, error) {
	r.add(fmt.Sprint("DeleteAttempts ", len(f.Keys)))
	return r.Keeper.DeleteAttempts(ctx, f)
}

// expanded returns wanted calls whole, which are written short: for users and counters in
// one store or in two.
func expanded(calls string, two bool) (full []string) {
	for call := range strings.SplitSeq(calls, ", ") {
		n, reads := strings.CutPrefix(call, "read ")
		switch {
		case call == "":
		case call == "verify":
			full = append(full, "Inspect", "Verify authtest 64 bytes")
		case reads && two:
			full = append(full, "UserByEmail", "Attempts "+n)
		case reads:
			full = append(full, "UserForLogin "+n)
		default:
			full = append(full, call)
		}
	}
	return full
}

// In each state of the throttle the same is done for every account, whether anybody has
// it or not, and the answers are the same.
// ASVS 5.0 6.3.8
func TestCallSequencesThrottled(t *testing.T) {
	type answer struct {
		text  string
		calls string // by commas, without the event that tells of the failure
	}
	counted := answer{"wrong", "read 3, verify, CountAttempts 3"}
	reserved := answer{"wrong", "read 3, ReserveAttempt, verify, CountAttempts 2"}
	of := func(list ...answer) []answer { return list }
	// A refusal is read, and then remembered.
	refused := func(text string) []answer { return of(answer{text, "read 3"}, answer{text, ""}) }
	const ipv6, none = "IPv6", "none"
	for _, tt := range []struct {
		throttleState
		want []answer // of one try after another
	}{
		{throttleState{name: "clean"}, of(counted, counted, reserved, reserved)},
		{throttleState{name: "counted", account: 1}, of(counted, reserved)},
		{throttleState{name: "counted in advance", account: 4}, of(reserved, reserved)},
		{throttleState{name: "slowed by the network's failures at it", account: 5, pair: 5}, refused("429, wait 30s")},
		{throttleState{name: "slowed by all failures at it", account: 60}, refused("429, wait 1h0m0s")},
		{throttleState{name: "stopped by the network's", account: 10, pair: 10}, refused("429, stopped")},
		{throttleState{name: "stopped by all", account: 80}, refused("429, stopped")},
		{throttleState{name: "the network is slowed", network: 100}, refused("429, wait 6s")},

		{throttleState{name: "IPv6, clean", from: ipv6}, of(answer{"wrong", "read 4, verify, CountAttempts 4"})},
		{throttleState{name: "IPv6, counted in advance", from: ipv6, account: 4}, of(answer{"wrong", "read 4, ReserveAttempt, verify, CountAttempts 3"})},
		{throttleState{name: "IPv6, slowed", from: ipv6, account: 5, pair: 5}, of(answer{"429, wait 30s", "read 4"}, answer{"429, wait 30s", ""})},

		{throttleState{name: "no address, clean", from: none}, of(answer{"wrong", "read 1, verify, CountAttempts 1"})},
		{throttleState{name: "no address, counted in advance", from: none, account: 4}, of(answer{"wrong", "read 1, ReserveAttempt, verify"})},
		{throttleState{name: "no address, slowed", from: none, account: 60}, of(answer{"429, wait 1h0m0s", "read 1"}, answer{"429, wait 1h0m0s", ""})},
		{throttleState{name: "no address, stopped", from: none, account: 80}, of(answer{"429, stopped", "read 1"}, answer{"429, stopped", ""})},

		// The second try is of the same password, and counts nothing.
		{throttleState{name: "a device", device: true}, of(answer{"wrong", "read 4, verify, CountAttempts 2"}, answer{"wrong", "read 4, verify"})},
		{throttleState{name: "a device, counted in advance", device: true, account: 4}, of(answer{"wrong", "read 4, CountAttempts 1, verify, CountAttempts 1"})},
		{throttleState{name: "a device where strangers are slowed", device: true, account: 60, pair: 5}, of(answer{"wrong", "read 4, CountAttempts 1, verify, CountAttempts 1"})},
		{throttleState{name: "a device where strangers are stopped", device: true, account: 80, pair: 10}, of(answer{"wrong", "read 4, ReserveAttempt, verify, CountAttempts 1"})},
		{throttleState{name: "a device where everybody is stopped", device: true, account: 100}, of(answer{"429, stopped", "read 4"}, answer{"429, stopped", ""})},
		{throttleState{name: "a device of a slowed network", device: true, network: 100}, of(answer{"wrong", "read 4, verify, CountAttempts 2"})},
		{throttleState{name: "a spent device", device: true, own: 10}, of(answer{"wrong", "read 4, read 4, verify, CountAttempts 3"})},
		{throttleState{name: "a spent device, counted in advance", device: true, own: 10, account: 10}, of(answer{"wrong", "read 4, read 4, ReserveAttempt, verify, CountAttempts 2"})},
		{throttleState{name: "a spent device, stopped", device: true, own: 10, account: 80}, of(answer{"429, stopped", "read 4, read 4"}, answer{"429, stopped", ""})},
		{throttleState{name: "a device of another account", device: true, others: true}, of(counted)},

		{throttleState{name: "Suspect is asked", suspect: "lets in"}, of(answer{"wrong", "read 3, Suspect of 0, verify, CountAttempts 3"})},
		{throttleState{name: "Suspect of a slowed network", suspect: "lets in", network: 100}, of(answer{"wrong", "read 3, Suspect of 0 slowed, verify, CountAttempts 3"})},
		{throttleState{name: "Suspect, counted in advance", suspect: "lets in", account: 4}, of(answer{"wrong", "read 3, Suspect of 4, ReserveAttempt, verify, CountAttempts 2"})},
		{throttleState{name: "Suspect refuses", suspect: "robot", account: 4}, of(answer{"429: robot", "read 3, Suspect of 4"}, answer{"429: robot", "read 3, Suspect of 4"})},
		{throttleState{name: "Suspect of who waits", suspect: "robot", account: 5, pair: 5}, refused("429, wait 30s")},
		{throttleState{name: "Suspect of a device", suspect: "robot", device: true}, of(answer{"wrong", "read 4, verify, CountAttempts 2"})},
	} {
		for _, stores := range []struct {
			name          string
			two, sessions bool
		}{{"one store", false, false}, {"sessions in it", false, true}, {"two stores", true, false}} {
			t.Run(tt.name+"/"+stores.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					calls, secrets := &trace{}, withSecrets(0xFE)
					users := auth.MemoryStoreOn(recordingRows{&memory.Store{}, calls})
					o := auth.Options{
						Hasher: &recordingHasher{Hasher: authtest.Hasher{}, trace: calls}, Secrets: secrets,
						Events: func(_ context.Context, e auth.Event) { calls.add("event " + e.Kind) },
					}
					counters := users
					if stores.two {
						counters = auth.MemoryStoreOn(recordingRows{&memory.Store{}, calls})
						o.Throttle.Store = counters
					}
					if stores.sessions {
						o.Sessions.Store = users
					}
					if tt.suspect != "" {
						o.Throttle.Suspect = func(_ context.Context, _ auth.Client, known auth.Attempts) (bool, error) {
							call := fmt.Sprint("Suspect of ", known.Failures)
							if known.NetworkSlowed {
								call += " slowed"
							}
							calls.add(call)
							if tt.suspect == "lets in" {
								return true, nil
							}
							return false, errors.New(tt.suspect)
						}
					}
					a := newAuth(t, users, o)
					accounts := guessedAccounts(t, a, users, tt.from)
					for _, g := range accounts {
						tt.put(t, counters, secrets, g)
					}
					for i, want := range tt.want {
						event := "event login_failed"
						if want.text != "wrong" {
							event = "event throttled"
						}
						wantCalls := append(expanded(want.calls, stores.two), event)
						for _, g := range accounts {
							if g.password == password && !g.disabled && want.text == "wrong" {
								continue // which would be let in
							}
							calls.take()
							_, err := a.Login(t.Context(), tt.credentials(g, accounts))
							if got := answered(err); got != want.text {
								t.Errorf("%s, try %d: the answer is %s, want %s", g.name, i+1, got, want.text)
							}
							if got := calls.take(); !slices.Equal(got, wantCalls) {
								t.Errorf("%s, try %d: Login calls %q, want %q", g.name, i+1, got, wantCalls)
							}
						}
					}
				})
			})
		}
	}
}
