package pepper_test

import (
	"crypto/rand"
	"fmt"
	"log"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/pepper"
)

// The pepper of 2025 is followed by that of 2026: whoever logs in moves over.
func Example() {
	last, now := make([]byte, 32), make([]byte, 32) // not from the table: from a file or a vault
	rand.Read(last)
	rand.Read(now)
	of2025, err := pepper.HMAC("2025", last)
	if err != nil {
		log.Fatal(err)
	}
	of2026, err := pepper.HMAC("2026", now)
	if err != nil {
		log.Fatal(err)
	}
	hasher, err := pepper.New(auth.Argon2id{}, of2026, of2025)
	if err != nil {
		log.Fatal(err)
	}
	issuer, err := auth.NewJWTIssuer(auth.JWTConfig{Issuer: "shop", Audience: "shop", Keys: []auth.Key{auth.GenerateKey()}})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := auth.New(auth.NewMemoryStore(), issuer, auth.Options{Hasher: hasher}); err != nil {
		log.Fatal(err)
	}
	fmt.Println(hasher.Inspect("").KeyID)
	// Output: 2026
}
