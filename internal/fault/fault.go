// Package fault is what can go wrong: sentinels with the codes that events have for
// them, and outages that keep what failed out of their text.
package fault

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/seed89488a0c/auth/internal/token"
)

// sentinel is an error to branch on.
type sentinel struct {
	code    string
	text    string
	general error
}

// New returns an error that an event tells by a code. It matches general too, unless
// that is nil.
func New(code, text string, general error) error { return &sentinel{code, text, general} }

func (s *sentinel) Error() string { return s.text }
func (s *sentinel) Unwrap() error { return s.general }

// outage is that of a hasher, an issuer or a function of the service's own: what was
// asked, and the type of its error.
type outage struct {
	op      string
	kind    string
	matches []error
	own     func() error // the service's error, for an event; in a closure, so that it does not print
}

func (e *outage) Error() string   { return "auth: " + e.op + ": " + e.kind }
func (e *outage) Unwrap() []error { return e.matches }

// Told is an outage that can be told in words of our own.
func Told(op, words string) error {
	return &outage{op: op, kind: words, matches: Matches(nil)}
}

// Hidden is an outage of which only the type is told, and the context's error where
// that ended it. What one of these functions returned is passed on.
func Hidden(op string, err error) error {
	if own, ok := errors.AsType[*outage](err); ok {
		return own
	}
	return &outage{op: op, kind: fmt.Sprintf("%T", err), matches: Matches(Context(err))}
}

// Passed is [Hidden], but for what matches [token.ErrUnavailable]: that is passed on as
// it is, and holds no secrets by the contract of whose it is.
func Passed(op string, err error) error {
	if errors.Is(err, token.ErrUnavailable) {
		return err
	}
	return Hidden(op, err)
}

// Service is [Passed] of the error of a function of the service's own, which [Whole]
// gives back.
func Service(op string, err error) error {
	e := Passed(op, err)
	if told, ok := e.(*outage); ok {
		own := *told // which may be another call's too
		own.own = func() error { return err }
		return &own
	}
	return e
}

// Whole returns err with all of the service's own error, where there is one.
func Whole(err error) error {
	if e, ok := errors.AsType[*outage](err); ok && e.own != nil {
		return fmt.Errorf("auth: %s: %w (%w)", e.op, e.own(), token.ErrUnavailable)
	}
	return err
}

// Context returns the error of a context that err matches, or nil.
func Context(err error) error {
	for _, cause := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, cause) {
			return cause
		}
	}
	return nil
}

// Matches returns what an outage matches that a context's error has ended, or nothing.
func Matches(ended error) []error {
	if ended != nil {
		return []error{token.ErrUnavailable, ended}
	}
	return []error{token.ErrUnavailable}
}

// Code returns what an event tells an error by: the reason of a token's, what was asked
// of what is out, or the code of a sentinel, the specific ones before the general.
func Code(err error) string {
	if refused, ok := errors.AsType[*token.Error](err); ok {
		return refused.Reason
	}
	if out, ok := errors.AsType[*outage](err); ok {
		return strings.ReplaceAll(out.op, " ", "_")
	}
	if known, ok := errors.AsType[*sentinel](err); ok {
		return known.code
	}
	switch {
	case errors.Is(err, token.ErrExpired):
		return "expired_token"
	case errors.Is(err, token.ErrInvalid):
		return "invalid_token"
	case errors.Is(err, token.ErrUnavailable):
		return "unavailable"
	}
	return "service"
}
