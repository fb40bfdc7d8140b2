package clientaddr

import (
	"net/netip"
	"slices"
	"sync"
)

// maxTold is of how many networks is told. Hops of a proxy's header can be of any number.
const maxTold = 16

// Told remembers of which networks something was told. It is safe for concurrent use.
type Told struct {
	mu       sync.Mutex
	networks []netip.Prefix
}

// First reports whether nothing was told yet of the network that an address is in, an
// IPv4 /24 or an IPv6 /64, nor of sixteen others. All that have no address are one.
func (t *Told) First(a netip.Addr) bool {
	bits := 64
	if a.Is4() {
		bits = 24
	}
	network, _ := a.Prefix(bits) // zero where there is no address
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.networks) == maxTold || slices.Contains(t.networks, network) {
		return false
	}
	t.networks = append(t.networks, network)
	return true
}
