package auth_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"net/http/httptest"
	"strings"
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

// What a session was begun for is what its tokens are for, whatever becomes of the
// issuer's own audiences, and a password given again changes nothing about it.
func TestSessionAudience(t *testing.T) {
	store := auth.NewMemoryStore()
	keys := []auth.Key{auth.GenerateKey()}
	with := func(others ...string) *auth.Authenticator {
		t.Helper()
		issuer := newIssuer(t, auth.JWTConfig{Issuer: "issuer", Audience: "api", OtherAudiences: others, Keys: keys})
		a, err := auth.New(store, issuer, auth.Options{Hasher: authtest.Hasher{}, Sessions: auth.SessionConfig{Store: store, Grace: -1}})
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	ctx, a := t.Context(), with("orders", "mail")
	audience := func(tokens auth.Tokens) string {
		t.Helper()
		return identity(t, a, tokens).Audience
	}
	registered, err := a.Register(ctx, auth.Registration{Email: email, Password: auth.NewPassword(password), Audience: []string{"mail", "api"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := audience(registered.Tokens); got != "api mail" {
		t.Errorf("registered for %q", got)
	}
	wider, narrower := with("orders", "mail", "new"), with("orders")
	tokens := refreshed(t, wider, registered.Tokens.Refresh)
	if got := audience(tokens); got != "api mail" {
		t.Errorf("where the issuer has more audiences: %q", got)
	}
	for _, asked := range [][]string{{"new"}, {"orders"}, {"api", "orders"}} {
		_, err := wider.Refresh(ctx, auth.Renewal{Token: tokens.Refresh, Audience: asked})
		wantInput(t, err, "audience", "not_allowed")
	}
	if tokens = refreshed(t, narrower, tokens.Refresh); audience(tokens) != "api" { // nothing of this has used it
		t.Errorf("where the issuer has fewer audiences: %q", audience(tokens))
	}
	narrow, err := a.Refresh(ctx, auth.Renewal{Token: tokens.Refresh, Audience: []string{"api"}})
	if err != nil || audience(narrow.Tokens) != "api" {
		t.Fatalf("asked for less: %q, %v", audience(narrow.Tokens), err)
	}
	tokens = refreshed(t, a, narrow.Tokens.Refresh)
	if got := audience(tokens); got != "api mail" {
		t.Errorf("after a token for less: %q", got)
	}

	wide, own, p := identity(t, a, tokens), identity(t, a, narrow.Tokens), auth.NewPassword(password)
	for _, err := range []error{
		second(a.Reauthenticate(ctx, auth.Reauthentication{Identity: wide, Password: p})),
		second(a.ChangePassword(ctx, auth.PasswordChange{Identity: wide, Current: p, New: auth.NewPassword(password + "2")})),
	} {
		wantErr(t, err, auth.ErrWideAudience)
	}
	again, err := a.Reauthenticate(ctx, auth.Reauthentication{Identity: own, Password: p})
	if err != nil || audience(again.Tokens) != "api mail" {
		t.Fatalf("%q, %v", audience(again.Tokens), err)
	}
	narrow, err = a.Refresh(ctx, auth.Renewal{Token: again.Tokens.Refresh, Audience: []string{"api"}})
	if err != nil {
		t.Fatal(err)
	}
	changed, err := narrower.ChangePassword(ctx, auth.PasswordChange{
		Identity: identity(t, narrower, narrow.Tokens), Current: p, New: auth.NewPassword(password + "2"),
	})
	if err != nil || audience(changed.Tokens) != "api" {
		t.Fatalf("%q, %v", audience(changed.Tokens), err)
	}

	// A session for another service alone, which goes away.
	orders, err := a.Login(ctx, auth.Credentials{Email: email, Password: auth.NewPassword(password + "2"), Audience: []string{"orders"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Verify(ctx, orders.Tokens.Access); !errors.Is(err, auth.ErrInvalidToken) {
		t.Errorf("%v, want ErrInvalidToken", err)
	}
	next := refreshed(t, narrower, orders.Tokens.Refresh)
	refused(t, with("mail"), next.Refresh, auth.ErrInvalidToken)
	refreshed(t, a, next.Refresh)

	// Without sessions it is the token that is told by.
	issuer := newIssuer(t, auth.JWTConfig{Issuer: "issuer", Audience: "api", OtherAudiences: []string{"orders"}, Keys: keys})
	without, err := auth.New(auth.NewMemoryStore(), issuer, auth.Options{Hasher: authtest.Hasher{}})
	if err != nil {
		t.Fatal(err)
	}
	registered, err = without.Register(ctx, auth.Registration{Email: email, Password: p, Audience: []string{"api"}})
	if err != nil {
		t.Fatal(err)
	}
	again, err = without.Reauthenticate(ctx, auth.Reauthentication{Identity: identity(t, without, registered.Tokens), Password: p})
	if err != nil || identity(t, without, again.Tokens).Audience != "api" {
		t.Errorf("%v, want a token for api", err)
	}
}

// An audience that there are no tokens for is told, and nobody is logged in by it.
func TestAudienceRefused(t *testing.T) {
	a := newAuth(t, auth.NewMemoryStore())
	register(t, a)
	for _, tt := range []struct {
		audience []string
		code     string
	}{
		{[]string{"other"}, "not_allowed"},
		{[]string{""}, "not_allowed"},
		{[]string{"https://api.example", "a b"}, "not_allowed"},
		{[]string{"\xff"}, "not_allowed"},
		{[]string{strings.Repeat("x", 1024)}, "not_allowed"},
		{[]string{strings.Repeat("x", 1000), strings.Repeat("y", 24)}, "too_long"},
	} {
		r, c := registration(), credentials(email, password)
		r.Email, r.Audience, c.Audience = "bob@example.com", tt.audience, tt.audience
		for _, err := range []error{second(a.Register(t.Context(), r)), second(a.Login(t.Context(), c))} {
			wantInput(t, err, "audience", tt.code)
		}
	}
	if _, err := a.Login(t.Context(), credentials("bob@example.com", password)); !errors.Is(err, auth.ErrInvalidCredentials) {
		t.Errorf("%v: a registration that was refused created a user", err)
	}
	// Also where the issuer takes anything: a session keeps words.
	lax, err := auth.New(auth.NewMemoryStore(), laxIssuer{newIssuer(t, auth.JWTConfig{})}, auth.Options{Hasher: authtest.Hasher{}})
	if err != nil {
		t.Fatal(err)
	}
	for _, audience := range []string{"a b", "", "\xff"} {
		r := registration()
		r.Audience = []string{audience}
		wantInput(t, second(lax.Register(t.Context(), r)), "audience", "not_allowed")
	}

	c := credentials(email, "wrong")
	c.Audience = []string{"other"}
	wantErr(t, second(a.Login(t.Context(), c)), auth.ErrInvalidCredentials)
}

// laxIssuer does not look at what it is asked for.
type laxIssuer struct{ *auth.JWTIssuer }

func (i laxIssuer) Issue(ctx context.Context, s auth.Subject) (auth.IssuedToken, error) {
	s.Audience, s.Granted = nil, nil
	return i.JWTIssuer.Issue(ctx, s)
}
