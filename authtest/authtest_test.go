package authtest_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authhttp"
	"github.com/seed89488a0c/auth/authtest"
)

func TestHasherConforms(t *testing.T) { authtest.TestHasher(t, authtest.Hasher{}) }

func registration(email string) auth.Registration {
	return auth.Registration{Email: email, Password: auth.NewPassword("correct horse")}
}

func TestNew(t *testing.T) {
	a := authtest.New(t)
	credentials := auth.Credentials{Email: "ada@example.com", Password: auth.NewPassword("correct horse")}
	if _, err := a.Register(t.Context(), registration(credentials.Email)); err != nil {
		t.Fatal(err)
	}
	result, err := a.Login(t.Context(), credentials)
	if err != nil {
		t.Fatal(err)
	}
	if id, err := a.Verify(t.Context(), result.Tokens.Access); err != nil || id.UserID != result.User.ID {
		t.Fatalf("got %v, %v", id, err)
	}
	if result.Tokens.Refresh != "" {
		t.Error("sessions that no Options asked for")
	}
	if _, err := authtest.New(t).Verify(t.Context(), result.Tokens.Access); err == nil {
		t.Error("another Authenticator accepts the token")
	}
}

// withSessions has sessions and users in one store.
func withSessions(t *testing.T, store auth.SessionStore) *auth.Authenticator {
	return authtest.New(t, auth.Options{Sessions: auth.SessionConfig{Store: store}})
}

// sessionsOnly is a store that keeps no users.
type sessionsOnly struct{ auth.SessionStore }

func TestNewWithSessions(t *testing.T) {
	store := auth.NewMemoryStore()
	a := withSessions(t, store)
	result, err := a.Register(t.Context(), registration("ada@example.com"))
	if err != nil || result.Tokens.Refresh == "" {
		t.Fatalf("no session: %v", err)
	}
	if _, err := store.UserByID(t.Context(), result.User.ID); err != nil {
		t.Errorf("the user is not where the sessions are: %v", err)
	}
	a = withSessions(t, sessionsOnly{store})
	if result, err = a.Register(t.Context(), registration("ada@example.com")); err != nil || result.Tokens.Refresh == "" {
		t.Errorf("a store of sessions alone: %v", err)
	}
}

// A token for any user is as good as one of a login, with sessions and without.
func TestToken(t *testing.T) {
	for name, store := range map[string]auth.SessionStore{"no sessions": nil, "sessions": auth.NewMemoryStore()} {
		t.Run(name, func(t *testing.T) {
			a := withSessions(t, store)
			token := authtest.Token(t, a, "42")
			id, err := a.Verify(t.Context(), token)
			if err != nil || id.UserID != "42" || (id.SessionID != "") != (store != nil) {
				t.Errorf("got %v, session %q, %v", id, id.SessionID, err)
			}
			if user, err := a.User(t.Context(), "42"); err != nil || user.ID != "42" {
				t.Errorf("got %v, %v", user, err)
			}
			again, other := authtest.Identity(t, a, "42"), authtest.Identity(t, a, "user of a long name")
			if again.UserID != "42" || other.UserID != "user of a long name" || again.TokenID == id.TokenID {
				t.Errorf("got %v and %v", again, other)
			}
			h := authhttp.Require(a)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				who, _ := auth.FromContext(r.Context())
				w.Write([]byte(who.UserID))
			}))
			r := httptest.NewRequest("GET", "/", nil)
			r.Header.Set("Authorization", "Bearer "+token)
			w := httptest.NewRecorder()
			if h.ServeHTTP(w, r); w.Code != 200 || w.Body.String() != "42" {
				t.Errorf("a handler answers %d %s", w.Code, w.Body)
			}
		})
	}
}

// fatal catches what a helper fails a test with.
type fatal struct {
	testing.TB
	text string
}

func (f *fatal) Fatalf(format string, args ...any) {
	f.text = format
	panic(f)
}

// A user who came by another way is not taken over, and a hasher that reads no hashes of
// this package is told of.
func TestTokenRefuses(t *testing.T) {
	a := authtest.New(t)
	result, err := a.Register(t.Context(), registration("ada@example.com"))
	if err != nil {
		t.Fatal(err)
	}
	real := authtest.New(t, auth.Options{Hasher: auth.Argon2id{}})
	for name, call := range map[string]func(t testing.TB){
		"somebody's ID":  func(t testing.TB) { authtest.Token(t, a, result.User.ID) },
		"no ID":          func(t testing.TB) { authtest.Token(t, a, "") },
		"another hasher": func(t testing.TB) { authtest.Identity(t, real, "42") },
	} {
		f := &fatal{TB: t}
		func() {
			defer func() { recover() }()
			call(f)
		}()
		if f.text == "" {
			t.Errorf("%s: no failure", name)
		}
	}
}

// Addresses under .test register where the hasher is one for tests, and nowhere else.
func TestTestAddresses(t *testing.T) {
	a := authtest.New(t)
	result, err := a.Register(t.Context(), registration("Alice@Shop.TEST"))
	if err != nil || result.User.Email != "Alice@shop.test" {
		t.Fatalf("got %q, %v", result.User.Email, err)
	}
	for _, address := range []string{"Alice@Shop.TEST", "alice@shop.test", "ALICE@shop.test"} {
		if _, err := a.Login(t.Context(), auth.Credentials{Email: address, Password: auth.NewPassword("correct horse")}); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
	if _, err := a.Register(t.Context(), registration("alice@shop.test")); !errors.Is(err, auth.ErrUserExists) {
		t.Errorf("twice: %v", err)
	}
	for address, by := range map[string]*auth.Authenticator{
		"alice@shop.test":       authtest.New(t, auth.Options{Hasher: auth.Argon2id{}}),
		"a@b.invalid":           a,
		"a@localhost.lan.local": a,
		"a@b..test":             a,
		"a@test":                a,
	} {
		var input *auth.InputError
		if _, err := by.Register(t.Context(), registration(address)); !errors.As(err, &input) || input.Field != "email" {
			t.Errorf("%s: %v", address, err)
		}
	}
	if _, err := auth.ParseEmail("alice@shop.test"); err == nil {
		t.Error("ParseEmail accepts .test")
	}
}

func TestFaultyStoreConforms(t *testing.T) {
	authtest.TestUserStore(t, func(*testing.T) auth.UserStore { return authtest.NewFaultyStore(auth.NewMemoryStore()) })
	authtest.TestSessionStore(t, func(*testing.T) auth.SessionStore { return authtest.NewFaultyStore(auth.NewMemoryStore()) })
	authtest.TestAttemptStore(t, func(*testing.T) auth.AttemptStore { return authtest.NewFaultyStore(auth.NewMemoryStore()) })
}

// Each call fails when it is named, and when none is, and does nothing then.
func TestFaultyStore(t *testing.T) {
	store := authtest.NewFaultyStore(auth.NewMemoryStore())
	var names []string
	for _, typ := range []reflect.Type{reflect.TypeFor[auth.UserStore](), reflect.TypeFor[auth.SessionStore](), reflect.TypeFor[auth.AttemptStore]()} {
		for i := range typ.NumMethod() {
			names = append(names, typ.Method(i).Name)
		}
	}
	call := func(name string) error {
		m := reflect.ValueOf(store).MethodByName(name)
		args := []reflect.Value{reflect.ValueOf(t.Context())}
		for i := 1; i < m.Type().NumIn(); i++ {
			args = append(args, reflect.Zero(m.Type().In(i)))
		}
		out := m.Call(args)
		err, _ := out[len(out)-1].Interface().(error)
		return err
	}
	down := func(name string) bool {
		var failure *auth.StoreError
		return errors.As(call(name), &failure) && failure.Code == "down" && failure.Op == name
	}
	for _, name := range names {
		store.Fail(name)
		for _, other := range names {
			if got := down(other); got != (other == name) {
				t.Errorf("%s fails: %s is down: %t", name, other, got)
			}
		}
		store.Fail()
		if !down(name) {
			t.Errorf("%s works while all fail", name)
		}
		store.Heal()
		if down(name) {
			t.Errorf("%s fails after the outage", name)
		}
	}
	a := withSessions(t, store)
	store.Fail("CreateSession")
	if _, err := a.Register(t.Context(), registration("ada@example.com")); !errors.Is(err, auth.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	defer func() {
		if text, _ := recover().(string); !strings.Contains(text, `"SessionById"`) {
			t.Errorf("a name that is no method's: %q", text)
		}
	}()
	store.Fail("SessionById")
}
