package keyring

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// skew is how far two machines' clocks may differ: each is wrong by 5 seconds at
// most, as package auth assumes too.
const skew = 10 * time.Second

const (
	defaultPoll   = time.Minute
	defaultMaxAge = 5 * time.Minute
	maxPoll       = time.Hour
	maxMaxAge     = 24 * time.Hour
	maxTTL        = 10*365*24*time.Hour + 5*time.Minute // a token's longest life, and the longest leeway
	maxRetiring   = 32                                  // keys that rotation may leave to retire at once
)

// Config says where the keys are and how long others depend on them. Path and
// TokenTTL are required. It must be the same for all replicas.
type Config struct {
	// Path is the directory.
	Path string

	// Poll is how often the directory is read, by a call to [Directory.Keys] or by
	// [Directory.Run], 1 second to 1 hour; 0 = 1 minute.
	Poll time.Duration

	// MaxAge is for how long others may keep a copy of the public keys, see
	// [auth.KeySet]: whole seconds, up to 24 hours; 0 = 5 minutes.
	MaxAge time.Duration

	// TokenTTL is the longest life of a token that these keys sign, with the leeway
	// of those who verify it: not below auth.JWTConfig's TTL and Leeway together,
	// nor any auth.Subject's. There is no default, since with one too short all
	// goes well until the first rotation. No auth.JWTIssuer issues a longer one
	// ([auth.KeySet.MaxTTL]). At most ten years and 5 minutes.
	TokenTTL time.Duration

	// Rotate is the period after which a new key signs, whole seconds; 0 = the
	// files are made by somebody else. Periods begin at multiples of it since 1970,
	// so a change of it keeps the keys there are. A key is made 2 leads and 2 Poll
	// before it signs, and Rotate is not below that; nor below a 32nd of TokenTTL,
	// as each key that retires is a file.
	Rotate time.Duration

	// Algorithm is that of the keys that Rotate makes: "EdDSA", "ES256", "ES384",
	// "ES512" or "RS256" (2048 bits); "" = "EdDSA".
	Algorithm string

	// OnError, if not nil, is told what is wrong with the directory or a file, as a
	// [*FileError]: once, and again when it changes or comes back. It is called out
	// of Keys or Run, which wait for it, never twice at once.
	OnError func(error)
}

// check fills in the defaults, or says what is wrong.
func (c *Config) check() error {
	if c.Poll == 0 {
		c.Poll = defaultPoll
	}
	if c.MaxAge == 0 {
		c.MaxAge = defaultMaxAge
	}
	if c.Algorithm == "" {
		c.Algorithm = "EdDSA"
	}
	if c.OnError == nil {
		c.OnError = func(error) {}
	}
	switch {
	case c.Path == "":
		return errors.New("no Path")
	case c.Poll < time.Second || c.Poll > maxPoll:
		return errors.New("a Poll that is not 1 second to 1 hour")
	case c.MaxAge < 0 || c.MaxAge%time.Second != 0 || c.MaxAge > maxMaxAge:
		return errors.New("a MaxAge that is not a whole number of seconds up to 24 hours")
	case c.TokenTTL <= 0 || c.TokenTTL > maxTTL:
		return errors.New("a TokenTTL that is not above 0 and up to ten years and 5 minutes")
	case !slices.Contains(strings.Fields(algorithms), c.Algorithm):
		return errors.New("an Algorithm that is not EdDSA, ES256, ES384, ES512 or RS256")
	case c.Rotate == 0:
	case c.Rotate < c.ahead():
		return fmt.Errorf("a Rotate that is below %v, which a key is made before it signs", c.ahead())
	case c.Rotate%time.Second != 0:
		return errors.New("a Rotate that is not whole seconds")
	case c.Rotate < c.TokenTTL/maxRetiring:
		return errors.New("a Rotate that is below a 32nd of TokenTTL")
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
func (c *Config) after() time.Duration { return c.TokenTTL + 2*c.Poll + skew }

// ahead is how long before its time a key may be made at the earliest, and
// latest at the latest: then it is on time for all who poll. Between the two
// lie MaxAge + 2 Poll, in which whoever is in use polls.
func (c *Config) ahead() time.Duration  { return 2*c.lead() + 2*c.Poll }
func (c *Config) latest() time.Duration { return c.lead() + 2*c.Poll + skew }
