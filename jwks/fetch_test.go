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

// An ETag that the issuer sends and does not take back fails one refresh at most.
func TestUnwelcomeETag(t *testing.T) {
	for _, tt := range []struct {
		name, etag string
		sent       bool
	}{
		{"largest", strings.Repeat("e", 256), true},
		{"too large", strings.Repeat("e", 257), false},
		{"much too large", strings.Repeat("e", 60<<10), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, o *origin, s signer) {
				c, failures := o.config(), 0
				c.Client = &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
					response, err := o.RoundTrip(r)
					if sent := r.Header.Get("If-None-Match"); sent != "" {
						if !tt.sent {
							t.Errorf("%d bytes were sent back", len(sent))
						}
						response.StatusCode = http.StatusPreconditionFailed
					}
					return response, err
				})}
				c.OnError = func(_ context.Context, err error) {
					failures++
					unavailable(t, err, "http 412")
				}
				o.header = http.Header{"Etag": {tt.etag}}
				v := newVerifier(t, c)
				text := s.token(t)
				accepted(t, v, text)
				time.Sleep(5 * time.Minute)
				accepted(t, v, text)
				if sent := failures == 1; sent != tt.sent {
					t.Errorf("%d failures", failures)
				}
				time.Sleep(time.Second)
				accepted(t, v, text)
				if _, at := v.Set(); time.Since(at) > time.Second {
					t.Errorf("not confirmed for %v", time.Since(at))
				}
			})
		})
	}
}

// An issuer takes back its only key by a set without any: until there is another
// one its tokens are not accepted, and nobody is told that his is invalid.
func TestEmptySet(t *testing.T) {
	bubble(t, func(t *testing.T, o *origin, s signer) {
		o.header = http.Header{"Etag": {`"1"`}}
		v := newVerifier(t, o.config())
		text := s.token(t)
		accepted(t, v, text)
		o.set(func(o *origin) { o.body, o.header = ` {"x":[{}],"keys":[ ]}`, nil })
		time.Sleep(5 * time.Minute)
		o.count()
		unavailable(t, verify(t, v, text), "empty")
		unavailable(t, verify(t, v, text), "empty")
		unavailable(t, v.Ready(t.Context()), "empty")
		if n := o.count(); n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
		time.Sleep(time.Second)
		o.set(func(o *origin) { o.status = 500 }) // which does not bring them back
		unavailable(t, verify(t, v, text), "http 500")

		next := ed(t, "second")
		o.set(func(o *origin) { o.body, o.status = jwkSet(t, next), 0 })
		time.Sleep(time.Second)
		accepted(t, v, next.token(t))
		refused(t, v, text, "unknown_key")
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

func TestMaxAge(t *testing.T) {
	for _, tt := range []struct {
		cacheControl string
		age          string
		limit        time.Duration
		want         time.Duration
	}{
		{"", "", 0, 5 * time.Minute},
		{"public, max-age=600", "", 0, 10 * time.Minute},
		{"public, max-age=600", "500", 0, 100 * time.Second},
		{"public, max-age=600", "6000", 0, time.Second},
		{"no-cache, no-store, max-age=0, must-revalidate", "", 0, 5 * time.Minute},
		{"max-age=1", "", 0, time.Second},
		{"max-age=9999999999999", "", 0, 12 * time.Hour},
		{"max-age=9999999999999", "", 30 * 24 * time.Hour, 24 * time.Hour},
		{"", "", time.Minute, 30 * time.Second},
	} {
		t.Run(tt.cacheControl+" "+tt.age, func(t *testing.T) {
			bubble(t, func(t *testing.T, o *origin, s signer) {
				o.header = http.Header{"Cache-Control": {tt.cacheControl}, "Age": {tt.age}}
				c := o.config()
				c.StaleLimit = tt.limit
				v := newVerifier(t, c)
				text := s.token(t)
				accepted(t, v, text)
				time.Sleep(tt.want - time.Nanosecond)
				accepted(t, v, text)
				if n := o.count(); n != 1 {
					t.Errorf("%d requests before", n)
				}
				time.Sleep(time.Nanosecond)
				accepted(t, v, text)
				if n := o.count(); n != 1 {
					t.Errorf("%d requests then", n)
				}
			})
		})
	}
}

// An answer is as old as the question: what was published while it was under way
// is not in it.
func TestMaxAgeFromRequest(t *testing.T) {
	bubble(t, func(t *testing.T, o *origin, s signer) {
		o.takes, o.header = time.Second, http.Header{"Cache-Control": {"max-age=10"}}
		v := newVerifier(t, o.config())
		text := s.token(t)
		accepted(t, v, text)
		time.Sleep(9 * time.Second)
		accepted(t, v, text)
		if n := o.count(); n != 2 {
			t.Errorf("%d requests, want 2", n)
		}
	})
}

func TestFreshness(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"max-age=7":                   7 * time.Second,
		"MAX-AGE=7":                   7 * time.Second,
		`max-age="7"`:                 7 * time.Second,
		"public,max-age=7":            7 * time.Second,
		"s-maxage=9 , max-age=7":      7 * time.Second,
		"max-age=7, max-age=8":        7 * time.Second,
		"max-age=-7":                  5 * time.Minute,
		"max-age=7s":                  5 * time.Minute,
		"max-age":                     5 * time.Minute,
		"max-age=":                    5 * time.Minute,
		"x-max-age=7":                 5 * time.Minute,
		"max-age=9223372036854775807": 24 * time.Hour,
		"max-age=9223372036854775808": 5 * time.Minute,
	} {
		if got := jwks.Freshness(http.Header{"Cache-Control": {value}}); got != want {
			t.Errorf("%s: %v, want %v", value, got, want)
		}
	}
	if got := jwks.Freshness(http.Header{"Cache-Control": {"public", "max-age=7"}}); got != 7*time.Second {
		t.Errorf("two fields: %v", got)
	}
}

// A document is the same by its ETag, or byte for byte: then the keys are, and
// what was verified with them need not be again.
func TestNotModified(t *testing.T) {
	for _, etag := range []string{`"1"`, ""} {
		t.Run(etag, func(t *testing.T) {
			bubble(t, func(t *testing.T, o *origin, s signer) {
				o.header = http.Header{"Etag": {etag}}
				v := newVerifier(t, o.config())
				text := s.token(t)
				accepted(t, v, text)
				first, at := v.Set()
				for range 3 {
					time.Sleep(5 * time.Minute)
					accepted(t, v, text)
				}
				set, confirmed := v.Set()
				if set != first || confirmed.Sub(at) != 15*time.Minute {
					t.Errorf("same keys: %t, confirmed after %v", set == first, confirmed.Sub(at))
				}
				o.mu.Lock()
				for n, h := range o.requests {
					if got := h.Get("If-None-Match"); n == 0 && got != "" || n > 0 && got != etag {
						t.Errorf("request %d: If-None-Match %q", n, got)
					}
				}
				o.mu.Unlock()
				if n := o.count(); n != 4 {
					t.Errorf("%d requests, want 4", n)
				}

				other := ed(t, "second")
				o.set(func(o *origin) { o.body = jwkSet(t, s, other); o.header.Set("ETag", `"2"`) })
				time.Sleep(5 * time.Minute)
				accepted(t, v, text)
				if set, _ := v.Set(); set == first {
					t.Error("other keys are the same")
				}
				accepted(t, v, other.token(t))
			})
		})
	}
}

// A 304 that nobody asked for confirms nothing.
func TestUnaskedNotModified(t *testing.T) {
	bubble(t, func(t *testing.T, o *origin, s signer) {
		o.status = 304
		v := newVerifier(t, o.config())
		unavailable(t, verify(t, v, s.token(t)), "http 304")
	})
}

// A key that is published for max-age before it signs is known when it does, and
// one that is not is found by its ID.
func TestRotation(t *testing.T) {
	bubble(t, func(t *testing.T, o *origin, s signer) {
		o.header = http.Header{"Cache-Control": {"max-age=2"}}
		v := newVerifier(t, o.config())
		for range 20 {
			accepted(t, v, s.token(t))
			next := ed(t, s.key.ID()+"~")
			o.set(func(o *origin) { o.body = jwkSet(t, s, next) })
			for range 20 { // while it is only published
				time.Sleep(100 * time.Millisecond)
				accepted(t, v, s.token(t))
			}
			s = next
		}
		if n := o.count(); n > 21 {
			t.Errorf("%d requests in 40 seconds", n)
		}
		o.set(func(o *origin) { o.header = nil })
		time.Sleep(10 * time.Second)
		accepted(t, v, s.token(t))
		time.Sleep(10 * time.Second)
		for id, header := range map[string]http.Header{"sudden": {"Cache-Control": {"max-age=2"}}, "other": nil} {
			sudden := ed(t, id)
			o.set(func(o *origin) { o.body, o.header = jwkSet(t, sudden), header })
			accepted(t, v, sudden.token(t))
			time.Sleep(10 * time.Second)
		}
		o.set(func(o *origin) { o.header = http.Header{"Cache-Control": {"max-age=2"}} })
		refused(t, v, s.token(t), "unknown_key") // which asks
		time.Sleep(2 * time.Second)
		sudden := ed(t, "third")
		o.set(func(o *origin) { o.body = jwkSet(t, sudden) })
		accepted(t, v, sudden.token(t))
	})
}

// A key that is no longer published is refused, also where its token was
// accepted before.
func TestRevokedKey(t *testing.T) {
	bubble(t, func(t *testing.T, o *origin, s signer) {
		v := newVerifier(t, o.config())
		text := s.token(t)
		accepted(t, v, text)
		accepted(t, v, text)
		next := ed(t, "second")
		o.set(func(o *origin) { o.body = jwkSet(t, next) })
		time.Sleep(5*time.Minute - 1)
		accepted(t, v, text)
		time.Sleep(time.Nanosecond)
		refused(t, v, text, "unknown_key")
		accepted(t, v, next.token(t))

		// Another key of the same ID is another key.
		impostor := ed(t, "second")
		old := next.token(t)
		accepted(t, v, old)
		o.set(func(o *origin) { o.body = jwkSet(t, impostor) })
		time.Sleep(5 * time.Minute)
		refused(t, v, old, "signature")
	})
}

func TestUnknownKeyFlood(t *testing.T) {
	bubble(t, func(t *testing.T, o *origin, s signer) {
		v := newVerifier(t, o.config())
		accepted(t, v, s.token(t))
		o.set(func(o *origin) { o.takes = time.Second })
		o.count()
		start := time.Now()
		valid, stranger := s.token(t), ed(t, "stranger").token(t)
		var group sync.WaitGroup
		var done atomic.Bool
		for range 20 {
			group.Go(func() {
				for !done.Load() {
					refused(t, v, stranger, "unknown_key")
					time.Sleep(50 * time.Millisecond)
				}
			})
		}
		for time.Since(start) < 2*time.Minute {
			before := time.Now()
			accepted(t, v, valid)
			if took := time.Since(before); took != 0 {
				t.Errorf("a valid token waited for %v", took)
			}
			time.Sleep(70 * time.Millisecond)
		}
		done.Store(true)
		group.Wait()
		if n := o.count(); n < 5 || n > 13 {
			t.Errorf("%d requests in two minutes, want about 12", n)
		}
	})
}

// While the issuer is down an unknown key may be one that it would have
// published: nobody can tell. Valid tokens are not slowed down by those who ask.
func TestUnknownKeyInOutage(t *testing.T) {
	bubble(t, func(t *testing.T, o *origin, s signer) {
		v := newVerifier(t, o.config())
		accepted(t, v, s.token(t))
		time.Sleep(10 * time.Second)
		o.set(func(o *origin) { o.takes, o.status = time.Hour, 503 })
		o.count()
		valid, stranger := s.token(t), ed(t, "stranger").token(t)
		for range 100 {
			unavailable(t, verify(t, v, stranger), "timeout")
			for range 2 {
				before := time.Now()
				accepted(t, v, valid)
				if took := time.Since(before); took != 0 {
					t.Fatalf("a valid token waited for %v", took)
				}
				time.Sleep(time.Second)
			}
		}
		if n := o.count(); n > 12 {
			t.Errorf("%d requests in four minutes", n)
		}
	})
}

func TestOutage(t *testing.T) {
	bubble(t, func(t *testing.T, o *origin, s signer) {
		var failures int
		c := o.config()
		c.StaleLimit = time.Hour
		c.OnError = func(_ context.Context, err error) {
			if !errors.Is(err, jwks.ErrInvalidToken) {
				failures++
				unavailable(t, err, "connection")
			}
		}
		v := newVerifier(t, c)
		text := s.token(t)
		accepted(t, v, text)
		o.set(func(o *origin) { o.down = errors.New("canary: connection refused") })
		o.count()
		start := time.Now()
		for time.Since(start) < time.Hour {
			accepted(t, v, text)
			time.Sleep(500 * time.Millisecond)
		}
		// 5 minutes fresh, then after 1, 2, 4 … 60 seconds.
		if n := o.count(); n < 55 || n > 62 || failures != n {
			t.Errorf("%d requests in 55 minutes of outage, %d reported", n, failures)
		}

		// Beyond the limit nothing can be told, and the issuer is asked each second.
		// What no key makes good, and what is of somebody else's, stays invalid.
		for time.Since(start) < time.Hour+10*time.Minute {
			err := verify(t, v, text)
			unavailable(t, err, "connection")
			if strings.Contains(err.Error(), "canary") {
				t.Errorf("text of another error: %v", err)
			}
			time.Sleep(500 * time.Millisecond)
		}
		refused(t, v, "a.b", "malformed")
		if n := o.count(); n < 540 || n > 601 {
			t.Errorf("%d requests in 10 minutes without keys", n)
		}
		unavailable(t, v.Ready(t.Context()), "connection")

		o.set(func(o *origin) { o.down = nil })
		time.Sleep(time.Second)
		accepted(t, v, s.token(t))
		if err := v.Ready(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// One call waits for an issuer that hangs, and not for long; all others pass.
func TestRefreshDelaysOne(t *testing.T) {
	bubble(t, func(t *testing.T, o *origin, s signer) {
		v := newVerifier(t, o.config())
		text := s.token(t)
		accepted(t, v, text)
		time.Sleep(5 * time.Minute)
		o.set(func(o *origin) { o.takes = time.Hour })
		o.count()
		var waited atomic.Int32
		var group sync.WaitGroup
		for range 100 {
			group.Go(func() {
				start := time.Now()
				accepted(t, v, text)
				if took := time.Since(start); took > 2*time.Second {
					t.Errorf("waited for %v", took)
				} else if took > 0 {
					waited.Add(1)
				}
			})
		}
		group.Wait()
		if n := o.count(); n != 1 || waited.Load() != 1 {
			t.Errorf("%d requests, %d calls waited; want one", n, waited.Load())
		}
	})
}

// Calls whose own time is up do not each spend it on an issuer that hangs.
func TestRefreshEnded(t *testing.T) {
	bubble(t, func(t *testing.T, o *origin, s signer) {
		v := newVerifier(t, o.config())
		text := s.token(t)
		accepted(t, v, text)
		time.Sleep(5 * time.Minute)
		o.set(func(o *origin) { o.takes = time.Hour })
		o.count()
		for start := time.Now(); time.Since(start) < time.Minute; time.Sleep(10 * time.Millisecond) {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			if _, err := v.Verify(ctx, text); err != nil {
				t.Error(err)
			}
			cancel()
		}
		if n := o.count(); n > 7 {
			t.Errorf("%d requests in a minute", n)
		}
	})
}

// Who hangs up with a token that is not valid does not take the turn.
func TestRefreshOfTheValid(t *testing.T) {
	bubble(t, func(t *testing.T, o *origin, s signer) {
		v := newVerifier(t, o.config())
		accepted(t, v, s.token(t))
		time.Sleep(5 * time.Minute)
		o.count()
		refused(t, v, s.token(t, "aud", "other"), "audience")
		refused(t, v, s.token(t, "exp", 1, "iat", 0), "expired")
		if n := o.count(); n != 0 {
			t.Errorf("%d requests", n)
		}
	})
}

// The time between two readings of the clock that somebody has set back is
// right only with monotonic ones.
func TestMonotonic(t *testing.T) { // not in a bubble, where there are none
	s := ed(t, "first")
	v := newVerifier(t, (&origin{body: jwkSet(t, s)}).config())
	accepted(t, v, s.token(t))
	if _, at := v.Set(); !strings.Contains(at.String(), " m=") {
		t.Errorf("%v has no monotonic reading", at)
	}
}

func TestResponses(t *testing.T) {
	for _, tt := range []struct {
		name string
		bad  func(t *testing.T, o *origin)
		code string
	}{
		{"status 500", func(_ *testing.T, o *origin) { o.status = 500 }, "http 500"},
		{"status 404", func(_ *testing.T, o *origin) { o.status = 404 }, "http 404"},
		{"status 204", func(_ *testing.T, o *origin) { o.status = 204 }, "http 204"},
		{"status 206", func(_ *testing.T, o *origin) { o.status = 206 }, "http 206"},
		{"redirect without end", func(_ *testing.T, o *origin) { o.status, o.header = 302, http.Header{"Location": {"/keys"}} }, "http 302"},
		{"redirect to another port", func(_ *testing.T, o *origin) {
			o.status, o.header = 307, http.Header{"Location": {name + ":8443/keys"}}
		}, "http 307"},
		{"too large by a byte", func(_ *testing.T, o *origin) { o.body += strings.Repeat(" ", 256<<10-len(o.body)+1) }, "too_large"},
		{"too large", func(_ *testing.T, o *origin) { o.body = strings.Repeat(" ", 10<<20) }, "too_large"},
		{"garbage", func(_ *testing.T, o *origin) { o.body = "canary <html>" }, "malformed"},
		{"empty", func(_ *testing.T, o *origin) { o.body = "" }, "malformed"},
		{"cut short", func(_ *testing.T, o *origin) { o.body = o.body[:len(o.body)-1] }, "malformed"},
		{"twice", func(_ *testing.T, o *origin) { o.body += o.body }, "malformed"},
		{"no key of use", func(_ *testing.T, o *origin) { o.body = `{"keys":[{}],"Keys":[]}` }, "no_keys"},
		{"no key at all", func(_ *testing.T, o *origin) { o.body = `{"keys":[null]}` }, "no_keys"},
		{"a secret alone", func(_ *testing.T, o *origin) {
			o.body = `{"keys":[{"kty":"oct","alg":"HS256","kid":"first","k":"` + encode(strings.Repeat("kX", 16)) + `"}]}`
		}, "no_keys"},
		{"a private key alone", func(t *testing.T, o *origin) {
			o.body = strings.Replace(o.body, `"kty"`, `"d":"`+encode(strings.Repeat("kX", 16))+`","kty"`, 1)
		}, "no_keys"},
		{"for encryption", func(t *testing.T, o *origin) { o.body = strings.Replace(o.body, `"sig"`, `"enc"`, 1) }, "no_keys"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, o *origin, s signer) {
				good := o.body
				tt.bad(t, o)
				v := newVerifier(t, o.config())
				err := verify(t, v, s.token(t))
				unavailable(t, err, tt.code)
				if want := "jwks: keys of " + name + ": " + tt.code; err == nil || err.Error() != want {
					t.Errorf("got %v, want %s", err, want)
				}

				// The last good keys serve on.
				o.set(func(o *origin) { o.body, o.status, o.header = good, 0, nil })
				time.Sleep(time.Second)
				accepted(t, v, s.token(t))
				time.Sleep(5 * time.Minute)
				o.set(func(o *origin) { tt.bad(t, o) })
				o.count()
				accepted(t, v, s.token(t))
				if n := o.count(); n == 0 {
					t.Error("not refreshed")
				}
				time.Sleep(23 * time.Hour)
				accepted(t, v, s.token(t))
			})
		})
	}
}

// A set as large as may be, with what is passed over in it.
func TestLargestSet(t *testing.T) {
	bubble(t, func(t *testing.T, o *origin, s signer) {
		secret := `{"kty":"oct","alg":"HS256","kid":"hs","k":"` + encode(strings.Repeat("kX", 16)) + `"},{"kty":"unknown"},`
		o.body = strings.Replace(o.body, "[", "["+secret, 1)
		o.body += strings.Repeat(" ", 256<<10-len(o.body))
		v := newVerifier(t, o.config())
		accepted(t, v, s.token(t))
	})
}

func TestReady(t *testing.T) {
	bubble(t, func(t *testing.T, o *origin, s signer) {
		down := &origin{status: 502}
		other := down.config()
		other.Issuer = "https://other.example"
		v := newVerifier(t, other, o.config())
		err := v.Ready(t.Context())
		unavailable(t, err, "http 502")
		if want := "jwks: keys of https://other.example: http 502"; err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
		unavailable(t, v.Ready(t.Context()), "http 502")
		if o.count() != 1 || down.count() != 1 {
			t.Error("more than a request each")
		}
		down.set(func(o *origin) { o.status, o.body = 0, jwkSet(t, s) })
		time.Sleep(15 * time.Second)
		if err := v.Ready(t.Context()); err != nil {
			t.Error(err)
		}
		if o.count() != 0 || down.count() != 1 {
			t.Error("keys that are there were fetched")
		}
	})
}
