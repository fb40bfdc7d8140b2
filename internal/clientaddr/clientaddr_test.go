package clientaddr_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/seed89488a0c/auth/internal/clientaddr"
)

// networks reads prefixes that are separated by spaces.
func networks(t testing.TB, text string) []netip.Prefix {
	t.Helper()
	var list []netip.Prefix
	for _, word := range strings.Fields(text) {
		list = append(list, netip.MustParsePrefix(word))
	}
	list, err := clientaddr.Networks(list)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// address reads an address; "" is none.
func address(text string) netip.Addr {
	if text == "" {
		return netip.Addr{}
	}
	return netip.MustParseAddr(text)
}

// A peer that is no proxy is the client, if it can be one, whatever the headers say.
func TestPeers(t *testing.T) {
	for _, tt := range []struct {
		name, clients, remote, client, peer string
	}{
		{"a public address", "", "203.0.113.9:1234", "203.0.113.9", "203.0.113.9"},
		{"of IPv6", "", "[2001:db8::1]:1234", "2001:db8::1", "2001:db8::1"},
		{"without a port", "", "203.0.113.9", "203.0.113.9", "203.0.113.9"},
		{"of IPv6 without a port", "", "2001:db8::1", "2001:db8::1", "2001:db8::1"},
		{"mapped, as a listener for both has it", "", "[::ffff:203.0.113.9]:1", "203.0.113.9", "203.0.113.9"},
		{"NAT64", "", "[64:ff9b::203.0.113.9]:1", "203.0.113.9", "203.0.113.9"},
		{"with a zone", "", "[2001:db8::1%eth0]:1", "2001:db8::1", "2001:db8::1"},

		{"loopback", "", "127.0.0.1:1", "", "127.0.0.1"},
		{"loopback of IPv6", "", "[::1]:1", "", "::1"},
		{"loopback, mapped", "", "[::ffff:127.0.0.1]:1", "", "127.0.0.1"},
		{"private behind NAT64", "", "[64:ff9b::10.1.2.3]:1", "", "10.1.2.3"},
		{"10/8", "", "10.0.0.1:1", "", "10.0.0.1"},
		{"172.16/12", "", "172.31.255.255:1", "", "172.31.255.255"},
		{"after it", "", "172.32.0.0:1", "172.32.0.0", "172.32.0.0"},
		{"192.168/16", "", "192.168.65.1:1", "", "192.168.65.1"},
		{"fc00::/7", "", "[fd00::1]:1", "", "fd00::1"},
		{"link-local", "", "169.254.169.126:1", "", "169.254.169.126"},
		{"link-local of IPv6, with its zone", "", "[fe80::1%eth0]:1", "", "fe80::1"},
		{"before 100.64/10", "", "100.63.255.255:1", "100.63.255.255", "100.63.255.255"},
		{"its first", "", "100.64.0.0:1", "", "100.64.0.0"},
		{"its last", "", "100.127.255.255:1", "", "100.127.255.255"},
		{"after it", "", "100.128.0.0:1", "100.128.0.0", "100.128.0.0"},
		{"unspecified", "", "0.0.0.0:0", "", "0.0.0.0"},
		{"unspecified of IPv6", "", "[::]:0", "", "::"},
		{"multicast", "", "224.0.0.1:1", "", "224.0.0.1"},
		{"multicast of IPv6", "", "[ff02::1]:1", "", "ff02::1"},
		{"broadcast", "", "255.255.255.255:1", "", "255.255.255.255"},
		{"of protocols", "", "192.0.0.8:1", "", "192.0.0.8"},
		{"of benchmarks", "", "198.18.0.0:1", "", "198.18.0.0"},
		{"their last", "", "198.19.255.255:1", "", "198.19.255.255"},
		{"before those", "", "198.17.0.1:1", "198.17.0.1", "198.17.0.1"},
		{"after those", "", "198.20.0.1:1", "198.20.0.1", "198.20.0.1"},
		{"6to4", "", "[2002:cb00:7109::1]:1", "", "2002:cb00:7109::1"},
		{"of IPv6 benchmarks", "", "[2001:2::1]:1", "", "2001:2::1"},
		{"after those", "", "[2001:2:1::1]:1", "2001:2:1::1", "2001:2:1::1"},
		{"ORCHID", "", "[2001:1f:ffff::1]:1", "", "2001:1f:ffff::1"},
		{"after that", "", "[2001:20::1]:1", "2001:20::1", "2001:20::1"},
		{"IPv4 inside IPv6 as of old", "", "[::203.0.113.9]:1", "", "::203.0.113.9"},
		{"NAT64 of one network's own", "", "[64:ff9b:1::203.0.113.9]:1", "", "64:ff9b:1::203.0.113.9"},

		{"a network of clients", "10.8.0.0/16", "10.8.0.7:1", "10.8.0.7", "10.8.0.7"},
		{"beside it", "10.8.0.0/16", "10.9.0.7:1", "", "10.9.0.7"},
		{"mapped in it", "10.8.0.0/16", "[::ffff:10.8.0.7]:1", "10.8.0.7", "10.8.0.7"},
		{"with a zone in it", "fe80::/10", "[fe80::1%eth0]:1", "fe80::1", "fe80::1"},

		{"a Unix socket", "", "@", "", ""},
		{"a Unix socket without a name", "", "", "", ""},
		{"a path", "", "/run/auth.sock", "", ""},
		{"a name", "", "localhost:80", "", ""},
		{"no port after the colon", "", "203.0.113.9:", "", ""},
	} {
		rules := clientaddr.Rules{Proxies: networks(t, "198.51.100.0/24"), Clients: networks(t, tt.clients)}
		want := clientaddr.Origin{Client: address(tt.client), Peer: address(tt.peer)}
		for _, single := range []bool{false, true} {
			rules.Single = single
			for _, fields := range [][]string{nil, {"192.0.2.66"}, {"192.0.2.66", "192.0.2.66, 198.51.100.1"}} {
				if got := rules.Find(tt.remote, fields); got != want {
					t.Errorf("%s: %s with %q: %v, want %v", tt.name, tt.remote, fields, got, want)
				}
			}
		}
	}
}

// Each of these lists is from a trusted proxy, 198.51.100.1 unless remote says another.
// go-chi/chi's advisories GHSA-3fxj-6jh8-hvhx, GHSA-9g5q-2w5x-hmxf and
// GHSA-rjr7-jggh-pgcp, and what its own client_ip.go was wrong about while it was written.
func TestLists(t *testing.T) {
	long := strings.Repeat("192.0.2.66, ", 64<<10/12)
	for _, tt := range []struct {
		name, clients, remote string
		fields                []string
		client, peer          string
	}{
		{"as the proxy writes it", "", "", []string{"203.0.113.9"}, "203.0.113.9", "203.0.113.9"},
		{"the client wrote an address first", "", "", []string{"192.0.2.66, 203.0.113.9"}, "203.0.113.9", "203.0.113.9"},
		{"loopback, as for a page of administrators", "", "", []string{"127.0.0.1, 203.0.113.9"}, "203.0.113.9", "203.0.113.9"},
		{"without spaces", "", "", []string{"192.0.2.66,203.0.113.9"}, "203.0.113.9", "203.0.113.9"},
		{"spaces and tabs", "", "", []string{" 192.0.2.66 ,\t 203.0.113.9 \t"}, "203.0.113.9", "203.0.113.9"},
		{"two lines: the proxy has added its own", "", "", []string{"192.0.2.66", "203.0.113.9"}, "203.0.113.9", "203.0.113.9"},
		{"two lines, joined with the last", "", "", []string{"127.0.0.1", "192.0.2.66, 203.0.113.9"}, "203.0.113.9", "203.0.113.9"},
		{"two proxies", "", "", []string{"192.0.2.66, 203.0.113.9, 198.51.100.2"}, "203.0.113.9", "203.0.113.9"},
		{"two proxies, a line each", "", "", []string{"192.0.2.66", "203.0.113.9", "198.51.100.2"}, "203.0.113.9", "203.0.113.9"},
		{"first and last of the prefix", "", "", []string{"203.0.113.9, 198.51.100.0, 198.51.100.255"}, "203.0.113.9", "203.0.113.9"},
		{"just after the prefix is a client", "", "", []string{"203.0.113.9, 198.51.101.0"}, "198.51.101.0", "198.51.101.0"},
		{"a proxy of IPv6", "", "[2001:db8:1::1]:1", []string{"192.0.2.66, 203.0.113.9, 2001:db8:1::2"}, "203.0.113.9", "203.0.113.9"},
		{"a client of IPv6, spelled at length", "", "", []string{"2001:0DB8:0:0:0::0001"}, "2001:db8::1", "2001:db8::1"},
		{"ports, as Azure writes them", "", "", []string{"192.0.2.66:80, 203.0.113.9:50000, 198.51.100.2:443"}, "203.0.113.9", "203.0.113.9"},
		{"a port after IPv6", "", "", []string{"[2001:db8::9]:50000"}, "2001:db8::9", "2001:db8::9"},
		{"garbage from the client", "", "", []string{"oh, hi,,127.0.0.1,,,, 203.0.113.9"}, "203.0.113.9", "203.0.113.9"},
		{"garbage in another line", "", "", []string{"garbage", "203.0.113.9, 198.51.100.2"}, "203.0.113.9", "203.0.113.9"},
		{"64 KiB from the client", "", "", []string{long + "203.0.113.9"}, "203.0.113.9", "203.0.113.9"},
		{"64 KiB without a comma", "", "", []string{strings.Repeat("1", 64<<10) + ", 203.0.113.9"}, "203.0.113.9", "203.0.113.9"},
		{"as many lines", "", "", append(strings.Split(long, ","), "203.0.113.9"), "203.0.113.9", "203.0.113.9"},

		{"mapped: the client", "", "", []string{"::ffff:203.0.113.9"}, "203.0.113.9", "203.0.113.9"},
		{"mapped: a proxy is still one", "", "", []string{"203.0.113.9, ::ffff:198.51.100.2"}, "203.0.113.9", "203.0.113.9"},
		{"mapped: a peer is still one", "", "[::ffff:198.51.100.1]:1", []string{"203.0.113.9"}, "203.0.113.9", "203.0.113.9"},
		{"mapped in hexadecimal: a proxy is still one", "", "", []string{"203.0.113.9, ::ffff:c633:6402"}, "203.0.113.9", "203.0.113.9"},
		{"NAT64: a proxy is still one", "", "", []string{"203.0.113.9, 64:ff9b::198.51.100.2"}, "203.0.113.9", "203.0.113.9"},
		{"NAT64: the client", "", "", []string{"64:ff9b::203.0.113.9"}, "203.0.113.9", "203.0.113.9"},
		{"a zone: a proxy is still one", "", "", []string{"203.0.113.9, 2001:db8:1::2%eth0"}, "203.0.113.9", "203.0.113.9"},
		{"a zone: the client", "", "", []string{"2001:db8::9%eth0"}, "2001:db8::9", "2001:db8::9"},

		{"no header: the proxy names nobody", "", "", nil, "", "198.51.100.1"},
		{"an empty one", "", "", []string{""}, "", "198.51.100.1"},
		{"an empty line after it: the proxy has added nothing", "", "", []string{"192.0.2.66", ""}, "", "198.51.100.1"},
		{"a comma after it: the same", "", "", []string{"192.0.2.66, "}, "", "198.51.100.1"},
		{"nothing between two proxies", "", "", []string{"192.0.2.66,, 198.51.100.2"}, "", "198.51.100.2"},
		{"all are proxies", "", "", []string{"198.51.100.3, 198.51.100.2"}, "", "198.51.100.3"},
		{"more proxies than anybody has", "", "", []string{"203.0.113.9" + strings.Repeat(", 198.51.100.2", 33)}, "", "198.51.100.2"},
		{"as many as are read", "", "", []string{"203.0.113.9" + strings.Repeat(", 198.51.100.2", 31)}, "203.0.113.9", "203.0.113.9"},
		{"garbage at the end", "", "", []string{"192.0.2.66, garbage"}, "", "198.51.100.1"},
		{"garbage before a proxy", "", "", []string{"192.0.2.66, garbage, 198.51.100.3, 198.51.100.2"}, "", "198.51.100.3"},
		{"unknown, as RFC 7239 has it", "", "", []string{"192.0.2.66, unknown"}, "", "198.51.100.1"},
		{"a Unix socket, as nginx names it", "", "", []string{"192.0.2.66, unix:"}, "", "198.51.100.1"},
		{"in quotes", "", "", []string{`"203.0.113.9"`}, "", "198.51.100.1"},
		{"zeros in front: 10.0.0.1 or 8.0.0.1", "", "", []string{"010.0.0.1"}, "", "198.51.100.1"},
		{"a port that is none", "", "", []string{"203.0.113.9:65536"}, "", "198.51.100.1"},
		{"IPv4 in brackets", "", "", []string{"[203.0.113.9]:80"}, "", "198.51.100.1"},
		{"a line break that some server let through", "", "", []string{"203.0.113.9\n"}, "", "198.51.100.1"},
		{"an address after 64 KiB of spaces", "", "", []string{strings.Repeat(" ", 64<<10) + "203.0.113.9"}, "", "198.51.100.1"},
		{"a zone of 64 KiB", "", "", []string{"2001:db8::1%" + strings.Repeat("x", 64<<10)}, "", "198.51.100.1"},

		{"a private hop is nobody: a proxy that is not configured", "", "", []string{"203.0.113.9, 10.244.1.50, 198.51.100.2"}, "", "10.244.1.50"},
		{"a private hop of a network of clients", "10.244.0.0/16", "", []string{"203.0.113.9, 10.244.1.50, 198.51.100.2"}, "10.244.1.50", "10.244.1.50"},
		{"loopback, mapped", "", "", []string{"203.0.113.9, ::ffff:127.0.0.1"}, "", "127.0.0.1"},
		{"link-local with a zone", "", "", []string{"fe80::1%eth0"}, "", "fe80::1"},
		{"a proxy in a network of clients is a proxy", "198.51.100.0/24", "", []string{"203.0.113.9, 198.51.100.2"}, "203.0.113.9", "203.0.113.9"},
	} {
		remote := tt.remote
		if remote == "" {
			remote = "198.51.100.1:443"
		}
		rules := clientaddr.Rules{Proxies: networks(t, "198.51.100.0/24 2001:db8:1::/48"), Clients: networks(t, tt.clients)}
		want := clientaddr.Origin{Client: address(tt.client), Peer: address(tt.peer)}
		if got := rules.Find(remote, tt.fields); got != want {
			t.Errorf("%s: %.100q: %v, want %v", tt.name, tt.fields, got, want)
		}
	}
}

// A header with one address has one, in one line, and nothing else.
func TestSingle(t *testing.T) {
	for _, tt := range []struct {
		name         string
		fields       []string
		client, peer string
	}{
		{"one address", []string{"203.0.113.9"}, "203.0.113.9", "203.0.113.9"},
		{"with spaces", []string{" 203.0.113.9 "}, "203.0.113.9", "203.0.113.9"},
		{"of IPv6", []string{"2001:DB8::0009"}, "2001:db8::9", "2001:db8::9"},
		{"mapped", []string{"::ffff:203.0.113.9"}, "203.0.113.9", "203.0.113.9"},
		{"NAT64", []string{"64:ff9b::cb00:7109"}, "203.0.113.9", "203.0.113.9"},
		{"with a zone", []string{"2001:db8::9%eth0"}, "2001:db8::9", "2001:db8::9"},
		{"none", nil, "", "198.51.100.1"},
		{"empty", []string{""}, "", "198.51.100.1"},
		{"two lines: one of them is the client's", []string{"192.0.2.66", "203.0.113.9"}, "", "198.51.100.1"},
		{"two lines that are the same", []string{"203.0.113.9", "203.0.113.9"}, "", "198.51.100.1"},
		{"a list", []string{"192.0.2.66, 203.0.113.9"}, "", "198.51.100.1"},
		{"a comma", []string{"203.0.113.9,"}, "", "198.51.100.1"},
		{"a port, as CloudFront-Viewer-Address has one, after IPv6 without brackets", []string{"203.0.113.9:80"}, "", "198.51.100.1"},
		{"brackets", []string{"[2001:db8::9]:80"}, "", "198.51.100.1"},
		{"garbage", []string{"garbage"}, "", "198.51.100.1"},
		{"64 KiB", []string{strings.Repeat(" ", 64<<10) + "203.0.113.9"}, "", "198.51.100.1"},
		{"a proxy: one behind it has overwritten the header", []string{"198.51.100.2"}, "", "198.51.100.1"},
		{"a proxy, mapped", []string{"::ffff:198.51.100.2"}, "", "198.51.100.1"},
		{"private", []string{"10.0.0.1"}, "", "10.0.0.1"},
		{"of a network of clients", []string{"10.8.0.7"}, "10.8.0.7", "10.8.0.7"},
	} {
		rules := clientaddr.Rules{Proxies: networks(t, "198.51.100.0/24"), Clients: networks(t, "10.8.0.0/16"), Single: true}
		want := clientaddr.Origin{Client: address(tt.client), Peer: address(tt.peer)}
		if got := rules.Find("198.51.100.1:443", tt.fields); got != want {
			t.Errorf("%s: %.100q: %v, want %v", tt.name, tt.fields, got, want)
		}
	}
}

func TestNetworks(t *testing.T) {
	for _, tt := range []struct{ in, want, refused string }{
		{"10.1.2.3/8", "10.0.0.0/8", ""},
		{"2001:db8::1/32", "2001:db8::/32", ""},
		{"::ffff:10.1.2.3/104", "10.0.0.0/8", ""},
		{"64:ff9b::198.51.100.0/120", "198.51.100.0/24", ""},
		{"0.0.0.0/1", "0.0.0.0/1", ""},
		{"0.0.0.0/0", "", "has 0.0.0.0/0, which is everybody"},
		{"::/0", "", "has ::/0, which is everybody"},
		{"::ffff:0.0.0.0/96", "", "has ::ffff:0.0.0.0/96, which is everybody"},
		{"64:ff9b::/96", "", "has 64:ff9b::/96, which is everybody"},
		{"::ffff:0.0.0.0/90", "", "has ::ffff:0.0.0.0/90, which is more than IPv4: write it as IPv4"},
		{"::/1", "", "has ::/1, which is more than IPv4: write it as IPv4"},
		{"::/32", "", "has ::/32, which is more than IPv4: write it as IPv4"},
		{"::fffe:0:0/95", "", "has ::fffe:0:0/95, which is more than IPv4: write it as IPv4"},
		{"64:ff9b::/64", "", "has 64:ff9b::/64, which is more than IPv4: write it as IPv4"},
		{"", "", "has a prefix that is not valid"},
	} {
		var p netip.Prefix
		if tt.in != "" {
			p = netip.MustParsePrefix(tt.in)
		}
		got, err := clientaddr.Networks([]netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), p})
		switch {
		case tt.refused != "":
			if err == nil || err.Error() != tt.refused || got != nil {
				t.Errorf("%s: %v and %v, want %q", tt.in, got, err, tt.refused)
			}
		case err != nil || len(got) != 2 || got[1].String() != tt.want:
			t.Errorf("%s: %v and %v, want %s", tt.in, got, err, tt.want)
		}
	}
}

// However long a list is, it is looked at from the right, and copied nowhere.
func TestListsAreBounded(t *testing.T) {
	rules := clientaddr.Rules{Proxies: networks(t, "198.51.100.0/24 10.0.0.0/8")}
	for _, text := range []string{"192.0.2.66, ", "10.0.0.1,", "10.0.0.1", ",", "[", "::%", " "} {
		for _, end := range []string{"", ", 203.0.113.9", ", 203.0.113.9, 198.51.100.2"} {
			fields := []string{strings.Repeat(text, 64<<10/len(text)) + end}
			if n := testing.AllocsPerRun(10, func() { rules.Find("198.51.100.1:443", fields) }); n > 2 {
				t.Errorf("%q … %q: %v allocations", text, end, n)
			}
		}
	}
}

func FuzzFind(f *testing.F) {
	for _, text := range []string{"", "192.0.2.66", "198.51.100.9, 10.0.0.1", "::ffff:127.0.0.1", "fe80::1%eth0", "[2001:db8::1]:80", ",,", "64:ff9b::1"} {
		f.Add("203.0.113.9:1", text, text)
		f.Add(text, text, "198.51.100.1")
	}
	f.Fuzz(func(t *testing.T, remote, one, two string) {
		proxies, clients := networks(t, "198.51.100.0/24 10.0.0.0/16 2001:db8:1::/48"), networks(t, "10.0.0.0/8 fe80::/10")
		in := func(list []netip.Prefix, a netip.Addr) bool {
			for _, p := range list {
				if p.Contains(a) {
					return true
				}
			}
			return false
		}
		for _, single := range []bool{false, true} {
			rules := clientaddr.Rules{Proxies: proxies, Clients: clients, Single: single}
			for _, fields := range [][]string{nil, {one}, {one, two}} {
				alone := rules.Find(remote, nil)
				got := rules.Find(remote, fields)
				if !in(proxies, alone.Peer) && got != alone {
					t.Errorf("%q is no proxy, and its header %q made %v of %v", remote, fields, got, alone)
				}
				for _, a := range []netip.Addr{got.Client, got.Peer} {
					if a.Is4In6() || a.Zone() != "" || netip.MustParsePrefix("64:ff9b::/96").Contains(a) {
						t.Errorf("%q, %q: %v is not plain", remote, fields, a)
					}
				}
				if c := got.Client; c.IsValid() {
					if in(proxies, c) || c != got.Peer {
						t.Errorf("%q, %q: %v is a proxy, or not where the search ended", remote, fields, got)
					}
					if !in(clients, c) && (!c.IsGlobalUnicast() || c.IsPrivate()) {
						t.Errorf("%q, %q: %v is no client", remote, fields, c)
					}
				}
				if single {
					continue
				}
				// Whatever a client sends: a proxy that adds its address names that.
				want := netip.MustParseAddr("203.0.113.9")
				added := [][]string{append(fields[:len(fields):len(fields)], want.String())}
				if len(fields) > 0 {
					joined := append([]string(nil), fields...)
					joined[len(joined)-1] += ", " + want.String()
					added = append(added, joined)
				}
				for _, fields := range added {
					if got := rules.Find("198.51.100.1:1", fields); got.Client != want {
						t.Errorf("%q: %v, want %v", fields, got, want)
					}
				}
			}
		}
	})
}

func BenchmarkFind(b *testing.B) {
	rules := clientaddr.Rules{Proxies: networks(b, "198.51.100.0/24 2001:db8:1::/48")}
	for _, bb := range []struct {
		name, remote string
		fields       []string
	}{
		{"peer", "203.0.113.9:1234", nil},
		{"one proxy", "198.51.100.1:1234", []string{"203.0.113.9"}},
		{"three proxies", "198.51.100.1:1234", []string{"203.0.113.9, 198.51.100.3, 198.51.100.2"}},
		{"64 KiB", "198.51.100.1:1234", []string{strings.Repeat("192.0.2.66, ", 64<<10/12) + "203.0.113.9"}},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !rules.Find(bb.remote, bb.fields).Client.IsValid() {
					b.Fatal("no address")
				}
			}
		})
	}
}
