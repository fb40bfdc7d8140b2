// Package legacyhash verifies the password hashes of other systems, so that a
// service can take over a user table and its users notice nothing. What is still
// recommended can also be produced; new services use [auth.Argon2id], the
// default, and do not need this package.
//
// A table is taken over with [Combine]: one hasher for new hashes and any number
// that only verify. Each login with a hash that is not the primary's replaces
// it, by compare-and-swap. Until its owner returns, a weak hash stays weak; a
// [Wrapper] makes it strong at once, without the password.
//
// # Formats
//
//	Argon2i         $argon2i$v=19$            argon2-cffi, passlib, PHP, Laravel
//	Bcrypt          $2a$ $2b$ $2y$            bcrypt, PHP, Laravel, Node, Ruby; produced
//	BcryptSHA256    $bcrypt-sha256$           passlib, versions 1 and 2
//	Devise          $2a$                      Devise for Rails, with its pepper
//	Scrypt          $scrypt$                  passlib and other PHC strings; produced
//	PBKDF2          $pbkdf2-sha256$ $pbkdf2-sha512$ $pbkdf2$   passlib; produced, not the last
//	Django          pbkdf2_sha256$ pbkdf2_sha1$ argon2$ scrypt$ bcrypt$ bcrypt_sha256$
//	Werkzeug        pbkdf2: scrypt:           Flask
//	Spring          {bcrypt} {pbkdf2} {argon2} {scrypt}, and the last three @SpringSecurity_v5_8
//	PHPass          $P$ $H$                   WordPress before 6.8, phpBB 3
//	ASPNETIdentity  base64                    ASP.NET Core Identity 2 and 3
//	FirebaseScrypt  $firebase-scrypt$         Firebase Authentication
//	Appended        those of another hasher, of the password with a constant text behind it
//
// Laravel has no form of its own: its drivers are PHP's password_hash, so
// [Bcrypt], [Argon2i] and [auth.Argon2id] verify its rows.
//
// # Caps
//
// A stored hash is hostile input. Whatever exceeds these caps is
// [auth.ErrMalformedHash] before any work. The times are those of one core of a
// server at the cap, for a password of usual length.
//
//	any           1024 bytes of text
//	Argon2i       256 MiB, 16 passes, 1 GiB in all passes, 16 threads;
//	              salt 8 to 64 bytes, digest 16 to 64     256 MiB, 1 s
//	bcrypt        cost 4 to 15                              4 KiB, 2.5 s
//	scrypt        128·N·r at most 256 MiB, N·r·p 2^22,
//	              r and p 64                              256 MiB, 2.5 s
//	PBKDF2        5,000,000 rounds; with SHA-512 2,000,000      0, 1.5 s; 2 s
//	PHPass        2^7 to 2^19 rounds                            0, 0.1 s; 4 s for 4096 bytes
//	Wrapper       the inner and the outer hash's, added
//
// Digests have exactly the length of their scheme, except Argon2's: a digest
// that is cut short would have many passwords.
//
// # Spelling
//
// Each hash has one spelling, the one that its origin writes; any other is
// ErrMalformedHash, so what is accepted is what would be written. passlib also
// verifies '+' for '.', padding, white space and numbers with leading zeros,
// which it never writes: these are refused, as are digits of hexadecimal in
// upper case, bits of base64 that no byte uses, and parameters in another order.
//
// # Passwords
//
// Passwords are used byte for byte, as UTF-8 that was neither normalised nor
// trimmed: what all these origins do. bcrypt alone reads no more than 72 bytes, see
// [Bcrypt]; passwords that were digested before, as in BcryptSHA256, are read whole.
// A password with a NUL is not hashed, and no hash verifies it: to
// PBKDF2, scrypt and bcrypt it would be the same as one without.
//
// # Errors
//
// Verify returns auth.ErrUnknownHash for a string that is not of the hasher's
// family, auth.ErrMalformedHash for one that is, but damaged or over the caps;
// Inspect is zero for both. All types are safe for concurrent use.
package legacyhash
