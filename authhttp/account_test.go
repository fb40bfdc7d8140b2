package authhttp_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authhttp"
	"github.com/seed89488a0c/auth/authtest"
)

func TestChangePassword(t *testing.T) {
	api := newSessionAPI(t, auth.NewMemoryStore(), auth.SessionConfig{})
	phone := api.login(t, "/register", "canary@example.com")
	laptop := api.login(t, "/login", "canary@example.com")
	change := func(access, current, next string) answer {
		return api.as(t, access, "POST", "/password", `{"current":"`+current+`","new":"`+next+`"}`)
	}
	for _, tt := range []struct {
		current, next string
		status        int
		code          string
	}{
		{"wrong", "another long password", 403, "invalid_credentials"},
		{"", "another long password", 403, "invalid_credentials"},
		{strings.Repeat("x", 5000), "another long password", 403, "invalid_credentials"},
		{canaryPassword, "", 400, "required"},
		{canaryPassword, "short", 400, "too_short"},
		{canaryPassword, "canary@example.com", 400, "password_personal"},
		{canaryPassword, `\ud800 is half of a pair`, 400, "malformed_json"},
		{canaryPassword, `another long password","x":"`, 400, "unknown_member"},
		{canaryPassword, `another long password","new":"and another one`, 400, "duplicate_member"},
	} {
		change(laptop.access, tt.current, tt.next).want(t, tt.status, tt.code)
	}
	api.as(t, laptop.access, "GET", "/password", "").want(t, 405, "method_not_allowed")
	send(t, post(t, api.URL+"/password", `{}`)).want(t, 401, "missing_token")
	next := pairOf(t, change(laptop.access, canaryPassword, "another long password"))
	for _, ended := range []string{phone.refresh, laptop.refresh} {
		api.refresh(t, ended).want(t, 401, "invalid_token")
	}
	pairOf(t, api.refresh(t, next.refresh))
	pairOf(t, send(t, post(t, api.URL+"/login", `{"email":"canary@example.com","password":"another long password"}`)))
}

func TestReauthenticate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := auth.NewMemoryStore()
		a := newAuthenticator(t, store, auth.Options{Sessions: auth.SessionConfig{Store: store}})
		h := sessionHandler(a)
		user := pairOf(t, serve(t, h, post(t, "/register", `{"email":"canary@example.com","password":"`+canaryPassword+`"}`)))
		as := func(access, method, path, body string) answer {
			r := post(t, path, body)
			r.Method = method
			r.Header.Set("Authorization", "Bearer "+access)
			return serve(t, h, r)
		}
		if got := as(user.access, "GET", "/pay", ""); got.Status != 200 {
			t.Errorf("fresh: answer %d %s", got.Status, got.Text)
		}
		time.Sleep(10 * time.Minute)
		as(user.access, "GET", "/pay", "").want(t, 401, "insufficient_user_authentication")
		user = pairOf(t, serve(t, h, post(t, "/refresh", `{"refresh_token":"`+user.refresh+`"}`)))
		as(user.access, "GET", "/pay", "").want(t, 401, "insufficient_user_authentication") // no password was asked for

		for _, password := range []string{"wrong", strings.ToLower(canaryPassword), strings.Repeat("x", 5000), "\\u0000"} {
			got := as(user.access, "POST", "/reauthenticate", `{"password":"`+password+`"}`)
			got.want(t, 403, "invalid_credentials")
			if got.Body["error"] != "The password is wrong." {
				t.Errorf("body %s", got.Text)
			}
		}
		got := as(user.access, "POST", "/reauthenticate", `{"password":"`+canaryPassword+`"}`)
		before := user
		user = pairOf(t, got)
		if got := as(user.access, "GET", "/pay", ""); got.Status != 200 {
			t.Errorf("authenticated again: answer %d %s", got.Status, got.Text)
		}
		as(before.access, "GET", "/pay", "").want(t, 401, "insufficient_user_authentication")
		serve(t, h, post(t, "/refresh", `{"refresh_token":"`+before.refresh+`"}`)).want(t, 401, "invalid_token") // a copy
		user = pairOf(t, serve(t, h, post(t, "/refresh", `{"refresh_token":"`+user.refresh+`"}`)))
		if got := as(user.access, "GET", "/pay", ""); got.Status != 200 {
			t.Errorf("refreshed after that: answer %d %s", got.Status, got.Text)
		}

		// A session that has ended, and a user who is gone.
		if err := a.Logout(t.Context(), user.refresh); err != nil {
			t.Fatal(err)
		}
		as(user.access, "POST", "/reauthenticate", `{"password":"`+canaryPassword+`"}`).want(t, 401, "invalid_token")
		result, err := a.Login(t.Context(), auth.Credentials{Email: "canary@example.com", Password: auth.NewPassword(canaryPassword)})
		if err != nil {
			t.Fatal(err)
		}
		if err := a.SetDisabled(t.Context(), result.User.ID, true); err != nil {
			t.Fatal(err)
		}
		as(result.Tokens.Access, "POST", "/reauthenticate", `{"password":"`+canaryPassword+`"}`).want(t, 401, "invalid_token")
		if err := a.DeleteUser(t.Context(), result.User.ID); err != nil {
			t.Fatal(err)
		}
		as(result.Tokens.Access, "POST", "/reauthenticate", `{"password":"`+canaryPassword+`"}`).want(t, 401, "invalid_token")
		for path, method := range map[string]string{"/sessions": "GET", "/logout-all": "POST", "/logout-others": "POST"} {
			as(result.Tokens.Access, method, path, `{"password":"`+canaryPassword+`"}`).want(t, 401, "invalid_token")
		}
	})
}

// Without sessions a disabled user is known by the user alone.
func TestReauthenticateDisabled(t *testing.T) {
	a := newAuthenticator(t, auth.NewMemoryStore())
	mux := http.NewServeMux()
	mux.Handle("/reauthenticate", authhttp.Reauthenticate(a))
	api := sessionAPI{newServer(t, mux), a}
	user := register(t, a)
	const body = `{"password":"` + canaryPassword + `"}`
	if got := api.as(t, user.Tokens.Access, "POST", "/reauthenticate", body); got.Status != 200 {
		t.Errorf("answer %d %s", got.Status, got.Text)
	}
	if err := a.SetDisabled(t.Context(), user.User.ID, true); err != nil {
		t.Fatal(err)
	}
	api.as(t, user.Tokens.Access, "POST", "/reauthenticate", body).want(t, 401, "invalid_token")
}

// accountHandlers act on the account of who is asking. Each guards itself.
func accountHandlers(a *auth.Authenticator) map[string]http.Handler {
	return map[string]http.Handler{
		"LogoutAll": authhttp.LogoutAll(a), "LogoutOthers": authhttp.LogoutOthers(a), "Sessions": authhttp.Sessions(a),
		"EndSession":     authhttp.EndSession(a, func(*http.Request) string { return "x" }),
		"ChangePassword": authhttp.ChangePassword(a), "Reauthenticate": authhttp.Reauthenticate(a),
	}
}

// An account's handlers act for identities that the Authenticator verified itself, by
// whatever way they come. A partner's token for a user of the same ID is none.
func TestAccountIdentities(t *testing.T) {
	api := newSessionAPI(t, auth.NewMemoryStore(), auth.SessionConfig{})
	user := api.login(t, "/register", "canary@example.com")
	own, err := api.a.Verify(t.Context(), user.access)
	if err != nil {
		t.Fatal(err)
	}
	partner := newAuthenticator(t, auth.NewMemoryStore())
	foreign, err := partner.Verify(t.Context(), register(t, partner).Tokens.Access)
	if err != nil {
		t.Fatal(err)
	}
	byHand := auth.Identity{UserID: own.UserID, SessionID: own.SessionID, Audience: own.Audience, AuthTime: own.AuthTime}
	changed, stranger := own, foreign
	changed.SessionID, stranger.UserID = "", own.UserID
	for name, h := range accountHandlers(api.a) {
		request := func(id *auth.Identity, authorization ...string) answer {
			r := get(t, "/", authorization...)
			r.Method = "PUT" // which none of them takes: whoever gets so far is let in
			if id != nil {
				r = r.WithContext(auth.NewContext(r.Context(), *id))
			}
			return serve(t, h, r)
		}
		request(&own).want(t, 405, "method_not_allowed")
		request(nil, "Bearer "+user.access).want(t, 405, "method_not_allowed")
		request(nil).want(t, 401, "missing_token")
		request(nil, "Bearer canary").want(t, 401, "invalid_token")
		for what, id := range map[string]auth.Identity{
			"by hand": byHand, "changed": changed, "another's": foreign, "another's, changed": stranger, "nobody": {},
		} {
			// Nor does a token of their own help somebody whom middleware knows as another.
			got := request(&id, "Bearer "+user.access)
			if got.want(t, 401, "invalid_token"); got.Header.Get("WWW-Authenticate") != invalid {
				t.Errorf("%s, %s: %v", name, what, got.Header)
			}
		}
		// Behind middleware that takes the partner's tokens as well.
		served := newServer(t, authhttp.Require(identified(stranger))(h))
		send(t, get(t, served.URL, "Bearer x")).want(t, 401, "invalid_token")
	}
	if ids, _ := api.list(t, user.access); len(ids) != 1 {
		t.Errorf("sessions %v, want one", ids)
	}
}

// A token that other services have too does nothing to the account; one that is for this
// service alone does, and a session for many gives such a one.
func TestAudience(t *testing.T) {
	issuer, err := auth.NewJWTIssuer(auth.JWTConfig{
		Issuer: "api", Audience: "api", OtherAudiences: []string{"orders", "mail"}, Keys: []auth.Key{auth.GenerateKey()},
	})
	if err != nil {
		t.Fatal(err)
	}
	store := auth.NewMemoryStore()
	a, err := auth.New(store, issuer, auth.Options{Hasher: authtest.Hasher{}, Sessions: auth.SessionConfig{Store: store}})
	if err != nil {
		t.Fatal(err)
	}
	api := sessionAPI{newServer(t, sessionHandler(a)), a}
	const account = `"email":"canary@example.com","password":"` + canaryPassword + `"`
	audience := func(p pair) string {
		t.Helper()
		id, err := a.Verify(t.Context(), p.access)
		if err != nil {
			return err.Error()
		}
		return id.Audience
	}
	post := func(path, body string) answer {
		t.Helper()
		return send(t, post(t, api.URL+path, body))
	}
	wide := pairOf(t, post("/register", `{`+account+`}`))
	if got := audience(wide); got != "api orders mail" {
		t.Errorf("registered for %q", got)
	}
	for name, h := range accountHandlers(a) {
		r := get(t, "/", "Bearer "+wide.access)
		got := serve(t, h, r)
		got.want(t, 403, "wide_audience")
		if c := got.Header.Get("WWW-Authenticate"); !strings.HasPrefix(c, bare) || !strings.Contains(c, `error="insufficient_scope"`) {
			t.Errorf("%s: WWW-Authenticate = %q", name, c)
		}
	}
	if got := send(t, get(t, api.URL+"/me", "Bearer "+wide.access)); got.Status != 200 {
		t.Errorf("where it is nobody's account: %d %s", got.Status, got.Text)
	}
	narrow := pairOf(t, post("/refresh", `{"refresh_token":"`+wide.refresh+`","audience":"api"}`))
	if got := audience(narrow); got != "api" {
		t.Errorf("refreshed for %q", got)
	}
	if ids, current := api.list(t, narrow.access); len(ids) != 1 || current != ids[0] {
		t.Errorf("sessions %v, current %s", ids, current)
	}
	if got := audience(pairOf(t, post("/refresh", `{"refresh_token":"`+narrow.refresh+`"}`))); got != "api orders mail" {
		t.Errorf("the session is for %q from now on", got)
	}

	two := pairOf(t, post("/login", `{`+account+`,"audience":"mail api"}`))
	if got := audience(two); got != "api mail" {
		t.Errorf("logged in for %q", got)
	}
	two = pairOf(t, post("/refresh", `{"refresh_token":"`+two.refresh+`"}`))
	if got := audience(two); got != "api mail" {
		t.Errorf("refreshed for %q", got)
	}
	for path, body := range map[string]string{
		"/refresh":  `{"refresh_token":"` + two.refresh + `"`,
		"/login":    `{` + account,
		"/register": `{"email":"bob@example.com","password":"` + canaryPassword + `"`,
	} {
		for _, asked := range []string{"other", "api other", "", " ", "api  mail", " api", "API", `api\u0000`, "é"} {
			got := post(path, body+`,"audience":"`+asked+`"}`)
			if got.want(t, 400, "not_allowed"); got.Body["field"] != "audience" {
				t.Errorf("%s for %q: %s", path, asked, got.Text)
			}
		}
		got := post(path, body+`,"audience":"`+strings.Repeat("x", 1025)+`"}`)
		if got.want(t, 400, "too_long"); got.Body["max"] != 1024. {
			t.Errorf("%s: %s", path, got.Text)
		}
	}
	got := post("/refresh", `{"refresh_token":"`+two.refresh+`","audience":"orders"}`) // not of this session
	got.want(t, 400, "not_allowed")
	if _, err := a.Login(t.Context(), auth.Credentials{Email: "bob@example.com", Password: auth.NewPassword(canaryPassword)}); err == nil {
		t.Error("a registration that was refused created a user")
	}

	// A wrong password is told before anything about audiences is.
	post("/login", strings.Replace(`{`+account+`,"audience":"other"}`, "5Kq9", "5kq9", 1)).want(t, 401, "invalid_credentials")
}
