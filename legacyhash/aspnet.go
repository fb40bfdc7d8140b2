package legacyhash

import (
	"context"
	"encoding/binary"
	"strings"

	"github.com/seed89488a0c/auth"
)

// ASPNETIdentity verifies the hashes of ASP.NET Core Identity's PasswordHasher,
// which are base64 of
//
//	version 2: 0, 16 bytes of salt, 32 of digest; SHA-1 with 1,000 rounds
//	version 3: 1, function, rounds, length of the salt, 16 bytes of salt, 32 of digest
//
// The three numbers have four bytes each, big-endian; function is 0 for SHA-1, 1
// for SHA-256, 2 for SHA-512. All are PBKDF2. It does not hash.
type ASPNETIdentity struct{ verifyOnly }

var _ family = ASPNETIdentity{}

// Verify reports whether encoded is a hash of p.
func (a ASPNETIdentity) Verify(_ context.Context, encoded string, p auth.Password) (bool, error) {
	return verify(a, encoded, p)
}

// Inspect describes encoded, which is always outdated.
func (a ASPNETIdentity) Inspect(encoded string) auth.HashInfo { return inspect(a, encoded) }

func (ASPNETIdentity) parse(encoded string) (record, error) {
	const (
		saltLength, digestLength = 16, 32
		v2Header, v3Header       = 1, 13
		v3Prefix                 = "AQAAAA" // 1, 0, 0, 0 and four more bits
	)
	b, err := padded64.DecodeString(encoded)
	v2 := err == nil && len(b) == v2Header+saltLength+digestLength && b[0] == 0
	v3 := err == nil && len(b) == v3Header+saltLength+digestLength && b[0] == 1
	switch {
	case !v2 && !strings.HasPrefix(encoded, v3Prefix):
		return record{}, auth.ErrUnknownHash // version 2 has no mark that other text cannot have
	case !v2 && !v3:
		return named("aspnet-identity", record{}, errDamaged)
	}
	name, rounds, header := "sha1", 1000, v2Header
	if v3 {
		function, count := binary.BigEndian.Uint32(b[1:]), binary.BigEndian.Uint32(b[5:])
		if function > 2 || binary.BigEndian.Uint32(b[9:]) != saltLength {
			return named("aspnet-identity", record{}, errDamaged)
		}
		name, rounds, header = [...]string{"sha1", "sha256", "sha512"}[function], int(count), v3Header
	}
	f, ok := prfOf(name)
	if !ok {
		return named("aspnet-identity", record{}, errDamaged)
	}
	settings, digest := b[:header+saltLength:header+saltLength], b[header+saltLength:]
	r, err := pbkdf2Record(f, uint64(rounds), settings[header:], digest, func(digest []byte) string {
		return padded64.EncodeToString(append(settings, digest...))
	})
	return named("aspnet-identity-"+name, r, err)
}
