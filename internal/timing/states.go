package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authhttp"
	"github.com/seed89488a0c/auth/internal/throttle"
)

// state is how often logins at an account have failed, from other networks, before one is
// asked for.
type state struct {
	name     string
	failures int
	status   int  // of the answer
	counts   bool // a login counts its failure, so what has failed is set before each
	renewed  bool // each login is the first of its process, which remembers no refusal and holds none back
	refused  bool // the same has been refused a moment ago, which is remembered, so that no store is asked
	classes  []class
	controls []class // what must not pass
}

// From 57 failures on strangers wait for an hour; from 80 on they are stopped.
var (
	clean = state{name: "clean", status: http.StatusUnauthorized, counts: true, classes: classes, controls: []class{noDecoy, longer}}

	throttled = []state{
		{name: "counted in advance", failures: 4, status: http.StatusUnauthorized, counts: true, classes: classes[1:3], controls: []class{noDecoy, longer}},
		{name: "slowed", failures: 60, status: http.StatusTooManyRequests, renewed: true, classes: classes[1:2], controls: []class{notThrottled, longer}},
		{name: "slowed, remembered", failures: 60, status: http.StatusTooManyRequests, renewed: true, refused: true, classes: classes[1:2], controls: []class{notThrottled, longer}},
		{name: "stopped", failures: 80, status: http.StatusTooManyRequests, renewed: true, classes: classes[1:2], controls: []class{notThrottled, longer}},
	}
)

// clientAddress is that of everybody who asks.
var clientAddress = netip.MustParseAddr("127.0.0.1")

// process is the one that is asked. Its Authenticator can be replaced by a new one over the
// same store.
type process struct {
	store   usersAndSessions
	renew   func() (*auth.Authenticator, error)
	current *auth.Authenticator
	login   http.Handler // of current; nobody asks while it is replaced
}

func (p *process) begin() (err error) {
	if p.current, err = p.renew(); err == nil {
		p.login = authhttp.Login(p.current)
	}
	return err
}

// enter has the state for all addresses, in a new process.
func (p *process) enter(ctx context.Context, s state) error {
	for _, email := range []string{known, neighbour, unknown, disabled, noPassword, unreadable, often} {
		if err := p.count(ctx, email, s.failures); err != nil {
			return err
		}
	}
	return p.begin()
}

// before has the state for an address that is about to be asked for.
func (p *process) before(ctx context.Context, s state, c class) error {
	if c.forgotten {
		s = state{renewed: s.renewed}
		if err := p.count(ctx, c.email, 0); err != nil {
			return err
		}
	}
	if s.counts {
		return p.count(ctx, c.email, s.failures)
	}
	if s.renewed {
		if err := p.begin(); err != nil {
			return err
		}
	}
	if s.refused {
		client := auth.Client{Address: clientAddress}
		_, err := p.current.Login(ctx, auth.Credentials{Email: c.email, Password: auth.NewPassword(c.password), Client: client})
		if !errors.Is(err, auth.ErrTooManyAttempts) {
			return fmt.Errorf("%s: %s: %w", s.name, c.name, err)
		}
	}
	return nil
}

// count has so many failures at an account, and none of the client's network.
func (p *process) count(ctx context.Context, email string, failures int) error {
	keys, err := countersOf(ctx, email)
	if err != nil {
		return err
	}
	if _, err := p.store.DeleteAttempts(ctx, auth.AttemptFilter{Keys: keys}); err != nil {
		return err
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	for range failures {
		one := auth.AttemptRecord{Key: keys[0], At: now, ExpiresAt: now.Add(24 * time.Hour)}
		if err := p.store.CountAttempts(ctx, now, []auth.AttemptRecord{one}); err != nil {
			return err
		}
	}
	return nil
}

// countersOf returns the keys of all that a failure counts, of the account first.
func countersOf(ctx context.Context, email string) (keys [][32]byte, err error) {
	limiter, err := throttle.New(throttle.Config{Keys: throttle.NewKeys(nil)})
	if err != nil {
		return nil, err
	}
	asked := errors.New("asked")
	_, err = limiter.Begin(ctx, throttle.Try{Account: email, Address: clientAddress}, func(_ context.Context, all [][32]byte) ([]auth.AttemptRecord, error) {
		keys = all
		return nil, asked
	})
	if err != asked {
		return nil, fmt.Errorf("the keys of %s: %w", email, err)
	}
	return keys, nil
}
