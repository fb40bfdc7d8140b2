package flaskjwt_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/authhttp"
	"github.com/seed89488a0c/auth/flaskjwt"
)

// TestFromHeader: a token is read where the fleet's clients send it, and nowhere else.
func TestFromHeader(t *testing.T) {
	v, err := flaskjwt.NewVerifier(flaskjwt.Config{Secret: []byte(secret)})
	if err != nil {
		t.Fatal(err)
	}
	token := sign(secret, written, claims(nil))
	for _, tt := range []struct {
		name, scheme string
		header       http.Header
		status       int
	}{
		{"Authorization", "JWT", http.Header{"Authorization": {"JWT " + token}}, 200},
		{"Authorization", "JWT", http.Header{"Authorization": {" jwt   " + token + " "}}, 200},
		{"Authorization", "JWT", http.Header{"Authorization": {"Bearer " + token}}, 401},
		{"Authorization", "JWT", http.Header{"Authorization": {"JWT"}}, 401},
		{"Authorization", "JWT", http.Header{"Authorization": {"JWT " + token, "JWT " + token}}, 401},
		{"Authorization", "JWT", http.Header{"Authorization": {"JWT " + token + " " + token}}, 401},
		{"Authorization", "JWT", http.Header{"Authorization": {"JWT" + token}}, 401},
		{"Authorization", "JWT", nil, 401},
		{"Authorization", "", http.Header{"Authorization": {token}}, 200},
		{"Authorization", "", http.Header{"Authorization": {"Bearer " + token}}, 401},
		{"X-Access-Token", "Bearer", http.Header{"X-Access-Token": {"Bearer " + token}}, 200},
		{"x-access-token", "Bearer", http.Header{"X-Access-Token": {"Bearer " + token}, "Authorization": {"Bearer x"}}, 200},
		{"X-Access-Token", "Bearer", http.Header{"Authorization": {"Bearer " + token}}, 401},
		{"X-Access-Token", "", http.Header{"X-Access-Token": {token}}, 200},
		{"X-Access-Token", "", http.Header{"X-Access-Token": {token, token}}, 401},
		{"X-Access-Token", "", http.Header{"X-Access-Token": {token + ", " + token}}, 401},
		{"X-Access-Token", "", http.Header{"X-Access-Token": {""}, "Authorization": {"Bearer " + token}}, 401},
	} {
		handler := flaskjwt.FromHeader(tt.name, tt.scheme)(authhttp.Require(v)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if id, ok := auth.FromContext(r.Context()); !ok || id.UserID != "42" {
				t.Errorf("%v", id)
			}
		})))
		r := httptest.NewRequest("GET", "/", nil)
		before := tt.header.Clone()
		if tt.header != nil {
			r.Header = tt.header
		}
		w := httptest.NewRecorder()
		if handler.ServeHTTP(w, r); w.Code != tt.status {
			t.Errorf("%s %q of %v: %d, want %d", tt.name, tt.scheme, before, w.Code, tt.status)
		}
		for name, fields := range before {
			if !slices.Equal(r.Header[name], fields) {
				t.Errorf("the caller's request is changed: %s", name)
			}
		}
	}
	for _, bad := range [][2]string{{"", "JWT"}, {"X Token", "JWT"}, {"X-Token:", ""}, {"X-Token", "J WT"}, {"X-Token", "JWT "}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%q is taken", bad)
				}
			}()
			flaskjwt.FromHeader(bad[0], bad[1])
		}()
	}
}
