package authtest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// In a program that is no test the cheap hasher is an error.
func TestHasherRefusesOutsideOfTests(t *testing.T) {
	const program = `package main

import (
	"context"
	"fmt"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authtest"
)

func main() {
	h, ctx, p := authtest.Hasher{}, context.Background(), auth.NewPassword("password")
	encoded, err := h.Hash(ctx, p)
	match, err2 := h.Verify(ctx, "$authtest$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", p)
	fmt.Print(encoded == "", err, match, err2)
}
`
	file := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(file, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := exec.Command("go", "run", file).CombinedOutput()
	const refused = "authtest: Hasher used outside of tests"
	if want := "true " + refused + " false " + refused; err != nil || strings.TrimSpace(string(got)) != want {
		t.Errorf("got %s (%v), want %s", got, err, want)
	}
}
