package jwks

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/seed89488a0c/auth/internal/token"
)

const (
	maxBody      = 256 << 10
	maxRedirects = 3
	maxETag      = 256 // bytes

	// codeEmpty is the one failure that says something about the keys.
	codeEmpty = "empty"
	codeNone  = "no_keys"
)

// origin is where an issuer's JWK Set is.
type origin struct {
	url    *url.URL
	client http.Client
}

// document is a JWK Set and what tells it apart from others; the zero document
// is none.
type document struct {
	set    *token.Set
	sum    [sha256.Size]byte
	etag   string
	passed []token.Passed // what is of no use in it; not kept
}

func newOrigin(c Config) (*origin, error) {
	u, err := url.Parse(c.URL)
	switch {
	case err != nil || u.Hostname() == "" || u.User != nil || strings.Contains(c.URL, "#"):
		return nil, errors.New("the URL is not absolute, or has a user or a fragment") // and may be a secret
	case u.Scheme != "https" && (u.Scheme != "http" || !c.InsecureHTTP && !isLoopback(u.Hostname())):
		return nil, errors.New("the URL is neither https nor http of a loopback address")
	}
	if c.Client == nil {
		// The next fetch is minutes away: no connection is kept until then. A
		// Transport goes on connecting when the call that wanted it has given
		// up: hence time-outs of its own.
		c.Client = &http.Client{Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            (&net.Dialer{Timeout: fetchTimeout}).DialContext,
			TLSHandshakeTimeout:    fetchTimeout,
			DisableKeepAlives:      true,
			MaxResponseHeaderBytes: 64 << 10,
		}}
	}
	o := &origin{u, *c.Client}
	o.client.Jar = nil
	o.client.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		if r.URL.Scheme != u.Scheme || r.URL.Host != u.Host || len(via) > maxRedirects {
			return http.ErrUseLastResponse
		}
		return nil
	}
	return o, nil
}

func isLoopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

// get returns the JWK Set, which is the known one if nothing has changed, and for
// how long it may be kept; or the code of a [FetchError]. Beside codeNone there is
// what has been passed over, and nothing else.
func (o *origin) get(ctx context.Context, known *document) (d document, maxAge time.Duration, code string) {
	defer func() {
		if recover() != nil { // of the Client's parts: nobody else could
			code = "connection"
		}
	}()
	r := (&http.Request{Method: http.MethodGet, URL: o.url, Header: http.Header{}}).WithContext(ctx)
	r.Header.Set("Accept", "application/jwk-set+json, application/json")
	if known.etag != "" {
		r.Header.Set("If-None-Match", known.etag)
	}
	response, err := o.client.Do(r)
	if err != nil {
		return document{}, 0, transportCode(err)
	}
	defer response.Body.Close()
	maxAge = freshness(response.Header)
	switch {
	case response.StatusCode == http.StatusNotModified && known.etag != "":
		return *known, maxAge, ""
	case response.StatusCode != http.StatusOK:
		return document{}, 0, "http " + strconv.Itoa(response.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	switch {
	case err != nil:
		return document{}, 0, transportCode(err)
	case len(body) > maxBody:
		return document{}, 0, "too_large"
	}
	d = document{known.set, sha256.Sum256(body), response.Header.Get("ETag"), nil}
	if len(d.etag) > maxETag { // too much for a request to the issuer, maybe
		d.etag = ""
	}
	if d.set != nil && d.sum == known.sum {
		return d, maxAge, "" // the same keys: tokens that were verified stay so
	}
	keys, passed, err := token.ParseSet(body)
	if err != nil {
		return document{}, 0, "malformed"
	}
	if d.set, d.passed = token.NewForeignSet(keys), passed; d.set != nil {
		return d, maxAge, ""
	}
	if isEmpty(body) {
		return document{}, 0, codeEmpty
	}
	return document{passed: passed}, 0, codeNone
}

// isEmpty reports whether a JWK Set has no keys, not even such that are of no use.
func isEmpty(set []byte) bool {
	var members map[string]json.RawMessage
	var keys []json.RawMessage
	return json.Unmarshal(set, &members) == nil && json.Unmarshal(members["keys"], &keys) == nil && len(keys) == 0
}

func transportCode(err error) string {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "certificate"
	}
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		return "timeout"
	}
	return "connection"
}

// freshness returns for how long a response may be kept (RFC 9111 §4.2): max-age
// less the time that caches on the way have kept it.
func freshness(h http.Header) time.Duration {
	for directive := range strings.SplitSeq(strings.Join(h.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		if !strings.EqualFold(name, "max-age") {
			continue
		}
		// Who says zero often has no opinion: it is what frameworks send by default.
		if maxAge := seconds(strings.Trim(value, `"`)); maxAge > 0 {
			return maxAge - seconds(h.Get("Age"))
		}
	}
	return defaultMaxAge
}

// seconds reads a number of seconds; 0 for what is none. More than maxMaxAge is
// no better than that.
func seconds(s string) time.Duration {
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil {
		return 0
	}
	return time.Duration(min(n, uint64(maxMaxAge/time.Second))) * time.Second
}
