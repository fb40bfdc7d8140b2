package auth_test

import (
	"testing"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
)

func TestMemorySessionStore(t *testing.T) {
	authtest.TestSessionStore(t, func(*testing.T) auth.SessionStore { return auth.NewMemoryStore() })
}
