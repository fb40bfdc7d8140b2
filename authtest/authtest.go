// Package authtest has what tests of a service need, an Authenticator in one
// line, and what tests of an implementation need: conformance suites for
// [auth.UserStore], [auth.SessionStore], [auth.Hasher] and [auth.TokenIssuer].
// Each failure names the rule that is broken.
package authtest

import (
	"testing"

	"github.com/seed89488a0c/auth"
)

// New returns an Authenticator on an empty memory store, with a key of its own
// and a [Hasher] that costs nothing.
func New(t testing.TB, opts ...auth.Option) *auth.Authenticator {
	t.Helper()
	issuer, err := auth.NewJWTIssuer(auth.JWTConfig{
		Issuer:   "authtest",
		Audience: "authtest",
		Keys:     []auth.Key{auth.GenerateKey()},
	})
	if err != nil {
		t.Fatal(err)
	}
	a, err := auth.New(auth.NewMemoryStore(), issuer, append([]auth.Option{auth.WithHasher(Hasher{})}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
