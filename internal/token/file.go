package token

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// ReadFile returns the key that a file holds, as [ParseAny] reads it. The file is a
// regular one of at most MaxKeyText bytes. The error may name the file, and never holds
// what is in it.
func ReadFile(path string) (Key, error) {
	content, err := readRegular(path)
	if err != nil {
		return Key{}, fmt.Errorf("key file: %w", err)
	}
	return ParseAny(content)
}

// readRegular returns what a regular file holds, up to one byte more than a key has.
func readRegular(path string) ([]byte, error) {
	info, err := os.Stat(path) // first, since to open a pipe is to wait
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, MaxKeyText+1))
}
