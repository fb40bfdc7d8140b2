package refresh_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/seed89488a0c/auth/internal/refresh"
)

func TestTextRoundTrips(t *testing.T) {
	token := refresh.New()
	text := token.Text()
	if len(text) != 86 || len(token.SessionID()) != 22 {
		t.Errorf("%d characters, %d of the session", len(text), len(token.SessionID()))
	}
	again, ok := refresh.Parse(text)
	if !ok || again != token {
		t.Error("another token came back")
	}
	if other := refresh.New(); other == token || other.SessionID() == token.SessionID() || other.Family() == token.Family() || other.Digest() == token.Digest() {
		t.Error("two new tokens have something in common")
	}
}

// The parts are where they are said to be, by a reading of their own.
// ASVS 5.0 7.2.3, 11.5.1
func TestParts(t *testing.T) {
	token := refresh.New()
	raw, err := base64.RawURLEncoding.DecodeString(token.Text())
	if err != nil || len(raw) != 64 {
		t.Fatal(len(raw), err)
	}
	if token.SessionID() != base64.RawURLEncoding.EncodeToString(raw[:16]) {
		t.Error("the session is elsewhere")
	}
	if token.Family() != sha256.Sum256(raw[16:32]) || token.Digest() != sha256.Sum256(raw[32:]) {
		t.Error("the digests are of something else")
	}
	nonce := refresh.NewNonce()
	next := token.Next(nonce)
	mac := hmac.New(sha256.New, nonce[:])
	mac.Write(raw[32:])
	if next.Digest() != sha256.Sum256(mac.Sum(nil)) || next.SessionID() != token.SessionID() || next.Family() != token.Family() {
		t.Error("the next token is another")
	}
	if next != token.Next(nonce) || next == token.Next(refresh.NewNonce()) || next == token {
		t.Error("the next token does not follow from token and nonce alone")
	}
}

func TestParseRefuses(t *testing.T) {
	text := refresh.New().Text()
	for _, bad := range []string{
		"", " ", ".", text[:85], text + "A", text + "=", " " + text, text + "\n", text[:85] + "\n", text[:40] + "\n" + text[41:], text[:85] + ".", text[:85] + "+",
		strings.Repeat("A", 85) + "B", strings.Repeat("é", 43), strings.Repeat("A", 1<<20), "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.",
	} {
		if token, ok := refresh.Parse(bad); ok || token != (refresh.Token{}) {
			t.Errorf("%.90q is taken", bad)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(refresh.New().Text())
	f.Add(strings.Repeat("A", 86))
	f.Add(strings.Repeat("A", 85) + "B")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		if token, ok := refresh.Parse(text); ok && token.Text() != text {
			t.Errorf("%q is another spelling of %q", text, token.Text())
		}
	})
}
