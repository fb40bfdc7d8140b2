package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authhttp"
	"github.com/seed89488a0c/auth/authtest"
	"github.com/seed89488a0c/auth/internal/ci"
	"github.com/seed89488a0c/auth/internal/mysqltest"
)

// runMain makes the test binary the server itself, for tests that signal it.
const runMain = "AUTH_EXAMPLE_RUN_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(runMain) != "" {
		main()
		return
	}
	mysqltest.Main(m)
}

// buffer is a bytes.Buffer for several goroutines.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// server is one that runs in the test's process or in one of its own.
type server struct {
	url            string
	stdout, stderr *buffer
	stop           func() error  // as a signal does, and waits
	ended          chan struct{} // is closed when it has ended
	process        *os.Process   // of its own, or nil
	refresh        string        // a refresh token that a test has
}

var listening = regexp.MustCompile(`(?m)^Listening on (http://\S+)$`)

func noEnvironment(string) string { return "" }

// tutorial has most tests take the tutorial's short passwords; a later -policy wins.
var tutorial = []string{"-addr", "127.0.0.1:0", "-policy", "tutorial"}

// start runs the server in this process.
func start(t *testing.T, args ...string) *server {
	t.Helper()
	return startAs(t, slices.Concat(tutorial, args))
}

// startAs is start with these arguments and no others.
func startAs(t *testing.T, args []string) *server {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s := &server{stdout: &buffer{}, stderr: &buffer{}, ended: make(chan struct{})}
	var err error
	go func() {
		defer close(s.ended)
		err = run(ctx, args, noEnvironment, s.stdout, s.stderr)
	}()
	s.stop = func() error {
		cancel()
		<-s.ended
		return err
	}
	t.Cleanup(func() { s.stop() })
	s.wait(t)
	return s
}

// startProcess runs the server in a process of its own. The DSN is given by the
// environment, as the documentation advises.
func startProcess(t *testing.T, dsn string, args ...string) *server {
	t.Helper()
	s := &server{stdout: &buffer{}, stderr: &buffer{}, ended: make(chan struct{})}
	cmd := exec.Command(os.Args[0], slices.Concat(tutorial, args)...)
	cmd.Env = append(os.Environ(), runMain+"=1", "AUTH_DSN="+dsn)
	cmd.Stdout, cmd.Stderr = s.stdout, s.stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.process = cmd.Process
	var err error
	go func() {
		defer close(s.ended)
		err = cmd.Wait()
	}()
	s.stop = func() error {
		cmd.Process.Signal(syscall.SIGTERM)
		<-s.ended
		return err
	}
	t.Cleanup(func() { s.kill() })
	s.wait(t)
	return s
}

// kill is kill -9.
func (s *server) kill() {
	s.process.Kill()
	<-s.ended
}

func (s *server) wait(t *testing.T) {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if m := listening.FindStringSubmatch(s.stdout.String()); m != nil {
			s.url = m[1]
			return
		}
		select {
		case <-s.ended:
			t.Fatalf("the server ended: %v\n%s%s", s.stop(), s.stdout, s.stderr)
		default:
		}
	}
	t.Fatal("the server does not listen")
}

// reply is an answer and its JSON.
type reply struct {
	status int
	header http.Header
	text   string
	body   map[string]any
}

func (r reply) String() string { return fmt.Sprintf("%d %.300s", r.status, r.text) }

// do sends a request; the error is that of the connection.
func (s *server) do(method, path, token, body string) (reply, error) {
	r, err := http.NewRequest(method, s.url+path, strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return reply{}, err
	}
	got := reply{status: resp.StatusCode, header: resp.Header, text: string(text)}
	json.Unmarshal(text, &got.body)
	return got, nil
}

func (s *server) must(t *testing.T, method, path, token, body string) reply {
	t.Helper()
	got, err := s.do(method, path, token, body)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// want fails the test unless the answer has this status and, if not empty, code.
func (r reply) want(t *testing.T, status int, code string) reply {
	t.Helper()
	if r.status != status || code != "" && r.body["code"] != code {
		t.Errorf("answer %v, want %d %s", r, status, code)
	}
	return r
}

func (r reply) token() string {
	token, _ := r.body["access_token"].(string)
	return token
}

func (r reply) refreshToken() string {
	token, _ := r.body["refresh_token"].(string)
	return token
}

func credentials(email, password string) string {
	return fmt.Sprintf(`{"email":%q,"password":%q}`, email, password)
}

// The tutorial's own requests, in its order.
func TestTutorial(t *testing.T) {
	s := start(t)
	const sample = `{"username":"홍길동","email":"abc@naver.com","password":"1234"}`
	s.must(t, "GET", "/healthz", "", "").want(t, 200, "")
	registered := s.must(t, "POST", "/users/register", "", sample).want(t, 200, "")
	if registered.body["result"] != "success" || registered.token() == "" {
		t.Errorf("register: %v", registered)
	}
	if seconds, _ := registered.body["expires_in"].(float64); seconds < 170 || seconds > 180 {
		t.Errorf("expires_in = %v, want three minutes", seconds)
	}
	loggedIn := s.must(t, "POST", "/users/login", "", `{"email":"abc@naver.com","password":"1234"}`).want(t, 200, "")
	for _, token := range []string{registered.token(), loggedIn.token()} {
		me := s.must(t, "GET", "/users/me", token, "").want(t, 200, "")
		if me.body["email"] != "abc@naver.com" || me.body["username"] != "홍길동" || me.body["id"] == "" || me.body["created_at"] == nil {
			t.Errorf("me: %v", me)
		}
		if me.header.Get("Cache-Control") != "no-store" || me.header.Get("Content-Type") != "application/json" {
			t.Errorf("me: header %v", me.header)
		}
		for _, secret := range []string{"argon2", "hash", "1234"} {
			if strings.Contains(me.text, secret) {
				t.Errorf("me: %q in %s", secret, me.text)
			}
		}
	}

	s.must(t, "POST", "/users/register", "", sample).want(t, 409, "user_exists")
	s.must(t, "POST", "/users/register", "", credentials("abc", "1234")).want(t, 400, "email_no_at")
	s.must(t, "POST", "/users/register", "", credentials("x@naver.com", "123")).want(t, 400, "too_short")
	s.must(t, "POST", "/users/register", "", credentials("x@naver.com", "1234567890123")).want(t, 400, "too_long")
	s.must(t, "POST", "/users/register", "", `{"email":0,"password":"1234"}`).want(t, 400, "invalid_type")
	s.must(t, "POST", "/users/login", "", credentials("abc@naver.com", "12345")).want(t, 401, "invalid_credentials")
	s.must(t, "POST", "/users/login", "", credentials("nobody@naver.com", "1234")).want(t, 401, "invalid_credentials")
	s.must(t, "POST", "/users/login", "", "").want(t, 415, "content_type_missing")
	s.must(t, "POST", "/users/login", "", credentials("abc@naver.com", strings.Repeat("x", 16<<10))).want(t, 413, "body_too_large")
	s.must(t, "GET", "/users/me", "", "").want(t, 401, "missing_token")
	s.must(t, "GET", "/users/me", loggedIn.token()+"x", "").want(t, 401, "invalid_token")
	s.must(t, "GET", "/users/me", strings.Repeat("x", maxHeaderBytes+8<<10), "").want(t, 431, "")
	s.must(t, "GET", "/users/login", "", "").want(t, 405, "")
	s.must(t, "GET", "/", "", "").want(t, 404, "")
}

func TestTokensExpire(t *testing.T) {
	t.Parallel()
	s := start(t, "-ttl", "1s")
	token := s.must(t, "POST", "/users/register", "", credentials("abc@naver.com", "1234")).want(t, 200, "").token()
	time.Sleep(1100 * time.Millisecond)
	s.must(t, "GET", "/users/me", token, "").want(t, 401, "expired_token")
}

// The printed lines work when they are pasted, whatever the policy; without one it is
// the library's own.
func TestPrintedCommands(t *testing.T) {
	sh, shErr := exec.LookPath("sh")
	if _, err := exec.LookPath("curl"); err != nil || shErr != nil {
		ci.Missing(t, "sh or curl is missing")
	}
	for policy, weak := range map[string]bool{"-policy=tutorial": true, "-policy=default": false, "": false} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			args := []string{"-addr", "127.0.0.1:0"}
			if policy != "" {
				args = append(args, policy)
			}
			s := startAs(t, args)
			if got := strings.Count(s.stdout.String(), "weak"); (got == 1) != weak {
				t.Errorf("weak is said %d times", got)
			}
			var answers []string
			for line := range strings.Lines(s.stdout.String()) {
				if line = strings.TrimSpace(line); !strings.HasPrefix(line, "curl ") {
					continue
				}
				cmd := exec.Command(sh, "-c", line)
				cmd.Env = append(os.Environ(), "NO_PROXY=*", "no_proxy=*")
				out, err := cmd.CombinedOutput()
				if err != nil {
					t.Fatalf("%s: %v\n%s", line, err, out)
				}
				answers = append(answers, string(out))
			}
			if len(answers) != 4 || !strings.Contains(answers[3], `"refresh_token"`) || !strings.Contains(answers[0], `"success"`) || !strings.Contains(answers[1], `"success"`) ||
				!strings.Contains(answers[2], `"email":"abc@naver.com"`) {
				t.Errorf("answers: %q", answers)
			}
			wantStatus := map[bool]int{true: 200, false: 400}[weak]
			s.must(t, "POST", "/users/register", "", credentials("x@naver.com", "1234")).want(t, wantStatus, "")
		})
	}
}

func TestGreetingNamesReachableAddress(t *testing.T) {
	for addr, want := range map[string]string{
		"0.0.0.0:80":   "http://localhost:80",
		"[::]:80":      "http://localhost:80",
		"127.0.0.1:80": "http://127.0.0.1:80",
		"[::1]:80":     "http://[::1]:80",
	} {
		tcp, err := net.ResolveTCPAddr("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		config{policy: "tutorial"}.greet(&out, tcp)
		if m := listening.FindStringSubmatch(out.String()); m == nil || m[1] != want {
			t.Errorf("%s: %v, want %s", addr, m, want)
		}
	}
}

func TestConfiguration(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, make([]byte, 31), 0o600); err != nil {
		t.Fatal(err)
	}
	passphrase := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(passphrase, []byte("the canary of a tutorial, as a passphrase\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	long := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(long, make([]byte, 1025), 0o600); err != nil {
		t.Fatal(err)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, tt := range []struct {
		name  string
		args  []string
		env   map[string]string
		usage bool
		want  string // in the error
	}{
		{"unknown flag", []string{"-canary"}, nil, true, "not defined"},
		{"argument", []string{"canary"}, nil, true, "arguments"},
		{"ttl", []string{"-ttl", "three"}, nil, true, "ttl"},
		{"ttl zero", []string{"-ttl", "0"}, nil, true, "ttl"},
		{"ttl negative", []string{"-ttl", "-3m"}, nil, true, "ttl"},
		{"ttl fraction", []string{"-ttl", "1500ms"}, nil, true, "ttl"},
		{"ttl too long", []string{"-ttl", "200000h"}, nil, false, "TTL"},
		{"ttl by environment", nil, map[string]string{"AUTH_TTL": "three"}, true, "AUTH_TTL"},
		{"idle", []string{"-idle", "0"}, nil, true, "idle"},
		{"grace negative", []string{"-grace", "-1s"}, nil, true, "grace"},
		{"grace too long", []string{"-grace", "1h"}, nil, false, "grace"},
		{"staleness negative", []string{"-check-sessions", "-1s"}, nil, false, "staleness"},
		{"fresh", nil, map[string]string{"AUTH_FRESH": "0s"}, true, "fresh"},
		{"proxies that are no prefix", []string{"-trusted-proxies", "10.0.0.0-10.0.0.9"}, nil, true, "trusted-proxies"},
		{"proxies, and a comma", []string{"-trusted-proxies", "10.0.0.1/32,"}, nil, true, "trusted-proxies"},
		{"everybody is a proxy", []string{"-trusted-proxies", "10.0.0.1/32,0.0.0.0/0"}, nil, true, "everybody"},
		{"everybody is a client", nil, map[string]string{"AUTH_CLIENT_NETWORKS": "::/0"}, true, "ClientNetworks has ::/0, which is everybody"},
		{"more than IPv4", []string{"-client-networks", "10.0.0.1,64:ff9b::/64"}, nil, true, "ClientNetworks has 64:ff9b::/64"},
		{"policy", []string{"-policy", "none"}, nil, true, "policy"},
		{"policy by environment", nil, map[string]string{"AUTH_POLICY": "none"}, true, "policy"},
		{"issuer", []string{"-issuer", ""}, nil, false, "issuer"},
		{"audience", []string{"-audience", ""}, nil, false, "audience"},
		{"secret file missing", []string{"-secret-file", secret + "x"}, nil, false, "no such file"},
		{"secret file short", []string{"-secret-file", secret}, nil, false, "fewer than 32 bytes"},
		{"secret file long", nil, map[string]string{"AUTH_SECRET_FILE": long}, false, "more than 1024 bytes"},
		{"secret file of text", []string{"-secret-file", passphrase}, nil, false, "passphrase"},
		{"address", []string{"-addr", "nowhere"}, nil, false, "nowhere"},
		{"address taken", []string{"-addr", taken.Addr().String()}, nil, false, "in use"},
		{"no DSN", []string{"-dsn", "canary"}, nil, false, "DSN"},
		{"no database", nil, map[string]string{"AUTH_DSN": "canary:canary@tcp(127.0.0.1:1)/canary"}, false, "store"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			var stdout, stderr buffer
			err := run(ctx, tt.args, func(name string) string { return tt.env[name] }, &stdout, &stderr)
			if err == nil || !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(tt.want)) || strings.Contains(err.Error(), "\n") {
				t.Fatalf("error %q, want one line with %q", err, tt.want)
			}
			if got := errors.As(err, new(usageError)); got != tt.usage {
				t.Errorf("usage error: %t, want %t", got, tt.usage)
			}
			if strings.Contains(tt.name, "DSN") || strings.Contains(tt.name, "database") {
				if all := err.Error() + stdout.String() + stderr.String(); strings.Contains(all, "canary") {
					t.Errorf("the DSN is printed: %s", all)
				}
			}
		})
	}
}

func TestFlagWinsOverEnvironment(t *testing.T) {
	env := map[string]string{"AUTH_TRUSTED_PROXIES": "10.0.0.1/32", "AUTH_CLIENT_NETWORKS": "10.8.0.0/16, fd00::/8", "AUTH_TTL": "1m", "AUTH_ISSUER": "environment", "AUTH_SECRET_FILE": "file", "AUTH_ADDR": ":1", "AUTH_AUDIENCE": ""}
	c, err := parseConfig([]string{"-issuer", "flag", "-trusted-proxies", "10.0.0.2/32"}, func(name string) string { return env[name] }, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	want := config{addr: ":1", policy: "default", secretFile: "file", issuer: "flag", audience: "auth-example", ttl: time.Minute, keysPoll: time.Minute, keysMaxAge: 5 * time.Minute,
		idle: 7 * 24 * time.Hour, lifetime: 30 * 24 * time.Hour, grace: 30 * time.Second, fresh: 5 * time.Minute,
		addresses: authhttp.AddressConfig{
			TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.2/32")},
			ClientNetworks: []netip.Prefix{netip.MustParsePrefix("10.8.0.0/16"), netip.MustParsePrefix("fd00::/8")},
		}}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got %+v, want %+v", c, want)
	}
}

func TestHelp(t *testing.T) {
	var stdout strings.Builder
	err := run(t.Context(), []string{"-h"}, func(string) string { return "canary" }, &stdout, io.Discard)
	if !errors.Is(err, flag.ErrHelp) || !strings.Contains(stdout.String(), "-secret-file") || strings.Contains(stdout.String(), "canary") {
		t.Errorf("%v: %s", err, &stdout)
	}
}

// Servers with one secret accept each other's tokens, and with none they do not.
func TestSecretFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	first := start(t, "-secret-file", file)
	if got := first.stderr.String(); got != "" {
		t.Errorf("log: %s", got)
	}
	token := first.must(t, "POST", "/users/register", "", credentials("abc@naver.com", "1234")).token()
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	second := start(t, "-secret-file", file)
	if got := second.stderr.String(); !strings.Contains(got, `"level":"WARN"`) {
		t.Errorf("no warning about a secret that all may read: %s", got)
	}
	// The token is good, but the user is in the other's memory.
	second.must(t, "GET", "/users/me", token, "").want(t, 401, "invalid_token")
	if got := second.stderr.String(); !strings.Contains(got, `"status":401`) || strings.Contains(got, `"user_id":""`) {
		t.Errorf("the token was not accepted: %s", got)
	}
	third := start(t)
	third.must(t, "GET", "/users/me", token, "").want(t, 401, "invalid_token")
	if got := third.stderr.String(); !strings.Contains(got, `"user_id":""`) {
		t.Errorf("the token was accepted: %s", got)
	}
}

// newTestHandler returns the API over a store, with a hasher that costs nothing.
func newTestHandler(t *testing.T, store auth.UserStore, health func(context.Context) error) (http.Handler, *auth.Authenticator, *buffer) {
	t.Helper()
	log := &buffer{}
	logger := slog.New(slog.NewJSONHandler(log, nil))
	sessions := auth.SessionConfig{Store: auth.NewMemoryStore()}
	a := authtest.New(t, auth.Options{Events: logEvents(logger), Sessions: sessions}).WithStore(store)
	return newHandler(services{a, http.NotFoundHandler(), health, authhttp.AddressConfig{}, time.Minute, logger}), a, log
}

func healthy(context.Context) error { return nil }

func TestDeletedUser(t *testing.T) {
	h, a, _ := newTestHandler(t, auth.NewMemoryStore(), healthy)
	result, err := a.Register(t.Context(), auth.Registration{Email: "abc@naver.com", Password: auth.NewPassword("correct horse battery staple")})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("GET", "/users/me", nil)
	r.Header.Set("Authorization", "Bearer "+result.Tokens.Access)
	for _, want := range []int{200, 401} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("status %d, want %d", w.Code, want)
		}
		if (want == 401) != strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Bearer") {
			t.Errorf("WWW-Authenticate = %q", w.Header().Get("WWW-Authenticate"))
		}
		if want == 200 {
			if err := a.DeleteUser(t.Context(), result.User.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// stalledStore answers nobody.
type stalledStore struct{ auth.UserStore }

func (stalledStore) UserByEmail(ctx context.Context, _ string) (auth.UserRecord, error) {
	<-ctx.Done()
	return auth.UserRecord{}, ctx.Err()
}

func TestStalledStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _, log := newTestHandler(t, stalledStore{}, func(ctx context.Context) error {
			<-ctx.Done()
			return &auth.StoreError{Op: "check", Code: "context ended", Context: ctx.Err()}
		})
		login := httptest.NewRequest("POST", "/users/login", strings.NewReader(credentials("abc@naver.com", "1234")))
		login.Header.Set("Content-Type", "application/json")
		for r, within := range map[*http.Request]time.Duration{
			login: requestTimeout,
			httptest.NewRequest("GET", "/healthz", nil): healthTimeout,
		} {
			began, w := time.Now(), httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if took := time.Since(began); w.Code != 503 || took != within || w.Header().Get("Retry-After") == "" {
				t.Errorf("%s: status %d after %v, want 503 after %v", r.URL, w.Code, took, within)
			}
		}
		if got := log.String(); !strings.Contains(got, `"level":"ERROR","msg":"security event","kind":"unavailable","op":"login"`) || strings.Contains(got, "naver") {
			t.Errorf("log: %s", got)
		}
	})
}

// A database that is down leaves a line in the log for each request, of what failed and
// how, and not of whom.
func TestDeadDatabase(t *testing.T) {
	store := authtest.NewFaultyStore(auth.NewMemoryStore())
	h, _, log := newTestHandler(t, store, healthy)
	store.Fail()
	r := httptest.NewRequest("POST", "/users/login", strings.NewReader(credentials("canary@naver.com", "1234")))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "canary")
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, r); w.Code != 503 {
		t.Errorf("status %d", w.Code)
	}
	got := log.String()
	for _, want := range []string{`"level":"ERROR"`, `"kind":"unavailable"`, `"op":"login"`, `"code":"down"`, `"error":"auth: store: UserByEmail: down"`, `"at":"`} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
	if strings.Contains(got, "canary") || strings.Contains(got, "192.0.2.") {
		t.Errorf("the log says who it was: %s", got)
	}
}

func TestServerHasTimeouts(t *testing.T) {
	s := newServer(http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	for name, d := range map[string]time.Duration{
		"ReadHeaderTimeout": s.ReadHeaderTimeout, "ReadTimeout": s.ReadTimeout, "WriteTimeout": s.WriteTimeout, "IdleTimeout": s.IdleTimeout,
	} {
		if d <= 0 || d > 2*time.Minute {
			t.Errorf("%s is %v", name, d)
		}
	}
	if s.WriteTimeout <= requestTimeout || s.MaxHeaderBytes <= 0 || s.MaxHeaderBytes > 1<<20 {
		t.Errorf("WriteTimeout is %v, MaxHeaderBytes %d", s.WriteTimeout, s.MaxHeaderBytes)
	}
}

func TestPanic(t *testing.T) {
	h, _, log := newTestHandler(t, auth.NewMemoryStore(), func(context.Context) error { panic("canary") })
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/healthz", nil))
	if w.Code != 500 || !strings.Contains(w.Body.String(), `"internal"`) {
		t.Errorf("answer %d %s", w.Code, w.Body)
	}
	if got := log.String(); strings.Contains(got, "canary") || !strings.Contains(got, `"panic"`) ||
		!strings.Contains(got, "TestPanic") || !strings.Contains(got, `"status":500`) {
		t.Errorf("log: %s", got)
	}
}

// The log has no personal data, however they come in.
// ASVS 5.0 16.2.5
func TestLogs(t *testing.T) {
	s := start(t)
	const email, username, password = "canary-mail@example.com", "canary-name", "canary-pass"
	body := `{"username":"` + username + `","email":"` + email + `","password":"` + password + `"}`
	registered := s.must(t, "POST", "/users/register", "", body).want(t, 200, "")
	s.must(t, "POST", "/users/register", "", body).want(t, 409, "")
	s.must(t, "POST", "/users/register?email="+email, "", `{"`+email+`":"`+password+`"}`).want(t, 400, "")
	loggedIn := s.must(t, "POST", "/users/login", "", credentials(email, password)).want(t, 200, "")
	s.must(t, "POST", "/users/login", "", credentials(email, "canary-wrong")).want(t, 401, "")
	s.must(t, "POST", "/users/login", "", credentials("canary-nobody@example.com", password)).want(t, 401, "")
	me := s.must(t, "GET", "/users/me?access_token="+loggedIn.token(), loggedIn.token(), "").want(t, 200, "")
	s.must(t, "GET", "/users/me", "canary-token", "").want(t, 401, "")
	s.must(t, "GET", "/users/"+email, "", "").want(t, 404, "")
	refreshed := s.must(t, "POST", "/users/refresh", "", `{"refresh_token":"`+loggedIn.refreshToken()+`"}`).want(t, 200, "")
	s.must(t, "POST", "/users/refresh", "", `{"refresh_token":"canary"}`).want(t, 401, "")
	s.must(t, "DELETE", "/users/me/sessions/"+email, loggedIn.token(), "").want(t, 204, "")
	s.must(t, "POST", "/users/me/reauthenticate", loggedIn.token(), `{"password":"canary-wrong"}`).want(t, 403, "")
	s.must(t, "POST", "/users/logout", "", `{"refresh_token":"`+loggedIn.refreshToken()+`"}`).want(t, 204, "")
	s.must(t, "CANARY-MAIL", "/users/me", "", "").want(t, 405, "")
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}

	log := s.stderr.String()
	for _, secret := range []string{"canary", "CANARY", registered.token(), loggedIn.token(), "127.0.0.1", "argon2", "Go-http-client",
		loggedIn.refreshToken(), refreshed.refreshToken(), refreshed.token()} {
		if strings.Contains(log, secret) {
			t.Errorf("the log holds %q:\n%s", secret, log)
		}
	}
	id := me.body["id"]
	var requests, events []string
	for line := range strings.Lines(log) {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		user := map[any]string{id: "the user", "": "nobody", nil: "nobody"}[entry["user_id"]]
		switch entry["msg"] {
		case "request":
			if _, err := time.ParseDuration(entry["duration"].(string)); err != nil {
				t.Error(err)
			}
			requests = append(requests, fmt.Sprint(entry["method"], " ", entry["route"], " ", entry["status"], " ", user))
		case "security event":
			events = append(events, fmt.Sprint(entry["level"], " ", entry["kind"], " ", user))
		}
	}
	wantRequests := []string{
		"POST POST /users/register 200 the user",
		"POST POST /users/register 409 nobody",
		"POST POST /users/register 400 nobody",
		"POST POST /users/login 200 the user",
		"POST POST /users/login 401 nobody",
		"POST POST /users/login 401 nobody",
		"GET GET /users/me 200 the user",
		"GET GET /users/me 401 nobody",
		"GET  404 nobody",
		"POST POST /users/refresh 200 the user",
		"POST POST /users/refresh 401 nobody",
		"DELETE DELETE /users/me/sessions/{id} 204 the user",
		"POST POST /users/me/reauthenticate 403 the user",
		"POST POST /users/logout 204 the user",
		"other  405 nobody",
	}
	wantEvents := []string{
		"WARN address_unconfigured nobody",
		"INFO registered the user",
		"INFO registration_refused nobody",
		"INFO logged_in the user",
		"WARN login_failed the user",
		"WARN login_failed nobody",
		"INFO token_refused nobody",
		"INFO refreshed the user",
		"WARN refresh_refused nobody",
		"WARN password_refused the user",
		"INFO session_ended the user",
	}
	if got, want := strings.Join(requests, "\n"), strings.Join(wantRequests, "\n"); got != want {
		t.Errorf("requests:\n%s\nwant:\n%s", got, want)
	}
	if got, want := strings.Join(events, "\n"), strings.Join(wantEvents, "\n"); got != want {
		t.Errorf("events:\n%s\nwant:\n%s", got, want)
	}
}

// A request that has begun is answered although the server is told to end.
func TestGracefulShutdown(t *testing.T) {
	s := start(t)
	addr := strings.TrimPrefix(s.url, "http://")
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	body := credentials("abc@naver.com", "1234")
	// The server asks for the body once its handler reads: then it is in flight.
	fmt.Fprintf(conn, "POST /users/register HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", len(body))
	answers := bufio.NewReader(conn)
	if line, err := answers.ReadString('\n'); err != nil || !strings.Contains(line, "100") {
		t.Fatalf("%q, %v", line, err)
	}
	answers.ReadString('\n')

	stopped := make(chan error, 1)
	go func() { stopped <- s.stop() }()
	for {
		probe, err := net.Dial("tcp", addr)
		if err != nil {
			break
		}
		probe.Close()
		time.Sleep(time.Millisecond)
	}
	select {
	case err := <-stopped:
		t.Fatalf("the server ended with a request in flight: %v", err)
	default:
	}
	io.WriteString(conn, body)
	resp, err := http.ReadResponse(answers, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 200 {
		t.Errorf("status %d, want 200", resp.StatusCode)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// The whole process: its signals, its exit status, its one line.
func TestProcess(t *testing.T) {
	s := startProcess(t, "")
	s.must(t, "GET", "/healthz", "", "").want(t, 200, "")
	if err := s.stop(); err != nil {
		t.Errorf("SIGTERM: %v\n%s", err, s.stderr)
	}

	for _, tt := range []struct {
		args []string
		want int
	}{
		{[]string{"-h"}, 0},
		{[]string{"-secret-file", "/nonexistent"}, 1},
		{[]string{"-nonsense"}, 2},
	} {
		cmd := exec.Command(os.Args[0], tt.args...)
		cmd.Env = append(os.Environ(), runMain+"=1")
		var stderr strings.Builder
		cmd.Stderr = &stderr
		cmd.Run()
		lines := min(tt.want, 1)
		if got := cmd.ProcessState.ExitCode(); got != tt.want || strings.Count(stderr.String(), "\n") != lines {
			t.Errorf("%v: exit status %d, want %d, stderr %q", tt.args, got, tt.want, stderr.String())
		}
	}
}
