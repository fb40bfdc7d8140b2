package authhttp

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/internal/bearer"
)

// defaultMaxAge is what the zero value of [auth.KeySet.MaxAge] stands for.
const defaultMaxAge = 5 * time.Minute

// JWKS returns a handler that publishes the public keys of source, such as an
// [auth.JWTIssuer], as a JWK Set (RFC 7517 §5), for package
// [github.com/seed89488a0c/auth/jwks] and every other verifier. Secrets, such as
// HMAC keys, are never in it: with no other key the set is empty, and nobody can
// verify.
//
// It answers GET and HEAD. Whoever asks may keep the answer for
// [auth.KeySet.MaxAge], and is told by 304 that it is as it was (If-None-Match
// with the ETag). Where source fails the answer is 503, and nobody may keep that.
// The answer is made once for each set that source returns, told apart by its
// pointer.
func JWKS(source auth.KeySource) http.Handler {
	var latest atomic.Pointer[document]
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := checkMethod(r, http.MethodGet, http.MethodHead); err != nil {
			WriteError(w, r, err)
			return
		}
		set, err := source.Keys(r.Context())
		if err != nil || set == nil {
			WriteError(w, r, auth.ErrUnavailable)
			return
		}
		d := latest.Load()
		if d == nil || d.from != set {
			if d, err = newDocument(set); err != nil {
				WriteError(w, r, err)
				return
			}
			latest.Store(d)
		}
		h := w.Header()
		h.Set("Content-Type", "application/jwk-set+json")
		h.Set("Cache-Control", d.cacheControl)
		bearer.NoSniff(w)
		h.Set("ETag", d.etag)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(d.body))
	})
}

// document is a set of keys as it is published.
type document struct {
	from         *auth.KeySet
	body         []byte
	etag         string
	cacheControl string
}

func newDocument(set *auth.KeySet) (*document, error) {
	body, err := json.Marshal(set)
	if err != nil {
		return nil, err
	}
	maxAge := set.MaxAge
	if maxAge == 0 {
		maxAge = defaultMaxAge
	}
	sum := sha256.Sum256(body)
	return &document{
		from:         set,
		body:         body,
		etag:         `"` + base64.RawURLEncoding.EncodeToString(sum[:]) + `"`,
		cacheControl: fmt.Sprintf("public, max-age=%d", max(0, maxAge)/time.Second),
	}, nil
}
