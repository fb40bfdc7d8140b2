package keyring

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed89488a0c/auth"
)

func fakeFile(t testing.TB, from time.Time) *file {
	t.Helper()
	text, _ := private(t)
	key, err := auth.ParseKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return &file{name: from.Format(layout) + ".pem", key: key, from: from, signs: from, handover: from}
}

// Every state begins and ends at its nanosecond.
func TestStatesChangeAtTheirNanosecond(t *testing.T) {
	c := config(t.TempDir())
	if err := c.check(); err != nil {
		t.Fatal(err)
	}
	a, b := time.Unix(1_000_000, 0), time.Unix(2_000_000, 0)
	files := []*file{fakeFile(t, a), fakeFile(t, b)}
	until := b.Add(72 * time.Second)
	for _, test := range []struct {
		now    time.Time
		want   [2]State
		change time.Time
	}{
		{a.Add(-time.Hour), [2]State{Active, PrePublished}, a}, // nothing else could sign
		{a.Add(-1), [2]State{Active, PrePublished}, a},
		{a, [2]State{Active, PrePublished}, b},
		{b.Add(-1), [2]State{Active, PrePublished}, b},
		{b, [2]State{Retiring, Active}, until},
		{until.Add(-1), [2]State{Retiring, Active}, until},
		{until, [2]State{Retired, Active}, time.Time{}},
		{until.Add(time.Hour), [2]State{Retired, Active}, time.Time{}},
	} {
		list, change := c.states(files, test.now)
		if got := [2]State{list[0].State, list[1].State}; got != test.want || !change.Equal(test.change) {
			t.Errorf("at %d: got %v until %v, want %v until %v", test.now.UnixNano(), got, change, test.want, test.change)
		}
		if !list[0].VerifiesUntil.Equal(until) || !list[1].VerifiesUntil.IsZero() {
			t.Errorf("at %d: verify until %v and %v", test.now.UnixNano(), list[0].VerifiesUntil, list[1].VerifiesUntil)
		}
	}
}

// A key that came too late to sign at its time does not prolong the life of the
// one before it, if another takes over sooner.
func TestFirstToTakeOverCounts(t *testing.T) {
	c := config(t.TempDir())
	a := time.Unix(1_000_000, 0)
	late, next := a.Add(time.Hour), a.Add(2*time.Hour)
	files := []*file{fakeFile(t, a), fakeFile(t, late), fakeFile(t, next)}
	files[1].signs, files[1].handover = next.Add(time.Hour), next.Add(time.Hour)
	list, change := c.states(files, next)
	if list[0].State != Retiring || list[1].State != Retiring || list[2].State != Active || !change.Equal(next.Add(c.after())) {
		t.Errorf("got %v until %v", list, change)
	}
	if !list[0].VerifiesUntil.Equal(next.Add(c.after())) || !list[1].VerifiesUntil.Equal(next.Add(c.after())) {
		t.Errorf("got %v", list)
	}
	if list, _ = c.states(files, late.Add(time.Minute)); list[0].State != Active || list[1].State != PrePublished {
		t.Errorf("got %v", list)
	}
}

// The same by a Directory, which changes its answer at that moment and at no other.
func TestKeysChangeWithoutReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		c := config(dir)
		c.Poll = time.Hour // so that none of it is due to reading
		start := time.Now()
		putKey(t, dir, start)
		putKey(t, dir, start.Add(2*time.Minute))
		d := open(t, c)
		before := keys(t, d)
		time.Sleep(2*time.Minute - 1)
		if keys(t, d) != before {
			t.Error("another pointer, and nothing has changed")
		}
		time.Sleep(time.Nanosecond)
		after := keys(t, d)
		if after == before || after.Keys[0].ID() != before.Keys[1].ID() || after.Keys[1].ID() != before.Keys[0].ID() {
			t.Error("the second key does not sign from its time on")
		}
		if after.MaxAge != c.MaxAge {
			t.Errorf("MaxAge is %v", after.MaxAge)
		}
	})
}

// replica is what reads in the simulation: the same code, without files.
type replica struct {
	offset time.Duration // of its clock
	files  []*file
	asked  time.Time // true time
	opened bool
}

// simFile is a file of the simulation; it can be read from appears on.
type simFile struct {
	*file
	appears time.Time
}

// poll is what a Directory does at a true time.
func (r *replica) poll(c *Config, all []simFile, now time.Time) {
	first := !r.opened
	var files []*file
	for _, f := range all {
		if f.appears.After(now) {
			continue
		}
		if i := slices.IndexFunc(r.files, func(g *file) bool { return g.name == f.name }); i >= 0 {
			files = append(files, r.files[i])
			continue
		}
		seen := &file{name: f.name, key: f.key, from: f.from}
		seen.arrive(c, now.Add(r.offset), f.appears, first)
		files = append(files, seen)
	}
	r.files, r.asked, r.opened = files, now, true
}

func (r *replica) knows(c *Config, now time.Time) (signer string, verify map[string]bool) {
	list, _ := c.states(r.files, now.Add(r.offset))
	verify = map[string]bool{}
	for _, s := range list {
		if s.State == Active {
			signer = s.File
		}
		if s.State != Retired {
			verify[s.File] = true
		}
	}
	return signer, verify
}

// Whatever replica signs a token, at whatever moment, every replica accepts it at
// every moment until it expires; and every key is published everywhere for MaxAge
// before it signs anywhere. Replicas have clocks that are wrong by up to 5
// seconds, read at any time within 2 Poll, and are started again at random. Keys
// may come late, but a start within a lead of that is left out: names are believed
// at a start, and this is why the package comment asks for a lead.
func TestReplicasAgree(t *testing.T) {
	tokens, late, started := 0, 0, 0
	pool := make([]*file, 8)
	for i := range pool {
		pool[i] = fakeFile(t, time.Unix(0, 0))
	}
	for seed := range uint64(36) {
		random := rand.New(rand.NewPCG(seed, 1))
		between := func(a, b time.Duration) time.Duration { return a + time.Duration(random.Int64N(int64(b-a)+1)) }
		c := Config{
			Path:   "x",
			Poll:   between(1, 60) * time.Second,
			MaxAge: between(1, 120) * time.Second,
			MaxTTL: between(1, 600) * time.Second,
		}
		if err := c.check(); err != nil {
			t.Fatal(err)
		}
		lateness, restarts := seed%3 > 0, seed%3 < 2
		begin := time.Unix(1_700_000_000, 0).UTC()
		var all []simFile
		from := begin
		for i := range pool {
			appears := begin.Add(-c.MaxAge - time.Hour)
			if i > 0 {
				// In time by every clock, or at any time.
				appears = from.Add(-c.lead() - skew/2 - 2*c.Poll - between(0, 100*time.Second))
				if lateness && random.IntN(2) == 0 {
					appears = from.Add(between(-c.lead(), time.Minute))
					late++
				}
			}
			f := &file{name: from.Format(layout) + ".pem", key: pool[i].key, from: from}
			all = append(all, simFile{f, appears})
			from = from.Add(between(1*time.Second, 2*c.lead()+c.MaxTTL).Truncate(time.Second))
		}
		end := from.Add(c.MaxTTL + c.lead())
		replicas := make([]*replica, 3)
		for i := range replicas {
			replicas[i] = &replica{offset: between(-5*time.Second, 5*time.Second)}
			replicas[i].poll(&c, all, begin.Add(-c.lead()-time.Minute))
		}
		type token struct {
			file    string
			expires time.Time // by everybody's own clock
		}
		var valid []token
		published := make([]map[string]time.Time, len(replicas)) // since when
		for i := range published {
			published[i] = map[string]time.Time{}
		}
		step := max(c.Poll/7, time.Second/2)
		for now := begin.Add(-c.lead() - time.Minute); now.Before(end); now = now.Add(between(1, step)) {
			unsettled := slices.ContainsFunc(all, func(f simFile) bool {
				return !now.Before(f.appears) && now.Before(f.appears.Add(c.lead())) && f.from.Before(f.appears.Add(c.latest()))
			})
			for _, r := range replicas {
				if restarts && !unsettled && random.IntN(200) == 0 {
					*r = replica{offset: r.offset}
					started++
				}
				// At the latest what Keys makes sure of.
				if !r.opened || now.Sub(r.asked) > 2*c.Poll-step || random.IntN(30) == 0 {
					r.poll(&c, all, now)
				}
			}
			for i, r := range replicas {
				signer, verify := r.knows(&c, now)
				for _, k := range valid {
					if now.Add(r.offset).Before(k.expires) && !verify[k.file] {
						t.Fatalf("seed %d: at %v replica %d refuses a token of %s that expires at %v", seed, now, i, k.file, k.expires)
					}
				}
				for name := range verify {
					if _, ok := published[i][name]; !ok {
						published[i][name] = now
					}
				}
				for j := range replicas {
					if since, ok := published[j][signer]; now.After(begin) && (!ok || now.Sub(since) < c.MaxAge) {
						t.Fatalf("seed %d: at %v %s signs at %d, and %d has published it since %v", seed, now, signer, i, j, since)
					}
				}
				expires := now.Add(r.offset).Truncate(time.Second).Add(c.MaxTTL)
				if n := len(valid); n == 0 || valid[n-1].file != signer || random.IntN(20) == 0 {
					valid = append(valid, token{signer, expires})
					tokens++
				} else if valid[n-1].expires.Before(expires) {
					valid[n-1].expires = expires
				}
			}
			valid = slices.DeleteFunc(valid, func(k token) bool { return now.After(k.expires.Add(skew)) })
		}
	}
	t.Logf("%d tokens, %d late keys, %d starts", tokens, late, started)
	if tokens < 1000 || late < 50 || started < 100 {
		t.Error("too little of it")
	}
}

func TestParseName(t *testing.T) {
	at := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	for name, want := range map[string]struct {
		from time.Time
		ok   bool
	}{
		"20261201T000000Z.pem":       {at, true},
		"20261201T000000Z.jwk":       {at, true},
		"20261201T000000Z.json":      {at, true},
		"20261201T000000Z-auto.pem":  {at, true},
		"20261201T000000Z-.pem":      {at, true},
		"20261201T000000Z-a.b-c.pem": {at, true},
		"19700101T000000Z.pem":       {time.Unix(0, 0), true},
		"19691231T235959Z.pem":       {time.Time{}, true},
		"20261201T000000.pem":        {time.Time{}, true},
		"20261201T000000z.pem":       {time.Time{}, true},
		"20261201T000000Zold.pem":    {time.Time{}, true},
		"20261201T000000.5Z.pem":     {time.Time{}, true},
		"20261301T000000Z.pem":       {time.Time{}, true},
		"20260229T000000Z.pem":       {time.Time{}, true},
		"20261201T240000Z.pem":       {time.Time{}, true},
		"old-20261201T000000Z.pem":   {time.Time{}, true},
		"public.pem":                 {time.Time{}, true},
		"20261201T000000Z":           {},
		"20261201T000000Z.PEM":       {},
		"20261201T000000Z.pem~":      {},
		".20261201T000000Z.pem":      {},
		"20261201T000000Z.pem.sw":    {},
		"..data":                     {},
		".pem":                       {},
		"":                           {},
	} {
		from, ok := parseName(name)
		if ok != want.ok || !from.Equal(want.from) {
			t.Errorf("%q: got %v, %v", name, from, ok)
		}
	}
}

// A time that is written is read back, and nothing else is read as that time.
func FuzzParseName(f *testing.F) {
	f.Add("20261201T000000Z-auto.pem", int64(1_796_083_200))
	f.Add("20261201T000000.5Z.jwk", int64(0))
	f.Add("99991231T235959Z.json", int64(253402300799))
	f.Fuzz(func(t *testing.T, name string, seconds int64) {
		from, ok := parseName(name)
		if !from.IsZero() && (!ok || name[:len(layout)] != from.Format(layout) || from.Location() != time.UTC) {
			t.Errorf("%q is read as %v", name, from)
		}
		if seconds < 0 || seconds > 253402300799 {
			return
		}
		at := time.Unix(seconds, 0).UTC()
		for _, format := range []string{"%s.pem", "%s.jwk", "%s.json", "%s-auto.pem"} {
			if got, ok := parseName(fmt.Sprintf(format, at.Format(layout))); !ok || !got.Equal(at) {
				t.Errorf("%v is read back as %v", at, got)
			}
		}
	})
}
