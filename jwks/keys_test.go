package jwks_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed89488a0c/auth/jwks"
)

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

// ASVS 5.0 16.5.2
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
