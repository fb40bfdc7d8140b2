package fault

import "github.com/seed89488a0c/auth/internal/token"

// The sentinels of auth that an event tells by more than their code, with the names that
// they have there. What each means is said there.
var (
	ErrInvalidCredentials = New("invalid_credentials", "auth: invalid credentials", nil)
	ErrTooManySessions    = New("too_many_sessions", "auth: too many sessions", nil)
	ErrOverloaded         = New("overloaded", "auth: overloaded", token.ErrUnavailable)
	ErrTooManyAttempts    = New("too_many_attempts", "auth: too many attempts", nil)

	// What a throttle says beside that. They are of no name in auth.
	ErrAttemptsStopped = New("attempts_stopped", "auth: too many attempts, stopped", ErrTooManyAttempts)
	ErrCaptcha         = New("captcha_required", "auth: too many attempts, refused by Throttle.Suspect", ErrTooManyAttempts)

	// ErrNoSessions is for a service that forgot them: no client can do anything about it.
	// auth does not export it.
	ErrNoSessions = New("no_sessions", "auth: there are no sessions: Options.Sessions has no Store", nil)
)
