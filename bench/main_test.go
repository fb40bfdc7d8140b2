package main

import (
	"io"
	"testing"
	"time"
)

// TestRun verifies and issues once with everything that is compared.
func TestRun(t *testing.T) {
	if err := run(io.Discard, 1, time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if err := run(io.Discard, 0, time.Millisecond); err == nil {
		t.Error("no rounds are taken")
	}
}
