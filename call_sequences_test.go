package auth_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/seed89488a0c/auth"
)

// The calls that each way through takes are the promise of speed, and that they
// are the same for everybody is the promise of equal work.
// ASVS 5.0 6.3.8
func TestCallSequences(t *testing.T) {
	a, store, hasher := recorded(t)
	result := register(t, a)
	if got, want := store.take(), []string{"Hash", "CreateUser"}; !slices.Equal(got, want) {
		t.Errorf("Register calls %v, want %v", got, want)
	}
	disabled := importUser(t, a, "disabled@example.com", hashOf(t, password))
	if err := a.SetDisabled(t.Context(), disabled, true); err != nil {
		t.Fatal(err)
	}
	importUser(t, a, "empty@example.com", "")
	unreadable := auth.UserRecord{User: auth.User{ID: "unreadable"}, EmailKey: "unreadable@example.com", PasswordHash: "$md5$"}
	if _, err := store.UserStore.CreateUser(t.Context(), unreadable); err != nil {
		t.Fatal(err)
	}
	store.take()

	login := func(email, password string) []string {
		_, err := a.Login(t.Context(), credentials(email, password))
		if password != "correct horse battery" || email != "ada@example.com" {
			wantErr(t, err, auth.ErrInvalidCredentials)
			if err != auth.ErrInvalidCredentials {
				t.Errorf("%s: the answer differs: %v", email, err)
			}
		} else if err != nil {
			t.Error(err)
		}
		return store.take()
	}
	want := []string{"UserByEmail", "Inspect", "Verify authtest 64 bytes"}
	for _, attempt := range []struct{ name, email, password string }{
		{"right password", email, password},
		{"wrong password", email, "wrong"},
		{"empty password", email, ""},
		{"unknown address", "nobody@example.com", password},
		{"empty address", "", password},
		{"address that is none", "\xff", password},
		{"huge address", strings.Repeat("x", 10<<20), password},
		{"disabled, right password", "disabled@example.com", password},
		{"disabled, wrong password", "disabled@example.com", "wrong"},
		{"no password set", "empty@example.com", password},
		{"no password set, none given", "empty@example.com", ""},
	} {
		if got := login(attempt.email, attempt.password); !slices.Equal(got, want) {
			t.Errorf("%s: Login calls %v, want %v", attempt.name, got, want)
		}
	}
	if got, want := login("unreadable@example.com", password), []string{"UserByEmail", "Inspect", "Verify authtest 64 bytes"}; !slices.Equal(got, want) {
		t.Errorf("unreadable hash: Login calls %v, want %v", got, want)
	}

	stored, err := store.UserStore.UserByEmail(t.Context(), email)
	if err != nil {
		t.Fatal(err)
	}
	hasher.age(stored.PasswordHash)
	if got, want := login(email, password), append(want, "Hash", "UpdateUser"); !slices.Equal(got, want) {
		t.Errorf("outdated hash: Login calls %v, want %v", got, want)
	}
	if got := login(email, password); !slices.Equal(got, want) {
		t.Errorf("after the upgrade Login calls %v, want %v", got, want)
	}
	if _, err := a.Verify(t.Context(), result.Tokens.Access); err != nil || len(store.take()) > 0 {
		t.Errorf("Verify does other work than Verify, or fails: %v", err)
	}
}
