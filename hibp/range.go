package hibp

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/seed89488a0c/auth"
)

// A response has some 2,000 rows of 40 bytes, padding included.
const maxBody = 1 << 20

// Config is what [New] needs; its zero value asks the public service.
type Config struct {
	// URL is where the service is; "/range/" and five digits are appended. It
	// is https, or http of a loopback address such as a mirror's beside the
	// service. "" = "https://api.pwnedpasswords.com".
	URL string

	// Client sends the requests, but neither follows redirects nor keeps
	// cookies, which would tie requests together. nil = one of its own, by the
	// proxy of the environment.
	Client *http.Client

	// Timeout is how long one check may take, connecting included; a context
	// may end it sooner. 0 = 2 seconds: the service answers from a cache near
	// by in tens of milliseconds, so that there is room for a new connection
	// and one lost packet, and a person who waits at a form hardly notices.
	Timeout time.Duration

	// MinCount is how often a password must have been seen in breaches to count
	// as breached. 0 = 1.
	MinCount int

	// InsecureFailOpen lets every password pass while the service gives no
	// answer, and nobody is told. By default that is an error.
	InsecureFailOpen bool

	// UserAgent names the application; the service refuses requests without
	// one. It is printable ASCII. "" = the name of this library.
	UserAgent string
}

// Checker asks the service. It is safe for concurrent use.
type Checker struct {
	base     url.URL
	client   http.Client
	timeout  time.Duration
	min      uint64
	failOpen bool
	agent    string
}

// New returns a Checker, or an error if the configuration is none that can
// work. It sends nothing.
func New(c Config) (*Checker, error) {
	c.URL = cmp.Or(c.URL, "https://api.pwnedpasswords.com")
	c.Timeout = cmp.Or(c.Timeout, 2*time.Second)
	c.MinCount = cmp.Or(c.MinCount, 1)
	c.UserAgent = cmp.Or(c.UserAgent, "auth-hibp (+https://github.com/seed89488a0c/auth)")
	if c.Client == nil {
		// A Transport goes on connecting when the check that wanted it has
		// given up: hence time-outs of its own.
		c.Client = &http.Client{Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            (&net.Dialer{Timeout: c.Timeout}).DialContext,
			TLSHandshakeTimeout:    c.Timeout,
			ForceAttemptHTTP2:      true,
			IdleConnTimeout:        90 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
		}}
	}
	base, err := url.Parse(c.URL + "/") // an empty path stays relative in JoinPath
	switch {
	case err != nil || base.Hostname() == "" || strings.ContainsAny(c.URL, "@?#"):
		return nil, errors.New("hibp: Config: URL is none of a server and a path")
	case base.Scheme != "https" && (base.Scheme != "http" || !isLoopback(base.Hostname())):
		return nil, errors.New("hibp: Config: URL is neither https nor http of a loopback address")
	case c.Timeout < 0:
		return nil, errors.New("hibp: Config: Timeout is negative")
	case c.MinCount < 0:
		return nil, errors.New("hibp: Config: MinCount is negative")
	case strings.Trim(c.UserAgent, " ") == "" || strings.ContainsFunc(c.UserAgent, func(r rune) bool { return r < ' ' || r > '~' }):
		return nil, errors.New("hibp: Config: UserAgent is not printable ASCII")
	}
	client := *c.Client
	client.Jar = nil
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Checker{*base, client, c.Timeout, uint64(c.MinCount), c.InsecureFailOpen, c.UserAgent}, nil
}

func isLoopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

// Breached reports whether p is known from breaches. It sends one request, with
// five hexadecimal digits of p's hash, and never a second one. Whatever goes wrong,
// a status such as 429 and a response that is not of the format included, is an
// *[Error], or false under InsecureFailOpen; the end of ctx is always an error.
func (c *Checker) Breached(ctx context.Context, p auth.Password) (bool, error) {
	breached, code := c.ask(ctx, hash(p))
	switch {
	case code == "":
		return breached, nil
	case c.failOpen && ctx.Err() == nil:
		return false, nil
	}
	return false, failure(ctx, "range", code)
}

// ask returns the code of an [Error], or "" and the answer.
func (c *Checker) ask(ctx context.Context, hash string) (breached bool, code string) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	request := http.Request{
		Method: http.MethodGet,
		URL:    c.base.JoinPath("range", hash[:prefixDigits]),
		Header: http.Header{"Add-Padding": {"true"}, "User-Agent": {c.agent}},
	}
	response, err := c.client.Do(request.WithContext(ctx))
	if err != nil {
		return false, transportCode(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return false, "http " + strconv.Itoa(response.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	if err != nil {
		return false, transportCode(err)
	}
	if len(body) > maxBody {
		return false, "malformed"
	}
	breached, ok := search(string(body), hash[prefixDigits:], c.min)
	if !ok {
		return false, "malformed"
	}
	return breached, ""
}

func transportCode(err error) string {
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		return "timeout"
	}
	return "connection"
}

// search reports whether body, a response of the service, has a row of suffix
// with at least that count, and whether all of body is of the format: rows
// "SUFFIX:COUNT" by CRLF or LF, in any order, at least one, as the service has
// passwords in every range. Rows of padding count 0, and so less than any min.
func search(body, suffix string, min uint64) (found, ok bool) {
	for line := range strings.Lines(body) {
		hex, count, ok := parseRow(line, len(suffix))
		if !ok {
			return false, false
		}
		if hex == suffix && count >= min {
			found = true
		}
	}
	return found, body != ""
}
