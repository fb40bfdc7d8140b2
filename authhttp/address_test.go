package authhttp_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authhttp"
)

// prefixes reads prefixes that are separated by spaces.
func prefixes(text string) []netip.Prefix {
	var list []netip.Prefix
	for _, word := range strings.Fields(text) {
		list = append(list, netip.MustParsePrefix(word))
	}
	return list
}

// request is one from remote, with header fields as net/http reads them.
func request(remote string, fields ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr = remote
	for i := 0; i < len(fields); i += 2 {
		r.Header.Add(fields[i], fields[i+1])
	}
	return r
}

// found returns the address that handlers behind the middleware find, "" for none.
func found(t testing.TB, c authhttp.AddressConfig, r *http.Request) string {
	t.Helper()
	var got auth.Client
	remote := r.RemoteAddr
	h := authhttp.ClientAddress(c)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if got = authhttp.ClientOf(r); r.RemoteAddr != remote {
			t.Errorf("RemoteAddr is %q, was %q", r.RemoteAddr, remote)
		}
	}))
	h.ServeHTTP(httptest.NewRecorder(), r)
	if !got.Address.IsValid() {
		return ""
	}
	return got.Address.String()
}

// ASVS 5.0 4.1.3, 15.3.4
func TestClientAddress(t *testing.T) {
	direct := authhttp.AddressConfig{}
	list := authhttp.AddressConfig{TrustedProxies: prefixes("10.0.0.0/24")}
	named := authhttp.AddressConfig{TrustedProxies: prefixes("10.0.0.0/24"), Header: "x-real-ip"}
	office := authhttp.AddressConfig{TrustedProxies: prefixes("10.0.0.0/24"), ClientNetworks: prefixes("10.0.0.0/8")}
	for _, tt := range []struct {
		name   string
		config authhttp.AddressConfig
		r      *http.Request
		want   string
	}{
		{"a client that connects itself", direct, request("203.0.113.9:1"), "203.0.113.9"},
		{"and writes headers", direct, request("203.0.113.9:1", "X-Forwarded-For", "192.0.2.66", "X-Real-IP", "192.0.2.66",
			"True-Client-IP", "192.0.2.66", "Forwarded", "for=192.0.2.66"), "203.0.113.9"},
		{"a proxy that is not configured", direct, request("10.0.0.1:1", "X-Forwarded-For", "203.0.113.9"), ""},
		{"a proxy that is", list, request("10.0.0.1:1", "X-Forwarded-For", "203.0.113.9"), "203.0.113.9"},
		{"whatever the case of the name", list, request("10.0.0.1:1", "x-FORWARDED-for", "203.0.113.9"), "203.0.113.9"},
		{"the client writes the list's beginning", list, request("10.0.0.1:1", "X-Forwarded-For", "192.0.2.66, 203.0.113.9"), "203.0.113.9"},
		{"in a line of its own", list, request("10.0.0.1:1", "X-Forwarded-For", "192.0.2.66", "X-Forwarded-For", "203.0.113.9"), "203.0.113.9"},
		{"no other header is read", list, request("10.0.0.1:1", "True-Client-IP", "192.0.2.66", "X-Real-IP", "192.0.2.66",
			"CF-Connecting-IP", "192.0.2.66", "Forwarded", "for=192.0.2.66", "X-Forwarded", "192.0.2.66", "X_Forwarded_For", "192.0.2.66"), ""},
		{"a client beside the proxy", list, request("203.0.113.9:1", "X-Forwarded-For", "192.0.2.66"), "203.0.113.9"},
		{"a named header", named, request("10.0.0.1:1", "X-Real-IP", "203.0.113.9", "X-Forwarded-For", "192.0.2.66"), "203.0.113.9"},
		{"twice: the proxy adds and does not overwrite", named, request("10.0.0.1:1", "X-Real-IP", "192.0.2.66", "X-Real-IP", "203.0.113.9"), ""},
		{"with a list", named, request("10.0.0.1:1", "X-Real-IP", "192.0.2.66, 203.0.113.9"), ""},
		{"missing, beside X-Forwarded-For", named, request("10.0.0.1:1", "X-Forwarded-For", "192.0.2.66"), ""},
		{"the named list is the list", authhttp.AddressConfig{TrustedProxies: list.TrustedProxies, Header: "x-forwarded-for"},
			request("10.0.0.1:1", "X-Forwarded-For", "192.0.2.66, 203.0.113.9:80"), "203.0.113.9"},
		{"a client of a private network", office, request("10.1.2.3:1", "X-Forwarded-For", "192.0.2.66"), "10.1.2.3"},
		{"behind the proxy", office, request("10.0.0.1:1", "X-Forwarded-For", "192.0.2.66, 10.1.2.3"), "10.1.2.3"},
		{"of another private network", office, request("172.16.0.1:1"), ""},
		{"a Unix socket", office, request("@", "X-Forwarded-For", "203.0.113.9"), ""},
	} {
		if got := found(t, tt.config, tt.r); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// The configuration is the caller's to change afterwards.
func TestClientAddressKeepsItsConfig(t *testing.T) {
	list := prefixes("10.0.0.0/24")
	outer := authhttp.ClientAddress(authhttp.AddressConfig{TrustedProxies: list})
	list[0] = netip.MustParsePrefix("192.0.2.0/24")
	var got auth.Client
	inner := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = authhttp.ClientOf(r) })
	outer(inner).ServeHTTP(httptest.NewRecorder(), request("10.0.0.1:1", "X-Forwarded-For", "203.0.113.9", "User-Agent", "agent"))
	if want := (auth.Client{Address: netip.MustParseAddr("203.0.113.9"), UserAgent: "agent"}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	// Of two, the inner one decides.
	outer(authhttp.ClientAddress(authhttp.AddressConfig{})(inner)).ServeHTTP(httptest.NewRecorder(), request("10.0.0.1:1", "X-Forwarded-For", "203.0.113.9"))
	if got.Address.IsValid() {
		t.Errorf("got %v, want none", got.Address)
	}
}

// Without the middleware.
func TestClientOf(t *testing.T) {
	for remote, want := range map[string]netip.Addr{
		"203.0.113.9:1":          netip.MustParseAddr("203.0.113.9"),
		"[2001:db8::9%eth0]:1":   netip.MustParseAddr("2001:db8::9"),
		"[::ffff:203.0.113.9]:1": netip.MustParseAddr("203.0.113.9"),
		"10.0.0.1:1":             {},
		"[::1]:1":                {},
		"":                       {},
	} {
		got := authhttp.ClientOf(request(remote, "User-Agent", "agent", "X-Forwarded-For", "192.0.2.66"))
		if got != (auth.Client{Address: want, UserAgent: "agent"}) {
			t.Errorf("%s: %v, want %v", remote, got, want)
		}
	}
}

func TestClientAddressPanics(t *testing.T) {
	for words, c := range map[string]authhttp.AddressConfig{
		"authhttp: ClientAddress: TrustedProxies has 0.0.0.0/0, which is everybody":    {TrustedProxies: prefixes("10.0.0.0/8 0.0.0.0/0")},
		"authhttp: ClientAddress: ClientNetworks has ::/0, which is everybody":         {ClientNetworks: prefixes("::/0")},
		"ClientNetworks has ::ffff:0.0.0.0/96, which is everybody":                     {ClientNetworks: prefixes("::ffff:0.0.0.0/96")},
		"TrustedProxies has a prefix that is not valid":                                {TrustedProxies: make([]netip.Prefix, 1)},
		"ClientNetworks has a prefix that is not valid":                                {ClientNetworks: make([]netip.Prefix, 1)},
		"TrustedProxies has ::ffff:0.0.0.0/80, which is more than IPv4":                {TrustedProxies: prefixes("::ffff:0.0.0.0/80")},
		"authhttp: ClientAddress: the Header is not the name of one":                   {Header: "X-Real IP"},
		"the Header is not the name":                                                   {Header: "X-Real-IP:"},
		"authhttp: ClientAddress: the Header Forwarded is not supported: have the pro": {Header: "forwarded"},
	} {
		wantPanic(t, words, words, func() { authhttp.ClientAddress(c) })
	}
	wantPanic(t, "nil", "the handler is nil", func() { authhttp.ClientAddress(authhttp.AddressConfig{})(nil) })
}

// recorded collects the events of one kind.
type recorded struct {
	mu   sync.Mutex
	list []auth.Event
}

func (l *recorded) record(_ context.Context, e auth.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e.Kind == "address_unconfigured" {
		l.list = append(l.list, e)
	}
}

func (l *recorded) take() []auth.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := l.list
	l.list = nil
	return list
}

// Each handler tells of a peer that is not configured, with the middleware and without,
// once, and then no other does.
func TestAddressUnconfigured(t *testing.T) {
	for _, tt := range []struct{ method, path, body, op string }{
		{"POST", "/register", `{"email":"bob@example.com","password":"` + canaryPassword + `"}`, "register"},
		{"POST", "/login", `{"email":"ann@example.com","password":"` + canaryPassword + `"}`, "login"},
		{"POST", "/login", `{"email":"ann@example.com","password":"wrong"}`, "login"},
		{"POST", "/refresh", `{"refresh_token":"wrong"}`, "refresh"},
		{"POST", "/logout-all", `{}`, "check_identity"},
		{"POST", "/logout-others", `{"password":"wrong"}`, "check_identity"},
		{"GET", "/sessions", "", "check_identity"},
		{"POST", "/password", `{"current":"wrong","new":"` + canaryPassword + `"}`, "check_identity"},
		{"POST", "/reauthenticate", `{"password":"wrong"}`, "check_identity"},
	} {
		for _, mounted := range []bool{false, true} {
			store, events := auth.NewMemoryStore(), &recorded{}
			a := newAuthenticator(t, store, auth.Options{Sessions: auth.SessionConfig{Store: store}, Events: events.record})
			h := sessionHandler(a)
			if mounted {
				h = authhttp.ClientAddress(authhttp.AddressConfig{TrustedProxies: prefixes("192.0.2.0/24")})(h)
			}
			token := register(t, a).Tokens.Access
			ask := func(remote string) {
				r := post(t, tt.path, tt.body)
				r.Method, r.RemoteAddr = tt.method, remote
				r.Header.Set("Authorization", "Bearer "+token)
				r.Header.Set("User-Agent", "agent")
				h.ServeHTTP(httptest.NewRecorder(), r)
			}
			ask("203.0.113.9:1")
			if got := events.take(); len(got) != 0 {
				t.Errorf("%s, mounted %t: a public peer raised %v", tt.path, mounted, got)
			}
			for i, peer := range []string{"10.0.0.1", "10.0.0.2"} {
				ask(peer + ":1")
				got := events.take()
				if len(got) != 1-i || i == 0 && (got[0].Op != tt.op || got[0].Client != auth.Client{Address: netip.MustParseAddr(peer)} || got[0].At.IsZero()) {
					t.Errorf("%s, mounted %t, %s: %d events %+v", tt.path, mounted, peer, len(got), got)
				}
			}
		}
	}
}

// However many ask at once, and of whatever copy of the Authenticator. A request whose
// address is known raises none, and a proxy that names nobody does.
func TestAddressUnconfiguredIsToldOnce(t *testing.T) {
	for _, tt := range []struct {
		name   string
		r      *http.Request
		events int
		peer   string
	}{
		{"a client", request("203.0.113.9:1"), 0, ""},
		{"behind the proxy", request("192.0.2.1:1", "X-Forwarded-For", "203.0.113.9"), 0, ""},
		{"a proxy that is not configured", request("10.0.0.1:1"), 1, "10.0.0.1"},
		{"behind the one that is", request("192.0.2.1:1", "X-Forwarded-For", "203.0.113.9, 100.64.0.1"), 1, "100.64.0.1"},
		{"a proxy that sends no header", request("192.0.2.1:1", "X-Real-IP", "203.0.113.9"), 1, "192.0.2.1"},
		{"a Unix socket", request("@"), 1, ""},
	} {
		var events recorded
		a := newAuthenticator(t, auth.NewMemoryStore(), auth.Options{Events: events.record})
		copied := a.WithStore(auth.NewMemoryStore())
		h := authhttp.ClientAddress(authhttp.AddressConfig{TrustedProxies: prefixes("192.0.2.0/24")})(
			http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				for _, a := range []*auth.Authenticator{a, copied} {
					if _, err := a.Verify(r.Context(), "no token"); err == nil {
						t.Error("verified")
					}
				}
			}))
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() { h.ServeHTTP(httptest.NewRecorder(), tt.r.Clone(t.Context())) })
		}
		wg.Wait()
		got := events.take()
		if len(got) != tt.events {
			t.Errorf("%s: %d events, want %d", tt.name, len(got), tt.events)
		}
		for _, e := range got {
			want := netip.Addr{}
			if tt.peer != "" {
				want = netip.MustParseAddr(tt.peer)
			}
			if e.Client.Address != want || e.Op != "verify" || e.Code != "" || e.Err != nil {
				t.Errorf("%s: %+v, want %v", tt.name, e, want)
			}
		}
	}
}

// Through a real server, which is how net/http joins, trims and orders lines.
func TestClientAddressOverTheNetwork(t *testing.T) {
	seen := make(chan auth.Client, 1)
	s := newServer(t, authhttp.ClientAddress(authhttp.AddressConfig{TrustedProxies: prefixes("127.0.0.0/8 ::1/128")})(
		http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen <- authhttp.ClientOf(r) })))
	spoofed := strings.Repeat("192.0.2.66, ", 64<<10/12)
	for name, lines := range map[string][]string{
		"one line":           {"203.0.113.9"},
		"64 KiB in front":    {spoofed + "203.0.113.9"},
		"64 KiB in a line":   {spoofed, "203.0.113.9"},
		"two lines in front": {"127.0.0.1", "10.0.0.1", "  203.0.113.9  "},
	} {
		r := get(t, s.URL)
		r.Header["x-forwarded-for"] = lines
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 200 {
			t.Fatalf("%s: status %d", name, resp.StatusCode)
		}
		if got := <-seen; got.Address != netip.MustParseAddr("203.0.113.9") {
			t.Errorf("%s: %v", name, got.Address)
		}
	}
}

// peerInContext is the least that middleware with this task can do.
func peerInContext(next http.Handler) http.Handler {
	type key struct{}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		peer, err := netip.ParseAddrPort(r.RemoteAddr)
		if err != nil {
			panic(err)
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), key{}, peer.Addr())))
	})
}

// What the middleware takes of a request, beside one that puts the peer's address into
// the context and knows no proxies: medians of interleaved batches. Run it with -benchtime
// 300x or more.
func BenchmarkClientAddress(b *testing.B) {
	const batch = 1000
	nothing := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	baseline := peerInContext(nothing)
	ours := authhttp.ClientAddress(authhttp.AddressConfig{TrustedProxies: prefixes("10.0.0.0/24 2001:db8:1::/48")})(nothing)
	for _, bb := range []struct {
		name string
		r    *http.Request
	}{
		{"peer", request("203.0.113.9:1234")},
		{"one proxy", request("10.0.0.1:1234", "X-Forwarded-For", "203.0.113.9")},
		{"three proxies", request("10.0.0.1:1234", "X-Forwarded-For", "203.0.113.9, 10.0.0.3, 10.0.0.2")},
		{"64 KiB", request("10.0.0.1:1234", "X-Forwarded-For", strings.Repeat("192.0.2.66, ", 64<<10/12)+"203.0.113.9")},
	} {
		b.Run(bb.name, func(b *testing.B) {
			w := httptest.NewRecorder()
			var times [2][]time.Duration
			for range b.N {
				for i, h := range []http.Handler{baseline, ours} {
					start := time.Now()
					for range batch {
						h.ServeHTTP(w, bb.r)
					}
					times[i] = append(times[i], time.Since(start))
				}
			}
			median := func(i int) float64 {
				slices.Sort(times[i])
				return float64(times[i][b.N/2].Nanoseconds()) / batch
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(median(0), "baseline-ns")
			b.ReportMetric(median(1), "ours-ns")
			b.ReportMetric(median(1)/median(0), "ratio")
			b.ReportMetric(testing.AllocsPerRun(100, func() { baseline.ServeHTTP(w, bb.r) }), "baseline-allocs")
			b.ReportMetric(testing.AllocsPerRun(100, func() { ours.ServeHTTP(w, bb.r) }), "ours-allocs")
		})
	}
}
