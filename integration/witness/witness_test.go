// Package witness holds our tokens against npm's jose and jsonwebtoken: each side
// verifies what the other signed, and refuses what the other should not have.
package witness

import (
	"bufio"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authhttp"
	"github.com/seed89488a0c/auth/internal/ci"
	"github.com/seed89488a0c/auth/jwks"
)

const (
	issuer   = "https://issuer.example"
	audience = "https://api.example"
)

// node is a process that answers requests.
type node struct {
	in  io.Writer
	out *bufio.Reader
}

type request struct {
	Library  string         `json:"library"`
	Op       string         `json:"op"`
	Alg      string         `json:"alg,omitempty"`
	Token    string         `json:"token,omitempty"`
	Secret   string         `json:"secret,omitempty"`
	PEM      string         `json:"pem,omitempty"`
	URL      string         `json:"url,omitempty"`
	Issuer   string         `json:"issuer,omitempty"`
	Audience string         `json:"audience,omitempty"`
	Header   map[string]any `json:"header,omitempty"`
	Claims   map[string]any `json:"claims,omitempty"`
}

type answer struct {
	Token  string         `json:"token"`
	Claims map[string]any `json:"claims"`
	Error  string         `json:"error"`
}

// startNode starts the witness of integration/node. Where it is not installed
// the test is skipped, or fails if CI is set.
func startNode(t *testing.T) *node {
	t.Helper()
	path, err := exec.LookPath("node")
	if err != nil {
		ci.Missing(t, "no node: scripts/setup installs it")
	}
	if _, err := os.Stat("../node/node_modules/jose"); err != nil {
		ci.Missing(t, "npm's packages are not installed: scripts/setup does it")
	}
	cmd := exec.Command(path, "witness.mjs")
	cmd.Dir, cmd.Stderr = "../node", os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	return &node{in, bufio.NewReader(out)}
}

func (n *node) ask(t *testing.T, r request) answer {
	t.Helper()
	if err := json.NewEncoder(n.in).Encode(r); err != nil {
		t.Fatal(err)
	}
	line, err := n.out.ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	var a answer
	if err := json.Unmarshal(line, &a); err != nil {
		t.Fatal(err)
	}
	return a
}

// material is a key as each side takes it.
type material struct {
	key             auth.Key
	alg             string
	secret          string // of HMAC
	private, public string // PEM
}

func materials(t *testing.T) []material {
	t.Helper()
	var list []material
	secret := make([]byte, 64)
	rand.Read(secret)
	for _, alg := range []string{"HS256", "HS384", "HS512"} {
		key, err := auth.HMACKey(secret)
		if err == nil {
			key, err = key.WithAlgorithm(alg)
		}
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, material{key: key, alg: alg, secret: base64.StdEncoding.EncodeToString(secret)})
	}
	add := func(private crypto.Signer, err error, algs ...string) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		key, err := auth.SigningKey(private)
		if err != nil {
			t.Fatal(err)
		}
		privateDER, err := x509.MarshalPKCS8PrivateKey(private)
		if err != nil {
			t.Fatal(err)
		}
		publicDER, err := x509.MarshalPKIXPublicKey(private.Public())
		if err != nil {
			t.Fatal(err)
		}
		for _, alg := range algs {
			key, err := key.WithAlgorithm(alg)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, material{
				key:     key,
				alg:     alg,
				private: string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: privateDER})),
				public:  string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: publicDER})),
			})
		}
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	add(rsaKey, err, "RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
	for alg, curve := range map[string]elliptic.Curve{"ES256": elliptic.P256(), "ES384": elliptic.P384(), "ES512": elliptic.P521()} {
		ecKey, err := ecdsa.GenerateKey(curve, rand.Reader)
		add(ecKey, err, alg)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	add(edKey, err, "EdDSA")
	return list
}

func newIssuer(t *testing.T, m material, change func(*auth.JWTConfig)) *auth.JWTIssuer {
	t.Helper()
	c := auth.JWTConfig{Issuer: issuer, Audience: audience, Keys: []auth.Key{m.key}}
	if change != nil {
		change(&c)
	}
	i, err := auth.NewJWTIssuer(c)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// publish serves the public keys of an issuer.
func publish(t *testing.T, i *auth.JWTIssuer) string {
	t.Helper()
	server := httptest.NewServer(authhttp.JWKS(i))
	t.Cleanup(server.Close)
	return server.URL
}

// libraries that know an algorithm: jsonwebtoken has no EdDSA.
func libraries(alg string) []string {
	if alg == "EdDSA" {
		return []string{"jose"}
	}
	return []string{"jose", "jsonwebtoken"}
}

// flip replaces one character in the middle of a part.
func flip(token string, part int) string {
	parts := strings.Split(token, ".")
	b := []byte(parts[part])
	i := len(b) / 2
	if b[i] == 'A' {
		b[i] = 'B'
	} else {
		b[i] = 'A'
	}
	parts[part] = string(b)
	return strings.Join(parts, ".")
}

// TestTheyVerifyOurs issues tokens here.
func TestTheyVerifyOurs(t *testing.T) {
	n := startNode(t)
	var brief []func(*testing.T) // tokens that will have expired
	for _, m := range materials(t) {
		i := newIssuer(t, m, nil)
		var url string
		if m.secret == "" {
			url = publish(t, i)
		}
		for _, library := range libraries(m.alg) {
			t.Run(m.alg+"/"+library, func(t *testing.T) {
				verify := func(token, issuer, audience string) answer {
					t.Helper()
					r := request{Library: library, Op: "verify", Alg: m.alg, Token: token, Secret: m.secret, PEM: m.public, Issuer: issuer, Audience: audience}
					a := n.ask(t, r)
					if url != "" && library == "jose" { // by our JWKS as well
						r.PEM, r.URL = "", url
						if b := n.ask(t, r); (a.Error == "") != (b.Error == "") {
							t.Errorf("by key %q, by JWKS %q", a.Error, b.Error)
						}
					}
					return a
				}
				issue := func(i *auth.JWTIssuer, ttl time.Duration) string {
					t.Helper()
					issued, err := i.Issue(t.Context(), auth.Subject{UserID: "user-1", SessionID: "session-1", AuthTime: time.Now(), TTL: ttl, Claims: []byte(`{"role":"Ärztin"}`)})
					if err != nil {
						t.Fatal(err)
					}
					return issued.Token
				}
				token := issue(i, 0)
				a := verify(token, issuer, audience)
				if a.Error != "" || a.Claims["sub"] != "user-1" || a.Claims["sid"] != "session-1" || a.Claims["client_id"] != audience || a.Claims["role"] != "Ärztin" {
					t.Fatalf("refused: %q, or other claims: %v", a.Error, a.Claims)
				}
				many := newIssuer(t, m, func(c *auth.JWTConfig) { c.OtherAudiences = []string{"https://other.example"} })
				if a := verify(issue(many, 0), issuer, "https://other.example"); a.Error != "" {
					t.Errorf("several audiences: %s", a.Error)
				}
				short := issue(i, time.Second)
				brief = append(brief, func(t *testing.T) {
					if a := n.ask(t, request{Library: library, Op: "verify", Alg: m.alg, Token: short, Secret: m.secret, PEM: m.public, Issuer: issuer, Audience: audience}); a.Error == "" {
						t.Errorf("%s: %s takes an expired token", m.alg, library)
					}
				})
				for name, a := range map[string]answer{
					"another issuer":      verify(token, issuer+"/", audience),
					"another audience":    verify(token, issuer, audience+"/"),
					"a changed header":    verify(flip(token, 0), issuer, audience),
					"a changed payload":   verify(flip(token, 1), issuer, audience),
					"a changed signature": verify(flip(token, 2), issuer, audience),
				} {
					if a.Error == "" {
						t.Errorf("%s is accepted", name)
					}
				}
			})
		}
	}
	<-time.After(time.Second)
	for _, check := range brief {
		check(t)
	}
}

// TestWeVerifyTheirs has tokens signed there. They are read as our own, where we
// have the key, and as those of a foreign issuer, by its JWKS.
func TestWeVerifyTheirs(t *testing.T) {
	n := startNode(t)
	for _, m := range materials(t) {
		own := newIssuer(t, m, nil)
		parsers := map[string]func(token string) (auth.Identity, error){
			"as our own": func(token string) (auth.Identity, error) { return own.Parse(t.Context(), token) },
		}
		if m.secret == "" {
			v, err := jwks.NewVerifier(jwks.Config{URL: publish(t, own), Issuer: issuer, Audience: audience})
			if err != nil {
				t.Fatal(err)
			}
			parsers["as foreign"] = func(token string) (auth.Identity, error) { return v.Verify(t.Context(), token) }
		}
		for _, library := range libraries(m.alg) {
			for name, parse := range parsers {
				t.Run(m.alg+"/"+library+"/"+name, func(t *testing.T) {
					// sign has some members changed, of header or claims.
					sign := func(changes map[string]any) string {
						t.Helper()
						now := time.Now().Unix()
						r := request{
							Library: library, Op: "sign", Secret: m.secret, PEM: m.private,
							Header: map[string]any{"alg": m.alg, "kid": m.key.ID(), "typ": "at+jwt"},
							Claims: map[string]any{
								"iss": issuer, "sub": "user-1", "aud": []string{"https://other.example", audience}, "client_id": "client-1", "jti": "token-1", "sid": "session-1",
								"iat": now, "nbf": now, "exp": now + 60, "auth_time": now, "role": "Ärztin",
							},
						}
						for member, value := range changes {
							if _, ok := r.Header[member]; ok {
								r.Header[member] = value
							} else {
								r.Claims[member] = value
							}
						}
						a := n.ask(t, r)
						if a.Error != "" {
							t.Fatal(a.Error)
						}
						return a.Token
					}
					token := sign(nil)
					id, err := parse(token)
					var c struct{ Role string }
					if err == nil {
						err = id.Claims(&c)
					}
					if err != nil || id.UserID != "user-1" || id.SessionID != "session-1" || id.ClientID != "client-1" || id.TokenID != "token-1" || c.Role != "Ärztin" {
						t.Fatalf("refused: %v, or another identity", err)
					}
					for name, bad := range map[string]string{
						"another issuer":      sign(map[string]any{"iss": issuer + "/"}),
						"another audience":    sign(map[string]any{"aud": audience + "/"}),
						"another type":        sign(map[string]any{"typ": "JWT"}),
						"no such key":         sign(map[string]any{"kid": "x"}),
						"not yet valid":       sign(map[string]any{"nbf": time.Now().Unix() + 30}),
						"a changed header":    flip(token, 0),
						"a changed payload":   flip(token, 1),
						"a changed signature": flip(token, 2),
					} {
						if _, err := parse(bad); !errors.Is(err, auth.ErrInvalidToken) || errors.Is(err, auth.ErrExpiredToken) {
							t.Errorf("%s: %v", name, err)
						}
					}
					then := time.Now().Add(-time.Hour).Unix()
					old := sign(map[string]any{"iat": then, "nbf": then, "auth_time": then, "exp": then + 60})
					if _, err := parse(old); !errors.Is(err, auth.ErrExpiredToken) {
						t.Errorf("expired: %v", err)
					}
				})
			}
		}
	}
}
