package auth_test

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
)

// BenchmarkLoginBesideOneClient logs in at a fixed pace, a quarter of what the machine can
// hash, from a network for each login: alone, and beside six hundred connections of one
// address that try wrong passwords, or log in, as fast as they are answered. It prints how
// many were let in, and the times at the middle and at the hundredth slowest.
func BenchmarkLoginBesideOneClient(b *testing.B) {
	a := newAuth(b, auth.NewMemoryStore(), auth.Options{Throttle: auth.Throttle{InsecureOff: true}, Hasher: auth.Argon2id{}})
	for _, address := range []string{email, "other@example.com"} {
		if _, err := a.Register(b.Context(), auth.Registration{Email: address, Password: auth.NewPassword(password)}); err != nil {
			b.Fatal(err)
		}
	}
	start := time.Now()
	const tries = 20
	for range tries {
		if err := login(b, a, password); err != nil {
			b.Fatal(err)
		}
	}
	pace := 4 * time.Since(start) / tries / time.Duration(hashSlots())
	for name, other := range map[string]auth.Credentials{
		"alone":             {},
		"beside guesses":    {Email: "other@example.com", Password: auth.NewPassword("wrong"), Client: from("192.0.2.66")},
		"beside its logins": {Email: "other@example.com", Password: auth.NewPassword(password), Client: from("192.0.2.66")},
	} {
		b.Run(name, func(b *testing.B) {
			ctx, cancel := context.WithCancel(b.Context())
			var connections sync.WaitGroup
			var answered atomic.Int64
			if other.Email != "" {
				for range 600 {
					connections.Go(func() {
						for ctx.Err() == nil {
							if _, err := a.Login(ctx, other); errors.Is(err, auth.ErrOverloaded) {
								time.Sleep(100 * time.Millisecond) // and tries again
							} else {
								answered.Add(1)
							}
						}
					})
				}
				time.Sleep(time.Second)
			}
			var mu sync.Mutex
			var times []time.Duration
			var refused int
			var logins sync.WaitGroup
			n := 0
			begun, before := time.Now(), answered.Load()
			for b.Loop() {
				n++
				client := auth.Client{Address: netip.AddrFrom4([4]byte{198, 51, byte(n >> 8), byte(n)})}
				logins.Go(func() {
					sent := time.Now()
					_, err := a.Login(b.Context(), auth.Credentials{Email: email, Password: auth.NewPassword(password), Client: client})
					took := time.Since(sent)
					mu.Lock()
					defer mu.Unlock()
					if times = append(times, took); err != nil {
						refused++
					}
				})
				time.Sleep(time.Until(begun.Add(time.Duration(n) * pace)))
			}
			logins.Wait()
			others := float64(answered.Load()-before) / time.Since(begun).Seconds()
			cancel()
			connections.Wait()
			slices.Sort(times)
			b.ReportMetric(100*float64(len(times)-refused)/float64(len(times)), "%-let-in")
			b.ReportMetric(times[len(times)/2].Seconds()*1e3, "ms-p50")
			b.ReportMetric(times[len(times)*99/100].Seconds()*1e3, "ms-p99")
			b.ReportMetric(float64(n)/time.Since(begun).Seconds(), "logins/s")
			b.ReportMetric(others, "others/s")
		})
	}
}
