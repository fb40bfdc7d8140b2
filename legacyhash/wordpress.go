package legacyhash

import (
	"context"
	"crypto/hmac"
	"crypto/sha512"
	"encoding/base64"
	"strings"

	"github.com/seed89488a0c/auth"
)

// WordPress verifies what WordPress has in wp_users.user_pass:
//
//	$wp$2y$…     since 6.8: bcrypt of base64(HMAC-SHA384(password))
//	$P$…         before: phpass
//	an MD5       before 2.5
//
// The last two are weak, with the 8,192 rounds that WordPress writes. It does not
// hash. Like WordPress at a login it hashes the password with backslashes before
// quotes and backslashes, see [Slashed], and does not trim it.
//
// $P$ is [PHPass]'s as well: the two cannot be combined. An MD5 alone is [Django]'s as
// well: a table of both is refused row by row ([ErrAmbiguousHash]). Plain $2y$, which plugins
// write, is a [Prepared] with Slashed around [Bcrypt].
type WordPress struct{ verifyOnly }

var _ family = WordPress{}

// Verify reports whether encoded is a hash of p.
func (w WordPress) Verify(_ context.Context, encoded string, p auth.Password) (bool, error) {
	return verify(w, encoded, p)
}

// Inspect describes encoded, which is always outdated.
func (w WordPress) Inspect(encoded string) auth.HashInfo { return inspect(w, encoded) }

func (WordPress) parse(encoded string) (r record, err error) {
	scheme := "wordpress-bcrypt"
	if rest, ok := strings.CutPrefix(encoded, "$wp$2y$"); ok {
		r, _, err = bcryptRecord("$2y$" + rest)
		r.digested(wordpressKeyed)
	} else if strings.HasPrefix(encoded, "$P$") {
		scheme = "wordpress-phpass"
		r, err = phpassRecord(encoded)
	} else {
		scheme = "wordpress-md5"
		r, err = md5Record(encoded)
	}
	if err == nil {
		r.before(Slashed)
	}
	return named(scheme, r, err)
}

// wordpressKeyed is bcrypt's password: text, and short enough for it.
func wordpressKeyed(password string) string {
	mac := hmac.New(sha512.New384, []byte("wp-sha384"))
	mac.Write([]byte(password))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
