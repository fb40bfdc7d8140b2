package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authhttp"
	"github.com/seed89488a0c/auth/authtest"
	"github.com/seed89488a0c/auth/internal/ci"
)

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
