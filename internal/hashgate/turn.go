package hashgate

import "net/netip"

// Turn is with whom somebody who waits takes turns, so that one client's thousand
// logins delay another's by one. The zero Turn is one of its own.
type Turn struct {
	known bool
	key   string
}

// Stranger is the turn of somebody who is not known yet: all of one network share it,
// which is an IPv4 address or an IPv6 /48, or, without an address, all who try one account.
func Stranger(address netip.Addr, account string) Turn {
	address = address.Unmap()
	switch {
	case address.Is4():
		return Turn{key: "4" + string(address.AsSlice())}
	case address.Is6():
		return Turn{key: "6" + string(address.AsSlice()[:6])}
	}
	return Turn{key: "a" + account}
}

// Known is the turn of somebody who is logged in, or who may change others: all of one
// account share it, and no stranger does.
func Known(account string) Turn { return Turn{known: true, key: account} }
