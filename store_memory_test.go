package auth_test

import (
	"testing"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
)

func TestMemoryStore(t *testing.T) {
	authtest.TestUserStore(t, func(*testing.T) auth.UserStore { return auth.NewMemoryStore() })
}
