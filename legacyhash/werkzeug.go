package legacyhash

import (
	"context"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/seed89488a0c/auth"
)

// Werkzeug verifies what werkzeug.security.generate_password_hash, so Flask's
// usual helper, writes:
//
//	pbkdf2:sha256:rounds$salt$digest    (sha1 and sha512 as well)
//	scrypt:N:r:p$salt$digest
//
// It does not hash.
type Werkzeug struct{ verifyOnly }

var _ family = Werkzeug{}

// Verify reports whether encoded is a hash of p.
func (w Werkzeug) Verify(_ context.Context, encoded string, p auth.Password) (bool, error) {
	return verify(w, encoded, p)
}

// Inspect describes encoded, which is always outdated.
func (w Werkzeug) Inspect(encoded string) auth.HashInfo { return inspect(w, encoded) }

func (Werkzeug) parse(encoded string) (r record, err error) {
	method, rest, _ := strings.Cut(encoded, "$")
	scheme, settings, ok := strings.Cut(method, ":")
	if !ok || scheme != "pbkdf2" && scheme != "scrypt" {
		return record{}, auth.ErrUnknownHash
	}
	salt, text, _ := strings.Cut(rest, "$") // the salt is used as text
	digest, err := hex.DecodeString(text)
	if err != nil || salt == "" {
		return record{}, auth.ErrMalformedHash
	}
	encode := func(digest []byte) string { return method + "$" + salt + "$" + hex.EncodeToString(digest) }

	if scheme == "pbkdf2" {
		name, text, _ := strings.Cut(settings, ":")
		f, known := prfOf(name)
		rounds, err := strconv.Atoi(text)
		if !known || err != nil || strconv.Itoa(rounds) != text {
			return record{}, auth.ErrMalformedHash
		}
		r, ok = pbkdf2Record(f, rounds, []byte(salt), digest, f.size, encode)
		return named("werkzeug-pbkdf2-"+name, r, ok)
	}
	var n, block, parallel int
	_, err = fmt.Sscanf(settings, "%d:%d:%d", &n, &block, &parallel)
	if err != nil || fmt.Sprintf("%d:%d:%d", n, block, parallel) != settings {
		return record{}, auth.ErrMalformedHash
	}
	r, ok = scryptRecord(n, block, parallel, []byte(salt), digest, 64, encode)
	return named("werkzeug-scrypt", r, ok)
}
