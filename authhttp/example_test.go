package authhttp_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authhttp"
)

func exampleAuthenticator() (*auth.Authenticator, error) {
	issuer, err := auth.NewJWTIssuer(auth.JWTConfig{
		Issuer:   "https://auth.example",
		Audience: "https://api.example",
		Keys:     []auth.Key{auth.GenerateKey()},
	})
	if err != nil {
		return nil, err
	}
	return auth.New(auth.NewMemoryStore(), issuer)
}

// A handler that is there already learns who is asking.
func ExampleRequire() {
	a, err := exampleAuthenticator()
	if err != nil {
		fmt.Println(err)
		return
	}
	orders := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if id, ok := auth.FromContext(r.Context()); ok {
			fmt.Fprintln(w, "orders of", len(id.UserID), "characters of ID")
		}
	})
	mux := http.NewServeMux()
	mux.Handle("GET /orders", authhttp.Require(a)(orders))

	result, err := a.Register(context.Background(), auth.Registration{
		Email:    "ann@example.com",
		Password: auth.NewPassword("correct horse battery staple"),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, authorization := range []string{"", "Bearer " + result.Tokens.Access} {
		w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/orders", nil)
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		mux.ServeHTTP(w, r)
		fmt.Println(w.Code)
		fmt.Print(w.Body)
	}
	// Output:
	// 401
	// {"title":"Unauthorized","status":401,"error":"An access token is needed.","code":"missing_token"}
	// 200
	// orders of 36 characters of ID
}

// A page for everybody that greets those it knows.
func ExampleOptional() {
	a, err := exampleAuthenticator()
	if err != nil {
		fmt.Println(err)
		return
	}
	home := authhttp.Optional(a)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, known := auth.FromContext(r.Context())
		fmt.Fprintln(w, "known:", known)
	}))
	w := httptest.NewRecorder()
	home.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	fmt.Print(w.Body)
	// Output:
	// known: false
}

func ExampleRegister() {
	a, err := exampleAuthenticator()
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("POST /users/register", authhttp.Register(a))

	for _, password := range []string{"short", "correct horse battery staple"} {
		body := strings.NewReader(`{"username":"Ann","email":"ann@example.com","password":"` + password + `"}`)
		w, r := httptest.NewRecorder(), httptest.NewRequest("POST", "/users/register", body)
		r.Header.Set("Content-Type", "application/json")
		mux.ServeHTTP(w, r)
		fmt.Println(w.Code, w.Header().Get("Content-Type"))
	}
	// Output:
	// 400 application/problem+json
	// 200 application/json
}

func ExampleLogin() {
	a, err := exampleAuthenticator()
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("POST /users/login", authhttp.Login(a))

	body := strings.NewReader(`{"email":"nobody@example.com","password":"correct horse battery staple"}`)
	w, r := httptest.NewRecorder(), httptest.NewRequest("POST", "/users/login", body)
	r.Header.Set("Content-Type", "application/json")
	mux.ServeHTTP(w, r)
	fmt.Println(w.Code)
	fmt.Print(w.Body)
	// Output:
	// 401
	// {"title":"Unauthorized","status":401,"error":"The e-mail address or the password is wrong.","code":"invalid_credentials"}
}

// A handler of the service's own answers as those of this package do.
func ExampleWriteError() {
	a, err := exampleAuthenticator()
	if err != nil {
		fmt.Println(err)
		return
	}
	user := func(w http.ResponseWriter, r *http.Request) {
		user, err := a.User(r.Context(), r.PathValue("id"))
		if err != nil {
			authhttp.WriteError(w, r, err)
			return
		}
		fmt.Fprintln(w, user.ID)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /users/{id}", user)
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest("GET", "/users/42", nil))
	fmt.Println(w.Code, w.Body)

	// The text of an error that nobody expected stays inside.
	w = httptest.NewRecorder()
	authhttp.WriteError(w, nil, errors.New("dial tcp 10.0.0.7:3306: connection refused"))
	fmt.Println(w.Code, w.Body)
	// Output:
	// 404 {"title":"Not Found","status":404,"error":"There is no such user.","code":"user_not_found"}
	//
	// 500 {"title":"Internal Server Error","status":500,"error":"Something went wrong.","code":"internal"}
}

// A login of the service's own, with a form instead of JSON.
func ExampleWriteTokens() {
	a, err := exampleAuthenticator()
	if err != nil {
		fmt.Println(err)
		return
	}
	login := func(w http.ResponseWriter, r *http.Request) {
		result, err := a.Login(r.Context(), auth.Credentials{
			Email:    r.PostFormValue("email"),
			Password: auth.NewPassword(r.PostFormValue("password")),
		})
		if err != nil {
			authhttp.WriteError(w, r, err)
			return
		}
		authhttp.WriteTokens(w, result.Tokens)
	}
	w := httptest.NewRecorder()
	login(w, httptest.NewRequest("POST", "/login", nil))
	fmt.Println(w.Code)
	// Output:
	// 401
}

// An issuer publishes its public keys, for services that verify its tokens by
// package jwks.
func ExampleJWKS() {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		fmt.Println(err)
		return
	}
	key, err := auth.SigningKey(private)
	if err != nil {
		fmt.Println(err)
		return
	}
	issuer, err := auth.NewJWTIssuer(auth.JWTConfig{
		Issuer:   "https://auth.example",
		Audience: "https://api.example",
		Keys:     []auth.Key{key},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("GET /.well-known/jwks.json", authhttp.JWKS(issuer))

	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest("GET", "/.well-known/jwks.json", nil))
	fmt.Println(w.Code, w.Header().Get("Content-Type"), w.Header().Get("Cache-Control"))
	fmt.Println(strings.Contains(w.Body.String(), key.ID()), strings.Contains(w.Body.String(), `"d"`))
	// Output:
	// 200 application/jwk-set+json public, max-age=300
	// true false
}
