package jwks_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authhttp"
	"github.com/seed89488a0c/auth/jwks"
)

// newIssuer is the service that has users and the private key.
func newIssuer() (*auth.JWTIssuer, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader) // or auth.ParseKey of a file
	if err != nil {
		return nil, err
	}
	key, err := auth.SigningKey(private)
	if err != nil {
		return nil, err
	}
	return auth.NewJWTIssuer(auth.JWTConfig{
		Issuer:         "https://auth.example",
		Audience:       "https://auth.example",
		OtherAudiences: []string{"https://orders.example"},
		Keys:           []auth.Key{key},
	})
}

// Two services: one has the users and publishes its keys, the other one knows
// nothing but where they are.
func Example() {
	issuer, err := newIssuer()
	if err != nil {
		log.Fatal(err)
	}
	a, err := auth.New(auth.NewMemoryStore(), issuer, auth.Options{})
	if err != nil {
		log.Fatal(err)
	}
	published := httptest.NewServer(authhttp.JWKS(issuer))
	defer published.Close()

	verifier, err := jwks.NewVerifier(jwks.Config{
		URL:      published.URL,
		Issuer:   "https://auth.example",
		Audience: "https://orders.example",
	})
	if err != nil {
		log.Fatal(err)
	}
	orders := verifier.RequireFunc(func(w http.ResponseWriter, r *http.Request, who jwks.Identity) {
		fmt.Fprintln(w, "orders of a user of", who.Issuer)
	})

	ann, err := a.Register(context.Background(), auth.Registration{
		Email:    "ann@example.com",
		Password: auth.NewPassword("correct horse battery staple"),
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, authorization := range []string{"", "Bearer " + ann.Tokens.Access} {
		w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/orders", nil)
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		orders.ServeHTTP(w, r)
		fmt.Print(w.Code, " ", w.Body)
	}
	// Output:
	// 401 {"title":"Unauthorized","status":401,"error":"An access token is needed.","code":"missing_token"}
	// 200 orders of a user of https://auth.example
}

// A readiness probe: without the issuer's keys nobody can be let in.
func ExampleVerifier_Ready() {
	issuer := httptest.NewServer(http.NotFoundHandler())
	defer issuer.Close()
	verifier, err := jwks.NewVerifier(jwks.Config{
		URL:      issuer.URL + "/.well-known/jwks.json",
		Issuer:   "https://auth.example",
		Audience: "https://orders.example",
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(verifier.Ready(context.Background()))
	// Output:
	// jwks: keys of https://auth.example: http 404
}
