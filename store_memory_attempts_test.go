package auth_test

import (
	"testing"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
)

func TestMemoryAttemptStore(t *testing.T) {
	authtest.TestAttemptStore(t, func(*testing.T) auth.AttemptStore { return auth.NewMemoryStore() })
}
