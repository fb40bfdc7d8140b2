package token_test

import (
	"encoding/base64"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/seed89488a0c/auth/internal/token"
)

func TestNewParser(t *testing.T) {
	for name, change := range map[string]func(*rules){
		"no issuer":                func(r *rules) { r.Issuer = "" },
		"issuer not UTF-8":         func(r *rules) { r.Issuer = "\xff" },
		"issuer with a NUL":        func(r *rules) { r.Issuer = "a\x00" },
		"no audience":              func(r *rules) { r.Audience = "" },
		"audience not UTF-8":       func(r *rules) { r.Audience = "\xff" },
		"audience with a NUL":      func(r *rules) { r.Audience = "a\x00" },
		"nil keys":                 func(r *rules) { r.keys = nil },
		"no keys":                  func(r *rules) { r.keys = []token.Key{} },
		"zero key":                 func(r *rules) { r.keys = append(r.keys, token.Key{}) },
		"same key twice":           func(r *rules) { r.keys = append(r.keys, r.keys[0]) },
		"same ID, other algorithm": func(r *rules) { r.keys[1] = withID(t, r.keys[1], "h") },
		"negative leeway":          func(r *rules) { r.Leeway = -1 },
		"leeway above 5 minutes":   func(r *rules) { r.Leeway = token.MaxLeeway + 1 },
		"a cache of billions":      func(r *rules) { r.Cache = 1 << 30 },
		"negative skew":            func(r *rules) { r.Skew = -1 },
		"skew above a minute":      func(r *rules) { r.Skew = time.Minute + 1 },
		"negative size":            func(r *rules) { r.MaxSize = -1 },
		"size above 64 KiB":        func(r *rules) { r.MaxSize = 64<<10 + 1 },
		"an empty audience more":   func(r *rules) { r.AcceptAudiences = []string{"a", ""} },
		"17 audiences more":        func(r *rules) { r.AcceptAudiences = slices.Repeat([]string{"a"}, 17) },
		"an empty client":          func(r *rules) { r.Foreign = &token.Foreign{NoAudience: []string{""}} },
		"a client with a line":     func(r *rules) { r.Foreign = &token.Foreign{NoSubject: []string{"a\n"}} },
		"257 clients":              func(r *rules) { r.Foreign = &token.Foreign{NoSubject: slices.Repeat([]string{"a"}, 257)} },
		"no audience, foreign":     func(r *rules) { r.Audience, r.Foreign = "", &token.Foreign{NoSubject: []string{"a"}} },
	} {
		t.Run(name, func(t *testing.T) {
			r := ourRules(t)
			change(&r)
			p, err := token.NewParser(r.Rules)
			keys, keysErr := token.NewSet(r.keys)
			if (err == nil) == (keysErr == nil) || (p == nil) != (err != nil) || (keys == nil) != (keysErr != nil) {
				t.Errorf("got %v, %v and %v, %v", p, err, keys, keysErr)
			}
		})
	}
}

// The caller's slice stays the caller's.
func TestParserCopiesKeys(t *testing.T) {
	r := ourRules(t)
	p := newParser(t, r)
	clear(r.keys)
	checkValid(t, p)
}

func TestParserConcurrent(t *testing.T) {
	p := newParser(t, ourRules(t))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 20 {
				for _, s := range signers() {
					if _, err := p.Parse(s.mint(t, s.header, payload), at(1)); err != nil {
						t.Error(err)
					}
					if _, err := p.Parse(s.mint(t, s.header, "{}"), at(1)); err == nil {
						t.Error("accepted")
					}
				}
			}
		})
	}
	wg.Wait()
}

// TestParseText changes the text of a valid token.
func TestParseText(t *testing.T) {
	p := newParser(t, ourRules(t))
	checkValid(t, p)
	const (
		head = iota
		body
		mac
	)
	// part changes one of the three parts.
	part := func(i int, f func(string) string) func(string) string {
		return func(text string) string {
			parts := strings.Split(text, ".")
			parts[i] = f(parts[i])
			return strings.Join(parts, ".")
		}
	}
	value := func(v string) func(string) string { return func(string) string { return v } }
	insert := func(v string) func(string) string {
		return func(s string) string { return s[:5] + v + s[5:] }
	}
	add := func(v string) func(string) string { return func(s string) string { return s + v } }
	type row struct {
		name   string
		change func(string) string
		reason string
	}
	rows := []row{
		{"empty", value(""), token.ReasonMalformed},
		{"one part", value("abc"), token.ReasonMalformed},
		{"dots only", value(".."), token.ReasonMalformed},
		{"no header", part(head, value("")), token.ReasonMalformed},
		{"no payload", part(body, value("")), token.ReasonMalformed},
		{"no signature", part(mac, value("")), token.ReasonMalformed},
		{"two parts", func(s string) string { return s[:strings.LastIndex(s, ".")] }, token.ReasonMalformed},
		{"four parts", add(".abc"), token.ReasonMalformed},
		{"trailing dot", add("."), token.ReasonMalformed},
		{"leading dot", func(s string) string { return "." + s }, token.ReasonMalformed},
		{"JWE has five parts", add(".a.b"), token.ReasonMalformed},
		{"detached payload", part(body, value("")), token.ReasonMalformed},
		{"JWS JSON serialisation", func(s string) string {
			parts := strings.Split(s, ".")
			return fmt.Sprintf(`{"protected":%q,"payload":%q,"signature":%q}`, parts[0], parts[1], parts[2])
		}, token.ReasonMalformed},
		{"scheme before", func(s string) string { return "Bearer " + s }, token.ReasonEncoding},
		{"space before", func(s string) string { return " " + s }, token.ReasonEncoding},
		{"space after", add(" "), token.ReasonEncoding},
		{"tab after", add("\t"), token.ReasonEncoding},
		{"line feed after", add("\n"), token.ReasonEncoding},
		{"carriage return after", add("\r"), token.ReasonEncoding},
		{"NUL after", add("\x00"), token.ReasonEncoding},
		{"byte order mark", func(s string) string { return "\ufeff" + s }, token.ReasonEncoding},
		{"one byte too large", func(s string) string { return s + strings.Repeat("A", token.MaxSize+1-len(s)) }, token.ReasonTooLarge},
		{"a megabyte of dots", value(strings.Repeat(".", 1<<20)), token.ReasonTooLarge},

		{"signature cut by a byte", part(mac, func(s string) string {
			b := decode(t, s)
			return encode(b[:len(b)-1])
		}), token.ReasonSignature},
		{"signature cut to half", part(mac, func(s string) string {
			b := decode(t, s)
			return encode(b[:len(b)/2])
		}), token.ReasonSignature},
		{"signature of one byte", part(mac, value("AA")), token.ReasonSignature},
		{"signature longer by a byte", part(mac, func(s string) string { return encode(append(decode(t, s), 0)) }), token.ReasonSignature},
		{"signature of 32 zeros", part(mac, value(encode(make([]byte, 32)))), token.ReasonSignature},
		{"signature of 64 zeros", part(mac, value(encode(make([]byte, 64)))), token.ReasonSignature},
		{"signature of 65 zeros", part(mac, value(encode(make([]byte, 65)))), token.ReasonSignature},
		{"signature of another payload", part(body, value(encode(payload+" "))), token.ReasonSignature},
		{"signature of another header", part(head, func(s string) string { return encode(string(decode(t, s)) + " ") }), token.ReasonSignature},
		{"payload bad, signature too", part(body, value(encode("{"))), token.ReasonSignature},
	}
	for i, name := range []string{"header", "payload", "signature"} {
		for _, r := range []row{
			{"padding", part(i, add("=")), ""},
			{"line feed inside", part(i, insert("\n")), ""},
			{"carriage return inside", part(i, insert("\r\n")), ""},
			{"line feed at the end", part(i, add("\n")), ""},
			{"line feed at the start", part(i, func(s string) string { return "\n" + s }), ""},
			{"space inside", part(i, insert(" ")), ""},
			{"NUL inside", part(i, insert("\x00")), ""},
			{"not ASCII", part(i, insert("é")), ""},
			{"standard alphabet +", part(i, insert("+++")), ""},
			{"standard alphabet /", part(i, insert("///")), ""},
			{"a lone character", part(i, value("A")), ""},
			{"five characters", part(i, value("AAAAA")), ""},
			{"percent", part(i, insert("%41")), ""},
		} {
			rows = append(rows, row{name + ": " + r.name, r.change, token.ReasonEncoding})
		}
	}
	for _, s := range signers() {
		for _, tt := range rows {
			t.Run(s.method.Alg()+" "+tt.name, func(t *testing.T) {
				c, err := p.Parse(tt.change(s.mint(t, s.header, payload)), at(1))
				wantReason(t, c, err, tt.reason)
			})
		}
	}
}

// TestParseTrailingBits sets bits that no byte is made of. Header and payload
// are padded with white space to lengths that have such bits, and are signed in
// that spelling, so that nothing else is wrong with them.
func TestParseTrailingBits(t *testing.T) {
	p := newParser(t, ourRules(t))
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	next := func(s string) string {
		i := strings.IndexByte(alphabet, s[len(s)-1])
		return s[:len(s)-1] + alphabet[i+1:i+2]
	}
	same := func(a, b string) bool {
		x, errX := base64.RawURLEncoding.DecodeString(a)
		y, errY := base64.RawURLEncoding.DecodeString(b)
		return errX == nil && errY == nil && string(x) == string(y)
	}
	for _, s := range signers() {
		for length := 1; length <= 2; length++ { // bytes in the last group
			pad := func(v string) string {
				for len(v)%3 != length {
					v += " "
				}
				return v
			}
			h, b := encode(pad(s.header)), encode(pad(payload))
			c, err := p.Parse(s.seal(t, h+"."+b), at(1))
			wantIdentity(t, c, err, claims())
			for _, input := range []string{next(h) + "." + b, h + "." + next(b)} {
				c, err := p.Parse(s.seal(t, input), at(1))
				wantReason(t, c, err, token.ReasonEncoding)
			}
			if !same(h, next(h)) || !same(b, next(b)) {
				t.Error("the other spelling is of something else")
			}
		}
		text := s.mint(t, s.header, payload)
		c, err := p.Parse(next(text), at(1))
		wantReason(t, c, err, token.ReasonEncoding)
		if i := strings.LastIndex(text, ".") + 1; !same(text[i:], next(text)[i:]) {
			t.Error("the other spelling is of something else")
		}
	}
}

// Whoever knows the public key must not be able to pass it off as a secret.
// ASVS 5.0 9.1.2
func TestParseKeyConfusion(t *testing.T) {
	r := ourRules(t)
	public := []byte(edPrivate("e")[32:])
	confused := hmacSigner()
	confused.key = public
	for _, tt := range []struct{ name, header, reason string }{
		{"kid of the public key", `{"alg":"HS256","kid":"e","typ":"at+jwt"}`, token.ReasonAlgorithm},
		{"and its algorithm", `{"alg":"EdDSA","kid":"e","typ":"at+jwt"}`, token.ReasonSignature},
		{"kid of the secret", `{"alg":"HS256","kid":"h","typ":"at+jwt"}`, token.ReasonSignature},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, keys := range [][]token.Key{r.keys, {r.keys[1], r.keys[0]}} {
				r.keys = keys
				c, err := newParser(t, r).Parse(confused.mint(t, tt.header, payload), at(1))
				wantReason(t, c, err, tt.reason)
			}
		})
	}
}

// A key signs for its own ID only, also beside others of its algorithm.
func TestParseOtherKey(t *testing.T) {
	r := ourRules(t)
	r.keys = append(r.keys, withID(t, hmacKey(t, "h2"), "h2"), withID(t, edKey(t, "e2"), "e2"))
	p := newParser(t, r)
	for _, s := range signers() {
		id := s.keyID()
		c, err := p.Parse(s.mint(t, change(t, s.header, `"`+id+`"`, `"`+id+`2"`), payload), at(1))
		wantReason(t, c, err, token.ReasonSignature)
	}
	r.keys = r.keys[2:]
	p = newParser(t, r)
	for _, s := range signers() {
		c, err := p.Parse(s.mint(t, s.header, payload), at(1))
		wantReason(t, c, err, token.ReasonUnknownKey)
	}
}

// The unsecured token, with and without something in place of a signature.
// ASVS 5.0 6.8.2, 9.1.2
func TestParseNone(t *testing.T) {
	p := newParser(t, ourRules(t))
	for _, alg := range []string{"none", "None", "NONE", "nOnE", ""} {
		input := encode(`{"alg":"`+alg+`","kid":"h","typ":"at+jwt"}`) + "." + encode(payload)
		c, err := p.Parse(input+".", at(1))
		wantReason(t, c, err, token.ReasonMalformed)
		c, err = p.Parse(input+".AAAA", at(1))
		wantReason(t, c, err, token.ReasonAlgorithm)
	}
	s := signer{method: jwt.SigningMethodNone, key: jwt.UnsafeAllowNoneSignatureType}
	c, err := p.Parse(s.mint(t, `{"alg":"none","kid":"h","typ":"at+jwt"}`, payload), at(1))
	wantReason(t, c, err, token.ReasonMalformed)
}

// S + L is the same number modulo the order L (RFC 8032 §8.4).
func TestParseEdDSAMalleability(t *testing.T) {
	p := newParser(t, ourRules(t))
	s := edSigner()
	text := s.mint(t, s.header, payload)
	i := strings.LastIndex(text, ".") + 1
	signature := decode(t, text[i:])

	order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	half := slices.Clone(signature[32:])
	slices.Reverse(half)
	sum := new(big.Int).SetBytes(half)
	for range 7 {
		sum.Add(sum, order)
		forged := sum.FillBytes(make([]byte, 32))
		slices.Reverse(forged)
		c, err := p.Parse(text[:i]+encode(slices.Concat(signature[:32], forged)), at(1))
		wantReason(t, c, err, token.ReasonSignature)
	}
	if r := new(big.Int).Mod(sum, order); r.Cmp(new(big.Int).SetBytes(half)) != 0 {
		t.Error("that is another signature")
	}
}

// Every single bit of a token counts.
// ASVS 5.0 9.1.1
func TestParseBitFlips(t *testing.T) {
	p := newParser(t, ourRules(t))
	for _, s := range signers() {
		text := []byte(s.mint(t, s.header, payload))
		for i := range 8 * len(text) {
			text[i/8] ^= 1 << (i % 8)
			if c, err := p.Parse(string(text), at(1)); err == nil || c != (token.Identity{}) {
				t.Errorf("%s: accepted with bit %d flipped", s.method.Alg(), i)
			}
			text[i/8] ^= 1 << (i % 8)
		}
	}
}

// A key that only verifies takes what the private key signed.
func TestParsePublicKey(t *testing.T) {
	public, err := token.NewPublic(edPrivate("e").Public())
	r := ourRules(t)
	r.keys = []token.Key{must(t, public, err)}
	text, err := token.Sign(edKey(t, "e"), claims()) // under the default ID
	c, err := newParser(t, r).Parse(must(t, text, err), at(1))
	wantIdentity(t, c, err, claims())
}
