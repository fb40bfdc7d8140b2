package auth_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authhttp"
	"github.com/seed89488a0c/auth/authtest"
	"github.com/seed89488a0c/auth/jwks"
)

// An Authenticator acts for identities that it verified itself and nobody changed,
// whoever else says the same of the same user.
func TestCheckIdentity(t *testing.T) {
	var events []auth.Event
	options := auth.Options{Events: func(_ context.Context, e auth.Event) { events = append(events, e) }}
	a := authtest.New(t, options)
	result := register(t, a)
	verified := func(v auth.Verifier) auth.Identity {
		t.Helper()
		id, err := v.Verify(t.Context(), result.Tokens.Access)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	own := verified(a)
	for range 2 { // also where the token is remembered
		if err := a.CheckIdentity(t.Context(), verified(a)); err != nil {
			t.Error(err)
		}
	}
	copied := a.WithStore(auth.NewMemoryStore())
	if err := errors.Join(copied.CheckIdentity(t.Context(), own), a.CheckIdentity(t.Context(), verified(copied))); err != nil {
		t.Errorf("with another store: %v", err)
	}
	through, ok := auth.FromContext(auth.NewContext(t.Context(), own))
	if err := a.CheckIdentity(t.Context(), through); err != nil || !ok {
		t.Errorf("through a context: %v", err)
	}

	byHand := auth.Identity{
		Issuer: own.Issuer, UserID: own.UserID, SessionID: own.SessionID, TokenID: own.TokenID, ClientID: own.ClientID,
		Audience: own.Audience, IssuedAt: own.IssuedAt, ExpiresAt: own.ExpiresAt, AuthTime: own.AuthTime, AMR: own.AMR,
	}
	otherUser, otherSession, later := own, own, own
	otherUser.UserID, otherSession.SessionID, later.AuthTime = "42", "s", own.AuthTime.Add(time.Second)
	other := authtest.New(t)
	others, err := other.Verify(t.Context(), register(t, other).Tokens.Access)
	if err != nil {
		t.Fatal(err)
	}
	for name, id := range map[string]auth.Identity{
		"nobody's": {}, "by hand": byHand, "another user": otherUser, "another session": otherSession, "a later login": later,
		"other claims": own.WithClaims([]byte(`{}`)), "another Authenticator's": others,
	} {
		events = nil
		err := a.CheckIdentity(t.Context(), id)
		if reason := (*auth.TokenError)(nil); !errors.As(err, &reason) || reason.Reason != "foreign" || !errors.Is(err, auth.ErrInvalidToken) {
			t.Errorf("%s: %v, want ErrInvalidToken for being foreign", name, err)
		}
		if len(events) != 1 || events[0].Kind != "token_refused" || events[0].Err != err || events[0].UserID != "" {
			t.Errorf("%s: events %+v", name, events)
		}
	}
}

// An issuer's own token, and a partner's for a user of the same ID, verified by package
// jwks: an Authenticator acts for neither.
func TestCheckIdentityOfJWKS(t *testing.T) {
	issuer := func(name string) (*auth.JWTIssuer, jwks.Config) {
		_, private, err := ed25519.GenerateKey(nil)
		if err != nil {
			t.Fatal(err)
		}
		key, err := auth.SigningKey(private)
		if err != nil {
			t.Fatal(err)
		}
		i := newIssuer(t, auth.JWTConfig{Issuer: name, Audience: "api", Keys: []auth.Key{key}})
		server := httptest.NewServer(authhttp.JWKS(i))
		t.Cleanup(server.Close)
		return i, jwks.Config{URL: server.URL, Issuer: name, Audience: "api"}
	}
	ours, oursConfig := issuer("ours")
	partners, partnersConfig := issuer("partner")
	a, err := auth.New(auth.NewMemoryStore(), ours, auth.Options{Hasher: authtest.Hasher{}})
	if err != nil {
		t.Fatal(err)
	}
	both, err := jwks.NewVerifier(oursConfig, partnersConfig)
	if err != nil {
		t.Fatal(err)
	}
	result := register(t, a)
	stolen, err := partners.Issue(t.Context(), auth.Subject{UserID: result.User.ID, AuthTime: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	for name, token := range map[string]string{"ours": result.Tokens.Access, "partner": stolen.Token} {
		id, err := both.Verify(t.Context(), token)
		if err != nil || id.UserID != result.User.ID || id.Issuer != name {
			t.Fatalf("%s: %#v, %v", name, id, err)
		}
		if err := a.CheckIdentity(t.Context(), id); !errors.Is(err, auth.ErrInvalidToken) {
			t.Errorf("%s: %v, want ErrInvalidToken", name, err)
		}
	}
}

// A token for several audiences is one that each of them can replay.
func TestWideAudience(t *testing.T) {
	var events []auth.Event
	issuer := newIssuer(t, auth.JWTConfig{Issuer: "https://issuer.example", Audience: "api", OtherAudiences: []string{"orders"}})
	a, err := auth.New(auth.NewMemoryStore(), issuer, auth.Options{
		Hasher: authtest.Hasher{},
		Events: func(_ context.Context, e auth.Event) { events = append(events, e) },
	})
	if err != nil {
		t.Fatal(err)
	}
	wide := register(t, a)
	id, err := a.Verify(t.Context(), wide.Tokens.Access)
	if err != nil || id.Audience != "api orders" {
		t.Fatalf("audience %q, %v", id.Audience, err)
	}
	events = nil
	err = a.CheckIdentity(t.Context(), id)
	if err != auth.ErrWideAudience || !errors.Is(err, auth.ErrInvalidToken) {
		t.Errorf("%v, want ErrWideAudience, which matches ErrInvalidToken", err)
	}
	if len(events) != 1 || events[0].Kind != "token_refused" || events[0].UserID != wide.User.ID || events[0].Err != err {
		t.Errorf("events %+v", events)
	}
	narrow, err := issuer.Issue(t.Context(), auth.Subject{UserID: wide.User.ID, AuthTime: time.Now(), Audience: []string{"api"}})
	if err != nil {
		t.Fatal(err)
	}
	if id, err = a.Verify(t.Context(), narrow.Token); err != nil || a.CheckIdentity(t.Context(), id) != nil || id.Audience != "api" {
		t.Errorf("audience %q, %v", id.Audience, err)
	}
	id.Audience = "" // nobody narrows a token by hand
	if err := a.CheckIdentity(t.Context(), id); !errors.Is(err, auth.ErrInvalidToken) || err == auth.ErrWideAudience {
		t.Errorf("%v, want ErrInvalidToken", err)
	}
}
