package token

import (
	"bytes"
	"errors"
)

// Set is keys, each with an ID of its own, that tokens are verified with. It is
// immutable and safe for concurrent use; nil is an empty one.
type Set struct {
	first    Key // signs, if it can
	byID     map[string]Key
	byHeader map[string]Key // by what Sign writes before the first dot
}

// NewSet returns a set of at least one key.
func NewSet(keys []Key) (*Set, error) {
	if len(keys) == 0 {
		return nil, errors.New("no keys")
	}
	s := &Set{keys[0], make(map[string]Key, len(keys)), make(map[string]Key, len(keys))}
	for _, k := range keys {
		if k.material == nil {
			return nil, errors.New("a key is the zero Key")
		}
		if _, ok := s.byID[k.id]; ok {
			return nil, errors.New("two keys have the same ID")
		}
		s.byID[k.id] = k
		if validKeyID(k.id) { // or the header would have something to escape
			s.byHeader[k.head] = k
		}
	}
	return s, nil
}

// signs returns the key with which Sign makes tokens that begin so.
func (s *Set) signs(header string) (Key, bool) {
	if s == nil {
		return Key{}, false
	}
	k, ok := s.byHeader[header]
	return k, ok
}

// key returns the key of an ID. "" is no ID, and stands for the only key there is.
func (s *Set) key(id string) (Key, bool) {
	if s == nil {
		return Key{}, false
	}
	if id == "" && len(s.byID) == 1 {
		for _, k := range s.byID {
			return k, true
		}
	}
	k, ok := s.byID[id]
	return k, ok
}

// PublicSet returns the public keys as a JWK Set (RFC 7517 §5). Secrets are not among
// them.
func PublicSet(keys []Key) []byte {
	var list [][]byte
	for _, k := range keys {
		if jwk, ok := k.Public(); ok {
			list = append(list, jwk)
		}
	}
	return append(append([]byte(`{"keys":[`), bytes.Join(list, []byte(","))...), "]}"...)
}
