// Command sso is a service whose users log in at a single sign-on of its own: a proxy in
// front does that, connects with a client certificate, and says in headers who somebody
// is. Run it, and paste the lines that it prints.
package main

import (
	"crypto/tls"
	"log"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/seed89488a0c/auth"
)

const address = "127.0.0.1:8443"

func main() {
	store := auth.NewMemoryStore()
	issuer, err := auth.NewJWTIssuer(auth.JWTConfig{
		Issuer:   "https://" + address,
		Audience: "https://" + address,
		Keys:     []auth.Key{auth.GenerateKey()},
		ACR:      acrOf,
	})
	if err != nil {
		log.Fatal(err)
	}
	a, err := auth.New(store, issuer, auth.Options{Sessions: auth.SessionConfig{Store: store}})
	if err != nil {
		log.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "sso")
	if err != nil {
		log.Fatal(err)
	}
	pki, err := newCertificates(dir)
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{
		Addr:              address,
		Handler:           http.TimeoutHandler(newHandler(a), 5*time.Second, ""),
		TLSConfig:         pki.serverConfig(),
		ReadTimeout:       5 * time.Second,
		ReadHeaderTimeout: 5 * time.Second,
		WriteTimeout:      15 * time.Second,
	}
	log.Print("paste:\n", strings.ReplaceAll(usage, "DIR", dir))
	log.Fatal(server.ListenAndServeTLS("", ""))
}

const usage = `
cd DIR
proxy="curl -sS --cacert ca.pem --cert proxy.pem --key proxy-key.pem -X POST -H Sso-Subject:4711 -H Sso-Email:ada@example.com -H Sso-Auth-Time:$(date +%s)"
client="curl -sS --cacert ca.pem"
stranger="curl -sS --cacert ca.pem --cert stranger.pem --key stranger-key.pem -X POST -H Sso-Subject:4711 -H Sso-Amr:pwd"
field() { sed 's/.*"'$1'":"\([^"]*\)".*/\1/'; }

# What the proxy sends when Ada has logged in there with a password:
answer=$($proxy -H Sso-Amr:pwd https://127.0.0.1:8443/sso/login)
token=$(echo "$answer" | field access_token)
$client -H "Authorization: Bearer $token" https://127.0.0.1:8443/orders
answer=$($client -H 'Content-Type: application/json' -d '{"refresh_token":"'$(echo "$answer" | field refresh_token)'"}' https://127.0.0.1:8443/users/refresh)
token=$(echo "$answer" | field access_token)

# Whoever else has a certificate of the same authority cannot say who they are:
$stranger https://127.0.0.1:8443/sso/login

# A payment needs more, and says what; then the proxy has asked for a second factor:
$client -X POST -H "Authorization: Bearer $token" https://127.0.0.1:8443/payments
answer=$($proxy -H 'Sso-Amr: pwd otp mfa' -H "Authorization: Bearer $token" https://127.0.0.1:8443/sso/step-up)
token=$(echo "$answer" | field access_token)
$client -X POST -H "Authorization: Bearer $token" https://127.0.0.1:8443/payments
`

// serverConfig asks for a client's certificate, and takes a connection without one: the
// routes of the proxy do not.
func (c *certificates) serverConfig() *tls.Config {
	return &tls.Config{
		Certificates: []tls.Certificate{c.server},
		ClientAuth:   tls.VerifyClientCertIfGiven,
		ClientCAs:    c.authority,
		MinVersion:   tls.VersionTLS13,
	}
}
