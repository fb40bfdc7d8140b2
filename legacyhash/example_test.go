package legacyhash_test

import (
	"context"
	"fmt"
	"log"
	"strings"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/legacyhash"
)

// A Flask service with passlib's hashes moves over: its users log in as ever, and
// their hashes become Argon2id.
func ExampleCombine() {
	hasher, err := legacyhash.Combine(auth.Argon2id{}, legacyhash.PBKDF2{}, legacyhash.Bcrypt{}, legacyhash.Django{})
	if err != nil {
		log.Fatal(err)
	}
	issuer, err := auth.NewJWTIssuer(auth.JWTConfig{Issuer: "shop", Audience: "shop", Keys: []auth.Key{auth.GenerateKey()}})
	if err != nil {
		log.Fatal(err)
	}
	store := auth.NewMemoryStore()
	a, err := auth.New(store, issuer, auth.Options{Hasher: hasher})
	if err != nil {
		log.Fatal(err)
	}

	ctx := context.Background()
	user, err := a.Import(ctx, auth.UserRecord{
		User:         auth.User{Email: "ada@example.com"},
		PasswordHash: "$pbkdf2-sha256$29000$N2YMIWQsBWBMae09x1jrPQ$1t8iyB2A.WF/Z5JZv.lfCIhXXN33N23OSgQYThBYRfk",
	})
	if err != nil {
		log.Fatal(err)
	}
	_, err = a.Login(ctx, auth.Credentials{Email: "ada@example.com", Password: auth.NewPassword("toomanysecrets")})
	if err != nil {
		log.Fatal(err)
	}
	row, err := store.UserByID(ctx, user.ID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(hasher.Inspect(row.PasswordHash).Scheme)
	// Output: argon2id
}

// The tutorial's service appended a constant text to every password.
func ExampleAppended() {
	hasher, err := legacyhash.Combine(auth.Argon2id{}, legacyhash.Appended{Text: auth.NewPassword("the constant text")})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(hasher.Inspect("$pbkdf2-sha256$29000$N2YMIWQsBWBMae09x1jrPQ$1t8iyB2A.WF/Z5JZv.lfCIhXXN33N23OSgQYThBYRfk").Outdated)
	// Output: true
}

// The table of a WordPress site, iterated MD5, becomes strong before anybody
// logs in.
func ExampleWrapper() {
	strong := auth.Argon2id{}
	wrapper, err := legacyhash.NewWrapper(strong, legacyhash.PHPass{})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	wrapped, err := wrapper.Wrap(ctx, "$P$8ohUJ.1sdFw09/bMaAQPTGDNi2BIUt1") // for each row
	if err != nil {
		log.Fatal(err)
	}

	// The service: rows that are wrapped, and those that are not yet.
	hasher, err := legacyhash.Combine(strong, wrapper, legacyhash.PHPass{})
	if err != nil {
		log.Fatal(err)
	}
	match, err := hasher.Verify(ctx, wrapped, auth.NewPassword("password"))
	fmt.Println(match, err)
	fmt.Println(hasher.Inspect(wrapped).Scheme, hasher.Inspect(wrapped).Outdated)
	// Output:
	// true <nil>
	// phpass+argon2id true
}

// Meteor gives bcrypt the SHA-256 of a password, and this shop lowered passwords.
func ExamplePrepared() {
	meteor := legacyhash.Prepared{Prepare: legacyhash.SHA256Hex, Hasher: legacyhash.Bcrypt{}}
	shop := legacyhash.Prepared{Prepare: strings.ToLower, Hasher: legacyhash.Digest{}}
	hasher, err := legacyhash.Combine(auth.Argon2id{}, meteor, shop)
	if err != nil {
		log.Fatal(err)
	}
	match, err := hasher.Verify(context.Background(), "$digest$md5(p)$$5f4dcc3b5aa765d61d8327deb882cf99", auth.NewPassword("Password"))
	fmt.Println(match, err)
	// Output: true <nil>
}
