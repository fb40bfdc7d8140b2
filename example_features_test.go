package auth_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/netip"
	"strings"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/legacyhash"
)

// newAuthenticator is what the other examples start from.
func newAuthenticator(store auth.UserStore, o auth.Options) *auth.Authenticator {
	issuer, err := auth.NewJWTIssuer(auth.JWTConfig{Issuer: "shop", Audience: "shop", Keys: []auth.Key{auth.GenerateKey()}})
	if err != nil {
		log.Fatal(err)
	}
	a, err := auth.New(store, issuer, o)
	if err != nil {
		log.Fatal(err)
	}
	return a
}

func ExampleAuthenticator_Register() {
	ctx, a := context.Background(), newAuthenticator(auth.NewMemoryStore(), auth.Options{})
	_, err := a.Register(ctx, auth.Registration{Email: "ada@example.com", Password: auth.NewPassword("qwertyuiop")})

	var input *auth.InputError
	switch {
	case errors.As(err, &input):
		fmt.Println(input.Field, input.Code, input.Min, input.Max)
	case errors.Is(err, auth.ErrUserExists):
		fmt.Println("log in instead")
	case errors.Is(err, auth.ErrUnavailable):
		fmt.Println("try again later")
	}
	// Output: password password_common 8 128
}

func ExampleAuthenticator_Login() {
	ctx, a := context.Background(), newAuthenticator(auth.NewMemoryStore(), auth.Options{})
	password := auth.NewPassword("correct horse battery")
	if _, err := a.Register(ctx, auth.Registration{Email: "ada@example.com", Password: password}); err != nil {
		log.Fatal(err)
	}
	result, err := a.Login(ctx, auth.Credentials{Email: "ADA@Example.com", Password: password})
	fmt.Println(result.User.Email, password, result.Tokens, err)

	_, err = a.Login(ctx, auth.Credentials{Email: "nobody@example.com", Password: password})
	fmt.Println(err)
	// Output:
	// ada@example.com REDACTED REDACTED <nil>
	// auth: invalid credentials
}

func ExampleAuthenticator_Verify() {
	ctx, a := context.Background(), newAuthenticator(auth.NewMemoryStore(), auth.Options{})
	result, err := a.Register(ctx, auth.Registration{Email: "ada@example.com", Password: auth.NewPassword("correct horse battery")})
	if err != nil {
		log.Fatal(err)
	}
	who, err := a.Verify(ctx, result.Tokens.Access)
	fmt.Println(who.UserID == result.User.ID, err)

	_, err = a.Verify(ctx, result.Tokens.Access+"x")
	fmt.Println(errors.Is(err, auth.ErrInvalidToken), errors.Is(err, auth.ErrExpiredToken))
	// Output:
	// true <nil>
	// true false
}

// A user of another system keeps its ID and its hash, and notices nothing.
func ExampleAuthenticator_Import() {
	ctx, a := context.Background(), newAuthenticator(auth.NewMemoryStore(), auth.Options{})
	user, err := a.Import(ctx, auth.UserRecord{
		User: auth.User{
			ID:        "42",
			Email:     "admin@intranet", // no address on the internet, and a login all the same
			CreatedAt: time.Date(2019, 3, 1, 0, 0, 0, 0, time.UTC),
		},
		PasswordHash: "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
	})
	fmt.Println(user.ID, err)
	_, err = a.Login(ctx, auth.Credentials{Email: "Admin@Intranet", Password: auth.NewPassword("password")})
	fmt.Println(err)
	// Output:
	// 42 <nil>
	// <nil>
}

// Users without an address log in with their user name, which is imported in its place.
func ExampleAuthenticator_Import_userName() {
	ctx, a := context.Background(), newAuthenticator(auth.NewMemoryStore(), auth.Options{})
	user, err := a.Import(ctx, auth.UserRecord{
		User:         auth.User{ID: "7", Email: "Ada Lovelace"},
		PasswordHash: "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
	})
	if err != nil {
		log.Fatal(err)
	}
	_, err = a.Login(ctx, auth.Credentials{Email: "ada lovelace", Password: auth.NewPassword("password")})
	fmt.Println(err)

	// Before a mail is sent: this is no address.
	_, err = auth.ParseEmail(user.Email)
	fmt.Println(err)
	// Nobody who registers can take a user name.
	_, err = a.Register(ctx, auth.Registration{Email: "ada lovelace", Password: auth.NewPassword("correct horse battery")})
	fmt.Println(err)
	// Output:
	// <nil>
	// auth: invalid input: email: email_no_at
	// auth: invalid input: email: email_no_at
}

// Users who have an address and log in with a user name: the service finds the address
// by the name, in a table of its own, and logs in with the address.
func ExampleAuthenticator_Login_userName() {
	ctx, a := context.Background(), newAuthenticator(auth.NewMemoryStore(), auth.Options{})
	_, err := a.Register(ctx, auth.Registration{Email: "ada@example.com", Password: auth.NewPassword("correct horse battery")})
	if err != nil {
		log.Fatal(err)
	}
	addresses := map[string]string{"ada": "ada@example.com"} // by names in lower case
	login := func(name, password string) error {
		name = strings.TrimSpace(name) // which phones add
		address := name                // a name that nobody has takes the work of a login too, and the same answer
		// With an @ it is an address, so that nobody's name can stand before the address of another one.
		if found, ok := addresses[strings.ToLower(name)]; ok && !strings.Contains(name, "@") {
			address = found
		}
		_, err := a.Login(ctx, auth.Credentials{Email: address, Password: auth.NewPassword(password)})
		return err
	}
	fmt.Println(login("Ada ", "correct horse battery"))
	fmt.Println(login("ada@example.com", "correct horse battery"))
	fmt.Println(login("nobody", "correct horse battery"))
	// Output:
	// <nil>
	// <nil>
	// auth: invalid credentials
}

// Somebody whom the service has authenticated by itself, as by a passkey, gets what a
// login gives; later a second factor steps the session up.
func ExampleAuthenticator_LoginWith() {
	ctx, store := context.Background(), auth.NewMemoryStore()
	issuer, err := auth.NewJWTIssuer(auth.JWTConfig{
		Issuer: "shop", Audience: "shop", Keys: []auth.Key{auth.GenerateKey()},
		ACR: func(amr string) string { // the shop's own terms
			if strings.Contains(" "+amr+" ", " mfa ") {
				return "urn:shop:many"
			}
			return "urn:shop:one"
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	a, err := auth.New(store, issuer, auth.Options{Sessions: auth.SessionConfig{Store: store}})
	if err != nil {
		log.Fatal(err)
	}
	user, err := a.Import(ctx, auth.UserRecord{User: auth.User{ID: "42", Email: "ada@example.com"}}) // without a password
	if err != nil {
		log.Fatal(err)
	}

	// Only after it was verified that this is user 42:
	result, err := a.LoginWith(ctx, auth.Proof{UserID: user.ID, AMR: "hwk"})
	if err != nil {
		log.Fatal(err)
	}
	who, err := a.Verify(ctx, result.Tokens.Access)
	fmt.Println(who.UserID, who.AMR, who.ACR, err)

	// And after their code was found right, with who is logged in:
	result, err = a.LoginWith(ctx, auth.Proof{UserID: user.ID, AMR: "hwk otp mfa", Identity: &who})
	if err != nil {
		log.Fatal(err)
	}
	result, err = a.Refresh(ctx, auth.Renewal{Token: result.Tokens.Refresh}) // changes nothing of that
	if err != nil {
		log.Fatal(err)
	}
	who, err = a.Verify(ctx, result.Tokens.Access)
	fmt.Println(who.UserID, who.AMR, who.ACR, err)
	// Output:
	// 42 hwk urn:shop:one <nil>
	// 42 hwk otp mfa urn:shop:many <nil>
}

func ExampleOptions_events() {
	a := newAuthenticator(auth.NewMemoryStore(), auth.Options{Events: func(ctx context.Context, e auth.Event) {
		slog.InfoContext(ctx, "auth", "event", e) // without the client's address
		fmt.Println(e.Kind)
	}})
	a.Login(context.Background(), auth.Credentials{Email: "nobody@example.com", Password: auth.NewPassword("a guess")})
	// Output: login_failed
}

// A service demands a captcha of strangers at an account at which somebody has failed, and of
// those of a network that has failed too often. A captcha lifts no wait of the account.
func ExampleThrottle() {
	type solvedKey struct{} // the handler has checked the captcha's answer
	errCaptcha := errors.New("solve the captcha")
	a := newAuthenticator(auth.NewMemoryStore(), auth.Options{Throttle: auth.Throttle{
		Suspect: func(ctx context.Context, _ auth.Client, known auth.Attempts) (human bool, err error) {
			human, _ = ctx.Value(solvedKey{}).(bool)
			if !human && (known.Failures >= 2 || known.NetworkSlowed) {
				return false, errCaptcha
			}
			return human, nil
		},
	}})
	client := auth.Client{Address: netip.MustParseAddr("203.0.113.9")}
	guess := func(ctx context.Context) error {
		_, err := a.Login(ctx, auth.Credentials{Email: "ada@example.com", Password: auth.NewPassword("a guess"), Client: client})
		return err
	}
	ctx := context.Background()
	for range 2 {
		fmt.Println(guess(ctx))
	}
	err := guess(ctx)
	fmt.Println(errors.Is(err, auth.ErrTooManyAttempts), errors.Is(err, errCaptcha))
	solved := context.WithValue(ctx, solvedKey{}, true)
	for range 3 {
		fmt.Println(guess(solved))
	}
	if refused, ok := errors.AsType[*auth.ThrottleError](guess(solved)); ok {
		fmt.Println(refused.After, refused.Stopped)
	}
	// Output:
	// auth: invalid credentials
	// auth: invalid credentials
	// true true
	// auth: invalid credentials
	// auth: invalid credentials
	// auth: invalid credentials
	// 30s false
}

func ExampleOptions_passwords() {
	policy := auth.PasswordPolicy{MinLength: 15}
	policy.Words = []string{"Ada's Shop"}
	a := newAuthenticator(auth.NewMemoryStore(), auth.Options{Passwords: policy})
	for _, password := range []string{"only 14 long..", "*** ADA'S SHOP ***", "correct horse battery"} {
		_, err := a.Register(context.Background(), auth.Registration{Email: "ada@example.com", Password: auth.NewPassword(password)})
		fmt.Println(err)
	}
	// Output:
	// auth: invalid input: password: too_short
	// auth: invalid input: password: password_context
	// <nil>
}

// Of a table's users a tenth have bcrypt hashes of cost 12 still; an unknown
// address takes as long as one of theirs in one of ten cases, always the same.
func ExampleOptions_decoys() {
	hasher, err := legacyhash.Combine(auth.Argon2id{}, legacyhash.Bcrypt{})
	if err != nil {
		log.Fatal(err)
	}
	secret := make([]byte, 32)
	rand.Read(secret) // but the same in every replica: from a file or a vault
	newAuthenticator(auth.NewMemoryStore(), auth.Options{Hasher: hasher, Secrets: [][]byte{secret}, Decoys: []auth.Decoy{
		{Weight: 9}, // as made today
		{Weight: 1, Hash: "$2b$12$GhvMmNVjRW29ulnudl.LbuAnUtN/LRfe1JsBm1Xu6LE3059z5Tr8m"}}})
}

// A user and a row of the service's own are written together or not at all.
func ExampleMySQLStore_OnCreateUser() {
	register := func(ctx context.Context, a *auth.Authenticator, store *auth.MySQLStore, r auth.Registration) (auth.Result, error) {
		withProfile := store.OnCreateUser(func(ctx context.Context, tx *sql.Tx, u auth.User) error {
			_, err := tx.ExecContext(ctx, "INSERT INTO profiles (user_id) VALUES (?)", u.ID)
			return err
		})
		return a.WithStore(withProfile).Register(ctx, r)
	}
	_ = register
}

// Claims of the service's own are in every token, and read back by type.
func ExampleOptions_claims() {
	type claims struct {
		Role string `json:"role"`
	}
	a := newAuthenticator(auth.NewMemoryStore(), auth.Options{Claims: func(_ context.Context, u auth.User) (any, error) {
		return claims{Role: "customer"}, nil // from the service's own tables, by u.ID
	}})
	ctx := context.Background()
	result, err := a.Register(ctx, auth.Registration{Email: "ada@example.com", Password: auth.NewPassword("correct horse battery")})
	if err != nil {
		log.Fatal(err)
	}
	who, err := a.Verify(ctx, result.Tokens.Access)
	if err != nil {
		log.Fatal(err)
	}
	var c claims
	err = who.Claims(&c)
	fmt.Println(c.Role, err)
	// Output: customer <nil>
}

// With a key that has a public half others can verify and not issue: they are
// given the public keys by package authhttp's JWKS, and verify with package jwks.
func ExampleParseKey() {
	// openssl genpkey -algorithm ed25519
	key, err := auth.ParseKey([]byte(`-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----`)) // of RFC 8037 appendix A.1: never sign with it
	if err != nil {
		log.Fatal(err)
	}
	issuer, err := auth.NewJWTIssuer(auth.JWTConfig{Issuer: "https://auth.example", Audience: "https://shop.example", Keys: []auth.Key{key}})
	if err != nil {
		log.Fatal(err)
	}
	set, err := issuer.Keys(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	published, err := json.Marshal(set)
	fmt.Println(string(published), err)
	// Output: {"keys":[{"crv":"Ed25519","kty":"OKP","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","alg":"EdDSA","kid":"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k","use":"sig"}]} <nil>
}

// A session is renewed by its refresh token, once for each; an old one ends it.
func ExampleOptions_sessions() {
	store := auth.NewMemoryStore()
	a := newAuthenticator(store, auth.Options{Sessions: auth.SessionConfig{Store: store, Grace: -1}})
	ctx := context.Background()
	result, err := a.Register(ctx, auth.Registration{Email: "ada@example.com", Password: auth.NewPassword("correct horse battery")})
	if err != nil {
		log.Fatal(err)
	}
	stolen := result.Tokens.Refresh
	result, err = a.Refresh(ctx, auth.Renewal{Token: result.Tokens.Refresh})
	fmt.Println(result.User.Email, err)

	_, err = a.Refresh(ctx, auth.Renewal{Token: stolen})
	fmt.Println(err)
	_, err = a.Refresh(ctx, auth.Renewal{Token: result.Tokens.Refresh}) // the session has ended for both
	fmt.Println(err)
	// Output:
	// ada@example.com <nil>
	// auth: session replayed
	// auth: invalid token
}
