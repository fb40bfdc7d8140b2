package jwks

import (
	"time"

	"github.com/seed89488a0c/auth/internal/token"
)

var (
	Peek      = func(text string) (string, error) { return token.IssuerOf(text, token.MaxSize) }
	Freshness = freshness
)

// Set returns the keys of the first issuer, and when they were confirmed.
func (v *Verifier) Set() (*token.Set, time.Time) {
	s := v.issuers[0].state.Load()
	return s.set, s.at
}
