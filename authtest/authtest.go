// Package authtest has what tests of a service need, and what tests of an
// implementation need.
//
// Of a service: an Authenticator in one line by [New], a token for any user by [Token],
// who it speaks for by [Identity], and a store that can be taken down, [FaultyStore].
//
// Of an implementation: conformance suites for [auth.UserStore], [auth.SessionStore],
// [auth.AttemptStore], [auth.Hasher] and [auth.TokenIssuer]. Each failure names the rule that is broken.
package authtest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/seed89488a0c/auth"
)

// New returns an Authenticator on an empty memory store, with a key of its own
// and, unless o says otherwise, a [Hasher] that costs nothing.
//
// It has what o says and no more, as in production: sessions, and with them refresh
// tokens, where [auth.SessionConfig] has a Store. Is that one that keeps users too, as
// [auth.NewMemoryStore] and [NewFaultyStore] return, it keeps them here:
//
//	a := authtest.New(t, auth.Options{Sessions: auth.SessionConfig{Store: auth.NewMemoryStore()}})
//
// With the [Hasher] of this package addresses under .test register (RFC 6761 §6.2), as
// alice@shop.test; everywhere else they are refused, and example.com is the domain that
// both take (RFC 2606).
func New(t testing.TB, o ...auth.Options) *auth.Authenticator {
	t.Helper()
	issuer, err := auth.NewJWTIssuer(auth.JWTConfig{
		Issuer:   "authtest",
		Audience: "authtest",
		Keys:     []auth.Key{auth.GenerateKey()},
	})
	if err != nil {
		t.Fatal(err)
	}
	var options auth.Options
	switch {
	case len(o) > 1:
		t.Fatal("authtest.New: one Options at most")
	case len(o) == 1:
		options = o[0]
	}
	if options.Hasher == nil {
		options.Hasher = Hasher{}
	}
	users, ok := options.Sessions.Store.(auth.UserStore)
	if !ok {
		users = auth.NewMemoryStore()
	}
	if options.Throttle.Store == nil && !options.Throttle.InsecureOff {
		if options.Throttle.Store, ok = users.(auth.AttemptStore); !ok {
			options.Throttle.Store = auth.NewMemoryStore()
		}
	}
	a, err := auth.New(users, issuer, options)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// Token returns an access token of the user with this ID, 1 to 64 bytes, whom it imports
// and logs in where needed: nobody has to register. It is as good as any, and has a
// session where a has sessions; what a login calls is called, such as
// [auth.Options.Claims].
//
// a reads the hashes of [Hasher], as what [New] returns does. The user has an address of
// its own under example.com. An ID that is somebody else's by other ways, as of
// Register, fails the test: their tokens are in the Result.
func Token(t testing.TB, a *auth.Authenticator, userID string) string {
	t.Helper()
	sum := sha256.Sum256([]byte(userID))
	address, password := hex.EncodeToString(sum[:16])+"@authtest.example.com", auth.NewPassword("password of "+userID)
	login := func() (auth.Result, error) {
		return a.Login(t.Context(), auth.Credentials{Email: address, Password: password})
	}
	result, err := login()
	if errors.Is(err, auth.ErrInvalidCredentials) {
		hash, hashErr := Hasher{}.Hash(t.Context(), password)
		if hashErr != nil {
			t.Fatal(hashErr)
		}
		if _, err = a.Import(t.Context(), auth.UserRecord{User: auth.User{ID: userID, Email: address}, PasswordHash: hash}); err == nil {
			result, err = login()
		}
	}
	if err == nil && result.User.ID != userID {
		err = errors.New("the store gave another ID")
	}
	if err != nil {
		t.Fatalf("authtest.Token: user %q: %v", userID, err)
	}
	return result.Tokens.Access
}

// Identity returns who a [Token] speaks for, verified by a, for what takes an
// [auth.Identity].
func Identity(t testing.TB, a *auth.Authenticator, userID string) auth.Identity {
	t.Helper()
	id, err := a.Verify(t.Context(), Token(t, a, userID))
	if err != nil {
		t.Fatalf("authtest.Identity: %v", err)
	}
	return id
}
