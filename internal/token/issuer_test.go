package token_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/seed89488a0c/auth/internal/token"
)

// terms are those of an issuer of the tokens that ourRules demand, with a first
// key of them.
func terms(t testing.TB) (token.Terms, *token.Set) {
	t.Helper()
	r := ourRules(t)
	return token.Terms{Rules: r.Rules}, newSet(t, r.keys...)
}

func newSet(t testing.TB, keys ...token.Key) *token.Set {
	t.Helper()
	s, err := token.NewSet(keys)
	return must(t, s, err)
}

func TestNewIssuer(t *testing.T) {
	good, keys := terms(t)
	public, err := token.NewPublic(edPrivate("e").Public())
	verifyOnly := newSet(t, must(t, public, err))
	stranger := newKMS(edPrivate("e"))
	stranger.public = edPrivate("x").Public()
	wrong, err := token.NewSigner(stranger)
	otherHalf := newSet(t, must(t, wrong, err))
	if _, err := token.NewIssuer(good, keys, 64); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		keys   *token.Set
		change func(*token.Terms)
		want   string
	}{
		"rules":                 {keys, func(s *token.Terms) { s.Issuer = "" }, "issuer"},
		"TTL":                   {keys, func(s *token.Terms) { s.TTL = time.Second + 1 }, "TTL"},
		"other audience":        {keys, func(s *token.Terms) { s.OtherAudiences = []string{"\xff"} }, "aud"},
		"audience with a space": {keys, func(s *token.Terms) { s.Audience = "a b" }, "the audience has a space"},
		"other with a space":    {keys, func(s *token.Terms) { s.OtherAudiences = []string{"a b"} }, "aud"},
		"audience twice":        {keys, func(s *token.Terms) { s.OtherAudiences = []string{audience} }, "an audience is there twice"},
		"other audience twice":  {keys, func(s *token.Terms) { s.OtherAudiences = []string{"b", "b"} }, "an audience is there twice"},
		"ACR":                   {keys, func(s *token.Terms) { s.ACR = func(string) string { return "a\n" } }, "acr"},
		"no room for an ID":     {keys, func(s *token.Terms) { s.Audience = strings.Repeat("x", 2700) }, "larger"},
		"verifies only":         {verifyOnly, func(*token.Terms) {}, "cannot sign"},
		"another's public half": {otherHalf, func(*token.Terms) {}, "sign: "},
	} {
		t.Run(name, func(t *testing.T) {
			bad := good
			tt.change(&bad)
			if i, err := token.NewIssuer(bad, tt.keys, 64); i != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, %v, want an error with %q", i, err, tt.want)
			}
		})
	}
}

// What an issuer signs says what the subject does, and the rest is its own.
// Whom a token is for is what was asked for, of what was granted, of what there is.
func TestIssuerAudiences(t *testing.T) {
	s, keys := terms(t)
	s.OtherAudiences = []string{"b", "c"}
	i, err := token.NewIssuer(s, keys, 64)
	must(t, i, err)
	for _, tt := range []struct{ asked, granted, want string }{
		{"", "", audience + " b c"},
		{"b", "", "b"},
		{"c b c", "", "b c"},
		{"", "c " + audience, audience + " c"},
		{"c", "c b", "c"},
		{"", "gone b", "b"}, // the terms were narrowed
		{"gone", "gone b", ""},
		{"", "gone", ""},
		{"c", "b", ""}, // the terms were widened, or somebody wants more
		{"b gone", "", ""},
		{"B", "", ""},
	} {
		got, ok := i.Audiences(strings.Fields(tt.asked), strings.Fields(tt.granted))
		if strings.Join(got, " ") != tt.want || ok != (tt.want != "") {
			t.Errorf("asked %q of granted %q: %q, %t, want %q", tt.asked, tt.granted, got, ok, tt.want)
		}
	}
	if id, err := i.Audiences([]string{""}, nil); err {
		t.Errorf("an empty one is %q", id)
	}
	signed, _, err := i.Sign(keys, token.Claims{Subject: "user", AuthTime: at(0), Audience: "b"}, 0, at(0))
	must(t, signed, err)
	id, err := i.Parse(keys, signed, at(0))
	wantReason(t, id, err, token.ReasonAudience)
	signed, _, err = i.Sign(keys, token.Claims{Subject: "user", AuthTime: at(0), Audience: audience}, 0, at(0))
	must(t, signed, err)
	if id, err := i.Parse(keys, signed, at(0)); err != nil || id.Audience != audience || id.ClientID != audience {
		t.Errorf("%s, %v", show(id), err)
	}
}

func TestIssuer(t *testing.T) {
	s, keys := terms(t)
	others := []string{"b"}
	s.TTL, s.Leeway, s.OtherAudiences = time.Minute, time.Second, others
	i, err := token.NewIssuer(s, keys, 64)
	must(t, i, err)
	others[0] = "\xff" // the caller's slice is the caller's
	now := at(0).Add(time.Second - 1)
	for _, tt := range []struct {
		name             string
		ttl, life, valid time.Duration
		authTime, want   time.Time
	}{
		{"the terms' TTL", 0, time.Minute + time.Second, time.Minute, at(-5).Add(1), at(-5)},
		{"a TTL of its own", time.Second, 2 * time.Second, time.Second, at(0), at(0)},
		{"a clock that is ahead", 0, time.Minute + time.Second, time.Minute, at(10), at(0)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := token.Claims{Subject: "user", SessionID: "session", AuthTime: tt.authTime, AMR: "pwd otp", ACR: "2", Custom: `{"a":1}`}
			signed, expires, err := i.Sign(keys, c, tt.ttl, now)
			must(t, signed, err)
			id, err := i.Parse(keys, signed, now)
			want := c
			want.Issuer, want.ClientID, want.ID = issuer, audience, id.TokenID
			want.Audience, want.OtherAudiences = audience, []string{"b"}
			want.IssuedAt, want.ExpiresAt, want.AuthTime = at(0), at(0).Add(tt.valid), tt.want
			wantIdentity(t, id, err, want)
			if len(id.TokenID) < 20 || !expires.Equal(id.ExpiresAt) || i.Life(tt.ttl) != tt.life {
				t.Errorf("expires %v, life %v, token ID %q", expires, i.Life(tt.ttl), id.TokenID)
			}
			var got struct {
				A   int
				Aud []string
			}
			if err := id.Claims(&got); err != nil || got.A != 1 || strings.Join(got.Aud, " ") != audience+" b" {
				t.Errorf("claims %+v, %v", got, err)
			}
			if again, _, err := i.Sign(keys, c, tt.ttl, now); err != nil || again == signed {
				t.Errorf("the same token twice, or %v", err)
			}
		})
	}
	for name, tt := range map[string]struct {
		ttl    time.Duration
		claims token.Claims
	}{
		"no user":      {0, token.Claims{AuthTime: now}},
		"an odd TTL":   {1, token.Claims{Subject: "user", AuthTime: now}},
		"negative TTL": {-time.Second, token.Claims{Subject: "user", AuthTime: now}},
	} {
		if signed, expires, err := i.Sign(keys, tt.claims, tt.ttl, now); err == nil || signed != "" || !expires.IsZero() {
			t.Errorf("%s: expires %v, %v", name, expires, err)
		}
	}
}

// What a subject says is in the token, under its own name.
func TestIssue(t *testing.T) {
	s, keys := terms(t)
	s.TTL, s.Leeway, s.OtherAudiences = time.Minute, time.Second, []string{"b", "c"}
	s.ACR = func(amr string) string { return "2 by " + amr }
	i, err := token.NewIssuer(s, keys, 64)
	must(t, i, err)
	subject := token.Subject{
		UserID: "user", SessionID: "session", AuthTime: at(-5), AMR: "pwd",
		Audience: []string{"b", audience}, Granted: []string{audience, "b"}, TTL: time.Second, Claims: []byte(`{"a":1}`),
	}
	signed, expires, err := i.Issue(keys, subject, 2*time.Second, at(0))
	must(t, signed, err)
	id, err := i.Parse(keys, signed, at(0))
	wantIdentity(t, id, err, token.Claims{
		Subject: "user", SessionID: "session", AuthTime: at(-5), AMR: "pwd", ACR: "2 by pwd", Audience: audience, OtherAudiences: []string{"b"},
		Issuer: issuer, ClientID: audience, ID: id.TokenID, IssuedAt: at(0), ExpiresAt: at(1), Custom: `{"a":1}`,
	})
	if !expires.Equal(at(1)) {
		t.Errorf("expires %v", expires)
	}
	for _, tt := range []struct {
		name     string
		longest  time.Duration
		change   func(*token.Subject)
		audience bool
	}{
		{"longer than the keys stay", 2*time.Second - 1, func(*token.Subject) {}, false},
		{"by the terms' TTL", time.Minute, func(s *token.Subject) { s.TTL = 0 }, false},
		{"nobody", 0, func(s *token.Subject) { s.UserID = "" }, false},
		{"asks for more than was granted", 0, func(s *token.Subject) { s.Audience = []string{"c"} }, true},
		{"nothing is left", 0, func(s *token.Subject) { s.Audience, s.Granted = nil, []string{"gone"} }, true},
	} {
		bad := subject
		tt.change(&bad)
		signed, expires, err := i.Issue(keys, bad, tt.longest, at(0))
		if err == nil || errors.Is(err, token.ErrAudience) != tt.audience || signed != "" || !expires.IsZero() {
			t.Errorf("%s: expires %v, %v", tt.name, expires, err)
		}
	}
}
