package auth_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
)

type role struct {
	Role string `json:"role"`
}

func TestClaims(t *testing.T) {
	ctx := t.Context()
	var seen []auth.User
	a := newAuth(t, auth.NewMemoryStore(), auth.Options{Claims: func(_ context.Context, u auth.User) (any, error) {
		seen = append(seen, u)
		return role{"role of " + u.Email}, nil
	}})
	registered, err := a.Register(ctx, auth.Registration{Email: "Ada@Example.com", Username: "Ada", Password: auth.NewPassword(password)})
	if err != nil {
		t.Fatal(err)
	}
	loggedIn, err := a.Login(ctx, auth.Credentials{Email: "ada@example.com", Password: auth.NewPassword(password)})
	if err != nil {
		t.Fatal(err)
	}
	for _, result := range []auth.Result{registered, loggedIn} {
		id, err := a.Verify(ctx, result.Tokens.Access)
		var got role
		if err == nil {
			err = id.Claims(&got)
		}
		if err != nil || got.Role != "role of Ada@example.com" || id.UserID != result.User.ID {
			t.Errorf("got %+v, %v", got, err)
		}
	}
	if len(seen) != 2 || seen[0] != registered.User || seen[1] != registered.User {
		t.Errorf("called with %d users, want the same one twice", len(seen))
	}
	if _, err := a.Login(ctx, auth.Credentials{Email: "ada@example.com", Password: auth.NewPassword("wrong password")}); !errors.Is(err, auth.ErrInvalidCredentials) {
		t.Error(err)
	}
	if len(seen) != 2 {
		t.Error("called for a wrong password")
	}
}

// Claims that may not be there, or cannot be told, log nobody in and leave
// nothing behind.
func TestWithClaimsRefuses(t *testing.T) {
	secret := errors.New("secret-text")
	for name, f := range map[string]func() (any, error){
		"an error":         func() (any, error) { return nil, secret },
		"cancelled":        func() (any, error) { return nil, context.Canceled },
		"sub":              func() (any, error) { return map[string]any{"sub": "secret-text"}, nil },
		"Exp":              func() (any, error) { return map[string]any{"Exp": 9999999999}, nil },
		"names twice":      func() (any, error) { return json.RawMessage(`{"a":1,"a":"secret-text"}`), nil },
		"no object":        func() (any, error) { return []string{"secret-text"}, nil },
		"too large":        func() (any, error) { return role{strings.Repeat("r", 5000)}, nil },
		"not marshallable": func() (any, error) { return map[string]any{"f": func() {}}, nil },
	} {
		t.Run(name, func(t *testing.T) {
			off := true
			store := auth.NewMemoryStore()
			a := newAuth(t, store, auth.Options{Claims: func(context.Context, auth.User) (any, error) {
				if off {
					return nil, nil
				}
				return f()
			}})
			ctx := t.Context()
			if _, err := a.Register(ctx, auth.Registration{Email: "ada@example.com", Password: auth.NewPassword(password)}); err != nil {
				t.Fatal(err)
			}
			off = false
			_, loginErr := a.Login(ctx, auth.Credentials{Email: "ada@example.com", Password: auth.NewPassword(password)})
			result, registerErr := a.Register(ctx, auth.Registration{Email: "bob@example.com", Password: auth.NewPassword(password)})
			for _, err := range []error{loginErr, registerErr} {
				if !errors.Is(err, auth.ErrUnavailable) || errors.Is(err, auth.ErrInvalidCredentials) || strings.Contains(fmt.Sprintf("%+v", err), "secret-text") {
					t.Errorf("got %v", err)
				}
			}
			if errors.Is(loginErr, context.Canceled) != (name == "cancelled") {
				t.Errorf("got %v", loginErr)
			}
			if result != (auth.Result{}) {
				t.Error("a result beside an error")
			}
			if _, err := store.UserByEmail(ctx, "bob@example.com"); !errors.Is(err, auth.ErrUserNotFound) {
				t.Errorf("a user is left behind: %v", err)
			}
		})
	}
}

func TestTokenTTL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		a := newAuth(t, auth.NewMemoryStore())
		p := auth.NewPassword(password)
		registered, err := a.Register(ctx, auth.Registration{Email: "ada@example.com", Password: p, TokenTTL: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		loggedIn, err := a.Login(ctx, auth.Credentials{Email: "ada@example.com", Password: p, TokenTTL: 3 * time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct {
			tokens auth.Tokens
			ttl    time.Duration
		}{{registered.Tokens, time.Second}, {loggedIn.Tokens, 3 * time.Minute}} {
			id, err := a.Verify(ctx, tt.tokens.Access)
			if err != nil || id.ExpiresAt.Sub(id.IssuedAt) != tt.ttl || !tt.tokens.AccessExpiresAt.Equal(id.ExpiresAt) {
				t.Errorf("%v: from %v to %v, %v", tt.ttl, id.IssuedAt, id.ExpiresAt, err)
			}
			time.Sleep(time.Until(id.ExpiresAt) - time.Nanosecond)
			_, before := a.Verify(ctx, tt.tokens.Access)
			time.Sleep(time.Nanosecond)
			_, after := a.Verify(ctx, tt.tokens.Access)
			if before != nil || !errors.Is(after, auth.ErrExpiredToken) {
				t.Errorf("%v: %v, then %v", tt.ttl, before, after)
			}
		}
		for _, ttl := range []time.Duration{-time.Second, 180, time.Second + 1, 100 * 365 * 24 * time.Hour} {
			_, loginErr := a.Login(ctx, auth.Credentials{Email: "ada@example.com", Password: p, TokenTTL: ttl})
			_, registerErr := a.Register(ctx, auth.Registration{Email: "bob@example.com", Password: p, TokenTTL: ttl})
			for _, err := range []error{loginErr, registerErr} {
				var input *auth.InputError
				if !errors.As(err, &input) || input.Field != "token_ttl" || input.Code != "out_of_range" {
					t.Errorf("%d: %v", ttl, err)
				}
			}
		}
	})
}

// Nil is no claims, of whatever type.
func TestWithoutClaims(t *testing.T) {
	for _, v := range []any{nil, (*role)(nil), map[string]any(nil), map[string]any{}, struct{}{}} {
		a := newAuth(t, auth.NewMemoryStore(), auth.Options{Claims: func(context.Context, auth.User) (any, error) { return v, nil }})
		if id, err := a.Verify(t.Context(), register(t, a).Tokens.Access); err != nil || id.UserID == "" {
			t.Errorf("%T: %v", v, err)
		}
	}
}

// Why a token was refused is told to the events, and to nobody else.
// ASVS 5.0 16.3.2
func TestRefusedTokensAreEvents(t *testing.T) {
	var events []auth.Event
	a := newAuth(t, auth.NewMemoryStore(), auth.Options{Events: func(_ context.Context, e auth.Event) { events = append(events, e) }})
	token := register(t, a).Tokens.Access
	events = nil
	if _, err := a.Verify(t.Context(), token); err != nil || len(events) != 0 {
		t.Errorf("%v, events %v", err, events)
	}
	_, err := a.Verify(t.Context(), token[:len(token)-8]+"AAAAAAAA")
	wantErr(t, err, auth.ErrInvalidToken)
	var why *auth.TokenError
	if len(events) != 1 || events[0].Kind != "token_refused" || !errors.As(events[0].Err, &why) || why.Reason != "signature" {
		t.Errorf("events %+v", events)
	}
}

// The acr is made of the session's amr for every token, so that a new policy needs no
// migration, and a refresh is worth what the login was.
func TestACR(t *testing.T) {
	ctx := t.Context()
	policy := func(amr string) string {
		if slices.Contains(strings.Fields(amr), "mfa") {
			return "https://shop.example/acr/2"
		}
		return "https://shop.example/acr/1 of " + amr
	}
	store, issuer := auth.NewMemoryStore(), newIssuer(t, auth.JWTConfig{ACR: func(amr string) string { return policy(amr) }})
	a, err := auth.New(store, issuer, auth.Options{Hasher: authtest.Hasher{}, Sessions: auth.SessionConfig{Store: store}})
	if err != nil {
		t.Fatal(err)
	}
	check := func(result auth.Result, err error, want string) auth.Identity {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		id, err := a.Verify(ctx, result.Tokens.Access)
		var claims map[string]any
		if err == nil {
			err = id.Claims(&claims)
		}
		claim, _ := claims["acr"].(string)
		if _, there := claims["acr"]; err != nil || id.ACR != want || claim != want || there != (want != "") {
			t.Errorf("ACR %q, claim %v, want %q; %v", id.ACR, claims["acr"], want, err)
		}
		return id
	}
	const password1, password2 = "https://shop.example/acr/1 of pwd", "https://shop.example/acr/2"
	registered := register(t, a)
	check(registered, nil, password1)
	result, err := a.Login(ctx, credentials(email, password))
	id := check(result, err, password1)
	result, err = a.Refresh(ctx, auth.Renewal{Token: result.Tokens.Refresh})
	check(result, err, password1)
	result, err = a.LoginWith(ctx, auth.Proof{UserID: id.UserID, AMR: "pwd otp mfa", Identity: &id})
	id = check(result, err, password2)
	result, err = a.Refresh(ctx, auth.Renewal{Token: result.Tokens.Refresh})
	check(result, err, password2)
	again, err := a.Reauthenticate(ctx, auth.Reauthentication{Identity: id, Password: auth.NewPassword(password)})
	check(again, err, password1) // no second factor was given now

	result, err = a.LoginWith(ctx, auth.Proof{UserID: id.UserID, AMR: "sms otp mfa"})
	check(result, err, password2)
	policy = func(amr string) string { // texts no longer count
		if amr == "sms otp mfa" {
			return ""
		}
		return "acr"
	}
	result, err = a.Refresh(ctx, auth.Renewal{Token: result.Tokens.Refresh})
	check(result, err, "")

	a = newAuth(t, auth.NewMemoryStore())
	check(register(t, a), nil, "")
}
