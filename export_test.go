package auth

import (
	"github.com/seed89488a0c/auth/internal/hashgate"
	"github.com/seed89488a0c/auth/internal/token"
)

// SetHashSlots sets how many hashes may run at once, within a budget of bytes.
func SetHashSlots(a *Authenticator, n int, budget int64) { a.room.Gate = hashgate.New(n, budget) }

// Own returns an identity as if a had verified it.
func Own(a *Authenticator, id Identity) Identity {
	token.Own(&id, a.owner)
	return id
}
