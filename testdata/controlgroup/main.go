// Command controlgroup makes an Authenticator of Argon2id with as many KiB as its
// argument says, logs in a few times, and prints its peak of memory: for
// TestNewInAControlGroup.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/seed89488a0c/auth"
)

func main() {
	if err := run(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func run() error {
	kib, err := strconv.ParseUint(os.Args[1], 10, 32)
	if err != nil {
		return err
	}
	issuer, err := auth.NewJWTIssuer(auth.JWTConfig{Issuer: "i", Audience: "a", Keys: []auth.Key{auth.GenerateKey()}})
	if err != nil {
		return err
	}
	a, err := auth.New(auth.NewMemoryStore(), issuer, auth.Options{Hasher: auth.Argon2id{MemoryKiB: uint32(kib)}})
	if err != nil {
		return err
	}
	after := peak()
	for range 4 {
		_, err := a.Login(context.Background(), auth.Credentials{Email: "ada@example.com", Password: auth.NewPassword("a guess")})
		if !errors.Is(err, auth.ErrInvalidCredentials) {
			return err
		}
	}
	fmt.Println("peak of New:", after, "and then:", peak())
	return nil
}

// peak returns the most that the process had resident.
func peak() string {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err.Error()
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	line, _, _ := strings.Cut(rest, "\n")
	return strings.Join(strings.Fields(line), " ")
}
