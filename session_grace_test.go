package auth_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
)

// graceClient is the client of one refresh of TestRefreshGrace.
func graceClient(name string) auth.Client { return auth.Client{UserAgent: name} }

// What each token of a session gives, by its place in the line and its age.
// ASVS 5.0 10.4.5
func TestRefreshGrace(t *testing.T) {
	const grace = 10 * time.Second
	type shown int
	const (
		current shown = iota
		parent
		grandparent
		foreign
	)
	for _, tt := range []struct {
		name   string
		grace  time.Duration
		token  shown
		after  time.Duration // the last rotation
		want   string        // of "itself", "next", "successor", "another" and "replayed"
		writes int
	}{
		{"current, at once", grace, current, 0, "itself", 0},
		{"current, at the end of its grace", grace, current, grace - time.Microsecond, "itself", 0},
		{"current, after its grace", grace, current, grace, "next", 1},
		{"current, much later", grace, current, 24 * time.Hour, "next", 1},
		{"current, at the end of the default grace", 0, current, 30*time.Second - time.Microsecond, "itself", 0},
		{"current, after the default grace", 0, current, 30 * time.Second, "next", 1},
		{"current, without grace", -1, current, 0, "next", 1},
		{"parent, at once", grace, parent, 0, "successor", 1},
		{"parent, at the end of the grace", grace, parent, grace - time.Microsecond, "successor", 1},
		{"parent, after the grace", grace, parent, grace, "another", 1},
		{"parent, six days later", grace, parent, 6 * 24 * time.Hour, "another", 1},
		{"parent, without grace", -1, parent, 0, "replayed", 1},
		{"grandparent, at once", grace, grandparent, 0, "replayed", 1},
		{"grandparent, later", grace, grandparent, time.Hour, "replayed", 1},
		{"made up", grace, foreign, 0, "replayed", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var events []auth.Event
				store := &failingStore{MemoryStore: auth.NewMemoryStore()}
				a := newSessions(t, store, auth.SessionConfig{Grace: tt.grace}, auth.Options{Events: func(_ context.Context, e auth.Event) { events = append(events, e) }})
				line := map[shown]string{current: register(t, a).Tokens.Refresh}
				for range 3 {
					time.Sleep(time.Minute)
					line[grandparent], line[parent] = line[parent], line[current]
					result, err := a.Refresh(t.Context(), auth.Renewal{Token: line[current], Client: graceClient("owner")})
					if err != nil {
						t.Fatal(err)
					}
					line[current] = result.Tokens.Refresh
				}
				line[foreign] = line[current][:43] + line[parent][43:65] + line[grandparent][65:]
				time.Sleep(tt.after)
				writes := 0
				store.fail = func(op string) error {
					if op == "UpdateSession" {
						writes++
					}
					return nil
				}
				events = nil
				renewal := auth.Renewal{Token: line[tt.token], Client: graceClient("other")}
				result, err := a.Refresh(t.Context(), renewal)
				got := "another"
				switch {
				case errors.Is(err, auth.ErrSessionReplayed):
					got = "replayed"
				case err != nil:
					t.Fatal(err)
				case result.Tokens.Refresh == renewal.Token:
					got = "itself"
				case tt.token == current:
					got = "next"
				case result.Tokens.Refresh == line[current]:
					got = "successor"
				}
				if got != tt.want || writes != tt.writes || len(events) != 1 {
					t.Fatalf("gives %s after %d writes with %d events, want %s after %d with one", got, writes, len(events), tt.want, tt.writes)
				}
				kind := map[string]string{"successor": "refresh_repeated", "another": "refresh_repeated", "replayed": "session_replayed"}[got]
				if kind == "" {
					kind = "refreshed"
				} else if events[0].Previous.UserAgent != "owner" {
					t.Errorf("the event names %q as who refreshed before", events[0].Previous.UserAgent)
				}
				if events[0].Kind != kind || events[0].Client.UserAgent != "other" || events[0].UserID == "" || events[0].SessionID == "" {
					t.Errorf("event %+v, want %s", events[0], kind)
				}
				switch got {
				case "replayed": // it has ended for all
					for _, token := range line {
						refused(t, a, token, auth.ErrInvalidToken)
					}
				case "another": // of two, until one of them is replaced
					time.Sleep(time.Hour)
					if again := refreshed(t, a, line[parent]); again.Refresh != result.Tokens.Refresh {
						t.Error("a third successor")
					}
					time.Sleep(time.Minute)
					next := refreshed(t, a, line[current])
					refused(t, a, result.Tokens.Refresh, auth.ErrSessionReplayed)
					refused(t, a, next.Refresh, auth.ErrInvalidToken)
				default:
					time.Sleep(time.Minute)
					refreshed(t, a, result.Tokens.Refresh)
				}
			})
		})
	}
}

// A request that was under way for longer than the grace, or an answer to it that is
// dropped, ends nobody's session; a copy that is used later does.
func TestTwoSuccessors(t *testing.T) {
	for name, late := range map[string]bool{"the first goes on": false, "the late one goes on": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := auth.NewMemoryStore()
				a := newSessions(t, store, auth.SessionConfig{})
				parent := aged(t, store, register(t, a).Tokens.Refresh)
				first := refreshed(t, a, parent).Refresh
				time.Sleep(20 * time.Second)
				refreshed(t, a, first) // is in use
				time.Sleep(11 * time.Second)
				second := refreshed(t, a, parent).Refresh
				if second == first {
					t.Fatal("the same successor")
				}
				goesOn, copied := first, second
				if late {
					goesOn, copied = second, first
				}
				for range 3 {
					time.Sleep(15 * time.Minute)
					goesOn = refreshed(t, a, goesOn).Refresh
				}
				refused(t, a, copied, auth.ErrSessionReplayed)
				refused(t, a, goesOn, auth.ErrInvalidToken)
			})
		})
	}
}

// countingIssuer counts the tokens that it signs.
type countingIssuer struct {
	auth.TokenIssuer
	signed int
}

func (i *countingIssuer) Issue(ctx context.Context, s auth.Subject) (auth.IssuedToken, error) {
	i.signed++
	return i.TokenIssuer.Issue(ctx, s)
}

// One parent gives a hundred access tokens at most, and the end of them is no end of
// the session.
func TestParentIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, issuer := auth.NewMemoryStore(), &countingIssuer{TokenIssuer: newIssuer(t, auth.JWTConfig{})}
		a, err := auth.New(store, issuer, auth.Options{Hasher: authtest.Hasher{}, Sessions: auth.SessionConfig{Store: store}})
		if err != nil {
			t.Fatal(err)
		}
		parent := register(t, a).Tokens.Refresh
		time.Sleep(time.Minute)
		next := refreshed(t, a, parent).Refresh
		for range 100 {
			refreshed(t, a, parent)
		}
		signed := issuer.signed
		for range 10 {
			refused(t, a, parent, auth.ErrUnavailable)
		}
		if issuer.signed != signed {
			t.Errorf("%d tokens were signed beyond the limit", issuer.signed-signed)
		}
		refreshed(t, a, next)
		time.Sleep(time.Minute)
		refreshed(t, a, next)
	})
}

// Replicas of other settings, as while they change, agree on what a token is.
func TestGraceOfOtherReplicas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := auth.NewMemoryStore()
		lenient, strict := newSessions(t, store, auth.SessionConfig{}), newSessions(t, store, auth.SessionConfig{Grace: -1})
		parent := aged(t, store, register(t, lenient).Tokens.Refresh)
		next := refreshed(t, lenient, parent).Refresh
		for _, a := range []*auth.Authenticator{strict, lenient} {
			if got := refreshed(t, a, parent).Refresh; got != next {
				t.Error("another successor")
			}
			if got := refreshed(t, a, next).Refresh; got != next {
				t.Error("it was replaced within its grace")
			}
		}
		time.Sleep(time.Minute)
		last := refreshed(t, strict, next).Refresh
		refused(t, lenient, next, auth.ErrSessionReplayed) // as the one that replaced it has it
		refused(t, lenient, last, auth.ErrInvalidToken)
	})
}

// A session that ends soon is renewed before it does.
func TestGraceOfAShortSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newSessions(t, auth.NewMemoryStore(), auth.SessionConfig{IdleTTL: 10 * time.Second})
		token := register(t, a).Tokens.Refresh
		for range 20 {
			time.Sleep(9 * time.Second)
			next := refreshed(t, a, token).Refresh
			if next == token {
				t.Fatal("it was not renewed")
			}
			token = next
		}
	})
}

// Lifetimes that were shortened reach the sessions that exist.
func TestShortenedLifetimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := auth.NewMemoryStore()
		long := newSessions(t, store, auth.SessionConfig{})
		idle := newSessions(t, store, auth.SessionConfig{IdleTTL: time.Hour})
		absolute := newSessions(t, store, auth.SessionConfig{AbsoluteTTL: 2 * time.Hour})
		first := register(t, long)
		time.Sleep(time.Hour)
		refused(t, idle, first.Tokens.Refresh, auth.ErrExpiredToken)
		if list, err := idle.Sessions(t.Context(), first.User.ID); err != nil || len(list) != 0 {
			t.Errorf("%d sessions, %v", len(list), err)
		}
		refreshed(t, long, first.Tokens.Refresh) // which has other settings: nothing was ended
		if err := long.EndSessions(t.Context(), first.User.ID); err != nil {
			t.Fatal(err)
		}
		late := loggedIn(t, long).Tokens.Refresh
		list, err := absolute.Sessions(t.Context(), first.User.ID)
		if err != nil || len(list) != 1 || !list[0].ExpiresAt.Equal(list[0].CreatedAt.Add(2*time.Hour)) || list[0].IdleUntil.After(list[0].ExpiresAt) {
			t.Fatalf("sessions %+v, %v", list, err)
		}
		time.Sleep(2*time.Hour - time.Second)
		late = refreshed(t, absolute, late).Refresh
		time.Sleep(time.Second)
		refused(t, absolute, late, auth.ErrInvalidToken)
	})
}

// skewedStore is how a replica sees the store whose clock is so far ahead.
type skewedStore struct {
	*auth.MemoryStore
	ahead time.Duration
}

func (s skewedStore) shift(by time.Duration, times ...*time.Time) {
	for _, at := range times {
		if !at.IsZero() {
			*at = at.Add(by)
		}
	}
}

func (s skewedStore) SessionByID(ctx context.Context, id string) (auth.SessionRecord, error) {
	r, err := s.MemoryStore.SessionByID(ctx, id)
	s.shift(-s.ahead, &r.CreatedAt, &r.LastUsedAt, &r.RotatedAt, &r.GraceUntil, &r.IdleUntil, &r.ExpiresAt)
	return r, err
}

func (s skewedStore) UpdateSession(ctx context.Context, u auth.SessionUpdate) error {
	s.shift(s.ahead, &u.At)
	if u.Rotation != nil {
		r := *u.Rotation
		s.shift(s.ahead, &r.GraceUntil, &r.IdleUntil)
		u.Rotation = &r
	}
	return s.MemoryStore.UpdateSession(ctx, u)
}

// slowIssuer takes long to sign now and then.
type slowIssuer struct{ auth.TokenIssuer }

func (i slowIssuer) Issue(ctx context.Context, s auth.Subject) (auth.IssuedToken, error) {
	if rand.IntN(200) == 0 {
		time.Sleep(time.Minute)
	}
	return i.TokenIssuer.Issue(ctx, s)
}

// Five tabs share one refresh token for thirty days, over two replicas whose clocks are
// five seconds apart and a key that takes a minute to sign now and then. A request takes
// up to ten seconds, as an answer does; one answer in ten is lost, and asked for again
// after a second to eight hours. Nobody is logged out.
func TestFiveTabsForAMonth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, issuer := auth.NewMemoryStore(), slowIssuer{newIssuer(t, auth.JWTConfig{})}
		var replicas []*auth.Authenticator
		kinds := map[string]int{}
		var mu sync.Mutex
		for _, ahead := range []time.Duration{0, 5 * time.Second} {
			a, err := auth.New(store, issuer, auth.Options{
				Hasher:   authtest.Hasher{},
				Sessions: auth.SessionConfig{Store: skewedStore{store, ahead}, AbsoluteTTL: 60 * 24 * time.Hour},
				Events: func(_ context.Context, e auth.Event) {
					mu.Lock()
					defer mu.Unlock()
					kinds[e.Kind]++
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			replicas = append(replicas, a)
		}
		kept := register(t, replicas[0]).Tokens.Refresh // what the tabs share
		end := time.Now().Add(30 * 24 * time.Hour)
		upTo := func(d time.Duration) { time.Sleep(rand.N(d)) }
		var tabs sync.WaitGroup
		for range 5 {
			tabs.Go(func() {
				for time.Now().Before(end) {
					switch rand.IntN(10) {
					case 0:
						upTo(12 * time.Hour) // the lid is closed
					case 1: // the page is loaded again
						upTo(time.Second)
					default:
						time.Sleep(15 * time.Minute) // all at once
					}
					for {
						mu.Lock()
						sent := kept
						mu.Unlock()
						began := time.Now()
						upTo(10 * time.Second)
						result, err := replicas[rand.IntN(2)].Refresh(t.Context(), auth.Renewal{Token: sent})
						upTo(10 * time.Second)
						lost := rand.IntN(10) == 0 || time.Since(began) > 30*time.Second // it has given up
						mu.Lock()
						overtaken := kept != sent
						if err == nil && !lost && !overtaken {
							kept = result.Tokens.Refresh
						}
						mu.Unlock()
						switch {
						case lost:
							time.Sleep(time.Second << rand.IntN(15))
						case err == nil:
						case errors.Is(err, auth.ErrUnavailable), overtaken: // compares, and tries again
							time.Sleep(time.Second)
						default:
							t.Errorf("a client is logged out: %v", err)
							return
						}
						if err == nil && !lost {
							break
						}
					}
				}
			})
		}
		tabs.Wait()
		if kinds["refreshed"] < 3000 || kinds["refresh_repeated"] == 0 || kinds["session_replayed"] > 0 {
			t.Errorf("events %v", kinds)
		}
		t.Logf("events %v", kinds)
	})
}
