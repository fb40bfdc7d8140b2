package pepper_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
	"github.com/seed89488a0c/auth/pepper"
)

const (
	email    = "ada@example.com"
	password = "correct horse battery"
)

func secret(t testing.TB, id string) pepper.Pepper {
	t.Helper()
	p, err := pepper.HMAC(id, bytes.Repeat(append([]byte(id), 0xff), 32))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func peppered(t testing.TB, active pepper.Pepper, old ...pepper.Pepper) auth.Hasher {
	t.Helper()
	h, err := pepper.New(authtest.Hasher{}, active, old...)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func hashOf(t testing.TB, h auth.Hasher) string {
	t.Helper()
	encoded, err := h.Hash(t.Context(), auth.NewPassword(password))
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

func login(t testing.TB, a *auth.Authenticator, password string) error {
	t.Helper()
	_, err := a.Login(t.Context(), auth.Credentials{Email: email, Password: auth.NewPassword(password)})
	return err
}

func importUser(t testing.TB, a *auth.Authenticator, hash string) {
	t.Helper()
	if _, err := a.Import(t.Context(), auth.UserRecord{User: auth.User{Email: email}, PasswordHash: hash}); err != nil {
		t.Fatal(err)
	}
}

func TestHasher(t *testing.T) {
	authtest.TestHasher(t, peppered(t, secret(t, "k2"), secret(t, "k1")))
}

// Users log in through every change of peppers, and end up under the active one.
// ASVS 5.0 11.2.2, 13.3.4
func TestPepperRotation(t *testing.T) {
	store := auth.NewMemoryStore()
	k1, k2 := secret(t, "k1"), secret(t, "k2")
	importUser(t, authtest.New(t).WithStore(store), hashOf(t, authtest.Hasher{}))
	stored := func() string {
		r, err := store.UserByEmail(t.Context(), email)
		if err != nil {
			t.Fatal(err)
		}
		return r.PasswordHash
	}
	for _, step := range []struct {
		hasher auth.Hasher
		prefix string
	}{
		{peppered(t, k1), "$pepper$k1$$authtest$"},     // the table had no pepper
		{peppered(t, k2, k1), "$pepper$k2$$authtest$"}, // rotation
		{peppered(t, k2), "$pepper$k2$$authtest$"},
		{peppered(t, k1, k2), "$pepper$k1$$authtest$"}, // and back
	} {
		a := authtest.New(t, auth.Options{Hasher: step.hasher}).WithStore(store)
		for range 2 {
			if err := login(t, a, password); err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(stored(), step.prefix) {
				t.Errorf("stored is %s, want %s…", stored(), step.prefix)
			}
		}
		if err := login(t, a, "wrong"); err != auth.ErrInvalidCredentials {
			t.Errorf("a wrong password gave %v", err)
		}
	}
	var event auth.Event
	lost := authtest.New(t, auth.Options{Hasher: peppered(t, k2), Events: func(_ context.Context, e auth.Event) { event = e }}).WithStore(store)
	if err := login(t, lost, password); err != auth.ErrInvalidCredentials || event.Err != auth.ErrMalformedHash {
		t.Errorf("a lost pepper gave %v and the event %+v", err, event)
	}
	if err := login(t, authtest.New(t).WithStore(store), password); err != auth.ErrInvalidCredentials {
		t.Errorf("no pepper gave %v", err)
	}
}

func TestPepperDecides(t *testing.T) {
	h1, h2 := peppered(t, secret(t, "k")), authtest.Hasher{}
	encoded := hashOf(t, h1)
	if match, err := h2.Verify(t.Context(), strings.TrimPrefix(encoded, "$pepper$k$"), auth.NewPassword(password)); match || err != nil {
		t.Errorf("the hash verifies without the pepper: %t, %v", match, err)
	}
	other, err := pepper.HMAC("k", bytes.Repeat([]byte("x\xff"), 32))
	if err != nil {
		t.Fatal(err)
	}
	if match, err := peppered(t, other).Verify(t.Context(), encoded, auth.NewPassword(password)); match || err != nil {
		t.Errorf("the hash verifies with another pepper of the same ID: %t, %v", match, err)
	}
	if info := h1.Inspect(encoded); info.KeyID != "k" || info.Outdated {
		t.Errorf("got %+v", info)
	}
}

// Hashes that are stored already are read as they were written.
func TestStoredFormat(t *testing.T) {
	const stored = "$pepper$k$$authtest$I5uQcD43D4KZdM0AFJc9OA$WIQCmKBTpGP8nDgIQlS9cc6bhmGhpfNV8loFH621CZo"
	if match, err := peppered(t, secret(t, "k")).Verify(t.Context(), stored, auth.NewPassword(password)); !match || err != nil {
		t.Errorf("got %t, %v", match, err)
	}
}

type causeError struct{}

func (causeError) Error() string { return "canary" }

// A pepper may be another machine's, which may be down.
func TestOutage(t *testing.T) {
	var answer error
	kms := pepper.Pepper{ID: "kms", MAC: func(context.Context, []byte) ([]byte, error) { return make([]byte, 32), answer }}
	hasher := peppered(t, kms)
	a := authtest.New(t, auth.Options{Hasher: hasher})
	importUser(t, a, hashOf(t, hasher))
	answer = causeError{}
	_, registering := a.Register(t.Context(), auth.Registration{Email: "other@example.com", Password: auth.NewPassword(password)})
	for _, err := range []error{login(t, a, password), login(t, a, "wrong"), registering} {
		if !errors.Is(err, auth.ErrUnavailable) || errors.Is(err, auth.ErrInvalidCredentials) || errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if got, want := fmt.Sprint(err), "pepper: kms: pepper_test.causeError"; got != want { // never the cause's text
			t.Errorf("got %q, want %q", got, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := hasher.Hash(ctx, auth.NewPassword(password)); !errors.Is(err, auth.ErrUnavailable) || !errors.Is(err, context.Canceled) {
		t.Errorf("a context that ended gave %v", err)
	}
	for _, n := range []int{0, 15, 65} {
		odd := pepper.Pepper{ID: "odd", MAC: func(context.Context, []byte) ([]byte, error) { return make([]byte, n), nil }}
		if _, err := peppered(t, odd).Hash(t.Context(), auth.NewPassword(password)); !errors.Is(err, auth.ErrUnavailable) {
			t.Errorf("a MAC of %d bytes gave %v", n, err)
		}
	}
}

// The first pepper is made known to all replicas before one of them hashes with it,
// and none is locked out who meets the other kind; the same way leads back.
func TestFirstPepper(t *testing.T) {
	ctx, first, p := t.Context(), secret(t, "first"), auth.NewPassword("correct horse")
	plain, err := pepper.New(authtest.Hasher{}, pepper.Pepper{}, first)
	if err != nil {
		t.Fatal(err)
	}
	authtest.TestHasher(t, plain)
	peppered, err := pepper.New(authtest.Hasher{}, first)
	if err != nil {
		t.Fatal(err)
	}
	for _, from := range []auth.Hasher{plain, peppered} {
		encoded, err := from.Hash(ctx, p)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(encoded, "$pepper$") != (from == peppered) || from.Inspect("").KeyID == "" != (from == plain) {
			t.Errorf("hash %s of key %q", encoded, from.Inspect("").KeyID)
		}
		for _, to := range []auth.Hasher{plain, peppered} {
			if match, err := to.Verify(ctx, encoded, p); !match || err != nil || to.Inspect(encoded).Outdated != (from != to) {
				t.Errorf("%s elsewhere: %v, %v, %+v", encoded, match, err, to.Inspect(encoded))
			}
		}
	}
}

func TestRefuses(t *testing.T) {
	good := secret(t, "k")
	if _, err := pepper.HMAC("k", make([]byte, 31)); err == nil {
		t.Error("a secret of 31 bytes was accepted")
	}
	if _, err := pepper.HMAC("k", []byte("a passphrase of more than 32 bytes\n")); err == nil || strings.Contains(err.Error(), "passphrase of") {
		t.Errorf("a passphrase: %v", err)
	}
	for name, peppers := range map[string][]pepper.Pepper{
		"zero":    {good, {}},
		"zero x2": {{}, {}},
		"no MAC":  {{ID: "k"}},
		"no ID":   {{MAC: good.MAC}},
		"long ID": {{ID: strings.Repeat("k", 33), MAC: good.MAC}},
		"odd ID":  {{ID: "k$", MAC: good.MAC}},
		"twice":   {good, good},
	} {
		if _, err := pepper.New(authtest.Hasher{}, peppers[0], peppers[1:]...); err == nil {
			t.Errorf("%s: was accepted", name)
		}
	}
	if _, err := pepper.New(nil, good); err == nil {
		t.Error("no hasher was accepted")
	}
}
