package memory

import "github.com/seed89488a0c/auth/internal/row"

// MaxAttempts is how many counters there are at most.
const MaxAttempts = maxAttempts

// SetAttempt stores a counter as it is.
func (s *Store) SetAttempt(r row.AttemptRecord) {
	s.attempts.mu.Lock()
	defer s.attempts.mu.Unlock()
	s.attempts.put(r)
}
