package auth_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/seed89488a0c/auth"
)

// Whatever asks for breaches is limited, and takes no place of a hash while a slow
// service is waited for.
func TestBreachChecksAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asking, most, asked atomic.Int64
		answer := make(chan struct{})
		a := newAuth(t, auth.NewMemoryStore(), auth.Options{Passwords: auth.PasswordPolicy{Breached: func(_ context.Context, p auth.Password) (bool, error) {
			if p.Reveal() == password {
				return false, nil
			}
			asked.Add(1)
			n := asking.Add(1)
			defer asking.Add(-1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			<-answer
			return false, nil
		}}})
		user := register(t, a).User
		atOnce, waiting := 8*hashSlots(), 128*hashSlots()
		calls := 3 * (waiting + atOnce)
		results := make(chan error, calls)
		ctx, cancel := context.WithCancel(t.Context())
		next := auth.NewPassword("another long password")
		for i := range calls / 3 {
			go func() {
				_, err := a.Register(ctx, auth.Registration{Email: fmt.Sprintf("user%d@example.com", i), Password: next})
				results <- err
			}()
			go func() { results <- a.SetPassword(ctx, user.ID, next) }()
			go func() { results <- second(a.ChangePassword(ctx, change(a, user.ID, password, next.Reveal()))) }()
		}
		synctest.Wait()
		if got := int(most.Load()); got != atOnce {
			t.Errorf("%d ask at once, want %d", got, atOnce)
		}
		// So many wait as strangers, and one of the user's own calls.
		if got := len(results); got != calls-atOnce-waiting-1 {
			t.Errorf("%d were refused at once, want %d", got, calls-atOnce-waiting-1)
		}
		for range len(results) {
			if err := <-results; err != auth.ErrOverloaded {
				t.Errorf("got %v", err)
			}
		}
		if err := login(t, a, password); err != nil { // nobody holds the place of a hash
			t.Errorf("a login meanwhile: %v", err)
		}
		cancel() // whoever waits leaves
		synctest.Wait()
		for range len(results) {
			if err := <-results; !errors.Is(err, auth.ErrOverloaded) || !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
		}
		close(answer)
		synctest.Wait()
		if got := int(asked.Load()); got != atOnce || asking.Load() != 0 {
			t.Errorf("%d were asked, want %d", got, atOnce)
		}
		if _, err := a.Register(t.Context(), auth.Registration{Email: "last@example.com", Password: next}); err != nil {
			t.Errorf("no place is left: %v", err)
		}
	})
}
