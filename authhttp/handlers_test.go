package authhttp_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authhttp"
	"github.com/seed89488a0c/auth/authtest"
)

// newAPI serves the handlers over a.
func newAPI(t testing.TB, a *auth.Authenticator) *httptest.Server {
	mux := http.NewServeMux()
	mux.Handle("/register", authhttp.Register(a))
	mux.Handle("/login", authhttp.Login(a))
	mux.Handle("/me", authhttp.Require(a)(http.HandlerFunc(whoami)))
	return newServer(t, mux)
}

func TestRegisterAndLogin(t *testing.T) {
	api := newAPI(t, newAuthenticator(t, auth.NewMemoryStore()))
	tokens := func(a answer, members int) string {
		t.Helper()
		token, _ := a.Body["access_token"].(string)
		seconds, _ := a.Body["expires_in"].(float64)
		if a.Status != 200 || a.Body["result"] != "success" || a.Body["token_type"] != "Bearer" || len(a.Body) != members {
			t.Fatalf("answer %d %v", a.Status, a.Body)
		}
		if seconds != float64(int(seconds)) || seconds < 890 || seconds > 900 {
			t.Errorf("expires_in = %v, want about 900", seconds)
		}
		return token
	}
	body := `{"email":"canary@example.com","password":"` + canaryPassword + `"}`
	answered := send(t, post(t, api.URL+"/register",
		`{"username":"홍길동","email":"canary@EXAMPLE.com","password":"`+canaryPassword+`"}`))
	registered := tokens(answered, 5)
	loggedIn := tokens(send(t, post(t, api.URL+"/login", body)), 4)
	first := send(t, get(t, api.URL+"/me", "Bearer "+registered))
	second := send(t, get(t, api.URL+"/me", "Bearer "+loggedIn))
	if first.Body["user"] == "" || first.Body["user"] != second.Body["user"] {
		t.Errorf("users %v and %v", first.Body, second.Body)
	}
	want := map[string]any{"id": first.Body["user"], "email": "canary@example.com", "username": "홍길동"}
	if !reflect.DeepEqual(answered.Body["user"], want) {
		t.Errorf("registered %v, want %v", answered.Body["user"], want)
	}
	unnamed := send(t, post(t, api.URL+"/register", strings.Replace(body, "canary@", "unnamed@", 1))).Body["user"].(map[string]any)
	if len(unnamed) != 2 || unnamed["email"] != "unnamed@example.com" || unnamed["id"] == "" {
		t.Errorf("registered %v, want an ID and an address", unnamed)
	}

	send(t, post(t, api.URL+"/register", body)).want(t, 409, "user_exists")
	send(t, post(t, api.URL+"/register", strings.Replace(body, "canary@example.com", "canary@EXAMPLE.com", 1))).
		want(t, 409, "user_exists")

	wrong := send(t, post(t, api.URL+"/login", strings.Replace(body, "5Kq9", "5kq9", 1)))
	wrong.want(t, 401, "invalid_credentials")
	unknown := send(t, post(t, api.URL+"/login", strings.Replace(body, "canary@", "nobody@", 1)))
	if wrong.Text != unknown.Text || wrong.Header.Get("WWW-Authenticate") != bare || unknown.Header.Get("WWW-Authenticate") != bare {
		t.Errorf("a wrong password and an unknown address are told apart:\n%v\n%v", wrong, unknown)
	}
}

// A login or registration answers with a device token, where there are secrets, and the
// next login takes it; whatever else is there as one shuts nobody out.
func TestDeviceToken(t *testing.T) {
	for _, secrets := range [][][]byte{nil, {bytes.Repeat([]byte{0xFE}, 32)}} {
		api := newAPI(t, newAuthenticator(t, auth.NewMemoryStore(), auth.Options{Secrets: secrets}))
		first := send(t, post(t, api.URL+"/register", `{"email":"ada@example.com","password":"correct horse"}`))
		device, given := first.Body["device_token"].(string)
		if first.Status != 200 || given != (secrets != nil) || given && len(device) != 36 {
			t.Errorf("registered %d %s", first.Status, first.Text)
		}
		for _, token := range []string{device, "", "x", strings.Repeat("x", 8000)} {
			got := send(t, post(t, api.URL+"/login", `{"email":"ada@example.com","password":"correct horse","device_token":"`+token+`"}`))
			if again, there := got.Body["device_token"].(string); got.Status != 200 || there != given || given && again == device {
				t.Errorf("%.10q: %d %s", token, got.Status, got.Text)
			}
		}
		send(t, post(t, api.URL+"/login", `{"email":"ada@example.com","password":"correct horse","device_token":7}`)).want(t, 400, "invalid_type")
	}
}

// Phones add a space behind what they complete. Of a password every byte counts.
func TestSpaceAroundTheAddress(t *testing.T) {
	api := newAPI(t, newAuthenticator(t, auth.NewMemoryStore()))
	got := send(t, post(t, api.URL+"/register", `{"email":"\tAda@example.com\u00a0 ","password":" correct horse "}`))
	if user, _ := got.Body["user"].(map[string]any); got.Status != 200 || user["email"] != "Ada@example.com" {
		t.Errorf("registered %d %s", got.Status, got.Text)
	}
	for _, address := range []string{"ada@example.com", "ada@example.com ", " ada@example.com", `\u3000ada@example.com\r\n`} {
		if got := send(t, post(t, api.URL+"/login", `{"email":"`+address+`","password":" correct horse "}`)); got.Status != 200 {
			t.Errorf("%q: answer %d %s", address, got.Status, got.Text)
		}
		send(t, post(t, api.URL+"/login", `{"email":"`+address+`","password":"correct horse"}`)).want(t, 401, "invalid_credentials")
		send(t, post(t, api.URL+"/register", `{"email":"`+address+`","password":"correct horse"}`)).want(t, 409, "user_exists")
	}
	send(t, post(t, api.URL+"/login", `{"email":"a da@example.com","password":" correct horse "}`)).want(t, 401, "invalid_credentials")
	send(t, post(t, api.URL+"/login", `{"email":" \u00a0","password":"x"}`)).want(t, 400, "required")
	send(t, post(t, api.URL+"/register", `{"email":" ","password":" correct horse "}`)).want(t, 400, "required")
}

// ASVS 5.0 2.2.1
func TestRegisterInput(t *testing.T) {
	api := newAPI(t, newAuthenticator(t, auth.NewMemoryStore(), auth.Options{Passwords: auth.PasswordPolicy{InsecureMinLength: 4, InsecureMaxLength: 12, InsecureAllowAny: true}}))
	for _, tt := range []struct {
		name, body, code, field string
		min, max                any
	}{
		{"e-mail", `{"email":"canary","password":"1234"}`, "email_no_at", "email", nil, nil},
		{"e-mail with NUL", `{"email":"canary\u0000@example.com","password":"1234"}`, "invalid_character", "email", nil, nil},
		{"no e-mail", `{"password":"1234"}`, "required", "email", nil, nil},
		{"empty object", `{}`, "required", "email", nil, nil},
		{"short", `{"email":"a@example.com","password":"123"}`, "too_short", "password", 4., 12.},
		{"long", `{"email":"a@example.com","password":"1234567890123"}`, "too_long", "password", 4., 12.},
		{"NUL", `{"email":"a@example.com","password":"1234\u0000"}`, "invalid_character", "password", 4., 12.},
		{"no password", `{"email":"a@example.com"}`, "required", "password", 4., 12.},
		{"username", `{"email":"a@example.com","password":"1234","username":"canary\n"}`, "invalid_character", "username", nil, 100.},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := send(t, post(t, api.URL+"/register", tt.body))
			got.want(t, 400, tt.code)
			if got.Body["field"] != tt.field || got.Body["min"] != tt.min || got.Body["max"] != tt.max {
				t.Errorf("body %s", got.Text)
			}
		})
	}
}

func TestLoginInput(t *testing.T) {
	api := newAPI(t, newAuthenticator(t, auth.NewMemoryStore()))
	for _, tt := range []struct {
		name, body  string
		status      int
		code, field string
	}{
		{"nothing", `{}`, 400, "required", "email"},
		{"no e-mail", `{"password":"x"}`, 400, "required", "email"},
		{"empty e-mail", `{"email":"","password":"x"}`, 400, "required", "email"},
		{"no password", `{"email":"a@example.com"}`, 400, "required", "password"},
		{"empty password", `{"email":"a@example.com","password":""}`, 400, "required", "password"},
		{"long password", `{"email":"a@example.com","password":"` + strings.Repeat("x", 4097) + `"}`, 400, "too_long", "password"},
		{"username", `{"email":"a@example.com","password":"x","username":"x"}`, 400, "unknown_member", "username"},
		{"impossible e-mail", `{"email":"canary","password":"x"}`, 401, "invalid_credentials", ""},
		{"NUL", `{"email":"canary\u0000","password":"\u0000"}`, 401, "invalid_credentials", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := send(t, post(t, api.URL+"/login", tt.body))
			got.want(t, tt.status, tt.code)
			if field, _ := got.Body["field"].(string); field != tt.field {
				t.Errorf("field = %q, want %q", field, tt.field)
			}
		})
	}
}

// malformed are the bodies that decodeStrings refuses; the members that it
// knows are email and password.
var malformed = []struct{ name, body, code, field string }{
	{"empty", ``, "malformed_json", ""},
	{"blank", " \n", "malformed_json", ""},
	{"no JSON", `email=canary`, "malformed_json", ""},
	{"cut", `{"email":"canary`, "malformed_json", ""},
	{"comma", `{"email":"a",}`, "malformed_json", ""},
	{"comment", `{"email":"a"/* */}`, "malformed_json", ""},
	{"single quotes", `{'email':'a'}`, "malformed_json", ""},
	{"byte order mark", "\ufeff" + `{"email":"a"}`, "malformed_json", ""},
	{"UTF-16", "{\x00\"\x00e\x00m\x00a\x00i\x00l\x00\"\x00:\x00\"\x00\"\x00}\x00", "malformed_json", ""},
	{"two objects", `{"email":"a"}{"email":"a"}`, "malformed_json", ""},
	{"trailing text", `{"email":"a"} x`, "malformed_json", ""},
	{"trailing NUL", `{"email":"a"}` + "\x00", "malformed_json", ""},
	{"raw NUL", `{"email":"a` + "\x00" + `"}`, "malformed_json", ""},
	{"raw line break", `{"email":"a` + "\n" + `"}`, "malformed_json", ""},
	{"not UTF-8", `{"email":"a` + "\xff" + `"}`, "malformed_json", ""},
	{"encoded surrogate", `{"email":"a` + "\xed\xa0\x80" + `"}`, "malformed_json", ""},
	{"high surrogate", `{"email":"\ud83d"}`, "malformed_json", ""},
	{"low surrogate", `{"email":"\ude00"}`, "malformed_json", ""},
	{"swapped surrogates", `{"email":"\ude00\ud83d"}`, "malformed_json", ""},
	{"high surrogate, escape", `{"email":"\ud83d\n"}`, "malformed_json", ""},
	{"high surrogate, letter", `{"email":"\ud83d\u0041"}`, "malformed_json", ""},
	{"high surrogate after a pair", `{"email":"\ud83d\ude00\ud83d"}`, "malformed_json", ""},
	{"surrogate in a name", `{"\ud83d":"a"}`, "malformed_json", ""},
	{"unknown escape", `{"email":"\x41"}`, "malformed_json", ""},
	{"deep", strings.Repeat(`[`, 15000), "malformed_json", ""},
	{"deep and closed", strings.Repeat(`[`, 8000) + strings.Repeat(`]`, 8000), "invalid_type", ""},
	{"deep value", `{"email":` + strings.Repeat(`[`, 8000) + strings.Repeat(`]`, 8000) + `}`, "invalid_type", "email"},

	{"array", `[{"email":"a"}]`, "invalid_type", ""},
	{"string", `"canary"`, "invalid_type", ""},
	{"null", `null`, "invalid_type", ""},
	{"number", `0`, "invalid_type", ""},
	{"huge number", `1e999`, "invalid_type", ""},
	{"null member", `{"email":null}`, "invalid_type", "email"},
	{"number member", `{"email":0}`, "invalid_type", "email"},
	{"huge number member", `{"email":1e999}`, "invalid_type", "email"},
	{"boolean member", `{"email":true}`, "invalid_type", "email"},
	{"object member", `{"email":{"canary":"a"}}`, "invalid_type", "email"},
	{"array member", `{"password":["canary"]}`, "invalid_type", "password"},

	{"unknown", `{"remember":"a"}`, "unknown_member", "remember"},
	{"unknown, not a string", `{"email":"a","invite_Code-2":[]}`, "unknown_member", "invite_Code-2"},
	{"unknown, as long as is repeated", `{"` + strings.Repeat("x", 32) + `":1}`, "unknown_member", strings.Repeat("x", 32)},
	{"unknown and long", `{"` + strings.Repeat("x", 33) + `":1}`, "unknown_member", ""},
	{"unknown and strange", `{"<canary>":"a"}`, "unknown_member", ""},
	{"unknown, with a line break", `{"canary\n":"a"}`, "unknown_member", ""},
	{"empty name", `{"":"a"}`, "unknown_member", ""},
	{"upper case", `{"EMAIL":"a"}`, "unknown_member", "EMAIL"},
	{"both cases", `{"email":"a","Email":"b"}`, "unknown_member", "Email"},
	{"Unicode case", `{"pa\u017fsword":"a"}`, "unknown_member", ""}, // encoding/json folds ſ to s
	{"name with a space", `{"email ":"a"}`, "unknown_member", ""},
	{"name with NUL", `{"email\u0000":"a"}`, "unknown_member", ""},
	{"prototype", `{"__proto__":"a"}`, "unknown_member", "__proto__"},

	{"twice", `{"email":"a","email":"a"}`, "duplicate_member", "email"},
	{"twice, escaped", `{"email":"a","\u0065mail":"b"}`, "duplicate_member", "email"},
	{"twice, not a string", `{"email":"a","email":null}`, "duplicate_member", "email"},
}

func TestBodies(t *testing.T) {
	a := newAuthenticator(t, failingStore{err: auth.ErrUserNotFound})
	api := newAPI(t, a)
	for _, tt := range malformed {
		t.Run(tt.name, func(t *testing.T) {
			for _, path := range []string{"/register", "/login"} {
				got := send(t, post(t, api.URL+path, tt.body))
				got.want(t, 400, tt.code)
				if field, _ := got.Body["field"].(string); field != tt.field {
					t.Errorf("field = %q, want %q", field, tt.field)
				}
				if tt.code == "unknown_member" && tt.field != "" && !strings.HasSuffix(got.Body["error"].(string), "known here: "+tt.field+".") {
					t.Errorf("it does not say what is not known: %s", got.Text)
				}
			}
		})
	}
}

func TestBodySize(t *testing.T) {
	api := newAPI(t, newAuthenticator(t, auth.NewMemoryStore()))
	sized := func(n int) string {
		const empty = `{"email":"a@example.com","password":""}`
		return strings.Replace(empty, `""`, `"`+strings.Repeat("x", n-len(empty))+`"`, 1)
	}
	send(t, post(t, api.URL+"/login", sized(16<<10))).want(t, 400, "too_long")
	send(t, post(t, api.URL+"/login", sized(16<<10+1))).want(t, 413, "body_too_large")
	send(t, post(t, api.URL+"/register", sized(16<<10+1))).want(t, 413, "body_too_large")

	chunked := post(t, api.URL+"/login", "")
	chunked.Body, chunked.ContentLength = io.NopCloser(iotest.OneByteReader(strings.NewReader(sized(16<<10+1)))), -1
	send(t, chunked).want(t, 413, "body_too_large")

	chunked = post(t, api.URL+"/login", "")
	chunked.Body, chunked.ContentLength = io.NopCloser(iotest.OneByteReader(strings.NewReader(`{"email":"a@example.com","password":"x"}`))), -1
	send(t, chunked).want(t, 401, "invalid_credentials")

	// The longest password that any policy allows, written as long as JSON allows.
	long := newAPI(t, newAuthenticator(t, auth.NewMemoryStore(),
		auth.Options{Passwords: auth.PasswordPolicy{MaxLength: 1024, InsecureAllowAny: true}}))
	got := send(t, post(t, long.URL+"/register", `{"username":"`+strings.Repeat(`\ud83d\ude00`, 100)+
		`","email":"`+strings.Repeat(`\u0061`, 64)+`@example.com","password":"`+strings.Repeat(`\ud83d\ude00`, 1024)+`"}`))
	if got.Status != 200 {
		t.Errorf("answer %d %s, want 200", got.Status, got.Text)
	}

	// A client that goes on sending is answered and cut off.
	huge := post(t, api.URL+"/register", "")
	huge.Body, huge.ContentLength = io.NopCloser(io.LimitReader(endless{}, 10<<20)), 10<<20
	if resp, err := http.DefaultClient.Do(huge); err == nil { // or it was cut off while it sent
		resp.Body.Close()
		if resp.StatusCode != 413 {
			t.Errorf("10 MiB: status %d, want 413", resp.StatusCode)
		}
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// A body that does not arrive: too short, badly framed, or too slow for the
// server's patience.
func TestBodyIncomplete(t *testing.T) {
	server := httptest.NewUnstartedServer(authhttp.Login(newAuthenticator(t, auth.NewMemoryStore())))
	server.Config.ReadTimeout = 100 * time.Millisecond
	server.Start()
	t.Cleanup(server.Close)
	for name, tt := range map[string]struct {
		rest string
		end  bool
	}{
		"short": {"Content-Length: 40\r\n\r\n{\"email\":", true},
		"chunk": {"Transfer-Encoding: chunked\r\n\r\ncanary\r\n", true},
		"slow":  {"Content-Length: 40\r\n\r\n{\"email\":", false},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n%s", tt.rest)
			if tt.end {
				conn.(*net.TCPConn).CloseWrite()
			}
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			text, _ := io.ReadAll(resp.Body)
			check(t, answer{Status: resp.StatusCode, Header: resp.Header, Text: string(text)}).want(t, 400, "incomplete_body")
		})
	}
}

// ASVS 5.0 3.5.2
func TestContentType(t *testing.T) {
	api := newAPI(t, newAuthenticator(t, auth.NewMemoryStore()))
	const body = `{"email":"a@example.com","password":"x"}`
	const missing, malformed, media = "content_type_missing", "content_type_malformed", "unsupported_media_type"
	const charset, encoding = "unsupported_charset", "unsupported_encoding"
	coded := func(coding ...string) http.Header {
		return http.Header{"Content-Type": {"application/json"}, "Content-Encoding": coding}
	}
	sentences := map[any]string{}
	for _, tt := range []struct {
		name   string
		header http.Header
		code   string // "" = accepted
	}{
		{"plain", http.Header{"Content-Type": {"application/json"}}, ""},
		{"upper case", http.Header{"Content-Type": {"Application/JSON"}}, ""},
		{"charset", http.Header{"Content-Type": {"application/json; charset=utf-8"}}, ""},
		{"charset, quoted and in upper case", http.Header{"Content-Type": {`application/json;charset="UTF-8"`}}, ""},
		{"charset as many write it", http.Header{"Content-Type": {"application/json; charset=utf8"}}, ""},
		{"charset as many write it, in upper case", http.Header{"Content-Type": {"application/json; charset=UTF8"}}, ""},
		{"other parameter", http.Header{"Content-Type": {"application/json; profile=x"}}, ""},
		{"encoding empty", coded(""), ""},
		{"encoding blank", coded(" \t"), ""},
		{"encoding identity", coded("identity"), ""},
		{"encoding identity, in upper case", coded("Identity"), ""},
		{"encoding identity, twice", coded("identity", "identity"), ""},

		{"none", http.Header{}, missing},
		{"empty", http.Header{"Content-Type": {""}}, missing},
		{"form", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, media},
		{"text", http.Header{"Content-Type": {"text/plain"}}, media},
		{"another JSON", http.Header{"Content-Type": {"application/problem+json"}}, media},
		{"text/json", http.Header{"Content-Type": {"text/json"}}, media},
		{"prefix", http.Header{"Content-Type": {"application/jsonp"}}, media},
		{"list", http.Header{"Content-Type": {"application/json, text/plain"}}, malformed},
		{"twice", http.Header{"Content-Type": {"application/json", "application/json"}}, malformed},
		{"twice, one empty", http.Header{"Content-Type": {"application/json", ""}}, malformed},
		{"charset latin1", http.Header{"Content-Type": {"application/json; charset=iso-8859-1"}}, charset},
		{"charset utf-16", http.Header{"Content-Type": {"application/json; charset=utf-16"}}, charset},
		{"charset utf16", http.Header{"Content-Type": {"application/json; charset=utf16"}}, charset},
		{"charset empty", http.Header{"Content-Type": {`application/json; charset=""`}}, charset},
		{"charset twice", http.Header{"Content-Type": {"application/json; charset=utf-8; charset=utf-16"}}, malformed},
		{"broken parameter", http.Header{"Content-Type": {"application/json; ="}}, malformed},
		{"compressed", coded("gzip"), encoding},
		{"compressed after identity", coded("identity, br"), encoding},
		{"compressed, in a second field", coded("", "gzip"), encoding},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, path := range []string{"/register", "/login"} {
				r := post(t, api.URL+path, body)
				r.Header = tt.header.Clone()
				got := send(t, r)
				if tt.code == "" {
					if got.Status == 415 {
						t.Errorf("%s: 415", path)
					}
					continue
				}
				got.want(t, 415, tt.code)
				accept, acceptEncoding := "application/json", ""
				if tt.code == encoding {
					accept, acceptEncoding = "", "identity"
				}
				if h := got.Header; h.Get("Accept") != accept || h.Get("Accept-Encoding") != acceptEncoding {
					t.Errorf("%s: it does not say what is accepted: %v", path, h)
				}
				if other, known := sentences[got.Body["error"]]; known && other != tt.code {
					t.Errorf("%s and %s have one sentence", other, tt.code)
				}
				sentences[got.Body["error"]] = tt.code
			}
		})
	}
}

// ASVS 5.0 3.5.3, 4.1.4
func TestMethod(t *testing.T) {
	api := newAPI(t, newAuthenticator(t, auth.NewMemoryStore()))
	for _, method := range []string{"GET", "PUT", "PATCH", "DELETE", "OPTIONS", "post", "CANARY"} {
		r := post(t, api.URL+"/login", `{}`)
		r.Method = method
		got := send(t, r)
		got.want(t, 405, "method_not_allowed")
		if allow := got.Header.Get("Allow"); allow != "POST" {
			t.Errorf("%s: Allow = %q, want POST", method, allow)
		}
	}
}

// Every way in which a store or a hash fails, over both handlers.
func TestOutages(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
	}{
		{"driver", errors.New(canaryDriver)},
		{"store", &auth.StoreError{Op: "canary", Code: canaryDriver}},
		{"schema", auth.ErrSchema},
		{"deadline", fmt.Errorf("%s: %w", canaryDriver, context.DeadlineExceeded)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			api := newAPI(t, newAuthenticator(t, failingStore{err: tt.err}))
			for _, path := range []string{"/register", "/login"} {
				send(t, post(t, api.URL+path, `{"email":"canary@example.com","password":"`+canaryPassword+`"}`)).
					want(t, 503, "unavailable")
			}
		})
	}
}

// blockingHasher works until its test ends, once it is armed.
type blockingHasher struct {
	authtest.Hasher
	armed *atomic.Bool // auth.New verifies too
	busy  chan<- struct{}
	end   <-chan struct{}
}

func (h blockingHasher) Verify(ctx context.Context, encoded string, p auth.Password) (bool, error) {
	if !h.armed.Load() {
		return h.Hasher.Verify(ctx, encoded, p)
	}
	select {
	case h.busy <- struct{}{}:
	case <-h.end:
	}
	<-h.end
	return h.Hasher.Verify(ctx, encoded, p)
}

// With every hashing slot taken a request is answered when its deadline ends.
func TestOverload(t *testing.T) {
	busy, end := make(chan struct{}), make(chan struct{})
	var armed atomic.Bool
	a := newAuthenticator(t, auth.NewMemoryStore(), auth.Options{Hasher: blockingHasher{armed: &armed, busy: busy, end: end}})
	armed.Store(true)
	login := authhttp.Login(a)
	server := newServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 100*time.Millisecond)
		defer cancel()
		login.ServeHTTP(w, r.WithContext(ctx))
	}))
	defer close(end)
	const body = `{"email":"canary@example.com","password":"` + canaryPassword + `"}`
	for filling := true; filling; {
		answered := make(chan string, 1)
		go func() {
			if resp, err := http.Post(server.URL, "application/json", strings.NewReader(body)); err == nil {
				text, _ := io.ReadAll(resp.Body)
				resp.Body.Close()
				answered <- string(text)
			}
		}()
		select {
		case <-busy:
		case text := <-answered: // that one found no slot, or has not come so far in time
			filling = !strings.Contains(text, "overloaded")
		}
	}
	got := send(t, post(t, server.URL, body))
	got.want(t, 503, "overloaded")
	if retry := got.Header.Get("Retry-After"); retry != "1" {
		t.Errorf("Retry-After = %q, want 1", retry)
	}
}
