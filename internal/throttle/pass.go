package throttle

import (
	"crypto/hmac"
	"crypto/sha256"
	"slices"
	"time"

	"github.com/seed89488a0c/auth/internal/row"
)

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
