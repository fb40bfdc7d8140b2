package auth_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
)

func TestRegisterAndLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAuth(t, auth.NewMemoryStore())
		registered, err := a.Register(t.Context(), auth.Registration{
			Email: "René@BÜCHER.example", Username: "e\u0301", Password: auth.NewPassword(password),
		})
		if err != nil {
			t.Fatal(err)
		}
		now := time.Now().UTC()
		want := auth.User{ID: registered.User.ID, Email: "René@bücher.example", Username: "\u00e9", CreatedAt: now, UpdatedAt: now}
		if registered.User != want {
			t.Errorf("got %+v, want %+v", []any{registered.User.Email, registered.User.Username, registered.User.CreatedAt}, want)
		}
		for _, spelling := range []string{"René@bücher.example", "RENÉ@xn--bcher-kva.EXAMPLE", "rene\u0301@bu\u0308cher\uff0eexample"} {
			result, err := a.Login(t.Context(), credentials(spelling, password))
			if err != nil {
				t.Fatalf("%q: %v", spelling, err)
			}
			if result.User != registered.User {
				t.Errorf("%q: got another user", spelling)
			}
			id, err := a.Verify(t.Context(), result.Tokens.Access)
			if err != nil {
				t.Fatal(err)
			}
			second := now.Truncate(time.Second)
			if id.UserID != want.ID || !id.AuthTime.Equal(second) || !id.ExpiresAt.Equal(second.Add(15*time.Minute)) || !id.ExpiresAt.Equal(result.Tokens.AccessExpiresAt) {
				t.Errorf("got identity %+v", id)
			}
		}
		time.Sleep(15 * time.Minute)
		id, err := a.Verify(t.Context(), registered.Tokens.Access)
		wantErr(t, err, auth.ErrExpiredToken, auth.ErrInvalidToken)
		if id != (auth.Identity{}) {
			t.Error("an identity beside an error")
		}
	})
}

func TestUserIDIsUUIDv7(t *testing.T) {
	a := newAuth(t, auth.NewMemoryStore())
	before := time.Now().UnixMilli()
	id := register(t, a).User.ID
	var millis int64
	if _, err := fmt.Sscanf(strings.ReplaceAll(id, "-", "")[:12], "%x", &millis); err != nil || millis < before || millis > time.Now().UnixMilli() {
		t.Errorf("%s does not begin with the time", id)
	}
	if len(id) != 36 || id[14] != '7' || !strings.ContainsRune("89ab", rune(id[19])) {
		t.Errorf("%s is not of version 7 and variant 10 (RFC 9562 §4.1)", id)
	}
}

// ASVS 5.0 2.2.1, 2.2.2
func TestRegisterRefuses(t *testing.T) {
	huge := strings.Repeat("x", 10<<20)
	tests := []struct {
		name            string
		change          func(r *auth.Registration)
		field, wantCode string
	}{
		{"no e-mail", func(r *auth.Registration) { r.Email = "" }, "email", "required"},
		{"huge e-mail", func(r *auth.Registration) { r.Email = huge + "@example.com" }, "email", "too_long"},
		{"e-mail not UTF-8", func(r *auth.Registration) { r.Email = "\xff@example.com" }, "email", "invalid_encoding"},
		{"e-mail with NUL", func(r *auth.Registration) { r.Email = "a\x00@example.com" }, "email", "invalid_character"},
		{"e-mail with look-alike space", func(r *auth.Registration) { r.Email = "a\u3000@example.com" }, "email", "invalid_character"},
		{"e-mail without @", func(r *auth.Registration) { r.Email = "example.com" }, "email", "email_no_at"},
		{"huge username", func(r *auth.Registration) { r.Username = huge }, "username", "too_long"},
		{"username of 101", func(r *auth.Registration) { r.Username = strings.Repeat("홍", 101) }, "username", "too_long"},
		{"username not UTF-8", func(r *auth.Registration) { r.Username = "\xed\xa0\x80" }, "username", "invalid_encoding"},
		{"username with NUL", func(r *auth.Registration) { r.Username = "a\x00" }, "username", "invalid_character"},
		{"username with line break", func(r *auth.Registration) { r.Username = "a\nb" }, "username", "invalid_character"},
		{"username with line separator", func(r *auth.Registration) { r.Username = "a\u2028b" }, "username", "invalid_character"},
		{"username with bidi override", func(r *auth.Registration) { r.Username = "a\u202eb" }, "username", "invalid_character"},
		{"no password", func(r *auth.Registration) { r.Password = auth.Password{} }, "password", "required"},
		{"huge password", func(r *auth.Registration) { r.Password = auth.NewPassword(huge) }, "password", "too_long"},
		{"several", func(r *auth.Registration) { r.Username, r.Password = "\n", auth.Password{} }, "username", "invalid_character"},
		{"all", func(r *auth.Registration) { *r = auth.Registration{} }, "email", "required"},
	}
	a, store, _ := recorded(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := registration()
			test.change(&r)
			result, err := a.Register(t.Context(), r)
			wantInput(t, err, test.field, test.wantCode)
			if result != (auth.Result{}) {
				t.Error("a result beside an error")
			}
			if calls := store.take(); len(calls) > 0 {
				t.Errorf("work was done: %v", calls)
			}
		})
	}
	for i, username := range []string{"", strings.Repeat("홍", 100), strings.Repeat("e\u0301", 100), " spaces ", "Ada 👩🏽‍🚀", "a\u00a0b"} {
		r := registration()
		r.Email = fmt.Sprintf("u%d@example.com", i)
		r.Username = username
		if _, err := a.Register(t.Context(), r); err != nil {
			t.Errorf("username %q: %v", username, err)
		}
	}
}

func TestRegisterTaken(t *testing.T) {
	a := newAuth(t, auth.NewMemoryStore())
	first := register(t, a)
	r := registration()
	r.Email = "ADA@EXAMPLE.COM"
	result, err := a.Register(t.Context(), r)
	wantErr(t, err, auth.ErrUserExists)
	if result != (auth.Result{}) {
		t.Error("a result beside an error")
	}
	if login, err := a.Login(t.Context(), credentials(email, password)); err != nil || login.User != first.User {
		t.Errorf("the first user cannot log in any more: %v", err)
	}
}

// ASVS 5.0 15.4.2
func TestConcurrentRegistrations(t *testing.T) {
	a := newAuth(t, auth.NewMemoryStore())
	var won, taken atomic.Int32
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			switch _, err := a.Register(t.Context(), registration()); {
			case err == nil:
				won.Add(1)
			case errors.Is(err, auth.ErrUserExists):
				taken.Add(1)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 || taken.Load() != 63 {
		t.Errorf("%d won and %d were refused, want 1 and 63", won.Load(), taken.Load())
	}
}

// Who has hung up gets no second attempt at the store.
func TestNobodyWaitsForAnUnknownOutcome(t *testing.T) {
	a, store, _ := recorded(t)
	ctx, cancel := context.WithCancel(t.Context())
	store.create = func(ctx context.Context, r auth.UserRecord) (string, error) {
		cancel()
		return "", &auth.StoreError{Op: "create user", Code: "connection lost", Context: context.Canceled}
	}
	_, err := a.Register(ctx, registration())
	wantErr(t, err, auth.ErrUnavailable, context.Canceled)
	if got, want := store.take(), []string{"Hash", "CreateUser"}; !slices.Equal(got, want) {
		t.Errorf("Register calls %v, want %v", got, want)
	}
}

// A store that stalls costs a login that is done a second, and no more.
func TestRehashDoesNotWaitForTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, store, hasher := recorded(t)
		register(t, a)
		stored, _ := store.UserStore.UserByEmail(t.Context(), email)
		hasher.age(stored.PasswordHash)
		store.onUpdate = func(ctx context.Context, _ auth.UserUpdate) error {
			<-ctx.Done()
			return ctx.Err()
		}
		start := time.Now()
		if _, err := a.Login(t.Context(), credentials(email, password)); err != nil || time.Since(start) != time.Second {
			t.Errorf("the login took %v: %v", time.Since(start), err)
		}
	})
}

func hashOf(t testing.TB, text string) string {
	t.Helper()
	encoded, err := authtest.Hasher{}.Hash(t.Context(), auth.NewPassword(text))
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

func importUser(t testing.TB, a *auth.Authenticator, email, hash string) string {
	t.Helper()
	user, err := a.Import(t.Context(), auth.UserRecord{User: auth.User{Email: email}, PasswordHash: hash})
	if err != nil {
		t.Fatal(err)
	}
	return user.ID
}

func TestLoginRefusesHugePassword(t *testing.T) {
	a, store, _ := recorded(t)
	_, err := a.Login(t.Context(), credentials(email, strings.Repeat("x", 4097)))
	wantInput(t, err, "password", "too_long")
	if calls := store.take(); len(calls) > 0 {
		t.Errorf("work was done: %v", calls)
	}
	_, err = a.Login(t.Context(), credentials(email, strings.Repeat("x", 4096)))
	wantErr(t, err, auth.ErrInvalidCredentials)
}

func TestRehashNeverFailsALogin(t *testing.T) {
	for name, failure := range map[string]error{
		"lost race":    auth.ErrConflict,
		"store down":   &auth.StoreError{Op: "update user", Code: "down"},
		"user deleted": auth.ErrUserNotFound,
	} {
		t.Run(name, func(t *testing.T) {
			var events []auth.Event
			a, store, hasher := recorded(t, auth.Options{Events: func(_ context.Context, e auth.Event) { events = append(events, e) }})
			user := register(t, a).User
			stored, _ := store.UserStore.UserByEmail(t.Context(), email)
			hasher.age(stored.PasswordHash)
			store.onUpdate = func(context.Context, auth.UserUpdate) error { return failure }
			result, err := a.Login(t.Context(), credentials(email, password))
			if err != nil || result.User != user {
				t.Errorf("got %v, %v", result.User, err)
			}
			if !slices.ContainsFunc(events, func(e auth.Event) bool {
				return e.Kind == "password_rehashed" && e.UserID == user.ID && e.Err == failure
			}) {
				t.Errorf("got events %+v, want one with %v", events, failure)
			}
		})
	}
}

// busyHasher holds whoever verifies at a gate once it is busy.
type busyHasher struct {
	auth.Hasher
	busy atomic.Bool
	gate chan struct{}
}

func (h *busyHasher) Verify(ctx context.Context, encoded string, p auth.Password) (bool, error) {
	if h.busy.Load() {
		<-h.gate
	}
	return h.Hasher.Verify(ctx, encoded, p)
}

type hookedIssuer struct {
	auth.TokenIssuer
	onIssue func()
}

func (i *hookedIssuer) Issue(ctx context.Context, s auth.Subject) (auth.IssuedToken, error) {
	i.onIssue()
	return i.TokenIssuer.Issue(ctx, s)
}

// A login does not queue a second time to make its hash anew.
func TestRehashDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		recording := &recordingHasher{Hasher: authtest.Hasher{}, trace: &trace{}}
		hasher := &busyHasher{Hasher: recording, gate: make(chan struct{})}
		issuer := &hookedIssuer{newIssuer(t, auth.JWTConfig{}), func() {}}
		var rehash []error
		a, err := auth.New(auth.NewMemoryStore(), issuer, auth.Options{Hasher: hasher, Events: func(_ context.Context, e auth.Event) {
			if e.Kind == "password_rehashed" {
				rehash = append(rehash, e.Err)
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		hash := hashOf(t, password)
		recording.age(hash)
		importUser(t, a, email, hash)
		issuer.onIssue = func() { // between the check and the rehash
			hasher.busy.Store(true)
			for range hashSlots() {
				go a.Login(t.Context(), credentials("nobody@example.com", password))
			}
			synctest.Wait()
		}
		if _, err := a.Login(t.Context(), credentials(email, password)); err != nil {
			t.Error(err)
		}
		if len(rehash) != 1 || rehash[0] != auth.ErrOverloaded {
			t.Errorf("the rehash gave %v, want that it was left for the next login", rehash)
		}
		close(hasher.gate)
	})
}

func TestRehashKeepsSessions(t *testing.T) {
	a, store, hasher := recorded(t)
	register(t, a)
	before, _ := store.UserStore.UserByEmail(t.Context(), email)
	hasher.age(before.PasswordHash)
	if _, err := a.Login(t.Context(), credentials(email, password)); err != nil {
		t.Fatal(err)
	}
	after, _ := store.UserStore.UserByEmail(t.Context(), email)
	if after.PasswordHash == before.PasswordHash || after.Epoch != before.Epoch {
		t.Error("the hash was not replaced, or the sessions were ended")
	}
}

// A connection that dies during the insert leaves its outcome unknown.
func TestRegisterRecognisesItsOwnSuccess(t *testing.T) {
	down := &auth.StoreError{Op: "create user", Code: "connection lost"}
	tests := []struct {
		name   string
		insert func(s *recordingStore, r auth.UserRecord) string // returns the ID it got
		want   error
	}{
		{"it was written", func(s *recordingStore, r auth.UserRecord) string {
			id, _ := s.UserStore.CreateUser(context.Background(), r)
			return id
		}, nil},
		{"it was written under another ID", func(s *recordingStore, r auth.UserRecord) string {
			r.ID = "42"
			id, _ := s.UserStore.CreateUser(context.Background(), r)
			return id
		}, nil},
		{"it was not", func(*recordingStore, auth.UserRecord) string { return "" }, down},
		{"somebody else's was", func(s *recordingStore, r auth.UserRecord) string {
			r.ID, r.PasswordHash = "other", "another hash"
			s.UserStore.CreateUser(context.Background(), r)
			return ""
		}, down},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a, store, _ := recorded(t)
			var id string
			store.create = func(_ context.Context, r auth.UserRecord) (string, error) {
				id = test.insert(store, r)
				return "", down
			}
			result, err := a.Register(t.Context(), registration())
			if got, want := store.take(), []string{"Hash", "CreateUser", "UserByEmail"}; !slices.Equal(got, want) {
				t.Errorf("Register calls %v, want %v", got, want)
			}
			if test.want != nil {
				wantErr(t, err, test.want, auth.ErrUnavailable)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			who, err := a.Verify(t.Context(), result.Tokens.Access)
			if err != nil || result.User.ID != id || who.UserID != id {
				t.Errorf("user %s, token for %s, want %s; %v", result.User.ID, who.UserID, id, err)
			}
		})
	}
}

func TestStoreWithIDsOfItsOwn(t *testing.T) {
	a, store, _ := recorded(t)
	store.create = func(ctx context.Context, r auth.UserRecord) (string, error) {
		r.ID = "1"
		return store.UserStore.CreateUser(ctx, r)
	}
	result := register(t, a)
	who, err := a.Verify(t.Context(), result.Tokens.Access)
	if err != nil || result.User.ID != "1" || who.UserID != "1" {
		t.Errorf("user %s, token for %s; %v", result.User.ID, who.UserID, err)
	}
}

func TestNewRefuses(t *testing.T) {
	store, issuer := auth.NewMemoryStore(), newIssuer(t, auth.JWTConfig{})
	tests := map[string]func() (*auth.Authenticator, error){
		"no store":  func() (*auth.Authenticator, error) { return auth.New(nil, issuer, auth.Options{}) },
		"no issuer": func() (*auth.Authenticator, error) { return auth.New(store, nil, auth.Options{}) },
		"empty hashes": func() (*auth.Authenticator, error) {
			return auth.New(store, issuer, auth.Options{Hasher: emptyHasher{authtest.Hasher{}}})
		},
		"weak parameters": func() (*auth.Authenticator, error) {
			return auth.New(store, issuer, auth.Options{Hasher: auth.Argon2id{MemoryKiB: 8}})
		},
		"broken hasher": func() (*auth.Authenticator, error) {
			return auth.New(store, issuer, auth.Options{Hasher: blindHasher{authtest.Hasher{}}})
		},
		"short passwords": func() (*auth.Authenticator, error) {
			return auth.New(store, issuer, auth.Options{Passwords: auth.PasswordPolicy{MinLength: 7}})
		},
	}
	for name, build := range tests {
		if a, err := build(); err == nil || a != nil {
			t.Errorf("%s: got %v, %v", name, a, err)
		}
	}
}

type emptyHasher struct{ auth.Hasher }

func (emptyHasher) Hash(context.Context, auth.Password) (string, error) { return "", nil }

func (emptyHasher) Verify(context.Context, string, auth.Password) (bool, error) { return true, nil }

type blindHasher struct{ auth.Hasher }

func (blindHasher) Inspect(string) auth.HashInfo { return auth.HashInfo{} }

func TestContextIdentity(t *testing.T) {
	if id, ok := auth.FromContext(t.Context()); ok || id != (auth.Identity{}) {
		t.Errorf("somebody is asking: %v", id)
	}
	want := auth.Identity{UserID: "1"}
	if id, ok := auth.FromContext(auth.NewContext(t.Context(), want)); !ok || id != want {
		t.Errorf("got %v, %t", id, ok)
	}
}
