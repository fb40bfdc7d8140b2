package throttle

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/seed89488a0c/auth/internal/hashgate"
	"github.com/seed89488a0c/auth/internal/recent"
	"github.com/seed89488a0c/auth/internal/row"
)

// Config says what limits there are; of each 0 is the default.
type Config struct {
	Store         row.AttemptStore
	Keys          Keys
	PerNetwork    int // failures of strangers of one network at one account, 3 to 10
	Spraying      int // of one network at any accounts, in ten minutes, 10 to 1000
	Registrations int // of one network in an hour, 10 to 10,000
}

// Limiter lets tries in and counts them. A nil Limiter limits nothing. It is safe for
// concurrent use.
type Limiter struct {
	Config
	spraying, registering bucket
	lanes                 lanes
	refused               refused
	pace                  pace

	// uncounted says that a failure could not be counted: then each try is counted before
	// its outcome is known, until the store counts again. Else passwords could be tried for
	// as long as it only reads.
	uncounted atomic.Bool

	// repeated is what each known client tried last: digests under a key of this process.
	repeated  *recent.Table[[sha256.Size]byte]
	repeatKey func() []byte // in a closure, which printers do not print
}

// New returns a limiter, or says all that is wrong with c.
func New(c Config) (*Limiter, error) {
	var wrong []error
	for _, n := range []struct {
		name        string
		value       *int
		byDefault   int
		least, most int
	}{
		{"PerNetwork", &c.PerNetwork, 10, 3, 10},
		{"Spraying", &c.Spraying, 100, 10, 1000},
		{"Registrations", &c.Registrations, 300, 10, 10_000},
	} {
		if *n.value = cmp.Or(*n.value, n.byDefault); *n.value < n.least || *n.value > n.most {
			wrong = append(wrong, fmt.Errorf("auth: Options: Throttle: %s is not %d to %d", n.name, n.least, n.most))
		}
	}
	if len(wrong) > 0 {
		return nil, errors.Join(wrong...)
	}
	key := make([]byte, sha256.Size)
	rand.Read(key) // never fails
	return &Limiter{
		Config:      c,
		spraying:    newBucket(c.Spraying, 10*time.Minute),
		registering: newBucket(c.Registrations, time.Hour),
		repeated:    recent.New[[sha256.Size]byte](1024),
		repeatKey:   func() []byte { return key },
	}, nil
}

// paced returns an error when it is time to answer it, where it is a refusal, with the wait
// that is left then.
func (l *Limiter) paced(ctx context.Context, network row.AttemptKey, err error) error {
	refused, ok := errors.AsType[*Error](err)
	if !ok {
		return err
	}
	began := time.Now()
	if l.pace.wait(ctx, network); refused.wait > 0 {
		return verdict{wait: max(1, refused.wait-time.Since(began))}.refusal()
	}
	return err
}

func (v verdict) refusal() *Error {
	if v.stopped {
		return &Error{Stopped: true}
	}
	return &Error{After: (v.wait + time.Second - 1).Truncate(time.Second), wait: v.wait}
}

// Try is a password that somebody has entered.
type Try struct {
	Account  string // what was typed, as a key
	Address  netip.Addr
	Own      string    // the known device, or the session; "" = a stranger
	OwnUntil time.Time // until when it is one
	Ends     bool      // Own is over when it is spent, and its user no stranger then: [ErrSpent]
	Password string

	// Suspect is asked about a stranger's try that the account is no reason to refuse; nil =
	// not asked. The network is none either of whom it knows to be human. Its error is
	// Begin's.
	Suspect func(State) (human bool, err error)
}

// ErrSpent says that too many tries of what ends then have failed.
var ErrSpent = errors.New("throttle: spent")

// Read reads counters.
type Read func(context.Context, []row.AttemptKey) ([]row.AttemptRecord, error)

// Begin lets a try in, when it is its turn, or says why not: a [*Error], the error of
// hashgate where it had to wait, one of Suspect, one of the store, or
// that of read, with which the counters are read for the first time.
func (l *Limiter) Begin(ctx context.Context, t Try, read Read) (_ *Pass, err error) {
	if l == nil || t.Account == "" {
		_, err := read(ctx, nil)
		return &Pass{stranger: t.Own == ""}, err
	}
	p := l.newPass(t)
	if !p.stranger && !p.ends && l.refused.of(p.own.Key, now()).refuses() {
		p.stranger, p.repeat = true, false // it was found to be spent a moment ago
	}
	unknown, err := l.enter(ctx, p, t, read)
	if err == nil && unknown {
		_, err = l.enter(ctx, p, t, read) // among strangers
	}
	if err != nil {
		return nil, l.paced(ctx, cmp.Or(p.network.Key, p.account.Key), err)
	}
	return p, nil
}

// enter has a try wait for its turn, and lets it in or says why not. It may turn out to be a
// stranger's, and is then not in yet.
func (l *Limiter) enter(ctx context.Context, p *Pass, t Try, read Read) (unknown bool, err error) {
	if err := l.remembers(p); err != nil {
		return false, err
	}
	lane := laneKey{[16]byte(p.account.Key[:16]), !p.stranger}
	if p.leave, err = l.lanes.enter(ctx, lane, hashgate.Stranger(t.Address, t.Own)); err != nil {
		return false, err
	}
	in := false
	defer func() {
		if !in { // also where a function of the service panics
			p.Leave()
		}
	}()
	if err := l.remembers(p); err != nil { // by who was let in before
		return false, err
	}
	records, err := read(ctx, p.keys())
	if err != nil {
		return false, err
	}
	if unknown = p.take(records, now()); unknown && p.ends {
		return true, ErrSpent
	} else if unknown {
		l.refused.put(p.own.Key, verdict{stopped: true}, now()) // as a known client
		return true, nil
	}
	if err := l.admit(ctx, p); err != nil {
		return false, err
	}
	in = true
	return false, nil
}

// remembers returns a refusal of a moment ago.
func (l *Limiter) remembers(p *Pass) error {
	v := l.refused.of(p.everybodyKey(), now())
	if p.stranger {
		v = worse(v, l.refused.of(p.strangerKey(), now()))
	}
	if v.refuses() {
		return v.refusal()
	}
	return nil
}

// reserveTries is how often a try is counted in advance that others are counting at the same
// moment.
const reserveTries = 4

// admit decides about a try whose counters were read, and counts it in advance where that
// is due. Whoever loses against another reads again.
func (l *Limiter) admit(ctx context.Context, p *Pass) error {
	for try := range reserveTries {
		now := now()
		if try > 0 {
			records, err := l.Store.Attempts(ctx, p.keys())
			if err != nil {
				return err
			}
			if p.take(records, now) && p.ends {
				return ErrSpent
			}
		}
		if v := p.decide(now); v.refuses() {
			return v.refusal()
		}
		if try == 0 && p.stranger && p.suspect != nil {
			var err error
			if p.human, err = p.suspect(State{Failures: int(p.account.Count), NetworkSlowed: p.slowed(now).refuses()}); err != nil {
				return err
			}
		}
		if v := p.slowed(now); v.refuses() && p.stranger && !p.human {
			return v.refusal()
		}
		err := l.reserve(ctx, p, now)
		if err == nil {
			return nil
		}
		if p.Return(ctx); !errors.Is(err, row.ErrConflict) {
			return err
		}
	}
	return verdict{wait: time.Second}.refusal()
}

// reserve counts a try in advance where that is due: also of a caller who has gone meanwhile,
// since the store may have counted it, and only who knows that can take it back.
func (l *Limiter) reserve(ctx context.Context, p *Pass, now time.Time) error {
	ctx, cancel := settled(ctx)
	defer cancel()
	count := func(c row.AttemptRecord, excluding bool) error {
		r := row.AttemptReservation{Now: now, Before: c}
		r.AttemptRecord = row.AttemptRecord{Key: c.Key, At: now, ExpiresAt: now.Add(accountLife)}
		var err error
		if excluding {
			err = l.Store.ReserveAttempt(ctx, r)
		} else {
			err = l.Store.CountAttempts(ctx, now, []row.AttemptRecord{r.AttemptRecord})
			l.uncounted.CompareAndSwap(true, err != nil)
		}
		if err == nil {
			p.reserved = append(p.reserved, r)
		}
		return err
	}
	for i, c := range p.pairs { // the one try of a day is one, in however many processes
		if p.stranger && c.Count >= p.rules[i].stopFrom {
			if err := count(c, true); err != nil {
				return err
			}
		}
	}
	due := p.account.Count >= reserveFrom && !p.repeat
	if !due && !l.uncounted.Load() {
		return nil
	}
	// Nobody excludes a known client while there are strangers.
	return count(p.account, due && (p.stranger || p.account.Count >= stopStrangers))
}

func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
