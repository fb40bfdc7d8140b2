package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authhttp"
	"github.com/seed89488a0c/auth/authtest"
	"github.com/seed89488a0c/auth/internal/ci"
)

// findNginx looks where distributions put it, which ordinary users do not have in
// their PATH.
func findNginx(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"nginx", "/usr/sbin/nginx", "/usr/local/sbin/nginx", "/opt/homebrew/bin/nginx"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	ci.Missing(t, "no nginx found")
	return ""
}

// nginxConfig adds to X-Forwarded-For and overwrites X-Real-IP as nginx's manual has it.
const nginxConfig = `daemon off;
worker_processes 1;
pid %[1]s/nginx.pid;
error_log stderr warn;
events { worker_connections 64; }
http {
	access_log off;
	client_body_temp_path %[1]s/client;
	proxy_temp_path %[1]s/proxy;
	fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi;
	scgi_temp_path %[1]s/scgi;
	large_client_header_buffers 4 128k;
	server {
		listen %[2]s;
		location / {
			proxy_pass %[3]s;
			proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
			proxy_set_header X-Real-IP $remote_addr;
		}
	}
}
`

// startNginx starts an nginx in front of a server, at a free port of an address, and
// returns its URL. It inherits a socket that listens already, as when it replaces another
// nginx, so that nobody has to wait for it and nobody takes its port.
func startNginx(t *testing.T, program, host, backend string) string {
	t.Helper()
	listener, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close() // when nginx has it
	socket, err := listener.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	dir, address := t.TempDir(), listener.Addr().String()
	config := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, nginxConfig, dir, address, backend), 0o600); err != nil {
		t.Fatal(err)
	}
	out := &buffer{}
	cmd := exec.Command(program, "-p", dir, "-c", config, "-e", "stderr")
	cmd.ExtraFiles = []*os.File{socket}
	cmd.Env = append(os.Environ(), "NGINX=3;")
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM} // if nobody is left to end it
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
		if t.Failed() {
			t.Logf("nginx:\n%s", out)
		}
	})
	return "http://" + address
}

// browser is a client with an address of its own.
type browser struct {
	http.Client
	url    string
	header http.Header
}

func newBrowser(t *testing.T, url, from string, header http.Header) *browser {
	t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	transport := &http.Transport{DialContext: dialer.DialContext}
	t.Cleanup(transport.CloseIdleConnections)
	return &browser{http.Client{Transport: transport, Timeout: time.Minute}, url, header}
}

func (b *browser) send(t *testing.T, method, path, token, body string) *http.Response {
	t.Helper()
	r, err := http.NewRequest(method, b.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range b.header {
		r.Header[name] = values
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := b.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

// startWith runs the API with what has no flag, and a server that takes large headers.
func startWith(t *testing.T, addresses authhttp.AddressConfig) *server {
	t.Helper()
	s := &server{stderr: &buffer{}}
	log := slog.New(slog.NewJSONHandler(s.stderr, nil))
	store := auth.NewMemoryStore()
	a := authtest.New(t, auth.Options{Events: logEvents(log), Sessions: auth.SessionConfig{Store: store}}).WithStore(store)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	api := newServer(newHandler(services{a, http.NotFoundHandler(), healthy, addresses, time.Minute, log}), log)
	api.MaxHeaderBytes = 1 << 20
	go api.Serve(listener)
	t.Cleanup(func() { api.Close() })
	s.url = "http://" + listener.Addr().String()
	return s
}

// The list of sessions behind a real nginx has the client's address, and not nginx's, and
// nothing that the client writes changes it.
func TestNginx(t *testing.T) {
	program := findNginx(t)
	one := func(text string) []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix(text)} }
	configured := []string{"-trusted-proxies", "127.0.0.1/32", "-client-networks", "127.0.0.2/32"}
	named := authhttp.AddressConfig{TrustedProxies: one("127.0.0.1/32"), ClientNetworks: one("127.0.0.2/32"), Header: "X-Real-IP"}
	list := authhttp.AddressConfig{TrustedProxies: one("127.0.0.1/32"), ClientNetworks: one("127.0.0.2/32")}
	spoofed := strings.Repeat("192.0.2.66, ", 64<<10/12) + "192.0.2.66"
	for _, tt := range []struct {
		name    string
		args    []string
		with    *authhttp.AddressConfig // in place of args
		from    string                  // the client's address; "" = 127.0.0.2
		header  http.Header             // as the client writes it
		status  int                     // of a registration; 0 = 200
		address any                     // in the list of sessions; nil = none
		network string                  // that the log names; "" = none
	}{
		{name: "plain", args: configured, address: "127.0.0.2"},
		{name: "a spoofed header", args: configured, address: "127.0.0.2",
			header: http.Header{"X-Forwarded-For": {"192.0.2.66"}}},
		{name: "two, and others", args: configured, address: "127.0.0.2",
			header: http.Header{"X-Forwarded-For": {"192.0.2.66, 127.0.0.1", "127.0.0.1,, x"}, "X-Real-Ip": {"192.0.2.66"},
				"True-Client-Ip": {"192.0.2.66"}, "Forwarded": {"for=192.0.2.66"}}},
		{name: "two of 64 KiB", with: &list, address: "127.0.0.2",
			header: http.Header{"X-Forwarded-For": {spoofed, spoofed}}},
		{name: "64 KiB, more than the example reads", args: configured, status: http.StatusRequestHeaderFieldsTooLarge,
			header: http.Header{"X-Forwarded-For": {spoofed}}},
		{name: "X-Real-IP, spoofed", with: &named, address: "127.0.0.2",
			header: http.Header{"X-Real-Ip": {"192.0.2.66"}, "X-Forwarded-For": {"192.0.2.66"}}},
		{name: "X-Real-IP, two spoofed, in another case", with: &named, address: "127.0.0.2",
			header: http.Header{"x-real-ip": {"192.0.2.66", "192.0.2.67"}}},
		{name: "a client over IPv6", args: []string{"-trusted-proxies", "127.0.0.1/32", "-client-networks", "::1/128"},
			from: "::1", address: "::1", header: http.Header{"X-Forwarded-For": {"2001:db8::66"}}},
		{name: "a proxy over IPv6", args: []string{"-addr", "[::1]:0", "-trusted-proxies", "::1/128", "-client-networks", "127.0.0.2/32"},
			address: "127.0.0.2", header: http.Header{"X-Forwarded-For": {"2001:db8::66"}}},
		{name: "nothing is configured", network: "127.0.0.0/24",
			header: http.Header{"X-Forwarded-For": {"192.0.2.66"}}},
		{name: "the clients' network is not", args: configured[:2], network: "127.0.0.0/24"},
		{name: "the proxy is not", args: configured[2:], network: "127.0.0.0/24",
			header: http.Header{"X-Forwarded-For": {"127.0.0.2"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			front, from := "127.0.0.1", cmp.Or(tt.from, "127.0.0.2")
			if from == "::1" {
				front = from
			}
			if strings.Contains(tt.name, "IPv6") {
				probe, err := net.Listen("tcp", "[::1]:0")
				if err != nil {
					ci.Missing(t, err.Error())
				}
				probe.Close()
			}
			var s *server
			if tt.with != nil {
				s = startWith(t, *tt.with)
			} else {
				s = start(t, tt.args...)
			}
			b := newBrowser(t, startNginx(t, program, front, s.url), from, tt.header)
			credentials := credentials("ann@example.com", "1234")
			if tt.with != nil { // which has no short passwords
				credentials = strings.Replace(credentials, "1234", "correct horse battery", 1)
			}
			registered := b.send(t, "POST", "/users/register", "", credentials)
			if registered.StatusCode != cmp.Or(tt.status, 200) {
				text, _ := io.ReadAll(registered.Body)
				t.Fatalf("registration: %s %.300s", registered.Status, text)
			}
			if tt.status != 0 {
				return
			}
			token := decode(t, registered)["access_token"].(string)
			if loggedIn := b.send(t, "POST", "/users/login", "", credentials); loggedIn.StatusCode != 200 {
				t.Errorf("login: %s", loggedIn.Status)
			}
			sessions := decode(t, b.send(t, "GET", "/users/me/sessions", token, ""))["sessions"].([]any)
			if len(sessions) != 2 {
				t.Errorf("%d sessions, want 2", len(sessions))
			}
			for _, session := range sessions {
				if got := session.(map[string]any)["client"].(map[string]any)["address"]; got != tt.address {
					t.Errorf("address %v, want %v", got, tt.address)
				}
			}
			want := 0
			if tt.network != "" {
				want = 1
			}
			log := s.stderr.String()
			if strings.Count(log, "address_unconfigured") != want || strings.Count(log, `"network":"`+tt.network+`"`) != want {
				t.Errorf("want %d lines that name %q:\n%s", want, tt.network, log)
			}
		})
	}
}

func decode(t *testing.T, resp *http.Response) map[string]any {
	t.Helper()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	body := map[string]any{}
	if err := json.Unmarshal(text, &body); err != nil {
		t.Fatalf("%s: %v: %.300s", resp.Status, err, text)
	}
	return body
}
