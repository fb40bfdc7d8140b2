package legacyhash

import (
	"context"
	"strconv"
	"strings"

	"github.com/seed89488a0c/auth"
)

// Forms is what Combine looks for duplicates with.
const Forms = forms

// Cheap hashes below the floors, so that tests do not pay for a real hash, and
// refuses PBKDF2 of more than 20,000 rounds, which take seconds under the race
// detector.
type Cheap struct{ auth.Hasher }

// Hash is that of the embedded hasher without its check of the floors.
func (c Cheap) Hash(ctx context.Context, p auth.Password) (string, error) {
	switch h := c.Hasher.(type) {
	case Bcrypt:
		return h.hash(p)
	case PBKDF2:
		return h.hash(p)
	case Scrypt:
		return h.hash(p)
	}
	return c.Hasher.Hash(ctx, p)
}

// Verify is that of the embedded hasher.
func (c Cheap) Verify(ctx context.Context, encoded string, p auth.Password) (bool, error) {
	if c.dear(encoded) {
		return false, auth.ErrMalformedHash
	}
	return c.Hasher.Verify(ctx, encoded, p)
}

// Inspect calls no hash of this form outdated or weak.
func (c Cheap) Inspect(encoded string) auth.HashInfo {
	if c.dear(encoded) {
		return auth.HashInfo{}
	}
	info := c.Hasher.Inspect(encoded)
	info.Outdated, info.Weak = false, false
	return info
}

func (c Cheap) dear(encoded string) bool {
	_, isPBKDF2 := c.Hasher.(PBKDF2)
	_, rest, _ := strings.Cut(strings.TrimPrefix(encoded, "$"), "$")
	text, _, _ := strings.Cut(rest, "$")
	rounds, _ := strconv.Atoi(text)
	return isPBKDF2 && rounds > 20_000
}

// Remake returns the stored form of another password under the settings of encoded, for
// which h says whether its origin takes it. It is empty for what h cannot verify, and
// for bcrypt.
func Remake(h auth.Hasher, encoded, password string) (stored string, takes bool) {
	f, ok := h.(family)
	if !ok {
		return "", false
	}
	r, err := read(f, encoded)
	if err != nil || r.derive == nil {
		return "", false
	}
	digest, err := r.derive(password)
	if err != nil {
		return "", false
	}
	return r.encode(digest), r.takes == nil || r.takes(password)
}

// Spelling returns encoded as it is written back, or as it is where h has no form to
// write.
func Spelling(h auth.Hasher, encoded string) string {
	f, ok := h.(family)
	if !ok {
		return encoded
	}
	if r, err := f.parse(encoded); err == nil && r.encode != nil {
		return r.encode(r.digest)
	}
	return encoded
}
