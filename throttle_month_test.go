package auth_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
)

// month is a user whom strangers attack for a month, in front of two processes.
type month struct {
	t        *testing.T
	random   *rand.Rand
	replicas [2]*auth.Authenticator
	checked  int // failures in a row
	most     int
	tries    int
}

// login tries a password by one of the processes, and counts failures in a row.
func (m *month) login(of, password string, client auth.Client, device string) (string, error) {
	a := m.replicas[m.random.IntN(2)]
	m.tries++
	result, err := a.Login(m.t.Context(), auth.Credentials{Email: of, Password: auth.NewPassword(password), Client: client, Device: device})
	switch {
	case err == nil && of == email:
		m.checked = 0
	case errors.Is(err, auth.ErrInvalidCredentials) && of == email:
		m.checked++
		m.most = max(m.most, m.checked)
	case err != nil && !errors.Is(err, auth.ErrInvalidCredentials) && !errors.Is(err, auth.ErrTooManyAttempts):
		m.t.Fatal(err)
	}
	return result.Tokens.Device, err
}

// storm has strangers of a thousand networks guess, n times.
func (m *month) storm(n int) (refused int) {
	for range n {
		i := m.random.IntN(1000)
		client := auth.Client{Address: netip.AddrFrom4([4]byte{198, 51, byte(i >> 8), byte(i)})}
		if i%3 == 0 { // some are of an IPv6 /48 that is handed out to them
			client.Address = netip.MustParseAddr(fmt.Sprintf("2001:db8:%x:%x::1", i, m.random.IntN(1<<16)))
		}
		_, err := m.login(email, fmt.Sprint("wrong", m.tries), client, "")
		if errors.Is(err, auth.ErrTooManyAttempts) {
			refused++
		}
	}
	return refused
}

// Strangers of a thousand networks guess at one account for thirty days, all the time. The
// owner's device logs in each hour of the first half, and is away for the second, in which
// somebody guesses with a copy of an old device token too. The owner's is never refused; a new device of the owner is let in whenever Attempts says that strangers
// neither wait nor are stopped; nobody else is refused at all; and never are more than a
// hundred failures in a row checked. ASVS 5.0 6.3.1
func TestThrottleForAMonth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := auth.NewMemoryStore()
		m := &month{t: t, random: rand.New(rand.NewPCG(1, 30))}
		for i := range m.replicas {
			m.replicas[i] = newAuth(t, store, auth.Options{Hasher: authtest.Hasher{}, Secrets: withSecrets(0xFE)})
		}
		user := register(t, m.replicas[0]).User
		device, err := m.login(email, password, from("192.0.2.1"), "")
		if err != nil {
			t.Fatal(err)
		}
		stolen := device
		var ofOthers []string // devices
		for i := range 20 {
			r := registration()
			r.Email = fmt.Sprintf("user%d@example.com", i)
			result, err := m.replicas[0].Register(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			ofOthers = append(ofOthers, result.Tokens.Device)
		}
		var refused, asked, newDevices, mistyped int
		for hour := range 30 * 24 {
			refused += m.storm(200)
			time.Sleep(time.Duration(m.random.Int64N(int64(30 * time.Minute))))
			refused += m.storm(60)

			// Somebody has a copy of the first device token, when strangers are stopped long since.
			if hour >= 20*24 {
				m.login(email, fmt.Sprint("stolen", m.tries), from("198.51.100.99"), stolen)
			}

			// A new device of the owner, of a network that has not been seen.
			state, err := m.replicas[hour%2].Attempts(t.Context(), user.ID)
			if err != nil {
				t.Fatal(err)
			}
			if asked++; !state.Stopped && !state.AllStopped && state.Wait == 0 && hour%5 == 0 {
				time.Sleep(time.Second) // what a process remembers of a refusal
				if _, err := m.login(email, password, auth.Client{Address: netip.AddrFrom4([4]byte{100, 64, byte(hour >> 8), byte(hour)})}, ""); err != nil {
					t.Fatalf("hour %d: a new device of the owner: %v, and Attempts says %+v", hour, err, state)
				}
				newDevices++
			}

			// The owner, who mistypes now and then, with the device that logged in last. For
			// the second half the owner is away, but for the last day.
			if hour < 15*24 || hour >= 29*24 {
				for range m.random.IntN(3) {
					mistyped++
					if _, err := m.login(email, fmt.Sprint("mistyped", m.tries), from("192.0.2.1"), device); !errors.Is(err, auth.ErrInvalidCredentials) {
						t.Fatalf("hour %d: the owner who has mistyped: %v", hour, err)
					}
				}
				if device, err = m.login(email, password, from("192.0.2.1"), device); err != nil {
					t.Fatalf("hour %d: the owner: %v", hour, err)
				}
			}

			// Others, of networks of the attackers too.
			i := m.random.IntN(len(ofOthers))
			of := fmt.Sprintf("user%d@example.com", i)
			if ofOthers[i], err = m.login(of, password, from("192.0.2.77"), ofOthers[i]); err != nil {
				t.Fatalf("hour %d: another account: %v", hour, err)
			}
			for _, address := range []string{"192.0.2.78", fmt.Sprintf("198.51.0.%d", 1+m.random.IntN(250))} {
				if _, err = m.login(of, password, from(address), ""); err != nil {
					t.Fatalf("hour %d: a new device of another account, from %s: %v", hour, address, err)
				}
			}
			time.Sleep(time.Duration(m.random.Int64N(int64(30 * time.Minute))))
		}
		if m.most > 100 || m.most < 90 || newDevices == 0 {
			t.Errorf("%d failures in a row were checked, %d new devices let in", m.most, newDevices)
		}
		t.Logf("%d tries, of which %d of strangers were refused; %d failures in a row at most; %d mistyped by the owner; %d new devices were let in",
			m.tries, refused, m.most, mistyped, newDevices)
	})
}
