package token_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/seed89488a0c/auth/internal/token"
)

func TestRefusal(t *testing.T) {
	reasoned := &token.Error{Reason: token.ReasonIssuer}
	for _, tt := range []struct{ err, want error }{
		{fmt.Errorf("canary: %w", reasoned), reasoned},
		{fmt.Errorf("canary: %w", token.ErrExpired), token.ErrExpired},
		{fmt.Errorf("canary: %w", token.ErrInvalid), token.ErrInvalid},
		{fmt.Errorf("%w: %w", token.ErrInvalid, token.ErrUnavailable), nil},
		{fmt.Errorf("%w: %w", reasoned, token.ErrUnavailable), nil},
		{errors.New("canary"), nil},
	} {
		if got := token.Refusal(tt.err); got != tt.want {
			t.Errorf("of %v: got %v, want %v", tt.err, got, tt.want)
		}
	}
}
