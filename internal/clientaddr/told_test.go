package clientaddr_test

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/seed89488a0c/auth/internal/clientaddr"
)

func TestTold(t *testing.T) {
	var told clientaddr.Told
	for _, tt := range []struct {
		address string
		first   bool
	}{
		{"10.0.0.1", true}, {"10.0.0.1", false}, {"10.0.0.255", false}, {"10.0.1.0", true},
		{"fd00::1", true}, {"fd00::ffff:1", false}, {"fd00:0:0:1::1", true},
		{"", true}, {"", false}, {"10.0.0.9", false},
	} {
		if got := told.First(address(tt.address)); got != tt.first {
			t.Errorf("%q: first %t, want %t", tt.address, got, tt.first)
		}
	}
	n := 5
	for i := range 100 {
		if told.First(netip.AddrFrom4([4]byte{10, 1, byte(i), 1})) {
			n++
		}
	}
	if n != 16 {
		t.Errorf("told of %d networks", n)
	}
}

func TestToldAtOnce(t *testing.T) {
	var told clientaddr.Told
	var first atomic.Int32
	var wait sync.WaitGroup
	for range 50 {
		wait.Go(func() {
			if told.First(address("10.0.0.1")) {
				first.Add(1)
			}
		})
	}
	wait.Wait()
	if first.Load() != 1 {
		t.Errorf("told %d times", first.Load())
	}
}
