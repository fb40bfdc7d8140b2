package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

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
