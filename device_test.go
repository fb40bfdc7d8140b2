package auth_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
)

func withSecrets(b ...byte) [][]byte {
	var list [][]byte
	for _, c := range b {
		list = append(list, bytes.Repeat([]byte{c}, 32))
	}
	return list
}

// Every way in gives a device token, and nothing else does; without secrets there is none.
func TestDeviceTokens(t *testing.T) {
	ctx := t.Context()
	for _, secrets := range [][][]byte{nil, withSecrets(0xFE)} {
		store := auth.NewMemoryStore()
		a := newAuth(t, store, auth.Options{Secrets: secrets, Sessions: auth.SessionConfig{Store: store}})
		check := func(what string, result auth.Result, err error, given bool) auth.Result {
			t.Helper()
			if want := given && secrets != nil; err != nil || (result.Tokens.Device != "") != want || want && len(result.Tokens.Device) != 36 {
				t.Errorf("%s with %d secrets: %q, %v", what, len(secrets), result.Tokens.Device, err)
			}
			if text := fmt.Sprintf("%+v", result.Tokens); result.Tokens.Device != "" && strings.Contains(text, result.Tokens.Device) {
				t.Errorf("printed: %s", text)
			}
			return result
		}
		first := check("a registration", register(t, a), nil, true)
		result, err := a.Login(ctx, credentials(email, password))
		check("a login", result, err, true)
		// Whatever is given as a device shuts nobody out.
		for _, device := range []string{"x", result.Tokens.Device + "x", strings.Repeat("A", 1<<20), "\xff"} {
			c := credentials(email, password)
			c.Device = device
			again, err := a.Login(ctx, c)
			check("a login with a strange device", again, err, true)
		}
		with, err := a.LoginWith(ctx, proof(first.User.ID))
		check("a login by other means", with, err, true)
		next, err := a.Refresh(ctx, auth.Renewal{Token: with.Tokens.Refresh})
		check("a refresh", next, err, false)
		id := identity(t, a, next.Tokens)
		again, err := a.Reauthenticate(ctx, auth.Reauthentication{Identity: id, Password: auth.NewPassword(password)})
		check("a step-up", again, err, false)
		id = identity(t, a, again.Tokens)
		changed, err := a.ChangePassword(ctx, auth.PasswordChange{Identity: id, Current: auth.NewPassword(password), New: auth.NewPassword(password)})
		check("a new password", changed, err, false)
	}
}

// However many strangers of however many networks wait, who has logged in before gets in:
// with a token of this account, of any accepted secret, and of the last half year.
func TestKnownDeviceWaitsAmongNoStrangers(t *testing.T) {
	for name, tt := range map[string]struct {
		later   time.Duration
		secrets [][]byte // of the replica that is asked then
		account string   // that logs in
		in      bool
	}{
		"the owner":                 {0, withSecrets(0xFE), email, true},
		"months later":              {180 * 24 * time.Hour, withSecrets(0xFE), email, true},
		"too late":                  {182 * 24 * time.Hour, withSecrets(0xFE), email, false},
		"after a new secret":        {0, withSecrets(0xFD, 0xFE), email, true},
		"of a secret that is gone":  {0, withSecrets(0xFD), email, false},
		"without secrets":           {0, nil, email, false},
		"of somebody else's device": {0, withSecrets(0xFE), "grace@example.com", false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := auth.NewMemoryStore()
				device := register(t, newAuth(t, store, auth.Options{Secrets: withSecrets(0xFE)})).Tokens.Device
				time.Sleep(tt.later)
				a := newAuth(t, store, auth.Options{Throttle: auth.Throttle{InsecureOff: true}, Hasher: slowHasher{authtest.Hasher{}}, Secrets: tt.secrets})
				importUser(t, a, "grace@example.com", hashOf(t, password))
				ctx, cancel := context.WithCancel(t.Context())
				var connections sync.WaitGroup
				for n := range 1000 { // a network each
					connections.Go(func() {
						for ctx.Err() == nil {
							_, err := a.Login(ctx, auth.Credentials{
								Email: email, Password: auth.NewPassword("wrong"), Client: from(fmt.Sprintf("%d.%d.2.1", 11+n/250, n%250)),
							})
							if errors.Is(err, auth.ErrOverloaded) {
								time.Sleep(hashTime)
							}
						}
					})
				}
				time.Sleep(time.Second)
				in := 0
				for range 22 {
					start := time.Now()
					within, stop := context.WithTimeout(ctx, 3*hashTime)
					_, err := a.Login(within, auth.Credentials{
						Email: tt.account, Password: auth.NewPassword(password), Client: from("198.51.100.7"), Device: device,
					})
					stop()
					if err == nil && time.Since(start) <= 3*hashTime {
						in++
					}
				}
				if tt.in && in != 22 || !tt.in && in > 2 {
					t.Errorf("%d of 22 logins", in)
				}
				cancel()
				connections.Wait()
			})
		})
	}
}

// A thousand networks that show one device token, or one access token, of an account that
// anybody can register are strangers but for one.
func TestOneAccountFromManyNetworks(t *testing.T) {
	for name, flood := range map[string]func(ctx context.Context, a *auth.Authenticator, eve auth.Result, id auth.Identity, c auth.Client) error{
		"by a device token": func(ctx context.Context, a *auth.Authenticator, eve auth.Result, _ auth.Identity, c auth.Client) error {
			return errorOf(a.Login(ctx, auth.Credentials{Email: "eve@example.com", Password: auth.NewPassword("wrong"), Client: c, Device: eve.Tokens.Device}))
		},
		"by an access token": func(ctx context.Context, a *auth.Authenticator, _ auth.Result, id auth.Identity, c auth.Client) error {
			return errorOf(a.Reauthenticate(ctx, auth.Reauthentication{Identity: id, Password: auth.NewPassword("wrong"), Client: c}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newAuth(t, auth.NewMemoryStore(), auth.Options{Throttle: auth.Throttle{InsecureOff: true}, Hasher: slowHasher{authtest.Hasher{}}, Secrets: withSecrets(0xFE)})
				ada := register(t, a)
				id := identity(t, a, ada.Tokens)
				eve, err := a.Register(t.Context(), auth.Registration{Email: "eve@example.com", Password: auth.NewPassword("correct horse")})
				if err != nil {
					t.Fatal(err)
				}
				evil := identity(t, a, eve.Tokens)
				ctx, cancel := context.WithCancel(t.Context())
				var connections sync.WaitGroup
				for n := range 1000 {
					connections.Go(func() {
						for ctx.Err() == nil {
							if err := flood(ctx, a, eve, evil, from(fmt.Sprintf("%d.%d.2.1", 11+n/250, n%250))); errors.Is(err, auth.ErrOverloaded) {
								time.Sleep(hashTime)
							}
						}
					})
				}
				time.Sleep(time.Second)
				for range 22 {
					for what, call := range map[string]func() error{
						"a login": func() error {
							return errorOf(a.Login(ctx, auth.Credentials{
								Email: email, Password: auth.NewPassword(password), Client: from("198.51.100.7"), Device: ada.Tokens.Device,
							}))
						},
						"a password given again": func() error {
							return errorOf(a.Reauthenticate(ctx, auth.Reauthentication{Identity: id, Password: auth.NewPassword(password), Client: from("198.51.100.7")}))
						},
						"a password that is set": func() error { return a.SetPassword(ctx, ada.User.ID, auth.NewPassword(password)) },
					} {
						start := time.Now()
						if err := call(); err != nil || time.Since(start) > 6*hashTime {
							t.Errorf("%s: %v after %v", what, err, time.Since(start))
						}
					}
				}
				cancel()
				connections.Wait()
			})
		})
	}
}
