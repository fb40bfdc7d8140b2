package throttle_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed89488a0c/auth/internal/memory"
	"github.com/seed89488a0c/auth/internal/throttle"
)

// A network whose clients try again as soon as they are refused is answered twenty times a
// second, and nobody is held for more than a second. What they are told to wait is what is left
// then. Others are answered at once.
func TestRefusalsArePaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(t, &memory.Store{}, throttle.Config{})
		mallory := from("203.0.113.9")
		mustFail(t, l, ada, mallory, 5)
		began, last := time.Now(), time.Now()
		for n := range 60 {
			_, refused := fails(t, l, ada, mallory)
			if left := time.Until(began.Add(30 * time.Second)); refused == nil || refused.After < left || refused.After >= left+time.Second {
				t.Fatalf("try %d: told %+v, %v are left", n, refused, left)
			}
			if held := time.Since(last); held > 50*time.Millisecond || n < 20 && held > 0 {
				t.Fatalf("try %d was held for %v", n, held)
			}
			last = time.Now()
		}
		if took := time.Since(began); took < 1900*time.Millisecond || took > 2*time.Second {
			t.Errorf("60 refusals took %v", took)
		}
		var connections sync.WaitGroup
		began = time.Now()
		for range 2000 { // more than are held
			connections.Go(func() {
				if _, refused := fails(t, l, ada, mallory); refused == nil || time.Since(began) > time.Second {
					t.Errorf("%+v after %v", refused, time.Since(began))
				}
			})
		}
		synctest.Wait()
		mustFail(t, l, "grace@example.com", from("203.0.113.10"), 5)
		if _, refused := fails(t, l, "grace@example.com", from("203.0.113.10")); refused == nil || time.Since(began) > 0 {
			t.Errorf("a neighbour: %+v after %v", refused, time.Since(began))
		}
		connections.Wait()

		for range 30 {
			fails(t, l, ada, mallory)
		}
		ctx, hangUp := context.WithCancel(t.Context())
		hangUp()
		began = time.Now()
		_, err := l.Begin(ctx, throttle.Try{Account: ada, Address: mallory.address}, l.Store.Attempts)
		if _, ok := errors.AsType[*throttle.Error](err); !ok || time.Since(began) > 0 {
			t.Errorf("who has gone is held for %v: %v", time.Since(began), err)
		}
	})
}
