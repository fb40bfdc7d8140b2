package token

import "context"

type contextKey struct{}

// NewContext returns a context that carries who is asking. The key is the same
// for all packages that put an identity there.
func NewContext(ctx context.Context, id Identity) context.Context {
	return context.WithValue(ctx, contextKey{}, id)
}

// FromContext returns who is asking, and whether anybody is known to.
func FromContext(ctx context.Context) (Identity, bool) {
	id, ok := ctx.Value(contextKey{}).(Identity)
	return id, ok
}
