package authhttp_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authhttp"
)

func TestRefresh(t *testing.T) {
	api := newSessionAPI(t, auth.NewMemoryStore(), auth.SessionConfig{Grace: -1})
	first := api.login(t, "/register", "canary@example.com")
	who := send(t, get(t, api.URL+"/me", "Bearer "+first.access)).Body["user"]
	second := pairOf(t, api.refresh(t, first.refresh))
	if second.refresh == first.refresh || second.access == first.access {
		t.Error("the tokens are the old ones")
	}
	if got := send(t, get(t, api.URL+"/me", "Bearer "+second.access)); got.Body["user"] != who {
		t.Errorf("user %v, want %v", got.Body, who)
	}
	other := api.login(t, "/login", "canary@example.com")

	// The old one again: that session ends, without a word on why, and no other.
	replayed := api.refresh(t, first.refresh)
	replayed.want(t, 401, "invalid_token")
	for _, token := range []string{first.refresh, second.refresh, strings.Repeat("A", len(first.refresh))} {
		got := api.refresh(t, token)
		got.want(t, 401, "invalid_token")
		if got.Text != replayed.Text || !reflect.DeepEqual(got.Header["Www-Authenticate"], replayed.Header["Www-Authenticate"]) {
			t.Errorf("a replay is told apart:\n%v\n%v", got, replayed)
		}
	}
	const want = `{"title":"Unauthorized","status":401,"error":"The refresh token is not valid.","code":"invalid_token"}` + "\n"
	if got := replayed.Header.Get("WWW-Authenticate"); got != bare || replayed.Text != want {
		t.Errorf("WWW-Authenticate = %q, body %s", got, replayed.Text)
	}
	pairOf(t, api.refresh(t, other.refresh))
}

// A client whose answer was lost tries again, and gets what it would have got.
func TestRefreshGrace(t *testing.T) {
	api := newSessionAPI(t, auth.NewMemoryStore(), auth.SessionConfig{})
	first := api.login(t, "/register", "canary@example.com")
	lost := pairOf(t, api.refresh(t, first.refresh))
	again := pairOf(t, api.refresh(t, first.refresh))
	if again.refresh != lost.refresh {
		t.Error("one token has two successors")
	}
	pairOf(t, api.refresh(t, again.refresh))
}

// A token of one kind is none of the other, nor is one of nobody's.
func TestRefreshOtherTokens(t *testing.T) {
	api := newSessionAPI(t, auth.NewMemoryStore(), auth.SessionConfig{})
	user := api.login(t, "/register", "canary@example.com")
	foreign := newSessionAPI(t, auth.NewMemoryStore(), auth.SessionConfig{}).login(t, "/register", "canary@example.com")
	for name, token := range map[string]string{
		"access": user.access, "foreign": foreign.refresh, "cut": user.refresh[1:], "long": user.refresh + "A", "upper case": strings.ToUpper(user.refresh),
		"space": user.refresh + " ", "NUL": "\x00", "text": "canary", "huge": strings.Repeat("A", 15<<10),
	} {
		t.Run(name, func(t *testing.T) {
			r := post(t, api.URL+"/refresh", `{"refresh_token":"`+strings.ReplaceAll(token, "\x00", `\u0000`)+`"}`)
			send(t, r).want(t, 401, "invalid_token")
		})
	}
	for _, path := range []string{"/me", "/sessions", "/pay"} {
		send(t, get(t, api.URL+path, "Bearer "+user.refresh)).want(t, 401, "invalid_token")
	}

	// No other place is looked at, and no access token makes up for it.
	r := post(t, api.URL+"/refresh?refresh_token="+user.refresh, `{}`)
	r.Header.Set("Authorization", "Bearer "+user.refresh)
	r.AddCookie(&http.Cookie{Name: "refresh_token", Value: user.refresh})
	got := send(t, r)
	got.want(t, 400, "required")
	if got.Body["field"] != "refresh_token" {
		t.Errorf("body %s", got.Text)
	}

	// One that is not a refresh token has logged nobody out.
	send(t, post(t, api.URL+"/logout", `{"refresh_token":"`+user.access+`"}`)).want(t, 401, "invalid_token")
	send(t, post(t, api.URL+"/logout", `{"refresh_token":"`+foreign.refresh+`"}`))
	pairOf(t, api.refresh(t, user.refresh))
}

// serve is a request without a network, for bubbles.
func serve(t testing.TB, h http.Handler, r *http.Request) answer {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return check(t, answer{Status: w.Code, Header: w.Header(), Text: w.Body.String()})
}

func TestRefreshExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := auth.NewMemoryStore()
		a := newAuthenticator(t, store, auth.Options{Sessions: auth.SessionConfig{Store: store, IdleTTL: time.Hour, AbsoluteTTL: 90 * time.Minute}})
		h := sessionHandler(a)
		tokens := register(t, a).Tokens
		request := func(token string) answer {
			return serve(t, h, post(t, "/refresh", `{"refresh_token":"`+token+`"}`))
		}
		time.Sleep(time.Hour - time.Microsecond)
		next := pairOf(t, request(tokens.Refresh))
		time.Sleep(30*time.Minute - time.Second)
		next = pairOf(t, request(next.refresh))
		time.Sleep(2 * time.Second)
		got := request(next.refresh) // whatever happens
		if got.Status != 401 {
			t.Errorf("after AbsoluteTTL: answer %d %s", got.Status, got.Text)
		}

		r := post(t, "/login", `{"email":"canary@example.com","password":"`+canaryPassword+`"}`)
		idle := pairOf(t, serve(t, h, r))
		time.Sleep(time.Hour)
		got = request(idle.refresh)
		got.want(t, 401, "expired_token")
		if got.Body["error"] != "The refresh token expired." || got.Header.Get("WWW-Authenticate") != bare {
			t.Errorf("answer %v %s", got.Header, got.Text)
		}
	})
}

func TestLogout(t *testing.T) {
	api := newSessionAPI(t, auth.NewMemoryStore(), auth.SessionConfig{Staleness: time.Second, Grace: -1})
	user := api.login(t, "/register", "canary@example.com")
	other := api.login(t, "/login", "canary@example.com")
	next := pairOf(t, api.refresh(t, user.refresh))
	for range 3 { // also by the token that was replaced, and again
		if got := send(t, post(t, api.URL+"/logout", `{"refresh_token":"`+user.refresh+`"}`)); got.Status != 204 {
			t.Errorf("answer %d %s, want 204", got.Status, got.Text)
		}
	}
	api.refresh(t, next.refresh).want(t, 401, "invalid_token")
	send(t, get(t, api.URL+"/me", "Bearer "+next.access)).want(t, 401, "invalid_token")
	if ids, current := api.list(t, other.access); len(ids) != 1 || current != ids[0] {
		t.Errorf("sessions %v, current %s", ids, current)
	}
}

func TestLogoutAll(t *testing.T) {
	api := newSessionAPI(t, auth.NewMemoryStore(), auth.SessionConfig{Staleness: time.Second})
	one := api.login(t, "/register", "canary@example.com")
	two := api.login(t, "/login", "canary@example.com")
	stranger := api.login(t, "/register", "stranger@example.com")

	api.as(t, two.access, "POST", "/logout-others", `{"password":"wrong"}`).want(t, 403, "invalid_credentials")
	api.as(t, two.access, "POST", "/logout-others", "").want(t, 400, "malformed_json")
	pairOf(t, api.refresh(t, one.refresh)) // nothing has ended
	copied := two.refresh
	two = pairOf(t, api.as(t, two.access, "POST", "/logout-others", `{"password":"`+canaryPassword+`"}`))
	for _, ended := range []string{one.refresh, copied} {
		api.refresh(t, ended).want(t, 401, "invalid_token")
	}
	send(t, get(t, api.URL+"/me", "Bearer "+one.access)).want(t, 401, "invalid_token")
	two = pairOf(t, api.refresh(t, two.refresh))
	if ids, current := api.list(t, two.access); len(ids) != 1 || current != ids[0] {
		t.Errorf("sessions %v, current %s", ids, current)
	}

	if got := api.as(t, two.access, "POST", "/logout-all", `{"canary":1}`); got.Status != 204 {
		t.Errorf("logout-all: answer %d %s, want 204", got.Status, got.Text)
	}
	api.refresh(t, two.refresh).want(t, 401, "invalid_token")
	for _, path := range []string{"/sessions", "/logout-all", "/logout-others"} {
		api.as(t, two.access, "POST", path, "").want(t, 401, "invalid_token")
	}
	pairOf(t, api.refresh(t, stranger.refresh))
}

// ASVS 5.0 7.5.2
func TestSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := auth.NewMemoryStore()
		a := newAuthenticator(t, store, auth.Options{Sessions: auth.SessionConfig{Store: store, IdleTTL: 2 * time.Hour, AbsoluteTTL: 3 * time.Hour}})
		h := sessionHandler(a)
		began := time.Now().UTC()
		login := func(path, remote, agent string) pair {
			r := post(t, path, `{"email":"ann@example.com","password":"`+canaryPassword+`"}`)
			r.RemoteAddr = remote
			r.Header.Set("User-Agent", agent)
			r.Header.Set("X-Forwarded-For", "203.0.113.66")
			r.Header.Set("Forwarded", "for=203.0.113.66")
			return pairOf(t, serve(t, h, r))
		}
		login("/register", "192.0.2.1:1234", `<script>`)
		time.Sleep(time.Hour)
		two := login("/login", "[::ffff:192.0.2.2]:1", "")
		login("/login", "[fe80::1%eth0]:1", "three")
		login("/login", "2001:db8::1", strings.Repeat("é", 200)+"\xff")
		login("/login", "@", "five")
		if _, err := a.Login(t.Context(), auth.Credentials{
			Email: "ann@example.com", Password: auth.NewPassword(canaryPassword), Client: auth.Client{Label: "Ann's phone"},
		}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Minute)
		r := post(t, "/refresh", `{"refresh_token":"`+two.refresh+`"}`)
		r.RemoteAddr = "192.0.2.22:1"
		two = pairOf(t, serve(t, h, r))

		got := serve(t, h, get(t, "/sessions", "Bearer "+two.access))
		if got.Status != 200 || got.Header.Get("Content-Type") != "application/json" || strings.Contains(got.Text, "<") {
			t.Errorf("answer %d %v %s", got.Status, got.Header, got.Text)
		}
		at := func(d time.Duration) any { return began.Add(d).Format(time.RFC3339Nano) }
		want := map[string]map[string]any{}
		for address, one := range map[string]struct {
			agent, label           string
			created, used, expires time.Duration
			current                bool
		}{
			"192.0.2.1":   {"<script>", "", 0, 0, 2 * time.Hour, false},
			"192.0.2.22":  {"", "", time.Hour, 90 * time.Minute, 3*time.Hour + 30*time.Minute, true},
			"three":       {"three", "", time.Hour, time.Hour, 3 * time.Hour, false},
			"2001:db8::1": {strings.Repeat("é", 128), "", time.Hour, time.Hour, 3 * time.Hour, false},
			"five":        {"five", "", time.Hour, time.Hour, 3 * time.Hour, false},
			"Ann's phone": {"", "Ann's phone", time.Hour, time.Hour, 3 * time.Hour, false},
		} {
			client := map[string]any{"address": address, "user_agent": one.agent, "label": one.label}
			if address == one.agent || one.label != "" {
				delete(client, "address")
			}
			for name, value := range client {
				if value == "" {
					delete(client, name)
				}
			}
			want[address] = map[string]any{"created_at": at(one.created), "last_used_at": at(one.used), "expires_at": at(one.expires),
				"current": one.current, "client": client}
		}
		ids := map[any]bool{}
		list := got.Body["sessions"].([]any)
		for _, one := range list {
			one := one.(map[string]any)
			ids[one["id"]] = true
			delete(one, "id")
			client := one["client"].(map[string]any)
			key, _ := client["address"].(string)
			if key == "" {
				key = fmt.Sprint(client["user_agent"])
			}
			if client["label"] != nil {
				key = fmt.Sprint(client["label"])
			}
			if !reflect.DeepEqual(one, want[key]) {
				t.Errorf("%s:\n got %v\nwant %v", key, one, want[key])
			}
		}
		if len(ids) != len(want) || len(list) != len(want) {
			t.Errorf("%d sessions of %d IDs, want %d: %s", len(list), len(ids), len(want), got.Text)
		}
		if last := list[len(list)-1].(map[string]any); last["created_at"] != at(0) {
			t.Errorf("the last one is of %v", last["created_at"])
		}

		// Those that are over are not shown, and nor is the end that is later.
		time.Sleep(90 * time.Minute)
		two = pairOf(t, serve(t, h, post(t, "/refresh", `{"refresh_token":"`+two.refresh+`"}`)))
		got = serve(t, h, get(t, "/sessions", "Bearer "+two.access))
		if list := got.Body["sessions"].([]any); len(list) != 1 || list[0].(map[string]any)["expires_at"] != at(4*time.Hour) {
			t.Errorf("an hour before the end: %s", got.Text)
		}
	})
}

// A service that forgot its sessions finds out when it starts, and not by a 401 for ever.
func TestNoSessions(t *testing.T) {
	a := newAuthenticator(t, auth.NewMemoryStore())
	for name, mount := range map[string]func(*auth.Authenticator) http.Handler{
		"Refresh": authhttp.Refresh, "Logout": authhttp.Logout, "LogoutAll": authhttp.LogoutAll,
		"LogoutOthers": authhttp.LogoutOthers, "Sessions": authhttp.Sessions,
		"EndSession": func(a *auth.Authenticator) http.Handler { return authhttp.EndSession(a, nil) },
	} {
		wantPanic(t, name, "authhttp: "+name+": the Authenticator has no sessions", func() { mount(a) })
	}
	token := register(t, a).Tokens.Access
	for _, tt := range []struct {
		body string
		h    http.Handler
	}{
		{`{"password":"` + canaryPassword + `"}`, authhttp.Reauthenticate(a)},
		{`{"current":"` + canaryPassword + `","new":"` + canaryPassword + `2"}`, authhttp.ChangePassword(a)},
	} {
		r := post(t, "/", tt.body)
		r.Header.Set("Authorization", "Bearer "+token)
		if got := serve(t, tt.h, r); got.Status != 200 || got.Body["access_token"] == nil || got.Body["refresh_token"] != nil {
			t.Errorf("answer %d %s", got.Status, got.Text)
		}
	}
}

// ASVS 5.0 7.5.2, 10.4.9
func TestEndSession(t *testing.T) {
	api := newSessionAPI(t, auth.NewMemoryStore(), auth.SessionConfig{Staleness: time.Second})
	phone := api.login(t, "/register", "canary@example.com")
	laptop := api.login(t, "/login", "canary@example.com")
	stranger := api.login(t, "/register", "stranger@example.com")
	_, phoneID := api.list(t, phone.access)
	_, strangerID := api.list(t, stranger.access)
	if ids, _ := api.list(t, laptop.access); len(ids) != 2 || phoneID == strangerID || strings.Contains(strings.Join(ids, " "), strangerID) {
		t.Fatalf("sessions %v, of which %s, of somebody else %s", ids, phoneID, strangerID)
	}

	// Somebody else's, nobody's, and what is no ID: nothing is told apart.
	for _, id := range []string{strangerID, "unknown", "%00", "%ff", "..%2f..", "%27%20OR%201=1--", strings.ToLower(phoneID), phoneID + "%20", strings.Repeat("x", 2000)} {
		if got := api.as(t, laptop.access, "DELETE", "/sessions/"+id, ""); got.Status != 204 {
			t.Errorf("%.30s: answer %d %s, want 204", id, got.Status, got.Text)
		}
	}
	stranger = pairOf(t, api.refresh(t, stranger.refresh))
	phone = pairOf(t, api.refresh(t, phone.refresh))

	for range 3 {
		if got := api.as(t, laptop.access, "DELETE", "/sessions/"+phoneID, ""); got.Status != 204 {
			t.Errorf("answer %d %s, want 204", got.Status, got.Text)
		}
	}
	api.refresh(t, phone.refresh).want(t, 401, "invalid_token")
	send(t, get(t, api.URL+"/me", "Bearer "+phone.access)).want(t, 401, "invalid_token")
	api.as(t, phone.access, "DELETE", "/sessions/"+phoneID, "").want(t, 401, "invalid_token")
	ids, laptopID := api.list(t, laptop.access)
	if len(ids) != 1 {
		t.Errorf("sessions %v, want one", ids)
	}
	if got := api.as(t, laptop.access, "DELETE", "/sessions/"+laptopID, ""); got.Status != 204 { // its own
		t.Errorf("answer %d %s, want 204", got.Status, got.Text)
	}
	api.refresh(t, laptop.refresh).want(t, 401, "invalid_token")
	pairOf(t, api.refresh(t, stranger.refresh))

	// Mounted where nothing says which one: not a 204 that has ended nothing.
	lost := newServer(t, authhttp.EndSession(api.a, nil))
	got := sessionAPI{lost, api.a}.as(t, stranger.access, "DELETE", "/sessions/x", "")
	got.want(t, 500, "no_session_id")
	if !strings.Contains(got.Body["error"].(string), "{id}") {
		t.Errorf("it does not say what is missing: %s", got.Text)
	}

	// Another router's way to the ID.
	routed := newServer(t, authhttp.EndSession(api.a, func(r *http.Request) string { return strings.TrimPrefix(r.URL.Path, "/devices/") }))
	if got := (sessionAPI{routed, api.a}).as(t, stranger.access, "DELETE", "/devices/"+strangerID, ""); got.Status != 204 {
		t.Errorf("answer %d %s, want 204", got.Status, got.Text)
	}
	api.refresh(t, stranger.refresh).want(t, 401, "invalid_token")
}

func TestTooManySessions(t *testing.T) {
	api := newSessionAPI(t, auth.NewMemoryStore(), auth.SessionConfig{MaxPerUser: 2, RefuseMore: true})
	one := api.login(t, "/register", "canary@example.com")
	api.login(t, "/login", "canary@example.com")
	const body = `{"email":"canary@example.com","password":"` + canaryPassword + `"}`
	send(t, post(t, api.URL+"/login", body)).want(t, 409, "too_many_sessions")
	send(t, post(t, api.URL+"/login", strings.Replace(body, "5Kq9", "5kq9", 1))).want(t, 401, "invalid_credentials")
	send(t, post(t, api.URL+"/logout", `{"refresh_token":"`+one.refresh+`"}`))
	api.login(t, "/login", "canary@example.com")
}

// What holds for the requests of every handler.
func TestSessionRequests(t *testing.T) {
	api := newSessionAPI(t, auth.NewMemoryStore(), auth.SessionConfig{})
	user := api.login(t, "/register", "canary@example.com")

	for path, allow := range map[string]string{
		"/refresh": "POST", "/logout": "POST", "/logout-all": "POST", "/logout-others": "POST",
		"/sessions": "GET, HEAD", "/sessions/x": "DELETE", "/reauthenticate": "POST",
	} {
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "post", "CANARY"} {
			if strings.Contains(allow, method) {
				continue
			}
			got := api.as(t, user.access, method, path, "{}")
			got.want(t, 405, "method_not_allowed")
			if got.Header.Get("Allow") != allow {
				t.Errorf("%s %s: Allow = %q, want %q", method, path, got.Header.Get("Allow"), allow)
			}
		}
	}
	head, err := http.DefaultClient.Do(func() *http.Request {
		r := get(t, api.URL+"/sessions", "Bearer "+user.access)
		r.Method = "HEAD"
		return r
	}())
	if err != nil || head.StatusCode != 200 {
		t.Errorf("HEAD: %v, %v", head, err)
	}
	head.Body.Close()

	for path, name := range map[string]string{"/refresh": "refresh_token", "/logout": "refresh_token", "/reauthenticate": "password"} {
		for _, tt := range []struct {
			name, contentType, body string
			status                  int
			code                    string
		}{
			{"form", "application/x-www-form-urlencoded", name + "=" + user.refresh, 415, "unsupported_media_type"},
			{"no type", "", `{"NAME":"x"}`, 415, "content_type_missing"},
			{"too large", "application/json", `{"NAME":"` + strings.Repeat("x", 16<<10) + `"}`, 413, "body_too_large"},
			{"no JSON", "application/json", `NAME`, 400, "malformed_json"},
			{"no body", "application/json", ``, 400, "malformed_json"},
			{"text", "application/json", `"` + user.refresh + `"`, 400, "invalid_type"},
			{"twice", "application/json", `{"NAME":"x","NAME":"x"}`, 400, "duplicate_member"},
			{"list", "application/json", `{"NAME":["x"]}`, 400, "invalid_type"},
			{"null", "application/json", `{"NAME":null}`, 400, "invalid_type"},
			{"one more", "application/json", `{"NAME":"x","more":"x"}`, 400, "unknown_member"},
			{"upper case", "application/json", strings.ToUpper(`{"` + name + `":"x"}`), 400, "unknown_member"},
			{"empty", "application/json", `{"NAME":""}`, 400, "required"},
			{"nothing", "application/json", `{}`, 400, "required"},
		} {
			t.Run(path+", "+tt.name, func(t *testing.T) {
				r := post(t, api.URL+path, strings.ReplaceAll(tt.body, "NAME", name))
				r.Header.Set("Authorization", "Bearer "+user.access)
				r.Header.Set("Content-Type", tt.contentType)
				got := send(t, r)
				got.want(t, tt.status, tt.code)
				if tt.code == "required" && got.Body["field"] != name {
					t.Errorf("body %s", got.Text)
				}
			})
		}
	}
	pairOf(t, api.refresh(t, user.refresh)) // nothing of this has used it
}
