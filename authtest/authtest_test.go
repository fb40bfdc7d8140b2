package authtest_test

import (
	"testing"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
)

func TestHasherConforms(t *testing.T) { authtest.TestHasher(t, authtest.Hasher{}) }

func TestNew(t *testing.T) {
	a := authtest.New(t)
	credentials := auth.Credentials{Email: "ada@example.com", Password: auth.NewPassword("correct horse")}
	if _, err := a.Register(t.Context(), auth.Registration{Email: credentials.Email, Password: credentials.Password}); err != nil {
		t.Fatal(err)
	}
	result, err := a.Login(t.Context(), credentials)
	if err != nil {
		t.Fatal(err)
	}
	if id, err := a.Verify(t.Context(), result.Tokens.Access); err != nil || id.UserID != result.User.ID {
		t.Fatalf("got %v, %v", id, err)
	}
	if _, err := authtest.New(t).Verify(t.Context(), result.Tokens.Access); err == nil {
		t.Error("another Authenticator accepts the token")
	}
}
