package event_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/seed89488a0c/auth/internal/event"
	"github.com/seed89488a0c/auth/internal/fault"
	"github.com/seed89488a0c/auth/internal/input"
	"github.com/seed89488a0c/auth/internal/row"
	"github.com/seed89488a0c/auth/internal/token"
)

func TestRefusal(t *testing.T) {
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	cancelled := fault.Hidden("keys", context.Canceled)
	for _, tt := range []struct {
		name string
		ctx  context.Context
		op   string
		err  error
		want string
	}{
		{"an outage", t.Context(), "login", token.ErrUnavailable, "unavailable"},
		{"who asked has gone", gone, "login", cancelled, "abandoned"},
		{"somebody else has gone", t.Context(), "login", cancelled, "unavailable"},
		{"an outage, and who asked has gone", gone, "login", token.ErrUnavailable, "unavailable"},
		{"a full queue", t.Context(), "register", fault.ErrOverloaded, "overloaded"},
		{"gone in the queue", gone, "register", fmt.Errorf("%w: %w", fault.ErrOverloaded, context.Canceled), "abandoned"},
		{"no room", t.Context(), "login", fault.ErrTooManySessions, "too_many_sessions"},
		{"a registration", t.Context(), "register", token.ErrInvalid, "registration_refused"},
		{"a refresh", t.Context(), "refresh", token.ErrInvalid, "refresh_refused"},
		{"a token", t.Context(), "login_with", token.ErrExpired, "token_refused"},
		{"a login", t.Context(), "login", fault.ErrInvalidCredentials, "login_failed"},
		{"a proof", t.Context(), "login_with", errors.New("any"), "login_failed"},
		{"a password", t.Context(), "change_password", fault.ErrInvalidCredentials, "password_refused"},
		{"anything else", t.Context(), "user", errors.New("any"), "refused"},
	} {
		if got := event.Refusal(tt.ctx, tt.op, tt.err); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestTold(t *testing.T) {
	for _, tt := range []struct {
		kind, code string
		told       bool
		want       string
	}{
		{"login_failed", "", true, "invalid_credentials"},
		{"login_failed", "user_disabled", true, "user_disabled"},
		{"password_refused", "", true, "invalid_credentials"},
		{"session_replayed", "", true, "session_replayed"},
		{"token_refused", "", true, ""},
		{"refresh_refused", "", true, ""},
		{"logged_in", "", false, ""},
		{"refused", "conflict", false, "conflict"},
	} {
		if told, got := event.Told(tt.kind, tt.code); told != tt.told || got != tt.want {
			t.Errorf("%s %s: got %v, %q", tt.kind, tt.code, told, got)
		}
	}
}

func TestCode(t *testing.T) {
	for want, err := range map[string]error{
		"too_long":    fmt.Errorf("%w", &input.Error{Field: "email", Code: "too_long"}),
		"mysql 1040":  &row.Error{Op: "create user", Code: "mysql 1040"},
		"no_sessions": fault.ErrNoSessions,
		"conflict":    row.ErrConflict,
		"service":     errors.New("any"),
	} {
		if got := event.Code(err); got != want {
			t.Errorf("of %v: got %q, want %q", err, got, want)
		}
	}
}
