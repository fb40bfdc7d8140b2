package throttle

import (
	"time"

	"github.com/seed89488a0c/auth/internal/fault"
)

// Error is auth's ThrottleError.
type Error struct {
	After   time.Duration
	Stopped bool
	Suspect error

	wait time.Duration // After, before it was rounded
}

func (e *Error) Error() string { return e.sentinel().Error() }

// Unwrap returns what the error matches.
func (e *Error) Unwrap() []error {
	if e.Suspect != nil {
		return []error{e.sentinel(), e.Suspect}
	}
	return []error{e.sentinel()}
}

func (e *Error) sentinel() error {
	switch {
	case e.Suspect != nil:
		return fault.ErrCaptcha
	case e.Stopped:
		return fault.ErrAttemptsStopped
	}
	return fault.ErrTooManyAttempts
}
