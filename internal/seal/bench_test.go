package seal_test

import (
	"crypto/aes"
	"crypto/cipher"
	"slices"
	"testing"
	"time"
)

// BenchmarkSeal and BenchmarkOpen compare with AES-GCM under a key that is ready, of the
// same text.
func BenchmarkSeal(b *testing.B) {
	own, plain := box(0x80), make([]byte, 64)
	aead := bare(b)
	compare(b,
		func() { aead.Seal(nil, nil, plain, []byte("user-id")) },
		func() { sealed(b, own, string(plain), "user-id") })
}

func BenchmarkOpen(b *testing.B) {
	own, plain := box(0x80), make([]byte, 64)
	aead := bare(b)
	theirs, ours := aead.Seal(nil, nil, plain, []byte("user-id")), sealed(b, own, string(plain), "user-id")
	compare(b,
		func() {
			if _, err := aead.Open(nil, nil, theirs, []byte("user-id")); err != nil {
				b.Fatal(err)
			}
		},
		func() { opens(b, own, ours, string(plain), "user-id") })
}

func bare(b *testing.B) cipher.AEAD {
	block, err := aes.NewCipher(secretOf(0x80))
	if err != nil {
		b.Fatal(err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		b.Fatal(err)
	}
	return aead
}

// compare reports the medians of both, which take turns.
func compare(b *testing.B, baseline, ours func()) {
	b.ReportAllocs()
	var times [2][]time.Duration
	for range b.N {
		for which, f := range []func(){baseline, ours} {
			start := time.Now()
			f()
			times[which] = append(times[which], time.Since(start))
		}
	}
	b.ReportMetric(0, "ns/op")
	for which := range times {
		slices.Sort(times[which])
	}
	base, own := times[0][b.N/2], times[1][b.N/2]
	b.ReportMetric(float64(base.Nanoseconds())/1e3, "baseline-µs")
	b.ReportMetric(float64(own.Nanoseconds())/1e3, "ours-µs")
	b.ReportMetric(float64(own)/float64(base), "ratio")
}
