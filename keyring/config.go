package keyring

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/seed89488a0c/auth/internal/token"
)

// skew is how far two machines' clocks may differ: each is wrong by 5 seconds at
// most, as package auth assumes too.
const skew = 10 * time.Second

const (
	maxTTL      = token.MaxTTL + token.MaxLeeway
	maxRetiring = 32 // keys that rotation may leave to retire at once
)

// Config says where the keys are and how long others depend on them. Path and
// MaxTTL are required. It must be the same for all replicas.
type Config struct {
	// Path is the directory, which must exist.
	Path string

	// Poll is how often the directory is read, by a call to [Directory.Keys] or by
	// [Directory.Run], 1 second to 1 hour; 0 = 1 minute.
	Poll time.Duration

	// MaxAge is for how long others may keep a copy of the public keys, see
	// [auth.KeySet]: whole seconds, up to 24 hours; 0 = 5 minutes.
	MaxAge time.Duration

	// MaxTTL is the longest life of a token, leeway included, as in [auth.KeySet]: a
	// key verifies for as long after it has signed. auth.JWTConfig's TTL and Leeway
	// together may not exceed it, nor the TokenTTL of one login and that Leeway: no
	// [auth.JWTIssuer] issues such a token. The Leeway of those who verify elsewhere
	// counts as well. There is no default, since with one too short all would go
	// well until the first rotation. At most ten years and 5 minutes.
	MaxTTL time.Duration

	// Rotate is the period after which a new key signs, whole seconds; 0 = the
	// files are made by somebody else. Periods begin at multiples of it since 1970,
	// so a change of it keeps the keys there are. It is not below 2 leads and
	// 2 Poll (16m20s by default), as a key is made that long before it signs at the
	// earliest; nor below a 32nd of MaxTTL, as each key that retires is a file.
	Rotate time.Duration

	// Algorithm is that of the keys that Rotate makes: "EdDSA", "ES256", "ES384",
	// "ES512" or "RS256" (2048 bits); "" = "EdDSA".
	Algorithm string

	// OnError is told what is wrong with the directory or a file, as a
	// [*FileError]: once, and again when it changes or comes back. It is called by the
	// Keys or Run that found it, which waits for it, never twice at once. nil =
	// nobody is.
	OnError func(ctx context.Context, err error)
}

// check fills in the defaults, or says what is wrong.
func (c *Config) check() error {
	c.Poll = cmp.Or(c.Poll, time.Minute)
	c.MaxAge = cmp.Or(c.MaxAge, 5*time.Minute)
	c.Algorithm = cmp.Or(c.Algorithm, "EdDSA")
	if c.OnError == nil {
		c.OnError = func(context.Context, error) {}
	}
	switch {
	case c.Path == "":
		return errors.New("the Path is empty")
	case c.Poll < time.Second || c.Poll > time.Hour:
		return errors.New("the Poll is not 1 second to 1 hour")
	case c.MaxAge < 0 || c.MaxAge%time.Second != 0 || c.MaxAge > 24*time.Hour:
		return errors.New("the MaxAge is not a whole number of seconds up to 24 hours")
	case c.MaxTTL <= 0 || c.MaxTTL > maxTTL:
		return errors.New("the MaxTTL is not above 0 and up to ten years and 5 minutes")
	case !slices.Contains(strings.Fields(algorithms), c.Algorithm):
		return errors.New("the Algorithm is not EdDSA, ES256, ES384, ES512 or RS256")
	case c.Rotate == 0:
	case c.Rotate < c.ahead():
		return fmt.Errorf("the Rotate is below %v: a key is made that long before it signs", c.ahead())
	case c.Rotate%time.Second != 0:
		return errors.New("the Rotate is not a whole number of seconds")
	case c.Rotate < c.MaxTTL/maxRetiring:
		return errors.New("the Rotate is below a 32nd of the MaxTTL")
	}
	var err error
	c.Path, err = filepath.Abs(c.Path)
	return err
}

// lead is how long after a file has appeared nobody is without its key: all
// replicas have read it after 2 Poll, and copies without it are MaxAge old by then.
func (c *Config) lead() time.Duration { return c.MaxAge + 2*c.Poll + skew }

// after is how long a key verifies after its successor has taken over here:
// elsewhere that is 2 Poll and the skew later at most.
func (c *Config) after() time.Duration { return c.MaxTTL + 2*c.Poll + skew }

// ahead is how long before its time a key may be made at the earliest, and
// latest at the latest: then it is on time for all who poll. Between the two
// lie MaxAge + 2 Poll, in which whoever is in use polls.
func (c *Config) ahead() time.Duration  { return 2*c.lead() + 2*c.Poll }
func (c *Config) latest() time.Duration { return c.lead() + 2*c.Poll + skew }
