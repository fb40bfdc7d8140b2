// Package lifetime is how long a session lives, and its refresh tokens stand.
package lifetime

import (
	"cmp"
	"time"

	"github.com/seed89488a0c/auth/internal/token"
)

// Config is what auth's SessionConfig says of it.
type Config struct {
	Idle, Absolute, Grace time.Duration
}

// WithDefaults returns the configuration that holds, or says what is wrong with it.
func (c Config) WithDefaults() (_ Config, wrong string) {
	c.Idle = cmp.Or(c.Idle, 7*24*time.Hour)
	c.Absolute = cmp.Or(c.Absolute, 30*24*time.Hour) // NIST SP 800-63B-4, AAL1
	c.Grace = cmp.Or(c.Grace, 30*time.Second)
	unfit := func(d time.Duration) bool { return d < time.Second || d > token.MaxTTL }
	switch {
	case unfit(c.Idle), unfit(c.Absolute):
		return c, "IdleTTL or AbsoluteTTL is not 1 second to ten years"
	case c.Grace > 2*time.Minute:
		return c, "Grace is above 2 minutes"
	}
	return c, ""
}

// GraceUntil returns until when a refresh token that is made now is not replaced, and its
// parent stands for it; zero = there is no grace. A session that is short of idle time is
// replaced in time.
func (c Config) GraceUntil(now time.Time) time.Time {
	if c.Grace < 0 {
		return time.Time{}
	}
	return now.Add(min(c.Grace, c.Idle/2).Truncate(time.Microsecond))
}

// IdleUntil returns when a session that is used now, and ends whatever happens, ends by
// itself.
func (c Config) IdleUntil(now, expires time.Time) time.Time {
	return earliest(now.Add(c.Idle), expires)
}

// Limit returns the ends of a session with those that are configured today: times that
// were shortened reach the sessions that exist.
func (c Config) Limit(created, lastUsed, idleUntil, expires time.Time) (newIdle, newExpires time.Time) {
	if !created.IsZero() {
		expires = earliest(expires, created.Add(c.Absolute))
	}
	if !lastUsed.IsZero() {
		idleUntil = earliest(idleUntil, lastUsed.Add(c.Idle))
	}
	return earliest(idleUntil, expires), expires
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
