package authhttp_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authhttp"
)

const (
	bare    = `Bearer realm="api"`
	invalid = `Bearer realm="api", error="invalid_token", error_description="The access token is not valid"`
	expired = `Bearer realm="api", error="invalid_token", error_description="The access token expired"`

	anonymous = "anonymous"
)

// whoami writes the user's ID as a JSON string in an object.
func whoami(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	id, ok := auth.FromContext(r.Context())
	fmt.Fprintf(w, `{"user":%q,"known":%t}`, id.UserID, ok)
}

// register returns the tokens of a new user.
func register(t testing.TB, a *auth.Authenticator) auth.Result {
	t.Helper()
	result, err := a.Register(t.Context(), auth.Registration{
		Email:    "canary@example.com",
		Password: auth.NewPassword(canaryPassword),
	})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// ASVS 5.0 7.2.1
func TestRequireCredentials(t *testing.T) {
	a := newAuthenticator(t, auth.NewMemoryStore())
	user := register(t, a)
	token := user.Tokens.Access
	foreign := register(t, newAuthenticator(t, auth.NewMemoryStore())).Tokens.Access
	handlers := []struct {
		optional bool
		*httptest.Server
	}{
		{false, newServer(t, authhttp.Require(a)(http.HandlerFunc(whoami)))},
		{false, newServer(t, authhttp.RequireFunc(a, whoIsIt))},
		{true, newServer(t, authhttp.Optional(a)(http.HandlerFunc(whoami)))},
		{true, newServer(t, authhttp.OptionalFunc(a, func(w http.ResponseWriter, r *http.Request, who *auth.Identity) {
			if id, ok := auth.FromContext(r.Context()); ok != (who != nil) || ok && id != *who {
				t.Errorf("who is %v, the context says %v", who, id)
			}
			whoami(w, r)
		}))},
	}

	tests := []struct {
		name   string
		fields []string
		code   string // "" = accepted, anonymous = only by Optional, as nobody
	}{
		{"as written", []string{"Bearer " + token}, ""},
		{"lower case", []string{"bearer " + token}, ""},
		{"upper case", []string{"BEARER " + token}, ""},
		{"mixed case", []string{"bEaReR " + token}, ""},
		{"several spaces", []string{"Bearer    " + token}, ""},
		{"spaces around, which are not part of the field", []string{"  Bearer " + token + " \t"}, ""},

		{"none", nil, anonymous},
		{"other scheme", []string{"Basic Y2FuYXJ5OmNhbmFyeQ=="}, anonymous},
		{"other scheme of parameters", []string{`Digest username="canary", realm="a"`}, anonymous},

		{"empty", []string{""}, "missing_token"},
		{"blank", []string{" \t "}, "missing_token"},
		{"other scheme only", []string{"Negotiate"}, "missing_token"},
		{"other scheme and spaces", []string{"Basic  "}, "missing_token"},
		{"no scheme", []string{token}, "missing_token"},
		{"scheme without a space", []string{"Bearer" + token}, "missing_token"},
		{"scheme with a colon", []string{"Bearer: " + token}, "missing_token"},
		{"tab", []string{"Bearer\t" + token}, "missing_token"},
		{"list of schemes", []string{"Basic Y2FuYXJ5, Bearer " + token}, "missing_token"},
		{"list of schemes in upper case", []string{"Basic Y2FuYXJ5,BEARER " + token}, "missing_token"},

		{"scheme only", []string{"Bearer"}, "invalid_token"},
		{"scheme and space", []string{"Bearer "}, "invalid_token"},
		{"twice", []string{"Bearer " + token, "Bearer " + token}, "invalid_token"},
		{"twice, one empty", []string{"Bearer " + token, ""}, "invalid_token"},
		{"twice, two schemes", []string{"Basic Y2FuYXJ5", "Bearer " + token}, "invalid_token"},
		{"joined by a comma", []string{"Bearer " + token + ", Bearer " + token}, "invalid_token"},
		{"joined by a comma without spaces", []string{"Bearer " + token + "," + token}, "invalid_token"},
		{"two tokens", []string{"Bearer " + token + " " + token}, "invalid_token"},
		{"space and tab", []string{"Bearer \t" + token}, "invalid_token"},
		{"quoted", []string{`Bearer "` + token + `"`}, "invalid_token"},
		{"parameter", []string{`Bearer token="` + token + `"`}, "invalid_token"},
		{"padding only", []string{"Bearer ="}, "invalid_token"},
		{"padding inside", []string{"Bearer a=" + token}, "invalid_token"},
		{"not ASCII", []string{"Bearer " + token + "é"}, "invalid_token"},
		{"not UTF-8", []string{"Bearer " + token + "\xff"}, "invalid_token"},
		{"no JWT", []string{"Bearer canary"}, "invalid_token"},
		{"changed", []string{"Bearer " + token[:len(token)-4] + "AAAA"}, "invalid_token"},
		{"foreign", []string{"Bearer " + foreign}, "invalid_token"},
		{"large", []string{"Bearer " + strings.Repeat("a", 900_000)}, "invalid_token"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, h := range handlers {
				got, code := send(t, get(t, h.URL, tt.fields...)), tt.code
				switch {
				case code == "":
					if got.Status != 200 || got.Body["user"] != user.User.ID {
						t.Errorf("answer %d %s, want the user", got.Status, got.Text)
					}
					continue
				case code == anonymous && h.optional:
					if got.Status != 200 || got.Body["known"] != false {
						t.Errorf("Optional: answer %d %s, want anonymous", got.Status, got.Text)
					}
					continue
				case code == anonymous:
					code = "missing_token"
				}
				got.want(t, 401, code)
				challenge := map[string]string{"missing_token": bare, "invalid_token": invalid}[code]
				if c := got.Header.Values("WWW-Authenticate"); len(c) != 1 || c[0] != challenge {
					t.Errorf("WWW-Authenticate = %q, want %q", c, challenge)
				}
			}
		})
	}
}

// What has not the form of one token never reaches the verifier, and what has
// reaches it byte for byte.
func TestRequireForm(t *testing.T) {
	v := verifierFunc(func(_ context.Context, token string) (auth.Identity, error) {
		return auth.Identity{UserID: token}, nil
	})
	server := newServer(t, authhttp.Require(v)(http.HandlerFunc(whoami)))
	const all = "abyzABYZ0189-._~+/"
	for _, token := range []string{"a", all, all + "=", all + "=="} {
		if got := send(t, get(t, server.URL, "Bearer "+token)); got.Body["user"] != token {
			t.Errorf("%q: answer %d %s", token, got.Status, got.Text)
		}
	}
	for _, token := range []string{"", "=", "==", "=a", "a=b", "a b", "a, b", "a,b", "\ta", "a;b", `"a"`, `t="a"`, "a:b", "a@b", "é", "a\xff"} {
		send(t, get(t, server.URL, "Bearer "+token)).want(t, 401, "invalid_token")
	}
}

// A header beyond the server's limit never reaches us.
func TestRequireMegabyteToken(t *testing.T) {
	server := newServer(t, authhttp.Require(newAuthenticator(t, auth.NewMemoryStore()))(http.HandlerFunc(whoami)))
	resp, err := http.DefaultClient.Do(get(t, server.URL, "Bearer "+strings.Repeat("a", 2<<20)))
	if err != nil {
		return // the server hung up while the request was sent, which is as good an answer
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("status %d, want 431", resp.StatusCode)
	}
}

// Bytes that net/http's client would not send.
// ASVS 5.0 15.3.7
func TestRequireRawHeaders(t *testing.T) {
	a := newAuthenticator(t, auth.NewMemoryStore())
	token := register(t, a).Tokens.Access
	server := newServer(t, authhttp.Require(a)(http.HandlerFunc(whoami)))
	for name, tt := range map[string]struct {
		field  string
		status int
	}{
		"name in lower case": {"authorization: Bearer " + token, 200},
		"NUL":                {"Authorization: Bearer " + token + "\x00", 400},
		"folded":             {"Authorization: Bearer\r\n " + token, 200}, // net/http unfolds
		"two":                {"Authorization: Bearer " + token + "\r\nauthorization: Bearer " + token, 401},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n", tt.field)
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != tt.status {
				t.Errorf("status %d, want %d", resp.StatusCode, tt.status)
			}
		})
	}
}

// The Authorization header is the only place that is looked at.
// ASVS 5.0 3.5.1, 14.2.1
func TestRequireOtherPlaces(t *testing.T) {
	a := newAuthenticator(t, auth.NewMemoryStore())
	token := register(t, a).Tokens.Access
	server := newServer(t, authhttp.Require(a)(http.HandlerFunc(whoami)))
	form := post(t, server.URL, url.Values{"access_token": {token}}.Encode())
	form.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	cookie := get(t, server.URL)
	cookie.AddCookie(&http.Cookie{Name: "access_token", Value: token})
	other := get(t, server.URL)
	for _, name := range []string{"X-Access-Token", "Proxy-Authorization", "X-Authorization"} {
		other.Header.Set(name, "Bearer "+token)
	}
	for name, r := range map[string]*http.Request{
		"query":  get(t, server.URL+"?access_token="+token+"&token="+token+"&jwt="+token),
		"form":   form,
		"cookie": cookie,
		"header": other,
		"JSON":   post(t, server.URL, `{"access_token":"`+token+`"}`),
	} {
		t.Run(name, func(t *testing.T) { send(t, r).want(t, 401, "missing_token") })
	}
}

func TestRequireExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAuthenticator(t, auth.NewMemoryStore())
		token := register(t, a).Tokens.Access
		h := authhttp.Require(a)(http.HandlerFunc(whoami))
		request := func() answer {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, get(t, "/", "Bearer "+token))
			return check(t, answer{Status: w.Code, Header: w.Header(), Text: w.Body.String()})
		}
		time.Sleep(15*time.Minute - time.Nanosecond)
		if got := request(); got.Status != 200 {
			t.Errorf("a moment before: status %d, want 200", got.Status)
		}
		time.Sleep(time.Nanosecond)
		got := request()
		got.want(t, 401, "expired_token")
		if c := got.Header.Get("WWW-Authenticate"); c != expired {
			t.Errorf("WWW-Authenticate = %q, want %q", c, expired)
		}
	})
}

// What a verifier returns, good or bad, and what becomes of it.
func TestVerifierErrors(t *testing.T) {
	reason := errors.New("canary")
	for _, tt := range []struct {
		name   string
		id     auth.Identity
		err    error
		status int
		code   string
	}{
		{"valid", auth.Identity{UserID: "u1"}, nil, 200, ""},
		{"nobody", auth.Identity{}, nil, 401, "invalid_token"},
		{"invalid", auth.Identity{UserID: "u1"}, fmt.Errorf("%w: %w", auth.ErrInvalidToken, reason), 401, "invalid_token"},
		{"expired", auth.Identity{UserID: "u1"}, fmt.Errorf("%w: %w", auth.ErrExpiredToken, reason), 401, "expired_token"},
		{"unavailable", auth.Identity{UserID: "u1"}, fmt.Errorf("%w: %w", auth.ErrUnavailable, reason), 503, "unavailable"},
		{"store", auth.Identity{}, &auth.StoreError{Op: "canary", Code: "canary"}, 503, "unavailable"},
		{"invalid and unavailable", auth.Identity{}, errors.Join(auth.ErrInvalidToken, auth.ErrUnavailable), 503, "unavailable"},
		{"unknown", auth.Identity{UserID: "u1"}, reason, 503, "unavailable"},
		{"not of a verifier", auth.Identity{}, auth.ErrUserNotFound, 503, "unavailable"},
		{"context", auth.Identity{}, context.DeadlineExceeded, 503, "unavailable"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := verifierFunc(func(context.Context, string) (auth.Identity, error) { return tt.id, tt.err })
			for _, middleware := range []func(http.Handler) http.Handler{authhttp.Require(v), authhttp.Optional(v)} {
				called := false
				server := newServer(t, middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					called = true
					whoami(w, r)
				})))
				got := send(t, get(t, server.URL, "Bearer canary"))
				if got.Status != tt.status || called != (tt.status == 200) {
					t.Errorf("status %d, handler called: %t", got.Status, called)
				}
				if tt.code != "" {
					got.want(t, tt.status, tt.code)
				}
			}
		})
	}
}

func TestOptionalAnonymous(t *testing.T) {
	v := verifierFunc(func(context.Context, string) (auth.Identity, error) {
		t.Error("the verifier was asked")
		return auth.Identity{}, auth.ErrUnavailable
	})
	h := authhttp.Optional(v)(http.HandlerFunc(whoami))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, get(t, "/"))
	if want := `{"user":"","known":false}`; w.Body.String() != want {
		t.Errorf("body %s, want %s", w.Body, want)
	}
	if got := w.Header().Get("Vary"); got != "Authorization" {
		t.Errorf("Vary = %q, want Authorization", got)
	}

	// Somebody whom other middleware has identified stays who they are.
	r := get(t, "/")
	w = httptest.NewRecorder()
	h.ServeHTTP(w, r.WithContext(auth.NewContext(r.Context(), auth.Identity{UserID: "u1"})))
	if want := `{"user":"u1","known":true}`; w.Body.String() != want {
		t.Errorf("body %s, want %s", w.Body, want)
	}
}

// A request's own token wins over what a context says already.
func TestRequireReplacesIdentity(t *testing.T) {
	v := verifierFunc(func(_ context.Context, token string) (auth.Identity, error) {
		return auth.Identity{UserID: token}, nil
	})
	r := get(t, "/", "Bearer inner")
	w := httptest.NewRecorder()
	authhttp.Require(v)(http.HandlerFunc(whoami)).
		ServeHTTP(w, r.WithContext(auth.NewContext(r.Context(), auth.Identity{UserID: "outer"})))
	if body, _ := io.ReadAll(w.Body); !strings.Contains(string(body), `"inner"`) {
		t.Errorf("body %s, want inner", body)
	}
}
