package auth

import (
	"context"

	"github.com/seed89488a0c/auth/internal/hashgate"
	"github.com/seed89488a0c/auth/internal/row"
	"github.com/seed89488a0c/auth/internal/throttle"
	"github.com/seed89488a0c/auth/internal/token"
)

// SetHashSlots sets how many hashes may run at once, within a budget of bytes.
func SetHashSlots(a *Authenticator, n int, budget int64) { a.room.Gate = hashgate.New(n, budget) }

// Own returns an identity as if a had verified it.
func Own(a *Authenticator, id Identity) Identity {
	token.Own(&id, a.owner)
	return id
}

// UserForLogin is what a login reads of a store: a user, whether so many sessions are
// stored, and counters.
func UserForLogin(ctx context.Context, s interface {
	userForLogin(context.Context, string, int, [][32]byte) (UserRecord, bool, []AttemptRecord, error)
}, key string, sessions int, attempts [][32]byte) (UserRecord, bool, []AttemptRecord, error) {
	return s.userForLogin(ctx, key, sessions, attempts)
}

// Restarted returns a as another process would have it, or a again when it is started anew:
// it shares the stores with a, and remembers nothing of what was tried.
func Restarted(a *Authenticator) *Authenticator {
	b := *a
	b.throttle, _ = throttle.New(a.throttle.Config) // which was accepted before
	return &b
}

// MemoryStoreOn returns a store whose rows are kept elsewhere, as where calls are recorded.
func MemoryStoreOn(rows row.Keeper) *MemoryStore { return &MemoryStore{rowStore{rows}} }
