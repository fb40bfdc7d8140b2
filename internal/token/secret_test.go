package token_test

import (
	"bytes"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/seed89488a0c/auth/internal/token"
)

// utf16 returns ASCII as PowerShell writes it.
func utf16(s string, bigEndian, mark bool) []byte {
	var b []byte
	if mark {
		b = []byte{0xFF, 0xFE}
	}
	for _, c := range []byte(s) {
		b = append(b, c, 0)
	}
	if bigEndian {
		for i := 0; i < len(b); i += 2 {
			b[i], b[i+1] = b[i+1], b[i]
		}
	}
	return b
}

// What a file holds that is not random bytes is refused, by name and without a word of
// it; where it spells a key it is read.
func TestSecretsThatAreText(t *testing.T) {
	random := make([]byte, 48)
	rand.Read(random)
	random[0] = 0xff
	want, err := token.NewHMAC(random)
	if err != nil {
		t.Fatal(err)
	}
	private := ecPrivate(t, elliptic.P256())
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	hexed, std, url := hex.EncodeToString(random), base64.StdEncoding.EncodeToString(random), base64.RawURLEncoding.EncodeToString(random)
	const passphrase = "correct horse battery staple, and again\n"
	asPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
	for name, tt := range map[string]struct {
		text  []byte
		form  string
		reads bool // by ParseKey, as the same secret
	}{
		"hexadecimal":            {[]byte(hexed), "hexadecimal", true},
		"hexadecimal, line":      {[]byte(hexed + "\n"), "hexadecimal", true},
		"hexadecimal, CR LF":     {[]byte(hexed + "\r\n"), "hexadecimal", true},
		"hexadecimal, capitals":  {[]byte(strings.ToUpper(hexed)), "hexadecimal", true},
		"base64":                 {[]byte(std + "\n"), "base64", true},
		"base64 in lines":        {[]byte(std[:40] + "\n" + std[40:] + "\n"), "base64", true},
		"base64url":              {[]byte(url), "base64", true},
		"JWK":                    {[]byte(` {"kty":"oct","k":"` + url + `"}`), "a JWK", true},
		"PEM":                    {asPEM, "PEM", false},
		"PEM after a comment":    {append([]byte("my key\n"), asPEM...), "PEM", false},
		"PEM without its lines":  {bytes.Join(bytes.Split(asPEM, []byte("\n"))[1:3], []byte("\n")), "base64", false},
		"passphrase":             {[]byte(passphrase), "text", false},
		"passphrase, no spaces":  {[]byte("correcthorsebatterystaplecorrecthorsebattery"), "text", false},
		"passphrase, not ASCII":  {[]byte("비밀번호는 말 배터리 스테이플 그리고 다시"), "text", false},
		"odd hexadecimal":        {[]byte(hexed[1:] + "g"), "text", false},
		"passphrase in base64":   {[]byte(base64.StdEncoding.EncodeToString([]byte(passphrase))), "base64", false},
		"UTF-16":                 {utf16(hexed, false, true), "UTF-16 text", false},
		"UTF-16, no mark":        {utf16(hexed, false, false), "UTF-16 text", false},
		"UTF-16, big end":        {utf16(hexed, true, true), "UTF-16 text", false},
		"PKCS #8 in DER":         {pkcs8, "DER", false},
		"public key in DER":      {public, "DER", false},
		"certificate in DER":     {slices.Concat([]byte{0x30, 0x82, 1, 0x2a, 0x30, 0x82}, bytes.Repeat([]byte{0xa5}, 300)), "DER", false},
		"RSA public key in DER":  {slices.Concat([]byte{0x30, 0x81, 0x89, 0x02, 0x81, 0x81}, bytes.Repeat([]byte{0xa5}, 100)), "DER", false},
		"DER that was cut short": {slices.Concat([]byte{0x30, 0x82, 4, 0xa2, 0x02, 0x01, 0x00, 0x02}, bytes.Repeat([]byte{0xa5}, 300)), "DER", false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := token.TextForm(tt.text); got != tt.form {
				t.Errorf("taken for %q, want %q", got, tt.form)
			}
			_, err := token.NewSecret(tt.text)
			if !errors.Is(err, token.ErrInvalidKey) || !strings.Contains(err.Error(), tt.form) {
				t.Errorf("got %v, want a hint at %s", err, tt.form)
			}
			key, parseErr := token.ParseKey(tt.text)
			any, anyErr := token.ParseAny(tt.text)
			if got := parseErr == nil && key.ID() == want.ID(); got != tt.reads {
				t.Errorf("read as the secret: %t, %v", got, parseErr)
			}
			if tt.reads && (anyErr != nil || any.ID() != want.ID()) {
				t.Errorf("the file is not read: %v", anyErr)
			}
			if tt.form != "PEM" && !tt.reads && (parseErr == nil || anyErr == nil) {
				t.Errorf("accepted: %v, %v", parseErr, anyErr)
			}
			for _, err := range []error{err, parseErr, anyErr} {
				if err != nil && (strings.Contains(err.Error(), "horse") || strings.Contains(err.Error(), hexed[:8]) || strings.Contains(err.Error(), "\n")) {
					t.Errorf("the error quotes the text: %v", err)
				}
			}
		})
	}
	// The random bytes themselves are a key, also with a line break among them, and too
	// few or many are refused in their own words.
	for n := range 20_000 {
		b := make([]byte, 32+n%32)
		rand.Read(b)
		if form := token.TextForm(b); form != "" {
			t.Fatalf("%x is taken for %s", b, form)
		}
	}
	if key, err := token.ParseAny(random); err != nil || key.ID() != want.ID() {
		t.Errorf("random bytes: %v", err)
	}
	if _, err := token.ParseKey(random); !errors.Is(err, token.ErrInvalidKey) {
		t.Errorf("ParseKey took random bytes: %v", err)
	}
	for _, size := range []int{0, 31, 1025, 64<<10 + 1, 10 << 20} {
		b := bytes.Repeat([]byte{0xff, 0x80}, size)[:size]
		if _, err := token.NewSecret(b); err == nil || !strings.Contains(err.Error(), "than") {
			t.Errorf("%d bytes: %v", size, err)
		}
		if _, err := token.ParseAny(b); err == nil {
			t.Errorf("a file of %d bytes", size)
		}
	}
	if _, err := token.NewSecret(make([]byte, 32)); !errors.Is(err, token.ErrWeakKey) {
		t.Errorf("zeros: %v", err)
	}
}
