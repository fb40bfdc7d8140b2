package token

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// TextForm returns what a secret is that is no random bytes but the text of some, or a
// file of another kind: "PEM", "a JWK", "hexadecimal", "base64", "UTF-16 text", "text"
// or "DER"; "" for anything else. Of 32 random bytes, one in ten billion is text and
// one in a hundred million begins as DER does.
func TextForm(secret []byte) string {
	text := bytes.TrimSpace(secret)
	switch {
	case isDER(secret):
		return "DER"
	case isUTF16(secret):
		return "UTF-16 text"
	case len(secret) == 0 || !isText(secret):
		return ""
	case bytes.Contains(text, []byte("-----BEGIN ")):
		return "PEM"
	case len(text) > 0 && text[0] == '{':
		return "a JWK"
	}
	if _, form := decodeSecret(text); form != "" {
		return form
	}
	return "text"
}

// decodeSecret returns the bytes that a text spells in hexadecimal or in base64, of
// either alphabet, padded or not, in one line or several, and which of them it is. What
// has letters of one case alone is no base64 but a passphrase or damaged hexadecimal:
// of 32 random bytes that is so four times in ten billion.
func decodeSecret(text []byte) (secret []byte, form string) {
	joined := strings.Map(func(r rune) rune {
		if r == '\r' || r == '\n' {
			return -1
		}
		return r
	}, string(text))
	if b, err := hex.DecodeString(joined); err == nil && len(b) > 0 {
		return b, "hexadecimal"
	}
	if !strings.ContainsFunc(joined, unicode.IsUpper) || !strings.ContainsFunc(joined, unicode.IsLower) {
		return nil, ""
	}
	unpadded := strings.TrimRight(joined, "=")
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		b, err := encoding.Strict().DecodeString(unpadded)
		if err == nil && len(joined)-len(unpadded) <= 2 {
			return b, "base64"
		}
	}
	return nil, ""
}

// isText reports whether b is UTF-8 without control characters but tabs and line breaks.
func isText(b []byte) bool {
	return utf8.Valid(b) && !bytes.ContainsFunc(b, func(r rune) bool {
		return unicode.IsControl(r) && r != '\t' && r != '\r' && r != '\n'
	})
}

// isUTF16 reports whether b is ASCII in UTF-16, as what PowerShell's > writes.
func isUTF16(b []byte) bool {
	if len(b) < 4 || len(b)%2 > 0 {
		return false
	}
	order := 0 // where the high byte is
	if b[0] == 0xFF && b[1] == 0xFE || b[1] == 0 {
		order = 1
	}
	if b[order] == 0xFE || b[order] == 0xFF { // the mark of the order
		b = b[2:]
	}
	for i := 0; i < len(b); i += 2 {
		if low := b[i+1-order]; b[i+order] != 0 || low == 0 || low >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// isDER reports whether b begins as a key or a certificate in DER does, also one that
// was cut short: a SEQUENCE that begins with a version, the modulus of an RSA key, an
// algorithm, or another long SEQUENCE. A public key is no secret.
func isDER(b []byte) bool {
	if len(b) < 8 || b[0] != 0x30 {
		return false
	}
	inner := b[2:] // after a length of one byte, of two, or of three
	switch {
	case b[1] == 0x81:
		inner = b[3:]
	case b[1] == 0x82:
		inner = b[4:]
	case b[1] > 0x80 || int(b[1]) < len(b)-2:
		return false
	}
	switch long := inner[1] == 0x81 || inner[1] == 0x82; inner[0] {
	case 0x02: // INTEGER
		return long || inner[1] == 1 && inner[2] <= 3 && bytes.IndexByte([]byte{0x02, 0x04, 0x30}, inner[3]) >= 0
	case 0x30:
		return long || inner[1] < 0x20 && inner[2] == 0x06 // OBJECT IDENTIFIER
	}
	return false
}

// Generate returns a random HMAC key.
func Generate() Key {
	secret := make([]byte, 32)
	rand.Read(secret) // never fails
	key, _ := NewHMAC(secret)
	return key
}

// NewSecret is [NewHMAC] of random bytes: a secret that is the text of some, or a file
// of another kind, is [ErrInvalidKey], with a hint.
func NewSecret(secret []byte) (Key, error) {
	if len(secret) > MaxKeyText {
		return NewHMAC(secret) // which refuses it unread
	}
	switch form := TextForm(secret); form {
	case "":
		return NewHMAC(secret)
	case "text":
		return Key{}, fmt.Errorf("%w: text, not random bytes; a passphrase is no key", ErrInvalidKey)
	case "UTF-16 text", "DER":
		return Key{}, fmt.Errorf("%w: %s, not random bytes", ErrInvalidKey, form)
	default:
		return Key{}, fmt.Errorf("%w: %s, not random bytes; ParseKey reads it", ErrInvalidKey, form)
	}
}

// ParseAny is [ParseKey] of a text, and [NewSecret] of anything else.
func ParseAny(b []byte) (Key, error) {
	if len(b) <= MaxKeyText {
		switch TextForm(b) {
		case "", "text", "UTF-16 text", "DER":
			return NewSecret(b)
		}
	}
	return ParseKey(b)
}
