package auth_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"log/slog"
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"strconv"
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

// downHasher is one that a test takes down.
type downHasher struct {
	auth.Hasher
	err error
}

func (h *downHasher) Hash(ctx context.Context, p auth.Password) (string, error) {
	if h.err != nil {
		return "", h.err
	}
	return h.Hasher.Hash(ctx, p)
}

func (h *downHasher) Verify(ctx context.Context, encoded string, p auth.Password) (bool, error) {
	if h.err != nil {
		return false, h.err
	}
	return h.Hasher.Verify(ctx, encoded, p)
}

// Every outage is one event, which says what did not answer. The service's own error
// is in it whole, and of no other more than its type.
func TestOutagesAreEvents(t *testing.T) {
	own := errors.New("own: " + canary)
	var events told
	register := func(t *testing.T, a *auth.Authenticator) error {
		_, err := a.Register(t.Context(), registration())
		return err
	}
	login := func(t *testing.T, a *auth.Authenticator) error {
		_, err := a.Login(t.Context(), credentials(email, password))
		return err
	}
	verify := func(t *testing.T, a *auth.Authenticator) error {
		_, err := a.Verify(t.Context(), "token")
		return err
	}
	for name, tt := range map[string]struct {
		store  auth.UserStore
		issuer auth.TokenIssuer
		hasher error
		o      auth.Options
		call   func(*testing.T, *auth.Authenticator) error
		op     string
		code   string
		own    bool
	}{
		"database at registration": {store: downStore{&auth.StoreError{Op: "create user", Code: "mysql 1040"}}, call: register, op: "register", code: "mysql 1040"},
		"database at login":        {store: downStore{own}, call: login, op: "login", code: "*errors.errorString"},
		"no schema":                {store: downStore{auth.ErrSchema}, call: login, op: "login", code: "schema"},
		"hasher at registration":   {hasher: own, call: register, op: "register", code: "hash_password"},
		"hasher at login":          {hasher: own, call: login, op: "login", code: "verify_password"},
		"issuer at registration":   {issuer: brokenIssuer{err: own}, call: register, op: "register", code: "issue_token"},
		"issuer at verification":   {issuer: brokenIssuer{err: own}, call: verify, op: "verify", code: "verify_token"},
		"claims": {o: auth.Options{Claims: func(context.Context, auth.User) (any, error) { return nil, own }},
			call: register, op: "register", code: "claims", own: true},
		"claims that are refused": {o: auth.Options{Claims: func(context.Context, auth.User) (any, error) { return map[string]any{"sub": 1}, nil }},
			call: register, op: "register", code: "claims"},
		"breach check": {o: auth.Options{Passwords: auth.PasswordPolicy{Breached: func(context.Context, auth.Password) (bool, error) { return false, own }}},
			call: register, op: "register", code: "check_password", own: true},
		"breach check of another package": {o: auth.Options{Passwords: auth.PasswordPolicy{Breached: func(context.Context, auth.Password) (bool, error) { return false, auth.ErrUnavailable }}},
			call: register, op: "register", code: "unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			hasher := &downHasher{Hasher: authtest.Hasher{}}
			store, issuer, o := tt.store, tt.issuer, tt.o
			o.Hasher, o.Events = hasher, events.record
			if store == nil {
				store = auth.NewMemoryStore()
			}
			if issuer == nil {
				issuer = newIssuer(t, auth.JWTConfig{})
			}
			a, err := auth.New(store, issuer, o)
			if err != nil {
				t.Fatal(err)
			}
			hasher.err = tt.hasher
			err = tt.call(t, a)
			wantErr(t, err, auth.ErrUnavailable)
			e := events.take(t)
			if e.Kind != "unavailable" || e.Op != tt.op || e.Code != tt.code || !errors.Is(e.Err, auth.ErrUnavailable) {
				t.Errorf("got %v, want %s: %s", e, tt.op, tt.code)
			}
			if errors.Is(err, own) || strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), canary) {
				t.Errorf("the caller gets the text: %v", err)
			}
			if got := errors.Is(e.Err, own) && strings.Contains(e.Err.Error(), own.Error()); got != tt.own || !tt.own && strings.Contains(fmt.Sprint(e), canary) {
				t.Errorf("the event has the service's error: %t, want %t: %v", got, tt.own, e.Err)
			}
		})
	}
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

// A queue that is full, and whoever waits in it in vain. A deadline is an outage; a
// client that hung up is told of, and is none.
func TestEndsOfWaitingAreEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hasher := &busyHasher{Hasher: authtest.Hasher{}, gate: make(chan struct{})}
		var events told
		a := newAuth(t, auth.NewMemoryStore(), auth.Options{Hasher: hasher, Events: events.record})
		hasher.busy.Store(true)
		login := func(ctx context.Context) error {
			return errorOf(a.Login(ctx, credentials(email, password)))
		}
		slots := hashSlots()
		for range slots {
			go login(t.Context())
		}
		synctest.Wait()

		deadline, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		wantErr(t, login(deadline), auth.ErrOverloaded, context.DeadlineExceeded)
		if e := events.take(t); e.Kind != "overloaded" || e.Code != "overloaded" || e.Op != "login" {
			t.Errorf("a deadline in the queue: %v", e)
		}
		hungUp, hangUp := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, hangUp)
		wantErr(t, login(hungUp), auth.ErrOverloaded, context.Canceled)
		if e := events.take(t); e.Kind != "abandoned" {
			t.Errorf("hung up in the queue: %v", e)
		}
		for range 128 * slots {
			go login(t.Context())
		}
		synctest.Wait()
		if err := login(t.Context()); err != auth.ErrOverloaded {
			t.Errorf("got %v", err)
		}
		if e := events.take(t); e.Kind != "overloaded" {
			t.Errorf("a full queue: %v", e)
		}
		close(hasher.gate)
		synctest.Wait()
	})
	for cause, want := range map[error]string{context.Canceled: "abandoned", context.DeadlineExceeded: "unavailable"} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		if cause == context.DeadlineExceeded {
			ctx, cancel = context.WithTimeout(t.Context(), -1)
		}
		cancel()
		var events told
		a := newAuth(t, downStore{fmt.Errorf("%w: canary", cause)}, auth.Options{Events: events.record})
		_, err := a.Login(ctx, credentials(email, password))
		wantErr(t, err, auth.ErrUnavailable, cause)
		if e := events.take(t); e.Kind != want {
			t.Errorf("%v: %v, want %s", cause, e, want)
		}
		// A store's own "cancelled" is not the caller's.
		_, err = a.Login(t.Context(), credentials(email, password))
		wantErr(t, err, auth.ErrUnavailable)
		if e := events.take(t); e.Kind != "unavailable" {
			t.Errorf("%v of the store: %v", cause, e)
		}
	}
}

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

// What a login, or a check of a token, goes on without is told all the same.
func TestOutagesThatFailNothingAreEvents(t *testing.T) {
	var events told
	store := authtest.NewFaultyStore(auth.NewMemoryStore())
	a := authtest.New(t, auth.Options{Events: events.record, Sessions: auth.SessionConfig{Store: store, MaxPerUser: 1, Staleness: time.Nanosecond, InsecureFailOpen: true}})
	id := register(t, a).User.ID
	events.take(t)
	for _, method := range []string{"Sessions", "DeleteSessions"} {
		store.Fail(method)
		loggedIn(t, a)
		store.Heal()
		if list := events.all(); len(list) != 2 || list[0].Kind != "unavailable" || list[0].Op != "login" || list[0].UserID != id || list[0].Code != "down" || list[1].Kind != "logged_in" {
			t.Errorf("%s: %v", method, list)
		}
	}
	tokens := loggedIn(t, a).Tokens
	events.all()
	store.Fail()
	if _, err := a.Verify(t.Context(), tokens.Access); err != nil {
		t.Fatal(err)
	}
	if e := events.take(t); e.Kind != "unavailable" || e.Op != "verify" || e.UserID != id {
		t.Errorf("got %v", e)
	}
}

// The codes that an event has beside those of typed errors are documented, and no
// others.
func TestEventCodesAreDocumented(t *testing.T) {
	doc := fieldDoc(t, "event.go", "Event", "Code")
	_, list, found := strings.Cut(doc, "or\n")
	if !found {
		t.Fatalf("no list in %q", doc)
	}
	documented := regexp.MustCompile(`\b[a-z]+(_[a-z]+)+\b|\b(conflict|overloaded|schema|claims|keys|refresh|unavailable|service)\b`).FindAllString(list, -1)
	var defined []string
	add := func(e ast.Expr) {
		if code, ok := literal(e); ok {
			defined = append(defined, strings.ReplaceAll(code, " ", "_"))
		}
	}
	for _, file := range append(rootFiles(t), "internal/fault/fault.go", "internal/row/row.go", "internal/input/hash_error.go") {
		inCode := false // in a function that returns codes
		ast.Inspect(parseFile(t, file), func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				inCode = n.Name.Name == "codeOf" || n.Name.Name == "Code"
			case *ast.ReturnStmt:
				if inCode {
					add(n.Results[0])
				}
			case *ast.CallExpr:
				switch f := n.Fun.(type) {
				case *ast.SelectorExpr: // fault.New("user_exists", …)
					if p, ok := f.X.(*ast.Ident); ok && p.Name == "fault" && f.Sel.Name == "New" {
						add(n.Args[0])
					}
				case *ast.Ident: // outage("hash password", err)
					if slices.Contains([]string{"outage", "unavailable", "refusal", "serviceError"}, f.Name) {
						add(n.Args[0])
					} else if f.Name == "admit" { // which hands the word on
						add(n.Args[2])
					}
				}
			}
			return true
		})
	}
	slices.Sort(documented)
	slices.Sort(defined)
	if got, want := slices.Compact(documented), slices.Compact(defined); !slices.Equal(got, want) {
		t.Errorf("documented %q, defined %q", got, want)
	}
}

func literal(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(lit.Value)
	return s, err == nil
}

// fieldDoc returns the comment of a struct's field.
func fieldDoc(t testing.TB, file, typeName, field string) (doc string) {
	t.Helper()
	ast.Inspect(parseFile(t, file), func(n ast.Node) bool {
		if spec, ok := n.(*ast.TypeSpec); ok && spec.Name.Name == typeName {
			for _, f := range spec.Type.(*ast.StructType).Fields.List {
				if len(f.Names) > 0 && f.Names[0].Name == field {
					doc = f.Doc.Text()
				}
			}
		}
		return true
	})
	return doc
}
