package main

import (
	"context"
	"errors"
	"math"
	"net"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authhttp"
)

const (
	budget   = 512 << 20
	email    = "user@example.com"
	password = "correct horse battery staple"
)

var argon2id = auth.Argon2id{Time: 1, MemoryKiB: 64 << 10, Threads: 1}

// row is what was measured of a setting. Counts and times are of all storms
// but the one beside the tokens.
type row struct {
	setting
	AtOnce   int           // hashes, at most
	Answered int           // per storm: the password is right, or it is not
	Refused  int           // per storm: overloaded
	Failed   int           // any other error
	Growth   int64         // bytes that memory rose by, at most
	PerSec   float64       // hashes, the median of rounds
	OfLoop   float64       // the same beside a plain loop's, the median of rounds
	P50, P99 time.Duration // of logins that were answered
	Late     time.Duration // how far beyond its deadline the last one ended, 0 or more
	Slowest  time.Duration // hash
	Alone    tokenTimes
	Beside   tokenTimes
}

// measure measures one row in this process.
func measure(s setting) (row, error) {
	hasher := &recorder{Argon2id: argon2id}
	a, token, hash, err := build(s, hasher)
	if err != nil {
		return row{}, err
	}
	url, stop, err := serve(a)
	if err != nil {
		return row{}, err
	}
	defer stop()

	login := logins(a)
	if s.AtNew == 0 {
		login = func(ctx context.Context, _ int) error {
			_, err := hasher.Verify(ctx, hash, auth.NewPassword(password))
			return err
		}
	}
	r := row{setting: s}
	if r.Alone, err = askBeside(url, token, func() { time.Sleep(s.Idle) }); err != nil {
		return row{}, err
	}
	// Memory is measured first, from cold. That costs the storm the page faults
	// of all it touches, so that its rate would say little.
	if r.Growth, err = growth(func() { runStorm(s.Logins, s.Deadline, login) }); err != nil {
		return row{}, err
	}
	var answered, refused int
	var took []time.Duration
	var perSec, ofLoop []float64
	for range s.Rounds {
		// Half of the loop before and half after: a machine that slows down or
		// speeds up meanwhile does so for both.
		before, err := plainLoop(s.Loop/2, hash)
		if err != nil {
			return row{}, err
		}
		one := runStorm(s.Logins, s.Deadline, login)
		after, err := plainLoop(s.Loop/2, hash)
		if err != nil {
			return row{}, err
		}
		plain := (before + after) / 2
		answered, refused, r.Failed = answered+len(one.answered), refused+one.refused, r.Failed+one.failed
		took = append(took, one.answered...)
		r.Late = max(r.Late, one.longest-s.Deadline)
		perSec, ofLoop = append(perSec, one.perSec()), append(ofLoop, one.perSec()/plain)
	}
	r.AtOnce, r.Slowest = hasher.most, hasher.slowest
	r.Answered, r.Refused = answered/s.Rounds, refused/s.Rounds
	r.PerSec, r.OfLoop = quantile(perSec, 0.5), quantile(ofLoop, 0.5)
	r.P50, r.P99 = quantile(took, 0.5), quantile(took, 0.99)
	r.Beside, err = askBeside(url, token, func() {
		time.Sleep(100 * time.Millisecond) // for the client to start
		runStorm(s.Logins, s.Deadline, login)
	})
	return r, err
}

// build returns an Authenticator with one user, a token and the hash of that user.
func build(s setting, hasher auth.Hasher) (_ *auth.Authenticator, token, hash string, _ error) {
	issuer, err := auth.NewJWTIssuer(auth.JWTConfig{
		Issuer:   "storm",
		Audience: "storm",
		Keys:     []auth.Key{auth.GenerateKey()},
		TTL:      time.Hour,
	})
	if err != nil {
		return nil, "", "", err
	}
	store := auth.NewMemoryStore()
	if s.AtNew > 0 {
		runtime.GOMAXPROCS(s.AtNew)
		defer runtime.GOMAXPROCS(s.Procs)
	}
	// All log in to a few accounts, where a throttle lets in a few at once.
	a, err := auth.New(store, issuer, auth.Options{Hasher: hasher, HashMemory: budget, Throttle: auth.Throttle{InsecureOff: true}})
	if err != nil {
		return nil, "", "", err
	}
	ctx := context.Background()
	result, err := a.Register(ctx, auth.Registration{Email: email, Password: auth.NewPassword(password)})
	if err != nil {
		return nil, "", "", err
	}
	record, err := store.UserByID(ctx, result.User.ID)
	return a, result.Tokens.Access, record.PasswordHash, err
}

// serve answers requests with a token on a port of its own.
func serve(a *auth.Authenticator) (url string, stop func(), _ error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{
		ReadHeaderTimeout: time.Minute,
		Handler: authhttp.Require(a)(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNoContent)
		})),
	}
	go server.Serve(listener) // until it is closed
	return "http://" + listener.Addr().String(), func() { server.Close() }, nil
}

// logins returns a login of right and wrong passwords and of nobody, in turns.
func logins(a *auth.Authenticator) func(context.Context, int) error {
	credentials := [...]auth.Credentials{
		{Email: email, Password: auth.NewPassword(password)},
		{Email: email, Password: auth.NewPassword("wrong")},
		{Email: "nobody@example.com", Password: auth.NewPassword("wrong")},
	}
	return func(ctx context.Context, i int) error {
		_, err := a.Login(ctx, credentials[i%len(credentials)])
		if errors.Is(err, auth.ErrInvalidCredentials) {
			return nil
		}
		return err
	}
}

// storm is what became of logins that came at once.
type storm struct {
	answered        []time.Duration // how long each took
	refused, failed int
	longest         time.Duration
}

// perSec returns the rate of logins that were answered.
func (s storm) perSec() float64 {
	if len(s.answered) == 0 {
		return 0
	}
	return float64(len(s.answered)) / slices.Max(s.answered).Seconds()
}

// runStorm calls login n times at once.
func runStorm(n int, deadline time.Duration, login func(context.Context, int) error) storm {
	var (
		all   sync.WaitGroup
		mu    sync.Mutex
		s     storm
		start = make(chan struct{})
		begin time.Time // of all: who is late to start has waited
	)
	for i := range n {
		all.Go(func() {
			<-start
			ctx, cancel := context.WithDeadline(context.Background(), begin.Add(deadline))
			defer cancel()
			err := login(ctx, i)
			took := time.Since(begin)
			mu.Lock()
			defer mu.Unlock()
			s.longest = max(s.longest, took)
			switch {
			case err == nil:
				s.answered = append(s.answered, took)
			case errors.Is(err, auth.ErrOverloaded):
				s.refused++
			default:
				s.failed++
			}
		})
	}
	begin = time.Now()
	close(start)
	all.Wait()
	return s
}

// plainLoop verifies one hash after another on every core and returns the rate.
func plainLoop(howLong time.Duration, hash string) (perSec float64, err error) {
	var (
		all   sync.WaitGroup
		done  atomic.Int64
		errs  = make([]error, runtime.NumCPU())
		start = time.Now()
	)
	for i := range errs {
		all.Go(func() {
			for first := true; first || errs[i] == nil && time.Since(start) < howLong; first = false {
				_, errs[i] = argon2id.Verify(context.Background(), hash, auth.NewPassword(password))
				done.Add(1)
			}
		})
	}
	all.Wait()
	return float64(done.Load()) / time.Since(start).Seconds(), errors.Join(errs...)
}

// recorder knows how many hashes ran at once, and how long the slowest took.
type recorder struct {
	auth.Argon2id

	mu            sync.Mutex
	running, most int
	slowest       time.Duration
}

func (r *recorder) Verify(ctx context.Context, encoded string, p auth.Password) (bool, error) {
	r.mu.Lock()
	r.running++
	r.most = max(r.most, r.running)
	r.mu.Unlock()
	start := time.Now()
	match, err := r.Argon2id.Verify(ctx, encoded, p)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running--
	r.slowest = max(r.slowest, time.Since(start))
	return match, err
}

// quantile returns the value below which a share q of all lie (nearest rank).
func quantile[T int | float64 | time.Duration](values []T, q float64) T {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[max(0, int(math.Ceil(q*float64(len(sorted))))-1)]
}
