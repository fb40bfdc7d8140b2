package event

import (
	"errors"

	"github.com/seed89488a0c/auth/internal/fault"
	"github.com/seed89488a0c/auth/internal/input"
	"github.com/seed89488a0c/auth/internal/row"
)

// Code returns what an event tells an error by: the code of an input's or a store's, or
// what [fault.Code] says.
func Code(err error) string {
	if wrong, ok := errors.AsType[*input.Error](err); ok {
		return wrong.Code
	}
	if store, ok := errors.AsType[*row.Error](err); ok {
		return store.Code
	}
	return fault.Code(err)
}
