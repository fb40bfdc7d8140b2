package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
	"github.com/seed89488a0c/auth/internal/ci"
)

// service is the example over TLS.
type service struct {
	*httptest.Server
	dir string // of the certificates
}

func start(t *testing.T) service {
	t.Helper()
	dir := t.TempDir()
	pki, err := newCertificates(dir)
	if err != nil {
		t.Fatal(err)
	}
	store := auth.NewMemoryStore()
	issuer, err := auth.NewJWTIssuer(auth.JWTConfig{Issuer: "i", Audience: "a", Keys: []auth.Key{auth.GenerateKey()}, ACR: acrOf})
	if err != nil {
		t.Fatal(err)
	}
	a, err := auth.New(store, issuer, auth.Options{Hasher: authtest.Hasher{}, Sessions: auth.SessionConfig{Store: store, Grace: -1}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Register(t.Context(), auth.Registration{Email: "taken@example.com", Password: auth.NewPassword("correct horse battery")}); err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(newHandler(a))
	s.TLS = pki.serverConfig()
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // of certificates that are refused
	s.StartTLS()
	t.Cleanup(s.Close)
	return service{s, dir}
}

// client returns one with the certificate of this name, "" = none.
func (s service) client(t *testing.T, name string) *http.Client {
	t.Helper()
	ca, err := os.ReadFile(filepath.Join(s.dir, "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{RootCAs: x509.NewCertPool()}
	config.RootCAs.AppendCertsFromPEM(ca)
	if name != "" {
		pair, err := tls.LoadX509KeyPair(filepath.Join(s.dir, name+".pem"), filepath.Join(s.dir, name+"-key.pem"))
		if err != nil {
			t.Fatal(err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	transport := &http.Transport{TLSClientConfig: config}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

type answer struct {
	status  int
	text    string
	access  string
	refresh string
	header  http.Header
}

// send sends a request with headers given as name and value in turn.
func (s service) send(t *testing.T, c *http.Client, method, path, body string, headers ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var tokens struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	_ = json.Unmarshal(text, &tokens) // some answers are texts
	return answer{response.StatusCode, string(text), tokens.Access, tokens.Refresh, response.Header}
}

func (a answer) want(t *testing.T, status int, text string) {
	t.Helper()
	if a.status != status || !strings.Contains(a.text, text) {
		t.Errorf("answer %d %s, want %d %s", a.status, a.text, status, text)
	}
}

// The single sign-on logs in, a refresh goes on, a payment needs a second factor, and the
// step-up ends what was before.
func TestSSO(t *testing.T) {
	s := start(t)
	proxy, client := s.client(t, "proxy"), s.client(t, "")
	now := strconv.FormatInt(time.Now().Unix(), 10)
	ada := []string{"Sso-Subject", "4711", "Sso-Email", "ada@example.com", "Sso-Amr", "pwd", "Sso-Auth-Time", now}
	first := s.send(t, proxy, "POST", "/sso/login", "", ada...)
	first.want(t, 200, "access_token")
	s.send(t, client, "GET", "/orders", "", "Authorization", "Bearer "+first.access).want(t, 200, "by pwd")

	refresh := func(token string) answer {
		t.Helper()
		return s.send(t, client, "POST", "/users/refresh", `{"refresh_token":"`+token+`"}`, "Content-Type", "application/json")
	}
	second := refresh(first.refresh)
	second.want(t, 200, "access_token")
	refused := s.send(t, client, "POST", "/payments", "", "Authorization", "Bearer "+second.access)
	refused.want(t, 401, "insufficient_user_authentication")
	if challenge := refused.header.Get("WWW-Authenticate"); !strings.Contains(challenge, `acr_values="urn:shop:many"`) {
		t.Errorf("challenge %s", challenge)
	}

	ada[5] = "pwd otp mfa"
	stepUp := func(token string, headers ...string) answer {
		t.Helper()
		return s.send(t, proxy, "POST", "/sso/step-up", "", append(headers, "Authorization", "Bearer "+token)...)
	}
	third := stepUp(second.access, ada...)
	third.want(t, 200, "access_token")
	s.send(t, client, "POST", "/payments", "", "Authorization", "Bearer "+third.access).want(t, 200, "paid")
	refresh(second.refresh).want(t, 401, "invalid_token")
	fourth := refresh(third.refresh)
	fourth.want(t, 200, "access_token")
	s.send(t, client, "POST", "/payments", "", "Authorization", "Bearer "+fourth.access).want(t, 200, "paid")

	eve := []string{"Sso-Subject", "666", "Sso-Email", "eve@example.com", "Sso-Amr", "pwd otp mfa", "Sso-Auth-Time", now}
	stepUp(fourth.access, eve...).want(t, 403, "somebody else")
	s.send(t, proxy, "POST", "/sso/login", "", "Sso-Subject", "667", "Sso-Email", "eve@example.com", "Sso-Amr", "pwd", "Sso-Auth-Time", now).
		want(t, 200, "access_token") // what was refused has made no user of that address
	s.send(t, proxy, "POST", "/sso/step-up", "", ada...).want(t, 401, "missing_token")
	s.send(t, proxy, "POST", "/sso/login", "", "Sso-Subject", "1", "Sso-Email", "taken@example.com", "Sso-Amr", "pwd", "Sso-Auth-Time", now).want(t, 409, "user_exists")
	ada[7] = strconv.FormatInt(time.Now().Add(-time.Hour).Unix(), 10)
	long := s.send(t, proxy, "POST", "/sso/login", "", ada...)
	s.send(t, client, "POST", "/payments", "", "Authorization", "Bearer "+long.access).want(t, 401, "max_age")
}

// Who is not the proxy says nothing, and neither does a proxy that says half.
func TestOnlyTheProxy(t *testing.T) {
	s := start(t)
	ada := []string{"Sso-Subject", "4711", "Sso-Email", "ada@example.com", "Sso-Amr", "pwd"}
	for name, c := range map[string]*http.Client{
		"no certificate":          s.client(t, ""),
		"a stranger's":            s.client(t, "stranger"),
		"another authority's":     service{s.Server, start(t).dir}.clientOf(t, s.dir, "proxy"),
		"the proxy, says not who": s.client(t, "proxy"),
	} {
		headers := ada
		want := 403
		if strings.HasPrefix(name, "the proxy") {
			headers, want = ada[2:], 400
		}
		r, err := http.NewRequestWithContext(t.Context(), "POST", s.URL+"/sso/login", nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		response, err := c.Do(r)
		if name == "another authority's" {
			if err == nil {
				t.Errorf("%s: answer %d", name, response.StatusCode)
			}
			continue
		}
		if err != nil || response.StatusCode != want {
			t.Errorf("%s: %v, %v, want %d", name, response, err, want)
		}
	}
}

// What the proxy says has to be whole, and nobody else's.
func TestHeaders(t *testing.T) {
	s := start(t)
	proxy := s.client(t, "proxy")
	good := []string{"Sso-Subject", "4711", "Sso-Email", "ada@example.com", "Sso-Amr", "pwd", "Sso-Auth-Time", "1700000000"}
	for _, bad := range [][2]string{
		{"Sso-Email", ""}, {"Sso-Subject", ""}, {"Sso-Amr", ""}, {"Sso-Amr", "pwd  mfa"},
		{"Sso-Auth-Time", ""}, {"Sso-Auth-Time", "noon"}, {"Sso-Auth-Time", "0"}, {"Sso-Auth-Time", "-62135596800"},
		{"Sso-Auth-Time", "9223372036854775807"}, {"Sso-Auth-Time", "99999999999"},
	} {
		if got := s.send(t, proxy, "POST", "/sso/login", "", append(good, bad[:]...)...); got.status != 400 {
			t.Errorf("%q: answer %d %s", bad, got.status, got.text)
		}
	}
	// Eve's own header, which the proxy has let through, and the proxy's.
	for i := 0; i < len(good); i += 2 {
		r, err := http.NewRequestWithContext(t.Context(), "POST", s.URL+"/sso/login", nil)
		if err != nil {
			t.Fatal(err)
		}
		for k := 0; k < len(good); k += 2 {
			r.Header.Set(good[k], good[k+1])
		}
		r.Header.Add(good[i], "666")
		response, err := proxy.Do(r)
		if err != nil || response.StatusCode != 400 {
			t.Errorf("two of %s: %v, %v", good[i], response, err)
		}
	}
	s.send(t, proxy, "POST", "/sso/login", "", good...).want(t, 200, "access_token")
}

// clientOf has the certificate of s and trusts the authority in another directory.
func (s service) clientOf(t *testing.T, authority, name string) *http.Client {
	t.Helper()
	ca, err := os.ReadFile(filepath.Join(authority, "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	c := s.client(t, name)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	c.Transport.(*http.Transport).TLSClientConfig.RootCAs = pool
	return c
}

// The lines that the program prints do what they say.
func TestUsage(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		ci.Missing(t, "curl is missing")
	}
	s := start(t)
	script := strings.NewReplacer("DIR", s.dir, "https://"+address, s.URL).Replace(usage)
	out, err := exec.CommandContext(t.Context(), "sh", "-c", script).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, want := range []string{"who logged in by pwd\n", "this route is the proxy's\n", `"acr_values":"urn:shop:many"`, "paid\n"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the lines print %s, without %s", out, want)
		}
	}
}
