package legacyhash

import (
	"slices"
	"strings"
)

// cryptChars are the digits of crypt(3)'s base64, and of what came after it.
const cryptChars = "./" + digits + upper + lower

var crypt64 = alphabet(cryptChars)

// cryptEncode writes base64 with the least significant bits first, as crypt(3),
// phpass and Drupal do: that is base64 of the bytes in reverse, in reverse. Zeros
// fill up the last three bytes, and their characters are left out.
func cryptEncode(b []byte) string {
	length := (8*len(b) + 5) / 6
	b = append(slices.Clone(b), make([]byte, (3-len(b)%3)%3)...)
	slices.Reverse(b)
	text := []byte(crypt64.EncodeToString(b))
	slices.Reverse(text)
	return string(text[:length])
}

// cryptDecode reads so many bytes; ok is false for any other number of characters. Bits
// that no byte uses are dropped: cryptEncode does not write them back.
func cryptDecode(text string, size int) (b []byte, ok bool) {
	if len(text) != (8*size+5)/6 || strings.Trim(text, cryptChars) != "" {
		return nil, false
	}
	padded := []byte(text + "..."[:(4-len(text)%4)%4])
	slices.Reverse(padded)
	b, err := crypt64.AppendDecode(nil, padded)
	if err != nil {
		return nil, false
	}
	slices.Reverse(b)
	return b[:size], true
}
