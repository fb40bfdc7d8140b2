package email_test

import (
	"testing"

	"github.com/seed89488a0c/auth/internal/email"
)

// benchmarked are addresses from the most to the least common kind.
var benchmarked = []struct{ name, in string }{
	{"lower", "bob.smith@example.com"},
	{"mixed", "Bob.Smith@Example.com"},
	{"local", "ren\u00e9@example.com"},
	{"domain", "bob@b\u00fccher.example"},
	{"invalid", "admin@intranet"},
}

func BenchmarkParse(b *testing.B) {
	for _, bb := range benchmarked {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				email.Parse(bb.in)
			}
		})
	}
}

func BenchmarkKey(b *testing.B) {
	for _, bb := range benchmarked {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				email.Key(bb.in)
			}
		})
	}
}
