package hashgate_test

import (
	"context"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/seed89488a0c/auth/internal/hashgate"
)

// Collections that end by themselves at any moment, and hashes that do not wait,
// leave nobody behind in the queue.
func TestNobodyIsForgottenInTheQueue(t *testing.T) {
	gate := hashgate.New(1, 100)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	stop := make(chan struct{})
	var noise, hashes sync.WaitGroup
	for _, f := range []func(){
		runtime.GC,
		func() { gate.TryAcquire(1000) },
		func() { gate.TryAcquire(1000) },
		func() { gate.TryAcquire(1000) },
	} {
		noise.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					f()
				}
			}
		})
	}
	for range 40 {
		hashes.Go(func() {
			for range 25 {
				if err := gate.Acquire(ctx, hashgate.Turn{}, 60); err != nil {
					t.Error(err)
					return
				}
				gate.Release(60)
			}
		})
	}
	hashes.Wait()
	close(stop)
	noise.Wait()
}
