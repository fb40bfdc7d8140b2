package legacyhash

import (
	"context"

	"github.com/seed89488a0c/auth"
)

// Appended hashes and verifies the password with a constant text behind it, as
// services do that keep a "salt" or "pepper" in their code:
//
//	legacyhash.Appended{Text: auth.NewPassword("…")} // passlib's PBKDF2 of password + text
//
// The hashes do not say that they are made this way: the hasher inside must not
// be combined with the same one outside.
type Appended struct {
	Text   auth.Password // which does not print
	Hasher auth.Hasher   // nil = PBKDF2{}
}

var _ family = Appended{}

// Hash returns the inner hasher's hash of p and the text.
func (a Appended) Hash(ctx context.Context, p auth.Password) (string, error) {
	return a.hasher().Hash(ctx, a.append(p))
}

// Verify reports whether encoded is the inner hasher's hash of p and the text.
func (a Appended) Verify(ctx context.Context, encoded string, p auth.Password) (bool, error) {
	return a.hasher().Verify(ctx, encoded, a.append(p))
}

// Inspect describes encoded as the inner hasher does.
func (a Appended) Inspect(encoded string) auth.HashInfo { return a.hasher().Inspect(encoded) }

func (a Appended) hasher() auth.Hasher {
	if a.Hasher == nil {
		return PBKDF2{}
	}
	return a.Hasher
}

func (a Appended) append(p auth.Password) auth.Password {
	return auth.NewPassword(p.Reveal() + a.Text.Reveal())
}

func (a Appended) parse(encoded string) (record, error) {
	r, err := recordOf(a.hasher(), encoded)
	if err != nil {
		return record{}, err
	}
	r.before(func(password string) string { return password + a.Text.Reveal() })
	return r, nil
}
