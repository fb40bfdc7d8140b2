package authtest

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed89488a0c/auth"
)

// TestTokenIssuer holds an implementation against the contract of
// [auth.TokenIssuer]. newIssuer is called for every rule, for some inside a
// bubble of [testing/synctest], in which hours pass at once.
func TestTokenIssuer(t *testing.T, newIssuer func(t *testing.T) auth.TokenIssuer) {
	rules := []struct {
		name string
		test func(s tokenIssuer, t *testing.T)
	}{
		{"what was issued is read back, every field", tokenIssuer.roundTrip},
		{"times are true, UTC and whole seconds", tokenIssuer.times},
		{"user and session IDs are kept byte for byte, or refused", tokenIssuer.ids},
		{"no user ID, no token", tokenIssuer.noUser},
		{"every token has an ID of its own", tokenIssuer.unique},
		{"a token is valid until its expiry, and never from then on", tokenIssuer.expiry},
		{"one token's TTL is as asked for, or refused", tokenIssuer.ttl},
		{"a token is for whom it was asked for, or refused", tokenIssuer.audience},
		{"claims are read back, and none takes the place of another", tokenIssuer.claims},
		{"a token that was changed anywhere is ErrInvalidToken and not ErrExpiredToken", tokenIssuer.tampered},
		{"a token cannot do without a signature by naming another algorithm", tokenIssuer.unsigned},
		{"anything else is ErrInvalidToken", tokenIssuer.garbage},
		{"errors do not repeat a token", tokenIssuer.silentErrors},
		{"many may use it at once", tokenIssuer.concurrent},
	}
	for _, rule := range rules {
		if !wanted(t, rule.name) {
			continue
		}
		t.Run(rule.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				// Tokens carry whole seconds; start away from the edge of one.
				time.Sleep(300 * time.Millisecond)
				rule.test(tokenIssuer{newIssuer(t)}, t)
			})
		})
	}
}

type tokenIssuer struct{ auth.TokenIssuer }

func subject(t testing.TB, seed int) auth.Subject {
	t.Helper()
	var s auth.Subject
	fill(t, reflect.ValueOf(&s).Elem(), seed)
	s.AuthTime = time.Now().UTC().Truncate(time.Second).Add(-time.Hour)
	return s
}

func (s tokenIssuer) issue(t testing.TB, sub auth.Subject) auth.IssuedToken {
	t.Helper()
	issued, err := s.Issue(t.Context(), sub)
	if err != nil {
		t.Fatalf("Issue: %v", err)
	}
	return issued
}

func (s tokenIssuer) accepted(t testing.TB, token string) auth.Identity {
	t.Helper()
	id, err := s.Parse(t.Context(), token)
	if err != nil {
		t.Fatalf("Parse: %v", err)
	}
	return id
}

func (s tokenIssuer) refused(t testing.TB, what, token string, expired bool) {
	t.Helper()
	id, err := s.Parse(t.Context(), token)
	wantError(t, "Parse of "+what, err, auth.ErrInvalidToken)
	if got := errors.Is(err, auth.ErrExpiredToken); got != expired {
		t.Errorf("Parse of %s: matches ErrExpiredToken: %t, want %t", what, got, expired)
	}
	wantZero(t, "Parse of "+what, id)
}

func (s tokenIssuer) roundTrip(t *testing.T) {
	sub := subject(t, 1)
	id := s.accepted(t, s.issue(t, sub).Token)
	for i := range reflect.TypeFor[auth.Subject]().NumField() {
		name := reflect.TypeFor[auth.Subject]().Field(i).Name
		if name == "TTL" || name == "Claims" || name == "Audience" || name == "Granted" {
			continue
		}
		got := reflect.ValueOf(id).FieldByName(name)
		if !got.IsValid() || !reflect.DeepEqual(got.Interface(), reflect.ValueOf(sub).Field(i).Interface()) {
			t.Errorf("Subject.%s is not Identity.%s", name, name)
		}
	}
	for i := range reflect.TypeFor[auth.Identity]().NumField() {
		field := reflect.TypeFor[auth.Identity]().Field(i)
		optional := slices.Contains([]string{"Issuer", "ClientID", "Audience", "ACR"}, field.Name) // not every format has them
		if field.IsExported() && !optional && reflect.ValueOf(id).Field(i).IsZero() {
			t.Errorf("Identity.%s is zero", field.Name)
		}
	}
	sub.SessionID = ""
	if id := s.accepted(t, s.issue(t, sub).Token); id.SessionID != "" || id.UserID != sub.UserID {
		t.Error("a token without a session is read as one with")
	}
}

func (s tokenIssuer) times(t *testing.T) {
	now := time.Now()
	issued := s.issue(t, subject(t, 1))
	id := s.accepted(t, issued.Token)
	if !id.ExpiresAt.Equal(issued.ExpiresAt) {
		t.Errorf("ExpiresAt is %v in the token and %v beside it", id.ExpiresAt, issued.ExpiresAt)
	}
	if id.IssuedAt.After(now) || now.Sub(id.IssuedAt) >= time.Second {
		t.Errorf("IssuedAt is %v, want the second of %v", id.IssuedAt, now)
	}
	if !id.ExpiresAt.After(id.IssuedAt) {
		t.Error("the token expires before it is issued")
	}
	sub := subject(t, 1)
	sub.AuthTime = now.Add(-time.Minute).In(time.FixedZone("east", 9*60*60))
	authTime := s.accepted(t, s.issue(t, sub).Token).AuthTime
	if authTime.After(sub.AuthTime) || sub.AuthTime.Sub(authTime) >= time.Second {
		t.Errorf("AuthTime is %v, want the second of %v", authTime, sub.AuthTime)
	}
	for _, at := range []time.Time{issued.ExpiresAt, id.ExpiresAt, id.IssuedAt, id.AuthTime, authTime} {
		if at.Location() != time.UTC || at.Nanosecond() != 0 {
			t.Errorf("%v is not UTC in whole seconds", at)
		}
	}
}

func (s tokenIssuer) ids(t *testing.T) {
	demand := func(text string, mayRefuse bool) {
		t.Helper()
		for _, sub := range []auth.Subject{{UserID: text, SessionID: "1"}, {UserID: "1", SessionID: text}} {
			sub.AuthTime = subject(t, 1).AuthTime
			issued, err := s.Issue(t.Context(), sub)
			switch {
			case err == nil:
				if id := s.accepted(t, issued.Token); id.UserID != sub.UserID || id.SessionID != sub.SessionID {
					t.Errorf("user %q with session %q came back as %q with %q", sub.UserID, sub.SessionID, id.UserID, id.SessionID)
				}
			case mayRefuse:
				wantZero(t, "Issue", issued)
			default:
				t.Errorf("Issue for user %q with session %q: %v", sub.UserID, sub.SessionID, err)
			}
		}
	}
	for _, text := range []string{"1", "0", "01", "1e3", "홍길동", "Ada", "e\u0301", "\u00e9", `a"b\c`, "<&>", " ", " a ", "null", "a.b", strings.Repeat("x", 64), "\u2028", "\ufffd", "\U0010ffff"} {
		demand(text, false)
	}
	for _, text := range []string{"\xff", "a\xffb", "\xed\xa0\x80", "\x00", "a\x00b", "a\n", "\r\n", "\x1b[2J", "\x7f", "\ufeff", strings.Repeat("x", 1<<14)} {
		demand(text, true)
	}
}

func (s tokenIssuer) noUser(t *testing.T) {
	sub := subject(t, 1)
	sub.UserID = ""
	issued, err := s.Issue(t.Context(), sub)
	if err == nil {
		t.Error("Issue without a user ID returned no error")
	}
	wantZero(t, "Issue", issued)
}

func (s tokenIssuer) unique(t *testing.T) {
	tokens, ids := map[string]bool{}, map[string]bool{}
	for range 100 {
		issued := s.issue(t, subject(t, 1))
		tokens[issued.Token] = true
		ids[s.accepted(t, issued.Token).TokenID] = true
	}
	if len(tokens) != 100 || len(ids) != 100 {
		t.Errorf("100 tokens are %d different texts with %d different IDs", len(tokens), len(ids))
	}
}

func (s tokenIssuer) expiry(t *testing.T) {
	issued := s.issue(t, subject(t, 1))
	sleepUntil := func(offset time.Duration) { time.Sleep(time.Until(issued.ExpiresAt.Add(offset))) }
	for _, before := range []time.Duration{time.Until(issued.ExpiresAt) / 2, time.Second, time.Millisecond, 1} {
		sleepUntil(-before)
		s.accepted(t, issued.Token)
	}
	for _, after := range []time.Duration{0, 1, 500 * time.Millisecond, time.Second, time.Second + 1, 30 * time.Second, time.Minute, 5 * time.Minute, time.Hour, 24 * time.Hour, 1000 * time.Hour} {
		sleepUntil(after)
		s.refused(t, fmt.Sprintf("a token %v after its expiry", after), issued.Token, true)
	}
}

func (s tokenIssuer) ttl(t *testing.T) {
	for _, ttl := range []time.Duration{time.Second, 3 * time.Minute, 100 * time.Hour} {
		sub := subject(t, 1)
		sub.TTL = ttl
		issued := s.issue(t, sub)
		id := s.accepted(t, issued.Token)
		if got := id.ExpiresAt.Sub(id.IssuedAt); got != ttl || !id.ExpiresAt.Equal(issued.ExpiresAt) {
			t.Errorf("asked for a TTL of %v, got %v, until %v and %v", ttl, got, id.ExpiresAt, issued.ExpiresAt)
		}
		time.Sleep(time.Until(issued.ExpiresAt))
		s.refused(t, "a token at its expiry", issued.Token, true)
	}
	for _, ttl := range []time.Duration{-time.Second, 1, time.Second + 1, 1 << 62} {
		sub := subject(t, 1)
		sub.TTL = ttl
		issued, err := s.Issue(t.Context(), sub)
		if err == nil {
			t.Errorf("a TTL of %v is taken", ttl)
		}
		wantZero(t, "Issue", issued)
	}
}

func (s tokenIssuer) audience(t *testing.T) {
	const nobody = "https://nobody.authtest.example"
	refused := func(what string, sub auth.Subject) {
		t.Helper()
		issued, err := s.Issue(t.Context(), sub)
		if wrong, ok := errors.AsType[*auth.InputError](err); !ok || wrong.Field != "audience" {
			t.Errorf("Issue for %s: %v, want an *InputError of the field audience", what, err)
		}
		wantZero(t, "Issue", issued)
	}
	sub := subject(t, 1)
	all := strings.Fields(s.accepted(t, s.issue(t, sub).Token).Audience)
	if slices.Contains(all, nobody) {
		t.Errorf("a token is for %s, whom nobody asked for", nobody)
	}
	read := 0 // those of others Parse need not accept
	for _, one := range all {
		for what, sub := range map[string]auth.Subject{
			"asked for alone":        {Audience: []string{one}},
			"asked for twice":        {Audience: []string{one, one}},
			"granted alone":          {Granted: []string{one}},
			"granted beside another": {Granted: []string{nobody, one}},
			"of several granted":     {Audience: []string{one}, Granted: append([]string{nobody}, all...)},
		} {
			sub.UserID, sub.AuthTime = "1", subject(t, 1).AuthTime
			id, err := s.Parse(t.Context(), s.issue(t, sub).Token)
			if err != nil {
				continue
			}
			if read++; id.Audience != one {
				t.Errorf("an audience that was %s is one of %q", what, id.Audience)
			}
		}
		sub.Audience, sub.Granted = []string{one}, []string{nobody}
		refused("an audience that was not granted", sub)
		sub.Audience, sub.Granted = []string{one, nobody}, nil
		refused("an audience beside one that there is", sub)
		sub.Audience, sub.Granted = []string{one, nobody}, []string{one, nobody}
		refused("an audience that is granted and not there any more", sub)
	}
	if len(all) > 0 && read == 0 {
		t.Error("no token for one of the audiences is accepted")
	}
	sub.Audience, sub.Granted = []string{nobody}, nil
	refused("an audience that is nobody's", sub)
	sub.Audience, sub.Granted = []string{""}, nil
	refused("an empty audience", sub)
	sub.Audience, sub.Granted = nil, []string{nobody}
	refused("a session of which nothing is left", sub)
}

func (s tokenIssuer) claims(t *testing.T) {
	type claims struct {
		Role   string   `json:"role"`
		Groups []string `json:"groups"`
		Big    int64    `json:"big"`
	}
	sub := subject(t, 1)
	plain := s.accepted(t, s.issue(t, sub).Token)
	want := claims{"admin\" <&> é 🦊", []string{"a", "b"}, 1<<63 - 1}
	data, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	sub.Claims = data
	id := s.accepted(t, s.issue(t, sub).Token)
	var got claims
	if err := id.Claims(&got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("claims %+v came back as %+v, %v", want, got, err)
	}
	if id.UserID != plain.UserID || id.SessionID != plain.SessionID || !id.ExpiresAt.Equal(plain.ExpiresAt) {
		t.Error("claims change who a token speaks for")
	}
	if err := id.Claims(&struct {
		Role int `json:"role"`
	}{}); !errors.Is(err, auth.ErrInvalidToken) {
		t.Errorf("claims of another type: %v, want ErrInvalidToken", err)
	}
	for _, bad := range []string{
		`{"sub":"2"}`, `{"exp":9999999999}`, `{"iat":1}`, `{"nbf":1}`, `{"jti":"1"}`, `{"iss":"a"}`, `{"aud":"a"}`, `{"Sub":"2"}`, `{"\u0073ub":"2"}`, `{"ſub":"2"}`,
		`{"client_id":"a"}`, `{"sid":"a"}`, `{"auth_time":1}`, `{"acr":"1"}`, `{"amr":[]}`, `{"cnf":{}}`, `{"act":{}}`, `{"type":"refresh"}`, `{"fresh":true}`,
		`{"a":1,"a":2}`, `[]`, `null`, `"a"`, `1`, `{`, `{}{}`, `{"a":"\ud800"}`, "{\"a\":\"\xff\"}",
		`{"a":"` + strings.Repeat("a", 1<<13) + `"}`, `{"a":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `}`,
	} {
		sub.Claims = []byte(bad)
		issued, err := s.Issue(t.Context(), sub)
		if err == nil {
			t.Errorf("the claims %.40s are taken", bad)
		}
		wantZero(t, "Issue", issued)
	}
	// The names of data may differ in nothing but case. A map keeps them apart, and
	// one field of a struct cannot.
	sub.Claims = []byte(`{"role":"a","Role":"b","groups":{"Go":1,"go":2}}`)
	id = s.accepted(t, s.issue(t, sub).Token)
	var all map[string]json.RawMessage
	if err := id.Claims(&all); err != nil || string(all["role"]) != `"a"` || string(all["Role"]) != `"b"` || string(all["groups"]) != `{"Go":1,"go":2}` {
		t.Errorf("claims that differ only in case came back as %s, %v", all, err)
	}
	if err := id.Claims(&struct{ Role string }{}); !errors.Is(err, auth.ErrInvalidToken) {
		t.Errorf("two claims for one field: %v, want ErrInvalidToken", err)
	}
	for _, none := range []string{"", "{}", " { } "} {
		sub.Claims = []byte(none)
		s.accepted(t, s.issue(t, sub).Token)
	}
}

func (s tokenIssuer) tampered(t *testing.T) {
	issued := s.issue(t, subject(t, 1))
	token := issued.Token
	for i := range len(token) {
		for _, c := range []byte("Ax.-= \n") {
			if token[i] != c {
				s.refused(t, "a token with one byte changed", token[:i]+string(c)+token[i+1:], false)
			}
		}
		s.refused(t, "a token with one byte removed", token[:i]+token[i+1:], false)
		s.refused(t, "a token cut short", token[:i], false)
	}
	for _, extra := range []string{"A", "=", ".", " ", "\n", "\x00", "." + token} {
		s.refused(t, "a token with something behind it", token+extra, false)
		s.refused(t, "a token with something before it", extra+token, false)
	}
	other := s.issue(t, subject(t, 2)).Token
	a, b := strings.Split(token, "."), strings.Split(other, ".")
	if len(a) == len(b) && len(a) > 1 { // a signature of other content
		s.refused(t, "a token with another's signature", strings.Join(append(a[:len(a)-1:len(a)-1], b[len(b)-1]), "."), false)
	}
	// Expiry is looked at last: of a forged token nothing is known, so not that either.
	time.Sleep(time.Until(issued.ExpiresAt.Add(time.Hour)))
	for i := range len(token) {
		other := "A"
		if token[i] == 'A' {
			other = "x"
		}
		s.refused(t, "an expired token with one byte changed", token[:i]+other+token[i+1:], false)
		s.refused(t, "an expired token with one byte removed", token[:i]+token[i+1:], false)
	}
}

// unsigned is for tokens that are JWTs (RFC 8725 §2.1).
func (s tokenIssuer) unsigned(t *testing.T) {
	parts := strings.Split(s.issue(t, subject(t, 1)).Token, ".")
	data, err := base64.RawURLEncoding.DecodeString(parts[0])
	var issued map[string]any
	if len(parts) != 3 || err != nil || json.Unmarshal(data, &issued) != nil {
		return
	}
	for _, alg := range []any{"none", "None", "NONE", "nOnE", "", nil} {
		changed := maps.Clone(issued)
		changed["alg"] = alg
		for _, header := range []map[string]any{changed, {"alg": alg}, {"alg": alg, "typ": "JWT"}} {
			data, _ := json.Marshal(header) // of strings
			unsigned := base64.RawURLEncoding.EncodeToString(data) + "." + parts[1]
			for _, end := range []string{"", ".", ".AA", "." + parts[2]} {
				s.refused(t, fmt.Sprintf("a token with the header %s and %q behind its payload", data, end), unsigned+end, false)
			}
		}
	}
}

func (s tokenIssuer) garbage(t *testing.T) {
	for _, token := range []string{
		"", " ", ".", "..", "...", "....", "a", "a.b.c", "null", "{}", "\x00", "\xff", "Bearer x",
		"eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.", strings.Repeat("A", 1<<20), strings.Repeat(".", 1<<20), strings.Repeat("[", 1<<16),
	} {
		s.refused(t, "garbage", token, false)
	}
}

func (s tokenIssuer) silentErrors(t *testing.T) {
	issued := s.issue(t, subject(t, 1))
	token := issued.Token
	for range 2 { // before its expiry and after it
		for _, refused := range []string{token, token + "A", token + ".", "A" + token, token[:len(token)/2], "Bearer " + token} {
			_, err := s.Parse(t.Context(), refused)
			if err == nil {
				continue
			}
			text := fmt.Sprintf("%v %+v %#v", err, err, err)
			for part := range strings.SplitSeq(token, ".") {
				if len(part) >= 16 && strings.Contains(text, part[:16]) {
					t.Errorf("an error repeats a token, or a part of it that begins with %q", part[:16])
				}
			}
		}
		time.Sleep(time.Until(issued.ExpiresAt.Add(time.Second)))
	}
}

func (s tokenIssuer) concurrent(t *testing.T) {
	var wg sync.WaitGroup
	for i := range racers {
		sub := subject(t, i)
		wg.Go(func() {
			issued, err := s.Issue(t.Context(), sub)
			if err != nil {
				t.Errorf("Issue: %v", err)
				return
			}
			if id, err := s.Parse(t.Context(), issued.Token); err != nil || id.UserID != sub.UserID {
				t.Errorf("Parse: %v", err)
			}
		})
	}
	wg.Wait()
}
