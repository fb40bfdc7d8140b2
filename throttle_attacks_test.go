package auth_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
)

// hangingUpAt is a store of counters whose caller is gone when it has reserved.
type hangingUpAt struct {
	auth.AttemptStore
	reserved func()
}

func (s *hangingUpAt) ReserveAttempt(ctx context.Context, r auth.AttemptReservation) error {
	err := s.AttemptStore.ReserveAttempt(ctx, r)
	s.reserved()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// Whoever hangs up before a password was checked has not failed: else one client would stop
// an account for everybody, without a limit of its network's.
func TestThrottleOfWhoHangsUpEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		counters := &hangingUpAt{AttemptStore: auth.NewMemoryStore()}
		hasher := &talliedHasher{Hasher: authtest.Hasher{}}
		a := newAuth(t, auth.NewMemoryStore(), auth.Options{Hasher: hasher, Throttle: auth.Throttle{Store: counters}})
		id := register(t, a).User.ID
		mallory := from("203.0.113.9")
		for range 2 {
			wantErr(t, guess(a, email, mallory), auth.ErrInvalidCredentials)
		}
		before := hasher.calls.Load()
		for range 100 {
			ctx, hangUp := context.WithCancel(t.Context())
			counters.reserved = hangUp
			a.Login(ctx, auth.Credentials{Email: email, Password: auth.NewPassword("x"), Client: mallory})
			time.Sleep(10 * time.Minute)
		}
		if known, err := a.Attempts(t.Context(), id); err != nil || known.Failures != 2 || hasher.calls.Load() != before {
			t.Errorf("known %+v, %v, and %d passwords were checked", known, err, hasher.calls.Load()-before)
		}
	})
}

// verifyingHasher does something before it verifies.
type verifyingHasher struct {
	auth.Hasher
	first func()
}

func (h *verifyingHasher) Verify(ctx context.Context, encoded string, p auth.Password) (bool, error) {
	if h.first != nil {
		h.first()
	}
	return h.Hasher.Verify(ctx, encoded, p)
}

// The tenth wrong password ends the session, whoever hangs up then or fails at the same time.
func TestSessionIsSpentAnyhow(t *testing.T) {
	for name, tenth := range map[string]func(t *testing.T, h *verifyingHasher, again func(ctx context.Context, n int) error){
		"hung up": func(t *testing.T, h *verifyingHasher, again func(ctx context.Context, n int) error) {
			again(t.Context(), 8)
			ctx, hangUp := context.WithCancel(t.Context())
			h.first = hangUp
			again(ctx, 9)
		},
		"two at once": func(t *testing.T, h *verifyingHasher, again func(ctx context.Context, n int) error) {
			h.first = func() { time.Sleep(time.Second) }
			var both sync.WaitGroup
			for n := range 2 {
				both.Go(func() { again(t.Context(), 8+n) })
			}
			both.Wait()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, hasher := auth.NewMemoryStore(), &verifyingHasher{Hasher: authtest.Hasher{}}
				a := newAuth(t, store, auth.Options{Hasher: hasher, Sessions: auth.SessionConfig{Store: store}})
				result := register(t, a)
				id := identity(t, a, result.Tokens)
				again := func(ctx context.Context, n int) error {
					return errorOf(a.Reauthenticate(ctx, auth.Reauthentication{Identity: id, Password: auth.NewPassword(fmt.Sprint("wrong", n))}))
				}
				for n := range 8 {
					wantErr(t, again(t.Context(), n), auth.ErrInvalidCredentials)
				}
				tenth(t, hasher, again)
				wantErr(t, errorOf(a.Refresh(t.Context(), auth.Renewal{Token: result.Tokens.Refresh})), auth.ErrInvalidToken)
			})
		})
	}
}

// A device token that is spent, shown from very many networks at once, does not keep the
// owner's own device waiting.
func TestSpentDeviceFromManyNetworks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAuth(t, auth.NewMemoryStore(), auth.Options{Hasher: slowHasher{authtest.Hasher{}}, Secrets: withSecrets(0xFE)})
		own, spent := register(t, a), ""
		result, err := a.Login(t.Context(), credentials(email, password))
		if err != nil {
			t.Fatal(err)
		}
		spent = result.Tokens.Device
		login := func(p, device string, c auth.Client) error {
			return errorOf(a.Login(t.Context(), auth.Credentials{Email: email, Password: auth.NewPassword(p), Device: device, Client: c}))
		}
		for n := range 10 {
			wantErr(t, login(fmt.Sprint("wrong", n), spent, from("203.0.113.9")), auth.ErrInvalidCredentials)
		}
		var connections sync.WaitGroup
		end := time.Now().Add(2 * time.Second)
		for n := range 500 {
			connections.Go(func() {
				for time.Now().Before(end) {
					login("wrong", spent, from(fmt.Sprintf("198.51.%d.%d", n/250, n%250)))
					time.Sleep(hashTime)
				}
			})
		}
		for time.Sleep(time.Second); time.Now().Before(end); time.Sleep(hashTime) {
			began := time.Now()
			if err := login(password, own.Tokens.Device, from("192.0.2.1")); err != nil || time.Since(began) > 3*hashTime {
				t.Errorf("the owner: %v after %v", err, time.Since(began))
			}
		}
		connections.Wait()
	})
}

// What is no address is tried under the same rules, and is never somebody whose key a store
// of the service's own has left empty.
func TestThrottleOfWhatIsNoAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := auth.NewMemoryStore()
		a := newAuth(t, store)
		if _, err := store.CreateUser(t.Context(), auth.UserRecord{User: auth.User{ID: "1"}, PasswordHash: hashOf(t, password)}); err != nil {
			t.Fatal(err)
		}
		login := func() error {
			return errorOf(a.Login(t.Context(), auth.Credentials{Email: "\xff", Password: auth.NewPassword(password), Client: from("203.0.113.9")}))
		}
		for range 5 {
			wantErr(t, login(), auth.ErrInvalidCredentials)
		}
		wantThrottled(t, login(), 30*time.Second)
	})
}
