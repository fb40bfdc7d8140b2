package auth_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
)

func pepper(t testing.TB, id string) auth.Pepper {
	t.Helper()
	p, err := auth.HMACPepper(id, bytes.Repeat([]byte(id), 32))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func peppered(t testing.TB, active auth.Pepper, old ...auth.Pepper) auth.Hasher {
	t.Helper()
	h, err := auth.Peppered(authtest.Hasher{}, active, old...)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestPeppered(t *testing.T) {
	authtest.TestHasher(t, peppered(t, pepper(t, "k2"), pepper(t, "k1")))
}

// Users log in through every change of peppers, and end up under the active one.
func TestPepperRotation(t *testing.T) {
	store := auth.NewMemoryStore()
	k1, k2 := pepper(t, "k1"), pepper(t, "k2")
	importUser(t, newAuth(t, store), email, hashOf(t, password))
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
		a := newAuth(t, store, auth.WithHasher(step.hasher))
		for range 2 {
			if err := login(t, a, password); err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(stored(), step.prefix) {
				t.Errorf("stored is %s, want %s…", stored(), step.prefix)
			}
		}
		wantErr(t, login(t, a, "wrong"), auth.ErrInvalidCredentials)
	}
	var event auth.Event
	lost := newAuth(t, store, auth.WithHasher(peppered(t, k2)), auth.WithEvents(func(_ context.Context, e auth.Event) { event = e }))
	wantErr(t, login(t, lost, password), auth.ErrInvalidCredentials)
	if event.Err != auth.ErrMalformedHash {
		t.Errorf("a lost pepper gave the event %+v", event)
	}
	without := newAuth(t, store)
	wantErr(t, login(t, without, password), auth.ErrInvalidCredentials)
}

func TestPepperDecides(t *testing.T) {
	h1, h2 := peppered(t, pepper(t, "k")), authtest.Hasher{}
	encoded, err := h1.Hash(t.Context(), auth.NewPassword(password))
	if err != nil {
		t.Fatal(err)
	}
	if match, err := h2.Verify(t.Context(), strings.TrimPrefix(encoded, "$pepper$k$"), auth.NewPassword(password)); match || err != nil {
		t.Errorf("the hash verifies without the pepper: %t, %v", match, err)
	}
	other, err := auth.HMACPepper("k", bytes.Repeat([]byte("x"), 32))
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

// A pepper may be another machine's, which may be down.
func TestPepperOutage(t *testing.T) {
	var answer error
	kms := auth.Pepper{ID: "kms", MAC: func(ctx context.Context, password []byte) ([]byte, error) {
		return bytes.Repeat([]byte{1}, 32), errors.Join(answer, ctx.Err())
	}}
	store := auth.NewMemoryStore()
	a := newAuth(t, store, auth.WithHasher(peppered(t, kms)))
	register(t, a)
	answer = errors.New("canary")
	for _, err := range []error{login(t, a, password), login(t, a, "wrong")} {
		wantErr(t, err, auth.ErrUnavailable)
		if errors.Is(err, auth.ErrInvalidCredentials) || strings.Contains(err.Error(), "canary") {
			t.Errorf("got %v", err)
		}
	}
	short := auth.Pepper{ID: "short", MAC: func(context.Context, []byte) ([]byte, error) { return make([]byte, 15), nil }}
	if _, err := peppered(t, short).Hash(t.Context(), auth.NewPassword(password)); !errors.Is(err, auth.ErrUnavailable) {
		t.Errorf("a MAC of 15 bytes gave %v", err)
	}
}

func TestPepperedRefuses(t *testing.T) {
	good := pepper(t, "k")
	if _, err := auth.HMACPepper("k", make([]byte, 31)); err == nil {
		t.Error("a secret of 31 bytes was accepted")
	}
	for name, peppers := range map[string][]auth.Pepper{
		"zero":    {{}},
		"no MAC":  {{ID: "k"}},
		"no ID":   {{MAC: good.MAC}},
		"long ID": {{ID: strings.Repeat("k", 33), MAC: good.MAC}},
		"odd ID":  {{ID: "k$", MAC: good.MAC}},
		"twice":   {good, good},
	} {
		if _, err := auth.Peppered(authtest.Hasher{}, peppers[0], peppers[1:]...); err == nil {
			t.Errorf("%s: was accepted", name)
		}
	}
	if _, err := auth.Peppered(nil, good); err == nil {
		t.Error("no hasher was accepted")
	}
}
