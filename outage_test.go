package auth_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
)

type brokenIssuer struct {
	auth.TokenIssuer
	err error
}

func (b brokenIssuer) Issue(context.Context, auth.Subject) (auth.IssuedToken, error) {
	return auth.IssuedToken{}, b.err
}
func (b brokenIssuer) Parse(context.Context, string) (auth.Identity, error) {
	return auth.Identity{UserID: "mallory"}, b.err
}

func TestBrokenIssuer(t *testing.T) {
	store := auth.NewMemoryStore()
	a, err := auth.New(store, brokenIssuer{err: fmt.Errorf("canary: %w", context.DeadlineExceeded)}, auth.Options{Hasher: authtest.Hasher{}})
	if err != nil {
		t.Fatal(err)
	}
	result, err := a.Register(t.Context(), registration())
	wantErr(t, err, auth.ErrUnavailable, context.DeadlineExceeded)
	if result != (auth.Result{}) || strings.Contains(err.Error(), "canary") {
		t.Errorf("got a result, or the issuer's text: %v", err)
	}
	if _, err := store.UserByEmail(t.Context(), email); !errors.Is(err, auth.ErrUserNotFound) {
		t.Errorf("a registration that could not sign left a user behind: %v", err)
	}
	id, err := a.Verify(t.Context(), "token")
	wantErr(t, err, auth.ErrUnavailable)
	if errors.Is(err, auth.ErrInvalidToken) || id != (auth.Identity{}) {
		t.Errorf("an issuer that is down gave %v, %v", id, err)
	}
	nobody, err := auth.New(store, anonymousIssuer{}, auth.Options{Hasher: authtest.Hasher{}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = nobody.Verify(t.Context(), "token")
	wantErr(t, err, auth.ErrInvalidToken)
}

type anonymousIssuer struct{ auth.TokenIssuer }

func (anonymousIssuer) Parse(context.Context, string) (auth.Identity, error) {
	return auth.Identity{}, nil
}

// A store's outage is never a wrong password, and its text goes no further.
// ASVS 5.0 16.5.3
func TestStoreDown(t *testing.T) {
	driverError := errors.New("Error 1062: Duplicate entry 'canary@example.com'")
	for name, failure := range map[string]error{
		"a StoreError": &auth.StoreError{Op: "x", Code: "mysql 1040"},
		"anything":     driverError,
		"a deadline":   fmt.Errorf("%w: canary", context.DeadlineExceeded),
		"no schema":    fmt.Errorf("%w: canary", auth.ErrSchema),
	} {
		t.Run(name, func(t *testing.T) {
			a, err := auth.New(downStore{failure}, newIssuer(t, auth.JWTConfig{}), countedBeside(downStore{}, auth.Options{Hasher: authtest.Hasher{}}))
			if err != nil {
				t.Fatal(err)
			}
			ctx, p := t.Context(), auth.NewPassword(password)
			_, register := a.Register(ctx, registration())
			_, login := a.Login(ctx, credentials(email, password))
			_, user := a.User(ctx, "1")
			_, imported := a.Import(ctx, auth.UserRecord{User: auth.User{Email: email}})
			for _, err := range []error{
				register, login, user, imported,
				second(a.ChangePassword(ctx, auth.PasswordChange{Identity: auth.Own(a, auth.Identity{UserID: "1"}), Current: p, New: p})),
				a.SetPassword(ctx, "1", p),
				a.SetDisabled(ctx, "1", true),
				a.DeleteUser(ctx, "1"),
			} {
				wantErr(t, err, auth.ErrUnavailable)
				if errors.Is(err, auth.ErrInvalidCredentials) || errors.Is(err, auth.ErrUserNotFound) {
					t.Errorf("an outage is taken for an answer: %v", err)
				}
				if strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), "canary") {
					t.Errorf("the store's text is passed on: %v", err)
				}
				if errors.Is(failure, context.DeadlineExceeded) {
					wantErr(t, err, context.DeadlineExceeded)
				}
			}
		})
	}
}

type downStore struct{ err error }

func (d downStore) CreateUser(context.Context, auth.UserRecord) (string, error) {
	return "mallory", d.err
}
func (d downStore) UserByEmail(context.Context, string) (auth.UserRecord, error) {
	return auth.UserRecord{User: auth.User{ID: "mallory"}}, d.err
}
func (d downStore) UserByID(context.Context, string) (auth.UserRecord, error) {
	return auth.UserRecord{User: auth.User{ID: "mallory"}}, d.err
}
func (d downStore) UpdateUser(context.Context, auth.UserUpdate) error { return d.err }
func (d downStore) DeleteUser(context.Context, string) error          { return d.err }

// A store that answers what it may not, and an issuer that quotes tokens.
// ASVS 5.0 16.5.1
func TestForeignErrors(t *testing.T) {
	for _, sentinel := range []error{auth.ErrUserExists, auth.ErrConflict, auth.ErrInvalidCredentials, auth.ErrInvalidToken} {
		a := newAuth(t, downStore{fmt.Errorf("%w", sentinel)})
		_, err := a.Login(t.Context(), credentials(email, password))
		wantErr(t, err, auth.ErrUnavailable)
		if errors.Is(err, sentinel) {
			t.Errorf("%v was passed on", sentinel)
		}
	}
	for _, sentinel := range []error{auth.ErrInvalidToken, auth.ErrExpiredToken} {
		a, err := auth.New(auth.NewMemoryStore(), brokenIssuer{err: fmt.Errorf("%w: canary", sentinel)}, auth.Options{Hasher: authtest.Hasher{}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err = a.Verify(t.Context(), "canary"); err != sentinel {
			t.Errorf("got %v, want %v and nothing else", err, sentinel)
		}
	}
	a, err := auth.New(auth.NewMemoryStore(), brokenIssuer{err: errors.Join(auth.ErrInvalidToken, auth.ErrUnavailable)}, auth.Options{Hasher: authtest.Hasher{}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = a.Verify(t.Context(), "token"); !errors.Is(err, auth.ErrUnavailable) || errors.Is(err, auth.ErrInvalidToken) {
		t.Errorf("an outage is taken for a bad token: %v", err)
	}
}

// lateHasher finds out only when verifying that a hash is damaged.
type lateHasher struct {
	auth.Hasher
	verified []string
}

func (h *lateHasher) Inspect(encoded string) auth.HashInfo {
	return h.Hasher.Inspect(strings.TrimPrefix(encoded, "damaged"))
}

func (h *lateHasher) Verify(ctx context.Context, encoded string, p auth.Password) (bool, error) {
	h.verified = append(h.verified, encoded)
	return h.Hasher.Verify(ctx, encoded, p)
}

func TestHashFoundDamagedLate(t *testing.T) {
	hasher := &lateHasher{Hasher: authtest.Hasher{}}
	var events []auth.Event
	a := newAuth(t, auth.NewMemoryStore(), auth.Options{Hasher: hasher, Events: func(_ context.Context, e auth.Event) { events = append(events, e) }})
	id := importUser(t, a, email, "damaged"+hashOf(t, password))
	hasher.verified, events = nil, nil
	_, err := a.Login(t.Context(), credentials(email, password))
	if err != auth.ErrInvalidCredentials {
		t.Errorf("got %v", err)
	}
	if len(hasher.verified) != 2 || strings.HasPrefix(hasher.verified[1], "damaged") {
		t.Errorf("the decoy was not verified: %q", hasher.verified)
	}
	if len(events) != 1 || events[0].Kind != "login_failed" || events[0].UserID != id || events[0].Err != auth.ErrMalformedHash {
		t.Errorf("got events %+v", events)
	}
}

// Whoever has hung up is no sign of overload.
func TestContextThatHasEnded(t *testing.T) {
	a := newAuth(t, auth.NewMemoryStore())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := a.Register(ctx, registration())
	wantErr(t, err, auth.ErrUnavailable, context.Canceled)
	if errors.Is(err, auth.ErrOverloaded) {
		t.Errorf("got %v", err)
	}
}
