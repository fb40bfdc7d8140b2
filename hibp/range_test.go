package hibp_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed89488a0c/auth"
	"github.com/seed89488a0c/auth/hibp"
)

// Known answers, of sha1sum; that of "password" is also on haveibeenpwned.com.
var knownHashes = map[string]string{
	"":            "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709",
	"password":    "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8",
	"P@ssw0rd":    "21BD12DC183F740EE76F27B78EB39C8AD972A757",
	"contraseña":  "8C31B65BDECDC9F18B695D7318186FD1FEED690D",
	"пароль\x00x": "597E5F71136EC9B67C69495482D560DAD02C106E",
}

const (
	password = "password"
	prefix   = "5BAA6"
	suffix   = "1E4C9B93F3F0682250B6CF8331B7EE68FD8"
)

// rows is what the service answers, with one row of suffix and this count.
func rows(count string) string {
	return strings.Join([]string{
		"003D68EB55068C33ACE09247EE4C639306B:29",
		"00DF3C6F5E4D5C5A6C7C8B1E4E7F1D2C3B4:0", // padding
		suffix + ":" + count,
		"1E4DE5D8F1C0F4B1C5C3A8E7F9D0B2A4C6E:18446744073709551615",
		"FFF983A91443AE72BD98E59ADAB93B31974:0",
	}, "\r\n")
}

// serve returns a Checker of c that asks a server which answers with h.
func serve(t *testing.T, c hibp.Config, h http.HandlerFunc) *hibp.Checker {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	if c.Client == nil {
		c.Client = server.Client()
	}
	c.URL = server.URL + c.URL
	return newChecker(t, c)
}

func newChecker(t *testing.T, c hibp.Config) *hibp.Checker {
	t.Helper()
	checker, err := hibp.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return checker
}

func answer(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, body) }
}

// wantError holds err against the promises of *hibp.Error.
func wantError(t *testing.T, breached bool, err error, op, code string, context error) {
	t.Helper()
	var e *hibp.Error
	if breached || !errors.As(err, &e) || *e != (hibp.Error{Op: op, Code: code, Context: context}) {
		t.Errorf("got %v, %#v, want code %s and %v", breached, err, code, context)
		return
	}
	if !errors.Is(err, auth.ErrUnavailable) || context != nil && !errors.Is(err, context) {
		t.Errorf("%v does not match what it should", err)
	}
	if err.Error() != "hibp: "+op+": "+code {
		t.Errorf("got %q", err)
	}
}

func TestHash(t *testing.T) {
	for text, want := range knownHashes {
		if got := hibp.Hash(auth.NewPassword(text)); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

// What leaves the process, byte for byte.
// ASVS 5.0 14.2.3
func TestRequest(t *testing.T) {
	var raw []string
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		var got []byte
		for buf := make([]byte, 4096); !bytes.HasSuffix(got, []byte("\r\n\r\n")); {
			n, err := conn.Read(buf)
			if err != nil {
				break
			}
			got = append(got, buf[:n]...)
		}
		raw = strings.Split(string(got), "\r\n")
		fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(rows("3")), rows("3"))
	}()
	breached, err := newChecker(t, hibp.Config{URL: "http://" + listener.Addr().String()}).Breached(t.Context(), auth.NewPassword(password))
	<-done
	if !breached || err != nil {
		t.Errorf("got %v, %v", breached, err)
	}
	want := []string{
		"GET /range/" + prefix + " HTTP/1.1", "Host: " + listener.Addr().String(),
		"User-Agent: auth-hibp (+https://github.com/seed89488a0c/auth)", "Add-Padding: true", "Accept-Encoding: gzip", "", "",
	}
	if strings.Join(raw, "\n") != strings.Join(want, "\n") {
		t.Errorf("sent %q\nwant %q", raw, want)
	}
}

func TestRequestConfigured(t *testing.T) {
	fiveDigits := regexp.MustCompile(`^/mirror/range/[0-9A-F]{5}$`)
	jar, _ := cookiejar.New(nil)
	var requests atomic.Int32
	handler := func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		body, _ := io.ReadAll(r.Body)
		if r.Method != "GET" || !fiveDigits.MatchString(r.RequestURI) || len(body) > 0 || r.Header.Get("Add-Padding") != "true" ||
			r.UserAgent() != "shop/1.0" || len(r.Header) != 3 {
			t.Errorf("got %s %s %v, body %q", r.Method, r.RequestURI, r.Header, body)
		}
		http.SetCookie(w, &http.Cookie{Name: "known", Value: "1"})
		io.WriteString(w, rows("1"))
	}
	for _, path := range []string{"/mirror", "/mirror/"} {
		checker := serve(t, hibp.Config{URL: path, UserAgent: "shop/1.0", Client: &http.Client{Jar: jar}}, handler)
		for text := range knownHashes {
			if breached, err := checker.Breached(t.Context(), auth.NewPassword(text)); breached != (text == password) || err != nil {
				t.Errorf("%q: got %v, %v", text, breached, err)
			}
		}
	}
	if n := requests.Load(); n != int32(2*len(knownHashes)) {
		t.Errorf("%d requests", n)
	}
}

// The caller's client stays as it is.
func TestClientIsCopied(t *testing.T) {
	jar, _ := cookiejar.New(nil)
	client := &http.Client{Jar: jar}
	newChecker(t, hibp.Config{Client: client})
	if client.Jar != jar || client.CheckRedirect != nil {
		t.Error("New changed the client")
	}
}

func TestCount(t *testing.T) {
	for _, test := range []struct {
		count    string
		min      int
		breached bool
	}{
		{"0", 0, false}, {"0", 1, false}, {"1", 0, true}, {"1", 1, true}, {"9", 10, false}, {"10", 10, true}, {"11", 10, true},
		{"18446744073709551615", 10, true}, {"00", 1, false}, {"01", 1, true},
	} {
		checker := serve(t, hibp.Config{MinCount: test.min}, answer(rows(test.count)))
		breached, err := checker.Breached(t.Context(), auth.NewPassword(password))
		if breached != test.breached || err != nil {
			t.Errorf("%+v: got %v, %v", test, breached, err)
		}
	}
}

// ASVS 5.0 6.2.12
func TestNotBreached(t *testing.T) {
	for _, body := range []string{rows("1"), rows("1") + "\r\n", strings.ReplaceAll(rows("1"), "\r\n", "\n") + "\n"} {
		checker := serve(t, hibp.Config{}, answer(body))
		for text, want := range map[string]bool{password: true, "correct horse battery staple": false} {
			if breached, err := checker.Breached(t.Context(), auth.NewPassword(text)); breached != want || err != nil {
				t.Errorf("%q: got %v, %v", text, breached, err)
			}
		}
	}
}

// What is not of the format is no answer, with the password's own row in it or not.
func TestMalformedResponse(t *testing.T) {
	row := suffix + ":3"
	for name, body := range map[string]string{
		"empty":               "",
		"line break":          "\r\n",
		"HTML":                "<!DOCTYPE html><title>Sign in to the network</title>\n",
		"JSON":                `{"count":3}`,
		"HTML after rows":     row + "\r\n<html>",
		"empty line":          row + "\r\n\r\n" + row,
		"empty line at end":   row + "\r\n\r\n",
		"empty line first":    "\n" + row,
		"two carriage":        row + "\r\r\n",
		"carriage at end":     row + "\r",
		"carriage alone":      row + "\r" + row,
		"lower case":          strings.ToLower(suffix) + ":3",
		"whole hash":          prefix + row,
		"34 digits":           suffix[1:] + ":3",
		"36 digits":           "0" + row,
		"no hex":              "G" + suffix[1:] + ":3",
		"no hex within":       suffix[:9] + "G" + suffix[10:] + ":3",
		"cut in the suffix":   row + "\r\n" + suffix[:20],
		"cut at the colon":    row + "\r\n" + suffix,
		"cut at the count":    row + "\r\n" + suffix + ":",
		"negative":            suffix + ":-1",
		"plus":                suffix + ":+1",
		"thousands":           suffix + ":1,000",
		"underscore":          suffix + ":1_000",
		"fraction":            suffix + ":1.5",
		"hexadecimal count":   suffix + ":0x1",
		"beyond 64 bits":      suffix + ":18446744073709551616",
		"21 digits":           suffix + ":000000000000000000001",
		"space":               suffix + ": 3",
		"space at end":        row + " ",
		"two counts":          row + ":3",
		"NUL":                 row + "\x00",
		"byte order mark":     "\ufeff" + row,
		"UTF-16":              "1\x00E\x004\x00",
		"rows beyond the cap": strings.Repeat(row+"\r\n", 1+hibp.MaxBody/(len(row)+2)),
	} {
		t.Run(name, func(t *testing.T) {
			breached, err := serve(t, hibp.Config{}, answer(body)).Breached(t.Context(), auth.NewPassword(password))
			wantError(t, breached, err, "range", "malformed", nil)
		})
	}
}

// A response as large as the cap is read, and one byte more is refused.
func TestLargestResponse(t *testing.T) {
	row := "0" + suffix[1:] + ":0\n"
	for size, code := range map[int]string{hibp.MaxBody: "", hibp.MaxBody + 1: "malformed"} {
		last := "\n" + suffix + ":3"
		fill := size - len(last)
		body := strings.Repeat(row, fill/len(row)-1)
		body += strings.TrimSuffix(row, "\n") + strings.Repeat("0", fill-len(body)-len(row)+1) + last
		if len(body) != size {
			t.Fatalf("%d bytes, want %d", len(body), size)
		}
		breached, err := serve(t, hibp.Config{}, answer(body)).Breached(t.Context(), auth.NewPassword(password))
		if code != "" {
			wantError(t, breached, err, "range", code, nil)
		} else if !breached || err != nil {
			t.Errorf("got %v, %v", breached, err)
		}
	}
}

// A body without end is read to the cap and no further.
func TestEndlessResponse(t *testing.T) {
	var sent atomic.Int64
	checker := newChecker(t, hibp.Config{Client: &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Body: io.NopCloser(readerFunc(func(p []byte) (int, error) {
			sent.Add(int64(len(p)))
			return copy(p, bytes.Repeat([]byte("0"), len(p))), nil
		}))}, nil
	})}})
	breached, err := checker.Breached(t.Context(), auth.NewPassword(password))
	wantError(t, breached, err, "range", "malformed", nil)
	if n := sent.Load(); n > hibp.MaxBody+1 {
		t.Errorf("read %d bytes", n)
	}
}

func TestStatus(t *testing.T) {
	for _, status := range []int{201, 204, 206, 301, 302, 304, 307, 308, 400, 401, 403, 404, 429, 500, 502, 503} {
		checker := serve(t, hibp.Config{}, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "2")
			w.WriteHeader(status)
			io.WriteString(w, rows("3"))
		})
		breached, err := checker.Breached(t.Context(), auth.NewPassword(password))
		wantError(t, breached, err, "range", fmt.Sprintf("http %d", status), nil)
	}
}

// A redirect is not followed, to another host or the same, whatever the
// caller's client would do.
// ASVS 5.0 15.3.2
func TestRedirect(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("followed to %s", r.URL)
	}))
	defer elsewhere.Close()
	willing := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return nil }}
	for _, client := range []*http.Client{nil, willing} {
		for _, target := range []string{elsewhere.URL + "/range/" + prefix, "/elsewhere"} {
			checker := serve(t, hibp.Config{Client: client}, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/elsewhere" {
					t.Error("followed on the same host")
				}
				http.Redirect(w, r, target, http.StatusFound)
			})
			breached, err := checker.Breached(t.Context(), auth.NewPassword(password))
			wantError(t, breached, err, "range", "http 302", nil)
		}
	}
}

func TestBrokenConnection(t *testing.T) {
	closed := httptest.NewServer(nil)
	closed.Close()
	refused := newChecker(t, hibp.Config{URL: closed.URL})
	cut := serve(t, hibp.Config{}, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "4000")
		io.WriteString(w, rows("3"))
	})
	dropped := serve(t, hibp.Config{}, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	untrusted := httptest.NewTLSServer(answer(rows("3")))
	defer untrusted.Close()
	untrusted.Config.ErrorLog = log.New(io.Discard, "", 0)
	stranger := newChecker(t, hibp.Config{URL: untrusted.URL})
	for name, checker := range map[string]*hibp.Checker{"refused": refused, "cut": cut, "dropped": dropped, "untrusted": stranger, "zero": new(hibp.Checker)} {
		t.Run(name, func(t *testing.T) {
			breached, err := checker.Breached(t.Context(), auth.NewPassword(password))
			wantError(t, breached, err, "range", "connection", nil)
		})
	}
}

// The handler answers when the test is over, and never in time.
func TestContextEnds(t *testing.T) {
	for _, failOpen := range []bool{false, true} {
		for _, headers := range []bool{false, true} {
			over, asked := make(chan struct{}), make(chan struct{})
			checker := serve(t, hibp.Config{Timeout: time.Hour, InsecureFailOpen: failOpen}, func(w http.ResponseWriter, _ *http.Request) {
				if headers {
					io.WriteString(w, rows("3"))
					w.(http.Flusher).Flush()
				}
				close(asked)
				<-over
			})
			t.Cleanup(func() { close(over) }) // before the server is closed
			ctx, cancel := context.WithCancel(t.Context())
			go func() { <-asked; cancel() }()
			breached, err := checker.Breached(ctx, auth.NewPassword(password))
			wantError(t, breached, err, "range", "context", context.Canceled)
		}
		unasked := serve(t, hibp.Config{InsecureFailOpen: failOpen}, func(http.ResponseWriter, *http.Request) { t.Error("asked") })
		ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
		defer cancel()
		breached, err := unasked.Breached(ctx, auth.NewPassword(password))
		wantError(t, breached, err, "range", "context", context.DeadlineExceeded)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// Time-outs, in virtual time: of the response, and of a body that stalls.
func TestTimeout(t *testing.T) {
	silent := func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	stalled := func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Body: io.NopCloser(io.MultiReader(strings.NewReader(rows("3")), readerFunc(func([]byte) (int, error) {
			<-r.Context().Done()
			return 0, r.Context().Err()
		})))}, nil
	}
	for _, service := range []roundTrip{silent, stalled} {
		synctest.Test(t, func(t *testing.T) {
			for timeout, want := range map[time.Duration]time.Duration{0: 2 * time.Second, time.Millisecond: time.Millisecond, time.Minute: time.Minute} {
				checker := newChecker(t, hibp.Config{Client: &http.Client{Transport: service}, Timeout: timeout})
				start := time.Now()
				breached, err := checker.Breached(t.Context(), auth.NewPassword(password))
				wantError(t, breached, err, "range", "timeout", nil)
				if errors.Is(err, context.DeadlineExceeded) {
					t.Error("matches a context's error though the caller's goes on")
				}
				if took := time.Since(start); took != want {
					t.Errorf("took %v, want %v", took, want)
				}
				ctx, cancel := context.WithTimeout(t.Context(), want/2)
				defer cancel()
				breached, err = checker.Breached(ctx, auth.NewPassword(password))
				wantError(t, breached, err, "range", "context", context.DeadlineExceeded)
			}
		})
	}
}

func TestFailOpen(t *testing.T) {
	closed := httptest.NewServer(nil)
	closed.Close()
	for name, test := range map[string]struct {
		url      string
		handler  http.HandlerFunc
		breached bool
	}{
		"refused":   {url: closed.URL},
		"status":    {handler: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(429) }},
		"malformed": {handler: answer("<html>")},
		"cut": {handler: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "4000")
			io.WriteString(w, rows("3"))
		}},
		"breached": {handler: answer(rows("3")), breached: true},
	} {
		t.Run(name, func(t *testing.T) {
			var checker *hibp.Checker
			if test.url != "" {
				checker = newChecker(t, hibp.Config{URL: test.url, InsecureFailOpen: true})
			} else {
				checker = serve(t, hibp.Config{InsecureFailOpen: true}, test.handler)
			}
			breached, err := checker.Breached(t.Context(), auth.NewPassword(password))
			if breached != test.breached || err != nil {
				t.Errorf("got %v, %v", breached, err)
			}
		})
	}
}

func TestConcurrentChecks(t *testing.T) {
	checker := serve(t, hibp.Config{}, answer(rows("3")))
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for text := range knownHashes {
				if breached, err := checker.Breached(t.Context(), auth.NewPassword(text)); breached != (text == password) || err != nil {
					t.Errorf("got %v, %v", breached, err)
				}
			}
		})
	}
	wg.Wait()
}

func TestNewRefuses(t *testing.T) {
	const secret = "hunter2"
	for name, c := range map[string]hibp.Config{
		"no URL":           {URL: secret},
		"not parsed":       {URL: "https://[" + secret},
		"no host":          {URL: "https:///" + secret},
		"port alone":       {URL: "https://:443/"},
		"opaque":           {URL: "https:" + secret},
		"cleartext":        {URL: "http://mirror.example"},
		"cleartext, alike": {URL: "http://localhost.example"},
		"cleartext, far":   {URL: "http://192.0.2.1"},
		"file":             {URL: "file:///localhost/list"},
		"credentials":      {URL: "https://ada:" + secret + "@mirror.example"},
		"query":            {URL: "https://mirror.example/?" + secret},
		"fragment":         {URL: "https://mirror.example/#" + secret},
		"time-out":         {Timeout: -1},
		"count":            {MinCount: -1},
		"agent of spaces":  {UserAgent: " "},
		"agent of lines":   {UserAgent: "shop\r\nX-Secret: 1"},
		"agent in UTF-8":   {UserAgent: "Läden"},
	} {
		if checker, err := hibp.New(c); err == nil || checker != nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: got %v, %v", name, checker, err)
		}
	}
	for _, url := range []string{"", "https://mirror.example", "https://mirror.example:8443/a/b/", "http://localhost:8080", "http://127.0.0.1", "http://[::1]:8080", "HTTPS://mirror.example"} {
		newChecker(t, hibp.Config{URL: url})
	}
}

// In the strict mode of FIPS 140 crypto/sha1 panics unless told that nothing is
// protected by it.
func TestStrictFIPS140(t *testing.T) {
	if os.Getenv("GODEBUG") == "fips140=only" {
		hibp.Hash(auth.NewPassword(password))
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestStrictFIPS140$")
	cmd.Env = append(os.Environ(), "GODEBUG=fips140=only")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

var rowFormat = regexp.MustCompile(`^([0-9A-F]{35}):([0-9]{1,20})$`)

// naiveSearch is the same by other means.
func naiveSearch(body, suffix string, min uint64) (found, ok bool) {
	body = strings.TrimSuffix(strings.ReplaceAll(body, "\r\n", "\n"), "\n")
	for line := range strings.SplitSeq(body, "\n") {
		m := rowFormat.FindStringSubmatch(line)
		if m == nil {
			return false, false
		}
		var n uint64
		if _, err := fmt.Sscanf(m[2], "%d", &n); err != nil {
			return false, false
		}
		found = found || m[1] == suffix && n >= min
	}
	return found, true
}

func FuzzSearch(f *testing.F) {
	f.Add(rows("3"), uint64(1))
	f.Add(rows("3")+"\r\n", uint64(4))
	f.Add(suffix+":0\n", uint64(1))
	f.Add(suffix+":18446744073709551616", uint64(1))
	f.Add(suffix+":3\r", uint64(1))
	f.Add("", uint64(1))
	f.Add("\n", uint64(1))
	f.Fuzz(func(t *testing.T, body string, min uint64) {
		found, ok := hibp.Search(body, suffix, min)
		if wantFound, wantOK := naiveSearch(body, suffix, min); found != wantFound || ok != wantOK {
			t.Errorf("%q, %d: got %v, %v, want %v, %v", body, min, found, ok, wantFound, wantOK)
		}
	})
}
