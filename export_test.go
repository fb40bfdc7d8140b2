package auth

import "github.com/seed89488a0c/auth/internal/hashgate"

// SetHashSlots sets how many hashes may run at once.
func SetHashSlots(a *Authenticator, n int) { a.gate = hashgate.New(n, a.hashMemory) }
