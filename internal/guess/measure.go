package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed89488a0c/auth"
)

const password = "correct horse battery staple"

// row is what was measured of users beside something.
type row struct {
	Store, Beside string
	users         *answers
	others        *answers // nil: there were none
	quiet         *answers // users alone
	checked       int64    // passwords
	minRate       float64  // of the quiet one, of users who are let in
	maxP99        float64  // of the quiet one; 0 = any
	minLimited    float64  // of the others
}

// wasted is how many passwords were checked of logins that were not told what came of it.
func (r row) wasted() int64 {
	told := int64(r.users.OK + r.users.Wrong)
	if r.others != nil {
		told += int64(r.others.OK + r.others.Wrong)
	}
	return r.checked - told
}

func (r row) rate() float64 { return float64(r.users.OK) / float64(r.users.Sent) * r.users.PerSec }

func (r row) ofQuiet() float64 {
	q := row{users: r.quiet}
	return r.rate() / q.rate()
}

func (r row) p99OfQuiet() float64 {
	return float64(r.users.quantile(0.99)) / float64(r.quiet.quantile(0.99))
}

// hashesPerSecond is what all cores hash.
func hashesPerSecond(howLong time.Duration) (float64, error) {
	ctx := context.Background()
	hash, err := auth.Argon2id{}.Hash(ctx, auth.NewPassword(password))
	if err != nil {
		return 0, err
	}
	var all sync.WaitGroup
	var done atomic.Int64
	errs := make([]error, runtime.NumCPU())
	start := time.Now()
	for i := range errs {
		all.Go(func() {
			for errs[i] == nil && time.Since(start) < howLong {
				_, errs[i] = auth.Argon2id{}.Verify(ctx, hash, auth.NewPassword(password))
				done.Add(1)
			}
		})
	}
	all.Wait()
	return float64(done.Load()) / time.Since(start).Seconds(), errors.Join(errs...)
}

// bench is what is measured over one store.
type bench struct {
	setting
	a, instant *auth.Authenticator
	hasher     *counter
	users      []auth.Credentials // with devices
	hash       string             // of the password
	serial     atomic.Int64
}

func userOf(i int) string       { return fmt.Sprintf("user%d@example.com", i) }
func accountOf(i int) string    { return fmt.Sprintf("account%d@example.com", i) }
func connectionOf(i int) string { return fmt.Sprintf("connection%d@example.com", i) }

func ipv4(a, b byte, n int) auth.Client {
	return auth.Client{Address: netip.AddrFrom4([4]byte{a, b, byte(n >> 8), byte(n)})}
}

func newBench(s setting, store auth.UserStore, counters auth.AttemptStore) (*bench, error) {
	ctx := context.Background()
	b := &bench{setting: s, hasher: &counter{}}
	issuer, err := auth.NewJWTIssuer(auth.JWTConfig{Issuer: "guess", Audience: "guess", Keys: []auth.Key{auth.GenerateKey()}})
	if err != nil {
		return nil, err
	}
	options := auth.Options{Hasher: b.hasher, Secrets: [][]byte{bytes.Repeat([]byte{0xFE}, 32)}, Throttle: auth.Throttle{Store: counters}}
	if b.a, err = auth.New(store, issuer, options); err != nil {
		return nil, err
	}
	options.Hasher = instant{}
	if b.instant, err = auth.New(store, issuer, options); err != nil {
		return nil, err
	}
	if b.hash, err = b.hasher.Hash(ctx, auth.NewPassword(password)); err != nil {
		return nil, err
	}
	var emails []string
	for i := range s.Users {
		emails = append(emails, userOf(i))
	}
	for i := range s.Accounts / 2 { // nobody has the others
		emails = append(emails, accountOf(i))
	}
	for i := range s.Connections {
		emails = append(emails, connectionOf(i))
	}
	for _, email := range emails {
		if _, err := b.a.Import(ctx, auth.UserRecord{User: auth.User{Email: email}, PasswordHash: b.hash}); err != nil {
			return nil, err
		}
	}
	for i := range s.Users {
		c := auth.Credentials{Email: userOf(i), Password: auth.NewPassword(password), Client: ipv4(192, 0, i)}
		result, err := b.a.Login(ctx, c)
		if err != nil {
			return nil, err
		}
		c.Device = result.Tokens.Device
		b.users = append(b.users, c)
	}
	return b, nil
}

// guess is one of the storm.
func (b *bench) guess(a *auth.Authenticator, client auth.Client, account int) error {
	_, err := a.Login(context.Background(), auth.Credentials{
		Email: accountOf(account), Password: auth.NewPassword(fmt.Sprint("wrong ", b.serial.Add(1))), Client: client,
	})
	return err
}

// slow has strangers wait at each account.
func (b *bench) slow() error {
	var all sync.WaitGroup
	errs := make([]error, 8)
	for w := range errs {
		all.Go(func() {
			for account := w; account < b.Accounts; account += len(errs) {
				for address := 0; ; address++ {
					err := b.guess(b.instant, ipv4(byte(120+address), 0, account), account)
					if errors.Is(err, auth.ErrTooManyAttempts) {
						break
					}
					if !errors.Is(err, auth.ErrInvalidCredentials) {
						errs[w] = errors.Join(err, errors.New("a guess was not answered as wrong"))
						return
					}
				}
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// measure measures the rows of one store.
func measure(name string, s setting, capacity float64, store auth.UserStore, counters auth.AttemptStore) ([]row, error) {
	ctx := context.Background()
	b, err := newBench(s, store, counters)
	if err != nil {
		return nil, err
	}
	rate := s.Load * capacity
	known := func(i int) error {
		_, err := b.a.Login(ctx, b.users[i%len(b.users)])
		return err
	}
	fresh := func(i int) error {
		c := b.users[i%len(b.users)]
		c.Device, c.Client = "", ipv4(byte(20+i%100), byte(i/100), 1)
		_, err := b.a.Login(ctx, c)
		return err
	}
	var rows []row
	add := func(r row, login func(int) error, beside func(f func()) *answers) *answers {
		r.Store = name
		before := b.hasher.checked.Load()
		others := beside(func() { r.users = steady(rate, s.For, login) })
		r.others, r.checked = others, b.hasher.checked.Load()-before
		if r.quiet == nil {
			r.quiet = r.users
		}
		rows = append(rows, r)
		return r.users
	}
	alone := func(f func()) *answers { f(); return nil }
	storm := func(f func()) (others *answers) {
		var all sync.WaitGroup
		all.Go(func() {
			others = steady(s.Guesses, s.For, func(int) error {
				return b.guess(b.a, ipv4(203, 0, rand.IntN(s.Addresses)), rand.IntN(s.Accounts))
			})
		})
		f()
		all.Wait()
		return others
	}
	quiet := add(row{Beside: "known devices alone"}, known, alone)
	add(row{Beside: "  a storm that begins", quiet: quiet, minRate: 0.8, maxP99: 3}, known, storm)
	if err := b.slow(); err != nil {
		return nil, err
	}
	add(row{Beside: "  where strangers wait", quiet: quiet, minRate: 0.8, maxP99: 3, minLimited: 0.5}, known, storm)

	one := func(login func(int) auth.Credentials) func(func()) *answers {
		return func(f func()) *answers {
			return connected(s.Connections, s.RoundTrip, func(i int) error {
				_, err := b.a.Login(ctx, login(i))
				return err
			}, f)
		}
	}
	quiet = add(row{Beside: "new clients alone"}, fresh, alone)
	add(row{Beside: "  one address, wrong", quiet: quiet, minRate: 0.95}, fresh, one(func(i int) auth.Credentials {
		return auth.Credentials{Email: accountOf(i % s.Accounts), Password: auth.NewPassword(fmt.Sprint("wrong ", b.serial.Add(1))), Client: ipv4(198, 51, 1)}
	}))
	add(row{Beside: "  one address, right", quiet: quiet, minRate: 0.95}, fresh, one(func(i int) auth.Credentials {
		return auth.Credentials{Email: connectionOf(i), Password: auth.NewPassword(password), Client: ipv4(198, 51, 2)}
	}))
	return rows, nil
}
