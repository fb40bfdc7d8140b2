package auth

import (
	"github.com/seed89488a0c/auth/internal/hashgate"
	"github.com/seed89488a0c/auth/internal/token"
)

// SetHashSlots sets how many hashes may run at once.
func SetHashSlots(a *Authenticator, n int) { a.gate = hashgate.New(n, a.hashMemory) }

// Own returns an identity as if a had verified it.
func Own(a *Authenticator, id Identity) Identity {
	token.Own(&id, a.owner)
	return id
}
