package token_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/seed89488a0c/auth/internal/token"
)

func own(id token.Identity, o *token.Owner) token.Identity {
	token.Own(&id, o)
	return id
}

// An identity is its verifier's as long as nobody changes anything about it.
func TestOwn(t *testing.T) {
	owner, other := &token.Owner{}, &token.Owner{}
	for name, p := range map[string]parser{"remembered": remembering(t, 8), "not remembered": remembering(t, -1)} {
		s := hmacSigner()
		text := s.mint(t, s.header, payload)
		parsed, err := p.Parse(text, at(1))
		must(t, parsed, err)
		byHand := identity(claims())
		for what, id := range map[string]token.Identity{"parsed": parsed, "by hand": byHand, "zero": {}} {
			if token.IsOwn(id, owner) || token.IsOwn(id, nil) {
				t.Errorf("%s: %s is somebody's own", name, what)
			}
		}
		mine := own(parsed, owner)
		if !token.IsOwn(mine, owner) || token.IsOwn(mine, other) || token.IsOwn(mine, nil) || mine.Said() != parsed.Said() {
			t.Errorf("%s: it is not the owner's alone", name)
		}
		if again := own(mine, other); !token.IsOwn(again, other) || token.IsOwn(again, owner) {
			t.Errorf("%s: it is not the last one's", name)
		}
		if !token.IsOwn(own(byHand, owner), owner) { // of an issuer that makes them so
			t.Errorf("%s: one made by hand is not the owner's", name)
		}
		changes := map[string]func(id *token.Identity){
			"Issuer":    func(id *token.Identity) { id.Issuer = "x" },
			"UserID":    func(id *token.Identity) { id.UserID = "x" },
			"SessionID": func(id *token.Identity) { id.SessionID = "x" },
			"TokenID":   func(id *token.Identity) { id.TokenID = "x" },
			"ClientID":  func(id *token.Identity) { id.ClientID = "x" },
			"Audience":  func(id *token.Identity) { id.Audience = "x" },
			"IssuedAt":  func(id *token.Identity) { id.IssuedAt = at(9) },
			"ExpiresAt": func(id *token.Identity) { id.ExpiresAt = id.ExpiresAt.Add(1) },
			"AuthTime":  func(id *token.Identity) { id.AuthTime = time.Time{} },
			"AMR":       func(id *token.Identity) { id.AMR = "x" },
			"ACR":       func(id *token.Identity) { id.ACR = "x" },
			"claims":    func(id *token.Identity) { *id = id.WithClaims(nil) },
		}
		if fields := reflect.TypeFor[token.Identity]().NumField(); len(changes) != fields-2 { // the marks
			t.Errorf("%d changes, and an identity has %d fields", len(changes), fields)
		}
		for what, change := range changes {
			changed := mine
			change(&changed)
			if token.IsOwn(changed, owner) {
				t.Errorf("%s: %s was changed, and it is the owner's still", name, what)
			}
			if changed = own(changed, owner); !token.IsOwn(changed, owner) || !token.IsOwn(mine, owner) {
				t.Errorf("%s: with %s it cannot be the owner's again", name, what)
			}
		}
		// What is remembered stays as it was.
		if again, err := p.Parse(text, at(1)); err != nil || again.Said() != parsed.Said() || token.IsOwn(again, owner) {
			t.Errorf("%s: parsed again it is %s, %v", name, show(again), err)
		}
	}
}

// To mark what is remembered costs no allocation.
func TestOwnAllocatesNothing(t *testing.T) {
	p, owner := remembering(t, 8), &token.Owner{}
	s := hmacSigner()
	text := s.mint(t, s.header, payload)
	if n := testing.AllocsPerRun(100, func() {
		id, err := p.Parse(text, at(1))
		if err != nil || !token.IsOwn(own(id, owner), owner) {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
