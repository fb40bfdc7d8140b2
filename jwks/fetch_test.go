package jwks_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed89488a0c/auth/jwks"
)

func TestNoFetchBeforeUse(t *testing.T) {
	bubble(t, func(t *testing.T, o *origin, s signer) {
		v := newVerifier(t, o.config())
		for text, reason := range map[string]string{
			"":                              "malformed",
			"a.b":                           "malformed",
			strings.Repeat("a", 9000):       "too_large",
			encode(`{"alg":"none"}`) + "..": "malformed",
			encode(`{"alg":"EdDSA","kid":"first","typ":"JWT"}`, `{}`, "x"): "type",
		} {
			refused(t, v, text, reason)
		}
		if n := o.count(); n != 0 {
			t.Errorf("%d requests for tokens that no key makes good", n)
		}
		accepted(t, v, s.token(t))
		if n := o.count(); n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
	})
}

func TestSingleFlight(t *testing.T) {
	bubble(t, func(t *testing.T, o *origin, s signer) {
		o.takes = time.Second
		v := newVerifier(t, o.config())
		for range 2 { // first use, and a key that is new
			var group sync.WaitGroup
			for range 100 {
				group.Go(func() { accepted(t, v, s.token(t)) })
			}
			group.Wait()
			if n := o.count(); n != 1 {
				t.Errorf("%d requests, want 1", n)
			}
			time.Sleep(10 * time.Second)
			s = ed(t, "second")
			o.set(func(o *origin) { o.body = jwkSet(t, s) })
		}
	})
}

// So it is where the keys are old again when they arrive.
func TestSingleFlightSlow(t *testing.T) {
	bubble(t, func(t *testing.T, o *origin, s signer) {
		o.takes, o.header = 3*time.Second, http.Header{"Cache-Control": {"max-age=1"}}
		v := newVerifier(t, o.config())
		var group sync.WaitGroup
		for range 100 {
			group.Go(func() { accepted(t, v, s.token(t)) })
		}
		group.Wait()
		if n := o.count(); n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
	})
}

// The failure of one fetch is everybody's answer, not a fetch for each of them.
func TestSingleFailure(t *testing.T) {
	bubble(t, func(t *testing.T, o *origin, s signer) {
		o.takes, o.status = time.Second, 500
		v := newVerifier(t, o.config())
		start := time.Now()
		var group sync.WaitGroup
		for range 100 {
			group.Go(func() { unavailable(t, verify(t, v, s.token(t)), "http 500") })
		}
		group.Wait()
		if n, took := o.count(), time.Since(start); n != 1 || took != time.Second {
			t.Errorf("%d requests in %v, want 1 in 1s", n, took)
		}
	})
}

// A fetch does not end with the call that began it, and is everybody's.
func TestHandover(t *testing.T) {
	bubble(t, func(t *testing.T, o *origin, s signer) {
		o.takes = 3 * time.Second
		v := newVerifier(t, o.config())
		var group sync.WaitGroup
		ctx, cancel := context.WithCancel(t.Context())
		start := time.Now()
		group.Go(func() {
			_, err := v.Verify(ctx, s.token(t))
			unavailable(t, err, "context")
			if !errors.Is(err, context.Canceled) || time.Since(start) != time.Second {
				t.Errorf("%v after %v is not the caller's", err, time.Since(start))
			}
		})
		synctest.Wait()
		for range 10 {
			group.Go(func() { accepted(t, v, s.token(t)) })
		}
		time.Sleep(time.Second)
		cancel()
		group.Wait()
		if n, took := o.count(), time.Since(start); n != 1 || took != o.takes {
			t.Errorf("%d requests in %v; want 1 in %v", n, took, o.takes)
		}
	})
}

// unknown is a token that anybody can make, and that asks for another key.
var unknown = encode(`{"alg":"EdDSA","kid":"nobody","typ":"at+jwt"}`, `{}`, "x")

// hangUp verifies, and does not wait for longer than that.
func hangUp(t testing.TB, v *jwks.Verifier, text string, after time.Duration) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), after)
	defer cancel()
	_, err := v.Verify(ctx, text)
	return err
}

// Who hangs up in the middle of a fetch neither keeps a revoked key alive nor
// has the issuer asked more often.
func TestHangUp(t *testing.T) {
	bubble(t, func(t *testing.T, o *origin, s signer) {
		o.takes = 50 * time.Millisecond
		v := newVerifier(t, o.config())
		text := s.token(t)
		accepted(t, v, text)
		time.Sleep(10 * time.Second)
		o.count()
		for start := time.Now(); time.Since(start) < time.Minute; time.Sleep(time.Millisecond) {
			hangUp(t, v, unknown, time.Millisecond)
		}
		if n := o.count(); n < 5 || n > 7 {
			t.Errorf("%d requests in a minute, want 6", n)
		}

		next := ed(t, "second")
		o.set(func(o *origin) { o.body = jwkSet(t, next) })
		start := time.Now()
		for time.Since(start) < time.Hour && verify(t, v, text) == nil {
			hangUp(t, v, unknown, 10*time.Millisecond)
			time.Sleep(time.Second)
		}
		if took := time.Since(start); took > 5*time.Minute {
			t.Errorf("the revoked key lived for %v", took)
		}
		refused(t, v, text, "unknown_key")
	})
}

// Callers that never have the time for a fetch get one done, be it that there
// are keys or none.
func TestShortDeadlines(t *testing.T) {
	bubble(t, func(t *testing.T, o *origin, s signer) {
		o.takes = 4 * time.Second
		v := newVerifier(t, o.config())
		text := s.token(t)
		unavailable(t, hangUp(t, v, text, 100*time.Millisecond), "context")
		time.Sleep(4 * time.Second)
		for start := time.Now(); time.Since(start) < 25*time.Hour; time.Sleep(10 * time.Second) {
			if err := hangUp(t, v, text, 100*time.Millisecond); err != nil {
				t.Fatalf("after %v: %v", time.Since(start), err)
			}
		}
		if n := o.count(); n < 290 || n > 301 {
			t.Errorf("%d requests in 25 hours, want one in 5 minutes", n)
		}
	})
}

// A call whose context has ended does not begin what it will not see the end of.
func TestEndedContext(t *testing.T) {
	bubble(t, func(t *testing.T, o *origin, s signer) {
		v := newVerifier(t, o.config())
		text := s.token(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		none := func() {
			t.Helper()
			synctest.Wait()
			if n := o.count(); n != 0 {
				t.Errorf("%d requests", n)
			}
		}
		for range 100 { // of two things that can be, select takes any
			_, err := v.Verify(ctx, text)
			unavailable(t, err, "context")
		}
		none()
		accepted(t, v, text)
		time.Sleep(5 * time.Minute)
		o.count()
		for range 100 {
			if _, err := v.Verify(ctx, text); err != nil {
				t.Error(err)
			}
			_, err := v.Verify(ctx, unknown)
			unavailable(t, err, "context")
		}
		none()
	})
}

// A transport that panics does so in nobody's call.
func TestPanic(t *testing.T) {
	bubble(t, func(t *testing.T, o *origin, s signer) {
		c := o.config()
		c.Client = &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
			if response, err := o.RoundTrip(r); err == nil {
				return response, nil
			}
			panic("canary")
		})}
		var told []string
		c.OnError = func(_ context.Context, err error) {
			told = append(told, err.Error())
			panic("canary")
		}
		v := newVerifier(t, c)
		o.set(func(o *origin) { o.down = errors.New("down") })
		unavailable(t, verify(t, v, s.token(t)), "connection")
		if want := []string{"jwks: keys of " + name + ": connection"}; !slices.Equal(told, want) {
			t.Errorf("told %q, want %q", told, want)
		}
		o.set(func(o *origin) { o.down = nil })
		time.Sleep(time.Second)
		accepted(t, v, s.token(t))
	})
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Who is told of a failure may ask again at once, and is told once for each fetch.
func TestOnErrorCalls(t *testing.T) {
	bubble(t, func(t *testing.T, o *origin, s signer) {
		type key struct{}
		c := o.config()
		var told atomic.Int32
		var v *jwks.Verifier
		c.OnError = func(ctx context.Context, err error) {
			told.Add(1)
			unavailable(t, err, "timeout")
			if ctx.Err() != nil || ctx.Value(key{}) != "caller" {
				t.Errorf("a context that ended with %v, or is another call's", ctx.Err())
			}
			start := time.Now()
			unavailable(t, v.Ready(ctx), "timeout")
			if took := time.Since(start); took != 0 {
				t.Errorf("waited for %v", took)
			}
		}
		v = newVerifier(t, c)
		o.takes = time.Hour
		start := time.Now()
		ctx, cancel := context.WithTimeout(context.WithValue(t.Context(), key{}, "caller"), time.Second)
		defer cancel()
		_, err := v.Verify(ctx, s.token(t))
		unavailable(t, err, "context")
		if told.Load() != 0 {
			t.Error("told before the fetch ended")
		}
		unavailable(t, verify(t, v, s.token(t)), "timeout") // which waits for the same one
		if took := time.Since(start); took != 5*time.Second {
			t.Errorf("the fetch took %v", took)
		}
		synctest.Wait()
		if n := o.count(); n != 1 || told.Load() != 1 {
			t.Errorf("%d requests, told %d times, want one", n, told.Load())
		}
	})
}

func TestWaiterContext(t *testing.T) {
	bubble(t, func(t *testing.T, o *origin, s signer) {
		o.takes = 3 * time.Second
		v := newVerifier(t, o.config())
		var group sync.WaitGroup
		group.Go(func() { accepted(t, v, s.token(t)) })
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err := v.Verify(ctx, s.token(t))
		unavailable(t, err, "context")
		if took := time.Since(start); took != time.Second || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v after %v", err, took)
		}
		group.Wait()
		if n := o.count(); n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
	})
}
