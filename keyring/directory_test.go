package keyring

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed89488a0c/auth"
)

func TestConfig(t *testing.T) {
	good := Config{Path: "x", MaxTTL: time.Minute}
	if err := good.check(); err != nil {
		t.Fatal(err)
	}
	if good.Poll != time.Minute || good.MaxAge != 5*time.Minute || good.lead() != 7*time.Minute+10*time.Second {
		t.Errorf("the defaults are %+v", good)
	}
	for name, edit := range map[string]func(*Config){
		"Path":              func(c *Config) { c.Path = "" },
		"Poll short":        func(c *Config) { c.Poll = time.Second - 1 },
		"Poll negative":     func(c *Config) { c.Poll = -time.Second },
		"Poll long":         func(c *Config) { c.Poll = time.Hour + 1 },
		"MaxAge fraction":   func(c *Config) { c.MaxAge = 1500 * time.Millisecond },
		"MaxAge negative":   func(c *Config) { c.MaxAge = -time.Second },
		"MaxAge long":       func(c *Config) { c.MaxAge = 24*time.Hour + time.Second },
		"MaxTTL none":       func(c *Config) { c.MaxTTL = 0 },
		"MaxTTL long":       func(c *Config) { c.MaxTTL = maxTTL + 1 },
		"Rotate negative":   func(c *Config) { c.Rotate = -time.Hour },
		"Rotate short":      func(c *Config) { c.Rotate = 16*time.Minute + 19*time.Second },
		"Rotate fraction":   func(c *Config) { c.Rotate = time.Hour + 1 },
		"Rotate by TTL":     func(c *Config) { c.Rotate, c.MaxTTL = time.Hour, 33*time.Hour },
		"Algorithm HS256":   func(c *Config) { c.Algorithm = "HS256" },
		"Algorithm partial": func(c *Config) { c.Algorithm = "EdDSA ES256" },
	} {
		c := Config{Path: "x", MaxTTL: time.Minute}
		edit(&c)
		if c.check() == nil {
			t.Errorf("%s: accepted", name)
		}
		if _, err := Open(t.Context(), c); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
	good.Rotate = 16*time.Minute + 20*time.Second - 1
	if err := good.check(); err == nil || err.Error() != "the Rotate is below 16m20s: a key is made that long before it signs" {
		t.Error(err)
	}
	if good.latest() != 9*time.Minute+20*time.Second || good.after() != good.MaxTTL+2*time.Minute+10*time.Second {
		t.Errorf("not what is documented: %v, %v", good.latest(), good.after())
	}
	good.Rotate++
	if err := good.check(); err != nil {
		t.Error(err)
	}
}

// A key that an unreadable file held stays, until the file goes. One that comes
// in its place is another key.
func TestLastGoodKeyStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		start := time.Now()
		first := putKey(t, dir, start.Add(-time.Hour))
		second := putKey(t, dir, start)
		var told []error
		c := config(dir)
		c.OnError = func(ctx context.Context, err error) {
			if told = append(told, err); ctx != t.Context() {
				t.Error("the context is not that of Keys")
			}
		}
		d := open(t, c)
		before := keys(t, d)

		put(t, dir, second, []byte("garbage"))
		time.Sleep(time.Second)
		if keys(t, d) != before || len(told) != 1 {
			t.Errorf("a file that became unreadable changed the keys, or was not told: %v", told)
		}
		wantFileError(t, told[0], second)

		remove(t, dir, second)
		time.Sleep(time.Second)
		if got := activeFile(t, d); got != first {
			t.Errorf("%s signs after the active file has gone", got)
		}

		text, _ := private(t)
		put(t, dir, first, text) // all that there is
		time.Sleep(time.Second)
		want, _ := auth.ParseKey(text)
		if set := keys(t, d); len(set.Keys) != 1 || set.Keys[0].ID() != want.ID() {
			t.Errorf("a replaced file: %v", set.Keys)
		}
	})
}

// An outage is not a removal.
func TestOutages(t *testing.T) {
	for name, fail := range map[string]func(dir string) error{
		"vanished": os.RemoveAll,
		"emptied": func(dir string) error {
			if err := os.RemoveAll(dir); err != nil {
				return err
			}
			return os.Mkdir(dir, 0o700)
		},
		"a file": func(dir string) error {
			if err := os.RemoveAll(dir); err != nil {
				return err
			}
			return os.WriteFile(dir, nil, 0o600)
		},
		"writable for others": func(dir string) error { return os.Chmod(dir, 0o777) },
		"1,100 entries": func(dir string) error {
			for i := range 1100 {
				if err := os.Mkdir(filepath.Join(dir, fmt.Sprint(i)), 0o700); err != nil {
					return err
				}
			}
			return nil
		},
	} {
		for _, rotate := range []time.Duration{0, time.Minute} {
			t.Run(fmt.Sprint(name, rotate), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					dir := filepath.Join(t.TempDir(), "keys")
					if err := os.Mkdir(dir, 0o700); err != nil {
						t.Fatal(err)
					}
					putKey(t, dir, time.Now())
					var told []error
					c := config(dir)
					c.Rotate = rotate
					c.OnError = func(_ context.Context, err error) { told = append(told, err) }
					d := open(t, c)
					before := keys(t, d)
					if err := fail(dir); err != nil {
						t.Fatal(err)
					}
					for range 100 {
						time.Sleep(c.Poll)
						if keys(t, d) != before {
							t.Fatal("an outage changed the keys")
						}
					}
					if len(told) != 1 {
						t.Fatalf("told %v", told)
					}
					wantFileError(t, told[0], "")
					if outage := name == "vanished" || name == "a file"; errors.Is(told[0], auth.ErrUnavailable) != outage {
						t.Errorf("%v: ErrUnavailable is not %v", told[0], outage)
					}
					if strings.Contains(told[0].Error(), dir) {
						t.Errorf("says where: %v", told[0])
					}
				})
			})
		}
	}
}

// A key that comes late signs a lead after it was seen, and the key before it
// verifies for as much longer. At a start names are believed.
func TestLateKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		old := putKey(t, dir, time.Now().Add(-time.Hour))
		c := config(dir)
		d := open(t, c)
		late := putKey(t, dir, time.Now().Add(time.Second))
		time.Sleep(time.Second)
		keys(t, d) // reads it
		seen := time.Now()
		for time.Since(seen) < 17*time.Second-1 {
			if got := states(t, d); got[old] != Active || got[late] != PrePublished {
				t.Fatalf("after %v: %v", time.Since(seen), got)
			}
			time.Sleep(min(700*time.Millisecond, 17*time.Second-1-time.Since(seen)))
		}
		time.Sleep(time.Nanosecond)
		if got := states(t, d); got[old] != Retiring || got[late] != Active {
			t.Errorf("a lead after: %v", got)
		}
		started := open(t, c)
		if got := activeFile(t, started); got != late {
			t.Errorf("after a start %s signs", got)
		}
		time.Sleep(72*time.Second - 1)
		for _, d := range []*Directory{d, started} {
			// The file is a second older than when it was seen.
			if got := states(t, d); (got[old] == Retiring) != (d != started) {
				t.Errorf("before retirement: %v", got)
			}
		}
		time.Sleep(time.Nanosecond)
		if got := states(t, d); got[old] != Retired {
			t.Errorf("at retirement: %v", got)
		}
	})
}

// When no other key can sign, the late one does at once.
func TestLateKeyIsTheOnlyOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		old := putKey(t, dir, time.Now().Add(-time.Hour))
		d := open(t, config(dir))
		remove(t, dir, old)
		putKey(t, dir, time.Now().Add(-2*time.Minute))
		late := putKey(t, dir, time.Now().Add(-time.Minute)) // as after a start
		putKey(t, dir, time.Now().Add(time.Minute))
		time.Sleep(time.Second)
		if got := activeFile(t, d); got != late {
			t.Errorf("%s signs", got)
		}
	})
}

// One who reads at a time, and nobody waits for it who is in use.
func TestNobodyWaitsForASlowDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		putKey(t, dir, time.Now().Add(-time.Hour))
		putKey(t, dir, time.Now().Add(3*time.Second))
		c := config(dir)
		d := open(t, c)
		d.reading <- struct{}{} // somebody reads, and does not come to an end
		before := keys(t, d)
		start := time.Now()
		for range 50 {
			time.Sleep(100 * time.Millisecond)
			if set := keys(t, d); (set == before) != (time.Since(start) < 3*time.Second) {
				t.Fatalf("after %v: the second key does not sign from its time on", time.Since(start))
			}
		}
		if time.Since(start) != 5*time.Second {
			t.Error("somebody waited")
		}

		// Nobody asked for longer than 2 Poll: what is known may be too old.
		time.Sleep(2*c.Poll + 1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		waited := time.Now()
		_, err := d.Keys(ctx)
		if !errors.Is(err, auth.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) || time.Since(waited) != time.Minute {
			t.Errorf("got %v after %v", err, time.Since(waited))
		}
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() { keys(t, d) })
		}
		synctest.Wait()
		putKey(t, dir, time.Now().Add(time.Hour))
		d.publish(func(v *view) { v.asked = wall() }) // it did come to an end
		<-d.reading
		group.Wait()
		if set := keys(t, d); len(set.Keys) != 2 {
			t.Error("those who waited read once more")
		}
		time.Sleep(2*c.Poll + 1)
		for range 8 {
			group.Go(func() {
				if set := keys(t, d); len(set.Keys) != 3 {
					t.Errorf("%d keys", len(set.Keys))
				}
			})
		}
		group.Wait()
	})
}

// A call whose context has ended is answered, and leaves the reading to others.
func TestEndedContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		name := putKey(t, dir, time.Now())
		putKey(t, dir, time.Now().Add(-time.Hour))
		c := config(dir)
		d := open(t, c)
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := Open(ended, c); !errors.Is(err, context.Canceled) {
			t.Errorf("Open: %v", err)
		}
		remove(t, dir, name)
		before := keys(t, d)
		time.Sleep(c.Poll)
		if set, err := d.Keys(ended); set != before || err != nil {
			t.Errorf("got %v, %v", set, err)
		}
		if keys(t, d) == before {
			t.Error("not read by the next call")
		}
		time.Sleep(2*c.Poll + 1)
		if set, err := d.Keys(ended); set != nil || !errors.Is(err, context.Canceled) || !errors.Is(err, auth.ErrUnavailable) {
			t.Errorf("got %v, %v", set, err)
		}
	})
}

// Nothing waits for the clock to come back to where it was.
func TestClockSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		putKey(t, dir, time.Now())
		c := config(dir)
		d := open(t, c)
		v := *d.view.Load() // of somebody an hour ahead
		v.asked, v.at, v.due = v.asked.Add(time.Hour), v.at.Add(time.Hour), v.due.Add(time.Hour)
		d.view.Store(&v)
		putKey(t, dir, time.Now().Add(time.Minute))
		if n := len(keys(t, d).Keys); n != 2 {
			t.Errorf("%d keys", n)
		}
		if v := d.view.Load(); !v.due.Equal(time.Now().Add(c.Poll)) {
			t.Errorf("reads again at %v", v.due)
		}
	})
}

// Run reads, so that calls do not have to.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		putKey(t, dir, time.Now())
		c := config(dir)
		c.Rotate = time.Minute
		d := open(t, c)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- d.Run(ctx) }()
		for range 1000 {
			time.Sleep(333 * time.Millisecond)
			synctest.Wait()
			if v := d.view.Load(); !time.Now().Before(v.due) {
				t.Fatal("a call would have to read")
			}
		}
		time.Sleep(time.Minute)
		if len(d.Status()) < 3 {
			t.Errorf("did not rotate: %v", d.Status())
		}
		cancel()
		if err := <-ended; err != context.Canceled {
			t.Error(err)
		}
	})
}

func TestStatusSaysNothingSecret(t *testing.T) {
	dir := t.TempDir()
	text, _ := private(t)
	_, public := private(t)
	name := time.Now().UTC().Add(-time.Hour).Format(layout) + "-by-hand.pem"
	put(t, dir, name, text)
	put(t, dir, "public.pem", public)
	d := open(t, config(dir))
	got, err := json.Marshal(d.Status())
	if err != nil {
		t.Fatal(err)
	}
	if list := d.Status(); len(list) != 2 || list[0].State != VerifyOnly || list[1].File != name || list[1].Algorithm != "EdDSA" {
		t.Errorf("got %s", got)
	}
	if len(keys(t, d).Keys) != 2 {
		t.Error("a public key without a time does not verify")
	}
	block := bytes.Split(text, []byte("\n"))[1]
	if bytes.Contains(got, block[20:]) {
		t.Error("the private key is there")
	}
}

func BenchmarkKeys(b *testing.B) {
	dir := b.TempDir()
	putKey(b, dir, time.Now())
	d := open(b, config(dir))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Keys(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkKeysParallel(b *testing.B) {
	dir := b.TempDir()
	putKey(b, dir, time.Now())
	d := open(b, config(dir))
	ctx := b.Context()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := d.Keys(ctx); err != nil {
				b.Error(err)
			}
		}
	})
}
