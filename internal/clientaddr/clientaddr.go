// Package clientaddr decides from which client a request came: from the peer of its
// connection, or from the client that trusted proxies name.
package clientaddr

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// What is read of a list of addresses, however long it is. Nobody has as many proxies in
// a row, and no address, with port, zone and spaces, is as long.
const (
	maxHops    = 32
	maxElement = 128
)

// Rules says whom to believe. The zero Rules believes no header. Both lists come from
// [Networks].
type Rules struct {
	Proxies []netip.Prefix // whose headers are read
	Clients []netip.Prefix // of clients whose addresses are not public
	Single  bool           // the header has one address, and is no list
}

// Origin is where a request came from. Its addresses are neither mapped nor NAT64, and
// have no zone.
type Origin struct {
	Client netip.Addr // zero = not known

	// Peer is where the search ended: at the client, or else at the peer or hop that is
	// not configured, or at the proxy that named nobody. It is zero where a connection
	// has no address, as over a Unix socket.
	Peer netip.Addr
}

// Networks returns the prefixes of a configuration as [Rules] need them: an IPv4 network
// that is written in IPv6 is one of IPv4. The error says which prefix is of no use, in words
// that follow a name: "has 0.0.0.0/0, which is everybody".
func Networks(prefixes []netip.Prefix) ([]netip.Prefix, error) {
	networks := make([]netip.Prefix, 0, len(prefixes))
	for _, p := range prefixes {
		if !p.IsValid() {
			return nil, errors.New("has a prefix that is not valid")
		}
		network := p.Masked()
		if ipv4 := netip.AddrFrom16([16]byte{10: 0xff, 11: 0xff}); 0 < p.Bits() && p.Bits() < 96 && network.Contains(ipv4) {
			return nil, fmt.Errorf("has %v, which is more than IPv4: write it as IPv4", p)
		}
		if a := Plain(p.Addr()); a != p.Addr() {
			if p.Bits() < 96 {
				return nil, fmt.Errorf("has %v, which is more than IPv4: write it as IPv4", p)
			}
			network = netip.PrefixFrom(a, p.Bits()-96).Masked()
		}
		if network.Bits() == 0 {
			return nil, fmt.Errorf("has %v, which is everybody", p)
		}
		networks = append(networks, network)
	}
	return networks, nil
}

// Find returns where a request came from: remote is the address of its connection, with a
// port or without, and fields are the lines of the configured header, in their order.
func (r Rules) Find(remote string, fields []string) Origin {
	peer := parse(remote)
	switch {
	case !peer.IsValid():
		return Origin{}
	case !in(r.Proxies, peer):
		return r.judge(peer)
	case !r.Single:
		return r.walk(peer, fields)
	case len(fields) != 1 || len(fields[0]) > maxElement:
		return Origin{Peer: peer}
	}
	named, err := netip.ParseAddr(strings.Trim(fields[0], " \t"))
	if named = Plain(named); err != nil || in(r.Proxies, named) {
		return Origin{Peer: peer}
	}
	return r.judge(named)
}

// walk reads a list from the right, where each proxy has added who asked it: the first
// that is no trusted proxy is the client. What is left of it was written by the client.
// An element that is empty or malformed ends the search, since there a proxy should have
// added an address and did not: what follows may be the client's own words.
func (r Rules) walk(peer netip.Addr, fields []string) Origin {
	hops := 0
	for i := len(fields) - 1; i >= 0; i-- {
		for rest, more := fields[i], true; more; hops++ {
			var element string
			rest, element, more = cutLast(rest)
			hop := parse(strings.Trim(element, " \t"))
			if !hop.IsValid() || hops == maxHops {
				return Origin{Peer: peer}
			}
			if !in(r.Proxies, hop) {
				return r.judge(hop)
			}
			peer = hop
		}
	}
	return Origin{Peer: peer}
}

// cutLast returns what is before the last comma, what is after it, and whether there is
// one. It looks at no more than maxElement bytes; what is longer is no element.
func cutLast(list string) (rest, element string, more bool) {
	start := max(0, len(list)-maxElement)
	comma := strings.LastIndexByte(list[start:], ',')
	if comma >= 0 {
		return list[:start+comma], list[start+comma+1:], true
	}
	if start > 0 {
		return "", "", false
	}
	return "", list, false
}

// judge returns a hop that is no proxy as the client, where it can be one.
func (r Rules) judge(hop netip.Addr) Origin {
	if public(hop) || in(r.Clients, hop) {
		return Origin{Client: hop, Peer: hop}
	}
	return Origin{Peer: hop}
}

// parse reads an address, or address:port or [address]:port. It returns the zero Addr for
// everything else.
func parse(s string) netip.Addr {
	if strings.HasPrefix(s, "[") || strings.Count(s, ":") == 1 {
		a, _ := netip.ParseAddrPort(s)
		return Plain(a.Addr())
	}
	a, _ := netip.ParseAddr(s)
	return Plain(a)
}

// Plain returns an address without its zone, which only means something on one machine,
// and the IPv4 address inside one that is mapped or translated (64:ff9b::/96, RFC 6052).
func Plain(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	if a.Is6() {
		if b := a.As16(); [12]byte(b[:]) == [12]byte{1: 0x64, 2: 0xff, 3: 0x9b} {
			return netip.AddrFrom4([4]byte(b[12:]))
		}
	}
	return a
}

// public reports whether an address can be of one client anywhere. What IANA's registries
// of special addresses call not globally reachable is not, but for the addresses of
// documentation: nobody has those, and tests use them. Of IPv6 only 2000::/3 is given out,
// of which 2002::/16 is IPv4 once more.
func public(a netip.Addr) bool {
	if a.Is6() {
		b := a.As16()
		switch {
		case b[0]>>5 != 1,
			b[0] == 0x20 && b[1] == 0x02,                              // 2002::/16, 6to4
			[6]byte(b[:6]) == [6]byte{0x20, 0x01, 0x00, 0x02},         // 2001:2::/48, of benchmarks
			b[0] == 0x20 && b[1] == 0x01 && b[2] == 0 && b[3]>>4 == 1: // 2001:10::/28, ORCHID
			return false
		}
		return true
	}
	b := a.As4()
	switch {
	case b[0] == 0, b[0] >= 224, // this network, multicast, reserved
		a.IsLoopback(), a.IsPrivate(), a.IsLinkLocalUnicast(),
		b[0] == 100 && b[1]>>6 == 1,               // 100.64.0.0/10, behind carriers' and clouds' NAT
		b[0] == 192 && b[1] == 0 && b[2] == 0,     // 192.0.0.0/24, of protocols
		b[0] == 198 && (b[1] == 18 || b[1] == 19): // 198.18.0.0/15, of benchmarks
		return false
	}
	return true
}

func in(networks []netip.Prefix, a netip.Addr) bool {
	for _, network := range networks {
		if network.Contains(a) {
			return true
		}
	}
	return false
}

type contextKey struct{}

// NewContext returns a context that knows where its request came from.
func NewContext(ctx context.Context, o Origin) context.Context {
	return context.WithValue(ctx, contextKey{}, o)
}

// FromContext returns where the request of a context came from, and whether that is known.
func FromContext(ctx context.Context) (Origin, bool) {
	o, ok := ctx.Value(contextKey{}).(Origin)
	return o, ok
}
