package flaskjwt_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authhttp"
	"github.com/seed89488a0c/auth/authtest"
	"github.com/seed89488a0c/auth/flaskjwt"
	"github.com/seed89488a0c/auth/legacyhash"
)

// fromFlask is what a Flask service gave to the user 42, with the tutorial's kind
// of secret and an expiry in 2100.
var fromFlask = sign("s3cr!", written,
	`{"fresh":false,"iat":1700000000,"jti":"c0ffee00-0000-4000-8000-000000000001","type":"access","sub":42,"nbf":1700000000,"exp":4102444800}`)

// A service in the midst of a Flask fleet: it accepts the fleet's tokens, and
// the fleet accepts those that it issues.
func Example() {
	issuer, err := flaskjwt.NewIssuer(flaskjwt.Config{
		Secret:              []byte("s3cr!"), // JWT_SECRET_KEY
		InsecureShortSecret: true,            // five bytes: until the fleet is moved
		IntegerSubjects:     true,            // the fleet's user IDs
		TTL:                 3 * time.Minute, // JWT_ACCESS_TOKEN_EXPIRES
	})
	if err != nil {
		log.Fatal(err)
	}
	a, err := auth.New(auth.NewMemoryStore(), issuer, auth.Options{})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()

	id, err := a.Verify(ctx, fromFlask)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("user", id.UserID, "fresh:", time.Since(id.AuthTime) < 5*time.Minute)

	r, err := a.Register(ctx, auth.Registration{Email: "ada@example.com", Password: auth.NewPassword("correct horse battery")})
	if err != nil {
		log.Fatal(err)
	}
	id, err = a.Verify(ctx, r.Tokens.Access)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("new user:", id.UserID == r.User.ID, "fresh:", time.Since(id.AuthTime) < 5*time.Minute)
	// Output:
	// user 42 fresh: false
	// new user: true fresh: true
}

// The tutorial's service moves over whole: its users, with their IDs and hashes of
// passlib over password and constant text, and its clients, with the tokens they hold.
func Example_takeOver() {
	hasher, err := legacyhash.Combine(auth.Argon2id{}, legacyhash.Appended{Text: auth.NewPassword("the constant text")})
	if err != nil {
		log.Fatal(err)
	}
	issuer, err := flaskjwt.NewIssuer(flaskjwt.Config{Secret: []byte("s3cr!"), InsecureShortSecret: true, IntegerSubjects: true, TTL: 3 * time.Minute})
	if err != nil {
		log.Fatal(err)
	}
	a, err := auth.New(auth.NewMemoryStore(), issuer, auth.Options{Hasher: hasher, Passwords: auth.PasswordPolicy{InsecureMinLength: 4, InsecureMaxLength: 12, InsecureAllowAny: true}})
	if err != nil {
		log.Fatal(err)
	}
	_, err = a.Import(context.Background(), auth.UserRecord{ // for each row of the old table
		User:         auth.User{ID: "42", Email: "ada@example.com"},
		PasswordHash: "$pbkdf2-sha256$29000$AAECAwQFBgcICQoLDA0ODw$evhtG2AS3Xle9lr56YITFmMMmoTaZKMvq.vb6U0SaZM",
	})
	if err != nil {
		log.Fatal(err)
	}

	mux := http.NewServeMux()
	mux.Handle("POST /users/login", authhttp.Login(a))
	mux.Handle("GET /users/me", authhttp.RequireFunc(a, func(w http.ResponseWriter, r *http.Request, who auth.Identity) {
		fmt.Fprintln(w, "user", who.UserID)
	}))

	me := httptest.NewRequest("GET", "/users/me", nil)
	me.Header.Set("Authorization", "Bearer "+fromFlask)
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, me)
	fmt.Print(w.Code, " ", w.Body)

	login := httptest.NewRequest("POST", "/users/login", strings.NewReader(`{"email":"ada@example.com","password":"correct horse"}`))
	login.Header.Set("Content-Type", "application/json")
	w = httptest.NewRecorder()
	mux.ServeHTTP(w, login)
	fmt.Println(w.Code, strings.Contains(w.Body.String(), `"result":"success"`))
	// Output:
	// 200 user 42
	// 200 true
}

// both issues tokens of one kind, and parses those of another too.
type both struct {
	auth.TokenIssuer
	also auth.TokenIssuer
}

// Parse asks about what the issuer has not issued. An outage, such as that of
// its keys, is told and not passed over.
func (b both) Parse(ctx context.Context, token string) (auth.Identity, error) {
	id, err := b.TokenIssuer.Parse(ctx, token)
	if errors.Is(err, auth.ErrInvalidToken) && !errors.Is(err, auth.ErrExpiredToken) {
		return b.also.Parse(ctx, token)
	}
	return id, err
}

// The end of the change, in two steps: every service runs with both{old, issuer},
// and when the last of them does, with both{issuer, old}, until the last of the
// old tokens has expired.
func Example_leaving() {
	old, err := flaskjwt.NewIssuer(flaskjwt.Config{Secret: []byte("s3cr!"), InsecureShortSecret: true})
	if err != nil {
		log.Fatal(err)
	}
	issuer, err := auth.NewJWTIssuer(auth.JWTConfig{
		Issuer:   "https://accounts.example",
		Audience: "https://shop.example",
		Keys:     []auth.Key{auth.GenerateKey()},
	})
	if err != nil {
		log.Fatal(err)
	}
	a, err := auth.New(auth.NewMemoryStore(), both{issuer, old}, auth.Options{})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()

	r, err := a.Register(ctx, auth.Registration{Email: "ada@example.com", Password: auth.NewPassword("correct horse battery")})
	if err != nil {
		log.Fatal(err)
	}
	for _, token := range []string{fromFlask, r.Tokens.Access} {
		id, err := a.Verify(ctx, token)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("issuer %q\n", id.Issuer)
	}
	_, err = old.Parse(ctx, r.Tokens.Access)
	fmt.Println(err)
	// Output:
	// issuer ""
	// issuer "https://accounts.example"
	// auth: invalid token: type
}

// TestLeaving holds both steps of the example against the contract, with both
// kinds of token.
func TestLeaving(t *testing.T) {
	key := auth.GenerateKey()
	issuers := func(t *testing.T) (old, renewed auth.TokenIssuer) {
		renewed, err := auth.NewJWTIssuer(auth.JWTConfig{Issuer: "a", Audience: "shop", Keys: []auth.Key{key}})
		if err != nil {
			t.Fatal(err)
		}
		return newIssuer(t, flaskjwt.Config{}), renewed
	}
	for name, newBoth := range map[string]func(t *testing.T) auth.TokenIssuer{
		"first":  func(t *testing.T) auth.TokenIssuer { old, renewed := issuers(t); return both{old, renewed} },
		"second": func(t *testing.T) auth.TokenIssuer { old, renewed := issuers(t); return both{renewed, old} },
	} {
		t.Run(name, func(t *testing.T) {
			authtest.TestTokenIssuer(t, newBoth)
			synctest.Test(t, func(t *testing.T) {
				i, s := newBoth(t), auth.Subject{UserID: "42", AuthTime: time.Now()}
				old, renewed := issuers(t)
				tokens := []string{issue(t, old, s).Token, issue(t, renewed, s).Token}
				for _, token := range tokens {
					if got := reason(t, i, token); got != "" {
						t.Error(got)
					}
				}
				time.Sleep(time.Hour)
				for _, token := range tokens {
					if got := reason(t, i, token); got != "expired" {
						t.Error(got)
					}
				}
			})
		})
	}
}
