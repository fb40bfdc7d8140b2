// Package throttle says who may try a password now. Its rules are pure functions of
// counters, whose keys say nothing: state in, decision out. A [Limiter] asks them around
// each try, and counts so that tries at once are held to them too.
package throttle

import (
	"time"

	"github.com/seed89488a0c/auth/internal/row"
)

// The rules that no setting changes. NIST SP 800-63B-4 §3.2.2 allows 100 consecutive
// failures at an account, and waits from 30 seconds up to an hour.
const (
	firstWait   = 30 * time.Second
	longestWait = time.Hour

	// An account: what slows strangers, what stops them, and what stops everybody. What is
	// between the last two is left to clients that are known.
	slowStrangers = 50
	stopStrangers = 80
	stopEverybody = 100
	accountLife   = 30 * 24 * time.Hour

	// Strangers of one network at one account. A network that has been stopped is let in
	// once after each pairStop, and for good no longer than until it has added pairTotal to
	// the account: so one network alone never slows another, however long the owner is away.
	pairStop  = 24 * time.Hour
	pairTotal = 40

	// MostOwn is after how many failures a known client is a stranger, and a session ends.
	MostOwn = 10

	// reserveFrom is from which count on a try is counted before its outcome is known.
	reserveFrom = 2

	// clockSkew is by how much a counter may have been counted in the future, by another
	// machine's clock. What is later was written by a clock that was wrong: then no one waits
	// for it, and the counts still hold.
	clockSkew = 2 * time.Minute
)

// rule says what the count of one key does to strangers.
type rule struct {
	slowFrom uint32 // waits, which double
	stopFrom uint32
	stopFor  time.Duration // after the last failure; 0 = until it expires
	total    uint32        // from which count on it stops until it expires; 0 = none
	life     time.Duration // after the last failure
}

var account = rule{slowFrom: slowStrangers, stopFrom: stopStrangers, life: accountLife}

// pair is the rule of strangers of one network at one account.
func pair(most uint32) rule {
	return rule{slowFrom: most / 2, stopFrom: most, stopFor: pairStop, total: pairTotal, life: accountLife}
}

// verdict is what a rule says: nothing, a wait, or a stop.
type verdict struct {
	wait    time.Duration
	stopped bool
}

func (v verdict) refuses() bool { return v.stopped || v.wait > 0 }

// strangers says what a live counter does to them.
func (r rule) strangers(c row.AttemptRecord, now time.Time) verdict {
	switch {
	case c.Count < r.slowFrom:
		return verdict{}
	case r.total > 0 && c.Count >= r.total:
		return verdict{stopped: true}
	case c.Count >= r.stopFrom:
		return verdict{stopped: r.stopFor == 0 || waits(c, r.stopFor, now) > 0}
	}
	wait := longestWait
	if doubled := c.Count - r.slowFrom; doubled < 7 { // 30 s << 7 is above an hour
		wait = min(wait, firstWait<<doubled)
	}
	return verdict{wait: waits(c, wait, now)}
}

// waits returns how much is left of a wait that began when c was counted last.
func waits(c row.AttemptRecord, wait time.Duration, now time.Time) time.Duration {
	if c.At.After(now.Add(clockSkew)) {
		return 0
	}
	return max(0, c.At.Add(wait).Sub(now))
}

// live returns a counter as it counts now: an expired one is none.
func live(c row.AttemptRecord, now time.Time) row.AttemptRecord {
	if !c.ExpiresAt.After(now) {
		return row.AttemptRecord{Key: c.Key}
	}
	return c
}

// bucket lets so many in at once, and then one each step. A counter's At is when it is
// empty.
type bucket struct {
	size int
	step time.Duration
}

func newBucket(size int, within time.Duration) bucket {
	return bucket{size, within / time.Duration(size)}
}

// room is how long after now a bucket may be empty that lets one more in.
func (b bucket) room() time.Duration { return b.step * time.Duration(b.size-1) }

// waits returns how long nobody is let in.
func (b bucket) waits(c row.AttemptRecord, now time.Time) time.Duration {
	debt := c.At.Sub(now) // the zero time's is the least that there is
	if debt <= b.room() || debt > row.MaxAhead {
		return 0
	}
	return debt - b.room()
}

// count returns what counts one now. A bucket is forgotten when it must be empty, or an
// hour after what has overfilled it.
func (b bucket) count(key row.AttemptKey, now time.Time) row.AttemptRecord {
	return row.AttemptRecord{Key: key, At: now.Add(b.step), ExpiresAt: now.Add(max(longestWait, b.step*time.Duration(b.size)))}
}
