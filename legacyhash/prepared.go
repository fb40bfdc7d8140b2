package legacyhash

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/seed89488a0c/auth"
)

// Prepared verifies hashes of what the origin made of a password before it hashed
// it: normalised, trimmed, lowered, escaped, hashed once already.
//
//	legacyhash.Prepared{Prepare: norm.NFKC.String, Hasher: legacyhash.Werkzeug{}}
//	legacyhash.Prepared{Prepare: strings.ToLower, Hasher: legacyhash.PBKDF2{}}
//	legacyhash.Prepared{Prepare: legacyhash.SHA256Hex, Hasher: legacyhash.Bcrypt{}}
//
// The hashes do not say that they are made this way: the hasher inside must not be
// combined with the same one outside. It does not hash: what is prepared is the
// origin's concern, and new hashes are of the password itself. Of a password that could
// become longer than the hasher inside reads, as bcrypt does 72 bytes, none is made.
type Prepared struct {
	verifyOnly
	Prepare func(password string) string // the same result for the same password, at any time
	Hasher  auth.Hasher
}

var _ family = Prepared{}

// Verify reports whether encoded is the inner hasher's hash of what p becomes. Without
// a Prepare or a Hasher it knows no hash.
func (p Prepared) Verify(ctx context.Context, encoded string, password auth.Password) (bool, error) {
	if p.Prepare == nil || p.Hasher == nil {
		return false, auth.ErrUnknownHash
	}
	if encoded == "" { // which a hasher takes for its next hash
		return false, auth.ErrUnknownHash
	}
	if p.Hasher.Inspect(encoded).Scheme == "" {
		return p.Hasher.Verify(ctx, encoded, auth.Password{}) // the reason why
	}
	return p.Hasher.Verify(ctx, encoded, auth.NewPassword(p.Prepare(password.Reveal())))
}

// Inspect describes encoded as the inner hasher does, and as outdated.
func (p Prepared) Inspect(encoded string) auth.HashInfo {
	if p.Prepare == nil || p.Hasher == nil || encoded == "" {
		return auth.HashInfo{}
	}
	info := p.Hasher.Inspect(encoded)
	info.Outdated = info.Scheme != ""
	info.CutAt = p.cutAt(info.CutAt)
	return info
}

// cutAt returns from which length on a password may become one of which the hasher
// inside, which reads so many bytes, reads only the beginning. What grows most when it is
// escaped, lowered, raised, folded or normalised says how much a password may grow. If
// nothing reaches that length, as a digest does not, all of it is read.
func (p Prepared) cutAt(reads int) int {
	if reads == 0 {
		return 0
	}
	at := 0
	for _, c := range []string{"x", "'", `"`, `\`, "&", "<", "\u023a", "\u0250", "\u0390", "\ufdfa", "\U0001d160"} {
		text := strings.Repeat(c, reads)
		if grown := len(p.Prepare(text)); grown >= reads && (at == 0 || reads*len(text)/grown < at) {
			at = max(1, reads*len(text)/grown)
		}
	}
	return at
}

func (p Prepared) parse(encoded string) (record, error) {
	if p.Prepare == nil || p.Hasher == nil {
		return record{}, auth.ErrUnknownHash
	}
	r, err := recordOf(p.Hasher, encoded)
	if err != nil {
		return record{}, err
	}
	r.before(p.Prepare)
	return r, nil
}

// SHA256Hex returns the SHA-256 of a password as text. Meteor gives it to bcrypt, and
// so does Django's bcrypt_sha256.
func SHA256Hex(password string) string {
	sum := sha256.Sum256([]byte(password))
	return hex.EncodeToString(sum[:])
}

// MD5Hex returns the MD5 of a password as text: what is hashed where a table of MD5
// was once made stronger as it was.
func MD5Hex(password string) string {
	sum := md5.Sum([]byte(password))
	return hex.EncodeToString(sum[:])
}

// Slashed puts a backslash before quotes, double quotes and backslashes, and writes a
// NUL as \0, as PHP's addslashes does. WordPress hashes passwords so, since it never
// took its emulation of magic quotes off them. [WordPress] does it by itself; rows
// that a plugin made with plain bcrypt need it.
func Slashed(password string) string {
	return slasher.Replace(password)
}

var slasher = strings.NewReplacer(`'`, `\'`, `"`, `\"`, `\`, `\\`, "\x00", `\0`)

// PHPBBInput returns what phpBB makes of all input, and so of passwords: line ends as
// line feeds, no NUL, HTML's four characters as entities, then NFC. What is not UTF-8
// becomes empty, which phpBB takes for no password at all.
func PHPBBInput(password string) string {
	if !utf8.ValidString(password) {
		return ""
	}
	return norm.NFC.String(phpbbEntities.Replace(phpbbLines.Replace(password)))
}

var (
	phpbbLines    = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\x00", "")
	phpbbEntities = strings.NewReplacer("&", "&amp;", `"`, "&quot;", "<", "&lt;", ">", "&gt;")
)

// trimmed is PHP's trim.
func trimmed(password string) string { return strings.Trim(password, " \t\n\r\x00\x0b") }
