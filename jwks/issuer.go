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

	// A call that could go on with the keys there are waits less.
	refreshTimeout = 2 * time.Second
	fetchTimeout   = 5 * time.Second
)

// issuer is one issuer and its keys of the moment.
type issuer struct {
	config Config
	origin *origin
	parser *token.Parser
	state  atomic.Pointer[state] // never nil; stored by whose turn it is
	turn   chan struct{}         // of one: taken while fetching
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
	// Only what would be accepted refreshes: otherwise anybody could take the
	// turn, and hang up.
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
	select {
	case i.turn <- struct{}{}:
		defer i.done()
		s := i.state.Load()
		if time.Now().Before(s.refresh) {
			return s // somebody has just done it
		}
		s, _ = i.fetch(ctx, s, refreshTimeout)
		return s
	default:
		return i.state.Load()
	}
}

// newer returns a later state than the one that has not been enough, if it is
// time for one, and the error of the fetch that should have made it. Of many
// calls one fetches, and the others wait for it; if its context ends, the next
// one takes over.
func (i *issuer) newer(ctx context.Context, known *state) (*state, error) {
	// Nobody is fetching before it is time: no need to wait for a turn.
	if s := i.state.Load(); time.Now().Before(s.ask) {
		return s, s.err
	}
	select {
	case i.turn <- struct{}{}:
		defer i.done()
	case <-ctx.Done():
		return i.state.Load(), i.fails("context", ctx.Err())
	}
	s := i.state.Load()
	if s.at.After(known.at) || time.Now().Before(s.ask) {
		return s, s.err
	}
	return i.fetch(ctx, s, fetchTimeout)
}

func (i *issuer) done() { <-i.turn }

// fetch asks the issuer for its keys, and returns and stores what is known then.
// It is for whose turn it is.
func (i *issuer) fetch(ctx context.Context, s *state, timeout time.Duration) (*state, error) {
	next := *s
	start := time.Now()
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	d, maxAge, code := i.origin.get(limited, &s.document)
	if code == "" {
		maxAge = min(max(maxAge, minMaxAge), i.config.StaleLimit/2)
		next = state{document: d, at: start, refresh: start.Add(maxAge), ask: start.Add(min(maxAge, askInterval))}
		i.state.Store(&next)
		return &next, nil
	}
	err := i.fails(code, ctx.Err())
	next.delay = minDelay
	if i.usable(s) != nil {
		next.delay = min(max(2*s.delay, minDelay), maxDelay)
	}
	again := time.Now().Add(next.delay)
	if again.After(next.refresh) { // keys that are fresh stay so
		next.refresh = again
	}
	if ctx.Err() == nil { // otherwise it says nothing about the issuer
		next.ask, next.err = again, err
	}
	i.state.Store(&next)
	if i.config.Failed != nil {
		i.config.Failed(ctx, err)
	}
	return &next, err
}

// fails returns the error of a fetch, given that of the caller's context.
func (i *issuer) fails(code string, cause error) error {
	if cause != nil {
		code = "context"
	}
	return &FetchError{Issuer: i.config.Issuer, Code: code, Context: cause}
}
