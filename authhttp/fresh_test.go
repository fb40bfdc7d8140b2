package authhttp_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authhttp"
)

// ASVS 5.0 7.5.1, 7.5.3
func TestRequireFresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const minute = time.Minute
		for _, tt := range []struct {
			name        string
			age, maxAge time.Duration
			fresh       bool
			seconds     string
		}{
			{"now", 0, minute, true, ""},
			{"at the end", minute, minute, true, ""},
			{"past the end", minute + 1, minute, false, "60"},
			{"old", 1000 * time.Hour, minute, false, "60"},
			{"another clock", -5 * time.Second, minute, true, ""},
			{"by the widest skew ahead", -minute, minute, true, ""},
			{"in the future", -minute - 1, minute, false, "60"},
			{"whole seconds", time.Hour, 90*time.Second + 999*time.Millisecond, false, "90"},
		} {
			v := identified(auth.Identity{UserID: "u1", AuthTime: time.Now().Add(-tt.age)})
			for _, h := range []http.Handler{
				authhttp.RequireFresh(v, tt.maxAge)(http.HandlerFunc(whoami)),
				authhttp.RequireFreshFunc(v, tt.maxAge, whoIsIt),
			} {
				got := serve(t, h, get(t, "/", "Bearer x"))
				if !tt.fresh {
					stale(t, tt.name, got, tt.seconds)
				} else if got.Status != 200 || got.Body["user"] != "u1" {
					t.Errorf("%s: answer %d %s", tt.name, got.Status, got.Text)
				}
			}
		}

		// A token that does not say when, however long ago may be accepted.
		h := authhttp.RequireFresh(identified(auth.Identity{UserID: "u1"}), 1<<63-1)(http.HandlerFunc(whoami))
		stale(t, "no time", serve(t, h, get(t, "/", "Bearer x")), "9223372036")

		// It is its own verifier that counts, whoever else has let the request pass: a
		// partner's login of late is none of ours.
		partner := auth.Identity{UserID: "u1", AuthTime: time.Now()}
		own := identified(auth.Identity{UserID: "u1", AuthTime: time.Now().Add(-time.Hour)})
		h = authhttp.Require(identified(partner))(authhttp.RequireFresh(own, minute)(http.HandlerFunc(whoami)))
		stale(t, "another's login", serve(t, h, get(t, "/", "Bearer x")), "60")
		r := get(t, "/")
		serve(t, h, r.WithContext(auth.NewContext(r.Context(), partner))).want(t, 401, "missing_token")
	})
}

// ASVS 5.0 7.5.3
func TestRequireACR(t *testing.T) {
	acr := []string{"urn:shop:2", "urn:shop:3"}
	for _, tt := range []struct {
		has  string
		pass bool
	}{
		{"urn:shop:2", true},
		{"urn:shop:3", true},
		{"urn:shop:1", false},
		{"urn:shop:2 urn:shop:3", false},
		{"URN:SHOP:2", false},
		{"", false},
	} {
		v := identified(auth.Identity{UserID: "u1", ACR: tt.has})
		for _, h := range []http.Handler{
			authhttp.RequireACR(v, acr...)(http.HandlerFunc(whoami)),
			authhttp.RequireACRFunc(v, acr, whoIsIt),
		} {
			got := serve(t, h, get(t, "/", "Bearer x"))
			if tt.pass {
				if got.Status != 200 || got.Body["user"] != "u1" {
					t.Errorf("%q: answer %d %s", tt.has, got.Status, got.Text)
				}
				continue
			}
			got.want(t, 401, "insufficient_user_authentication")
			const challenge = `Bearer realm="api", error="insufficient_user_authentication", error_description="Another way of logging in is needed", acr_values="urn:shop:2 urn:shop:3"`
			if c := got.Header.Values("WWW-Authenticate"); len(c) != 1 || c[0] != challenge {
				t.Errorf("%q: WWW-Authenticate = %q", tt.has, c)
			}
			const body = `{"title":"Unauthorized","status":401,"error":"Another way of logging in is needed.","code":"insufficient_user_authentication","acr_values":"urn:shop:2 urn:shop:3"}` + "\n"
			if got.Text != body {
				t.Errorf("%q: body %s", tt.has, got.Text)
			}
		}
	}

	// The caller's slice is the caller's.
	v := identified(auth.Identity{UserID: "u1", ACR: "urn:shop:1"})
	h := authhttp.RequireACRFunc(v, acr, whoIsIt)
	acr[0] = "urn:shop:1"
	serve(t, h, get(t, "/", "Bearer x")).want(t, 401, "insufficient_user_authentication")

	// Its own verifier counts, whoever else has let the request pass.
	partner := identified(auth.Identity{UserID: "u1", ACR: "urn:shop:3"})
	h = authhttp.Require(partner)(authhttp.RequireACR(v, "urn:shop:3")(http.HandlerFunc(whoami)))
	serve(t, h, get(t, "/", "Bearer x")).want(t, 401, "insufficient_user_authentication")

	// With a recent login: both are asked for.
	old := identified(auth.Identity{UserID: "u1", ACR: "urn:shop:3", AuthTime: time.Now().Add(-time.Hour)})
	h = authhttp.RequireFresh(old, time.Minute)(authhttp.RequireACR(old, "urn:shop:3")(http.HandlerFunc(whoami)))
	stale(t, "old", serve(t, h, get(t, "/", "Bearer x")), "60")
	serve(t, h, get(t, "/")).want(t, 401, "missing_token")
}

// A route that nobody could ever use is found when it is mounted.
func TestRequirePanics(t *testing.T) {
	v := identified(auth.Identity{UserID: "u1"})
	next := http.HandlerFunc(whoami)
	for name, mount := range map[string]func(){
		"no verifier":             func() { authhttp.Require(nil)(next) },
		"no handler":              func() { authhttp.Require(v)(nil) },
		"no function":             func() { authhttp.RequireFunc(v, nil) },
		"optional, no verifier":   func() { authhttp.Optional(nil)(next) },
		"optional, no function":   func() { authhttp.OptionalFunc(v, nil) },
		"fresh, no verifier":      func() { authhttp.RequireFresh(nil, time.Hour)(next) },
		"fresh, no function":      func() { authhttp.RequireFreshFunc(v, time.Hour, nil) },
		"fresh, never":            func() { authhttp.RequireFresh(v, 0)(next) },
		"fresh, below a second":   func() { authhttp.RequireFresh(v, time.Second-1)(next) },
		"fresh, before it was so": func() { authhttp.RequireFreshFunc(v, -time.Hour, whoIsIt) },
		"acr, no verifier":        func() { authhttp.RequireACR(nil, "2")(next) },
		"acr, no function":        func() { authhttp.RequireACRFunc(v, []string{"2"}, nil) },
		"acr, none":               func() { authhttp.RequireACR(v)(next) },
		"acr, an empty one":       func() { authhttp.RequireACR(v, "2", "")(next) }, // which a token without acr would have
		"acr, two in one":         func() { authhttp.RequireACR(v, "2 3")(next) },
		"acr, a quote":            func() { authhttp.RequireACR(v, `2", x="`)(next) },
		"acr, a line":             func() { authhttp.RequireACR(v, "2\r\nX-Admin: 1")(next) },
		"acr, not ASCII":          func() { authhttp.RequireACR(v, "é")(next) },
	} {
		wantPanic(t, name, ": ", mount)
	}
}

// stale checks the answer of RFC 9470 §3.
func stale(t *testing.T, name string, got answer, seconds string) {
	t.Helper()
	got.want(t, 401, "insufficient_user_authentication")
	want := `Bearer realm="api", error="insufficient_user_authentication", error_description="A more recent login is needed", max_age="` + seconds + `"`
	if c := got.Header.Values("WWW-Authenticate"); len(c) != 1 || c[0] != want {
		t.Errorf("%s: WWW-Authenticate = %q, want %q", name, c, want)
	}
	body := `{"title":"Unauthorized","status":401,"error":"A more recent login is needed.","code":"insufficient_user_authentication","max_age":` + seconds + "}\n"
	if got.Text != body {
		t.Errorf("%s: body %s, want %s", name, got.Text, body)
	}
}

// With tokens as they are issued, whose auth_time has whole seconds.
func TestRequireFreshTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(300 * time.Millisecond)
		a := newAuthenticator(t, auth.NewMemoryStore()) // without sessions there is a login all the same
		token := register(t, a).Tokens.Access
		called := 0
		h := authhttp.RequireFresh(a, time.Minute)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			called++
			whoami(w, r)
		}))
		for range 60 {
			if got := serve(t, h, get(t, "/", "Bearer "+token)); got.Status != 200 {
				t.Fatalf("answer %d %s", got.Status, got.Text)
			}
			time.Sleep(time.Second)
		}
		stale(t, "after a minute", serve(t, h, get(t, "/", "Bearer "+token)), "60")
		serve(t, h, get(t, "/")).want(t, 401, "missing_token")
		serve(t, h, get(t, "/", "Bearer canary")).want(t, 401, "invalid_token")
		time.Sleep(time.Hour)
		got := serve(t, h, get(t, "/", "Bearer "+token))
		got.want(t, 401, "expired_token") // comes first: what helps is another
		if !strings.Contains(got.Header.Get("WWW-Authenticate"), `error="invalid_token"`) || called != 60 {
			t.Errorf("WWW-Authenticate = %q, %d calls", got.Header.Get("WWW-Authenticate"), called)
		}
	})
}
