// Package draw chooses by a key: the same key always draws the same, and only who
// has the secret knows what.
package draw

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"slices"
)

// By returns a function that draws the place of one of the weights, each as often as
// it is large. At least one is not 0, and their sum is below 1<<34, so that the bias
// is below 2^-30. The secret is copied, and does not print.
func By(secret []byte) func(key string, weights []uint64) int {
	secret = slices.Clone(secret)
	return func(key string, weights []uint64) int {
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(key))
		var total uint64
		for _, w := range weights {
			total += w
		}
		drawn := binary.BigEndian.Uint64(mac.Sum(nil)) % total
		place := 0
		for drawn >= weights[place] {
			drawn -= weights[place]
			place++
		}
		return place
	}
}

// Lots is things of which a key draws one, by their weights.
type Lots[T any] struct {
	things  []T
	weights []uint64
	by      func(key string, weights []uint64) int
}

// New returns lots with one thing in it, of no weight. Nothing is asked of the secret
// while there is no other.
func New[T any](secret []byte, first T) *Lots[T] {
	return &Lots[T]{[]T{first}, []uint64{0}, By(secret)}
}

// First returns the first thing.
func (l *Lots[T]) First() T { return l.things[0] }

// Weigh adds to the weight of the first thing.
func (l *Lots[T]) Weigh(weight uint32) { l.weights[0] += uint64(weight) }

// Add adds a thing.
func (l *Lots[T]) Add(thing T, weight uint32) {
	l.things, l.weights = append(l.things, thing), append(l.weights, uint64(weight))
}

// Draw returns what a key draws: the same one always. Where there are several, one of
// them has a weight.
func (l *Lots[T]) Draw(key string) T {
	if len(l.things) == 1 {
		return l.things[0]
	}
	return l.things[l.by(key, l.weights)]
}
