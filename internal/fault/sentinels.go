package fault

import "github.com/seed89488a0c/auth/internal/token"

// The sentinels of auth that an event tells by more than their code, with the names that
// they have there. What each means is said there.
var (
	ErrInvalidCredentials = New("invalid_credentials", "auth: invalid credentials", nil)
	ErrTooManySessions    = New("too_many_sessions", "auth: too many sessions", nil)
	ErrOverloaded         = New("overloaded", "auth: overloaded", token.ErrUnavailable)

	// ErrNoSessions is for a service that forgot them: no client can do anything about it.
	// auth does not export it.
	ErrNoSessions = New("no_sessions", "auth: there are no sessions: Options.Sessions has no Store", nil)
)
