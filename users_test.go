package auth_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authhttp"
	"github.com/seed89488a0c/auth/authtest"
	"github.com/seed89488a0c/auth/internal/mysqltest"
)

func change(a *auth.Authenticator, userID, current, next string) auth.PasswordChange {
	id := auth.Own(a, auth.Identity{UserID: userID})
	return auth.PasswordChange{Identity: id, Current: auth.NewPassword(current), New: auth.NewPassword(next)}
}

func login(t testing.TB, a *auth.Authenticator, password string) error {
	t.Helper()
	_, err := a.Login(t.Context(), credentials(email, password))
	return err
}

func epoch(t *testing.T, store auth.UserStore, id string) uint64 {
	t.Helper()
	r, err := store.UserByID(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return r.Epoch
}

// ASVS 5.0 6.2.2, 6.2.3
func TestChangePassword(t *testing.T) {
	store := auth.NewMemoryStore()
	a := newAuth(t, store)
	user := register(t, a).User
	first := epoch(t, store, user.ID)
	const next = "another long password"
	wantErr(t, second(a.ChangePassword(t.Context(), change(a, user.ID, "wrong", next))), auth.ErrInvalidCredentials)
	huge := change(a, "nobody", strings.Repeat("x", 4097), next) // is refused before anybody is asked
	wantErr(t, second(a.ChangePassword(t.Context(), huge)), auth.ErrInvalidCredentials)
	wantErr(t, second(a.ChangePassword(t.Context(), change(a, "nobody", password, next))), auth.ErrInvalidToken)
	wantInput(t, second(a.ChangePassword(t.Context(), change(a, user.ID, password, "short"))), "password", "too_short")
	wantInput(t, second(a.ChangePassword(t.Context(), change(a, user.ID, password, email))), "password", "password_personal")
	if err := login(t, a, password); err != nil {
		t.Fatalf("a failed change changed something: %v", err)
	}
	if _, err := a.ChangePassword(t.Context(), change(a, user.ID, password, next)); err != nil {
		t.Fatal(err)
	}
	wantErr(t, login(t, a, password), auth.ErrInvalidCredentials)
	if err := login(t, a, next); err != nil {
		t.Error(err)
	}
	if got := epoch(t, store, user.ID); got <= first {
		t.Errorf("the epoch is %d after %d: the sessions were not ended", got, first)
	}
	if err := a.SetDisabled(t.Context(), user.ID, true); err != nil {
		t.Fatal(err)
	}
	_, err := a.ChangePassword(t.Context(), change(a, user.ID, next, password))
	wantErr(t, err, auth.ErrUserDisabled, auth.ErrInvalidCredentials)
}

// A login that makes the hash anew while the password is being changed must
// not make a right password wrong; another change must.
func TestChangePasswordLosesARace(t *testing.T) {
	const next = "another long password"
	tests := []struct {
		name string
		with []string // passwords whose hashes are stored between reading and writing, one at each try
		want error
	}{
		{"to a rehash", []string{password}, nil},
		{"to another change", []string{"somebody else's"}, auth.ErrConflict},
		{"to three rehashes", []string{password, password, password}, nil},
		{"to too many", []string{password, password, password, password}, auth.ErrConflict},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a, store, _ := recorded(t)
			user := register(t, a).User
			with := test.with
			store.onUpdate = func(ctx context.Context, u auth.UserUpdate) error {
				if len(with) > 0 {
					hash := hashOf(t, with[0])
					with = with[1:]
					return store.UserStore.UpdateUser(ctx, auth.UserUpdate{ID: user.ID, At: u.At, PasswordHash: &hash})
				}
				return nil
			}
			_, err := a.ChangePassword(t.Context(), change(a, user.ID, password, next))
			if test.want != nil {
				wantErr(t, err, test.want)
				wantErr(t, login(t, a, next), auth.ErrInvalidCredentials)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := login(t, a, next); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestSetPassword(t *testing.T) {
	store := auth.NewMemoryStore()
	a := newAuth(t, store)
	id := importUser(t, a, email, "")
	first := epoch(t, store, id)
	wantErr(t, login(t, a, password), auth.ErrInvalidCredentials)
	wantInput(t, a.SetPassword(t.Context(), id, auth.NewPassword("password")), "password", "password_common")
	wantErr(t, a.SetPassword(t.Context(), "nobody", auth.NewPassword(password)), auth.ErrUserNotFound)
	if err := a.SetPassword(t.Context(), id, auth.NewPassword(password)); err != nil {
		t.Fatal(err)
	}
	if err := login(t, a, password); err != nil {
		t.Error(err)
	}
	if got := epoch(t, store, id); got <= first {
		t.Errorf("the epoch is %d after %d: the sessions were not ended", got, first)
	}
}

func TestDisableAndDelete(t *testing.T) {
	store := auth.NewMemoryStore()
	a := newAuth(t, store)
	user := register(t, a).User
	before := epoch(t, store, user.ID)
	for i, disabled := range []bool{true, true, false, false} {
		if err := a.SetDisabled(t.Context(), user.ID, disabled); err != nil {
			t.Fatal(err)
		}
		got := epoch(t, store, user.ID)
		if rises := i < 3; (got > before) != rises { // the last one changes nothing
			t.Errorf("step %d: the epoch is %d after %d", i, got, before)
		}
		before = got
		if err := login(t, a, password); disabled {
			wantErr(t, err, auth.ErrInvalidCredentials)
		} else if err != nil {
			t.Error(err)
		}
	}
	if got, err := a.User(t.Context(), user.ID); err != nil || got.Email != email {
		t.Errorf("got %v, %v", got, err)
	}
	if err := a.DeleteUser(t.Context(), user.ID); err != nil {
		t.Fatal(err)
	}
	wantErr(t, login(t, a, password), auth.ErrInvalidCredentials)
	got, err := a.User(t.Context(), user.ID)
	wantErr(t, err, auth.ErrUserNotFound)
	if got != (auth.User{}) {
		t.Error("a user beside an error")
	}
	wantErr(t, a.DeleteUser(t.Context(), user.ID), auth.ErrUserNotFound)
	wantErr(t, a.SetDisabled(t.Context(), user.ID, true), auth.ErrUserNotFound)
	if again := register(t, a).User; again.ID == user.ID {
		t.Error("the ID of a deleted user was given to somebody else")
	}
}

func TestImport(t *testing.T) {
	a, store, _ := recorded(t)
	hash := hashOf(t, password)
	at := time.Date(2019, 5, 6, 7, 8, 9, 123456789, time.FixedZone("KST", 9*3600))
	user, err := a.Import(t.Context(), auth.UserRecord{
		User:            auth.User{ID: "42", Email: "ADA@Example.com", Username: "홍길동", CreatedAt: at},
		PasswordHash:    hash,
		EmailVerifiedAt: at,
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := store.take(), []string{"Inspect", "CreateUser"}; !slices.Equal(got, want) {
		t.Errorf("Import calls %v, want %v", got, want)
	}
	if user.UpdatedAt.Before(time.Now().Add(-time.Minute)) {
		t.Errorf("updated at %v, want now", user.UpdatedAt)
	}
	if user.ID != "42" || user.Email != "ADA@example.com" || user.CreatedAt != at.UTC().Truncate(time.Microsecond) {
		t.Errorf("got %v %v %v", user, user.Email, user.CreatedAt)
	}
	if err := login(t, a, password); err != nil {
		t.Error(err)
	}
	_, err = a.Import(t.Context(), auth.UserRecord{User: auth.User{Email: email}})
	wantErr(t, err, auth.ErrUserExists)
	_, err = a.Import(t.Context(), auth.UserRecord{User: auth.User{ID: "42", Email: "other@example.com"}})
	wantErr(t, err, auth.ErrUserExists)
}

// Addresses that registration refuses may be in a table that is taken over.
func TestImportedAddressesLogIn(t *testing.T) {
	a := newAuth(t, auth.NewMemoryStore())
	for _, address := range []string{"admin@intranet", "root", "a b@example.com", "x@localhost", "Straße@e", "STRASSE@e", "Ada Lovelace", "علی\u200cرضا", "비밀", "+49 170 123"} {
		importUser(t, a, address, hashOf(t, address))
		for _, spelling := range []string{address, strings.ToUpper(address)} {
			if strings.Contains(address, "ß") && spelling != address {
				continue // ToUpper makes it SS, which is another letter
			}
			if _, err := a.Login(t.Context(), credentials(spelling, address)); err != nil {
				t.Errorf("%q: %v", spelling, err)
			}
		}
	}
}

// What an import takes logs in over HTTP as people type it, and a second account for it
// cannot register; what it refuses leaves nothing behind.
func TestMySQLImportedNames(t *testing.T) {
	for name, store := range map[string]func(*testing.T) auth.UserStore{
		"memory": func(*testing.T) auth.UserStore { return auth.NewMemoryStore() },
		"MySQL":  func(t *testing.T) auth.UserStore { return migrate(t, openMySQL(t, mysqltest.DSN(t))) },
	} {
		t.Run(name, func(t *testing.T) {
			a := newAuth(t, store(t))
			login, register := authhttp.Login(a), authhttp.Register(a)
			status := func(h http.Handler, address string) int {
				body, err := json.Marshal(map[string]string{"email": address, "password": password})
				if err != nil {
					t.Fatal(err)
				}
				r, w := httptest.NewRequest("POST", "/", bytes.NewReader(body)), httptest.NewRecorder()
				r.Header.Set("Content-Type", "application/json")
				h.ServeHTTP(w, r)
				return w.Code
			}
			hash := hashOf(t, password)
			for _, test := range []struct {
				stored string
				typed  []string
			}{
				{"ada", []string{"ada", "ADA", " ada "}},
				{"Grace Hopper", []string{"grace hopper", "Grace Hopper\n"}},
				{"비밀", []string{"비밀", "\u1107\u1175\u1106\u1175\u11af"}},
				{"admin@intranet", []string{"Admin@Intranet "}},
				{"+49 170 123", []string{"+49 170 123"}},
				{"eve@example.com", []string{"eve@EXAMPLE.com "}},
			} {
				importUser(t, a, test.stored, hash)
				for _, typed := range test.typed {
					if got := status(login, typed); got != http.StatusOK {
						t.Errorf("%q logs in as %q: %d", test.stored, typed, got)
					}
					if got := status(register, typed); got != http.StatusBadRequest && got != http.StatusConflict {
						t.Errorf("%q registers beside %q: %d", typed, test.stored, got)
					}
				}
			}
			for _, padded := range []string{"bob@example.com ", "bob@example.com\x00", "bob@exam\u200bple.com"} {
				if _, err := a.Import(t.Context(), auth.UserRecord{User: auth.User{Email: padded}, PasswordHash: hash}); err == nil {
					t.Errorf("%+q is imported, and nobody can log in", padded)
				}
				if got := status(login, padded); got != http.StatusUnauthorized {
					t.Errorf("%+q logs in: %d", padded, got)
				}
			}
			_, err := a.Import(t.Context(), auth.UserRecord{User: auth.User{Email: "ADA"}, PasswordHash: hash})
			wantErr(t, err, auth.ErrUserExists)
		})
	}
}

func TestImportRefuses(t *testing.T) {
	a, store, _ := recorded(t)
	tests := []struct {
		name        string
		change      func(r *auth.UserRecord)
		field, code string
	}{
		{"long ID", func(r *auth.UserRecord) { r.ID = strings.Repeat("x", 65) }, "id", "too_long"},
		{"ID not UTF-8", func(r *auth.UserRecord) { r.ID = "\xff" }, "id", "invalid_encoding"},
		{"ID with NUL", func(r *auth.UserRecord) { r.ID = "1\x00" }, "id", "invalid_character"},
		{"no e-mail", func(r *auth.UserRecord) { r.Email = "" }, "email", "required"},
		{"long e-mail", func(r *auth.UserRecord) { r.Email = strings.Repeat("x", 321) }, "email", "too_long"},
		{"e-mail that grows in its key", func(r *auth.UserRecord) { r.Email = strings.Repeat("\u2c62", 150) + "@intranet" }, "email", "too_long"},
		{"huge e-mail", func(r *auth.UserRecord) { r.Email = strings.Repeat("x", 10<<20) }, "email", "too_long"},
		{"e-mail not UTF-8", func(r *auth.UserRecord) { r.Email = "\xff" }, "email", "invalid_encoding"},
		{"e-mail of spaces", func(r *auth.UserRecord) { r.Email = " \u00a0\x00" }, "email", "required"},
		{"space after the e-mail", func(r *auth.UserRecord) { r.Email = "ada@example.com " }, "email", "padded"},
		{"space before the e-mail", func(r *auth.UserRecord) { r.Email = " ada@example.com" }, "email", "padded"},
		{"line break after the e-mail", func(r *auth.UserRecord) { r.Email = "ada@example.com\r\n" }, "email", "padded"},
		{"zero bytes after the e-mail", func(r *auth.UserRecord) { r.Email = "ada@example.com\x00\x00" }, "email", "padded"},
		{"no-break space after the e-mail", func(r *auth.UserRecord) { r.Email = "ada@example.com\u00a0" }, "email", "padded"},
		{"byte order mark before the e-mail", func(r *auth.UserRecord) { r.Email = "\ufeffada@example.com" }, "email", "padded"},
		{"zero-width joiner after the e-mail", func(r *auth.UserRecord) { r.Email = "ada@example.com\u200d" }, "email", "padded"},
		{"space after a user name", func(r *auth.UserRecord) { r.Email = "ada " }, "email", "padded"},
		{"zero-width space in the e-mail", func(r *auth.UserRecord) { r.Email = "ada@exam\u200bple.com" }, "email", "invalid_character"},
		{"soft hyphen in the e-mail", func(r *auth.UserRecord) { r.Email = "ada@exam\u00adple.com" }, "email", "invalid_character"},
		{"tab in the e-mail", func(r *auth.UserRecord) { r.Email = "ada\tlovelace" }, "email", "invalid_character"},
		{"direction mark in the e-mail", func(r *auth.UserRecord) { r.Email = "ada\u200e@example.com" }, "email", "invalid_character"},
		{"variation selector in the e-mail", func(r *auth.UserRecord) { r.Email = "ada\ufe0f@example.com" }, "email", "invalid_character"},
		{"joiner in the e-mail", func(r *auth.UserRecord) { r.Email = "rené\u200c@example.com" }, "email", "invalid_character"},
		{"no-break space in the e-mail", func(r *auth.UserRecord) { r.Email = "ada\u00a0lovelace" }, "email", "invalid_character"},
		{"long username", func(r *auth.UserRecord) { r.Username = strings.Repeat("x", 101) }, "username", "too_long"},
		{"hash of 1025 bytes", func(r *auth.UserRecord) { r.PasswordHash = sized(t, 1025)[:1025] }, "password_hash", "too_long"},
		{"unknown hash", func(r *auth.UserRecord) { r.PasswordHash = "$2b$12$xxxxx" }, "password_hash", "hash_unknown"},
		{"huge hash", func(r *auth.UserRecord) { r.PasswordHash = strings.Repeat("x", 10<<20) }, "password_hash", "too_long"},
		{"early time", func(r *auth.UserRecord) { r.CreatedAt = time.Date(999, 1, 1, 0, 0, 0, 0, time.UTC) }, "time", "out_of_range"},
		{"late time", func(r *auth.UserRecord) { r.DisabledAt = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }, "time", "out_of_range"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := auth.UserRecord{User: auth.User{Email: email}}
			test.change(&r)
			_, err := a.Import(t.Context(), r)
			wantInput(t, err, test.field, test.code)
			if slices.Contains(store.take(), "CreateUser") {
				t.Error("something was stored")
			}
		})
	}
}

// ASVS 5.0 16.2.1, 16.3.1, 16.3.4
func TestEvents(t *testing.T) {
	var got []string
	record := func(_ context.Context, e auth.Event) {
		got = append(got, fmt.Sprintf("%s %s %v", e.Kind, e.UserID, e.Err))
	}
	store := auth.NewMemoryStore()
	a := newAuth(t, store, auth.Options{Events: record})
	id := register(t, a).User.ID
	steps := []struct {
		do   func()
		want string
	}{
		{func() { login(t, a, password) }, "logged_in " + id},
		{func() { login(t, a, "wrong") }, "login_failed " + id},
		{func() { a.Login(t.Context(), credentials("nobody@example.com", "x")) }, "login_failed "},
		{func() { a.ChangePassword(t.Context(), change(a, id, "wrong", password+"2")) }, "password_refused " + id},
		{func() { a.ChangePassword(t.Context(), change(a, id, password, password+"2")) }, "password_changed " + id},
		{func() { a.SetPassword(t.Context(), id, auth.NewPassword(password)) }, "password_changed " + id},
		{func() { a.SetDisabled(t.Context(), id, true) }, "user_disabled " + id},
		{func() { a.SetDisabled(t.Context(), id, false) }, "user_enabled " + id},
		{func() { a.DeleteUser(t.Context(), id) }, "user_deleted " + id},
		{func() { importUser(t, a, email, "") }, "user_imported"},
		{func() { a.DeleteUser(t.Context(), "nobody") }, "refused  auth: user not found"},
	}
	if want := "registered " + id + " <nil>"; len(got) != 1 || got[0] != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, step := range steps {
		got = nil
		step.do()
		if len(got) != 1 || !strings.HasPrefix(got[0], step.want) || strings.HasPrefix(step.want, "refused") == strings.HasSuffix(got[0], " <nil>") {
			t.Errorf("got %q, want %q", got, step.want)
		}
	}
	got = nil
	if _, err := store.CreateUser(t.Context(), auth.UserRecord{User: auth.User{ID: "7"}, EmailKey: "seven@example.com", PasswordHash: "garbage"}); err != nil {
		t.Fatal(err)
	}
	_, err := a.Login(t.Context(), credentials("seven@example.com", password))
	wantErr(t, err, auth.ErrInvalidCredentials)
	if want := []string{"login_failed 7 auth: malformed hash"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTimesOfAUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := authtest.New(t)
		time.Sleep(1234567 * time.Nanosecond)
		user := register(t, a).User
		if want := time.Now().UTC().Truncate(time.Microsecond); user.CreatedAt != want || user.UpdatedAt != want {
			t.Errorf("created at %v and updated at %v, want %v", user.CreatedAt, user.UpdatedAt, want)
		}
		time.Sleep(time.Hour)
		if err := a.SetPassword(t.Context(), user.ID, auth.NewPassword(password)); err != nil {
			t.Fatal(err)
		}
		got, err := a.User(t.Context(), user.ID)
		if err != nil || got.CreatedAt != user.CreatedAt || !got.UpdatedAt.Equal(user.UpdatedAt.Add(time.Hour)) {
			t.Errorf("created at %v, updated at %v, %v", got.CreatedAt, got.UpdatedAt, err)
		}
	})
}
