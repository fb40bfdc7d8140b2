package throttle

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"slices"
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

// Pass is a try that was let in. Whoever has it calls one of Failed, Succeeded and Return,
// and Leave, which may come first where it was no failure. The zero Pass is of a known client
// whom nothing limits.
type Pass struct {
	limiter  *Limiter
	leave    func()
	stranger bool
	ends     bool
	repeat   bool // a known client tries once more what was wrong already
	suspect  func(State) (bool, error)
	human    bool // by what it has said

	account, own row.AttemptRecord
	pairs        []row.AttemptRecord
	network      row.AttemptRecord // no key = the client has none
	rules        []rule            // of the pairs
	ownUntil     time.Time
	digest       [sha256.Size]byte // of the password, of a known client

	reserved []row.AttemptReservation
}

// Known reports whether the client is no stranger.
func (p *Pass) Known() bool { return !p.stranger }

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

func (l *Limiter) newPass(t Try) *Pass {
	half := l.Keys.account(t.Account)
	p := &Pass{limiter: l, stranger: t.Own == "", ends: t.Ends, suspect: t.Suspect, ownUntil: t.OwnUntil}
	p.account.Key = join(half, [16]byte{})
	in := networksOf(t.Address)
	add := func(network string, most int) {
		p.pairs = append(p.pairs, row.AttemptRecord{Key: l.Keys.part(half, "network", network)})
		p.rules = append(p.rules, pair(uint32(most)))
	}
	switch {
	case in.near != "":
		add(in.near, l.PerNetwork)
		add(in.far, 2*l.PerNetwork)
	case in.far != "":
		add(in.far, l.PerNetwork)
	}
	if in.far != "" {
		p.network.Key = l.Keys.whole("network", in.far)
	}
	if t.Own != "" {
		p.own.Key = l.Keys.part(half, "own", t.Own)
		h := hmac.New(sha256.New, l.repeatKey())
		h.Write([]byte(t.Password))
		h.Sum(p.digest[:0])
		p.repeat = l.repeated.Get(string(p.own.Key[:]), "") == p.digest
	}
	return p
}

// keys are of all that is read, whoever it is.
func (p *Pass) keys() []row.AttemptKey {
	keys := []row.AttemptKey{p.account.Key}
	for _, c := range append(p.pairs[:len(p.pairs):len(p.pairs)], p.network, p.own) {
		if c.Key != (row.AttemptKey{}) {
			keys = append(keys, c.Key)
		}
	}
	return keys
}

// take notes what was read. It reports whether a known client has turned out to be a
// stranger.
func (p *Pass) take(records []row.AttemptRecord, now time.Time) (stranger bool) {
	byKey := make(map[row.AttemptKey]row.AttemptRecord, len(records))
	for _, r := range records {
		byKey[r.Key] = live(r, now)
	}
	set := func(c *row.AttemptRecord) {
		key := c.Key
		*c = byKey[key]
		c.Key = key
	}
	set(&p.account)
	set(&p.own)
	set(&p.network)
	for i := range p.pairs {
		set(&p.pairs[i])
	}
	if !p.stranger && p.own.Count >= MostOwn {
		p.stranger, p.repeat = true, false
		return true
	}
	return false
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

// strangerKey is the key under which a refusal of strangers is remembered: the network at the
// account, or the account where there is no network. What is remembered is all that kept it out.
func (p *Pass) strangerKey() row.AttemptKey {
	if len(p.pairs) > 0 {
		return p.pairs[0].Key
	}
	return p.account.Key
}

// everybodyKey is the key under which a refusal of known clients too is remembered.
func (p *Pass) everybodyKey() row.AttemptKey {
	key := p.account.Key
	key[len(key)-1] = 1 // of no counter
	return key
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

// decide says what the counters do to a try, and remembers a refusal: whole, so that nobody is
// told a wait who is stopped.
func (p *Pass) decide(now time.Time) verdict {
	if p.account.Count >= stopEverybody {
		v := verdict{stopped: true}
		p.limiter.refused.put(p.everybodyKey(), v, now)
		return v
	}
	if !p.stranger {
		return verdict{}
	}
	v := account.strangers(p.account, now)
	for i, c := range p.pairs {
		v = worse(v, p.rules[i].strangers(c, now))
	}
	if p.suspect == nil || v.refuses() { // else Suspect is asked first
		v = worse(v, p.slowed(now))
	}
	if v.refuses() {
		p.limiter.refused.put(p.strangerKey(), v, now)
	}
	return v
}

// slowed says what the failures of the network at all accounts do to a stranger.
func (p *Pass) slowed(now time.Time) verdict {
	return verdict{wait: p.limiter.spraying.waits(p.network, now)}
}

// has reports whether a counter was counted in advance.
func (p *Pass) has(key row.AttemptKey) bool {
	return slices.ContainsFunc(p.reserved, func(r row.AttemptReservation) bool { return r.Key == key })
}

// Failed counts a wrong password, also if the caller has gone meanwhile. Beside an error it
// may not be counted.
func (p *Pass) Failed(ctx context.Context) ([]Change, error) {
	if p.limiter == nil || p.repeat && len(p.reserved) == 0 {
		return nil, nil
	}
	defer func() { p.reserved = nil }() // which was no reservation in vain
	l, now := p.limiter, now()
	var counts []row.AttemptRecord
	var changes []Change
	count := func(c row.AttemptRecord, expires time.Time, marks map[uint32]Change) {
		if !p.has(c.Key) {
			counts = append(counts, row.AttemptRecord{Key: c.Key, At: now, ExpiresAt: expires})
		}
		if change, ok := marks[c.Count+1]; ok {
			changes = append(changes, change)
		}
	}
	count(p.account, now.Add(accountLife), map[uint32]Change{slowStrangers: AccountSlowed, stopStrangers: AccountStopped, stopEverybody: AllStopped})
	if p.stranger {
		for i, c := range p.pairs {
			r := p.rules[i]
			count(c, now.Add(r.life), map[uint32]Change{r.slowFrom: PairSlowed, r.stopFrom: PairStopped})
		}
		if c := p.network; c.Key != (row.AttemptKey{}) {
			if c.At.Sub(now) < row.MaxAhead-longestWait { // more is as good as that
				counts = append(counts, l.spraying.count(c.Key, now))
			}
			c.At = c.At.Add(l.spraying.step)
			if p.slowed(now).wait == 0 && l.spraying.waits(c, now) > 0 {
				changes = append(changes, NetworkSlowed)
			}
		}
	} else {
		count(p.own, p.ownUntil, map[uint32]Change{MostOwn: OwnSpent})
	}
	ctx, cancel := settled(ctx)
	defer cancel()
	if err := l.Store.CountAttempts(ctx, now, counts); err != nil {
		l.uncounted.Store(true)
		return nil, err
	}
	if !p.stranger {
		own := string(p.own.Key[:])
		l.repeated.Put(own, "", p.digest, l.repeated.Moment(own, ""))
	}
	if p.ends && p.own.Count >= reserveFrom && !slices.Contains(changes, OwnSpent) {
		// Others may have failed at the same time, and this was the last.
		records, err := l.Store.Attempts(ctx, []row.AttemptKey{p.own.Key})
		if err != nil {
			return nil, err
		}
		if len(records) > 0 && records[0].Count >= MostOwn {
			changes = append(changes, OwnSpent)
		}
	}
	return changes, nil
}

// Succeeded forgets the failures of the account, and of this client at it. An error leaves
// them.
func (p *Pass) Succeeded(ctx context.Context) error {
	if p.limiter == nil {
		return nil
	}
	counters := append([]row.AttemptRecord{p.account, p.own}, p.pairs...)
	var keys []row.AttemptKey
	for _, c := range counters {
		if c.Count > 0 || p.has(c.Key) {
			keys = append(keys, c.Key)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	ctx, cancel := settled(ctx)
	defer cancel()
	_, err := p.limiter.Store.DeleteAttempts(ctx, row.AttemptFilter{Keys: keys})
	p.limiter.refused.forget([16]byte(p.account.Key[:16]))
	return err
}

// Return takes back what was counted in advance of a try whose outcome is none; of one that
// has failed it does nothing. Where the store fails it stays counted.
func (p *Pass) Return(ctx context.Context) {
	if len(p.reserved) == 0 {
		return
	}
	ctx, cancel := settled(ctx)
	defer cancel()
	for _, r := range p.reserved {
		_ = p.limiter.Store.ReturnAttempt(ctx, r)
	}
	p.reserved = nil
}

// Leave lets the next one try.
func (p *Pass) Leave() {
	if p.leave != nil {
		p.leave()
	}
}

// Register lets a registration in, and counts it. The error is a [*Error] or the store's.
// The function that is returned takes it back.
func (l *Limiter) Register(ctx context.Context, address netip.Addr) (back func(context.Context), err error) {
	in := networksOf(address)
	if l == nil || in.far == "" {
		return func(context.Context) {}, nil
	}
	now := now()
	key := l.Keys.whole("registrations", in.far)
	if v := l.refused.of(key, now); v.refuses() {
		return nil, l.paced(ctx, key, v.refusal())
	}
	settling, cancel := settled(ctx) // it is counted also of who has gone, and taken back
	defer cancel()
	r := row.AttemptReservation{AttemptRecord: l.registering.count(key, now), Now: now, NotAfter: now.Add(l.registering.room())}
	err = l.Store.ReserveAttempt(settling, r)
	if errors.Is(err, row.ErrConflict) {
		return nil, l.refuseRegistration(ctx, key, now)
	}
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) {
		ctx, cancel := settled(ctx)
		defer cancel()
		_ = l.Store.ReturnAttempt(ctx, r)
	}, nil
}

func (l *Limiter) refuseRegistration(ctx context.Context, key row.AttemptKey, now time.Time) error {
	records, err := l.Store.Attempts(ctx, []row.AttemptKey{key})
	if err != nil {
		return err
	}
	v := verdict{wait: time.Second} // where somebody else has just been let in, or out
	for _, c := range records {
		v.wait = max(v.wait, l.registering.waits(c, now))
	}
	l.refused.put(key, v, now)
	return v.refusal()
}

// State is that of an account.
type State struct {
	Failures   int           // one after another, whoever failed
	Wait       time.Duration // of strangers; 0 = they have none
	Stopped    bool          // strangers are
	AllStopped bool          // everybody is

	NetworkSlowed bool // strangers of the client's network are, where there is a client
}

// State returns that of an account. A nil Limiter knows nothing.
func (l *Limiter) State(ctx context.Context, typed string) (State, error) {
	if l == nil {
		return State{}, nil
	}
	key := join(l.Keys.account(typed), [16]byte{})
	records, err := l.Store.Attempts(ctx, []row.AttemptKey{key})
	var s State
	for _, c := range records {
		now := now()
		c = live(c, now)
		v := account.strangers(c, now)
		s = State{Failures: int(c.Count), Wait: v.wait, Stopped: v.stopped, AllStopped: c.Count >= stopEverybody}
	}
	return s, err
}

// Clear forgets all that is counted of an account. A nil Limiter has nothing to forget.
func (l *Limiter) Clear(ctx context.Context, typed string) error {
	if l == nil {
		return nil
	}
	half := l.Keys.account(typed)
	defer l.refused.forget(half)
	for n := row.MaxRemoved; n == row.MaxRemoved; {
		var err error
		if n, err = l.Store.DeleteAttempts(ctx, row.AttemptFilter{Account: half}); err != nil {
			return err
		}
	}
	return nil
}

// settleFor is how long a store has to count what was tried already, whoever has gone.
const settleFor = 3 * time.Second

func settled(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), settleFor)
}

func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
