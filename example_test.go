package auth_test

import (
	"context"
	"fmt"
	"log"

	"github.com/seed89488a0c/auth"
)

// The README's first program.
func Example() {
	ctx, key := context.Background(), auth.GenerateKey()
	issuer, err := auth.NewJWTIssuer(auth.JWTConfig{Issuer: "shop", Audience: "shop", Keys: []auth.Key{key}})
	if err != nil {
		log.Fatal(err)
	}
	a, err := auth.New(auth.NewMemoryStore(), issuer, auth.Options{})
	if err != nil {
		log.Fatal(err)
	}
	result, err := a.Register(ctx, auth.Registration{Email: "Ada@Example.COM", Password: auth.NewPassword("correct horse battery")})
	if err != nil {
		log.Fatal(err)
	}
	who, err := a.Verify(ctx, result.Tokens.Access)
	fmt.Println(result.User.Email, who.UserID == result.User.ID, who.ExpiresAt.Sub(who.IssuedAt), err)
	// Output: Ada@example.com true 15m0s <nil>
}
