package input_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/seed89488a0c/auth/internal/input"
	"github.com/seed89488a0c/auth/internal/row"
)

var now = time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)

func readable(string) *input.HashError { return nil }

func TestImport(t *testing.T) {
	zone := time.FixedZone("east", 3600)
	given := row.User{
		Profile:    row.Profile{ID: "7", Email: "Ada@Example.com", Username: "ada", CreatedAt: now.Add(-time.Hour + 1).In(zone)},
		DisabledAt: now.Add(-time.Minute), PasswordHash: "hash", EmailKey: "is made",
	}
	want := row.User{
		Profile:    row.Profile{ID: "7", Email: "Ada@example.com", Username: "ada", CreatedAt: now.Add(-time.Hour), UpdatedAt: now},
		DisabledAt: now.Add(-time.Minute), PasswordHash: "hash", EmailKey: "ada@example.com",
	}
	if got, err := input.Import(given, now, readable); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	made, err := input.Import(row.User{Profile: row.Profile{Email: "ada@example.com"}}, now, readable)
	if err != nil || len(made.ID) != 36 || !made.CreatedAt.Equal(now) || !made.DisabledAt.IsZero() || !made.EmailVerifiedAt.IsZero() {
		t.Errorf("of a user without anything else becomes %+v, %v", made, err)
	}
}

// Each row is right but for what is set in it and in those below, so that the order in
// which rules are told is part of the test.
func TestImportRefused(t *testing.T) {
	u := row.User{Profile: row.Profile{ID: "7", Email: "ada@example.com"}}
	damaged := &input.HashError{Code: input.HashDamaged}
	unreadable := func(encoded string) *input.HashError {
		if encoded == "damaged" {
			return damaged
		}
		return nil
	}
	for _, tt := range []struct {
		name string
		set  func()
		want input.Error
	}{
		{"no year of four digits", func() { u.CreatedAt = now.AddDate(9000, 0, 0) }, input.Error{Field: "time", Code: "out_of_range"}},
		{"a damaged hash", func() { u.PasswordHash = "damaged" }, input.Error{Field: "password_hash", Code: "hash_damaged", Hash: damaged}},
		{"a long hash", func() { u.PasswordHash = strings.Repeat("x", row.MaxPasswordHash+1) }, input.Error{Field: "password_hash", Code: "too_long", Max: row.MaxPasswordHash}},
		{"a control in the name", func() { u.Username = "\x01" }, input.Error{Field: "username", Code: "invalid_character", Max: row.MaxUsername}},
		{"no address", func() { u.Email = "" }, input.Error{Field: "email", Code: "required"}},
		{"a long ID", func() { u.ID = strings.Repeat("x", row.MaxID+1) }, input.Error{Field: "id", Code: "too_long", Max: row.MaxID}},
	} {
		tt.set()
		got, err := input.Import(u, now, unreadable)
		if wrong, ok := errors.AsType[*input.Error](err); !ok || *wrong != tt.want || got != (row.User{}) {
			t.Errorf("%s: got %+v, %v", tt.name, got, err)
		}
	}
}
