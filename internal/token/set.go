package token

import (
	"bytes"
	"errors"
)

// Set is keys that tokens are verified with, told apart by ID and algorithm. It is
// immutable and safe for concurrent use; nil is an empty one.
type Set struct {
	first    Key // signs, if it can
	byID     map[string][]Key
	byHeader map[string]Key // by what Sign writes before the first dot
	only     map[string]Key // by the algorithm that no other key has; the zero Key: several have it
}

// NewSet returns a set of at least one key, each with an ID of its own.
func NewSet(keys []Key) (*Set, error) {
	if len(keys) == 0 {
		return nil, errors.New("no keys")
	}
	ids := map[string]bool{}
	for _, k := range keys {
		if k.material == nil {
			return nil, errors.New("a key is the zero Key")
		}
		if ids[k.id] {
			return nil, errors.New("two keys have the same ID")
		}
		ids[k.id] = true
	}
	return newSet(keys), nil
}

// NewForeignSet returns a set of keys as [ParseSet] returns them, nil for none.
func NewForeignSet(keys []Key) *Set {
	if len(keys) == 0 {
		return nil
	}
	return newSet(keys)
}

// newSet returns a set of keys of which no two have the same ID and algorithm.
func newSet(keys []Key) *Set {
	s := &Set{keys[0], make(map[string][]Key, len(keys)), make(map[string]Key, len(keys)), map[string]Key{}}
	for _, k := range keys {
		s.byID[k.id] = append(s.byID[k.id], k)
		if validKeyID(k.id) { // or the header would have something to escape
			s.byHeader[k.head] = k
		}
		switch other, ok := s.only[k.algorithm]; {
		case !ok:
			s.only[k.algorithm] = k
		case other.material == nil || other.members == "" || other.members != k.members:
			s.only[k.algorithm] = Key{}
		}
	}
	return s
}

// signs returns the key with which Sign makes tokens that begin so.
func (s *Set) signs(header string) (Key, bool) {
	if s == nil {
		return Key{}, false
	}
	k, ok := s.byHeader[header]
	return k, ok
}

// has reports whether the very key is there.
func (s *Set) has(k *Key) bool {
	if s == nil {
		return false
	}
	list := s.byID[k.id]
	for i := range list {
		if list[i].material == k.material && list[i].algorithm == k.algorithm {
			return true
		}
	}
	return false
}

// named returns the key of an ID, which must be for the algorithm.
func (s *Set) named(id, algorithm string) (Key, error) {
	if s == nil || len(s.byID[id]) == 0 {
		return Key{}, reject(ReasonUnknownKey)
	}
	for _, k := range s.byID[id] {
		if k.algorithm == algorithm {
			return k, nil
		}
	}
	return Key{}, reject(ReasonAlgorithm)
}

// choose is named, but without an ID it returns the one key for the algorithm.
func (s *Set) choose(id, algorithm string) (Key, error) {
	if s == nil || id != "" {
		return s.named(id, algorithm)
	}
	k, ok := s.only[algorithm]
	switch {
	case !ok:
		return Key{}, reject(ReasonAlgorithm)
	case k.material == nil:
		return Key{}, reject(ReasonUnknownKey)
	}
	return k, nil
}

// canonical returns the name by which a key knows an algorithm that has several
// registered ones: RFC 9864 has Ed25519 for what RFC 8037 calls EdDSA with that curve.
func canonical(algorithm string) string {
	if algorithm == "Ed25519" {
		return "EdDSA"
	}
	return algorithm
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
