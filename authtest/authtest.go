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
// and, unless o says otherwise, a [Hasher] that costs nothing.
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
	a, err := auth.New(auth.NewMemoryStore(), issuer, options)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
