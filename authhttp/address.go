package authhttp

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/internal/clientaddr"
)

// AddressConfig says where [ClientAddress] finds the address of a client. The zero
// AddressConfig is for a service that clients reach directly: nobody's headers are read.
type AddressConfig struct {
	// TrustedProxies are the networks of the proxies whose header is read: of the one
	// that connects to this service, and of those in front of it. Whoever has an address
	// in them can say that they are anybody, so make them narrow.
	TrustedProxies []netip.Prefix

	// Header is the only header that is read; "" = X-Forwarded-For, a list to which each
	// proxy adds whom it was asked by. Any other is one that the proxy overwrites with one
	// address, such as X-Real-IP or CF-Connecting-IP. A proxy that passes on what clients
	// write there lets them choose their address: many do so with True-Client-IP.
	// Forwarded (RFC 7239) is not supported.
	Header string

	// ClientNetworks are networks of clients whose addresses are not public, such as
	// 10.8.0.0/16 of a VPN. A proxy in them that is not in TrustedProxies too would be
	// taken for the client of all its requests.
	ClientNetworks []netip.Prefix
}

// ClientAddress returns middleware that finds the address of a client (ASVS 5.0
// 15.3.4). The handlers of this package show it in the list of [Sessions], and
// [ClientOf] returns it. The rules:
//
//   - The peer is whoever made the connection, as net/http puts it into the request's
//     RemoteAddr. Mount nothing before this that writes a header's word there.
//   - A peer that is not in TrustedProxies is the client. No header is read.
//   - Of a trusted proxy X-Forwarded-For is read from the right, all of its lines as one
//     list. Addresses in TrustedProxies are skipped, 31 at most. The first other one is the
//     client, with a port or without: 192.0.2.1:80 and [2001:db8::1]:80 are taken too.
//   - Any other Header has to be there once, with one address, without a port.
//   - What is empty or malformed on the way, a header that is missing, and a list of nothing
//     but proxies give no address: never the proxy's, and never one that the client may
//     have written.
//   - Of an address that is mapped (::ffff:0:0/96) or translated (NAT64, 64:ff9b::/96) the
//     IPv4 address is taken, and a zone is taken off, before anything is compared.
//   - A peer or hop whose address is not public is a client only in ClientNetworks. That is
//     loopback, private, link-local, 100.64.0.0/10, most of what else IANA's registries
//     call not globally reachable, and of IPv6 all but 2000::/3. Otherwise there is no
//     address: it may be a proxy that nobody configured, and everybody behind it
//     would be one client. A proxy with a public address cannot be told from a client:
//     configure it.
//   - A connection without an address, as over a Unix socket, gives no address.
//
// The first time that an [auth.Authenticator] is asked by somebody without an address, of
// each network, it raises the event address_unconfigured. That is so behind this middleware
// and in this package's handlers: put it around handlers of your own too.
//
// ClientAddress panics where [AddressConfig.Validate] returns an error. The
// handler that it returns changes nothing of a request but its context, costs nothing in
// proportion to the header, and is safe for concurrent use. If two are mounted, the inner
// one decides.
func ClientAddress(c AddressConfig) func(http.Handler) http.Handler {
	rules, header, err := c.rules()
	if err != nil {
		panic(err.Error())
	}
	return func(next http.Handler) http.Handler {
		if next == nil {
			panic("authhttp: ClientAddress: the handler is nil")
		}
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, withOrigin(r, rules.Find(r.RemoteAddr, r.Header[header])))
		})
	}
}

// Validate says what is wrong with c, in one sentence: a prefix that is not valid, all of
// IPv4 or IPv6, or some of both; a Header that is no token of RFC 9110, or Forwarded. Call
// it where an operator has given the prefixes.
func (c AddressConfig) Validate() error {
	_, _, err := c.rules()
	return err
}

// rules returns the rules of a configuration, and the header that they are for.
func (c AddressConfig) rules() (clientaddr.Rules, string, error) {
	const list = "X-Forwarded-For"
	header := list
	if c.Header != "" {
		header = http.CanonicalHeaderKey(c.Header)
	}
	proxies, err := clientaddr.Networks(c.TrustedProxies)
	if err != nil {
		return clientaddr.Rules{}, "", fmt.Errorf("authhttp: ClientAddress: TrustedProxies %w", err)
	}
	clients, err := clientaddr.Networks(c.ClientNetworks)
	switch {
	case err != nil:
		return clientaddr.Rules{}, "", fmt.Errorf("authhttp: ClientAddress: ClientNetworks %w", err)
	case strings.Trim(header, tokenCharacters) != "":
		return clientaddr.Rules{}, "", errors.New("authhttp: ClientAddress: the Header is not the name of one")
	case header == "Forwarded":
		return clientaddr.Rules{}, "", errors.New("authhttp: ClientAddress: the Header Forwarded is not supported: have the proxy send X-Forwarded-For")
	}
	return clientaddr.Rules{Proxies: proxies, Clients: clients, Single: header != list}, header, nil
}

// tokenCharacters are those of RFC 9110 §5.6.2.
const tokenCharacters = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// ClientOf returns what a request says of who sent it: the address that [ClientAddress]
// has found, and the User-Agent as it was sent. Without that middleware the address is that
// of the zero [AddressConfig]: the peer's where it is public, and otherwise none.
//
// It is for handlers of a service's own. Put [ClientAddress] around them, and give the
// Authenticator the request's context, so that its events can tell of an address that is not
// configured.
func ClientOf(r *http.Request) auth.Client {
	return auth.Client{Address: originOf(r).Client, UserAgent: r.UserAgent()}
}

// originOf returns where a request came from.
func originOf(r *http.Request) clientaddr.Origin {
	if origin, ok := clientaddr.FromContext(r.Context()); ok {
		return origin
	}
	return clientaddr.Rules{}.Find(r.RemoteAddr, nil)
}

// withOrigin returns a request whose context knows where it came from.
func withOrigin(r *http.Request, origin clientaddr.Origin) *http.Request {
	return r.WithContext(clientaddr.NewContext(r.Context(), origin))
}

// located returns the request for a handler that passes on who asks, see begin in the
// root: its context says where it came from, with or without the middleware.
func located(r *http.Request) *http.Request {
	if _, ok := clientaddr.FromContext(r.Context()); ok {
		return r
	}
	return withOrigin(r, originOf(r))
}
