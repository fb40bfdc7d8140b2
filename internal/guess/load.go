package main

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed89488a0c/auth"
)

// answers are what came of some logins, by what a client is told over HTTP.
type answers struct {
	Sent                         int
	PerSec                       float64 // how many were sent
	OK, Wrong, Limited, Overload int     // 200, 401, 429, 503
	Other                        int
	Example                      error // of other errors
	took                         []time.Duration
}

func (a *answers) add(err error, took time.Duration) {
	switch {
	case err == nil:
		a.OK++
		a.took = append(a.took, took)
	case errors.Is(err, auth.ErrInvalidCredentials):
		a.Wrong++
	case errors.Is(err, auth.ErrTooManyAttempts):
		a.Limited++
	case errors.Is(err, auth.ErrOverloaded):
		a.Overload++
	default:
		a.Other++
		a.Example = err
	}
}

func (a *answers) quantile(q float64) time.Duration {
	if len(a.took) == 0 {
		return 0
	}
	slices.Sort(a.took)
	return a.took[max(0, int(math.Ceil(q*float64(len(a.took))))-1)]
}

// steady calls login so many times a second, for a while, and returns when all are answered.
// It does not wait for answers in between: who waits with the next login until a slow one is
// answered measures fewer slow ones.
func steady(perSec float64, howLong time.Duration, login func(i int) error) *answers {
	var all sync.WaitGroup
	var mu sync.Mutex
	a := &answers{}
	begun := time.Now()
	for {
		due := begun.Add(time.Duration(float64(a.Sent) / perSec * float64(time.Second)))
		if due.Sub(begun) >= howLong {
			break
		}
		time.Sleep(time.Until(due))
		i := a.Sent
		a.Sent++
		all.Go(func() {
			err := login(i)
			took := time.Since(due)
			mu.Lock()
			defer mu.Unlock()
			a.add(err, took)
		})
	}
	a.PerSec = float64(a.Sent) / time.Since(begun).Seconds()
	all.Wait()
	return a
}

// connected has n connections log in, each a round trip after it was answered, while f runs.
func connected(n int, roundTrip time.Duration, login func(connection int) error, f func()) *answers {
	var all sync.WaitGroup
	var mu sync.Mutex
	var stop atomic.Bool
	a := &answers{}
	begun := time.Now()
	for i := range n {
		all.Go(func() {
			for !stop.Load() {
				sent := time.Now()
				err := login(i)
				mu.Lock()
				a.Sent++
				a.add(err, time.Since(sent))
				mu.Unlock()
				time.Sleep(roundTrip)
			}
		})
	}
	f()
	stop.Store(true)
	mu.Lock()
	a.PerSec = float64(a.Sent) / time.Since(begun).Seconds()
	mu.Unlock()
	all.Wait()
	return a
}

// counter counts the passwords that are checked.
type counter struct {
	auth.Argon2id
	checked atomic.Int64
}

func (c *counter) Verify(ctx context.Context, encoded string, p auth.Password) (bool, error) {
	c.checked.Add(1)
	return c.Argon2id.Verify(ctx, encoded, p)
}

// instant takes no time, so that many failures can be counted before a row begins. It knows
// no hash of Argon2id, for which a decoy is checked then.
type instant struct{}

const instantHash = "$instant$"

func (instant) Hash(_ context.Context, p auth.Password) (string, error) {
	return instantHash + p.Reveal(), nil
}

func (instant) Verify(_ context.Context, encoded string, p auth.Password) (bool, error) {
	if (instant{}).Inspect(encoded).Scheme == "" {
		return false, auth.ErrUnknownHash
	}
	return encoded == instantHash+p.Reveal(), nil
}

func (instant) Inspect(encoded string) auth.HashInfo {
	if encoded != "" && (len(encoded) < len(instantHash) || encoded[:len(instantHash)] != instantHash) {
		return auth.HashInfo{}
	}
	return auth.HashInfo{Scheme: "instant", MemoryBytes: 1}
}
