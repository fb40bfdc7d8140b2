package row_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/seed89488a0c/auth/internal/row"
	"github.com/seed89488a0c/auth/internal/token"
)

var errAllowed, errService = errors.New("allowed"), errors.New("of the service")

func TestError(t *testing.T) {
	err := error(&row.Error{Op: "create user", Code: "mysql 1040", Context: context.Canceled})
	if got, want := err.Error(), "auth: store: create user: mysql 1040"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if !errors.Is(err, token.ErrUnavailable) || !errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		t.Error("it matches something else than an outage that a cancelled context has made")
	}
}

func TestPassed(t *testing.T) {
	outage := &row.Error{Op: "of before", Code: "down"}
	for name, tt := range map[string]struct {
		err, want error
	}{
		"success":                {nil, nil},
		"a sentinel":             {fmt.Errorf("canary: %w", errAllowed), errAllowed},
		"no schema":              {fmt.Errorf("canary: %w", row.ErrSchema), row.ErrSchema},
		"an outage":              {fmt.Errorf("canary: %w", outage), outage},
		"the service's":          {fmt.Errorf("canary: %w", &row.ServiceError{Err: errService}), errService},
		"the service's, of ours": {&row.ServiceError{Err: outage}, outage},
	} {
		if got := row.Passed("ask", tt.err, errAllowed); got != tt.want {
			t.Errorf("%s: got %v, want %v", name, got, tt.want)
		}
		if got := row.Told(tt.want); got != tt.want {
			t.Errorf("%s: an event is told %v", name, got)
		}
	}
}

func TestPassedHidesOtherErrors(t *testing.T) {
	for name, tt := range map[string]struct {
		err     error
		text    string
		matches error
	}{
		"a driver's":             {errors.New("canary"), "auth: store: ask: *errors.errorString", token.ErrUnavailable},
		"the context's":          {fmt.Errorf("canary: %w", context.DeadlineExceeded), "auth: store: ask: *fmt.wrapError", context.DeadlineExceeded},
		"one that isn't allowed": {fmt.Errorf("canary: %w", row.ErrConflict), "auth: store: ask: *fmt.wrapError", token.ErrUnavailable},
	} {
		err := row.Passed("ask", tt.err, errAllowed)
		if err.Error() != tt.text || !errors.Is(err, tt.matches) || errors.Is(err, row.ErrConflict) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// Of an error with a driver's in it the caller gets all, and an event the code.
func TestToldHidesTheDriversText(t *testing.T) {
	told := &row.Error{Op: "create user", Code: "mysql 1062"}
	for _, outage := range []bool{false, true} {
		err := row.Passed("create user", &row.ServiceError{Err: errService, Told: told, Outage: outage})
		if err.Error() != errService.Error() || !errors.Is(err, errService) || errors.Is(err, token.ErrUnavailable) != outage {
			t.Errorf("an outage %v: got %v", outage, err)
		}
		if got := row.Told(fmt.Errorf("around it: %w", err)); got != error(told) {
			t.Errorf("an outage %v: an event is told %v", outage, got)
		}
	}
}
