package auth_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
)

const (
	email    = "ada@example.com"
	password = "correct horse battery"
)

func registration() auth.Registration {
	return auth.Registration{Email: email, Username: "Ada", Password: auth.NewPassword(password)}
}

func credentials(email, password string) auth.Credentials {
	return auth.Credentials{Email: email, Password: auth.NewPassword(password)}
}

func newIssuer(t testing.TB, config auth.JWTConfig) *auth.JWTIssuer {
	t.Helper()
	if config.Issuer == "" {
		config.Issuer, config.Audience = "https://issuer.example", "https://api.example"
	}
	if config.Keys == nil && config.Source == nil {
		config.Keys = []auth.Key{auth.GenerateKey()}
	}
	issuer, err := auth.NewJWTIssuer(config)
	if err != nil {
		t.Fatal(err)
	}
	return issuer
}

func newAuth(t testing.TB, store auth.UserStore, opts ...auth.Options) *auth.Authenticator {
	t.Helper()
	o := only(opts)
	if o.Hasher == nil {
		o.Hasher = authtest.Hasher{}
	}
	a, err := auth.New(store, newIssuer(t, auth.JWTConfig{}), countedBeside(store, o))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// countedBeside gives users in a store of a test's own their counters.
func countedBeside(store auth.UserStore, o auth.Options) auth.Options {
	switch store.(type) {
	case *auth.MemoryStore, *auth.MySQLStore:
	default:
		if o.Throttle.Store == nil {
			o.Throttle.Store = auth.NewMemoryStore()
		}
	}
	return o
}

func register(t testing.TB, a *auth.Authenticator) auth.Result {
	t.Helper()
	result, err := a.Register(t.Context(), registration())
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func wantErr(t testing.TB, err error, want ...error) {
	t.Helper()
	for _, w := range want {
		if !errors.Is(err, w) {
			t.Errorf("got error %v, want %v", err, w)
		}
	}
}

func wantInput(t testing.TB, err error, field, code string) {
	t.Helper()
	var input *auth.InputError
	if !errors.As(err, &input) || input.Field != field || input.Code != code {
		t.Errorf("got error %v, want %s: %s", err, field, code)
	}
	wantErr(t, err, auth.ErrInvalidInput)
}

// trace records the calls that an Authenticator makes, in their order.
type trace struct {
	mu    sync.Mutex
	calls []string
}

func (r *trace) add(call string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, call)
}

// take returns the calls since the last take.
func (r *trace) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	calls := r.calls
	r.calls = nil
	return calls
}

// recordingStore records calls, and lets a test stand in for any of them.
type recordingStore struct {
	auth.UserStore
	*trace
	create   func(ctx context.Context, r auth.UserRecord) (string, error)
	read     func(ctx context.Context, r auth.UserRecord, err error) (auth.UserRecord, error)
	onUpdate func(ctx context.Context, u auth.UserUpdate) error
}

func (s *recordingStore) CreateUser(ctx context.Context, r auth.UserRecord) (string, error) {
	s.add("CreateUser")
	if s.create != nil {
		return s.create(ctx, r)
	}
	return s.UserStore.CreateUser(ctx, r)
}

func (s *recordingStore) UserByEmail(ctx context.Context, key string) (auth.UserRecord, error) {
	s.add("UserByEmail")
	r, err := s.UserStore.UserByEmail(ctx, key)
	if s.read != nil {
		return s.read(ctx, r, err)
	}
	return r, err
}

func (s *recordingStore) UserByID(ctx context.Context, id string) (auth.UserRecord, error) {
	s.add("UserByID")
	return s.UserStore.UserByID(ctx, id)
}

func (s *recordingStore) UpdateUser(ctx context.Context, u auth.UserUpdate) error {
	s.add("UpdateUser")
	if s.onUpdate != nil {
		if err := s.onUpdate(ctx, u); err != nil {
			return err
		}
	}
	return s.UserStore.UpdateUser(ctx, u)
}

func (s *recordingStore) DeleteUser(ctx context.Context, id string) error {
	s.add("DeleteUser")
	return s.UserStore.DeleteUser(ctx, id)
}

// recordingHasher records calls with what they cost. outdated marks the hashes
// of an older generation.
type recordingHasher struct {
	auth.Hasher
	*trace
	mu       sync.Mutex
	outdated map[string]bool
}

func (h *recordingHasher) Hash(ctx context.Context, p auth.Password) (string, error) {
	h.add("Hash")
	return h.Hasher.Hash(ctx, p)
}

func (h *recordingHasher) Verify(ctx context.Context, encoded string, p auth.Password) (bool, error) {
	h.add(fmt.Sprintf("Verify %s %d bytes", h.Hasher.Inspect(encoded).Scheme, h.Hasher.Inspect(encoded).MemoryBytes))
	return h.Hasher.Verify(ctx, encoded, p)
}

func (h *recordingHasher) Inspect(encoded string) auth.HashInfo {
	h.add("Inspect")
	info := h.Hasher.Inspect(encoded)
	h.mu.Lock()
	defer h.mu.Unlock()
	info.Outdated = h.outdated[encoded]
	return info
}

func (h *recordingHasher) age(encoded string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.outdated == nil {
		h.outdated = map[string]bool{}
	}
	h.outdated[encoded] = true
}

// recorded returns an Authenticator whose calls end up in the trace.
func recorded(t testing.TB, opts ...auth.Options) (*auth.Authenticator, *recordingStore, *recordingHasher) {
	t.Helper()
	calls := &trace{}
	store := &recordingStore{UserStore: auth.NewMemoryStore(), trace: calls}
	hasher := &recordingHasher{Hasher: authtest.Hasher{}, trace: calls}
	o := only(opts)
	o.Hasher = hasher
	a := newAuth(t, store, o)
	calls.take()
	return a, store, hasher
}

// only returns the one of at most one, or the zero value.
func only[T any](list []T) (one T) {
	if len(list) > 0 {
		one = list[0]
	}
	return one
}
