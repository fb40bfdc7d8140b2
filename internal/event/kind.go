package event

import (
	"cmp"
	"context"
	"errors"

	"github.com/seed89488a0c/auth/internal/fault"
	"github.com/seed89488a0c/auth/internal/token"
)

// Refusal returns the kind of an error that ends a call of the method op.
func Refusal(ctx context.Context, op string, err error) string {
	kind := "refused"
	switch {
	case errors.Is(err, token.ErrUnavailable):
		kind = Outage(ctx, err)
	case errors.Is(err, fault.ErrTooManyAttempts):
		kind = "throttled"
	case errors.Is(err, fault.ErrTooManySessions):
		kind = "too_many_sessions"
	case op == "register":
		kind = "registration_refused"
	case op == "refresh":
		kind = "refresh_refused"
	case errors.Is(err, token.ErrInvalid):
		kind = "token_refused"
	case op == "login", op == "login_with":
		kind = "login_failed"
	case errors.Is(err, fault.ErrInvalidCredentials):
		kind = "password_refused"
	}
	return kind
}

// Outage returns the kind of an outage. Whoever goes away does not make one.
func Outage(ctx context.Context, err error) string {
	kind := "unavailable"
	switch {
	case errors.Is(err, context.Canceled) && ctx.Err() == context.Canceled:
		kind = "abandoned"
	case errors.Is(err, fault.ErrOverloaded):
		kind = "overloaded"
	}
	return kind
}

// Told says whether an event of this kind tells that its call was refused, so that no
// other one need, and the code that it has: the kind's own where none is given.
func Told(kind, code string) (bool, string) {
	switch kind {
	case "login_failed", "password_refused":
		return true, cmp.Or(code, "invalid_credentials")
	case "session_replayed":
		return true, kind
	case "token_refused", "refresh_refused":
		return true, code
	}
	return false, code
}
