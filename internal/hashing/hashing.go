// Package hashing decides when a password is hashed and what a stored hash is worth:
// that unknown users cost what known ones do, that memory and processors suffice, and
// that a hasher's errors hide their text. How it is hashed the hasher knows.
package hashing

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"

	"github.com/seed89488a0c/auth/internal/draw"
	"github.com/seed89488a0c/auth/internal/fault"
	"github.com/seed89488a0c/auth/internal/hashgate"
	"github.com/seed89488a0c/auth/internal/input"
	"github.com/seed89488a0c/auth/internal/row"
)

// Info is auth's HashInfo.
type Info struct {
	Scheme      string
	KeyID       string
	MemoryBytes int64
	Outdated    bool
	Weak        bool
	CutAt       int
}

// Password is auth's.
type Password interface{ Reveal() string }

// Hasher is auth's, of its type of passwords.
type Hasher[P Password] interface {
	Hash(ctx context.Context, p P) (encoded string, err error)
	Verify(ctx context.Context, encoded string, p P) (bool, error)
	Inspect(encoded string) Info
}

// Room is where passwords are hashed: a hasher behind its gate, with decoys. It is safe
// for concurrent use, and copies share everything.
type Room[P Password] struct {
	Gate   *hashgate.Gate
	Slots  int    // hashes that may run at once
	Scheme string // of the hashes that are made today

	hasher Hasher[P]
	held   func(context.Context) bool
	decoys *draw.Lots[decoy]
}

// decoy stands in for the hash that nobody has: one of a class, with what verifying it
// takes. The same address always draws the same class, and only who has the secret knows
// which.
type decoy struct {
	hash  string
	bytes int64
}

// New makes the gate and the first decoy, and finds out whether the hasher works. It
// hashes and verifies the password of nobody, once and through the gate, so that it takes
// no more than the budget of memory allows, of which 0 is half of what there is; what
// cannot fit is an error before that. named wraps a text as a password. held says of a
// context that whoever waits with it holds what others need. The secret is for
// [Room.AddDecoy], and nobody's where that is not called.
func New[P Password](h Hasher[P], named func(text string) P, held func(context.Context) bool, budget int64, secret []byte) (Room[P], error) {
	next := h.Inspect("")
	slots, budget, err := hashgate.Fit(os.DirFS("/"), next.MemoryBytes, budget)
	if err != nil {
		return Room[P]{}, err
	}
	r := Room[P]{Gate: hashgate.New(slots, budget), Slots: slots, hasher: h, held: held}
	ctx, nobody := context.Background(), named(rand.Text())
	live, err := hashgate.Do(r.Gate, next.MemoryBytes, func() (string, error) { return h.Hash(ctx, nobody) })
	if err != nil {
		return Room[P]{}, fmt.Errorf("auth: New: hash a decoy: %w", err)
	}
	info := h.Inspect(live)
	if !r.Gate.Holds(info.MemoryBytes) {
		return Room[P]{}, errors.New("auth: New: the hasher's own hash takes more memory than it said, and than HashMemory")
	}
	match, err := hashgate.Do(r.Gate, info.MemoryBytes, func() (bool, error) { return h.Verify(ctx, live, nobody) })
	if err != nil || !match || !keepable(live) || info.Scheme == "" {
		return Room[P]{}, errors.New("auth: New: the hasher cannot verify its own hashes")
	}
	r.Scheme = info.Scheme
	r.decoys = draw.New(secret, decoy{live, info.MemoryBytes})
	return r, nil
}

// AddDecoy adds a class of hashes from which unknown users draw one, with one of the
// class, or "" for those that are made today. Several are added before anything is
// checked.
func (r Room[P]) AddDecoy(encoded string, weight uint32) error {
	if encoded == "" {
		r.decoys.Weigh(weight)
		return nil
	}
	info := r.hasher.Inspect(encoded)
	if !r.verifiable(info) {
		return errors.New("auth: Options: Decoys: a hash that the hasher cannot verify, or not within HashMemory")
	}
	r.decoys.Add(decoy{encoded, info.MemoryBytes}, weight)
	return nil
}

// Hash makes a new hash when it is admitted.
func (r Room[P]) Hash(ctx context.Context, turn hashgate.Turn, p P) (string, error) {
	if err := Admit(ctx, r.Gate, "hash password", turn, r.decoys.First().bytes, r.held(ctx)); err != nil {
		return "", err
	}
	return r.hashAdmitted(ctx, p)
}

// TryHash makes a new hash if that need not wait for another, else it is
// [fault.ErrOverloaded].
func (r Room[P]) TryHash(ctx context.Context, p P) (string, error) {
	if !r.Gate.TryAcquire(r.decoys.First().bytes) {
		return "", fault.ErrOverloaded
	}
	return r.hashAdmitted(ctx, p)
}

// hashAdmitted makes a new hash that the gate has let in.
func (r Room[P]) hashAdmitted(ctx context.Context, p P) (string, error) {
	defer r.Gate.Release(r.decoys.First().bytes)
	encoded, err := r.hasher.Hash(ctx, p)
	if err == nil && !keepable(encoded) {
		err = errors.New("not a hash that a store can keep")
	}
	if wrong, ok := errors.AsType[*input.Error](err); ok {
		return "", wrong
	}
	if err != nil {
		return "", fault.Passed("hash password", err)
	}
	return encoded, nil
}

// keepable reports whether a store can keep a hash; the empty one is no password.
func keepable(encoded string) bool { return 0 < len(encoded) && len(encoded) <= row.MaxPasswordHash }

// verifiable reports whether a hash of which a hasher says this can be verified here.
func (r Room[P]) verifiable(info Info) bool {
	return info.Scheme != "" && r.Gate.Holds(info.MemoryBytes)
}

// Admit waits until a gate lets in what takes so many bytes, which it holds. held says
// that a connection is held meanwhile, which is refused.
func Admit(ctx context.Context, gate *hashgate.Gate, op string, turn hashgate.Turn, bytes int64, held bool) error {
	if err := ctx.Err(); err != nil {
		return fault.Hidden(op, err)
	}
	if held {
		return fault.Told(op, "inside transaction")
	}
	return gate.Acquire(ctx, turn, bytes)
}
