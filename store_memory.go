package auth

import "github.com/seed89488a0c/auth/internal/memory"

// MemoryStore keeps users and sessions in memory, for unit tests and first
// steps: it grows without bound and forgets everything when the process ends. It
// is safe for concurrent use and keeps the whole contract of [UserStore] and
// [SessionStore]. [NewMemoryStore] makes one; the zero value is none.
type MemoryStore struct{ rowStore }

// NewMemoryStore returns an empty store.
func NewMemoryStore() *MemoryStore { return &MemoryStore{rowStore{&memory.Store{}}} }
