package auth_test

import (
	"errors"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
)

// BenchmarkLoginRefused shows what a login takes for which there were too many attempts: by
// what the process remembers for a second, and by counters that are read anew.
func BenchmarkLoginRefused(b *testing.B) {
	benchmarkStores(b, func(b *testing.B, a *auth.Authenticator) {
		c := credentials(email, "wrong")
		c.Client = from("203.0.113.9")
		var err error
		for err = auth.ErrInvalidCredentials; errors.Is(err, auth.ErrInvalidCredentials); {
			_, err = a.Login(b.Context(), c)
		}
		for _, remembered := range []bool{true, false} {
			b.Run(map[bool]string{true: "remembered", false: "read"}[remembered], func(b *testing.B) {
				var took time.Duration
				for range b.N {
					in := a
					if !remembered {
						in = auth.Restarted(a)
					}
					begun := time.Now()
					_, err := in.Login(b.Context(), c)
					took += time.Since(begun)
					if !errors.Is(err, auth.ErrTooManyAttempts) {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(took.Nanoseconds())/float64(b.N), "ns/op")
			})
		}
	})
}
