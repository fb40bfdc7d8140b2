package keyring_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/keyring"
)

// A service whose replicas share a directory, and have a new key every month.
func Example() {
	path, err := os.MkdirTemp("", "keys")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(path)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()

	keys, err := keyring.Open(ctx, keyring.Config{
		Path:    path,
		MaxTTL:  15 * time.Minute,
		Rotate:  30 * 24 * time.Hour,
		OnError: func(_ context.Context, err error) { log.Print(err) },
	})
	if err != nil {
		log.Fatal(err)
	}
	go keys.Run(ctx) // or not: then a request reads the directory once a minute

	issuer, err := auth.NewJWTIssuer(auth.JWTConfig{Issuer: "shop", Audience: "shop", Source: keys})
	if err != nil {
		log.Fatal(err)
	}
	issued, err := issuer.Issue(ctx, auth.Subject{UserID: "1", AuthTime: time.Now()})
	if err != nil {
		log.Fatal(err)
	}
	who, err := issuer.Parse(ctx, issued.Token)
	fmt.Println(who, err)
	for _, key := range keys.Status() {
		fmt.Println(key.State, key.Algorithm)
	}
	// Output:
	// 1 <nil>
	// active EdDSA
}

// A key for the first of December, put there well before.
func ExampleGenerate() {
	path, err := os.MkdirTemp("", "keys")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(path)

	december := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	fmt.Println(keyring.Generate(path, "ES256", december))
	// Output: 20261201T000000Z.pem <nil>
}
