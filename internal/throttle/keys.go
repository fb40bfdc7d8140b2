package throttle

import (
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"net/netip"

	"github.com/seed89488a0c/auth/internal/clientaddr"
	"github.com/seed89488a0c/auth/internal/row"
	"github.com/seed89488a0c/auth/internal/secrets"
)

// Keys make the keys of counters, by the first of a service's secrets. Without one they are
// plain digests, so that counters hold across replicas and restarts there too.
type Keys struct{ digest func() hash.Hash }

// NewKeys returns the keys of a service's secrets.
func NewKeys(list [][]byte) Keys {
	if len(list) == 0 {
		return Keys{sha256.New}
	}
	key := secrets.Key(list[0], "auth attempts")
	return Keys{func() hash.Hash { return hmac.New(sha256.New, key) }}
}

// of returns half a key, of what kind it is and of texts in which there is no NUL but the
// last may have any.
func (k Keys) of(kind string, texts ...string) (half [16]byte) {
	h := k.digest()
	h.Write([]byte(kind))
	for _, text := range texts {
		h.Write([]byte{0})
		h.Write([]byte(text))
	}
	copy(half[:], h.Sum(nil))
	return half
}

func (k Keys) account(account string) [16]byte { return k.of("account", account) }

// part returns the key of a part of an account. Digests of one network at several accounts
// are not alike.
func (k Keys) part(account [16]byte, kind, text string) row.AttemptKey {
	return join(account, k.of(kind, text, string(account[:])))
}

// whole returns the key of what has no parts.
func (k Keys) whole(kind, text string) row.AttemptKey { return join(k.of(kind, text), [16]byte{}) }

func join(first, second [16]byte) (key row.AttemptKey) {
	copy(key[:16], first[:])
	copy(key[16:], second[:])
	return key
}

// networks are those of an address, "" where there is none: near is the IPv6 /64, and far the
// /48, or the IPv4 address.
type networks struct{ near, far string }

// networksOf returns the IPv4 address, or the IPv6 /64 and /48.
func networksOf(address netip.Addr) networks {
	switch address = clientaddr.Plain(address); {
	case address.Is4():
		return networks{far: address.String()}
	case address.Is6():
		return networks{near: masked(address, 64), far: masked(address, 48)}
	}
	return networks{}
}

func masked(address netip.Addr, bits int) string {
	network, _ := address.Prefix(bits) // no address has fewer
	return network.String()
}
