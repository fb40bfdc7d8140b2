package authhttp_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"

	"github.com/seed89488a0c/auth/authhttp"
)

// Behind a load balancer in 10.0.0.0/24. What a client writes into the header does not
// count: the balancer adds the client's address after it.
func ExampleClientAddress() {
	located := authhttp.ClientAddress(authhttp.AddressConfig{
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24")},
	})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /whoami", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "from", authhttp.ClientOf(r).Address)
	})

	r := httptest.NewRequest("GET", "/whoami", nil)
	r.RemoteAddr = "10.0.0.7:41234"
	r.Header.Set("X-Forwarded-For", "127.0.0.1, 203.0.113.9")
	w := httptest.NewRecorder()
	located(mux).ServeHTTP(w, r)
	fmt.Print(w.Body)
	// Output: from 203.0.113.9
}
