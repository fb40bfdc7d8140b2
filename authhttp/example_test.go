package authhttp_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authhttp"
)

func exampleIssuer() (*auth.JWTIssuer, error) {
	return auth.NewJWTIssuer(auth.JWTConfig{
		Issuer:   "https://auth.example",
		Audience: "https://api.example",
		Keys:     []auth.Key{auth.GenerateKey()},
	})
}

func exampleAuthenticator() (*auth.Authenticator, error) {
	issuer, err := exampleIssuer()
	if err != nil {
		return nil, err
	}
	return auth.New(auth.NewMemoryStore(), issuer, auth.Options{})
}

// A handler of your own is given who is asking, and cannot run for nobody.
func ExampleRequireFunc() {
	a, err := exampleAuthenticator()
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("GET /orders", authhttp.RequireFunc(a, func(w http.ResponseWriter, r *http.Request, who auth.Identity) {
		fmt.Fprintln(w, "orders of", len(who.UserID), "characters of ID")
	}))

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

// A handler that is there already asks for who is known, and for whether anybody is.
func ExampleRequire() {
	a, err := exampleAuthenticator()
	if err != nil {
		fmt.Println(err)
		return
	}
	orders := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, ok := auth.FromContext(r.Context())
		if !ok { // mounted without Require
			authhttp.WriteError(w, r, auth.ErrInvalidToken)
			return
		}
		fmt.Fprintln(w, "orders of", who.UserID)
	})
	for _, h := range []http.Handler{authhttp.Require(a)(orders), orders} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "/orders", nil))
		fmt.Println(w.Code)
	}
	// Output:
	// 401
	// 401
}

// A page for everybody that greets those it knows.
func ExampleOptionalFunc() {
	a, err := exampleAuthenticator()
	if err != nil {
		fmt.Println(err)
		return
	}
	home := authhttp.OptionalFunc(a, func(w http.ResponseWriter, r *http.Request, who *auth.Identity) {
		fmt.Fprintln(w, "known:", who != nil)
	})
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

// A session lives on by its refresh token, each of which is good for once.
func ExampleRefresh() {
	issuer, err := exampleIssuer()
	if err != nil {
		fmt.Println(err)
		return
	}
	store := auth.NewMemoryStore() // or auth.OpenMySQL
	a, err := auth.New(store, issuer, auth.Options{Sessions: auth.SessionConfig{Store: store, Grace: -1}})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("POST /users/refresh", authhttp.Refresh(a))
	mux.Handle("POST /users/logout", authhttp.Logout(a))

	result, err := a.Register(context.Background(), auth.Registration{
		Email:    "ann@example.com",
		Password: auth.NewPassword("correct horse battery staple"),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	send := func(path, refreshToken string) *httptest.ResponseRecorder {
		body := strings.NewReader(`{"refresh_token":"` + refreshToken + `"}`)
		w, r := httptest.NewRecorder(), httptest.NewRequest("POST", path, body)
		r.Header.Set("Content-Type", "application/json")
		mux.ServeHTTP(w, r)
		return w
	}
	var next struct {
		RefreshToken string `json:"refresh_token"`
	}
	w := send("/users/refresh", result.Tokens.Refresh)
	if err := json.Unmarshal(w.Body.Bytes(), &next); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("refreshed:", w.Code)
	fmt.Println("the old token again:", send("/users/refresh", result.Tokens.Refresh).Code)
	fmt.Println("since two have it, the new one is worth nothing either:", send("/users/refresh", next.RefreshToken).Code)
	fmt.Println("logged out of what has ended:", send("/users/logout", next.RefreshToken).Code)
	// Output:
	// refreshed: 200
	// the old token again: 401
	// since two have it, the new one is worth nothing either: 401
	// logged out of what has ended: 204
}

// A payment needs a login of late: by a password that Reauthenticate asks for.
func ExampleRequireFreshFunc() {
	a, err := exampleAuthenticator()
	if err != nil {
		fmt.Println(err)
		return
	}
	pay := authhttp.RequireFreshFunc(a, 5*time.Minute, func(w http.ResponseWriter, r *http.Request, who auth.Identity) {
		fmt.Fprintln(w, "paid by", who.UserID)
	})
	mux := http.NewServeMux()
	mux.Handle("POST /payments", pay)
	mux.Handle("POST /users/me/reauthenticate", authhttp.Require(a)(authhttp.Reauthenticate(a)))

	result, err := a.Register(context.Background(), auth.Registration{
		Email:    "ann@example.com",
		Password: auth.NewPassword("correct horse battery staple"),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	send := func(path, body string) *httptest.ResponseRecorder {
		w, r := httptest.NewRecorder(), httptest.NewRequest("POST", path, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+result.Tokens.Access)
		r.Header.Set("Content-Type", "application/json")
		mux.ServeHTTP(w, r)
		return w
	}
	fmt.Println("just logged in:", send("/payments", "").Code)
	fmt.Println("a wrong password:", send("/users/me/reauthenticate", `{"password":"wrong"}`).Code)
	fmt.Println("the right one:", send("/users/me/reauthenticate", `{"password":"correct horse battery staple"}`).Code)
	// Output:
	// just logged in: 200
	// a wrong password: 403
	// the right one: 200
}
