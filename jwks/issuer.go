package jwks

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/seed89488a0c/auth/internal/token"
)

// How often the issuer is asked, and for how long it may take.
const (
	defaultMaxAge = 5 * time.Minute
	minMaxAge     = time.Second
	maxMaxAge     = 24 * time.Hour

	// askInterval is how often an unknown key ID is reason to ask, at most.
	askInterval = 10 * time.Second

	minDelay = time.Second // after a fetch that failed
	maxDelay = time.Minute

	fetchTimeout = 5 * time.Second

	// A call that could go on with the keys there are waits less for it.
	refreshWait = 2 * time.Second
)

// issuer is one issuer and its keys of the moment.
type issuer struct {
	config Config
	origin *origin
	parser *token.Parser
	state  atomic.Pointer[state] // never nil; stored by whose turn it is
	turn   chan struct{}         // of one: taken while fetching, until the state is stored
}

// state is what is known of an issuer's keys. It is immutable. Its times are
// from time.Now as they are, with a monotonic reading: nothing changes when
// somebody sets the clock.
type state struct {
	document
	at      time.Time     // when the request was sent that confirmed the keys
	refresh time.Time     // from then on they should be confirmed again
	ask     time.Time     // nobody asks before, whatever the token
	delay   time.Duration // that was added after the last fetch that failed
	err     error         // of the last fetch; nil: it was good
}

// usable returns the keys that tokens may be verified with; nil: there are none.
func (i *issuer) usable(s *state) *token.Set {
	if s.set == nil || time.Since(s.at) >= i.config.StaleLimit {
		return nil
	}
	return s.set
}

// verify returns who a token of this issuer speaks for. Without keys all tokens
// have an unknown one, but for those that no key would make good.
func (i *issuer) verify(ctx context.Context, text string) (Identity, error) {
	s := i.state.Load()
	id, err := i.parser.Parse(i.usable(s), text, time.Now())
	// Only what would be accepted refreshes, and waits for it: nobody else needs to.
	if err == nil && !time.Now().Before(s.refresh) {
		s = i.refresh(ctx)
		id, err = i.parser.Parse(i.usable(s), text, time.Now())
	}
	if !isUnknownKey(err) {
		return id, err
	}
	s, failed := i.newer(ctx, s)
	id, err = i.parser.Parse(i.usable(s), text, time.Now())
	if isUnknownKey(err) && failed != nil {
		return Identity{}, failed // the key may be the one that could not be fetched
	}
	return id, err
}

func isUnknownKey(err error) bool {
	e, ok := errors.AsType[*TokenError](err)
	return ok && e.Reason == token.ReasonUnknownKey
}

// refresh confirms keys that serve, unless somebody else is about to, and
// returns the latest state.
func (i *issuer) refresh(ctx context.Context) *state {
	ctx, cancel := context.WithTimeout(ctx, refreshWait)
	defer cancel()
	select {
	case i.turn <- struct{}{}:
	default:
		return i.state.Load()
	}
	s := i.state.Load()
	if ctx.Err() != nil || time.Now().Before(s.refresh) { // somebody has just done it
		i.done()
		return s
	}
	s, _ = i.fetch(ctx, s)
	return s
}

// newer returns a later state than the one that has not been enough, if it is
// time for one, and the error of the fetch that should have made it. Of many
// calls one fetches, and the others wait for it.
func (i *issuer) newer(ctx context.Context, known *state) (*state, error) {
	// Nobody is fetching before it is time: no need to wait for a turn.
	if s := i.state.Load(); time.Now().Before(s.ask) {
		return s, s.err
	}
	select {
	case i.turn <- struct{}{}:
	case <-ctx.Done():
		return i.left(ctx)
	}
	s := i.state.Load()
	switch {
	case s.at.After(known.at) || time.Now().Before(s.ask):
		i.done()
		return s, s.err
	case ctx.Err() != nil: // it was its turn all the same
		i.done()
		return i.left(ctx)
	}
	return i.fetch(ctx, s)
}

// renew fetches keys whatever there is, unless somebody has asked for them since it
// was called, and returns the error of the fetch.
func (i *issuer) renew(ctx context.Context) error {
	called := time.Now()
	select {
	case i.turn <- struct{}{}:
	case <-ctx.Done():
		_, err := i.left(ctx)
		return err
	}
	s := i.state.Load()
	if s.at.After(called) && s.err == nil {
		i.done()
		return nil
	}
	if ctx.Err() != nil {
		i.done()
		_, err := i.left(ctx)
		return err
	}
	_, err := i.fetch(ctx, s)
	return err
}

func (i *issuer) done() { <-i.turn }

// left is what a call has that waits no longer.
func (i *issuer) left(ctx context.Context) (*state, error) {
	return i.state.Load(), &FetchError{i.config.Issuer, "context", ctx.Err()}
}

// fetch asks the issuer for its keys, and returns what is known then, or when ctx
// ends. It is for whose turn it is, and passes the turn on.
//
// The fetch itself does not end with ctx. If it did, whoever hangs up in the
// middle of it would decide that it failed: anybody could then keep the keys
// from being refreshed, or have the issuer asked without end.
func (i *issuer) fetch(ctx context.Context, s *state) (*state, error) {
	ended := make(chan *state, 1)
	go func() {
		ctx := context.WithoutCancel(ctx)
		next, passed := i.after(ctx, s)
		i.state.Store(next)
		i.done() // before OnError, which may call the Verifier
		defer func() {
			recover() // of OnError: it would end the process
			ended <- next
		}()
		for _, p := range passed {
			i.config.OnError(ctx, &KeyError{Issuer: i.config.Issuer, KeyID: p.ID, Code: p.Code})
		}
		if next.err != nil {
			i.config.OnError(ctx, next.err)
		}
	}()
	select {
	case s = <-ended:
		return s, s.err
	case <-ctx.Done():
		return i.left(ctx)
	}
}

// after returns the state that follows, by asking the issuer, and which keys of the
// answer are of no use, unless it is the same as before.
func (i *issuer) after(ctx context.Context, s *state) (*state, []token.Passed) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	start := time.Now()
	d, maxAge, code := i.origin.get(ctx, &s.document)
	passed := d.passed
	d.passed = nil
	if code == "" {
		maxAge = min(max(maxAge, minMaxAge), i.config.StaleLimit/2)
		return &state{document: d, at: start, refresh: start.Add(maxAge), ask: start.Add(min(maxAge, askInterval))}, passed
	}
	next := *s
	next.err = &FetchError{Issuer: i.config.Issuer, Code: code}
	next.etag = "" // it may be what the issuer cannot take
	if code == codeEmpty {
		next.document = document{}
	}
	next.delay = minDelay
	if i.usable(&next) != nil {
		next.delay = min(max(2*s.delay, minDelay), maxDelay)
	}
	next.ask = time.Now().Add(next.delay)
	if next.ask.After(next.refresh) { // keys that are fresh stay so
		next.refresh = next.ask
	}
	return &next, passed
}
