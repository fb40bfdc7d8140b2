package auth

// SetHashSlots sets how many hashes may run at once.
func SetHashSlots(a *Authenticator, n int) { a.gate.slots = n }
