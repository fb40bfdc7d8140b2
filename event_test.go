package auth_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
)

// told collects events.
type told struct {
	mu   sync.Mutex
	list []auth.Event
}

func (l *told) record(_ context.Context, e auth.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, e)
}

// all returns the events since the last take.
func (l *told) all() []auth.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := l.list
	l.list = nil
	return list
}

// take returns the only event since the last take.
func (l *told) take(t testing.TB) auth.Event {
	t.Helper()
	list := l.all()
	if len(list) == 1 {
		return list[0]
	}
	t.Errorf("%d events, want 1: %v", len(list), list)
	return auth.Event{}
}

// last returns the last event since the last take.
func (l *told) last() (e auth.Event) {
	if list := l.all(); len(list) > 0 {
		e = list[len(list)-1]
	}
	return e
}

var client = auth.Client{Address: netip.MustParseAddr("192.0.2.7"), UserAgent: canary, Label: canary}

// ASVS 5.0 16.2.1: when, who, from where, by which way in, and how it ended.
func TestEventsSayWhoAndWhen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var events told
		a := newAuth(t, auth.NewMemoryStore(), auth.Options{Events: events.record})
		r := registration()
		r.Client = client
		id := registerAs(t, a, r)
		time.Sleep(time.Minute)
		registered := events.take(t)
		c := credentials(email, "wrong")
		c.Client = client
		c.Client.UserAgent = strings.Repeat("u", 1000)
		if _, err := a.Login(t.Context(), c); err == nil {
			t.Fatal("logged in")
		}
		failed := events.take(t)
		for e, op := range map[auth.Event]string{registered: "register", failed: "login"} {
			if e.Op != op || e.UserID != id || e.Client.Address != client.Address {
				t.Errorf("%s: op %q, user %q, from %v", e.Kind, e.Op, e.UserID, e.Client.Address)
			}
		}
		if now := time.Now().UTC(); failed.At != now || registered.At != now.Add(-time.Minute) {
			t.Errorf("at %v and %v", registered.At, failed.At)
		}
		if n := len(failed.Client.UserAgent); n != 256 {
			t.Errorf("a user agent of %d bytes", n)
		}
		if _, err := a.Verify(t.Context(), "token"); err == nil {
			t.Fatal("verified")
		}
		if e := events.take(t); e.Op != "verify" || e.Kind != "token_refused" || e.Code != "malformed" {
			t.Errorf("got %v", e)
		}
	})
}

func registerAs(t testing.TB, a *auth.Authenticator, r auth.Registration) (id string) {
	t.Helper()
	result, err := a.Register(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return result.User.ID
}

// What is refused is told by its own kind, once.
func TestRefusalsHaveKinds(t *testing.T) {
	var events told
	store := auth.NewMemoryStore()
	a := newSessions(t, store, auth.SessionConfig{MaxPerUser: 1, RefuseMore: true}, auth.Options{
		Events: events.record,
		Passwords: auth.PasswordPolicy{Breached: func(_ context.Context, p auth.Password) (bool, error) {
			return p.Reveal() == "known from a breach", nil
		}},
	})
	id := register(t, a).User.ID
	events.take(t)
	registrationOf := func(email, password string) auth.Registration {
		return auth.Registration{Email: email, Password: auth.NewPassword(password)}
	}
	for _, tt := range []struct {
		call       func() error
		kind, code string
		userID     string
	}{
		{func() error { return errorOf(a.Register(t.Context(), registration())) }, "registration_refused", "user_exists", ""},
		{func() error { return errorOf(a.Register(t.Context(), registrationOf("ada", password))) }, "registration_refused", "email_no_at", ""},
		{func() error { return errorOf(a.Register(t.Context(), registrationOf("b@example.com", "short"))) }, "registration_refused", "too_short", ""},
		{func() error {
			return errorOf(a.Register(t.Context(), registrationOf("b@example.com", "known from a breach")))
		}, "registration_refused", "password_breached", ""},
		{func() error { return errorOf(a.Login(t.Context(), credentials(email, password))) }, "too_many_sessions", "too_many_sessions", id},
		{func() error { return errorOf(a.Login(t.Context(), credentials(email, "wrong"))) }, "login_failed", "invalid_credentials", id},
		{func() error { return errorOf(a.Login(t.Context(), credentials(email, strings.Repeat("x", 5000)))) }, "login_failed", "too_long", ""},
	} {
		if err := tt.call(); err == nil {
			t.Errorf("%s: no error", tt.code)
		}
		if e := events.take(t); e.Kind != tt.kind || e.Code != tt.code || e.UserID != tt.userID {
			t.Errorf("got %v, want %s: %s", e, tt.kind, tt.code)
		}
	}
	if err := a.SetDisabled(t.Context(), id, true); err != nil {
		t.Fatal(err)
	}
	events.take(t)
	if _, err := a.Login(t.Context(), credentials(email, password)); err == nil {
		t.Error("logged in")
	}
	if e := events.take(t); e.Kind != "login_failed" || e.Code != "user_disabled" {
		t.Errorf("got %v", e)
	}
}

func errorOf[T any](_ T, err error) error { return err }

// An event can be printed and logged as it is: the clients are not in it.
func TestEventsPrintNoClient(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	e := auth.Event{Kind: "login_failed", Op: "login", At: at, UserID: "u-1", SessionID: "s-1", Client: client, Code: "c-1", Err: errors.New("e-1 \n\"")}
	for name, v := range map[string]any{
		"event": e, "pointer": &e, "in a struct": struct{ E auth.Event }{e}, "in a slice": []auth.Event{e}, "in an interface": []any{e},
	} {
		for printer, text := range prints(v) {
			if printer == "gob" || printer == "%p" { // which move the fields as data, or ask no method
				continue
			}
			if strings.Contains(text, canary) || strings.Contains(text, fmt.Sprintf("%x", canary)) || strings.Contains(text, "192.0.2.7") {
				t.Errorf("%s by %s: %s", name, printer, text)
			}
		}
	}
	const printed = `kind="login_failed" op="login" user_id="u-1" session_id="s-1" code="c-1" error="e-1 \n\"" at="2026-01-02 03:04:05.000006 +0000 UTC"`
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d"} {
		if got := fmt.Sprintf(verb, e); got != printed {
			t.Errorf("%s gives %s", verb, got)
		}
	}
	const members = `"kind":"login_failed","op":"login","user_id":"u-1","session_id":"s-1","code":"c-1","error":"e-1 \n\"","at":"2026-01-02T03:04:05.000006Z"`
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "event", e)
	if !strings.Contains(log.String(), `"event":{`+members+`}`) {
		t.Errorf("slog gives %s", &log)
	}
	var got, want map[string]string
	j, err := json.Marshal(e)
	if err != nil || json.Unmarshal(j, &got) != nil || json.Unmarshal([]byte("{"+members+"}"), &want) != nil || !mapsEqual(got, want) {
		t.Errorf("JSON is %s, %v", j, err)
	}
	if x, err := xml.Marshal(e); err != nil || !bytes.Contains(x, []byte("login_failed")) {
		t.Errorf("XML is %s, %v", x, err)
	}
	if got := fmt.Sprint(auth.Event{Kind: "registered"}); got != `kind="registered"` {
		t.Errorf("got %s", got)
	}
}

func mapsEqual(a, b map[string]string) bool { return fmt.Sprint(a) == fmt.Sprint(b) && len(a) > 0 }

// An events function that panics takes no hashing slot with it.
func TestEventsThatPanic(t *testing.T) {
	panics := true
	a := newAuth(t, auth.NewMemoryStore(), auth.Options{Events: func(context.Context, auth.Event) {
		if panics {
			panic(canary)
		}
	}})
	login := func() error { return errorOf(a.Login(t.Context(), credentials(email, password))) }
	for range hashSlots() + 1 {
		func() {
			defer func() {
				if recover() != canary {
					t.Error("the panic is not the caller's")
				}
			}()
			login()
		}()
	}
	panics = false
	wantErr(t, login(), auth.ErrInvalidCredentials)
}

// Every method that can fail raises an event when it does, which names it: of an outage,
// and of anything that is refused. A method that is added has to be added here.
func TestEveryErrorIsAnEvent(t *testing.T) {
	var events told
	var now *auth.Authenticator
	var result auth.Result
	var id auth.Identity
	ctx, p := t.Context(), auth.NewPassword(password)
	store := authtest.NewFaultyStore(auth.NewMemoryStore())
	client := auth.Client{Address: client.Address, UserAgent: "agent"}
	calls := map[string]struct {
		outage  func() error // with the store down
		refused func() error // with the store up; nil: nothing is refused
		kind    string       // of the refusal
		client  bool         // the method is told of one
	}{
		"Register": {func() error {
			return errorOf(now.Register(ctx, auth.Registration{Email: "b@example.com", Password: p, Client: client}))
		},
			func() error {
				return errorOf(now.Register(ctx, auth.Registration{Email: email, Password: p, Client: client}))
			}, "registration_refused", true},
		"Login": {func() error {
			return errorOf(now.Login(ctx, auth.Credentials{Email: email, Password: p, Client: client}))
		},
			func() error { return errorOf(now.Login(ctx, auth.Credentials{Email: email, Client: client})) }, "login_failed", true},
		"LoginWith": {func() error {
			return errorOf(now.LoginWith(ctx, auth.Proof{UserID: id.UserID, AMR: "ext", Client: client}))
		},
			func() error {
				return errorOf(now.LoginWith(ctx, auth.Proof{UserID: "nobody", AMR: "ext", Client: client}))
			}, "login_failed", true},
		"Verify": {func() error { return errorOf(now.Verify(ctx, result.Tokens.Access)) },
			func() error { return errorOf(now.Verify(ctx, "token")) }, "token_refused", false},
		"CheckIdentity": {nil, func() error { return now.CheckIdentity(ctx, auth.Identity{UserID: "1"}) }, "token_refused", false},
		"Refresh": {func() error {
			return errorOf(now.Refresh(ctx, auth.Renewal{Token: result.Tokens.Refresh, Client: client}))
		},
			func() error { return errorOf(now.Refresh(ctx, auth.Renewal{Token: "token", Client: client})) }, "refresh_refused", true},
		"Logout": {func() error { return now.Logout(ctx, result.Tokens.Refresh) },
			func() error { return now.Logout(ctx, "token") }, "token_refused", false},
		"User": {func() error { return errorOf(now.User(ctx, id.UserID)) },
			func() error { return errorOf(now.User(ctx, "nobody")) }, "refused", false},
		"Sessions": {func() error { return errorOf(now.Sessions(ctx, id.UserID)) },
			func() error { return errorOf(now.Sessions(ctx, "nobody")) }, "refused", false},
		"EndSession": {func() error { return now.EndSession(ctx, id.UserID, id.SessionID) }, nil, "", false},
		"EndSessions": {func() error { return now.EndSessions(ctx, id.UserID) },
			func() error { return now.EndSessions(ctx, "nobody") }, "refused", false},
		"DeleteExpired": {func() error { return errorOf(now.DeleteExpired(ctx, 1)) }, nil, "", false},
		"Attempts": {func() error { return errorOf(now.Attempts(ctx, id.UserID)) },
			func() error { return errorOf(now.Attempts(ctx, "nobody")) }, "refused", false},
		"ClearAttempts": {func() error { return now.ClearAttempts(ctx, id.UserID) },
			func() error { return now.ClearAttempts(ctx, "nobody") }, "refused", false},
		"ChangePassword": {func() error {
			return errorOf(now.ChangePassword(ctx, auth.PasswordChange{Identity: id, Current: p, New: p, Client: client}))
		},
			func() error {
				return errorOf(now.ChangePassword(ctx, auth.PasswordChange{Identity: id, Current: p, New: auth.NewPassword("short"), Client: client}))
			}, "refused", true},
		"Reauthenticate": {func() error {
			return errorOf(now.Reauthenticate(ctx, auth.Reauthentication{Identity: id, Password: p, Client: client}))
		},
			func() error {
				return errorOf(now.Reauthenticate(ctx, auth.Reauthentication{Identity: id, Client: client}))
			}, "password_refused", true},
		"SetPassword": {func() error { return now.SetPassword(ctx, id.UserID, p) },
			func() error { return now.SetPassword(ctx, "nobody", p) }, "refused", false},
		"SetDisabled": {func() error { return now.SetDisabled(ctx, id.UserID, true) },
			func() error { return now.SetDisabled(ctx, "nobody", true) }, "refused", false},
		"DeleteUser": {func() error { return now.DeleteUser(ctx, id.UserID) },
			func() error { return now.DeleteUser(ctx, "nobody") }, "refused", false},
		"Import": {func() error {
			return errorOf(now.Import(ctx, auth.UserRecord{User: auth.User{Email: "c@example.com"}}))
		},
			func() error { return errorOf(now.Import(ctx, auth.UserRecord{})) }, "refused", false},
	}
	now = authtest.New(t, auth.Options{Events: events.record, Sessions: auth.SessionConfig{Store: store, Staleness: time.Nanosecond}})
	result, err := now.Register(ctx, registration())
	if err != nil {
		t.Fatal(err)
	}
	if id, err = now.Verify(ctx, result.Tokens.Access); err != nil {
		t.Fatal(err)
	}
	events.take(t)
	var ops []string
	methods := reflect.TypeOf(now)
	for i := range methods.NumMethod() {
		m := methods.Method(i)
		if n := m.Type.NumOut(); m.Type.Out(n-1) != reflect.TypeFor[error]() {
			continue
		}
		op := strings.ToLower(regexp.MustCompile(`\B[A-Z]`).ReplaceAllString(m.Name, "_$0"))
		ops = append(ops, op)
		call, ok := calls[m.Name]
		if !ok {
			t.Errorf("%s is not tested here", m.Name)
			continue
		}
		check := func(kind string, err error) {
			t.Helper()
			e := events.take(t)
			if err == nil || e.Kind != kind || e.Op != op || e.Code == "" || e.Err == nil && kind == "unavailable" {
				t.Errorf("%s: %v, and the event %v, want %s", m.Name, err, e, kind)
			}
			if given := slices.Contains([]string{"login", "login_with", "reauthenticate"}, op); given != (e.AMR != "") {
				t.Errorf("%s: %s has the amr %q", m.Name, kind, e.AMR)
			}
			if call.client && e.Client != client {
				t.Errorf("%s: %s knows no client", m.Name, kind)
			}
		}
		if call.outage != nil {
			store.Fail()
			check("unavailable", call.outage())
			store.Heal()
		}
		if call.refused != nil {
			check(call.kind, call.refused())
		}
	}
	documented := strings.FieldsFunc(fieldDoc(t, "event.go", "Event", "Op"), func(r rune) bool { return strings.ContainsRune(" ,.\n", r) })
	documented = slices.DeleteFunc(documented[slices.Index(documented, "called:")+1:], func(s string) bool { return s == "or" })
	slices.Sort(documented)
	if slices.Sort(ops); !slices.Equal(documented, ops) {
		t.Errorf("documented %q, there are %q", documented, ops)
	}
}
