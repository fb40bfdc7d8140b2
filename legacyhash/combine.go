package legacyhash

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/internal/input"
)

// ErrAmbiguousHash says that more than one of the combined hashers claims a
// stored hash. It matches [auth.ErrUnknownHash].
var ErrAmbiguousHash = fmt.Errorf("legacyhash: claimed by more than one hasher: %w", auth.ErrUnknownHash)

// Combine returns a hasher that hashes with primary and verifies the hashes of
// primary and of others, whichever claims them by its Inspect. What is not
// primary's is outdated, so that it becomes primary's at the next login. A hash
// that none claims is what tells most of what they say of it: too costly, damaged, no
// password, or auth.ErrUnknownHash; one that several claim is [ErrAmbiguousHash].
//
// A nil hasher is an error, and so are a primary that only verifies and two
// hashers that claim one of the forms in this package's documentation, such as
// [Bcrypt] and [Devise].
func Combine(primary auth.Hasher, others ...auth.Hasher) (auth.Hasher, error) {
	c := combined{primary: primary, all: append(set{primary}, others...)}
	if err := c.all.check(); err != nil {
		return nil, err
	}
	if primary.Inspect("").Scheme == "" {
		return nil, errors.New("legacyhash: the primary hasher only verifies")
	}
	return c, nil
}

type combined struct {
	primary auth.Hasher
	all     set
}

// Hash is the primary's.
func (c combined) Hash(ctx context.Context, p auth.Password) (string, error) {
	return c.primary.Hash(ctx, p)
}

// Verify is that of the hasher that claims encoded.
func (c combined) Verify(ctx context.Context, encoded string, p auth.Password) (bool, error) {
	i, err := c.all.claim(ctx, encoded)
	if err != nil {
		return false, err
	}
	return c.all[i].Verify(ctx, encoded, p)
}

// Inspect is that of the hasher that claims encoded.
func (c combined) Inspect(encoded string) auth.HashInfo {
	if encoded == "" {
		return c.primary.Inspect("")
	}
	i, err := c.all.claim(context.Background(), encoded)
	if err != nil {
		return auth.HashInfo{}
	}
	info := c.all[i].Inspect(encoded)
	info.Outdated = info.Outdated || i > 0
	return info
}

// set is hashers of which no two claim the same hash.
type set []auth.Hasher

// claim returns the index of the one that can verify encoded.
func (s set) claim(ctx context.Context, encoded string) (int, error) {
	if encoded == "" { // which Inspect takes for the next hash
		return 0, auth.ErrUnknownHash
	}
	found := -1
	for i, h := range s {
		if h.Inspect(encoded).Scheme == "" {
			continue
		}
		if found >= 0 {
			return 0, ErrAmbiguousHash
		}
		found = i
	}
	if found >= 0 {
		return found, nil
	}
	why := auth.ErrUnknownHash
	for _, h := range s { // Where Inspect is zero, Verify is an error before any work.
		if _, err := h.Verify(ctx, encoded, auth.Password{}); telling(err) > telling(why) {
			why = err
		}
	}
	return 0, why
}

// telling ranks what hashers say of a hash that none of them can verify by how much
// it tells.
func telling(err error) int {
	why, ok := errors.AsType[*auth.HashError](err)
	switch {
	case ok && why.Code == input.HashTooCostly:
		return 4
	case ok && why.Code == input.HashDamaged:
		return 3
	case errors.Is(err, auth.ErrMalformedHash):
		return 2
	case ok && errors.Is(err, auth.ErrUnknownHash):
		return 1
	}
	return 0
}

func (s set) check() error {
	for _, h := range s {
		if h == nil {
			return errors.New("legacyhash: nil hasher")
		}
	}
	for form := range strings.FieldsSeq(forms) {
		if _, err := s.claim(context.Background(), form); errors.Is(err, ErrAmbiguousHash) {
			prefix := form[:strings.IndexAny(form[1:], "$}:")+2]
			return fmt.Errorf("legacyhash: two hashers claim hashes that begin with %s", prefix)
		}
	}
	return nil
}

// forms has a hash of every form that this package, and the root, verify.
const forms = `
	$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
	$argon2i$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
	$2b$12$.....................................................
	$scrypt$ln=17,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
	$pbkdf2$1000$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAA
	$pbkdf2-sha256$1000$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
	$pbkdf2-sha256$i=1000,l=32$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
	$pbkdf2-sha512$1000$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
	$bcrypt-sha256$v=2,t=2b,r=12$......................$...............................
	pbkdf2_sha256$1000$salt$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
	pbkdf2:sha256:1000$salt$0000000000000000000000000000000000000000000000000000000000000000
	{bcrypt}$2a$12$.....................................................
	$P$9..............................
	$wp$2y$12$.....................................................
	$S$D...................................................
	$6$salt$......................................................................................
	$5$salt$...........................................
	$1$salt$......................
	$apr1$salt$......................
	:pbkdf2:sha512:30000:64:AAAAAAAAAAAAAAAAAAAAAA==:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==
	{SSHA}AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
	$digest$md5(p)$$00000000000000000000000000000000
	AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==
	$firebase-scrypt$AAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==
`
