package auth_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
)

// guess tries a wrong password.
func guess(a *auth.Authenticator, address string, c auth.Client) error {
	return errorOf(a.Login(context.Background(), auth.Credentials{Email: address, Password: auth.NewPassword("not it"), Client: c}))
}

// talliedHasher counts the passwords that are checked.
type talliedHasher struct {
	auth.Hasher
	calls atomic.Int64
}

func (h *talliedHasher) Verify(ctx context.Context, encoded string, p auth.Password) (bool, error) {
	h.calls.Add(1)
	return h.Hasher.Verify(ctx, encoded, p)
}

// wantThrottled wants a refusal with so long a wait; 0 is a stop.
func wantThrottled(t testing.TB, err error, after time.Duration) {
	t.Helper()
	refused, ok := errors.AsType[*auth.ThrottleError](err)
	if !ok || !errors.Is(err, auth.ErrTooManyAttempts) || errors.Is(err, auth.ErrInvalidCredentials) || errors.Is(err, auth.ErrUnavailable) {
		t.Fatalf("got %v, want a ThrottleError", err)
	}
	if refused.After != after || refused.Stopped != (after == 0) || refused.Suspect != nil {
		t.Errorf("got %+v, want %v", refused, after)
	}
}

// Whether an address is a user's or nobody's, whether the password is right or not: the
// answers are the same, before any hash. The owner gets in from another network.
// ASVS 5.0 2.4.1, 6.1.1, 6.3.1, 6.3.8
func TestThrottle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hasher := &talliedHasher{Hasher: authtest.Hasher{}}
		a := newAuth(t, auth.NewMemoryStore(), auth.Options{Hasher: hasher})
		register(t, a)
		mallory := from("203.0.113.9")
		for _, address := range []string{email, "nobody@example.com"} {
			for n := range 10 {
				if n >= 5 {
					wait := 30 * time.Second << (n - 5)
					wantThrottled(t, guess(a, address, mallory), wait)
					time.Sleep(wait)
				}
				wantErr(t, guess(a, address, mallory), auth.ErrInvalidCredentials)
			}
			before := hasher.calls.Load()
			for range 3 {
				wantThrottled(t, guess(a, address, mallory), 0)
				_, err := a.Login(t.Context(), auth.Credentials{Email: address, Password: auth.NewPassword(password), Client: mallory})
				wantThrottled(t, err, 0)
				time.Sleep(time.Hour)
			}
			if got := hasher.calls.Load(); got != before {
				t.Errorf("%d hashes for what was refused", got-before)
			}
		}
		if _, err := a.Login(t.Context(), auth.Credentials{Email: email, Password: auth.NewPassword(password), Client: from("198.51.100.7")}); err != nil {
			t.Errorf("the owner from elsewhere: %v", err)
		}
	})
}

// A disabled user's right password is a failure too, and counts as a wrong one.
func TestThrottleOfADisabledUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAuth(t, auth.NewMemoryStore(), auth.Options{RevealDisabled: true})
		id := register(t, a).User.ID
		if err := a.SetDisabled(t.Context(), id, true); err != nil {
			t.Fatal(err)
		}
		c := auth.Credentials{Email: email, Password: auth.NewPassword(password), Client: from("203.0.113.9")}
		for range 5 {
			wantErr(t, errorOf(a.Login(t.Context(), c)), auth.ErrUserDisabled)
		}
		wantThrottled(t, errorOf(a.Login(t.Context(), c)), 30*time.Second)
		if err := a.SetDisabled(t.Context(), id, false); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Login(t.Context(), c); err != nil {
			t.Errorf("after SetDisabled(false): %v", err)
		}
	})
}

// What lets everybody try again at once: support, a new password, a user who is let in again.
func TestThrottleIsCleared(t *testing.T) {
	for name, clear := range map[string]func(ctx context.Context, a *auth.Authenticator, id string) error{
		"ClearAttempts": func(ctx context.Context, a *auth.Authenticator, id string) error { return a.ClearAttempts(ctx, id) },
		"SetPassword": func(ctx context.Context, a *auth.Authenticator, id string) error {
			return a.SetPassword(ctx, id, auth.NewPassword(password))
		},
		"SetDisabled": func(ctx context.Context, a *auth.Authenticator, id string) error {
			return a.SetDisabled(ctx, id, false)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newAuth(t, auth.NewMemoryStore())
				id := register(t, a).User.ID
				mallory := from("203.0.113.9")
				for range 5 {
					wantErr(t, guess(a, email, mallory), auth.ErrInvalidCredentials)
				}
				wantThrottled(t, guess(a, email, mallory), 30*time.Second)
				if known, err := a.Attempts(t.Context(), id); err != nil || known != (auth.Attempts{Failures: 5}) {
					t.Errorf("known %+v, %v", known, err)
				}
				if err := clear(t.Context(), a, id); err != nil {
					t.Fatal(err)
				}
				if known, err := a.Attempts(t.Context(), id); err != nil || known != (auth.Attempts{}) {
					t.Errorf("known %+v, %v", known, err)
				}
				wantErr(t, guess(a, email, mallory), auth.ErrInvalidCredentials)
			})
		})
	}
}

// With a session the password can be tried ten times; then the session has ended. A session
// beside it goes on.
func TestSessionIsSpent(t *testing.T) {
	for name, again := range map[string]func(a *auth.Authenticator, id auth.Identity, p string) error{
		"Reauthenticate": func(a *auth.Authenticator, id auth.Identity, p string) error {
			return errorOf(a.Reauthenticate(context.Background(), auth.Reauthentication{Identity: id, Password: auth.NewPassword(p), Client: from("203.0.113.9")}))
		},
		"ChangePassword": func(a *auth.Authenticator, id auth.Identity, p string) error {
			return errorOf(a.ChangePassword(context.Background(), auth.PasswordChange{Identity: id, Current: auth.NewPassword(p), New: auth.NewPassword("another long one"), Client: from("203.0.113.9")}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			var events told
			store := auth.NewMemoryStore()
			a := newAuth(t, store, auth.Options{Sessions: auth.SessionConfig{Store: store}, Events: events.record})
			register(t, a)
			login := func() auth.Identity {
				result, err := a.Login(t.Context(), credentials(email, password))
				if err != nil {
					t.Fatal(err)
				}
				return identity(t, a, result.Tokens)
			}
			stolen, own := login(), login()
			for n := range 10 {
				wantErr(t, again(a, stolen, fmt.Sprint("wrong", n)), auth.ErrInvalidCredentials)
			}
			if e := events.last(); e.Kind != "session_ended" || e.SessionID != stolen.SessionID {
				t.Errorf("the event %v", e)
			}
			wantErr(t, again(a, stolen, password), auth.ErrInvalidToken)
			if err := again(a, own, password); err != nil {
				t.Errorf("the other session: %v", err)
			}
		})
	}
}

// A token without a session is a known client for ten tries, and a stranger then.
func TestTokenWithoutSessionIsSpent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAuth(t, auth.NewMemoryStore())
		stolen := identity(t, a, register(t, a).Tokens)
		again := func(n int) error {
			return errorOf(a.Reauthenticate(t.Context(), auth.Reauthentication{Identity: stolen, Password: auth.NewPassword(fmt.Sprint("wrong", n)), Client: from("203.0.113.9")}))
		}
		for n := range 15 {
			wantErr(t, again(n), auth.ErrInvalidCredentials)
		}
		wantThrottled(t, again(15), 30*time.Second)
	})
}

// A service can demand a captcha of strangers, and what its function says is what Login
// returns.
func TestThrottleSuspect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type captcha struct{}
		errCaptcha := errors.New("show that you are human")
		var seen []auth.Attempts
		ignorant := false // of what a network has done
		var events told
		a := newAuth(t, auth.NewMemoryStore(), auth.Options{Events: events.record, Secrets: withSecrets(0xFE), Throttle: auth.Throttle{
			Spraying: 10,
			Suspect: func(ctx context.Context, c auth.Client, known auth.Attempts) (bool, error) {
				seen = append(seen, known)
				if c != from("203.0.113.9") {
					t.Errorf("told of %v", c)
				}
				human := ctx.Value(captcha{}) != nil
				if (known.Failures >= 3 || known.NetworkSlowed && !ignorant) && !human {
					return false, errCaptcha
				}
				return human, nil
			},
		}})
		device := register(t, a).Tokens.Device
		mallory := from("203.0.113.9")
		for n := range 10 {
			wantErr(t, guess(a, fmt.Sprintf("user%d@example.com", n), mallory), auth.ErrInvalidCredentials)
		}
		err := guess(a, email, mallory)
		if refused, ok := errors.AsType[*auth.ThrottleError](err); !ok || refused.Suspect != errCaptcha || !errors.Is(err, auth.ErrTooManyAttempts) || !errors.Is(err, errCaptcha) {
			t.Errorf("got %v", err)
		}
		if e := events.last(); e.Kind != "throttled" || e.Code != "captcha_required" {
			t.Errorf("the event %v", e)
		}
		if got := seen[len(seen)-1]; got != (auth.Attempts{NetworkSlowed: true}) {
			t.Errorf("told %+v", got)
		}
		right := auth.Credentials{Email: email, Password: auth.NewPassword(password), Client: mallory}
		if _, err := a.Login(context.WithValue(t.Context(), captcha{}, true), right); err != nil {
			t.Errorf("with a captcha: %v", err)
		}
		ignorant = true
		wantThrottled(t, guess(a, "user99@example.com", mallory), 60*time.Second)
		asked := len(seen)
		right.Device = device
		if _, err := a.Login(t.Context(), right); err != nil || len(seen) != asked {
			t.Errorf("a known device: %v, asked %d times", err, len(seen)-asked)
		}
	})
}

// Events tell what a failure brought about, and each refusal.
func TestThrottleEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var events told
		a := newAuth(t, auth.NewMemoryStore(), auth.Options{Events: events.record, Secrets: withSecrets(0xFE), Throttle: auth.Throttle{Spraying: 20}})
		user := register(t, a)
		want := func(kind, code string) {
			t.Helper()
			if e := events.last(); e.Kind != kind || e.Code != code || e.UserID != user.User.ID || e.Op != "login" {
				t.Errorf("the event %v, want %s %s", e, kind, code)
			}
		}
		mallory := from("203.0.113.9")
		for n := range 5 {
			guess(a, email, mallory)
			if n == 4 {
				want("attempts_slowed", "account_network")
			}
		}
		guess(a, email, mallory)
		want("throttled", "too_many_attempts")
		for range 5 {
			time.Sleep(time.Hour)
			guess(a, email, mallory)
		}
		want("attempts_stopped", "account_network")
		guess(a, email, mallory)
		want("throttled", "attempts_stopped")
		laptop := func(n int) {
			a.Login(t.Context(), auth.Credentials{Email: email, Password: auth.NewPassword(fmt.Sprint("wrong", n)), Device: user.Tokens.Device})
		}
		for n := range 10 {
			laptop(n)
		}
		want("device_unknown", "")
		if err := a.ClearAttempts(t.Context(), user.User.ID); err != nil {
			t.Fatal(err)
		}
		if e := events.last(); e.Kind != "attempts_cleared" || e.Op != "clear_attempts" {
			t.Errorf("the event %v", e)
		}
		for n := range 20 {
			guess(a, fmt.Sprintf("user%d@example.com", n), from("203.0.113.77"))
		}
		if e := events.last(); e.Kind != "attempts_slowed" || e.Code != "network" {
			t.Errorf("the event %v", e)
		}
	})
}

// What is wrong with a Throttle is said by New.
func TestThrottleConfig(t *testing.T) {
	suspect := func(context.Context, auth.Client, auth.Attempts) (bool, error) { return false, nil }
	for name, tt := range map[string]struct {
		store auth.UserStore
		c     auth.Throttle
		ok    bool
	}{
		"zero":                   {auth.NewMemoryStore(), auth.Throttle{}, true},
		"off":                    {auth.NewMemoryStore(), auth.Throttle{InsecureOff: true}, true},
		"off, of another store":  {downStore{}, auth.Throttle{InsecureOff: true}, true},
		"another store":          {downStore{}, auth.Throttle{}, false},
		"another store, counted": {downStore{}, auth.Throttle{Store: auth.NewMemoryStore()}, true},
		"a store that is nil":    {auth.NewMemoryStore(), auth.Throttle{Store: (*auth.MemoryStore)(nil)}, false},
		"a zero store":           {auth.NewMemoryStore(), auth.Throttle{Store: &auth.MemoryStore{}}, false},
		"off and a number":       {auth.NewMemoryStore(), auth.Throttle{InsecureOff: true, PerNetwork: 5}, false},
		"off and a function":     {auth.NewMemoryStore(), auth.Throttle{InsecureOff: true, Suspect: suspect}, false},
		"the fewest":             {auth.NewMemoryStore(), auth.Throttle{PerNetwork: 3, Spraying: 10, Registrations: 10, Suspect: suspect}, true},
		"the most":               {auth.NewMemoryStore(), auth.Throttle{PerNetwork: 10, Spraying: 1000, Registrations: 10_000}, true},
		"too few of a network":   {auth.NewMemoryStore(), auth.Throttle{PerNetwork: 2}, false},
		"too many of a network":  {auth.NewMemoryStore(), auth.Throttle{PerNetwork: 11}, false},
		"negative":               {auth.NewMemoryStore(), auth.Throttle{Spraying: -1}, false},
		"too much spraying":      {auth.NewMemoryStore(), auth.Throttle{Spraying: 1001}, false},
		"too many registrations": {auth.NewMemoryStore(), auth.Throttle{Registrations: 10_001}, false},
	} {
		if _, err := auth.New(tt.store, newIssuer(t, auth.JWTConfig{}), auth.Options{Hasher: authtest.Hasher{}, Throttle: tt.c}); (err == nil) != tt.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Counters that cannot be read let nobody in. A failure that cannot be counted is an outage,
// and then nobody is let in who was not counted first: else passwords could be tried as long
// as the table can only be read.
func TestThrottleOutages(t *testing.T) {
	hasher := &talliedHasher{Hasher: authtest.Hasher{}}
	store := authtest.NewFaultyStore(auth.NewMemoryStore())
	a := newAuth(t, auth.NewMemoryStore(), auth.Options{Hasher: hasher, Throttle: auth.Throttle{Store: store}})
	register(t, a)
	right := func() error { return errorOf(a.Login(t.Context(), credentials(email, password))) }
	store.Fail("Attempts")
	before := hasher.calls.Load()
	wantErr(t, right(), auth.ErrUnavailable)
	if hasher.calls.Load() != before {
		t.Error("hashed though nothing could be read")
	}
	store.Fail("CountAttempts", "ReserveAttempt")
	wantErr(t, guess(a, email, auth.Client{}), auth.ErrUnavailable)
	before = hasher.calls.Load()
	for range 10 {
		wantErr(t, guess(a, email, auth.Client{}), auth.ErrUnavailable)
		wantErr(t, right(), auth.ErrUnavailable)
	}
	if hasher.calls.Load() != before {
		t.Error("hashed though nothing could be counted")
	}
	store.Heal()
	wantErr(t, guess(a, email, auth.Client{}), auth.ErrInvalidCredentials)
	store.Fail("DeleteAttempts") // the login is done, and the count stays
	if err := right(); err != nil {
		t.Error(err)
	}
	store.Heal()
	if err := right(); err != nil {
		t.Error(err)
	}
}

// A client that hangs up after its guess was checked has failed all the same.
func TestThrottleCountsWhoHangsUp(t *testing.T) {
	store := auth.NewMemoryStore()
	ctx, hangUp := context.WithCancel(t.Context())
	hasher := &hangingUp{Hasher: authtest.Hasher{}}
	a := newAuth(t, store, auth.Options{Hasher: hasher})
	id := register(t, a).User.ID
	hasher.verified = hangUp
	a.Login(ctx, credentials(email, "wrong"))
	if known, err := a.Attempts(t.Context(), id); err != nil || known.Failures != 1 || ctx.Err() == nil {
		t.Errorf("known %+v, %v", known, err)
	}
}

type hangingUp struct {
	auth.Hasher
	verified func()
}

func (h *hangingUp) Verify(ctx context.Context, encoded string, p auth.Password) (bool, error) {
	if h.verified != nil {
		defer h.verified()
	}
	return h.Hasher.Verify(ctx, encoded, p)
}

// A function that panics keeps nobody out, and what was counted stays counted.
func TestThrottlePanics(t *testing.T) {
	hasher := &panickingHasher{Hasher: authtest.Hasher{}}
	panics := false
	store := auth.NewMemoryStore()
	a := newAuth(t, store, auth.Options{Hasher: hasher, Throttle: auth.Throttle{Suspect: func(context.Context, auth.Client, auth.Attempts) (bool, error) {
		if panics {
			panic("bug")
		}
		return false, nil
	}}})
	id := register(t, a).User.ID
	for n := range 3 {
		wantErr(t, guess(a, email, from(fmt.Sprintf("203.0.113.%d", n))), auth.ErrInvalidCredentials)
	}
	recovered := func() {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		a.Login(t.Context(), credentials(email, password))
	}
	for range 5 { // more than are in flight
		hasher.armed = true
		recovered()
		hasher.armed, panics = false, true
		recovered()
		panics = false
	}
	if known, err := a.Attempts(t.Context(), id); err != nil || known.Failures != 8 {
		t.Errorf("known %+v, %v", known, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := a.Login(ctx, credentials(email, password)); err != nil {
		t.Error(err)
	}
}

// The token of a device that knew an address is worth ten tries to whoever has it, and logs
// nobody in, after its owner was deleted and somebody else has the address.
func TestThrottleOfADeviceOfBefore(t *testing.T) {
	a := newAuth(t, auth.NewMemoryStore(), auth.Options{Secrets: withSecrets(0xFE)})
	before := register(t, a)
	if err := a.DeleteUser(t.Context(), before.User.ID); err != nil {
		t.Fatal(err)
	}
	own := register(t, a)
	login := func(p string, device string) error {
		return errorOf(a.Login(t.Context(), auth.Credentials{Email: email, Password: auth.NewPassword(p), Device: device, Client: from("203.0.113.9")}))
	}
	for n := range 15 {
		wantErr(t, login(fmt.Sprint("wrong", n), before.Tokens.Device), auth.ErrInvalidCredentials)
	}
	wantThrottled(t, login("wrong", before.Tokens.Device), 30*time.Second)
	if err := login(password, own.Tokens.Device); err != nil {
		t.Errorf("the owner's device: %v", err)
	}
}

// A right password that does not log in, since the user has sessions enough, is no failure.
func TestThrottleOfALoginThatComesToNothing(t *testing.T) {
	store := auth.NewMemoryStore()
	a := newAuth(t, store, auth.Options{Sessions: auth.SessionConfig{Store: store, MaxPerUser: 1, RefuseMore: true}})
	id := register(t, a).User.ID
	for n := range 4 {
		wantErr(t, guess(a, email, from(fmt.Sprintf("203.0.113.%d", n))), auth.ErrInvalidCredentials)
	}
	for range 20 {
		wantErr(t, errorOf(a.Login(t.Context(), credentials(email, password))), auth.ErrTooManySessions)
	}
	if known, err := a.Attempts(t.Context(), id); err != nil || known.Failures != 4 {
		t.Errorf("known %+v, %v", known, err)
	}
}
