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
