package auth

import (
	"github.com/seed89488a0c/auth/internal/hashing"
)

// inspector is a [Hasher] as package hashing has it, which cannot name [HashInfo].
type inspector struct{ Hasher }

func (i inspector) Inspect(encoded string) hashing.Info {
	return hashing.Info(i.Hasher.Inspect(encoded))
}
