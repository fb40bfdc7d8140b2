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
			{"none", time.Nanosecond, 0, false, "0"},
			{"negative", 0, -time.Hour, false, "0"},
		} {
			h := authhttp.RequireFresh(tt.maxAge)(http.HandlerFunc(whoami))
			r := get(t, "/")
			id := auth.Identity{UserID: "u1", AuthTime: time.Now().Add(-tt.age)}
			got := serve(t, h, r.WithContext(auth.NewContext(r.Context(), id)))
			if tt.fresh {
				if got.Status != 200 || got.Body["user"] != "u1" {
					t.Errorf("%s: answer %d %s", tt.name, got.Status, got.Text)
				}
				continue
			}
			stale(t, tt.name, got, tt.seconds)
		}

		// A token that does not say when, however long ago may be accepted.
		r := get(t, "/")
		r = r.WithContext(auth.NewContext(r.Context(), auth.Identity{UserID: "u1"}))
		stale(t, "no time", serve(t, authhttp.RequireFresh(1<<63-1)(http.HandlerFunc(whoami)), r), "9223372036")
	})
}

// stale checks the answer of RFC 9470 §3.
func stale(t *testing.T, name string, got answer, seconds string) {
	t.Helper()
	got.want(t, 401, "insufficient_user_authentication")
	want := `Bearer realm="api", error="insufficient_user_authentication", error_description="A more recent login is needed", max_age="` + seconds + `"`
	if c := got.Header.Values("WWW-Authenticate"); len(c) != 1 || c[0] != want {
		t.Errorf("%s: WWW-Authenticate = %q, want %q", name, c, want)
	}
	const body = `{"title":"Unauthorized","status":401,"error":"A more recent login is needed.","code":"insufficient_user_authentication"}` + "\n"
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
		h := authhttp.Require(a)(authhttp.RequireFresh(time.Minute)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			called++
			whoami(w, r)
		})))
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
