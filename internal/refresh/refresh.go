// Package refresh is the form of a refresh token: one that a store which keeps
// only digests can recognise as the current one, as its parent, or as neither.
//
// A token names its session, shows by a secret of its family that it was issued
// for that session, and by a secret of its own which one it is. The secret of the
// next token is a MAC of the present one's under a random nonce that is kept
// beside the digests. So all who are shown the parent and can read the nonce come
// to the same next token, without asking each other; neither the nonce nor an old
// token alone yields it.
package refresh

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
)

// Token is a refresh token. The zero Token is nobody's.
type Token struct {
	session [16]byte
	family  [16]byte
	secret  [32]byte
}

// size is that of a token in bytes, before it is written as text.
const size = 16 + 16 + 32

// Equal compares digests in constant time.
func Equal(a, b [32]byte) bool { return subtle.ConstantTimeCompare(a[:], b[:]) == 1 }

// NewNonce returns what one rotation adds.
func NewNonce() [32]byte {
	var n [32]byte
	rand.Read(n[:]) // never fails
	return n
}

// New returns the first token of a new session.
func New() Token {
	var t Token
	rand.Read(t.session[:])
	rand.Read(t.family[:])
	rand.Read(t.secret[:])
	return t
}

var encoding = base64.RawURLEncoding.Strict()

// Parse reads a token. There is one spelling of each.
func Parse(text string) (Token, bool) {
	var b [size]byte
	if len(text) != encoding.EncodedLen(size) {
		return Token{}, false
	}
	if n, err := encoding.Decode(b[:], []byte(text)); err != nil || n != size { // which skips line breaks
		return Token{}, false
	}
	var t Token
	copy(t.session[:], b[:16])
	copy(t.family[:], b[16:32])
	copy(t.secret[:], b[32:])
	return t, true
}

// Text writes the token out: it is what a client keeps.
func (t Token) Text() string {
	b := make([]byte, 0, size)
	b = append(append(append(b, t.session[:]...), t.family[:]...), t.secret[:]...)
	return encoding.EncodeToString(b)
}

// SessionID returns the ID of the token's session, 22 characters.
func (t Token) SessionID() string { return encoding.EncodeToString(t.session[:]) }

// Family returns the digest that all tokens of the session share: a SHA-256, as
// Digest is. Secrets are random, at least 128 bits of them, so that nothing slower
// is needed (ASVS 5.0 6.5.2).
func (t Token) Family() [32]byte { return sha256.Sum256(t.family[:]) }

// Digest returns the digest of this token alone.
func (t Token) Digest() [32]byte { return sha256.Sum256(t.secret[:]) }

// Next returns the token that follows this one in the rotation with this nonce.
func (t Token) Next(n [32]byte) Token {
	mac := hmac.New(sha256.New, n[:])
	mac.Write(t.secret[:])
	copy(t.secret[:], mac.Sum(nil))
	return t
}
