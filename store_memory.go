package auth

import "github.com/seed89488a0c/auth/internal/memory"

// MemoryStore keeps users, sessions and counters in memory, for unit tests and first
// steps: it grows with its users and sessions without bound, and forgets everything when
// the process ends. It is safe for concurrent use and keeps the whole contract of
// [UserStore], [SessionStore] and [AttemptStore]. [NewMemoryStore] makes one; the zero
// value is none.
//
// Of counters it has 100,000 at most. For a new one it forgets those that have expired,
// else the lowest, of these the one that was counted first. Where all stand at ten or more
// it fails: its errors are a [*StoreError] of the Code "context ended" or "attempts full".
type MemoryStore struct{ rowStore }

var _ AttemptStore = (*MemoryStore)(nil)

// NewMemoryStore returns an empty store.
func NewMemoryStore() *MemoryStore { return &MemoryStore{rowStore{&memory.Store{}}} }
