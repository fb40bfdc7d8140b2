package keyring

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed89488a0c/auth"
)

func files(t testing.TB, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// Replicas that start at once in an empty directory come to the same key, and one
// file is made per period by whatever number of them.
func TestRotationMakesOneFilePerPeriod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		c := config(dir)
		c.Rotate = time.Minute
		c.OnError = func(_ context.Context, err error) { t.Error(err) }
		directories := make([]*Directory, 16)
		var group sync.WaitGroup
		for i := range directories {
			group.Go(func() { directories[i] = open(t, c) })
		}
		group.Wait()
		if names := files(t, dir); !slices.Equal(names, []string{firstKey}) {
			t.Fatalf("the first key: %v", names)
		}
		signs := map[string]bool{}
		start := time.Now()
		for time.Since(start) < 10*time.Minute {
			now := map[string]bool{}
			for _, d := range directories[:4] {
				for range 4 {
					group.Go(func() { keys(t, d) })
				}
			}
			group.Wait()
			for _, d := range directories[:4] {
				now[activeFile(t, d)] = true
			}
			for name := range now {
				signs[name] = true
			}
			if len(now) != 1 {
				t.Fatalf("at %v: %v sign", time.Now(), now)
			}
			time.Sleep(c.Poll)
			// A key verifies for 72 s after, its file stays for 34 more, and one is to come.
			if names := files(t, dir); len(names) > 5 {
				t.Fatalf("at %v: %v", time.Now(), names)
			}
		}
		if len(signs) != 10 {
			t.Errorf("%d keys signed in 10 periods: %v", len(signs), signs)
		}
		for _, name := range files(t, dir) {
			if strings.HasPrefix(name, ".") {
				t.Errorf("%s is left", name)
			}
			info, err := os.Stat(filepath.Join(dir, name))
			if err != nil || info.Mode() != 0o600 {
				t.Errorf("%s: %v, %v", name, info.Mode(), err)
			}
		}
	})
}

// At real speed, for the race detector and the file system.
func TestFirstKeyRace(t *testing.T) {
	for range 20 {
		dir := t.TempDir()
		c := config(dir)
		c.Rotate = time.Minute
		var group sync.WaitGroup
		var mu sync.Mutex
		ids := map[string]bool{}
		for range 16 {
			group.Go(func() {
				d, err := Open(context.Background(), c)
				if err != nil {
					t.Error(err)
					return
				}
				set, err := d.Keys(context.Background())
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				ids[set.Keys[0].ID()] = true
			})
		}
		group.Wait()
		if len(ids) != 1 {
			t.Fatalf("%d keys sign", len(ids))
		}
	}
}

// A process that ends between writing and linking leaves nothing that disturbs,
// and not for long.
func TestLeftBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		putKey(t, dir, time.Now())
		text, _ := private(t)
		put(t, dir, ".keyring-123", text)
		put(t, dir, ".keyring-124", text[:10])
		put(t, dir, ".keyringother", text)
		c := config(dir)
		if n := len(keys(t, open(t, c)).Keys); n != 1 {
			t.Errorf("%d keys", n)
		}
		c.Rotate = time.Minute
		open(t, c)
		if names := files(t, dir); len(names) != 4 {
			t.Errorf("what may be another's is gone: %v", names)
		}
		time.Sleep(tempAge + 1)
		open(t, c)
		if names := files(t, dir); len(names) != 2 || names[0] != ".keyringother" {
			t.Errorf("left behind: %v", names)
		}
	})
}

// A path is no pattern: what is left in another directory is another's.
func TestLeftBehindElsewhere(t *testing.T) {
	base := t.TempDir()
	old := time.Now().Add(-2 * tempAge)
	for _, name := range []string{"a", "[ab]", "[1"} {
		dir := filepath.Join(base, name)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		put(t, dir, tempPrefix+"1", nil)
		if err := os.Chtimes(filepath.Join(dir, tempPrefix+"1"), old, old); err != nil {
			t.Fatal(err)
		}
		if name == "a" {
			continue
		}
		c := config(dir)
		c.Rotate = time.Minute
		open(t, c)
		if names := files(t, dir); !slices.Equal(names, []string{firstKey}) {
			t.Errorf("in %s: %v", name, names)
		}
	}
	if names := files(t, filepath.Join(base, "a")); len(names) != 1 {
		t.Error("removed from a sibling")
	}
}

// A clock that jumps ahead for less than a lead removes no key, however far it jumps.
func TestClockThatJumpsAheadRemovesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		c := config(dir)
		c.Rotate = 24 * time.Hour
		const jump = 40 * 24 * time.Hour
		text, _ := private(t)
		name := time.Now().Add(-48*time.Hour).UTC().Format(layout) + autoSuffix
		put(t, dir, name, text)
		putKey(t, dir, time.Now())
		d := open(t, c)
		known := d.view.Load().files
		read := func(ahead time.Duration) {
			t.Helper()
			if _, problems := d.rotate(known, wall().Add(ahead)); len(problems) > 0 {
				t.Fatal(problems)
			}
		}
		there := func(want bool) {
			t.Helper()
			if slices.Contains(files(t, dir), name) != want {
				t.Fatalf("the retired key's file: not %v", want)
			}
		}
		read(jump)
		read(jump + 24*time.Hour) // by the same second of the monotonic clock
		time.Sleep(c.lead() - 1)
		read(jump)
		there(true)
		read(0) // set right, and ahead again
		time.Sleep(time.Nanosecond)
		read(jump)
		time.Sleep(c.lead() - 1)
		read(jump)
		there(true)
		time.Sleep(time.Nanosecond)
		read(jump)
		there(false)
	})
}

// A period that nobody saw begin is left out, and rotation touches no files but
// its own.
func TestMissedPeriod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		byHand := putKey(t, dir, time.Now().Add(-time.Hour))
		c := config(dir)
		c.Rotate = time.Minute
		c.OnError = func(_ context.Context, err error) { t.Error(err) }
		d := open(t, c)
		start := time.Now() // a full minute
		keys(t, d)
		time.Sleep(40 * time.Second) // too late: on time is before 60 - 17 - 12
		keys(t, d)
		time.Sleep(20 * time.Second)
		if got := activeFile(t, d); got != byHand || len(files(t, dir)) != 1 {
			t.Errorf("%s signs, of %v", got, files(t, dir))
		}
		for time.Since(start) < 2*time.Minute {
			keys(t, d)
			time.Sleep(time.Second)
		}
		want := start.Add(2*time.Minute).UTC().Format(layout) + autoSuffix
		if got := activeFile(t, d); got != want {
			t.Errorf("%s signs, want %s", got, want)
		}
		for range 2 { // so that it might be removed
			time.Sleep(time.Hour)
			keys(t, d)
		}
		if got := states(t, d); got[byHand] != Retired || len(got) < 2 {
			t.Errorf("got %v", got)
		}
	})
}

// Where somebody has put a key for the period rotation makes none.
func TestRotationByHandComesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		putKey(t, dir, time.Now())
		putKey(t, dir, time.Now().Add(time.Minute))
		c := config(dir)
		c.Rotate = time.Minute
		d := open(t, c)
		start := time.Now()
		for time.Since(start) < 59*time.Second {
			keys(t, d)
			time.Sleep(time.Second)
		}
		if names := files(t, dir); len(names) != 2 {
			t.Errorf("got %v", names)
		}
	})
}

func TestReadOnlyDirectory(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may write everywhere")
	}
	dir := t.TempDir()
	putKey(t, dir, time.Now())
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(dir, 0o700)
	c := config(dir)
	open(t, c)
	c.Rotate = time.Minute
	if _, err := Open(t.Context(), c); !errors.Is(err, fs.ErrPermission) || !errors.Is(err, auth.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}

func TestGenerate(t *testing.T) {
	dir := t.TempDir()
	at := time.Date(2026, 12, 1, 1, 0, 0, 1, time.FixedZone("", 3600))
	for i, algorithm := range append(strings.Fields(algorithms), "") {
		name, err := Generate(dir, algorithm, at.AddDate(0, 0, i))
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("202612%02dT000001Z.pem", i+1); name != want {
			t.Errorf("got %s, want %s", name, want)
		}
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if algorithm == "" {
			algorithm = "EdDSA"
		}
		if key, err := auth.ParseKey(text); err != nil || key.Algorithm() != algorithm || !key.CanSign() {
			t.Errorf("%s: got %s, %v", algorithm, key.Algorithm(), err)
		}
		_, err = Generate(dir, algorithm, at.AddDate(0, 0, i))
		wantFileError(t, err, name)
		if !errors.Is(err, fs.ErrExist) || strings.Contains(err.Error(), dir) {
			t.Errorf("again: %v", err)
		}
		if again, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(again) != string(text) {
			t.Error("overwritten")
		}
	}
	if names := files(t, dir); len(names) != 6 {
		t.Errorf("left: %v", names)
	}
	open(t, config(dir))

	for _, bad := range []time.Time{{}, time.Unix(-1, 0), time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)} {
		if _, err := Generate(dir, "", bad); err == nil {
			t.Errorf("%v: accepted", bad)
		}
	}
	if _, err := Generate(dir, "HS256", at.AddDate(1, 0, 0)); err == nil {
		t.Error("HS256: accepted")
	}
	_, err := Generate(filepath.Join(dir, "none"), "", at)
	if !errors.Is(err, auth.ErrUnavailable) || strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "directory none: ") {
		t.Errorf("got %v", err)
	}
}

// Two services under load through rotations: no token of the one is refused by
// the other while it lives, and one that outlives what was promised is refused at
// the nanosecond of its key's retirement.
// ASVS 5.0 13.3.4
func TestRotationUnderLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		c := config(dir)
		c.Rotate = 90 * time.Second
		c.OnError = func(_ context.Context, err error) { t.Error(err) }
		var sources [2]*Directory
		var issuers [2]*auth.JWTIssuer
		for i := range issuers {
			sources[i] = open(t, c)
			var err error
			issuers[i], err = auth.NewJWTIssuer(auth.JWTConfig{Issuer: "a", Audience: "b", Source: sources[i], TTL: time.Minute})
			if err != nil {
				t.Fatal(err)
			}
		}
		subject := auth.Subject{UserID: "1", AuthTime: time.Now(), TTL: time.Hour}
		if _, err := issuers[0].Issue(t.Context(), subject); err == nil {
			t.Error("a token is issued that outlives its key")
		}
		careless, err := auth.NewJWTIssuer(auth.JWTConfig{Issuer: "a", Audience: "b", Keys: keys(t, sources[0]).Keys})
		if err != nil {
			t.Fatal(err)
		}
		long, err := careless.Issue(t.Context(), subject)
		if err != nil {
			t.Fatal(err)
		}

		start := time.Now()
		var group sync.WaitGroup
		var mu sync.Mutex
		signers := map[string]bool{}
		requests := 0
		for worker := range 8 {
			group.Go(func() {
				n := 0
				for time.Since(start) < 8*time.Minute {
					issued, err := issuers[worker%2].Issue(t.Context(), auth.Subject{UserID: "1", AuthTime: time.Now()})
					if err != nil {
						t.Error(err)
						return
					}
					for _, pause := range []time.Duration{0, time.Duration(worker) * time.Second, time.Until(issued.ExpiresAt) - time.Duration(worker)*time.Second - 1} {
						time.Sleep(pause)
						for _, issuer := range issuers {
							if _, err := issuer.Parse(t.Context(), issued.Token); err != nil {
								t.Errorf("worker %d after %v: %v", worker, time.Since(start), err)
								return
							}
							n++
						}
						mu.Lock()
						signers[keys(t, sources[worker%2]).Keys[0].ID()] = true
						mu.Unlock()
					}
				}
				mu.Lock()
				defer mu.Unlock()
				requests += n
			})
			group.Go(func() { // so that neither is idle
				n := 0
				for time.Since(start) < 8*time.Minute {
					issued, err := issuers[worker%2].Issue(t.Context(), auth.Subject{UserID: "2", AuthTime: time.Now()})
					if err != nil {
						t.Error(err)
						return
					}
					if _, err := issuers[1-worker%2].Parse(t.Context(), issued.Token); err != nil {
						t.Errorf("after %v: %v", time.Since(start), err)
						return
					}
					n += 2
					time.Sleep(time.Duration(worker+3) * 200 * time.Millisecond)
				}
				mu.Lock()
				defer mu.Unlock()
				requests += n
			})
		}

		group.Go(func() {
			time.Sleep(70 * time.Second) // the next key is known
			keys(t, sources[1])
			until := sources[1].Status()[0].VerifiesUntil
			if want := start.Add(162 * time.Second); !until.Equal(want) {
				t.Errorf("the first key verifies until %v, want %v", until, want)
				return
			}
			time.Sleep(time.Until(until) - 1)
			if _, err := issuers[1].Parse(t.Context(), long.Token); err != nil {
				t.Errorf("before retirement: %v", err)
			}
			time.Sleep(time.Nanosecond)
			_, err := issuers[1].Parse(t.Context(), long.Token)
			if refused, ok := errors.AsType[*auth.TokenError](err); !ok || refused.Reason != "unknown_key" {
				t.Errorf("at retirement: %v", err)
			}
		})
		group.Wait()
		t.Logf("%d requests, %d keys", requests, len(signers))
		if len(signers) < 5 {
			t.Errorf("%d keys have signed", len(signers))
		}
	})
}
