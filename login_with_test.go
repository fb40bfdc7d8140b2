package auth_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
	"github.com/seed89488a0c/auth/internal/mysqltest"
)

func proof(userID string) auth.Proof { return auth.Proof{UserID: userID, AMR: "ext"} }

// What a proof says is in the session and in the tokens, and a refresh changes none of it.
// ASVS 5.0 16.3.1
func TestLoginWith(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		var events []auth.Event
		store := auth.NewMemoryStore()
		a := newAuth(t, store, auth.Options{
			Sessions: auth.SessionConfig{Store: store},
			Claims: func(_ context.Context, u auth.User) (any, error) {
				return map[string]string{"role": "role of " + u.Email}, nil
			},
			Events: func(_ context.Context, e auth.Event) { events = append(events, e) },
		})
		user := register(t, a).User
		at := time.Now().Add(-10 * time.Minute)
		events = nil
		result, err := a.LoginWith(ctx, auth.Proof{UserID: user.ID, AMR: "hwk user mfa", At: at, TokenTTL: time.Minute, Client: client})
		if err != nil || result.User.ID != user.ID || result.User.Email != user.Email || time.Until(result.Tokens.AccessExpiresAt) > time.Minute {
			t.Fatalf("got %+v, %v", result, err)
		}
		check := func(tokens auth.Tokens) auth.Identity {
			t.Helper()
			id, err := a.Verify(ctx, tokens.Access)
			var claims map[string]any
			if err == nil {
				err = id.Claims(&claims)
			}
			if err != nil || id.UserID != user.ID || id.AMR != "hwk user mfa" || !id.AuthTime.Equal(at.Truncate(time.Second)) || claims["role"] != "role of "+user.Email {
				t.Errorf("got %+v %v, %v", id, claims, err)
			}
			return id
		}
		id := check(result.Tokens)
		if e := events[0]; len(events) != 1 || e.Kind != "logged_in" || e.Op != "login_with" || e.UserID != user.ID || e.SessionID != id.SessionID || e.AMR != "hwk user mfa" || e.Client != client {
			t.Errorf("got %+v", events)
		}
		list, err := a.Sessions(ctx, user.ID)
		if err != nil || len(list) != 2 || list[0].ID != id.SessionID && list[1].ID != id.SessionID {
			t.Errorf("sessions %+v, %v", list, err)
		}
		for _, s := range list {
			if s.ID == id.SessionID && (s.AMR != "hwk user mfa" || !s.AuthTime.Equal(at.UTC().Truncate(time.Microsecond)) || s.Client != client || !s.CreatedAt.Equal(time.Now().UTC().Truncate(time.Microsecond))) {
				t.Errorf("session %+v", s)
			}
		}
		for range 3 {
			time.Sleep(time.Minute)
			result, err = a.Refresh(ctx, auth.Renewal{Token: result.Tokens.Refresh})
			if err != nil {
				t.Fatal(err)
			}
			check(result.Tokens)
		}
	})
}

// Without sessions, and when nobody says when.
func TestLoginWithNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(300 * time.Millisecond)
		a := newAuth(t, auth.NewMemoryStore())
		user := register(t, a).User
		now := time.Now().Truncate(time.Second)
		for _, at := range []time.Time{{}, time.Now(), time.Now().Add(time.Minute)} { // another machine's clock
			result, err := a.LoginWith(t.Context(), auth.Proof{UserID: user.ID, AMR: "ext", At: at})
			if err != nil || result.Tokens.Refresh != "" {
				t.Fatal(result, err)
			}
			if id, err := a.Verify(t.Context(), result.Tokens.Access); err != nil || !id.AuthTime.Equal(now) || id.SessionID != "" {
				t.Errorf("at %v: %+v, %v", at, id, err)
			}
		}
	})
}

func TestLoginWithRefuses(t *testing.T) {
	ctx := t.Context()
	var events []auth.Event
	store := auth.NewMemoryStore()
	a := newAuth(t, store, auth.Options{
		Sessions: auth.SessionConfig{Store: store, MaxPerUser: 3, RefuseMore: true},
		Events:   func(_ context.Context, e auth.Event) { events = append(events, e) },
	})
	user := register(t, a).User
	disabled := importUser(t, a, "disabled@example.com", "")
	deleted := importUser(t, a, "deleted@example.com", "")
	crowded := importUser(t, a, "crowded@example.com", "")
	for _, err := range []error{a.SetDisabled(ctx, disabled, true), a.DeleteUser(ctx, deleted)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		if _, err := a.LoginWith(ctx, proof(crowded)); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name        string
		change      func(p *auth.Proof)
		want        error
		field, code string
	}{
		{"nobody", func(p *auth.Proof) { p.UserID = "" }, auth.ErrUserNotFound, "", "user_not_found"},
		{"unknown", func(p *auth.Proof) { p.UserID = "nobody" }, auth.ErrUserNotFound, "", "user_not_found"},
		{"an address", func(p *auth.Proof) { p.UserID = email }, auth.ErrUserNotFound, "", "user_not_found"},
		{"deleted", func(p *auth.Proof) { p.UserID = deleted }, auth.ErrUserNotFound, "", "user_not_found"},
		{"disabled", func(p *auth.Proof) { p.UserID = disabled }, auth.ErrUserDisabled, "", "user_disabled"},
		{"too many sessions", func(p *auth.Proof) { p.UserID = crowded }, auth.ErrTooManySessions, "", "too_many_sessions"},
		{"no amr", func(p *auth.Proof) { p.AMR = "" }, auth.ErrInvalidInput, "amr", "required"},
		{"long amr", func(p *auth.Proof) { p.AMR = strings.Repeat("x", 65) }, auth.ErrInvalidInput, "amr", "too_long"},
		{"a space", func(p *auth.Proof) { p.AMR = " " }, auth.ErrInvalidInput, "amr", "invalid_character"},
		{"two spaces", func(p *auth.Proof) { p.AMR = "pwd  otp" }, auth.ErrInvalidInput, "amr", "invalid_character"},
		{"a space at the end", func(p *auth.Proof) { p.AMR = "pwd " }, auth.ErrInvalidInput, "amr", "invalid_character"},
		{"a line", func(p *auth.Proof) { p.AMR = "pwd\nmfa" }, auth.ErrInvalidInput, "amr", "invalid_character"},
		{"not ASCII", func(p *auth.Proof) { p.AMR = "пwd" }, auth.ErrInvalidInput, "amr", "invalid_character"},
		{"tomorrow", func(p *auth.Proof) { p.At = time.Now().Add(24 * time.Hour) }, auth.ErrInvalidInput, "time", "out_of_range"},
		{"at the end of time", func(p *auth.Proof) { p.At = time.Unix(math.MaxInt64, 0) }, auth.ErrInvalidInput, "time", "out_of_range"},
		{"where time wraps", func(p *auth.Proof) { p.At = time.Unix(math.MaxInt64-62135596800+1, 0) }, auth.ErrInvalidInput, "time", "out_of_range"},
		{"before 1970", func(p *auth.Proof) { p.At = time.Unix(-1, 0) }, auth.ErrInvalidInput, "time", "out_of_range"},
		{"odd TTL", func(p *auth.Proof) { p.TokenTTL = 1 }, auth.ErrInvalidInput, "token_ttl", "out_of_range"},
		{"another's audience", func(p *auth.Proof) { p.Audience = []string{"https://other.example"} }, auth.ErrInvalidInput, "audience", "not_allowed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := proof(user.ID)
			tt.change(&p)
			before := stored(t, store, user.ID) + stored(t, store, crowded)
			events = nil
			result, err := a.LoginWith(ctx, p)
			wantErr(t, err, tt.want)
			if tt.field != "" {
				wantInput(t, err, tt.field, tt.code)
			}
			if result.User != (auth.User{}) || result.Tokens.Access != "" || stored(t, store, user.ID)+stored(t, store, crowded) != before {
				t.Errorf("beside the error there is %+v", result)
			}
			kind := "login_failed"
			if tt.code == "too_many_sessions" {
				kind = tt.code
			}
			amr := "ext"
			if tt.field == "amr" || tt.field == "time" {
				amr = "" // which is any text
			}
			if len(events) != 1 || events[0].Kind != kind || events[0].Code != tt.code || events[0].UserID == email || events[0].AMR != amr {
				t.Errorf("events %v", events)
			}
		})
	}
}

// A step-up ends the session and begins one, as Reauthenticate does: a copy of the old
// refresh token is worth nothing. ASVS 5.0 7.2.4
func TestStepUpWith(t *testing.T) {
	ctx := t.Context()
	var latest auth.Event
	store := auth.NewMemoryStore()
	a := newAuth(t, store, auth.Options{
		Sessions: auth.SessionConfig{Store: store, Staleness: time.Nanosecond, Grace: -1},
		Events:   func(_ context.Context, e auth.Event) { latest = e },
	})
	first, err := a.Register(ctx, auth.Registration{Email: email, Password: auth.NewPassword(password), Client: auth.Client{Label: "Ada's phone"}})
	if err != nil {
		t.Fatal(err)
	}
	other, err := a.Register(ctx, auth.Registration{Email: "grace@example.com", Password: auth.NewPassword(password)})
	if err != nil {
		t.Fatal(err)
	}
	verified := func(access string) *auth.Identity {
		t.Helper()
		id, err := a.Verify(ctx, access)
		if err != nil {
			t.Fatal(err)
		}
		return &id
	}
	id := verified(first.Tokens.Access)
	p := auth.Proof{UserID: first.User.ID, AMR: "pwd otp mfa", Identity: id}

	for name, tt := range map[string]struct {
		change func(p *auth.Proof)
		want   error
	}{
		"another user":           {func(p *auth.Proof) { p.UserID = other.User.ID }, auth.ErrInvalidCredentials},
		"another user's session": {func(p *auth.Proof) { p.Identity = verified(other.Tokens.Access) }, auth.ErrInvalidCredentials},
		"nobody":                 {func(p *auth.Proof) { p.UserID = "" }, auth.ErrInvalidCredentials},
		"nobody's session":       {func(p *auth.Proof) { p.Identity = &auth.Identity{} }, auth.ErrInvalidToken},
		"made by hand": {func(p *auth.Proof) {
			p.Identity = &auth.Identity{UserID: id.UserID, SessionID: id.SessionID, Audience: id.Audience}
		}, auth.ErrInvalidToken},
		"changed": {func(p *auth.Proof) {
			changed := *id
			changed.UserID = other.User.ID
			p.UserID, p.Identity = other.User.ID, &changed
		}, auth.ErrInvalidToken},
		"no amr": {func(p *auth.Proof) { p.AMR = "" }, auth.ErrInvalidInput},
	} {
		bad := p
		tt.change(&bad)
		if result, err := a.LoginWith(ctx, bad); !errors.Is(err, tt.want) || result.Tokens.Access != "" {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
		kind := "login_failed"
		if tt.want == auth.ErrInvalidToken {
			kind = "token_refused"
		}
		if latest.Kind != kind || latest.AMR != bad.AMR {
			t.Errorf("%s: the event is %v", name, latest)
		}
	}
	if stored(t, store, first.User.ID) != 1 || stored(t, store, other.User.ID) != 1 {
		t.Error("a step-up that was refused has changed sessions")
	}

	second, err := a.LoginWith(ctx, p)
	if err != nil {
		t.Fatal(err)
	}
	if latest.Kind != "reauthenticated" || latest.AMR != p.AMR || latest.UserID != first.User.ID {
		t.Errorf("the event is %v", latest)
	}
	list, err := a.Sessions(ctx, first.User.ID)
	if err != nil || len(list) != 1 || list[0].AMR != "pwd otp mfa" || list[0].Client.Label != "Ada's phone" || list[0].ID == id.SessionID {
		t.Errorf("sessions %+v, %v", list, err)
	}
	if _, err := a.Refresh(ctx, auth.Renewal{Token: first.Tokens.Refresh}); !errors.Is(err, auth.ErrInvalidToken) {
		t.Errorf("the old refresh token: %v", err)
	}
	if _, err := a.Verify(ctx, first.Tokens.Access); !errors.Is(err, auth.ErrInvalidToken) {
		t.Errorf("the old access token: %v", err)
	}
	if _, err := a.LoginWith(ctx, p); !errors.Is(err, auth.ErrInvalidToken) {
		t.Errorf("a step-up of an ended session: %v", err)
	}
	p.Identity = verified(second.Tokens.Access)
	bare := newAuth(t, store) // without sessions
	alone, err := bare.LoginWith(ctx, proof(first.User.ID))
	if err != nil {
		t.Fatal(err)
	}
	own, err := bare.Verify(ctx, alone.Tokens.Access)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := bare.LoginWith(ctx, auth.Proof{UserID: own.UserID, AMR: "hwk", Identity: &own}); err != nil || again.Tokens.Refresh != "" {
		t.Errorf("a step-up without sessions: %v", err)
	}
	if err := a.SetDisabled(ctx, first.User.ID, true); err != nil {
		t.Fatal(err)
	}
	if _, err := a.LoginWith(ctx, p); !errors.Is(err, auth.ErrInvalidToken) {
		t.Errorf("a step-up of a disabled user: %v", err)
	}
	if _, err := bare.LoginWith(ctx, auth.Proof{UserID: own.UserID, AMR: "hwk", Identity: &own}); !errors.Is(err, auth.ErrUserDisabled) {
		t.Errorf("without sessions: %v", err)
	}
}

// The tokens of a step-up are for the session's audiences, or for fewer of them.
func TestStepUpAudience(t *testing.T) {
	ctx := t.Context()
	store := auth.NewMemoryStore()
	issuer := newIssuer(t, auth.JWTConfig{Issuer: "i", Audience: "a", OtherAudiences: []string{"b"}})
	a, err := auth.New(store, issuer, auth.Options{Hasher: authtest.Hasher{}, Sessions: auth.SessionConfig{Store: store}})
	if err != nil {
		t.Fatal(err)
	}
	user := register(t, a).User
	login := func(p auth.Proof) (auth.Identity, auth.Tokens, error) {
		p.UserID, p.AMR = user.ID, "ext"
		result, err := a.LoginWith(ctx, p)
		if err != nil {
			return auth.Identity{}, auth.Tokens{}, err
		}
		id, err := a.Verify(ctx, result.Tokens.Access)
		return id, result.Tokens, err
	}
	wide, _, err := login(auth.Proof{})
	if err != nil || wide.Audience != "a b" {
		t.Fatal(wide, err)
	}
	if _, _, err := login(auth.Proof{Identity: &wide}); !errors.Is(err, auth.ErrWideAudience) {
		t.Errorf("by a token for several: %v", err)
	}
	narrow, _, err := login(auth.Proof{Audience: []string{"a"}})
	if err != nil || narrow.Audience != "a" {
		t.Fatal(narrow, err)
	}
	if _, _, err := login(auth.Proof{Identity: &narrow, Audience: []string{"a", "b"}}); !errors.Is(err, auth.ErrInvalidInput) {
		t.Errorf("for more than before: %v", err)
	}
	next, tokens, err := login(auth.Proof{Identity: &narrow})
	if err != nil || next.Audience != "a" {
		t.Errorf("for as many: %v %v", next.Audience, err)
	}
	result, err := a.Refresh(ctx, auth.Renewal{Token: tokens.Refresh})
	if err != nil {
		t.Fatal(err)
	}
	if id, err := a.Verify(ctx, result.Tokens.Access); err != nil || id.Audience != "a" {
		t.Errorf("after a refresh: %v, %v", id.Audience, err)
	}
}

// A login by proof asks for the user and stores the session, and hashes nothing.
func TestLoginWithCalls(t *testing.T) {
	a, store, _ := recorded(t)
	user := register(t, a).User
	store.take()
	if _, err := a.LoginWith(t.Context(), proof(user.ID)); err != nil {
		t.Fatal(err)
	}
	if got, want := store.take(), []string{"UserByID"}; !slices.Equal(got, want) {
		t.Errorf("calls %v, want %v", got, want)
	}
}

// The round trips are those of a login by password: one read, one insert; two more at the
// limit of sessions.
func TestMySQLLoginWithRoundTrips(t *testing.T) {
	for name, config := range map[string]auth.MySQLConfig{"own IDs": {}, "integer IDs": {IntegerIDs: true}} {
		t.Run(name, func(t *testing.T) {
			w, dsn := newWire(t, mysqltest.DSN(t))
			s := migrate(t, openMySQL(t, dsn, config))
			a := newSessions(t, s, auth.SessionConfig{MaxPerUser: 3})
			user := register(t, a).User
			for n, want := range []int64{2, 2, 4, 4} {
				before := w.writes.Load()
				_, err := a.LoginWith(t.Context(), proof(user.ID))
				if got := w.writes.Load() - before; got != want || err != nil {
					t.Errorf("login %d: %d writes to the server, %v, want %d", n+1, got, err, want)
				}
			}
			if n := stored(t, s, user.ID); n != 3 {
				t.Errorf("%d sessions are stored", n)
			}
			for _, id := range []string{"", "nobody", "0", "1 OR 1=1", strings.Repeat("x", 65), "\xff"} {
				if _, err := a.LoginWith(t.Context(), proof(id)); !errors.Is(err, auth.ErrUserNotFound) {
					t.Errorf("%q: %v", id, err)
				}
			}
			bare := newAuth(t, s)
			before := w.writes.Load()
			if _, err := bare.LoginWith(t.Context(), proof(user.ID)); err != nil || w.writes.Load()-before != 1 {
				t.Errorf("without sessions: %d writes, %v", w.writes.Load()-before, err)
			}
		})
	}
}

// An outage at any call is one, and beside it nothing is lost: the old session goes on.
func TestLoginWithOutages(t *testing.T) {
	ctx := t.Context()
	memory := auth.NewMemoryStore()
	store := authtest.NewFaultyStore(memory)
	a := newAuth(t, store, auth.Options{Sessions: auth.SessionConfig{Store: store}})
	first := register(t, a)
	id, err := a.Verify(ctx, first.Tokens.Access)
	if err != nil {
		t.Fatal(err)
	}
	login := proof(first.User.ID)
	stepUp := auth.Proof{UserID: first.User.ID, AMR: "hwk", Identity: &id}
	for _, tt := range []struct {
		down string
		p    auth.Proof
	}{
		{"UserByID", login}, {"Sessions", login}, {"CreateSession", login},
		{"SessionByID", stepUp}, {"UserByID", stepUp}, {"CreateSession", stepUp}, {"DeleteSessions", stepUp},
	} {
		store.Fail(tt.down)
		_, err := a.LoginWith(ctx, tt.p)
		store.Heal()
		if tt.down == "Sessions" { // only the limit is not looked at
			if err != nil {
				t.Errorf("%s: %v", tt.down, err)
			}
			continue
		}
		if !errors.Is(err, auth.ErrUnavailable) || errors.Is(err, auth.ErrInvalidCredentials) {
			t.Errorf("%s: %v", tt.down, err)
		}
		if _, err := memory.SessionByID(ctx, id.SessionID); err != nil {
			t.Errorf("%s: the session before: %v", tt.down, err)
		}
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := a.LoginWith(ended, login); !errors.Is(err, context.Canceled) || !errors.Is(err, auth.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}
