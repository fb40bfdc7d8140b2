package authhttp

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// decodeStrings reads one JSON object whose values are strings and gives each
// to the function of its name. encoding/json alone would take names in any
// case, the last of two members, null for a string, and U+FFFD for what is not
// UTF-8 or half a surrogate pair: then two servers could read two requests from
// one text. An error names a member if its name is short and plain.
func decodeStrings(data []byte, members map[string]func(string)) error {
	if !utf8.Valid(data) || !json.Valid(data) || hasHalfSurrogate(data) {
		return badRequest("malformed_json", "The request is not valid JSON.")
	}
	d := json.NewDecoder(bytes.NewReader(data))
	if t, _ := d.Token(); t != json.Delim('{') {
		return badRequest("invalid_type", "The request must be a JSON object.")
	}
	seen := make(map[string]bool, len(members))
	for d.More() {
		t, _ := d.Token()
		name, _ := t.(string)
		set, known := members[name]
		if !known {
			return unknownMember(name)
		}
		if seen[name] {
			p := badRequest("duplicate_member", "The request has a member twice.")
			p.Field = name
			return p
		}
		seen[name] = true
		// The error of a number out of range leaves no string either.
		t, _ = d.Token()
		value, isString := t.(string)
		if !isString {
			p := badRequest("invalid_type", "A member of the request must be a string.")
			p.Field = name
			return p
		}
		set(value)
	}
	return nil
}

// unknownMember is the answer to a member that is not known. It names what a typo or
// another version of the client can have written, and nothing else.
func unknownMember(name string) *problem {
	p := badRequest("unknown_member", "The request has a member that is not known here.")
	strange := func(c rune) bool {
		return (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '_' && c != '-'
	}
	if name != "" && len(name) <= maxNamed && !strings.ContainsFunc(name, strange) {
		p.Field, p.Sentence = name, "The request has a member that is not known here: "+name+"."
	}
	return p
}

// maxNamed is the longest name in bytes that an answer repeats.
const maxNamed = 32

func badRequest(code, sentence string) *problem {
	return &problem{Status: http.StatusBadRequest, Code: code, Sentence: sentence}
}

// hasHalfSurrogate reports whether a valid JSON text has an escaped surrogate
// that is not one of a pair (RFC 8259 §8.2).
func hasHalfSurrogate(data []byte) bool {
	for i := 0; i < len(data); i++ {
		if data[i] != '\\' {
			continue
		}
		i++
		if data[i] != 'u' || !utf16.IsSurrogate(codeUnit(data[i+1:])) {
			continue
		}
		high, rest := codeUnit(data[i+1:]), data[i+5:]
		if !bytes.HasPrefix(rest, []byte(`\u`)) || utf16.DecodeRune(high, codeUnit(rest[2:])) == utf8.RuneError {
			return true
		}
		i += len(`XXXX\uXXXX`)
	}
	return false
}

// codeUnit reads four hexadecimal digits.
func codeUnit(digits []byte) rune {
	n, _ := strconv.ParseUint(string(digits[:4]), 16, 16)
	return rune(n)
}
