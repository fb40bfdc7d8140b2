package row

import (
	"errors"
	"fmt"

	"github.com/seed89488a0c/auth/internal/fault"
	"github.com/seed89488a0c/auth/internal/token"
)

// What a store answers beside success and outages. The last two are auth's own.
var (
	ErrTaken    = errors.New("row: the key is taken")
	ErrNotFound = errors.New("row: not found")
	ErrConflict = fault.New("conflict", "auth: conflicting change", nil)
	ErrSchema   = fault.New("schema", "auth: database schema missing or outdated, run Migrate", token.ErrUnavailable)
)

// Error is auth's StoreError: an outage of a store, in terms that may be logged.
type Error struct {
	Op      string // what was asked, such as "create user"
	Code    string // the store's own code, such as "mysql 1040"; never its text
	Context error  // context.Canceled or context.DeadlineExceeded, or nil
}

func (e *Error) Error() string { return "auth: store: " + e.Op + ": " + e.Code }

// Unwrap returns what the error matches: [token.ErrUnavailable], and the context's error
// where that ended it.
func (e *Error) Unwrap() []error { return fault.Matches(e.Context) }

// ServiceError is an error of the service's own, which is passed on whole: what its
// function returned that writes beside a new user.
type ServiceError struct {
	Err error

	// Told is what may be logged of an error that has a driver's in it, whose text can
	// hold what people entered; nil = there is none.
	Told   *Error
	Outage bool // of the database
}

func (e *ServiceError) Error() string { return e.Err.Error() }

// Unwrap returns the service's error.
func (e *ServiceError) Unwrap() error { return e.Err }

// besideError is a [ServiceError] that has a driver's in it: whole for the caller, and a
// code for events.
type besideError struct {
	error
	told    *Error
	matches []error
}

func (e *besideError) Unwrap() []error { return e.matches }

// Passed passes on the sentinels that a store may return, its outages and the errors of
// the service's own function, and hides everything else, since a driver's text can hold
// the address (MySQL's 1062 does).
func Passed(op string, err error, allowed ...error) error {
	if err == nil {
		return nil
	}
	if own, ok := errors.AsType[*ServiceError](err); ok {
		if own.Told == nil {
			return own.Err
		}
		e := &besideError{own.Err, own.Told, []error{own.Err}}
		if own.Outage {
			e.matches = append(e.matches, token.ErrUnavailable)
		}
		return e
	}
	if known, ok := errors.AsType[*Error](err); ok {
		return known
	}
	for _, sentinel := range append(allowed, ErrSchema) {
		if errors.Is(err, sentinel) {
			return sentinel
		}
	}
	return &Error{Op: op, Code: fmt.Sprintf("%T", err), Context: fault.Context(err)}
}

// Told returns what an event is told of an error: of the service's own with a driver's in
// it that is an [*Error] with the code, since the driver's text can hold what people
// entered.
func Told(err error) error {
	if beside, ok := errors.AsType[*besideError](err); ok {
		return beside.told
	}
	return err
}
