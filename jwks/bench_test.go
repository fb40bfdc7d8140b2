package jwks_test

import (
	"testing"

	"github.com/seed89488a0c/auth/jwks"
)

// BenchmarkVerify is what a request costs, with a token that was seen before and
// with one that was not, for one issuer and for two.
func BenchmarkVerify(b *testing.B) {
	for _, s := range []signer{rs(b, "rs"), es(b, "es"), ed(b, "ed")} {
		o := &origin{body: jwkSet(b, s)}
		other := (&origin{}).config()
		other.Issuer = "https://other.example"
		text := s.token(b)
		for name, more := range map[string][]jwks.Config{"one": nil, "two": {other}} {
			for kind, size := range map[string]int{"repeated": 0, "fresh": -1} {
				b.Run(s.method.Alg()+"/"+kind+"/"+name, func(b *testing.B) {
					c := o.config()
					c.Cache = size
					v := newVerifier(b, c, more...)
					accepted(b, v, text)
					b.ReportAllocs()
					for b.Loop() {
						if _, err := v.Verify(b.Context(), text); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		}
	}
}
