package token

import "time"

// Limits of all who issue or verify.
const (
	DefaultTTL = 15 * time.Minute
	MaxTTL     = 10 * 365 * 24 * time.Hour // from issue to expiry
	MaxLeeway  = 5 * time.Minute           // for which an expired token is still taken

	// ClockSkew is how far two machines' clocks may differ unless configured: with
	// none, a verifier that is 200 ms behind refuses tokens that are used at once.
	ClockSkew = 5 * time.Second
	MaxSkew   = time.Minute
)

// ValidTTL reports whether a token may last so long: whole seconds, from one to
// MaxTTL.
func ValidTTL(d time.Duration) bool { return d >= time.Second && d%time.Second == 0 && d <= MaxTTL }
