package auth_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
)

// hashTime is how long a slowHasher takes.
const hashTime = 20 * time.Millisecond

type slowHasher struct{ auth.Hasher }

func (h slowHasher) Verify(ctx context.Context, encoded string, p auth.Password) (bool, error) {
	time.Sleep(hashTime)
	return h.Hasher.Verify(ctx, encoded, p)
}

func (h slowHasher) Hash(ctx context.Context, p auth.Password) (string, error) {
	time.Sleep(hashTime)
	return h.Hasher.Hash(ctx, p)
}

func from(address string) auth.Client { return auth.Client{Address: netip.MustParseAddr(address)} }

// Beside three hundred connections of one network, or of nobody knows where, everybody
// else gets in within a hash of theirs, whoever is logged in included.
// ASVS 5.0 15.4.4
func TestOneClientDelaysOthersByOneHash(t *testing.T) {
	for name, flood := range map[string]func(ctx context.Context, a *auth.Authenticator, n int) error{
		"wrong logins at one account": func(ctx context.Context, a *auth.Authenticator, _ int) error {
			return errorOf(a.Login(ctx, auth.Credentials{Email: email, Password: auth.NewPassword("wrong"), Client: from("192.0.2.66")}))
		},
		"wrong logins at many": func(ctx context.Context, a *auth.Authenticator, n int) error {
			return errorOf(a.Login(ctx, auth.Credentials{Email: fmt.Sprintf("user%d@example.com", n), Password: auth.NewPassword("wrong"), Client: from("192.0.2.66")}))
		},
		"of an IPv6 network": func(ctx context.Context, a *auth.Authenticator, n int) error {
			return errorOf(a.Login(ctx, auth.Credentials{Email: email, Password: auth.NewPassword("wrong"), Client: from(fmt.Sprintf("2001:db8:66:%x::1", n))}))
		},
		"at one account, of nobody knows where": func(ctx context.Context, a *auth.Authenticator, _ int) error {
			return errorOf(a.Login(ctx, credentials("grace@example.com", "wrong")))
		},
		"at an account each, of nobody knows where": func(ctx context.Context, a *auth.Authenticator, n int) error {
			return errorOf(a.Login(ctx, credentials(fmt.Sprintf("user%d@example.com", n), "wrong")))
		},
		"registrations of nobody knows where": func(ctx context.Context, a *auth.Authenticator, n int) error {
			return errorOf(a.Register(ctx, auth.Registration{Email: fmt.Sprintf("user%d@example.com", n), Password: auth.NewPassword("correct horse")}))
		},
		"of an IPv6 network that is handed out as /48s": func(ctx context.Context, a *auth.Authenticator, n int) error {
			return errorOf(a.Login(ctx, auth.Credentials{Email: email, Password: auth.NewPassword("wrong"), Client: from(fmt.Sprintf("2001:db8:%x::1", n))}))
		},
		"of an IPv4 network": func(ctx context.Context, a *auth.Authenticator, n int) error {
			return errorOf(a.Login(ctx, auth.Credentials{Email: email, Password: auth.NewPassword("wrong"), Client: from(fmt.Sprintf("192.0.2.%d", n%256))}))
		},
		"registrations": func(ctx context.Context, a *auth.Authenticator, n int) error {
			return errorOf(a.Register(ctx, auth.Registration{Email: fmt.Sprintf("user%d@example.com", n), Password: auth.NewPassword("correct horse"), Client: from("192.0.2.66")}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := auth.NewMemoryStore()
				a := newAuth(t, store, auth.Options{Throttle: auth.Throttle{InsecureOff: true}, Hasher: slowHasher{authtest.Hasher{}}, Sessions: auth.SessionConfig{Store: store}})
				user := register(t, a)
				ctx, cancel := context.WithCancel(t.Context())
				var connections sync.WaitGroup
				for n := range 300 {
					connections.Go(func() {
						for ctx.Err() == nil {
							if err := flood(ctx, a, n); errors.Is(err, auth.ErrOverloaded) {
								time.Sleep(hashTime) // and tries again
							}
						}
					})
				}
				time.Sleep(time.Second)
				within := func(what string, most time.Duration, call func() error) {
					t.Helper()
					start := time.Now()
					if err := call(); err != nil || time.Since(start) > most {
						t.Errorf("%s: %v after %v, want within %v", what, err, time.Since(start), most)
					}
				}
				tokens := user.Tokens
				for range 22 {
					within("a login from elsewhere", 3*hashTime, func() error {
						return errorOf(a.Login(ctx, auth.Credentials{Email: email, Password: auth.NewPassword(password), Client: from("198.51.100.7")}))
					})
					within("a password given again", 3*hashTime, func() error {
						id, err := a.Verify(ctx, tokens.Access)
						if err != nil {
							return err
						}
						result, err := a.Reauthenticate(ctx, auth.Reauthentication{Identity: id, Password: auth.NewPassword(password), Client: from("192.0.2.66")})
						tokens = result.Tokens
						return err
					})
				}
				cancel()
				connections.Wait()
			})
		})
	}
}

// Anybody can register, so who is logged in takes turns by network too.
func TestManyUsersOfOneClientDelayOthersByOneHash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAuth(t, auth.NewMemoryStore(), auth.Options{Throttle: auth.Throttle{InsecureOff: true}, Hasher: slowHasher{authtest.Hasher{}}})
		user := identity(t, a, register(t, a).Tokens)
		ctx, cancel := context.WithCancel(t.Context())
		var connections sync.WaitGroup
		for n := range 300 {
			result, err := a.LoginWith(ctx, proof(importUser(t, a, fmt.Sprintf("user%d@example.com", n), "")))
			if err != nil {
				t.Fatal(err)
			}
			id := identity(t, a, result.Tokens)
			connections.Go(func() {
				for ctx.Err() == nil {
					_, err := a.Reauthenticate(ctx, auth.Reauthentication{Identity: id, Password: auth.NewPassword("wrong"), Client: from("192.0.2.66")})
					if errors.Is(err, auth.ErrOverloaded) {
						time.Sleep(hashTime)
					}
				}
			})
		}
		time.Sleep(time.Second)
		for range 22 {
			start := time.Now()
			_, err := a.ChangePassword(ctx, auth.PasswordChange{
				Identity: user, Current: auth.NewPassword(password), New: auth.NewPassword(password), Client: from("198.51.100.7"),
			})
			if err != nil || time.Since(start) > 6*hashTime { // two hashes, and for each one of theirs and what runs
				t.Errorf("a new password: %v after %v", err, time.Since(start))
			}
		}
		cancel()
		connections.Wait()
	})
}
