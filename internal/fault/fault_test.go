package fault_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/seed89488a0c/auth/internal/fault"
	"github.com/seed89488a0c/auth/internal/token"
)

var (
	errGeneral  = fault.New("general", "a general one", nil)
	errSpecific = fault.New("specific", "a specific one", errGeneral)
)

func TestSentinelsMatchTheGeneralOne(t *testing.T) {
	if !errors.Is(errSpecific, errGeneral) || errors.Is(errGeneral, errSpecific) {
		t.Error("the specific one does not match the general one, or the other way round")
	}
	if got := errSpecific.Error(); got != "a specific one" {
		t.Errorf("got %q", got)
	}
	if errors.Is(errGeneral, fault.New("general", "a general one", nil)) {
		t.Error("two of one text match")
	}
}

// ownError is what a service, a hasher or an issuer may return.
type ownError struct{ cause error }

func (e ownError) Error() string { return "canary" }
func (e ownError) Unwrap() error { return e.cause }

func TestOutagesHideTheirText(t *testing.T) {
	for _, tt := range []struct {
		name    string
		err     error
		matches error // beside token.ErrUnavailable
	}{
		{"hidden", fault.Hidden("verify token", ownError{}), nil},
		{"hidden, cancelled", fault.Hidden("verify token", ownError{context.Canceled}), context.Canceled},
		{"hidden, too late", fault.Hidden("verify token", ownError{context.DeadlineExceeded}), context.DeadlineExceeded},
		{"hidden, though it matches", fault.Hidden("verify token", ownError{token.ErrUnavailable}), nil},
		{"passed", fault.Passed("verify token", ownError{}), nil},
		{"of the service", fault.Service("verify token", ownError{}), nil},
	} {
		if got, want := tt.err.Error(), "auth: verify token: fault_test.ownError"; got != want {
			t.Errorf("%s: got %q, want %q", tt.name, got, want)
		}
		if !errors.Is(tt.err, token.ErrUnavailable) || tt.matches != nil && !errors.Is(tt.err, tt.matches) {
			t.Errorf("%s: %v does not match", tt.name, tt.err)
		}
		if _, seen := errors.AsType[ownError](tt.err); seen {
			t.Errorf("%s: the error is in the chain", tt.name)
		}
		if text := fmt.Sprintf("%+v %#v", tt.err, tt.err); strings.Contains(text, "canary") {
			t.Errorf("%s: prints %s", tt.name, text)
		}
		if again := fault.Hidden("another", fmt.Errorf("%w", tt.err)); again != tt.err {
			t.Errorf("%s: becomes %v", tt.name, again)
		}
	}
	known := ownError{token.ErrUnavailable}
	if got := fault.Passed("verify token", known); got != error(known) {
		t.Errorf("an outage that is told becomes %v", got)
	}
	if got, want := fault.Told("keys", "none signs").Error(), "auth: keys: none signs"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWholeHasTheServicesError(t *testing.T) {
	whole := fault.Whole(fault.Service("claims", ownError{}))
	if _, seen := errors.AsType[ownError](whole); !seen || !errors.Is(whole, token.ErrUnavailable) || whole.Error() != "auth: claims: canary (auth: unavailable)" {
		t.Errorf("got %v", whole)
	}
	for _, err := range []error{fault.Hidden("claims", ownError{}), fault.Told("claims", "too large"), errSpecific} {
		if got := fault.Whole(err); got != err {
			t.Errorf("%v becomes %v", err, got)
		}
	}
}

func TestCode(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want string
	}{
		{errGeneral, "general"},
		{fmt.Errorf("%w: %w", errSpecific, context.Canceled), "specific"},
		{fault.New("wide", "wide", token.ErrInvalid), "wide"},
		{fault.New("full", "full", token.ErrUnavailable), "full"},
		{fmt.Errorf("%w %w", token.ErrUnavailable, errSpecific), "specific"},
		{&token.Error{Reason: token.ReasonExpired}, token.ReasonExpired},
		{token.ErrExpired, "expired_token"},
		{token.ErrInvalid, "invalid_token"},
		{fmt.Errorf("%w", token.ErrUnavailable), "unavailable"},
		{fault.Hidden("hash password", ownError{}), "hash_password"},
		{ownError{}, "service"},
	} {
		if got := fault.Code(tt.err); got != tt.want {
			t.Errorf("of %v: got %q, want %q", tt.err, got, tt.want)
		}
	}
}
