package jwks_test

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed89488a0c/auth/authhttp"
	"github.com/seed89488a0c/auth/jwks"
)

func serve(t testing.TB, h http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// ASVS 5.0 15.3.2
func TestRedirects(t *testing.T) {
	s := ed(t, "first")
	set := jwkSet(t, s)
	keys := func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, set) }
	secure := httptest.NewTLSServer(http.NewServeMux())
	t.Cleanup(secure.Close)
	plain := serve(t, http.HandlerFunc(keys))
	mux := secure.Config.Handler.(*http.ServeMux)
	mux.HandleFunc("/keys", keys)
	for path, target := range map[string]string{
		"/here":     "/keys",
		"/absolute": secure.URL + "/keys",
		"/twice":    "/here",
		"/host":     strings.Replace(secure.URL, "127.0.0.1", "localhost", 1) + "/keys",
		"/http":     plain.URL + "/keys",
		"/sameport": strings.Replace(secure.URL, "https", "http", 1) + "/keys",
		"/user":     strings.Replace(secure.URL, "//", "//u:p@", 1) + "/keys",
		"/loop":     "/loop",
	} {
		mux.Handle(path, http.RedirectHandler(target, http.StatusFound))
	}
	for _, follow := range []func(*http.Request, []*http.Request) error{nil, func(*http.Request, []*http.Request) error { return nil }} {
		client := *secure.Client()
		client.CheckRedirect = follow
		for path, ok := range map[string]bool{
			"/keys": true, "/here": true, "/absolute": true, "/twice": true, "/user": true,
			"/host": false, "/http": false, "/sameport": false, "/loop": false,
		} {
			v := newVerifier(t, jwks.Config{URL: secure.URL + path, Issuer: name, Audience: audience, Client: &client})
			if ok {
				accepted(t, v, s.token(t))
			} else {
				unavailable(t, verify(t, v, s.token(t)), "http 302")
			}
		}
	}
}

func TestConnection(t *testing.T) {
	s := ed(t, "first")
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // for handshakes that end
	secure.StartTLS()
	t.Cleanup(secure.Close)
	closed := httptest.NewServer(nil)
	closed.Close()
	cut := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		io.WriteString(w, `{"keys":[]}`)
	}))
	for url, code := range map[string]string{secure.URL: "certificate", closed.URL: "connection", cut.URL: "connection"} {
		v := newVerifier(t, jwks.Config{URL: url, Issuer: name, Audience: audience})
		unavailable(t, verify(t, v, s.token(t)), code)
	}
}

// The caller's deadline holds while a body trickles in.
// ASVS 5.0 13.2.6
func TestSlowBody(t *testing.T) {
	server := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			io.WriteString(w, " ")
			w.(http.Flusher).Flush()
			time.Sleep(time.Millisecond)
		}
	}))
	v := newVerifier(t, jwks.Config{URL: server.URL, Issuer: name, Audience: audience})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := v.Verify(ctx, ed(t, "first").token(t))
	unavailable(t, err, "context")
}

// Cookies would tie requests together; a service's own client may keep them.
func TestNoCookies(t *testing.T) {
	s := ed(t, "first")
	set := jwkSet(t, s)
	var cookies atomic.Int32
	server := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cookies.Add(int32(len(r.Cookies())))
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
		io.WriteString(w, set)
	}))
	jar, err := cookiejar.New(nil)
	must(t, jar, err)
	u, err := url.Parse(server.URL)
	jar.SetCookies(must(t, u, err), []*http.Cookie{{Name: "a", Value: "b"}})
	v := newVerifier(t, jwks.Config{URL: server.URL, Issuer: name, Audience: audience, Client: &http.Client{Jar: jar}})
	accepted(t, v, s.token(t))
	if cookies.Load() != 0 {
		t.Error("a cookie was sent")
	}
}

// Require answers as package authhttp's does, to the byte.
func TestRequire(t *testing.T) {
	s := ed(t, "first")
	o := &origin{body: jwkSet(t, s)}
	v := newVerifier(t, o.config())
	o2 := &origin{status: 500}
	down := newVerifier(t, o2.config())
	whoami := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, ok := jwks.FromContext(r.Context())
		if !ok {
			t.Error("nobody in the context")
		}
		io.WriteString(w, id.UserID)
	})
	now := time.Now().Unix()
	for _, tt := range []struct {
		name   string
		v      *jwks.Verifier
		field  []string
		status int
		body   string
	}{
		{"valid", v, []string{"Bearer " + s.token(t)}, 200, "user-1"},
		{"lower case", v, []string{"bearer " + s.token(t)}, 200, "user-1"},
		{"none", v, nil, 401, `{"title":"Unauthorized","status":401,"error":"An access token is needed.","code":"missing_token"}` + "\n"},
		{"basic", v, []string{"Basic YTpi"}, 401, `{"title":"Unauthorized","status":401,"error":"An access token is needed.","code":"missing_token"}` + "\n"},
		{"twice", v, []string{"Bearer a", "Bearer a"}, 401, `{"title":"Unauthorized","status":401,"error":"The access token is not valid.","code":"invalid_token"}` + "\n"},
		{"no token68", v, []string{"Bearer a,b"}, 401, `{"title":"Unauthorized","status":401,"error":"The access token is not valid.","code":"invalid_token"}` + "\n"},
		{"other audience", v, []string{"Bearer " + s.token(t, "aud", "a")}, 401, `{"title":"Unauthorized","status":401,"error":"The access token is not valid.","code":"invalid_token"}` + "\n"},
		{"expired", v, []string{"Bearer " + s.token(t, "exp", now-1, "iat", now-9)}, 401, `{"title":"Unauthorized","status":401,"error":"The access token expired.","code":"expired_token"}` + "\n"},
		{"issuer down", down, []string{"Bearer " + s.token(t)}, 503, `{"title":"Service Unavailable","status":503,"error":"The service cannot answer now; try again in a moment.","code":"unavailable"}` + "\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var answers []*httptest.ResponseRecorder
			given := func(w http.ResponseWriter, r *http.Request, who jwks.Identity) { io.WriteString(w, who.UserID) }
			for _, h := range []http.Handler{tt.v.Require(whoami), authhttp.Require(tt.v)(whoami), tt.v.RequireFunc(given)} {
				w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
				r.Header["Authorization"] = tt.field
				h.ServeHTTP(w, r)
				if w.Code != tt.status || w.Body.String() != tt.body {
					t.Errorf("answer %d %s", w.Code, w.Body)
				}
				answers = append(answers, w)
			}
			own, others := answers[0].Header(), answers[1].Header()
			for _, name := range []string{"Content-Type", "Cache-Control", "WWW-Authenticate", "Retry-After", "X-Content-Type-Options"} {
				if !slices.Equal(own.Values(name), others.Values(name)) || len(own) != len(others) {
					t.Errorf("%s: %q, and authhttp's %q", name, own.Values(name), others.Values(name))
				}
			}
		})
	}
}

// Only who has logged in of late passes; others are told how late (RFC 9470 §3).
// ASVS 5.0 6.8.4, 10.3.4
func TestRequireFresh(t *testing.T) {
	bubble(t, func(t *testing.T, o *origin, s signer) {
		v := newVerifier(t, o.config())
		next := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
		for _, tt := range []struct {
			token  string
			status int
			about  string
		}{
			{s.token(t, "auth_time", time.Now().Add(-time.Minute).Unix()), http.StatusNoContent, ""},
			{s.token(t, "auth_time", time.Now().Add(-61*time.Second).Unix()), http.StatusUnauthorized, `error="insufficient_user_authentication"`},
			{s.token(t, "auth_time", nil), http.StatusUnauthorized, `max_age="60"`},
			{s.token(t, "exp", time.Now().Unix()-1, "iat", time.Now().Unix()-9), http.StatusUnauthorized, `error="invalid_token"`},
		} {
			for _, h := range []http.Handler{v.RequireFresh(time.Minute, next), v.RequireFreshFunc(time.Minute, func(w http.ResponseWriter, r *http.Request, who jwks.Identity) {
				if id, ok := jwks.FromContext(r.Context()); !ok || id != who {
					t.Errorf("who is %v, the context says %v", who, id)
				}
				next(w, r)
			})} {
				r := httptest.NewRequest("GET", "/", nil)
				r.Header.Set("Authorization", "Bearer "+tt.token)
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				if challenge := w.Header().Get("WWW-Authenticate"); w.Code != tt.status || !strings.Contains(challenge, tt.about) {
					t.Errorf("%d %q, want %d %q", w.Code, challenge, tt.status, tt.about)
				}
			}
		}
	})
}

// Only whose token has one of the acr passes; others are told which (RFC 9470 §3).
// ASVS 5.0 6.8.4, 10.3.4
func TestRequireACR(t *testing.T) {
	bubble(t, func(t *testing.T, o *origin, s signer) {
		v := newVerifier(t, o.config())
		next := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
		for _, tt := range []struct {
			acr    any
			status int
			about  string
		}{
			{"phr", http.StatusNoContent, ""},
			{"phrh", http.StatusNoContent, ""},
			{"1", http.StatusUnauthorized, `error="insufficient_user_authentication"`},
			{nil, http.StatusUnauthorized, `acr_values="phr phrh"`},
			{[]string{"phr"}, http.StatusUnauthorized, `acr_values="phr phrh"`}, // no acr
		} {
			acr := []string{"phr", "phrh"}
			for _, h := range []http.Handler{v.RequireACR(acr, next), v.RequireACRFunc(acr, func(w http.ResponseWriter, r *http.Request, _ jwks.Identity) { next(w, r) })} {
				r := httptest.NewRequest("GET", "/", nil)
				r.Header.Set("Authorization", "Bearer "+s.token(t, "acr", tt.acr))
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				if challenge := w.Header().Get("WWW-Authenticate"); w.Code != tt.status || !strings.Contains(challenge, tt.about) {
					t.Errorf("%v: %d %q, want %d %q", tt.acr, w.Code, challenge, tt.status, tt.about)
				}
			}
		}
	})
}

// A service that verifies links neither a database driver nor the root package,
// which has one.
func TestDependencies(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	deps := strings.Fields(string(out))
	if !slices.Contains(deps, "github.com/seed89488a0c/auth/jwks") {
		t.Fatalf("not a list of packages: %q", deps)
	}
	for _, path := range deps {
		first, _, _ := strings.Cut(path, "/")
		switch {
		case path == "github.com/seed89488a0c/auth", strings.HasPrefix(path, "database/"):
			t.Errorf("depends on %s", path)
		case !strings.Contains(first, "."), strings.HasPrefix(path, "github.com/seed89488a0c/auth/"):
		case strings.HasPrefix(path, "github.com/golang-jwt/jwt/"):
		default:
			t.Errorf("depends on %s", path)
		}
	}
}
