package token

import "sync/atomic"

// Latest compiles what a source of keys gives, and keeps what it was given last: a source
// answers with the same pointer as long as nothing changes. S is the source's form of a
// set. It is safe for concurrent use; the zero value has nothing yet.
type Latest[S any] struct{ kept atomic.Pointer[compiled[S]] }

type compiled[S any] struct {
	from *S
	all  *Set
}

// Set returns the set of the keys that from has, or says what is wrong with them; what was
// kept before stays then.
func (l *Latest[S]) Set(from *S, keys func(*S) []Key) (*Set, error) {
	if kept := l.kept.Load(); kept != nil && kept.from == from {
		return kept.all, nil
	}
	all, err := NewSet(keys(from))
	if err != nil {
		return nil, err
	}
	l.kept.Store(&compiled[S]{from, all})
	return all, nil
}
