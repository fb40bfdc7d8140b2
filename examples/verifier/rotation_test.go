package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed89488a0c/auth/internal/mysqltest"
	"github.com/seed89488a0c/auth/keyring"
)

// rotationTime is how long TestRotation goes on; AUTH_TEST_ROTATION=1m0s makes
// it a minute.
const rotationTime = 12 * time.Second

// runMain makes the test binary the verifier itself.
const runMain = "AUTH_EXAMPLE_RUN_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(runMain) != "" {
		main()
		return
	}
	mysqltest.Main(m)
}

// process is one that listens.
type process struct {
	*exec.Cmd
	url string
	log *buffer
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

var listening = regexp.MustCompile(`(?m)^Listening on (http://\S+)$`)

func start(t *testing.T, path string, environment []string, args ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.Command(path, append([]string{"-addr", "127.0.0.1:0"}, args...)...), log: &buffer{}}
	p.Env = append(os.Environ(), environment...)
	p.Stdout, p.Stderr = p.log, p.log
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	for end := time.Now().Add(time.Minute); p.url == ""; time.Sleep(5 * time.Millisecond) {
		if m := listening.FindStringSubmatch(p.log.String()); m != nil {
			p.url = m[1]
		} else if time.Now().After(end) {
			t.Fatalf("%s does not listen:\n%s", path, p.log)
		}
	}
	return p
}

// kill is kill -9.
func (p *process) kill() {
	p.Process.Kill()
	p.Wait()
}

// ask sends a request and returns the status and the body.
func ask(method, url, token, body string) (int, string, error) {
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}

// enter registers or logs in, and returns a token.
func enter(url, what, email string) (string, error) {
	status, text, err := ask("POST", url+"/users/"+what, "", fmt.Sprintf(`{"email":%q,"password":"correct horse"}`, email))
	if err != nil || status != http.StatusOK {
		return "", fmt.Errorf("%s: %d %s %w", what, status, text, err)
	}
	var body struct {
		Token string `json:"access_token"`
	}
	err = json.Unmarshal([]byte(text), &body)
	return body.Token, err
}

// expiry is when a token says that it ends.
func expiry(t *testing.T, token string) time.Time {
	t.Helper()
	var claims struct {
		Expiry int64 `json:"exp"`
	}
	_, rest, _ := strings.Cut(token, ".")
	payload, _, _ := strings.Cut(rest, ".")
	text, err := base64.RawURLEncoding.DecodeString(payload)
	if err == nil {
		err = json.Unmarshal(text, &claims)
	}
	if err != nil || claims.Expiry == 0 {
		t.Errorf("the token has no end: %v", err)
	}
	return time.Unix(claims.Expiry, 0)
}

// accepted asks with a token. One that was refused as expired, when it had, was asked
// with too late: that is a slow machine's doing and no defect.
func accepted(t *testing.T, url, token string) {
	t.Helper()
	status, text, err := ask("GET", url, token, "")
	if late := status == http.StatusUnauthorized && strings.Contains(text, "expired_token") && !time.Now().Before(expiry(t, token)); late {
		return
	}
	if err != nil || status != http.StatusOK {
		t.Errorf("GET %s: %d %s %v", url, status, text, err)
	}
}

// TestRotation runs two replicas of the server that sign with keys of one
// directory, in which the key changes every two seconds, and a verifier that
// fetches their public keys. Nobody's token is refused anywhere. Then the
// replicas are killed, and the verifier goes on.
func TestRotation(t *testing.T) {
	howLong := rotationTime
	if text := os.Getenv("AUTH_TEST_ROTATION"); text != "" {
		var err error
		if howLong, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	const every = 2 * time.Second
	dsn := mysqltest.DSN(t)
	server := filepath.Join(t.TempDir(), "server")
	if out, err := exec.Command("go", "build", "-o", server, "../server").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}

	// The schedule: keys are there for longer than anybody keeps a copy before
	// they sign. Those of the first seconds are there from the start.
	const maxAge, poll, ttl = time.Second, time.Second, 5 * time.Second
	const lead = maxAge + 2*poll + 10*time.Second
	dir := t.TempDir()
	keys := 0
	generate := func(from time.Time) {
		t.Helper()
		if _, err := keyring.Generate(dir, "EdDSA", from); err != nil {
			t.Fatal(err)
		}
		keys++
	}
	begin := time.Now()
	generate(time.Unix(0, 0))
	next := begin.Add(every)
	for ; next.Before(begin.Add(lead + 2*every)); next = next.Add(every) {
		generate(next)
	}
	flags := []string{"-keys", dir, "-keys-poll", poll.String(), "-keys-max-age", maxAge.String(), "-ttl", ttl.String(), "-policy", "default"}
	environment := []string{"AUTH_DSN=" + dsn}
	replicas := []*process{start(t, server, environment, flags...), start(t, server, environment, flags...)}
	verifier := start(t, self, []string{runMain + "=1"}, "-jwks", replicas[0].url+"/.well-known/jwks.json")

	// The load: each logs in at one replica, and shows the token to all three for
	// most of its life.
	ctx, stop := context.WithTimeout(t.Context(), howLong)
	defer stop()
	var all sync.WaitGroup
	var mu sync.Mutex
	signers, logins, requests := map[string]bool{}, 0, 0
	for i := range 6 {
		all.Go(func() {
			home, email := replicas[i%2], fmt.Sprintf("user%d@example.com", i)
			token, err := enter(home.url, "register", email)
			for ; err == nil && ctx.Err() == nil; token, err = enter(home.url, "login", email) {
				end := time.Now().Add(ttl * 2 / 3)
				mu.Lock()
				signers[strings.Split(token, ".")[0]] = true
				logins++
				mu.Unlock()
				for n := 0; time.Now().Before(end) && ctx.Err() == nil; n++ {
					url := []string{verifier.url + "/orders", replicas[0].url + "/users/me", replicas[1].url + "/users/me"}[n%3]
					accepted(t, url, token)
					mu.Lock()
					requests++
					mu.Unlock()
					time.Sleep(5 * time.Millisecond)
				}
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	for tick := time.NewTicker(every); ctx.Err() == nil; {
		select {
		case <-ctx.Done():
			tick.Stop()
		case <-tick.C:
			generate(next)
			next = next.Add(every)
		}
	}
	all.Wait()
	t.Logf("%v: %d keys, of which %d signed; %d logins, %d requests with a token", howLong, keys, len(signers), logins, requests)
	if least := int(howLong/every) / 2; len(signers) < least {
		t.Errorf("%d keys signed, want at least %d", len(signers), least)
	}

	token, err := enter(replicas[0].url, "login", "user0@example.com")
	if err != nil {
		t.Fatal(err)
	}
	expires := expiry(t, token)
	for _, r := range replicas {
		r.kill()
	}
	for time.Until(expires) > 2*time.Second { // beyond what the keys may be kept without being refreshed
		accepted(t, verifier.url+"/orders", token) // without the issuer
		time.Sleep(50 * time.Millisecond)
	}
	time.Sleep(time.Until(expires))
	if status, text, err := ask("GET", verifier.url+"/orders", token, ""); err != nil || status != http.StatusUnauthorized || !strings.Contains(text, "expired_token") {
		t.Errorf("at its end: %d %s %v", status, text, err)
	}
}
