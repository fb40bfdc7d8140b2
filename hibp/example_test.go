package hibp_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/hibp"
)

// With the public service; nothing is sent here.
func ExampleNew() {
	checker, err := hibp.New(hibp.Config{UserAgent: "shop/1.0 (+https://shop.example)", Timeout: time.Second})
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()

	_, err = checker.Breached(ctx, auth.NewPassword("correct horse battery"))
	fmt.Println(err)
	fmt.Println(errors.Is(err, auth.ErrUnavailable), errors.Is(err, context.Canceled))
	// Output:
	// hibp: range: context
	// true true
}

func ExampleOpenFile() {
	path := filepath.Join(os.TempDir(), fmt.Sprint("pwnedpasswords", os.Getpid(), ".txt"))
	if err := os.WriteFile(path, []byte("5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:10434004\n"), 0o600); err != nil {
		log.Fatal(err)
	}
	defer os.Remove(path)

	file, err := hibp.OpenFile(path)
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()

	for _, text := range []string{"password", "correct horse battery"} {
		breached, err := file.Breached(context.Background(), auth.NewPassword(text))
		fmt.Println(breached, err)
	}
	// Output:
	// true <nil>
	// false <nil>
}
