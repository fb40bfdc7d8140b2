// Package phc reads and writes password hashes in the PHC string format:
//
//	$id$v=version$name=value,name=value$salt$digest
//
// It reads one spelling of each hash only, so that equal hashes are equal
// strings: what it accepts, [Hash.String] writes back byte for byte. Every size
// is bounded before anything is allocated.
//
// The format is specified at
// https://github.com/P-H-C/phc-string-format/blob/master/phc-sf-spec.md
package phc

import (
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
)

// TestID is the ID of the hashes that package authtest makes, in tests alone: outside of
// them its hasher is an error at every call, so that no Authenticator has it.
const TestID = "authtest"

// Limits of what Parse reads.
const (
	maxLength = 1024 // bytes of the whole string
	maxParams = 8
	maxName   = 32
)

// ErrMalformed says that a string is not a hash in this format.
var ErrMalformed = errors.New("phc: malformed hash")

// Hash is a parsed PHC string. The digest is always present; the salt may be empty,
// as passlib writes it for scrypt.
type Hash struct {
	ID      string // of the function, such as "argon2id"
	Version uint32 // 0 = none given
	Params  []Param
	Salt    []byte
	Digest  []byte
}

// Param is a parameter of the function, an unsigned number.
type Param struct {
	Name  string
	Value uint32
}

// ID returns the identifier of the function that s claims to be of, or "".
func ID(s string) string {
	rest, ok := strings.CutPrefix(s, "$")
	id, _, ok2 := strings.Cut(rest[:min(len(rest), maxName+1)], "$")
	if !ok || !ok2 || !isName(id) {
		return ""
	}
	return id
}

// Parse reads s. Numbers are decimal without sign or leading zeros; salt and
// digest are canonical base64 without padding.
func Parse(s string) (Hash, error) {
	if len(s) > maxLength {
		return Hash{}, ErrMalformed
	}
	fields := strings.Split(s, "$") // "", id, [v=…], [params], salt, digest
	if len(fields) < 4 || len(fields) > 6 || fields[0] != "" || !isName(fields[1]) {
		return Hash{}, ErrMalformed
	}
	h := Hash{ID: fields[1]}
	middle, last := fields[2:len(fields)-2], fields[len(fields)-2:]
	ok := true
	if len(middle) > 0 && strings.HasPrefix(middle[0], "v=") {
		h.Version, ok = number(middle[0][len("v="):])
		ok = ok && h.Version > 0
		middle = middle[1:]
	}
	if !ok || len(middle) > 1 {
		return Hash{}, ErrMalformed
	}
	if len(middle) == 1 {
		if h.Params, ok = params(middle[0]); !ok {
			return Hash{}, ErrMalformed
		}
	}
	var err, err2 error
	h.Salt, err = encoding.DecodeString(last[0])
	h.Digest, err2 = encoding.DecodeString(last[1])
	// The decoder skips line breaks.
	if err != nil || err2 != nil || len(h.Digest) == 0 || strings.ContainsAny(s, "\r\n") {
		return Hash{}, ErrMalformed
	}
	return h, nil
}

// String writes the hash.
func (h Hash) String() string {
	b := []byte("$" + h.ID)
	if h.Version > 0 {
		b = strconv.AppendUint(append(b, "$v="...), uint64(h.Version), 10)
	}
	for i, p := range h.Params {
		if i == 0 {
			b = append(b, '$')
		} else {
			b = append(b, ',')
		}
		b = strconv.AppendUint(append(append(b, p.Name...), '='), uint64(p.Value), 10)
	}
	b = encoding.AppendEncode(append(b, '$'), h.Salt)
	b = encoding.AppendEncode(append(b, '$'), h.Digest)
	return string(b)
}

var encoding = base64.RawStdEncoding.Strict()

func params(s string) ([]Param, bool) {
	if strings.Count(s, ",") >= maxParams {
		return nil, false
	}
	var list []Param
	for field := range strings.SplitSeq(s, ",") {
		name, value, _ := strings.Cut(field, "=")
		n, ok := number(value)
		if !ok || !isName(name) || name == "v" {
			return nil, false
		}
		for _, p := range list {
			if p.Name == name {
				return nil, false
			}
		}
		list = append(list, Param{name, n})
	}
	return list, true
}

func number(s string) (uint32, bool) {
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), err == nil && strconv.FormatUint(n, 10) == s
}

func isName(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return s != "" && len(s) <= maxName
}
