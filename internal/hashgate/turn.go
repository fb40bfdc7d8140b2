package hashgate

import (
	"net/netip"

	"github.com/seed89488a0c/auth/internal/clientaddr"
)

// Turn is with whom somebody who waits takes turns, so that one client's thousand logins
// delay another's by one. The zero Turn is one of its own.
type Turn struct {
	known                     bool
	network, address, account string
}

// Stranger is the turn of somebody who is not known yet, by the client's address and the
// account that is tried.
//
// Turns are taken by IPv4 /24 or IPv6 /32, then by IPv4 address or IPv6 /48, then by account:
// whoever has a network of their own has no more of the queue than whoever has one address
// of it. All who have no address are one network.
func Stranger(address netip.Addr, account string) Turn { return turnOf(false, address, account) }

// Known is the turn of somebody who is logged in, whose client has logged in to this account
// before, or who may change others. No stranger shares it; but anybody may register, so it
// is by network too, and one of an account waits so at once.
func Known(address netip.Addr, account string) Turn { return turnOf(true, address, account) }

func turnOf(known bool, address netip.Addr, account string) Turn {
	t := Turn{known: known, account: account}
	switch address = clientaddr.Plain(address); {
	case address.Is4():
		t.network, t.address = part(address, 24), part(address, 32)
	case address.Is6():
		t.network, t.address = part(address, 32), part(address, 48)
	}
	return t
}

// part returns the network of so many bits that an address is in.
func part(address netip.Addr, bits int) string {
	network, _ := address.Prefix(bits) // no address has fewer
	return network.String()
}

func (t Turn) path() [3]string { return [3]string{t.network, t.address, t.account} }
