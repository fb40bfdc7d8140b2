package token_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/seed89488a0c/auth/internal/token"
)

func TestSign(t *testing.T) {
	for _, s := range signers() {
		for _, k := range ourRules(t).keys {
			if k.ID() != s.keyID() {
				continue
			}
			got, err := token.Sign(k, claims())
			if want := s.mint(t, s.header, payload); must(t, got, err) != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		}
	}
}

func TestSignParse(t *testing.T) {
	p := newParser(t, ourRules(t))
	for name, change := range map[string]func(*token.Claims){
		"as is":            func(*token.Claims) {},
		"no session":       func(c *token.Claims) { c.SessionID = "" },
		"one method":       func(c *token.Claims) { c.AMR = "pwd" },
		"two methods":      func(c *token.Claims) { c.AMR, c.ACR = "pwd otp", `urn:<"1">` },
		"markup":           func(c *token.Claims) { c.Subject = `<a href="x">&'\/` },
		"beyond ASCII":     func(c *token.Claims) { c.Subject = "Zoë 🦊 \u2028\ufffd\ufeff" },
		"another location": func(c *token.Claims) { c.IssuedAt = c.IssuedAt.In(time.FixedZone("", 3600)) },
		"oldest": func(c *token.Claims) {
			c.IssuedAt, c.NotBefore, c.AuthTime = time.Unix(0, 0), time.Unix(0, 0), time.Unix(0, 0)
		},
		"longest": func(c *token.Claims) { c.ExpiresAt = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC) },
	} {
		t.Run(name, func(t *testing.T) {
			for _, k := range ourRules(t).keys {
				c := claims()
				change(&c)
				text, err := token.Sign(k, c)
				got, err2 := p.Parse(must(t, text, err), at(1))
				for _, v := range []*time.Time{&c.IssuedAt, &c.NotBefore, &c.ExpiresAt, &c.AuthTime} {
					*v = v.UTC()
				}
				wantIdentity(t, got, err2, c)
			}
		})
	}
}

func TestSignRefuses(t *testing.T) {
	texts := map[string]func(*token.Claims) *string{
		"iss":       func(c *token.Claims) *string { return &c.Issuer },
		"aud":       func(c *token.Claims) *string { return &c.Audience },
		"sub":       func(c *token.Claims) *string { return &c.Subject },
		"client_id": func(c *token.Claims) *string { return &c.ClientID },
		"jti":       func(c *token.Claims) *string { return &c.ID },
		"sid":       func(c *token.Claims) *string { return &c.SessionID },
	}
	times := map[string]func(*token.Claims) *time.Time{
		"iat":       func(c *token.Claims) *time.Time { return &c.IssuedAt },
		"nbf":       func(c *token.Claims) *time.Time { return &c.NotBefore },
		"exp":       func(c *token.Claims) *time.Time { return &c.ExpiresAt },
		"auth_time": func(c *token.Claims) *time.Time { return &c.AuthTime },
	}
	refused := func(t *testing.T, c token.Claims, about string) {
		t.Helper()
		text, err := token.Sign(hmacKey(t, "h"), c)
		if err == nil || text != "" || !strings.HasPrefix(err.Error(), "sign: "+about) {
			t.Errorf("got %q, %v", text, err)
		}
	}
	for name, field := range texts {
		for _, v := range []string{"", "a\xff", "\xed\xa0\x80", "a\x00b", "a\nb", "\x7f", "\u0085"} {
			if name == "sid" && v == "" {
				continue
			}
			t.Run(name+" "+v, func(t *testing.T) {
				c := claims()
				*field(&c) = v
				refused(t, c, name+" ")
			})
		}
	}
	for name, field := range times {
		for what, v := range map[string]time.Time{
			"zero":        {},
			"before 1970": time.Unix(-1, 0),
			"after 9999":  time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC),
			"a fraction":  at(1).Add(time.Nanosecond),
		} {
			t.Run(name+" "+what, func(t *testing.T) {
				c := claims()
				*field(&c) = v
				refused(t, c, name+" ")
			})
		}
	}
	for _, field := range []string{"iat", "nbf"} {
		t.Run("exp equal to "+field, func(t *testing.T) {
			c := claims()
			*times[field](&c) = c.ExpiresAt
			refused(t, c, "exp ")
		})
	}
	for _, amr := range []string{" ", " pwd", "pwd ", "pwd  otp"} {
		t.Run("amr "+amr, func(t *testing.T) {
			c := claims()
			c.AMR = amr
			refused(t, c, "amr ")
		})
	}
	t.Run("too large", func(t *testing.T) {
		c := claims()
		c.Subject = strings.Repeat("s", token.MaxSize)
		refused(t, c, "larger ")
	})
	t.Run("no key", func(t *testing.T) {
		public, err := token.NewPublic(edPrivate("e").Public())
		for _, k := range []token.Key{{}, must(t, public, err)} {
			if text, err := token.Sign(k, claims()); !errors.Is(err, token.ErrCannotSign) || text != "" {
				t.Errorf("%v: got %q, %v", k, text, err)
			}
		}
	})
}

// The largest token that is signed is the largest that is parsed. Its length
// cannot take every value, so the ID of the key makes up for the rest.
func TestMaxSize(t *testing.T) {
	base := hmacKey(t, "h")
	r := ourRules(t)
	largest, refused := 0, false
	for _, id := range []string{"k", "kk", "kkk"} {
		k := withID(t, base, id)
		r.keys = []token.Key{k}
		p := newParser(t, r)
		for n := 5700; n < 6000; n++ {
			c := claims()
			c.Subject = strings.Repeat("s", n)
			text, err := token.Sign(k, c)
			if err != nil {
				refused = true
				break
			}
			largest = max(largest, len(text))
			got, err := p.Parse(text, at(1))
			wantIdentity(t, got, err, c)
		}
	}
	if largest != token.MaxSize || !refused {
		t.Errorf("largest %d, want %d; refused: %t", largest, token.MaxSize, refused)
	}
	s := hmacSigner()
	for n := 5700; n < 6000; n++ {
		text := s.mint(t, s.header, change(t, payload, "user-1", strings.Repeat("s", n)))
		if len(text) <= token.MaxSize {
			continue
		}
		c, err := newParser(t, ourRules(t)).Parse(text, at(1))
		wantReason(t, c, err, token.ReasonTooLarge)
		break
	}
}
