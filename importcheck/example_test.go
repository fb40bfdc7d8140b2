package importcheck_test

import (
	"context"
	"fmt"
	"log"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/importcheck"
	"github.com/seed89488a0c/auth/legacyhash"
)

// Before the users of a WordPress site are imported. The rows come from where they
// are, such as a query of wp_users.
func ExampleCheck() {
	users := func(yield func(auth.UserRecord, error) bool) {
		for _, r := range []auth.UserRecord{
			{User: auth.User{ID: "1", Email: "ada@example.com"}, PasswordHash: "$P$8ohUJ.1sdFw09/bMaAQPTGDNi2BIUt1"},
			{User: auth.User{ID: "2", Email: "Ada@Example.com"}, PasswordHash: "$wp$2y$10$....................................................."},
			{User: auth.User{ID: "3", Email: "grace@example.com"}, PasswordHash: "$wp$2y$10$..............................."},
		} {
			if !yield(r, nil) {
				return
			}
		}
	}
	hasher, err := legacyhash.Combine(auth.Argon2id{}, legacyhash.WordPress{})
	if err != nil {
		log.Fatal(err)
	}
	summary, err := importcheck.Check(context.Background(), auth.Options{Hasher: hasher}, users, func(f importcheck.Finding) {
		fmt.Println(f.ID, f.Field, f.Code)
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d of %d rows would be refused\n", summary.Refused, summary.Rows)
	// Output:
	// 1 password_hash weak
	// 2 email duplicate
	// 2 password_hash outdated
	// 3 password_hash hash_damaged
	// 2 of 3 rows would be refused
}

// A table whose column pads its addresses is imported as people type them.
func ExampleCleanEmail() {
	fmt.Printf("%q\n", importcheck.CleanEmail("ada@example.com   "))
	fmt.Printf("%q\n", importcheck.CleanEmail("\ufeffada@exam\u00adple.com\r\n"))
	// Output:
	// "ada@example.com"
	// "ada@example.com"
}
