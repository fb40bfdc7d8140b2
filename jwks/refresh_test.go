package jwks_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed89488a0c/auth/jwks"
)

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
